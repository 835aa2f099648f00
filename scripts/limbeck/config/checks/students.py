"""What students learn from, and whether that is there."""

from collections.abc import Iterator

from limbeck.config.config import Config
from limbeck.config.sections.messages import shown
from limbeck.config.sections.students import (
    NO_COMPILER,
    compiler,
    not_installed,
)


def _learners(config: Config) -> Iterator[tuple[str, str, str]]:
    """Each student of each entry of ``distill``: the field of its labels, their name, its own."""
    for i, entry in enumerate(config.distill):
        for name in entry.students:
            yield f"distill.{i}.labels", entry.labels, name


def _spread(config: Config) -> Iterator[str]:
    for field, labels, name in _learners(config):
        label_set = config.labels[labels]
        if config.students[name].spread_weight and not label_set.has_spread:
            yield (
                f"{field}: {labels!r} is labelled with views: {shown(label_set.views)}, expected 2 "
                f"views or more, since students.{name}.spread_weight needs the spread over views"
            )


def _hessian(config: Config) -> Iterator[str]:
    for field, labels, name in _learners(config):
        if config.students[name].hessian_weight and not config.labels[labels].hessian_vectors:
            yield (
                f"{field}: {labels!r} has hessian_vectors: 0, expected 1 or more, since "
                f"students.{name}.hessian_weight needs products of the Hessian"
            )


def _hard(config: Config) -> Iterator[str]:
    reference = config.warrant.reference
    for field, labels, name in _learners(config):
        if not config.students[name].hard_share:
            continue
        share = f"students.{name}.hard_share"
        if reference is None:
            yield f"warrant.reference: nothing, expected a label set: {share} is of its labels"
        elif reference == labels:
            text = f"expected another than warrant.reference, which {share} is learned from"
            yield f"{field}: {shown(reference)}, {text}"


def _physics(config: Config) -> Iterator[str]:
    own = config.warrant.physics
    if own.checks and not config.distill:
        yield (
            f"warrant.physics.checks: {shown(own.checks)}, expected none: distill has no students "
            "whose physics could be measured"
        )


def _validation(config: Config) -> Iterator[str]:
    if config.distill and not config.dataset.valid_fraction:
        text = "expected more than 0: frames that are not trained on tell which weights are kept"
        yield f"dataset.valid_fraction: 0, {text}"


def _learning_curves(config: Config) -> Iterator[str]:
    for name, student in config.students.items():
        for line in not_installed(student.log_to):
            yield f"students.{name}.log_to: {line}"


def _compiled(config: Config) -> Iterator[str]:
    for name, student in config.students.items():
        if student.inference == "compile":
            if config.device != "cpu":
                text = "expected eager where device is cuda: it is not tested there"
                yield f"students.{name}.inference: 'compile', {text}"
            elif compiler() is None:
                yield f"students.{name}.inference: 'compile', {NO_COMPILER}"


CHECKS = (
    _spread,
    _hessian,
    _hard,
    _physics,
    _validation,
    _learning_curves,
    _compiled,
)
