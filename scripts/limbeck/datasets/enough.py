"""Whether the structures of a run can be split, told before anything is computed on them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count, islice

from ase import Atoms

from limbeck.config.config import Config
from limbeck.config.jobs import Split
from limbeck.config.plan import generator_of, sources_of
from limbeck.config.sections.datasets import DatasetSettings
from limbeck.config.sections.sources import AnySource
from limbeck.datasets.split import split_as
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, from_atoms

#: what a split by each of these asks of its user
ADVICE = {
    "group": "which tests on groups of which nothing is trained on",
    "root": "which tells structures of one group apart; those of one trajectory resemble each "
    "other, so that errors on them say little of any other",
    "frame": "which tells frames of one structure apart; test frames then resemble those trained "
    "on, so that errors on them are too small for anything else",
}


#: so many structures of each source are looked at first: they mostly are enough
FIRST = 200

#: source -> group and elements of each of its structures
Structures = Mapping[str, Sequence[tuple[str, frozenset[str]]]]


def require_enough(
    config: Config,
    settings: DatasetSettings,
    groups_of: Callable[[AnySource], Iterable[tuple[str, frozenset[str]]]],
) -> None:
    """Raise LimbeckError where no frame would be left for validation or for the test set.

    Of each source all structures are looked at only where the first :data:`FIRST` are not enough.
    Some of them may be refused later, so that more can be missing than is told here, but never
    less.

    Args:
        settings: of the split.
        groups_of: the group of each structure of a source, and its elements, one after another.
    """
    by = settings.split_by
    if by == "frame":  # nobody knows how many there will be
        return
    names = dict.fromkeys(s for part in config.select.include for s in sources_of(config, part))
    if any(generator_of(config, name) for name in names):  # nor what a model will make
        return
    found: Structures = {}
    for most in (FIRST, None):
        found = {name: [*islice(_groups_of(config, name, groups_of), most)] for name in names}
        if can_split(found, settings):
            return
        if all(len(structures) < FIRST for structures in found.values()):
            break
    raise LimbeckError(f"dataset.split_by: {by}, {_found(found)}; {_advice(found, settings)}")


def _groups_of(
    config: Config,
    name: str,
    groups_of: Callable[[AnySource], Iterable[tuple[str, frozenset[str]]]],
) -> Iterator[tuple[str, frozenset[str]]]:
    """Those of a source; of one with a generative model, what it asks of that first."""
    source = config.sources[name]
    asked = source.n_generative if source.generative_model else 0
    if asked and source.generative_model:
        yield from islice(groups_of(config.sources[source.generative_model]), asked)
    if asked < source.count:
        yield from groups_of(source.model_copy(update={"count": source.count - asked}))


def can_split(sources: Structures, settings: DatasetSettings) -> bool:
    """Whether validation and test set get a frame: what :func:`limbeck.datasets.split.split` does
    with stand-ins of the structures.

    Which groups and roots come first changes what it chooses, and not whether there is anything.
    """
    if not any(sources.values()):
        return False
    parts = split_as(_stand_ins(sources), Split(seed=0, dataset=settings))
    new = settings.split_by == "group" and settings.test_new_fraction > 0
    tested = parts["test_new" if new else "test_known"]
    return len(tested) > 0 and (len(parts["valid"]) > 0 or settings.valid_fraction == 0)


def _stand_ins(sources: Structures) -> Frames:
    """Frames of these groups and elements, each a root of its own: an atom of each element, all on
    one line, none where another is."""
    place, parts = count(), []
    for name, structures in sources.items():
        rows = [Atoms(sorted(e), [[next(place), 0, 0] for _ in e]) for _, e in structures]
        parts.append(from_atoms(rows, groups=[group for group, _ in structures], source=name))
    return concatenate(parts)


def _found(sources: Structures) -> str:
    every = [group for structures in sources.values() for group, _ in structures]
    groups = sorted(set(every))
    shown = ", ".join(groups[:3]) + ", ..." * (len(groups) > 3)
    return (
        f"and the sources of select.include have {len(every)} "
        f"structure{'s' * (len(every) != 1)} of {len(groups)} group{'s' * (len(groups) != 1)} "
        f"({shown}): nothing would be left to validate or to test on"
        + " (what has an element that no other has is trained on)"
        * (len(groups) > 1)
    )


def _advice(sources: Structures, settings: DatasetSettings) -> str:
    others = [by for by in ("group", "root") if by != settings.split_by]
    better = next(
        (by for by in others if can_split(sources, settings.model_copy(update={"split_by": by}))),
        "frame",
    )
    more = "more groups" if settings.split_by == "group" else "several structures of a group"
    return f"expected {more}, or split_by: {better}, {ADVICE[better]}"
