"""Sources beside each other: how much of each is valid, unique and new, and what it is like.

Shares have Wilson's interval, means that of Student, the entropy of the elements that of a
bootstrap over structures; all of 95 %. Structures of one source count as independent of each other.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import chemical_symbols
from scipy import stats

from limbeck.config.sections.screen import Screen
from limbeck.diversity import against, composition, environments
from limbeck.diversity.molecules import (
    groups_of,
    is_organic,
    molecule_of,
    scaffold_of,
    smiles_of,
)
from limbeck.diversity.space_groups import space_groups
from limbeck.frames import Frames, concatenate
from limbeck.geometry import density
from limbeck.structures.duplicates.groups import Keys, find, keys_of
from limbeck.structures.duplicates.match import One
from limbeck.structures.screening import passing

if TYPE_CHECKING:
    from rdkit import Chem

#: kinds of each sort that are told, the most frequent first
MOST_TOLD = 5
BOOTSTRAPS = 200
#: the space group of what has no symmetry
NO_SYMMETRY = "P1 (1)"

Figure = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """What a source made.

    Attributes:
        name: of the source.
        frames: some of its structures, as they were made.
        there: of how many.
        copies: set aside already, since they repeat another to the last digit.
        failed: set aside for other reasons.
        screen: what is refused.
    """

    name: str
    frames: Frames
    there: int
    copies: int
    failed: int
    screen: Screen

    @cached_property
    def sound(self) -> Frames:
        """Those that the screening lets pass."""
        return self.frames.select(passing(self.frames, self.screen))

    @cached_property
    def crystals(self) -> Frames:
        """Sound ones with a cell."""
        return self.sound.select(self.sound.periodic)

    @cached_property
    def organic(self) -> list[int]:
        """Sound ones that can be molecules, by their place."""
        return [
            int(b)
            for b in np.flatnonzero(~self.sound.periodic)
            if is_organic(self.sound.numbers[self.sound.atoms_of(int(b))])
        ]

    @cached_property
    def molecules(self) -> "list[Chem.Mol]":
        """Those of them that are one molecule of usual valences."""
        frames, found = self.sound, []
        for b in self.organic:
            atoms = frames.atoms_of(b)
            charge = int(frames.charge[b])
            found.append(molecule_of(frames.numbers[atoms], frames.positions[atoms], charge))
        return [mol for mol in found if mol is not None]

    @cached_property
    def smiles(self) -> list[str]:
        """Of the molecules."""
        return [smiles_of(mol) for mol in self.molecules]

    @cached_property
    def scaffolds(self) -> list[str]:
        """Of the molecules."""
        return [scaffold_of(mol) for mol in self.molecules]

    @cached_property
    def groups(self) -> list[list[str]]:
        """Functional groups of each molecule."""
        return [groups_of(mol) for mol in self.molecules]

    @cached_property
    def elements(self) -> list[list[str]]:
        """Of each sound structure."""
        frames = self.sound
        numbers = (np.unique(frames.numbers[frames.atoms_of(b)]) for b in range(len(frames)))
        return [[chemical_symbols[z] for z in held] for held in numbers]

    @cached_property
    def space_groups(self) -> list[str]:
        """Of the crystals."""
        return space_groups(self.crystals)

    @cached_property
    def densities(self) -> np.ndarray:
        """Of the crystals, g/cm3."""
        own = self.crystals
        rows = (own.atoms_of(b) for b in range(len(own)))
        return np.array([density(own.numbers[r], own.cell[b]) for b, r in enumerate(rows)])

    @cached_property
    def keys(self) -> Keys:
        """Of the sound structures, for what is the same."""
        return keys_of([(Path(self.name) / "0", self.sound)])

    @cached_property
    def atoms(self) -> dict[bytes, One]:
        """Of the sound structures, by id."""
        frames = self.sound
        rows = [frames.atoms_of(b) for b in range(len(frames))]
        return {
            frames.id[b]: One(frames.numbers[r], frames.positions[r], frames.cell[b])
            for b, r in enumerate(rows)
        }

    def kept(self, limit_A: float) -> Keys:
        """Of the sound structures those that are the same as none before them."""
        none = self.keys.select(np.arange(0))
        gone = {one.frame.encode() for one in find(self.keys, none, self._those, limit_A)}
        return _without(self.keys, gone)

    def new(self, kept: Keys, other: "Made", limit_A: float) -> int:
        """How many of these are the same as none of another source."""
        both = self.atoms | other.atoms
        known = find(kept, other.keys, lambda _: both, limit_A, siblings="none")
        return len(kept) - len(known)

    def _those(self, keys: Keys) -> dict[bytes, One]:
        return self.atoms


def _without(keys: Keys, gone: set[bytes]) -> Keys:
    return keys.select(np.flatnonzero([name not in gone for name in keys.frame.tolist()]))


@dataclass
class Comparison:
    """All that is told.

    Attributes:
        figures: of each source, with intervals.
        apart: distances of each source from the reference, with noise levels.
        frequent: the most frequent kinds of each source.
    """

    figures: list[Figure] = field(default_factory=list)
    apart: list[Figure] = field(default_factory=list)
    frequent: list[Figure] = field(default_factory=list)


def compare(
    sources: Sequence[Made], reference: Made | None, limit_A: float, n_environments: int = 0
) -> Comparison:
    """The sources beside each other, and against the reference where there is one."""
    found = Comparison()
    for source in sources:
        figures = figures_of(source, reference, limit_A)
        found.figures += [{"source": source.name, **figure} for figure in figures]
        found.frequent += [{"source": source.name, **one} for one in frequent(source)]
        if reference is not None and source.name != reference.name:
            found.apart += [{"source": source.name, **one} for one in distances(source, reference)]
    if n_environments:
        found.figures += _environments(sources, reference, n_environments)
    return found


def figures_of(source: Made, reference: Made | None, limit_A: float) -> Iterator[Figure]:
    """The figures of one source."""
    looked_at, sound = len(source.frames), len(source.sound)
    # what was set aside is counted for as large a part as was looked at
    part = looked_at / source.there if source.there else 1.0
    copies, failed = round(part * source.copies), round(part * source.failed)
    yield share("valid", sound + copies, looked_at + copies + failed)
    kept = source.kept(limit_A)
    yield share("unique", len(kept), sound + copies)
    other = None if reference is None or reference.name == source.name else reference
    if other is not None:
        yield share("novel", source.new(kept, other, limit_A), len(kept))
    yield entropy(source.elements)
    yield mean("atoms", source.sound.n_atoms)
    if len(source.crystals):
        yield mean("density", source.densities, "g/cm3")
        yield number("space groups", len(set(source.space_groups)), len(source.crystals))
        symmetric = sum(group != NO_SYMMETRY for group in source.space_groups)
        yield share("with symmetry", symmetric, len(source.crystals))
    if source.organic:
        yield from _of_molecules(source, other)


def _of_molecules(source: Made, other: Made | None) -> Iterator[Figure]:
    count = len(source.molecules)
    yield share("one molecule of usual valences", count, len(source.organic))
    names = set(source.smiles)
    yield share("unique molecules", len(names), count)
    if other is not None:
        yield share("novel molecules", len(names - set(other.smiles)), len(names))
    yield mean("heavy atoms", np.array([mol.GetNumAtoms() for mol in source.molecules]))
    yield number("scaffolds", len(set(source.scaffolds)), count)
    yield mean("functional groups", np.array([len(groups) for groups in source.groups]))


def distances(source: Made, reference: Made) -> Iterator[Figure]:
    """What a source is like against what the reference is like."""
    kinds: tuple[tuple[str, Callable[[Made], Sequence[Sequence[str]]]], ...] = (
        ("elements", lambda made: made.elements),
        ("space groups", lambda made: [[group] for group in made.space_groups]),
        ("scaffolds", lambda made: [[scaffold] for scaffold in made.scaffolds]),
        ("functional groups", lambda made: made.groups),
    )
    numbers: tuple[tuple[str, str, Callable[[Made], np.ndarray]], ...] = (
        ("atoms", "", lambda made: made.sound.n_atoms),
        ("density", "g/cm3", lambda made: made.densities),
    )
    found = [(n, "", against.of_kinds(of(source), of(reference))) for n, of in kinds]
    found += [(n, u, against.of_numbers(of(source), of(reference))) for n, u, of in numbers]
    for name, unit, one in found:
        if one is not None:
            yield {"name": name, "unit": unit, **vars(one)}


def frequent(source: Made) -> Iterator[Figure]:
    """The most frequent kinds of each sort, with the share of structures that have them."""
    sorts: Mapping[str, Sequence[Sequence[str]]] = {
        "element": source.elements,
        "space group": [[group] for group in source.space_groups],
        "scaffold": [[scaffold] for scaffold in source.scaffolds],
        "functional group": source.groups,
    }
    for sort, rows in sorts.items():
        counts = Counter(name for row in rows for name in row)
        for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MOST_TOLD]:
            yield {"sort": sort, "kind": name, "share": count / len(rows), "count": len(rows)}


def _environments(
    sources: Sequence[Made], reference: Made | None, n_environments: int
) -> Iterator[Figure]:
    """Entropy of the environments of each source, and how many of them the reference has."""
    named = {one.name: one for one in (*sources, *([reference] if reference else []))}
    found = environments.measure(concatenate([one.sound for one in named.values()]), n_environments)
    for source in sources:
        entropies: Any = found["entropy_nats"]
        if source.name not in entropies:
            continue
        value, low, high = map(float, entropies[source.name])
        yield {"source": source.name} | _figure("entropy of environments", value, low, high, "nats")
        overlaps: Any = found["overlap"]
        if reference and reference.name in overlaps[source.name]:
            value = overlaps[source.name][reference.name]
            yield {"source": source.name} | _figure("environments of the reference", value)


# figures


def _figure(
    name: str,
    value: float,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    count: int = 0,
) -> Figure:
    ends = {"value": value, "low": low, "high": high}
    told = {k: None if v is None or not np.isfinite(v) else float(v) for k, v in ends.items()}
    return {"name": name, **told, "unit": unit, "count": count}


def share(name: str, some: int, count: int) -> Figure:
    """A share with Wilson's interval (J. Am. Stat. Assoc. 22, 209 (1927))."""
    if not count:
        return _figure(name, np.nan)
    ends = stats.binomtest(some, count).proportion_ci(method="wilson")
    return _figure(name, some / count, ends.low, ends.high, count=count)


def mean(name: str, values: np.ndarray, unit: str = "") -> Figure:
    """A mean with Student's interval; without one of fewer than two values."""
    count = len(values)
    if count < 2:
        return _figure(name, float(values[0]) if count else np.nan, unit=unit, count=count)
    arm = stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count)
    middle = float(np.mean(values))
    return _figure(name, middle, middle - arm, middle + arm, unit, count)


def number(name: str, value: int, count: int) -> Figure:
    """How many there are, among ``count``: it grows with that, and so has no interval."""
    return _figure(name, value, count=count)


def entropy(elements: Sequence[Sequence[str]]) -> Figure:
    """Entropy of the elements with a bootstrap's interval over structures."""
    table = against.table_of(elements, against.columns_of(elements))
    if not len(table):
        return _figure("entropy of the elements", np.nan, unit="bits")
    rng, even = np.random.default_rng(0), np.full(len(table), 1 / len(table))
    drawn = [
        composition.entropy(counts @ table)
        for counts in rng.multinomial(len(table), even, BOOTSTRAPS)
    ]
    value = composition.entropy(table.sum(axis=0))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return _figure("entropy of the elements", value, low, high, "bits", len(table))
