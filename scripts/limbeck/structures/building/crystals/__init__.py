"""Crystals: prototypes, cells, volumes, symmetry and defects."""
