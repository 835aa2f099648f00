"""Molecules in crystals, liquids and clusters: bonds, whole molecules, and clusters of them."""

from limbeck.molecules.detection import Molecule, Molecules, NotMolecular, detect_molecules

__all__ = ["Molecule", "Molecules", "NotMolecular", "detect_molecules"]
