"""What jobs of several rules are told alike."""

from typing import Any

from limbeck.check.content import sha256_now
from limbeck.config.config import Config
from limbeck.config.sections import types as t
from limbeck.config.sections.base import Section
from limbeck.config.sections.datasets import DatasetSettings
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.potentials import Potential, Weights
from limbeck.config.sections.studies import FramesByViews
from limbeck.errors import LimbeckError

#: source -> licence and citation of its structures
Origins = dict[str, dict[str, str]]


#: no job but CheckYields depends on whether a part may be empty
ANY_YIELD = {"allow_empty": False}


class Compute(Section):
    """A job that computes with models."""

    device: t.Device
    threads: t.Count


class AsksPotential(Compute):
    """A job that asks a potential; ``batch_plans`` is their folder, where there is one."""

    potential: Potential
    batch_plans: str | None = None


class MayAskPotential(Section):
    """A job that asks a potential, or none."""

    potential: Potential | None = None
    device: t.Device = "cpu"
    threads: t.Count = 1
    batch_plans: str | None = None


def made_by_potential(config: Config, label_set: str) -> LabelSet:
    section = config.labels[label_set]
    if not isinstance(section, LabelSet):
        raise LimbeckError(f"labels.{label_set}: from a file, expected a potential's")
    return section


def computing(config: Config) -> dict[str, Any]:
    return {"device": config.device, "threads": config.threads}


def asking(config: Config, name: str | None, *, labels: bool = False) -> dict[str, Any]:
    """Fields of a job that asks the potential of this name; none where there is no name.

    Args:
        labels: whether the job labels frames: no other depends on what the potential was trained
            on.
    """
    if not name:
        return {}
    potential = potential_of(config, name)
    if not labels:
        potential = potential.model_copy(update={"trained_on": None})
    return {"potential": potential, **computing(config)}


def potential_of(config: Config, name: str) -> Any:
    """A potential, with the hash of its weights where the config trusts them without.

    So other weights under the same path are noticed, as with a hash of the config's own.
    """
    potential = config.potentials[name]
    if isinstance(potential, Weights) and potential.path and not potential.sha256:
        return potential.model_copy(update={"sha256": sha256_now(potential.path) or None})
    return potential


class Split(Section):
    """How all frames are split, whatever they are labelled with."""

    seed: t.Whole
    dataset: DatasetSettings


def frames_by_views(config: Config) -> FramesByViews:
    if not isinstance(config.frames_study, FramesByViews):
        raise LimbeckError("studies: expected one of kind frames_by_views")
    return config.frames_study
