"""Jobs that choose frames, label them, and judge the labels."""

import json
from typing import Any, Literal, Self

from pydantic import Field

from limbeck.config.config import Config
from limbeck.config.jobs.base import AsksPotential, MayAskPotential, asking, made_by_potential
from limbeck.config.plan import (
    batches,
    labelled_sources,
    shards_judged,
    share_of_generator,
    sources_selected,
)
from limbeck.config.sections import types as t
from limbeck.config.sections.base import Section
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.labels import Choice, Gate, LabelSet, Select
from limbeck.config.sections.sources import StructureFile
from limbeck.errors import LimbeckError


class ChooseOverAll(Section):
    """Which frames of all slices, or of those of a batch, are labelled."""

    seed: t.Whole
    count: t.Whole
    choice: Choice

    @classmethod
    def of(cls, config: Config, batch: str) -> Self:
        choice, select = config.select.choice, config.select
        if choice is None:
            raise LimbeckError("select.choice: the config has none")
        # As many as its slices would take one by one; the first ones take what does not divide.
        ends = [sum(map(len, batches(config)[: int(batch) + more])) for more in (0, 1)]
        whole, rest = divmod(select.count, select.slices)
        before, up_to = (end * whole + min(end, rest) for end in ends)
        return cls(seed=config.seed, count=up_to - before, choice=choice)


class SelectFrames(MayAskPotential):
    """One slice's share of the frames."""

    seed: t.Whole
    slice: t.Whole
    select: Select

    @classmethod
    def of(cls, config: Config, slice: str) -> Self:
        select = config.select
        asked = asking(config, select.score.potential if select.score else None)
        return cls(seed=config.seed, slice=int(slice), select=select, **asked)


class ChooseViews(AsksPotential):
    """Whether averaging over views is worth its calls."""

    label_set: LabelSet
    lost_device: t.LostDevice

    @classmethod
    def of(cls, config: Config, label_set: str) -> Self:
        section = made_by_potential(config, label_set)
        asked = asking(config, section.potential)
        return cls(label_set=section, lost_device=config.lost_device, **asked)


class LabelFrames(ChooseViews):
    """Labels of the frames of one slice."""

    slice: t.Whole
    slices: t.Count

    @classmethod
    def of(cls, config: Config, label_set: str, slice: str) -> Self:  # type: ignore[override]
        section = made_by_potential(config, label_set)
        return cls(
            label_set=section,
            lost_device=config.lost_device,
            slice=int(slice),
            slices=config.select.slices,
            **asking(config, section.potential, labels=True),
        )

    def text(self) -> str:
        """Without what decided on the views: the choice is an input, as a file."""
        return json.dumps(self.model_dump(mode="json", exclude={"label_set": {"auto"}}))


class CheckFileLabels(Section):
    """What the files that have the labels of a set have, and whether it fits together."""

    label_set: FileLabels
    files: list[StructureFile]

    @classmethod
    def of(cls, config: Config, label_set: str) -> Self:
        return cls(**_of_files(config, label_set))


class ReadLabels(CheckFileLabels):
    """Labels of the frames of one slice, from the files that these were read from."""

    slice: t.Whole
    slices: t.Count

    @classmethod
    def of(cls, config: Config, label_set: str, slice: str) -> Self:  # type: ignore[override]
        found = _of_files(config, label_set)
        return cls(slice=int(slice), slices=config.select.slices, **found)


def _of_files(config: Config, label_set: str) -> dict[str, Any]:
    section = config.labels[label_set]
    if not isinstance(section, FileLabels):
        raise LimbeckError(f"labels.{label_set}: a potential's, expected labels from a file")
    return {"label_set": section, "files": labelled_sources(config, label_set)}


def labels_of_slice(config: Config, label_set: str, slice: str) -> LabelFrames | ReadLabels:
    """The job that makes the labels of a slice: a potential is asked, or files are read."""
    kind = ReadLabels if isinstance(config.labels[label_set], FileLabels) else LabelFrames
    return kind.of(config, label_set, slice)


class FromGenerator(Section):
    """Which share of the structures of a source a generator makes, and in how many jobs."""

    program: str
    name: str
    shards: t.Count
    share: t.Fraction


class JudgeLabels(Gate):
    """When a label set is good enough, or its pilot; ``sources`` are those whose time is judged,
    with their shards, and ``generators`` what generators make of these."""

    label_set: str
    part: Literal["set", "pilot"] = "set"
    sources: dict[str, list[t.Whole]] = Field(default={})
    generators: dict[str, FromGenerator] = Field(default={})

    @classmethod
    def of(cls, config: Config, label_set: str, part: Literal["set", "pilot"] = "set") -> Self:
        """That of a job, where the proportions are those of the sources if not given."""
        included = sources_selected(config)
        found: dict[str, Any] = {"label_set": label_set, "part": part}
        if config.gate.min_balance is not None and config.gate.proportions is None:
            found["proportions"] = {s: float(config.sources[s].count) for s in included}
        if config.gate.max_seconds_per_structure is not None:
            found["sources"] = {s: shards_judged(config, s, part) for s in included}
            shares = {s: share_of_generator(config, s) for s in included}
            found["generators"] = {
                source: FromGenerator(
                    program=config.generators[name].program,
                    name=name,
                    shards=config.generators[name].shards,
                    share=share,
                )
                for source, (name, share) in shares.items()
                if name
            }
        return cls(**{**config.gate.model_dump(), **found})


class JudgePilot(JudgeLabels):
    """When the pilot of a label set is good enough for the rest to be made."""

    @classmethod
    def of(cls, config: Config, label_set: str, part: Literal["set", "pilot"] = "pilot") -> Self:
        return super().of(config, label_set, part)
