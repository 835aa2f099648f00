"""What all sources share: the structures of a shard, and how one of them is refused.

Structure number n of a source belongs to shard ``n % shards``, and its random numbers come
from n alone: cutting a source into other shards moves no structure.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.frames import Frames, from_atoms
from limbeck.reasons import Refused
from limbeck.seeds import generator
from limbeck.structures.screening import Rejected, unsound

if TYPE_CHECKING:
    from ase import Atoms

log = logging.getLogger(__name__)

#: what charges and spins of frames can be
INT8 = (-128, 127)


@dataclass(frozen=True)
class Structure:
    """One structure as a source makes it.

    Attributes:
        atoms: isolated or periodic in three directions; Angstrom.
        group: its chemistry.
        info: what JSON can hold.
        charge: e.
        spin: number of unpaired electrons.
    """

    atoms: "Atoms"
    group: str
    info: dict[str, Any] = field(default_factory=dict)
    charge: int = 0
    spin: int = 0


def collect(
    job: GenerateStructures,
    make: Callable[[int], Structure],
    *,
    most: int | None = None,
    name_of: Callable[[int], str] | None = None,
) -> tuple[Frames, list[Rejected]]:
    """Make the structures of one shard; those that raise :class:`Refused` are set aside.

    Args:
        make: number -> structure.
        most: how many there are in all shards, where that may be fewer than are asked for.
        name_of: number -> what the user calls it, for the table of those that were set aside.
    """
    source = job.source
    count = source.count if most is None else min(source.count, most)
    made: list[Structure] = []
    rejected: list[Rejected] = []
    for n in range(job.shard, count, source.shards):
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


def number_generator(job: GenerateStructures, n: int) -> np.random.Generator:
    """Random numbers of structure n of a source, whatever shard it stands in."""
    return generator(job.seed, f"generate/{job.source.name}/{n}")


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
