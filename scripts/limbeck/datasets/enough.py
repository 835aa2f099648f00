"""Whether the structures of a run can be split, told before anything is computed on them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

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


def require_enough(
    config: Config, settings: DatasetSettings, groups_of: Callable[[AnySource], Iterable[str]]
) -> None:
    """Raise LimbeckError where no frame would be left for validation or for the test set.

    Of each source no more structures are looked at than it takes. Some of them may be refused
    later, so that more can be missing than is told here, but never less.

    Args:
        settings: of the split.
        groups_of: the group of each structure of a source, one after another.
    """
    by = settings.split_by
    if by == "frame":  # nobody knows how many there will be
        return
    names = dict.fromkeys(s for part in config.select.include for s in sources_of(config, part))
    counted: dict[str, Counter[str]] = {}
    for name in names:
        counted[name] = Counter()
        for group in groups_of(config.sources[name]):
            counted[name][group] += 1
            if can_split({name: counted[name]}, settings):
                return
    if can_split(counted, settings):
        return
    raise LimbeckError(
        f"dataset.split_by: {by}, {_found(counted, by)}; {_advice(counted, settings)}"
    )


def can_split(counted: Mapping[str, Counter[str]], settings: DatasetSettings) -> bool:
    """Whether validation and test set each get a frame, see :func:`limbeck.datasets.split.split`.

    Args:
        counted: source -> how many of its structures are of each group.
    """
    tested = validated = 0
    for groups in counted.values():
        by_group = settings.split_by == "group"
        units = len(groups) if by_group else groups.total()
        taken = share_of(settings.test_fraction, units)
        valid = share_of(settings.valid_fraction, units - taken)
        if by_group and valid < ENOUGH_GROUPS:
            # then by root; the test set may have taken the smallest groups
            roots = groups.total() - sum(sorted(groups.values())[:taken])
            valid = share_of(settings.valid_fraction, roots)
        tested, validated = tested + taken, validated + valid
    return tested > 0 and (validated > 0 or settings.valid_fraction == 0)


def _found(counted: Mapping[str, Counter[str]], by: str) -> str:
    groups = sorted(set().union(*counted.values()))
    structures = sum(each.total() for each in counted.values())
    shown = ", ".join(groups[:3]) + ", ..." * (len(groups) > 3)
    return (
        f"and the sources of select.include have {structures} "
        f"structure{'s' * (structures != 1)} of {len(groups)} group{'s' * (len(groups) != 1)} "
        f"({shown}): nothing would be left to validate or to test on"
    )


def _advice(counted: Mapping[str, Counter[str]], settings: DatasetSettings) -> str:
    by_root = settings.model_copy(update={"split_by": "root"})
    better = "root" if settings.split_by == "group" and can_split(counted, by_root) else "frame"
    return f"expected more groups, or split_by: {better}, {ADVICE[better]}"
