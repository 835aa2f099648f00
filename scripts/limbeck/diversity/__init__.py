"""How diverse a set of structures is: statistics only, and memory that does not grow with it."""
