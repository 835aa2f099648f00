"""Data sets as files: HDF5, and extended XYZ that other programs read, docs/interoperability.md."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from limbeck import storage
from limbeck.datasets.atom_energies import AtomEnergies
from limbeck.datasets.split import Dataset
from limbeck.files import whole_file
from limbeck.frames import Rows
from limbeck.geometry import as_given
from limbeck.properties import of_one, property_of


def write_parts(
    folder: Path,
    parts: Mapping[str, Dataset],
    label_set: str,
    *,
    stage: str,
    settings: Mapping[str, Any],
    recipe: str,
    single_atoms: AtomEnergies | None = None,
) -> None:
    """Write each part of a data set, as HDF5 and as extended XYZ.

    Args:
        parts: by name, which is that of the files.
        label_set: the name of the labels in the HDF5 files.
        stage, settings, recipe: what made them, see :func:`limbeck.storage.write_frames`.
        single_atoms: of the training part, see :func:`write_extxyz`.
    """
    for part, data in parts.items():
        storage.write_frames(
            folder / f"{part}.h5",
            data.frames,
            stage=stage,
            settings=settings,
            recipe=recipe,
            labels={label_set: data.labels},
        )
        atoms = single_atoms if part == "train" else None
        write_extxyz(folder / f"{part}.extxyz", data, atoms)


def write_extxyz(
    path: str | Path, dataset: Dataset, single_atoms: AtomEnergies | None = None
) -> None:
    """Write frames and their labels as extended XYZ that other programs read without any option.

    Each value stands there twice: under ASE's name of the property, which ASE, graph-pes and NequIP
    read, and under that of ``mace_run_train``. These are ``REF_energy`` (eV), ``REF_forces``
    (eV/Angstrom), ``REF_stress`` (eV/Angstrom^3), and, where the labels have them, ``REF_charges``
    (e), ``REF_dipole`` (e Angstrom) and so on.

    Args:
        single_atoms: for a training file where they are known, a frame of
            ``config_type=IsolatedAtom`` for each: MACE takes its energies of single atoms from
            these. In other files it would test itself on them.
    """
    structures = []
    for element, energy in (single_atoms or {}).items():
        atoms = Atoms(element)
        atoms.info["config_type"] = "IsolatedAtom"
        structures.append(_labelled(atoms, {"energy": energy, "forces": np.zeros((1, 3))}))
    structures += [_labelled(atoms, found) for atoms, found in _structures(dataset)]
    with whole_file(path) as temporary:
        write(temporary, structures, format="extxyz")


def _labelled(atoms: Atoms, values: dict[str, Any]) -> Atoms:
    """A structure with its values under the names of ASE and of MACE."""
    known = {n: v for n, v in values.items() if n in all_properties}
    # ASE writes what it has a name for from a calculator; the other values go into info and arrays.
    atoms.calc = SinglePointCalculator(atoms, **known)
    _attach(atoms, {n: v for n, v in values.items() if n not in all_properties})
    _attach(atoms, {f"REF_{name}": value for name, value in values.items()})
    return atoms


def _structures(dataset: Dataset) -> Iterator[tuple[Atoms, dict[str, Any]]]:
    """Each frame as ASE has it, and its values: without those that are not finite.

    Slabs and wires have the periodicity that they came with, and a frame the name of its structure.
    """
    frames = dataset.frames
    for b, (atoms, name) in enumerate(zip(frames.to_atoms(), frames.names, strict=True)):
        atoms.info |= {"name": name} if name else {}
        # the file has no place for what belongs to points: see limbeck.datasets.npz
        known = {n: v for n, v in dataset.labels.values.items() if property_of(n).per != "point"}
        values = of_one(known, Rows(b, frames.atoms_of(b), slice(0)))
        yield as_given(atoms, frames.info_of(b)), values


def _attach(atoms: Atoms, values: dict[str, Any]) -> None:
    """Put values into the info line, or beside the atoms where they are theirs."""
    for key, value in values.items():
        of = property_of(key.removeprefix("REF_"))
        if of.several:  # a row of columns for each atom: the file has no further axes
            value = value.reshape(len(value), -1)
        (atoms.arrays if of.per_atom else atoms.info)[key] = value
