"""How diverse a set of structures is, in memory that does not grow with it; sources compared."""
