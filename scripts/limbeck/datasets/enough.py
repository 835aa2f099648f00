"""Whether the structures of a run can be split, told before anything is computed on them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from limbeck.config.config import Config
from limbeck.config.plan import sources_of
from limbeck.config.sections.datasets import DatasetSettings
from limbeck.config.sections.sources import AnySource
from limbeck.datasets.split import ENOUGH_GROUPS, share_of
from limbeck.errors import LimbeckError

#: what a split by each of these asks of its user
ADVICE = {
    "root": "which tells structures of one group apart; those of one trajectory resemble each "
    "other, so that errors on them say little of any other",
    "frame": "which tells frames of one structure apart; test frames then resemble those trained "
    "on, so that errors on them are too small for anything else",
}


@dataclass
class Groups:
    """The groups of a source's structures.

    Attributes:
        counts: how many structures are of each.
        elements: of each.
    """

    counts: Counter[str] = field(default_factory=Counter)
    elements: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, group: str, elements: frozenset[str]) -> None:
        """One more structure."""
        self.counts[group] += 1
        self.elements[group] = self.elements.get(group, frozenset()) | elements


def require_enough(
    config: Config,
    settings: DatasetSettings,
    groups_of: Callable[[AnySource], Iterable[tuple[str, frozenset[str]]]],
) -> None:
    """Raise LimbeckError where no frame would be left for validation or for the test set.

    Of each source no more structures are looked at than it takes. Some of them may be refused
    later, so that more can be missing than is told here, but never less.

    Args:
        settings: of the split.
        groups_of: the group of each structure of a source, and its elements, one after another.
    """
    by = settings.split_by
    if by == "frame":  # nobody knows how many there will be
        return
    names = dict.fromkeys(s for part in config.select.include for s in sources_of(config, part))
    found = {name: Groups() for name in names}
    for name, own in found.items():
        for group, elements in groups_of(config.sources[name]):
            own.add(group, elements)
            if can_split([own], settings):
                return
    if can_split(found.values(), settings):
        return
    text = f"{_found(found.values())}; {_advice(found.values(), settings)}"
    raise LimbeckError(f"dataset.split_by: {by}, {text}")


def can_split(sources: Iterable[Groups], settings: DatasetSettings) -> bool:
    """Whether validation and test set can get a frame, see :func:`limbeck.datasets.split.split`.

    What has an element that nothing else has is trained on, whatever else it was meant for.
    """
    sources = list(sources)
    seen = Counter(e for own in sources for elements in own.elements.values() for e in elements)
    tested = validated = 0
    for own in sources:
        counts, by_group = own.counts, settings.split_by == "group"
        shared = {g for g, elements in own.elements.items() if all(seen[e] > 1 for e in elements)}
        repeated = {group for group, count in counts.items() if count > 1}
        units = len(counts) if by_group else counts.total()
        taken = share_of(settings.test_fraction, units)
        valid = share_of(settings.valid_fraction, units - taken)
        tested += taken * bool(shared if by_group else shared | repeated)
        if by_group and valid < ENOUGH_GROUPS:
            # then by root; the test set may have taken the smallest groups
            roots = counts.total() - sum(sorted(counts.values())[:taken])
            valid = share_of(settings.valid_fraction, roots)
        validated += valid * bool(shared | repeated)
    return tested > 0 and (validated > 0 or settings.valid_fraction == 0)


def _found(sources: Iterable[Groups]) -> str:
    groups = sorted({group for own in sources for group in own.counts})
    structures = sum(own.counts.total() for own in sources)
    shown = ", ".join(groups[:3]) + ", ..." * (len(groups) > 3)
    return (
        f"and the sources of select.include have {structures} "
        f"structure{'s' * (structures != 1)} of {len(groups)} group{'s' * (len(groups) != 1)} "
        f"({shown}): nothing would be left to validate or to test on"
        + " (what has an element that no other has is trained on)"
        * (len(groups) > 1)
    )


def _advice(sources: Iterable[Groups], settings: DatasetSettings) -> str:
    by_root = settings.model_copy(update={"split_by": "root"})
    better = "root" if settings.split_by == "group" and can_split(sources, by_root) else "frame"
    return f"expected more groups, or split_by: {better}, {ADVICE[better]}"
