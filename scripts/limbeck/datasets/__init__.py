"""Data sets: split, subtracted, and written for other programs."""
