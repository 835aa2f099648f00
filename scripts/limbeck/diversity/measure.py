"""What a set of structures is like: all statistics of this room, shard by shard, as JSON."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from limbeck.diversity import composition, distances, environments
from limbeck.diversity.dominance import Frequent, formulas
from limbeck.diversity.sizes import Sizes
from limbeck.diversity.space_groups import space_groups
from limbeck.diversity.subsample import Subsample
from limbeck.frames import Frames
from limbeck.geometry import density

#: structures of each source whose distances, and whose space groups, are looked at
MOST_DISTANCES, MOST_SPACE_GROUPS = 500, 1000


@dataclass
class Part:
    """Sums over the structures of one source, or of all."""

    holders: np.ndarray = field(default_factory=lambda: np.zeros(composition.ELEMENTS, np.int64))
    sizes: Sizes = field(default_factory=Sizes)
    size: Frequent = field(default_factory=Frequent)
    composition: Frequent = field(default_factory=Frequent)
    root: Frequent = field(default_factory=Frequent)

    def add(self, frames: Frames) -> None:
        """Further structures."""
        self.holders += composition.holders(frames)
        self.sizes.add(frames.n_atoms)
        self.size.add(frames.n_atoms.tolist())
        self.composition.add(formulas(frames))
        self.root.add(frames.root.tolist())

    def result(self) -> dict[str, Any]:
        """The figures of the part."""
        sizes = self.sizes
        elements = {chemical_symbols[z]: int(self.holders[z]) for z in np.flatnonzero(self.holders)}
        return {
            "structures": sizes.count,
            "elements": elements,
            "entropy_bits": composition.entropy(self.holders),
            "mean_atoms": sizes.mean if sizes.count else None,
            "size_variation": sizes.variation if sizes.count else None,
            "least_atoms": sizes.least,
            "most_atoms": sizes.most,
            "dominance": {
                what: _of(found)
                for what, found in (
                    ("size", self.size),
                    ("composition", self.composition),
                    ("root", self.root),
                )
            },
        }


def _of(found: Frequent) -> dict[str, Any]:
    kind = found.kind.decode() if isinstance(found.kind, bytes) else str(found.kind)
    return {"most": kind, "share": found.share if found.total else None, "kinds": found.kinds}


class Diversity:
    """Statistics of a set that comes in shards; memory follows the number of sources."""

    def __init__(self, n_environments: int = 0) -> None:
        """Nothing is seen yet.

        Args:
            n_environments: at most, whose entropy is measured; 0 for none.
        """
        self.n_environments = n_environments
        self.whole = Part()
        self.sources: dict[str, Part] = defaultdict(Part)
        self.near: dict[str, Subsample] = {}
        self.drawn = Subsample("environments", environments.MOST_FRAMES)

    def add(self, frames: Frames) -> None:
        """Further structures."""
        self.whole.add(frames)
        if self.n_environments:
            self.drawn.add(frames)
        for source, part in by_source(frames):
            self.sources[source].add(part)
            self.near.setdefault(source, Subsample("distances", MOST_DISTANCES)).add(part)

    def result(
        self, reference: Iterable[Frames] = (), structures: Iterable[Frames] = ()
    ) -> dict[str, Any]:
        """All figures, by source and of the whole set.

        Args:
            reference: shard by shard, what distances are compared with; none of most runs.
            structures: shard by shard, what frames were made from, for space groups.
        """
        found: dict[str, Any] = {
            "whole": self.whole.result(),
            "by_source": {name: part.result() for name, part in sorted(self.sources.items())},
            "space_groups": space_groups_of(structures),
        }
        for name, sample in self.near.items():
            found["by_source"][name]["density_g_cm3"] = densities(sample.frames)
        other = Subsample("distances", MOST_DISTANCES)
        for part in reference:
            other.add(part)
        if len(other.frames):
            found["distances"] = {n: apart(s.frames, other.frames) for n, s in self.near.items()}
        if self.n_environments and len(self.drawn.frames):
            found["environments"] = environments.measure(self.drawn.frames, self.n_environments)
        return found


def by_source(frames: Frames) -> list[tuple[str, Frames]]:
    """Each source with its frames."""
    names = np.unique(frames.source)
    return [(name.decode(), frames.select(frames.source == name)) for name in names]


def densities(frames: Frames) -> list[float] | None:
    """5 %, 50 % and 95 % of the densities of the periodic frames, g/cm3; None where none is."""
    found = [
        density(frames.numbers[frames.atoms_of(int(b))], frames.cell[b])
        for b in np.flatnonzero(frames.periodic)
    ]
    return np.quantile(found, (0.05, 0.5, 0.95)).tolist() if found else None


def space_groups_of(structures: Iterable[Frames]) -> dict[str, dict[str, Any]]:
    """The most frequent space group of each source with crystals, on a bounded part of them."""
    samples: dict[str, Subsample] = {}
    for shard in structures:
        for source, part in by_source(shard.select(shard.periodic)):
            samples.setdefault(source, Subsample("space groups", MOST_SPACE_GROUPS)).add(part)
    found = {}
    for source, sample in sorted(samples.items()):
        groups = Frequent()
        groups.add(space_groups(sample.frames))
        found[source] = _of(groups) | {"structures": groups.total}
    return found


def apart(frames: Frames, reference: Frames) -> list[dict[str, Any]]:
    """Distances of each kind and pair of elements against those of the reference."""
    found = distances.compare(distances.histograms(frames), distances.histograms(reference))
    return [
        {
            "kind": kind,
            "pair": f"{chemical_symbols[first]}-{chemical_symbols[second]}",
            "distance_A": one.distance_A,
            "noise_A": one.noise_A,
            "count": one.count,
            "count_reference": one.count_reference,
        }
        for (kind, first, second), one in found.items()
    ]


def measured(frames: Iterable[Frames], n_environments: int = 0) -> dict[str, Any]:
    """The figures of a set without a reference."""
    found = Diversity(n_environments)
    for part in frames:
        found.add(part)
    return found.result()
