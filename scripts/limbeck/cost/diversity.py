"""How diverse a plan can be expected to be, before it is run, against what its gate will ask.

Which elements the structures of a source hold is counted: sources tell it of each structure without
making any, files are looked into, and where atoms have to be put together first, some structures
are made. Only of a generative model that wrote nothing yet it is guessed, which is said.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from math import inf, log2, sqrt
from typing import Literal

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from limbeck.check.content import files_of
from limbeck.config import plan
from limbeck.config.config import Config
from limbeck.config.jobs import JudgeLabels
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.sources import (
    Clusters,
    Crystals,
    Disordered,
    Generated,
    Source,
    StructureFile,
    Surfaces,
)
from limbeck.config.written import meets
from limbeck.cost.amounts import Amount, Amounts, shared
from limbeck.cost.sizes import Size, frames_spread, size_of
from limbeck.cost.work import Work
from limbeck.diversity import composition
from limbeck.diversity.balance import balance
from limbeck.errors import LimbeckError
from limbeck.frames import empty

#: structures of a source whose elements are counted: of a file evenly, of others the first;
#: crystals and clusters go prototype by prototype, and so all of these
OF_FILE, OF_OTHERS = 500, 3000
#: elements and atoms in a structure of a model that wrote nothing yet; those of MP-20 have 2.7 and
#: 9.5 in the mean (1,250 of them)
GUESSED_ELEMENTS, GUESSED_ATOMS = 3, 10


@dataclass(frozen=True)
class Held:
    """Which elements the structures of a source hold.

    Attributes:
        share: float64 [119], of the structures that hold each element, by atomic number.
        least, most: between which these are, whichever of the structures are taken.
        how: how they were counted.
        there: structures that there are, where files say it; infinite where they are made.
        guess: what of it is no more than a guess; "" where nothing is.
    """

    share: np.ndarray
    least: np.ndarray
    most: np.ndarray
    how: str
    there: float = inf
    guess: str = ""


def held_by(config: Config, name: str, size: Size | None = None) -> Held:
    """The elements of a source, those that it takes of a generative model included.

    Args:
        size: some structures of the source, where they were made already.

    Raises:
        LimbeckError: the source, or a file of it, is wrong as a whole.
    """
    source = config.sources[name]
    if source.generative_model is None or not source.n_generative:
        return _held(config, source, size)
    parts = [_held(config, source), _held(config, config.sources[source.generative_model])]
    # what the model falls short of is made by the source itself
    theirs = min(source.n_generative, parts[1].there) / source.count
    shares = ("share", "least", "most")
    mixed = {f: (1 - theirs) * getattr(parts[0], f) + theirs * getattr(parts[1], f) for f in shares}
    told = "; ".join(part.how for part in parts)
    return Held(**mixed, how=told, guess="; ".join(p.guess for p in parts if p.guess))


def _held(config: Config, source: Source, size: Size | None = None) -> Held:
    if isinstance(source, StructureFile | Generated):
        try:
            frames, count, refused = frames_spread(source, OF_FILE)
        except LimbeckError as error:
            if isinstance(source, StructureFile):
                raise
            return _guessed(source, str(error))
        if not len(frames) and isinstance(source, Generated):
            none = f"none of the {count} frames of {source.path} is usable"
            later = f"generators.{source.generator} runs with the config"
            return _guessed(source, none if source.path else later)
        how = f"{len(frames)} of {count} frames of {source.path}"
        there = count * len(frames) / max(len(frames) + refused, 1)
        return _counted(composition.holders(frames), len(frames), how, there)
    if isinstance(source, Surfaces | Disordered):
        # what is on a slab, or in a box of several molecules, is known when it is put together
        some = (size or size_of(config, source.name)).sample
        return _counted(composition.holders(some), len(some), f"{len(some)} structures, made")
    from limbeck.structures import groups_of

    counts, number = np.zeros(composition.ELEMENTS, np.int64), 0
    most = source.count if isinstance(source, Crystals | Clusters) else OF_OTHERS
    for _, symbols in islice(groups_of(source), most):
        counts[[atomic_numbers[symbol] for symbol in symbols]] += 1
        number += 1
    first = "the first " if number < source.count and number == most else ""
    return _counted(counts, number, f"{first}{number} structures, none of them made")


def _counted(counts: np.ndarray, number: int, how: str, there: float = inf) -> Held:
    share = counts / max(number, 1)
    return Held(share, (share == 1).astype(float), (share > 0).astype(float), how, there)


def _guessed(source: Generated, why: str) -> Held:
    """Each element that the source allows as often as each other; of none named, nothing."""
    share = np.zeros(composition.ELEMENTS)
    allowed = [atomic_numbers[symbol] for symbol in source.elements or []]
    share[allowed] = min(1.0, GUESSED_ELEMENTS / max(len(allowed), 1))
    guess = f"{source.called} wrote nothing that could be counted ({why}): how large its "
    guess += "structures are is not known; it "
    if allowed:
        several = min(GUESSED_ELEMENTS, len(allowed))
        guess += f"is taken to put {several} of its {len(allowed)} elements into each structure, "
        guess += "each as often"
    else:
        guess += "names no elements: its structures are left out of all about elements"
    return Held(
        share, np.zeros_like(share), (share > 0).astype(float), "nothing counted", guess=guess
    )


class Planned(Work):
    """All jobs of a config, also where a generative model has written nothing yet."""

    @cached_property
    def sizes(self) -> dict[str, Size]:
        """What each source makes; where its model wrote nothing, as large as what it makes itself,
        and of the model alone :data:`GUESSED_ATOMS`."""
        return {name: _size(self.config, name) for name in plan.sources_used(self.config)}


def _size(config: Config, name: str) -> Size:
    source = config.sources[name]
    if isinstance(source, Generated) and _is_silent(source):
        atoms = min(max(GUESSED_ATOMS, source.n_atoms[0]), source.n_atoms[1])
        amount = Amount(source.count, source.count * atoms)
        return Size(Amounts(periodic=amount), empty(), f"a guess of {atoms} atoms")
    model = config.sources.get(source.generative_model or "")
    if source.n_generative and isinstance(model, Generated) and _is_silent(model):
        alone = {"generative_model": None, "generative_fraction": 0.0}
        sources = {**config.sources, name: source.model_copy(update=alone)}
        return size_of(config.model_copy(update={"sources": sources}), name)
    return size_of(config, name)


def _is_silent(model: Generated) -> bool:
    """Whether a model wrote no file, or is to be run by a generator."""
    return model.path is None or not files_of(model.path)


@dataclass(frozen=True)
class Line:
    """One figure: what is expected, and what is asked for.

    Attributes:
        name: of the criterion, as the gate has it.
        value: what is expected; NaN where that is not known.
        asked: threshold of the config; None where it has none.
        words: what there is to say of it.
    """

    name: str
    value: float
    asked: float | None
    words: str
    at_most: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing is asked, or what is expected is as asked."""
        return self.asked is None or meets(self.value, self.asked, at_most=self.at_most)

    def text(self, advice: Sequence[str] = ()) -> str:
        """For people."""
        if self.asked is None:
            return f"{self.words}; not asked for"
        bound = f"{'at most' if self.at_most else 'at least'} {self.asked:.3g}"
        short = "not as advised" if self.name in advice else "WOULD NOT PASS"
        return f"{self.words}; {bound} is asked for: {'passes' if self.passed else short}"


