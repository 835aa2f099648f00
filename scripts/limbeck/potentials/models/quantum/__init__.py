"""Quantum mechanics: pyscf, and charges of its electron density."""
