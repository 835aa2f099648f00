"""What all sources share: the structures of a shard, and how one of them is refused.

Structure number n of a source belongs to shard ``n % shards`` (where some go together, to shard
``n // together % shards``), and its random numbers come
from n alone: cutting a source into other shards moves no structure.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck import reasons
from limbeck.check.progress import each
from limbeck.config.jobs import GenerateStructures
from limbeck.errors import LimbeckError
from limbeck.frames import INT8, Frames, charge_and_spin, from_atoms, spin_of
from limbeck.geometry import in_vacuum
from limbeck.reasons import Refused
from limbeck.seeds import generator
from limbeck.structures.screening import Rejected, unsound

if TYPE_CHECKING:
    from ase import Atoms

log = logging.getLogger(__name__)

#: Notes on structures that are kept; their number is logged.
ODD = "an odd number of electrons and no spin given: taken with one unpaired"
INITIAL = (
    "initial charges or magnetic moments add up to another charge or spin than that of the frame: "
    "not read, since programs start from them and do not end there"
)


@dataclass(frozen=True)
class Structure:
    """One structure as a source makes it.

    Attributes:
        atoms: isolated or periodic in three directions; Angstrom.
        group: its chemistry.
        info: what JSON can hold.
        charge: e.
        spin: number of unpaired electrons.
        notes: what the log says of it, sentences that few structures or many have.
    """

    atoms: "Atoms"
    group: str
    info: dict[str, Any] = field(default_factory=dict)
    charge: int = 0
    spin: int = 0
    notes: tuple[str, ...] = ()


def collect(
    job: GenerateStructures,
    make: Callable[[int], Structure],
    *,
    most: int | None = None,
    name_of: Callable[[int], str] | None = None,
    together: int = 1,
) -> tuple[Frames, list[Rejected]]:
    """Make the structures of one shard; those that raise :class:`Refused` are set aside.

    Args:
        make: number -> structure.
        most: how many there are in all shards, where that may be fewer than are asked for.
        name_of: number -> what the user calls it, for the table of those that were set aside.
        together: so many that follow one another go to one shard, as conformers of a molecule do,
            each of which is compared with those before it.
    """
    source = job.source
    count = source.count if most is None else min(source.count, most)
    made: list[Structure] = []
    rejected: list[Rejected] = []
    step = source.shards * together
    firsts = range(job.shard * together, count, step)
    numbers = [n for first in firsts for n in range(first, min(first + together, count))]
    for n in each(numbers, source.name, "structures"):
        try:
            structure = make(n)
            check_sound(structure.atoms, structure.charge, structure.spin)
            made.append(structure)
        except Refused as refused:
            frame = f"{source.name}/{n}"
            name = name_of(n) if name_of else ""
            why = (refused.reason, refused.value, refused.limit)
            rejected.append(Rejected(frame, "", *why, name))
    _report(source.name, made, rejected)
    return _to_frames(job, made), rejected


def _report(source: str, made: list[Structure], rejected: list[Rejected]) -> None:
    log.info("%s: %d structures made", source, len(made))
    for note, count in Counter(note for s in made for note in s.notes).most_common():
        log.info("%s: %d with %s", source, count, note)
    for reason, count in Counter(r.reason for r in rejected).most_common():
        log.warning("%s: %d not made: %s", source, count, reason)


def _to_frames(job: GenerateStructures, made: list[Structure]) -> Frames:
    return from_atoms(
        [s.atoms for s in made],
        groups=[s.group for s in made],
        source=job.source.name,
        seed=job.seed,
        infos=[s.info for s in made],
        charges=[s.charge for s in made],
        spins=[s.spin for s in made],
    )


def check_sound(atoms: "Atoms", charge: int = 0, spin: int = 0) -> None:
    """Refuse what no frame can hold, or no later step can take.

    Raises:
        Refused: as :func:`limbeck.structures.screening.unsound`, or charge or spin are too large.
    """
    fault = unsound(atoms.numbers, atoms.positions, atoms.cell.array)
    if fault:
        raise Refused(*fault)
    for name, value in (("charge", charge), ("spin", spin)):
        if not INT8[0] <= value <= INT8[1]:
            raise Refused(f"{name} is not a small integer", str(value), str(INT8))


def electrons_of(
    atoms: "Atoms", spin_is: str = "unpaired_electrons"
) -> tuple[int, int, tuple[str, ...]]:
    """Charge, number of unpaired electrons, and notes, by what a structure's info says.

    Args:
        spin_is: what ``spin`` in the info means, see :func:`limbeck.frames.charge_and_spin`.

    Raises:
        Refused: they are no small integers, contradict each other, or do not fit the number of
            electrons (:func:`limbeck.frames.spin_of`).
    """
    periodic = bool(atoms.pbc.any())
    try:
        charge, given = charge_and_spin(atoms.info, spin_is)
        spin = spin_of(atoms.numbers, charge, given, periodic=periodic)
    except LimbeckError as error:
        raise Refused(reasons.ELECTRONS, f"{error}{_advice(atoms, spin_is)}") from error
    notes = (ODD,) if spin and given is None else ()
    return charge, spin, notes + ((INITIAL,) if _starts_from_another(atoms, charge, spin) else ())


def _advice(atoms: "Atoms", spin_is: str) -> str:
    """Where a spin that is refused would fit if ``spin`` meant the other thing."""
    other = {"unpaired_electrons": "multiplicity", "multiplicity": "unpaired_electrons"}[spin_is]
    try:
        charge, given = charge_and_spin(atoms.info, other)
        spin_of(atoms.numbers, charge, given, periodic=False)
    except LimbeckError:
        return ""
    meaning = "2S+1, as OMol25's files have it" if other == "multiplicity" else "2S"
    return f" (it does as {meaning}: `spin_is: {other}` in the source says so)"


def _starts_from_another(atoms: "Atoms", charge: int, spin: int) -> bool:
    """Whether ASE's initial charges or magnetic moments of an isolated structure say otherwise."""
    sums = [
        (atoms.arrays[name].sum(), value)
        for name, value in (("initial_charges", charge), ("initial_magmoms", spin))
        if name in atoms.arrays and not atoms.pbc.any()
    ]
    return any(abs(abs(found) - abs(value)) > 0.5 for found, value in sums)