@dataclass(frozen=True)
class Expected:
    """What a label set, or its pilot, is expected to be like.

    Attributes:
        title: which.
        job: what its gate asks.
        frames, atoms, squares: by source, of its frames: their number, their atoms, and the sum of
            squares of numbers of atoms.
        held: elements by source.
        guesses: what is no more than a guess.
    """

    title: str
    job: JudgeLabels
    frames: dict[str, float]
    atoms: dict[str, float]
    squares: dict[str, float]
    held: dict[str, Held]
    guesses: list[str] = field(default_factory=list)

    @cached_property
    def elements(self) -> list[int]:
        """Atomic numbers of those that the gate asks for; where it names none, of all there are."""
        if self.job.elements:
            return [atomic_numbers[symbol] for symbol in self.job.elements]
        most = np.max([held.most for held in self.held.values()], axis=0)
        return [int(z) for z in np.flatnonzero(most)]

    @cached_property
    def holders(self) -> np.ndarray:
        """Frames that hold each element; float64 [119]."""
        return self._numbers @ np.array([self.held[s].share for s in self.frames])

    @cached_property
    def _numbers(self) -> np.ndarray:
        return np.array(list(self.frames.values()))

    def lines(self) -> Iterator[Line]:
        """All figures."""
        yield self._entropy()
        yield self._coverage()
        if self.job.part == "set":
            yield self._balance()
            yield from self._sizes()

    def _entropy(self) -> Line:
        held = [self.held[s] for s in self.frames]
        least, most = (np.array([getattr(h, f) for h in held]) for f in ("least", "most"))
        value = composition.entropy(self.holders)
        limit = composition.attainable(self._numbers, least, most)
        of_elements = log2(max(len(self.elements), 1))
        share = f" ({value / of_elements:.1%})" if of_elements else ""
        words = f"entropy of the elements: {value:.2f} bits expected of {of_elements:.2f} that "
        words += f"{len(self.elements)} elements allow{share}, and {limit:.2f} at most with these "
        words += "proportions of sources, whichever of their structures are taken"
        asked = self.job.min_entropy_fraction
        threshold = None if asked is None else asked * of_elements
        if threshold is not None and limit < threshold:
            words += ", so that no choice of structures can pass"
        return Line("element_entropy", value, threshold, words)

    def _coverage(self) -> Line:
        missing = [chemical_symbols[z] for z in self.elements if not self.holders[z]]
        rare = [chemical_symbols[z] for z in self.elements if 0 < self.holders[z] < 1]
        words = f"elements that nothing is made of: {', '.join(missing) or 'none'}"
        if rare:
            words += f"; in less than one frame: {', '.join(rare)}"
        value = composition.coverage(self.holders, self.elements) if self.elements else np.nan
        return Line("coverage", value, self.job.min_coverage, words)

    def _balance(self) -> Line:
        value = balance(self.frames, self.job.proportions or {})
        words = f"balance of sources against the plan's proportions: {value:.2f}"
        return Line("balance", value, self.job.min_balance, words)

    def _sizes(self) -> Iterator[Line]:
        count, total = sum(self.frames.values()), sum(self.atoms.values())
        mean = total / count if count else np.nan
        job, words = self.job, f"atoms of a frame, mean: {mean:.1f}"
        yield Line("mean_atoms", mean, job.min_mean_atoms, words)
        if job.max_mean_atoms is not None:
            yield Line("mean_atoms", mean, job.max_mean_atoms, words, at_most=True)
        square = sum(self.squares.values()) / count if count else np.nan
        variation = sqrt(max(square - mean**2, 0.0)) / mean if count else np.nan
        words = f"coefficient of variation of the number of atoms: {variation:.2f}"
        yield Line("size_variation", variation, job.min_size_variation, words)

    def text(self) -> str:
        """All of it, in lines."""
        count = sum(self.frames.values())
        lines = [f"{self.title}: {count:,.0f} frames"]
        planned = self.job.proportions or {}
        wanted = sum(planned.values()) or 1.0
        width = max(map(len, self.frames), default=0)
        for name, number in self.frames.items():
            share = f"{number / count:5.1%}, planned {planned.get(name, 0) / wanted:5.1%}"
            size = f"{self.atoms[name] / number:.0f} atoms" if number else "no atoms"
            lines.append(f"  {name:{width}} {number:9,.0f} ({share}) {size}; {self._told(name)}")
        lines += [f"- {line.text(self.job.advice)}" for line in self.lines()]
        return "\n".join([*lines, *(f"- a guess: {guess}" for guess in self.guesses)])

    def _told(self, name: str) -> str:
        held = self.held[name]
        parts = [f"{chemical_symbols[z]} {held.share[z]:.0%}" for z in np.flatnonzero(held.share)]
        return f"{', '.join(parts) or 'elements unknown'} ({held.how})"

    def line(self) -> str:
        """The elements in one line."""
        return f"{self.title}: {self._entropy().text(self.job.advice)}"


