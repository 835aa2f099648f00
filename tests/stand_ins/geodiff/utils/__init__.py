"""Of MolDiff."""
