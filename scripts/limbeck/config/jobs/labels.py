"""Jobs that choose frames, label them, and judge the labels."""

import json
from typing import Any, Self

from pydantic import Field

from limbeck.config.config import Config
from limbeck.config.jobs.base import AsksPotential, MayAskPotential, asking, made_by_potential
from limbeck.config.plan import (
    batches,
    labelled_sources,
    part_of_slice,
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

#: of a source, tried in turn where those before do not pass the gate
GENERATIVE_FRACTIONS = (0.7, 0.5, 0.3, 0.1)


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
        # as many as its slices would take one by one
        parts = (part_of_slice(config, i, select.count) for i in batches(config)[batch])
        return cls(seed=config.seed, count=sum(_quota(*part) for part in parts), choice=choice)


def _quota(place: int, slices: int, count: int) -> int:
    """Share of a count; the first slices take what does not divide."""
    return count // slices + (place < count % slices)


class SelectFrames(MayAskPotential):
    """One slice's share of the frames."""

    seed: t.Whole
    slice: t.Whole
    select: Select

    @classmethod
    def of(cls, config: Config, slice: str) -> Self:
        select = config.select
        asked = asking(config, select.score.potential if select.score else None)
        place, slices, count = part_of_slice(config, int(slice), select.count)
        own = {"slices": slices, "count": count, "batches": None}
        return cls(seed=config.seed, slice=place, select=select.model_copy(update=own), **asked)


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
            lost_device=config.lost_device,
            **_of_slice(config, section, slice),
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
        return cls(**found | _of_slice(config, found["label_set"], slice))


def _of_slice(config: Config, label_set: LabelSet | FileLabels, slice: str) -> dict[str, Any]:
    """Which slice it is, and its label set, whose ``n_frames`` are those of its batch."""
    place, slices, count = part_of_slice(config, int(slice), label_set.n_frames or 0)
    own = {"n_frames": None if label_set.n_frames is None else max(count, 1)}
    return {"slice": place, "slices": slices, "label_set": label_set.model_copy(update=own)}


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
    """When a label set is good enough, or a part of it, which is the pilot or a batch.

    Attributes:
        sources: those whose time is judged, with their shards.
        less_generative: source -> the next lower share of its generative model.
        strained: sources whose crystals have no space group, as they are strained.
        generators: source -> what a generator makes of it, where its time is judged.
    """

    label_set: str
    part: str = "set"
    sources: dict[str, list[t.Whole]] = Field(default={})
    less_generative: dict[str, float] = Field(default={})
    strained: list[str] = Field(default=[])
    generators: dict[str, FromGenerator] = Field(default={})

    @classmethod
    def of(cls, config: Config, label_set: str, part: str = "set") -> Self:
        """That of a job, where the proportions are those of the sources if not given."""
        included = sources_selected(config)
        found: dict[str, Any] = {"label_set": label_set, "part": part}
        if config.gate.min_balance is not None and config.gate.proportions is None:
            found["proportions"] = {s: float(config.sources[s].count) for s in included}
        if config.gate.max_seconds_per_structure is not None:
            found["sources"] = {s: shards_judged(config, s, part) for s in included}
            of_generators = {s: share_of_generator(config, s) for s in included}
            found["generators"] = {
                source: FromGenerator(
                    program=config.generators[name].program,
                    name=name,
                    shards=config.generators[name].shards,
                    share=share,
                )
                for source, (name, share) in of_generators.items()
                if name
            }
        if config.gate.max_one_space_group is not None:
            found["strained"] = [s for s in included if getattr(config.sources[s], "strain", 0)]
        shares = {s: config.sources[s].generative_fraction for s in included}
        found["less_generative"] = {s: _less(share) for s, share in shares.items() if share}
        return cls(**{**config.gate.model_dump(), **found})


def _less(share: float) -> float:
    """The next lower of the shares that are tried one after the other."""
    return next((lower for lower in GENERATIVE_FRACTIONS if lower < share), 0.0)