def expectations(config: Config, work: Work) -> list[Expected]:
    """What each label set and each pilot is expected to be like; sets that are alike are one."""
    held = {s: held_by(config, s, work.sizes[s]) for s in plan.sources_selected(config)}
    by_pairs: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name in config.labels:
        by_pairs.setdefault(tuple(_pairs(config, name)), []).append(name)
    found = []
    for pairs, names in (by_pairs or {tuple(_pairs(config)): []}).items():
        parts: tuple[Literal["set", "pilot"], ...] = ("set", "pilot")
        for part in parts[: 1 + bool(plan.pilot_slices(config))]:
            title = f"The label set{'s' * (len(names) > 1)} {', '.join(names)}"
            title = (title if names else "The frames") + (", pilot" * (part == "pilot"))
            found.append(_expected(config, work, held, pairs, title, part))
    return found


def _pairs(config: Config, label_set: str | None = None) -> Iterator[tuple[str, str]]:
    """Samplings and sources whose frames have labels: of labels from files, what was read."""
    own = config.labels[label_set] if label_set else None
    labelled = {s.name for s in plan.labelled_sources(config, label_set)} if label_set else set()
    for name in config.select.include:
        for source in plan.sources_of(config, name):
            if not isinstance(own, FileLabels) or (name == "generated" and source in labelled):
                yield name, source


