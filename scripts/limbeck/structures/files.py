"""Structures from a file of the user: extended XYZ, CIF, POSCAR."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from ase import Atoms

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import StructureFile
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.structures.chemistry import chemistry, polymorphs
from limbeck.structures.reading import Frame, read_file
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import INT8, Refused, Structure, check_sound, collect
from limbeck.structures.units import LENGTHS, check_unit

#: of a file are looked at for the unit of its lengths
UNIT_FRAMES = 100


def generate(source: StructureFile, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is frame n of the file ``path``, of which at most ``count`` are taken.

    ``charge`` and ``spin`` (number of unpaired electrons) are taken from a frame's info, and
    ``group`` where it has one; energies and forces are left behind.

    Raises:
        LimbeckError: the file is missing or not readable as a whole, or its lengths are in another
            unit.
    """
    frames = read_file(source.path)
    _check_unit(source, frames)
    group_of = _groups(frames, source, job)

    def make(n: int) -> Structure:
        atoms = in_angstrom(frames[n](), source)
        _check(atoms)
        charge, spin = _integer(atoms, "charge"), _integer(atoms, "spin")
        group = atoms.info.get("group") or group_of(n, atoms)
        info = {"number": n, "file": Path(source.path).name}
        return Structure(atoms, str(group), info, charge, spin)

    return collect(job, make, most=len(frames))


def elements(source: StructureFile) -> frozenset[str]:
    """Symbols of the elements of all frames of the file that can be read.

    Raises:
        LimbeckError: the file is not readable as a whole, no frame of it is, or its lengths are in
            another unit.
    """
    found: set[str] = set()
    bad: list[Refused] = []
    frames = read_file(source.path)
    for frame in frames:
        try:
            atoms = in_angstrom(frame(), source)
            check_sound(atoms)
            found |= set(atoms.get_chemical_symbols())
        except Refused as refused:  # set aside when its shard is made
            bad.append(refused)
    if len(bad) == len(frames):
        text = f"{bad[0].reason}, {bad[0].value}"
        raise LimbeckError(f"{source.path}: none of its frames can be used, the first: {text}")
    _check_unit(source, frames)
    return frozenset(found)


def frames_of(source: StructureFile) -> list[Frame]:
    """Frames of a source's file, each still to be parsed; their lengths are in Angstrom.

    Raises:
        LimbeckError: the file is missing or not readable as a whole.
    """
    return [partial(_in_angstrom, frame, source) for frame in read_file(source.path)]


def _in_angstrom(frame: Frame, source: StructureFile) -> Atoms:
    return in_angstrom(frame(), source)


def in_angstrom(atoms: Atoms, source: StructureFile) -> Atoms:
    """A frame of the file with its lengths in Angstrom."""
    factor = LENGTHS[source.length_unit or "Angstrom"]
    if factor != 1:
        atoms.set_cell(atoms.cell.array * factor, scale_atoms=False)
        atoms.positions *= factor
    return atoms


def _check_unit(source: StructureFile, frames: Sequence[Frame]) -> None:
    """Stop where the file looks like another unit than Angstrom, unless the source says which.

    By the same frames, evenly over the file, in every shard: one of them may be odd.
    """
    if source.length_unit is not None:
        return
    count = min(source.count, len(frames))
    sound = []
    for n in np.unique(np.linspace(0, count - 1, min(count, UNIT_FRAMES)).astype(int)).tolist():
        with suppress(Refused):
            atoms = frames[n]()
            check_sound(atoms)
            sound.append(atoms)
    check_unit(sound, source.name, source.path)


def _check(atoms: Atoms) -> None:
    if len(atoms) == 0:
        raise Refused(reasons.EMPTY, 0, 1)
    if atoms.pbc.any() and not atoms.pbc.all():
        raise Refused(reasons.PARTLY_PERIODIC, int(atoms.pbc.sum()), "0 or 3")
    check_sound(atoms)  # before anything looks for bonds or symmetry
    sites = atoms.info.get("occupancy") or {}
    # Mixed or partly filled sites of a CIF: no single structure of atoms.
    if any(len(site) > 1 or abs(sum(site.values()) - 1) > 1e-3 for site in sites.values()):
        raise Refused(reasons.PARTLY_OCCUPIED, "", 1)


def _integer(atoms: Atoms, name: str) -> int:
    value = atoms.info.get(name, 0)
    try:
        # Charges may stand as 1.0 in a file; a half electron may not be cut to zero.
        if float(value) == int(value) and INT8[0] <= value <= INT8[1]:
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Refused(f"{name} is not a small integer", str(value), str(INT8))


def _groups(
    frames: Sequence[Callable[[], Atoms]], source: StructureFile, job: GenerateStructures
) -> Callable[[int, Atoms], str]:
    """Gives the group of frame n: its chemistry, or with ``polymorphs: apart`` which one it is of.

    Polymorphs are numbered in the order of the file, so that whoever cuts it into other shards
    finds the same numbers; only formulas of this shard are compared.
    """
    if source.polymorphs == "together":
        return lambda n, atoms: chemistry(atoms)
    crystals: dict[int, Atoms] = {}
    for n, frame in enumerate(frames[: source.count]):
        with suppress(Refused):  # set aside when its shard is made
            atoms = in_angstrom(frame(), source)
            _check(atoms)
            if atoms.pbc.all():
                crystals[n] = atoms
    own = {chemistry(a) for n, a in crystals.items() if n % source.shards == job.shard}
    number = polymorphs({n: a for n, a in crystals.items() if chemistry(a) in own})
    return lambda n, atoms: chemistry(atoms) + (f"-{number[n]}" if n in number else "")