def vacuum_of(atoms: "Atoms") -> "tuple[Atoms, dict[str, Any]]":
    """A slab or wire in a cell with vacuum, see :func:`limbeck.geometry.in_vacuum`.

    Raises:
        Refused: there is no lattice vector along a direction that is periodic.
    """
    try:
        return in_vacuum(atoms)
    except ValueError as error:
        raise Refused(reasons.NO_PERIOD, str(np.array(atoms.pbc).tolist())) from error


def group_of(info: Mapping[str, Any]) -> str | None:
    """The name of the group that a frame's info gives, None where it gives none.

    A number is as good a name as a text: 0, False, and 1.0, which is 1. Of several their parts are
    joined.

    Raises:
        Refused: it is something else.
    """
    value = info.get("group")
    if isinstance(value, np.ndarray | np.generic):  # ASE makes one of several numbers
        value = value.tolist()
    if isinstance(value, list | tuple):
        value = " ".join(str(group_of({"group": each})) for each in value)
    if isinstance(value, float):
        if np.isnan(value):  # a table's way of leaving it empty
            return None
        value = int(value) if value.is_integer() else value
    if value is not None and not isinstance(value, str | int | float):
        raise Refused("group is no text", f"{value!r:.80}", "a word or a number")
    return None if value is None else str(value).strip() or None


def number_generator(job: GenerateStructures, n: int) -> np.random.Generator:
    """Random numbers of structure n of a source, whatever shard it stands in."""
    return generator(job.seed, f"generate/{job.source.name}/{n}")


def composition_generator(source: str, n: int) -> np.random.Generator:
    """Random numbers for what structure n is made of: the same in every run, whatever its seed.

    So the groups of a split are known before anything is made.
    """
    return generator(0, f"composition/{source}/{n}")


def random_strain(rng: np.random.Generator, deviation: float) -> np.ndarray:
    """I + e with e = (A + A^T)/2 and A of normal numbers; float64 [3,3], for row vectors.

    Diagonal components have the standard deviation ``deviation``, the others that over sqrt(2),
    so that no direction of space is preferred.
    """
    sample = rng.normal(0.0, deviation, (3, 3))
    return np.eye(3) + (sample + sample.T) / 2


def refuse_repeat(n: int, distinct: int) -> None:
    """Refuse number n where nothing random tells it from number ``n % distinct``."""
    if n >= distinct:
        raise Refused(reasons.REPEATED, n, distinct - 1)
