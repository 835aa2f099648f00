"""Which frames are taken, and the gate that a pilot of them passes."""

from collections.abc import Iterator
from pathlib import Path

from limbeck.config.config import Config
from limbeck.config.plan import (
    pilot_slices,
    sources_of,
    sources_selected,
)
from limbeck.config.sections.messages import one_of, shown


def _counts(config: Config) -> Iterator[str]:
    select = config.select
    used = {source for name in select.include for source in sources_of(config, name)}
    most = max(config.sources[source].shards for source in used)
    if select.slices > most:
        yield (
            f"select.slices: {select.slices}, expected at most {most}: no source of "
            "select.include has more shards, and a slice without one would be empty"
        )
    for name, labels in config.labels.items():
        if (labels.n_frames or 0) > select.count:
            text = f"expected at most select.count, {select.count}"
            yield f"labels.{name}.n_frames: {labels.n_frames}, {text}"


def _diversity(config: Config) -> Iterator[str]:
    kept = {name: s.keep for name, s in [*config.sampling.items(), *config.subsystems.items()]}
    choice = config.select.choice
    by_kept = choice is not None and choice.descriptors == "kept"
    field = "choice" if by_kept else "diversity"
    for name in config.select.include if config.select.diversity or by_kept else []:
        if "descriptors" not in kept.get(name, []):
            yield (
                f"select.{field}: frames of {name!r} have no descriptors, expected only "
                "samplings and subsystems in select.include with descriptors in their keep"
            )


def _gate(config: Config) -> Iterator[str]:
    gate, included = config.gate, sources_selected(config)
    for name in gate.proportions or {}:
        if name not in included:
            yield f"gate.proportions: {shown(name)}, {one_of(name, included)}"
    if gate.pilot and pilot_slices(config) >= config.select.slices:
        yield (
            f"gate.pilot: {gate.pilot}, expected fewer frames than all: it takes "
            f"{pilot_slices(config)} of {config.select.slices} slices (select.slices)"
        )
    if gate.fallback and not Path(gate.fallback).is_file():
        yield f"gate.fallback: {shown(gate.fallback)}, no such file, expected a config"


def _whole_set(config: Config) -> Iterator[str]:
    choice, pilot = config.select.choice, config.gate.pilot
    if choice and pilot and choice.by == "direct":
        yield (
            f"select.choice.by: direct chooses among all frames at once, and gate.pilot: {pilot} "
            "has some labelled before the others are made; expected one of the two, or by: "
            "farthest or random"
        )


CHECKS = (
    _counts,
    _diversity,
    _gate,
    _whole_set,
)
