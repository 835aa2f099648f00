"""Structures from files of the user: extended XYZ, CIF, POSCAR and others."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from ase import Atoms

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import StructureFile
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, from_atoms
from limbeck.structures.chemistry import chemistry, polymorphs
from limbeck.structures.reading import Frame, read_files
from limbeck.structures.reading.cif import partly_occupied
from limbeck.structures.reading.dictionaries import NAMES
from limbeck.structures.reading.npz import frames_of_npz
from limbeck.structures.reading.unpack import unpacked_name
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Refused,
    Structure,
    check_sound,
    collect,
    electrons_of,
    group_of,
    vacuum_of,
)
from limbeck.structures.units import LENGTHS, check_unit

log = logging.getLogger(__name__)

#: of a source are looked at for the unit of its lengths
UNIT_FRAMES = 100
#: Angstrom; more than between layers of a crystal, less than in OC20, which has 20 at the slab
SLAB_GAP_A = 10.0
#: a note on structures that are kept
ROUNDED = "rounded special positions in its CIF, whose images were merged into one atom each"
#: whose ending says what a structure is called, and not its format
NAMES_OF_VASP = ("POSCAR", "CONTCAR", "OUTCAR", "XDATCAR")
#: letters of the name of a structure
MAX_NAME = 200


def generate(source: StructureFile, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is frame n of all files of ``path``, of which at most ``count`` are taken.

    Charge and spin are taken from a frame's info (:func:`limbeck.frames.charge_and_spin`), and
    ``group`` where it has one; energies and forces are left behind. What the file calls it, or else
    the name of the file, is the ``name`` in its info. Slabs and wires are put into a cell with
    vacuum.

    Raises:
        LimbeckError: there is no file, the only one is not readable as a whole, or lengths are in
            another unit.
    """
    frames = frames_of(source)
    _check_unit(source, frames)
    own_group = _groups(frames, source, job)

    def make(n: int) -> Structure:
        frame = frames[n]
        atoms, charge, spin, notes = _read(frame, source)
        group = group_of(atoms.info)
        own = {} if group is None else {"own_group": True}
        if group is None:
            group = own_group(n, atoms)
        atoms, vacuum = vacuum_of(atoms)
        vacuum = vacuum or tagged_slab(atoms)
        info = {"number": n, "file": frame.file, "frame_in_file": frame.number}
        info |= {"name": name_of(frame, atoms)} | own | vacuum
        return Structure(atoms, group, info, charge, spin, notes)

    return collect(job, make, most=len(frames), name_of=lambda n: frames[n].where)


def _read(frame: Frame, source: StructureFile) -> tuple[Atoms, int, int, tuple[str, ...]]:
    """A structure as it stands in the file, in Angstrom; charge, unpaired electrons, notes."""
    atoms = in_angstrom(frame(), source)
    _check(atoms)
    merged = (ROUNDED,) if atoms.info.pop("merged_atoms", 0) else ()
    charge, spin, notes = electrons_of(atoms, source.spin_is)
    return atoms, charge, spin, (*merged, *notes)


def id_of(frame: Frame, source: StructureFile) -> str:
    """The id of the frame that :func:`generate` makes of one of a file.

    Raises:
        Refused: it makes none.
    """
    atoms, charge, spin, _ = _read(frame, source)
    made, _ = vacuum_of(atoms)
    one = from_atoms([made], groups=[""], source=source.name, charges=[charge], spins=[spin])
    return bytes(one.id[0]).decode()


def tagged_slab(atoms: Atoms) -> dict[str, Any]:
    """What the info of a slab says, where layers have tags, as in OC20, and the cell a gap along c.

    Such files say that all is periodic. Tags alone say nothing, nor does a gap: layered crystals
    have one.
    """
    if not (atoms.pbc.all() and atoms.get_tags().any()):
        return {}
    heights = np.sort(atoms.get_scaled_positions()[:, 2])  # wrapped into the cell
    gaps = np.diff(heights, append=heights[0] + 1)
    height = atoms.get_volume() / np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    return {"vacuum_axis": 2} if gaps.max() * height >= SLAB_GAP_A else {}


def is_lone_atom(atoms: Atoms) -> bool:
    """Whether a frame tells the energy of an element, as ``config_type=IsolatedAtom`` does."""
    return len(atoms) == 1 and not atoms.pbc.any()


