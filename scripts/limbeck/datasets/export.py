"""Data sets as other programs read them: extended XYZ, for ASE and for MACE."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from limbeck.datasets.atom_energies import AtomEnergies
from limbeck.datasets.split import Dataset
from limbeck.files import whole_file
from limbeck.geometry import as_given
from limbeck.properties import of_one, property_of

#: mace-torch's own names (``mace.tools.default_keys``) where they are not REF_ and the property's
MACE_KEYS = {"dipole": "dipole"}


def write_extxyz(path: str | Path, dataset: Dataset) -> None:
    """Write frames and their labels as extended XYZ, under ASE's names of the properties."""
    structures = []
    for atoms, found in _structures(dataset):
        _attach(atoms, {n: v for n, v in found.items() if n not in all_properties})
        known = {n: v for n, v in found.items() if n in all_properties}
        # ASE writes what it has a name for from a calculator; the other values go into info and
        # arrays.
        atoms.calc = SinglePointCalculator(atoms, **known)
        structures.append(atoms)
    with whole_file(path) as temporary:
        write(temporary, structures, format="extxyz")


def write_for_mace(path: str | Path, dataset: Dataset, atoms: AtomEnergies) -> None:
    """Write extended XYZ that ``mace_run_train`` reads without any option for keys.

    These are ``REF_energy`` (eV), ``REF_forces`` (eV/Angstrom), ``REF_stress`` (eV/Angstrom^3),
    and, where the labels have them, ``REF_charges`` (e) and ``dipole`` (e Angstrom).

    Args:
        atoms: for the training file, a frame of ``config_type=IsolatedAtom`` for each: MACE takes
            its energies of single atoms from these. In other files it would test itself on them.
    """
    structures = [Atoms(element) for element in atoms]
    for single, energy in zip(structures, atoms.values(), strict=True):
        single.info["config_type"] = "IsolatedAtom"
        _attach(single, _for_mace({"energy": energy, "forces": np.zeros((1, 3))}))
    for structure, found in _structures(dataset):
        _attach(structure, _for_mace(found))
        structures.append(structure)
    with whole_file(path) as temporary:
        write(temporary, structures, format="extxyz")


def _structures(dataset: Dataset) -> Iterator[tuple[Atoms, dict[str, Any]]]:
    """Each frame as ASE has it, and its values: without those that are not finite.

    Slabs and wires have the periodicity that they came with, and a frame the name of its structure.
    """
    frames = dataset.frames
    for b, (atoms, name) in enumerate(zip(frames.to_atoms(), frames.names, strict=True)):
        atoms.info |= {"name": name} if name else {}
        values = of_one(dataset.labels.values, b, frames.atoms_of(b))
        yield as_given(atoms, frames.info_of(b)), values


def _for_mace(values: dict[str, Any]) -> dict[str, Any]:
    return {MACE_KEYS.get(name, f"REF_{name}"): value for name, value in values.items()}


def _attach(atoms: Atoms, values: dict[str, Any]) -> None:
    """Put values into the info line, or beside the atoms where they are theirs."""
    for key, value in values.items():
        of = property_of(key.removeprefix("REF_"))
        (atoms.arrays if of.per_atom else atoms.info)[key] = value
