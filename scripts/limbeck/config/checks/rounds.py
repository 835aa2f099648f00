"""Rounds of students on their own dynamics."""

from collections.abc import Iterator

from limbeck.config.config import Config
from limbeck.config.plan import (
    from_files,
    has_curl,
)
from limbeck.config.rounds import dynamics_of, most_frames, sampling_of
from limbeck.config.sections.students import (
    Distill,
    Rounds,
)
from limbeck.errors import LimbeckError


def asked_rounds(config: Config) -> dict[int, Rounds]:
    return {i: own for i, entry in enumerate(config.distill) if (own := entry.asked_rounds)}


def _rounds(config: Config) -> Iterator[str]:
    """Rounds that cannot be: no one to label or choose, no dynamics, or nothing to test on."""
    seen: set[tuple[str, str]] = set()
    for i, own in asked_rounds(config).items():
        entry, field = config.distill[i], f"distill.{i}.rounds"
        for student in entry.students:
            if (entry.labels, student) in seen:
                text = "expected its seeds in one entry"
                yield f"{field}: rounds of {entry.labels}/{student} a second time, {text}"
            seen.add((entry.labels, student))
        if entry.labels in from_files(config):
            text = "expected those of a potential, which can be asked about new frames"
            yield f"distill.{i}.labels: {entry.labels!r} is from a file, {text}, with rounds"
        if config.dataset.split_by == "frame":
            text = "expected group or root with rounds: they start from structures that no test has"
            yield f"dataset.split_by: 'frame', {text}"
        if own.n_test_starts and not config.dataset.test_known_fraction:
            text = "expected 0, since dataset.test_known_fraction is"
            yield f"{field}.n_test_starts: {own.n_test_starts}, {text}"
        yield from _choice(config, entry, own, field)
        yield from _own_dynamics(config, entry, own, field)


def _choice(config: Config, entry: Distill, own: Rounds, field: str) -> Iterator[str]:
    if own.choose == "committee" and len(entry.seeds) < 2:
        seeds = f"seeds: {entry.seeds}, expected two or more"
        yield f"{field}.choose: committee with {seeds}, or choose: descriptors"
    potential = config.labels[entry.labels].potential
    if own.choose != "views" or not potential:
        return
    if not has_curl(config, potential):
        text = "is equivariant, and says the same in all views; expected committee or descriptors"
        yield f"{field}.choose: views, but {potential} {text}"
    if config.labels[entry.labels].views == "auto":
        text = "expected a number, so that what the choice costs can be compared"
        yield f"labels.{entry.labels}.views: auto with choose: views in {field}, {text}"


def _own_dynamics(config: Config, entry: Distill, own: Rounds, field: str) -> Iterator[str]:
    if not sampling_of(config, own):
        named = f"{own.sampling!r} of another method" if own.sampling else "none in select.include"
        yield f"{field}.sampling: {named}, expected the name of a sampling with method: md"
        return
    try:
        dynamics = dynamics_of(config, entry.labels, entry.students[0], field)
    except LimbeckError as error:
        yield from str(error).splitlines()
        return
    most = most_frames(own, dynamics)
    if own.n_frames > most:
        text = f"expected at most {most}, all that the dynamics of n_starts structures make"
        yield f"{field}.n_frames: {own.n_frames}, {text}"


CHECKS = (_rounds,)