def elements(source: StructureFile) -> frozenset[str]:
    """Symbols of the elements of all frames that are taken and can be read.

    Raises:
        LimbeckError: there is no file, it is not readable as a whole, no frame is, or lengths are
            in another unit.
    """
    found: set[str] = set()
    bad: list[tuple[Frame, Refused]] = []
    frames = frames_of(source)
    for frame in frames:
        try:
            atoms, *_ = _read(frame, source)
            found |= set(atoms.get_chemical_symbols())
        except Refused as refused:  # set aside when its shard is made
            bad.append((frame, refused))
    if len(bad) == len(frames):
        raise LimbeckError(_all_bad(source, bad))
    _check_unit(source, frames)
    return frozenset(found)


def frames_of(source: StructureFile) -> list[Frame]:
    """Frames of all files of a source, at most ``count``, each still to be parsed.

    Where ``elements`` are given, those with others are passed over; one that cannot be read is
    taken, and set aside when its shard is made.

    Raises:
        LimbeckError: there is no file, the only one is not readable as a whole, or no frame is of
            the elements.
    """
    if source.elements is None:
        return _read_all(source, source.count)
    frames = _read_all(source, None)
    found = list(islice((f for f in frames if _is_of(f, source.elements)), source.count))
    if not found:
        asked = ", ".join(source.elements)
        raise LimbeckError(f"{source.path}: none of its {len(frames)} frames is of {asked} alone")
    text = "%s: %d frames of %s alone taken, among %d"
    log.info(text, source.name, len(found), ", ".join(source.elements), len(frames))
    return found


def _read_all(source: StructureFile, most: int | None) -> list[Frame]:
    """The frames of all files of a source; of two that belong together those of the first."""
    if source.grids is None:
        return read_files(source.path, kind=source.format, most=most)
    path = Path(source.path)
    try:
        found = list(islice(frames_of_npz(path, source.grids), most))
    except LimbeckError as error:
        raise LimbeckError(f"{source.path} with {source.grids}: {error}") from error
    return [Frame(path.name, n, len(found) == 1, parse) for n, parse in enumerate(found)]


def _is_of(frame: Frame, elements: Sequence[str]) -> bool:
    try:
        return set(frame().get_chemical_symbols()) <= set(elements)
    except Refused:
        return True


def _all_bad(source: StructureFile, bad: Sequence[tuple[Frame, Refused]]) -> str:
    frame, first = bad[0]
    counts = Counter(refused.reason for _, refused in bad).most_common()
    reasons_of = ", ".join(f"{count} {reason}" for reason, count in counts)
    return (
        f"{source.path}: none of its {len(bad)} frames can be used ({reasons_of}); the first, "
        f"{frame.where}: {first.reason}, {first.value} {first.limit}".rstrip()
    )


def name_of(frame: Frame, atoms: Atoms) -> str:
    """What the file calls a structure: its ``material_id``, ``id``, ``name`` or the like.

    Where there is nothing of that kind: the name of the file, and the number of the frame where it
    is not alone.
    """
    for key in NAMES:
        name = _text(atoms.info.get(key))
        # a hash is no name: it is what data sets of Limbeck have as `id`
        if name and not (key == "id" and len(name) == 32):
            return name[:MAX_NAME]
    file = unpacked_name(frame.file.rpartition(".zip/")[2])
    path = PurePosixPath(file)
    stem = file if path.stem.upper() in NAMES_OF_VASP else str(path.with_suffix(""))
    return stem[-MAX_NAME:] if frame.alone else f"{stem[-MAX_NAME:]}-{frame.number}"


def _text(value: Any) -> str:
    """A word or a number as text of one line; nothing of anything else."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())


def groups(source: StructureFile) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each frame that can be used.

    Of polymorphs that are kept apart each is one here: they are compared when they are made.
    """
    for n, frame in enumerate(frames_of(source)):
        with suppress(Refused):
            atoms = in_angstrom(frame(), source)
            _check(atoms)
            apart = f"-{n}" * (source.polymorphs == "apart" and bool(atoms.pbc.all()))
            given = group_of(atoms.info)
            own = chemistry(atoms) + apart if given is None else given
            yield own, frozenset(atoms.get_chemical_symbols())


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
    check_sound(atoms)  # before anything looks for bonds or symmetry
    if is_lone_atom(atoms):
        raise Refused(reasons.SINGLE_ATOM, atoms.get_chemical_symbols()[0])
    if partly_occupied(atoms.info.get("occupancy")):  # no single structure of atoms
        raise Refused(reasons.PARTLY_OCCUPIED, "", 1)


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
