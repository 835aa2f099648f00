"""Data sets as other programs read them: extended XYZ, for ASE and for MACE."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from limbeck.datasets.delta import AtomEnergies
from limbeck.datasets.split import Dataset
from limbeck.files import whole_file
from limbeck.frames import Frames
from limbeck.labels import Labels

if TYPE_CHECKING:
    pass


def write_extxyz(path: str | Path, frames: Frames, labels: Labels) -> None:
    """Write frames with energy, forces and stress as extended XYZ, as other codes read it."""
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    structures = frames.to_atoms()
    offsets = frames.offsets
    for b, atoms in enumerate(structures):
        results: dict[str, Any] = {
            "energy": float(labels.energy[b]),
            "forces": labels.forces[offsets[b] : offsets[b + 1]],
        }
        if np.isfinite(labels.stress[b]).all():
            results["stress"] = labels.stress[b]
        atoms.calc = SinglePointCalculator(atoms, **results)
    with whole_file(path) as temporary:
        write(temporary, structures, format="extxyz")


def write_for_mace(path: str | Path, dataset: Dataset, atoms: AtomEnergies) -> None:
    """Write extended XYZ that ``mace_run_train`` reads without any option for keys.

    These are ``REF_energy`` (eV), ``REF_forces`` (eV/Angstrom) and ``REF_stress`` (eV/Angstrom^3).

    Args:
        atoms: for the training file, a frame of ``config_type=IsolatedAtom`` for each: MACE takes
            its energies of single atoms from these. In other files it would test itself on them.
    """
    from ase.io import write

    singles = [Atoms(element) for element in atoms]
    for single, energy in zip(singles, atoms.values(), strict=True):
        single.info = {"config_type": "IsolatedAtom", "REF_energy": energy}
        single.arrays["REF_forces"] = np.zeros((1, 3))
    structures, labels = dataset.frames.to_atoms(), dataset.labels
    offsets = labels.offsets
    for b, structure in enumerate(structures):
        structure.info["REF_energy"] = float(labels.energy[b])
        structure.arrays["REF_forces"] = labels.forces[offsets[b] : offsets[b + 1]]
        if np.isfinite(labels.stress[b]).all():
            structure.info["REF_stress"] = labels.stress[b]
    with whole_file(path) as temporary:
        write(temporary, singles + structures, format="extxyz")
