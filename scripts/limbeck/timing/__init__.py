"""What one evaluation costs: CPU time against the number of atoms, for every model of a run."""
