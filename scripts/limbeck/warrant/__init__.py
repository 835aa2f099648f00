"""How far a model can be trusted: symmetry errors (warrant gaps), accuracy, statistics."""
