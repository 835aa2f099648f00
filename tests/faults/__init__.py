"""Faults injected into runs, at drawn places, and what the same command makes of them."""
