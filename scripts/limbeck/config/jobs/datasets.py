"""Jobs that make data sets."""

from typing import Self

from pydantic import Field

from limbeck.config.config import Config
from limbeck.config.jobs.base import AsksPotential, Origins, Split, asking, made_by_potential
from limbeck.config.plan import (
    origins,
)
from limbeck.config.sections.datasets import Delta


class BuildDataset(Split):
    """The data set of a label set; ``origins`` are those of its structures."""

    label_set: str
    origins: Origins = Field(default={})

    @classmethod
    def of(cls, config: Config, label_set: str) -> Self:
        return cls(
            label_set=label_set,
            seed=config.seed,
            dataset=config.dataset,
            origins=origins(config),
        )


class BuildDeltaSet(Split):
    """The data set of a difference."""

    delta: Delta

    @classmethod
    def of(cls, config: Config, delta: str) -> Self:
        return cls(delta=config.delta[delta], seed=config.seed, dataset=config.dataset)


class EvaluateIsolatedAtoms(AsksPotential):
    """Energies of isolated atoms by the potential of a label set."""

    @classmethod
    def of(cls, config: Config, label_set: str) -> Self:
        return cls(**asking(config, made_by_potential(config, label_set).potential))