def _expected(
    config: Config,
    work: Work,
    held: dict[str, Held],
    pairs: Iterable[tuple[str, str]],
    title: str,
    part: Literal["set", "pilot"],
) -> Expected:
    wanted, guesses = set(pairs), []
    frames, atoms, squares = ({s: 0.0 for _, s in pairs} for _ in range(3))
    for (name, source), count in _selected(config, work, part).items():
        if (name, source) not in wanted:
            continue
        there, sample = work.frames(name, source), work.sizes[source].sample.n_atoms.astype(float)
        mean = there.atoms / there.frames if there.frames else 0.0
        frames[source] += count
        atoms[source] += count * mean
        spread = float((sample**2).mean() / sample.mean() ** 2) if len(sample) else 1.0
        squares[source] += count * mean**2 * spread
        if len(sample) and abs(mean / sample.mean() - 1) > 0.01:
            guesses.append(f"{name} of {source} is taken to vary in size as {source} itself does")
    guesses += [held[s].guess for s in frames if held[s].guess]
    if config.select.choice and not config.select.choice.keep_source_shares:
        text = "select.choice is taken to leave each source the share that it has of all frames"
        guesses.append(text)
    job = JudgeLabels.of(config, next(iter(config.labels), ""), part)
    asked = job.proportions or {s: float(config.sources[s].count) for s in frames}
    job = job.model_copy(update={"proportions": asked})
    return Expected(title, job, frames, atoms, squares, {s: held[s] for s in frames}, guesses)


def _selected(
    config: Config, work: Work, part: Literal["set", "pilot"]
) -> dict[tuple[str, str], float]:
    """Frames of each sampling of each source that are selected; all slices have as many."""
    select = config.select
    pairs = [(n, s) for n in select.include for s in plan.sources_of(config, n)]
    found = dict.fromkeys(pairs, 0.0)
    for i in plan.slices_judged(config, part):
        there = [
            work.frames(name, source).times(_share(config.sources[source].shards, i, select.slices))
            for name, source in pairs
        ]
        count = select.count / select.slices
        if select.choice:
            whole = sum(each.frames for each in there)
            counts = [each.frames * min(1.0, count / whole) if whole else 0.0 for each in there]
        else:
            counts = [each.frames for each in shared(count, there)]
        for pair, number in zip(pairs, counts, strict=True):
            found[pair] += number
    return found


def _share(shards: int, i: int, slices: int) -> float:
    """Share of a source's shards that belong to a slice."""
    return len(range(i, shards, slices)) / shards


def report(config: Config) -> str:
    """What is expected of all label sets, for people.

    Raises:
        LimbeckError: a source, or a file of it, is wrong as a whole.
    """
    found = [each.text() for each in expectations(config, Planned(config))]
    note = "Before the screening, duplicates and labels that are not good, which may change it."
    return "\n\n".join([*found, note])
