"""How many structures a source makes, and how large they are, from a few of them."""

from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from limbeck.config.config import Config
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.force_constants import Preparation
from limbeck.config.sections.sources import (
    Crystals,
    Generated,
    MoleculeSource,
    RandomCrystals,
    Source,
    StructureFile,
    Surfaces,
)
from limbeck.cost.amounts import Amounts, total
from limbeck.frames import Frames, concatenate, from_atoms
from limbeck.reasons import Refused

if TYPE_CHECKING:
    from ase import Atoms

SAMPLE = 60  # structures of a source that are looked at
SLOW_SAMPLE = 10  # of random crystals, some of which take seconds each
COUNTED = 2000  # molecules of a source that are counted one by one
ASSUMED_ATOMS = 20  # of a structure that a generative model will make
ATOM_A = 2.5  # and the side of the cube that one of its atoms takes up, Angstrom
CELLS = 12  # of these are made into supercells


@dataclass(frozen=True)
class Size:
    """Structures of a source.

    Attributes:
        amounts: of all of them.
        sample: some of them.
        how: how they were counted, for people.
    """

    amounts: Amounts
    sample: Frames
    how: str

    def cells(self, own: Preparation) -> float:
        """Cells of a supercell, a mean over atoms; 1 where cells stay as they are."""
        from limbeck.preparation.prepare import supercell_of

        if own.supercell_radius_A is None and own.supercell_matrix is None:
            return 1.0
        crystals = self.sample.select(_spread(np.flatnonzero(self.sample.periodic), CELLS))
        if not len(crystals):
            return 1.0
        matrices = [supercell_of(crystals, b, own) for b in range(len(crystals))]
        return float(np.average(np.abs(np.linalg.det(matrices)), weights=crystals.n_atoms))


def size_of(config: Config, name: str) -> Size:
    """The structures of a source, made as the run would make them, but only a few.

    Raises:
        LimbeckError: the source or one of its files is wrong as a whole.
    """
    source = config.sources[name]
    if source.generative_model is None or not source.n_generative:
        return _size(config, source)
    model = config.sources[source.generative_model]
    theirs = _size(config, model)
    taken = theirs.amounts.at_most(source.n_generative)
    if (left := source.count - round(taken.frames)) <= 0:
        return Size(taken, theirs.sample, theirs.how)
    own = _size(config, source.model_copy(update={"count": left}))
    both = concatenate([own.sample, theirs.sample])
    return Size(total([own.amounts, taken]), both, f"{own.how}; {theirs.how}")


def _size(config: Config, source: Source) -> Size:
    """What a source makes by itself."""
    if isinstance(source, Generated) and source.path is None:
        return _of_generator(source)
    if isinstance(source, StructureFile | Generated):
        sample, count, refused = frames_spread(source, SAMPLE)
        how = f"{len(sample)} of {count} frames of {source.path}"
    else:
        sample, count, refused = _made(config, source)
        how = f"{len(sample)} of {count} structures, made for this"
    if refused:  # the run will say which, and why
        how += f"; {refused} of those that were looked at cannot be made"
    fits = sample.n_atoms <= config.screen.max_atoms
    kept = sample.select(fits)
    share = count / max(1, len(sample))
    return Size(Amounts.of(kept).times(share), kept, how)


def _of_generator(source: Generated) -> Size:
    """What a generative model will make, of which nothing is known yet: crystals that are simple
    cubic, at a common density of solids, of as many atoms as there are in the middle."""
    from ase import Atoms

    least, most = source.n_atoms
    n_atoms = max(least, min(most, ASSUMED_ATOMS))
    side, symbol = ATOM_A * n_atoms ** (1 / 3), (source.elements or ["C"])[0]
    place = np.arange(n_atoms)[:, None] * [ATOM_A, 0.0, 0.0]
    atoms = Atoms([symbol] * n_atoms, place, cell=[side] * 3, pbc=True)
    sample = from_atoms([atoms], groups=[""], source=source.name)
    how = f"{source.count} structures of {n_atoms} atoms, assumed: nothing was made yet"
    return Size(Amounts.of(sample).times(source.count), sample, how)


def _made(config: Config, source: Source) -> tuple[Frames, int, int]:
    """A few structures of a source that makes its own, how many it makes at most, and how many of
    the few cannot be made."""
    from limbeck.structures import generate, groups_of

    most = SLOW_SAMPLE if isinstance(source, RandomCrystals) else SAMPLE
    few = source.model_copy(update={"count": min(source.count, most), "shards": 1})
    frames, rejected = generate(GenerateStructures(seed=config.seed, shard=0, source=few))
    # Those of the first few alone: conformers that repeat are left out of the rest alike, and
    # random crystals that are given up, and faces that have no more variants.
    if isinstance(source, MoleculeSource | RandomCrystals | Surfaces):
        of_few, count = few.count, source.count
        if isinstance(source, MoleculeSource) and (source.assemble != "none" or source.conformers):
            # there may be fewer than are asked for
            of_few, count = _counted(few), _counted(source)
        return frames, round(count * len(frames) / max(1, of_few)), len(rejected)
    repeats = isinstance(source, Crystals) or len(frames) < few.count
    count = sum(1 for _ in groups_of(source)) if repeats else source.count
    return frames, count, len(rejected)


def _counted(source: Source) -> int:
    """Structures that a source makes before any is refused. Where there are many, that there are as
    many as are asked for is taken for granted: each costs a millisecond."""
    from limbeck.structures import groups_of

    found = sum(1 for _ in islice(groups_of(source), COUNTED))
    return source.count if found == COUNTED else found


def frames_spread(source: StructureFile | Generated, most: int) -> tuple[Frames, int, int]:
    """At most so many frames of a file, evenly over it, how many the run takes, and how many of the
    few are refused.

    Raises:
        LimbeckError: there is no file, or it is wrong as a whole.
    """
    from limbeck.structures.shard import vacuum_of
    from limbeck.structures.sources import files, generated

    if isinstance(source, Generated):
        there = generated.frames_of(source)
    else:
        there = files.frames_of(source)
    atoms: list[Atoms] = []
    looked_at = _spread(np.arange(len(there)), most).tolist()
    for n in looked_at:
        with suppress(Refused):
            if isinstance(source, Generated):
                one = generated.read(there[n], source)[0]
            else:
                one = files.in_angstrom(there[n](), source)
            atoms.append(vacuum_of(one)[0])
    made = [from_atoms([one], groups=[""], source=source.name) for one in atoms]
    return concatenate(made), len(there), len(looked_at) - len(atoms)


def _spread(places: np.ndarray, count: int) -> np.ndarray:
    """At most so many of these, evenly from the first to the last."""
    if len(places) <= count:
        return places
    return places[np.linspace(0, len(places) - 1, count).astype(int)]
