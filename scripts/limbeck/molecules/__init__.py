"""Molecules of crystals, liquids and clusters: bonds, whole molecules, clusters cut out of them."""

from limbeck.molecules.detection import Molecule, Molecules, NotMolecular, detect_molecules

__all__ = ["Molecule", "Molecules", "NotMolecular", "detect_molecules"]
