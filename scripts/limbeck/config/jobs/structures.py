"""Jobs that make structures, frames and clusters."""

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field

from limbeck.config.config import Config
from limbeck.config.jobs.base import (
    ANY_YIELD,
    AsksPotential,
    Compute,
    MayAskPotential,
    asking,
    computing,
)
from limbeck.config.plan import (
    all_stay,
    driver,
    generator_of,
    is_isolated,
    structures_of_generator,
    takers,
)
from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section
from limbeck.config.sections.force_constants import ForceConstants
from limbeck.config.sections.generators import Generator, MatterGen
from limbeck.config.sections.generators.weights import MATTERGEN, downloads, folder_of
from limbeck.config.sections.potentials import keep_faults
from limbeck.config.sections.sampling import Sampling
from limbeck.config.sections.screen import Compare, Screen
from limbeck.config.sections.sources import Source, StructureFile
from limbeck.config.sections.subsystems import Subsystem
from limbeck.errors import LimbeckError


class RunGenerator(Compute):
    """One shard of what a generative model is asked for; read without Limbeck.

    Attributes:
        count: structures of this shard.
        conditions: what MatterGen is asked for, as it calls it.
        min_distance_ratio: as in ``screen``.
        fetched: where weights that are named were fetched to, and the hashes of the files.
    """

    seed: t.Whole
    shard: t.Whole
    count: t.Count
    generator: Generator
    conditions: dict[str, Any] = Field(default={})
    min_distance_ratio: t.DistanceRatio | None
    fetched: dict[str, Any] | None = None

    @classmethod
    def of(cls, config: Config, generator: str, shard: str) -> Self:
        own = config.generators[generator]
        fetched = None
        if isinstance(own, MatterGen) and own.weights in MATTERGEN:
            folder = folder_of(own.weights)
            files = {d.path.removeprefix(f"{folder}/"): d.sha256 for d in downloads(own.weights)}
            fetched = {"folder": folder, "files": files}
        return cls(
            seed=config.seed if own.seed is None else own.seed,
            shard=int(shard),
            count=len(range(int(shard), own.count, own.shards)),
            generator=own.model_copy(update={"elements": own.declared_elements}),
            conditions=own.conditions if isinstance(own, MatterGen) else {},
            min_distance_ratio=config.screen.min_distance_ratio,
            fetched=fetched,
            **computing(config),
        )


class FetchWeights(Section):
    """Weights of the generators of a config."""

    generators: t.Named[Generator]

    @classmethod
    def of(cls, config: Config) -> Self:
        return cls(generators=config.generators)


class GenerateStructures(Section):
    """One shard of a source.

    Attributes:
        taken_before: structures of its kind of cell that sources before it ask of its
            ``generative_model``.
    """

    seed: t.Whole
    shard: t.Whole
    source: Source
    taken_before: t.Whole = 0

    @classmethod
    def of(cls, config: Config, source: str, shard: str) -> Self:
        update: dict[str, Any] = dict(ANY_YIELD)
        if generator_of(config, source):
            # what the generator left: the source is read as any other of files
            kind = structures_of_generator(config, source)[0].rpartition("/")[2]
            folder = f"results/{config.run}/generators/{generator_of(config, source)}"
            update |= {"generator": None, "path": f"{folder}/*/{kind}"}
        found = config.sources[source].model_copy(update=update)
        before = _taken_before(config, source)
        return cls(seed=config.seed, shard=int(shard), source=found, taken_before=before)


def _taken_before(config: Config, source: str) -> int:
    """Each structure of a reserve goes to one source: these take theirs in the config's order."""
    own = config.sources[source]
    others = takers(config, own.generative_model) if own.generative_model else []
    alike = (config.sources[n] for n in others[: others.index(source)]) if source in others else ()
    return sum(s.n_generative for s in alike if is_isolated(s) == is_isolated(own))


class FindDuplicates(Section):
    """Which structures of a source are the same as an earlier one.

    Attributes:
        all_stay: whether none of it is dropped.
        siblings: how structures of the source are compared with each other: all; those that may be
            displacements of one another not, as of a file; or none, as where it strains them.
    """

    source: str
    distance_A: t.Positive
    screen: Screen
    all_stay: bool
    siblings: Literal["all", "not_displaced", "none"]

    @classmethod
    def of(cls, config: Config, source: str, batch: str) -> Self:
        section = config.sources[source]
        siblings: Literal["all", "not_displaced", "none"] = "all"
        if isinstance(section, StructureFile):
            siblings = "not_displaced"
        elif getattr(section, "strain", 0):
            siblings = "none"
        return cls(
            source=source,
            distance_A=config.duplicates.distance_A or 1.0,
            screen=config.screen,
            all_stay=all_stay(config, source),
            siblings=siblings,
        )


class CompareSources(Compare):
    """Sources beside each other."""

    screen: Screen

    @classmethod
    def of(cls, config: Config) -> Self:
        if config.compare is None:
            raise LimbeckError("compare: the config has none")
        return cls(**config.compare.model_dump(), screen=config.screen)


class CalculateForceConstants(AsksPotential):
    """Force constants of one shard of a source."""

    seed: t.Whole
    source: str
    shard: t.Whole
    force_constants: ForceConstants

    @classmethod
    def of(cls, config: Config, force_constants: str, source: str, shard: str) -> Self:
        """That of a job, which does not depend on the section's other sources."""
        section = config.force_constants[force_constants]
        return cls(
            seed=config.seed,
            source=source,
            shard=int(shard),
            force_constants=section.model_copy(update={"sources": [source], **ANY_YIELD}),
            **asking(config, section.potential),
        )


class SampleFrames(MayAskPotential):
    """Frames of one shard of a source; ``force_constants`` is their folder, for phonons."""

    seed: t.Whole
    source: str
    shard: t.Whole
    sampling: Sampling
    force_constants: str | None = None

    @classmethod
    def of(cls, config: Config, sampling: str, source: str, shard: str) -> Self:
        """That of a job, which does not depend on the sampling's other sources."""
        return cls(
            seed=config.seed,
            source=source,
            shard=int(shard),
            sampling=config.sampling[sampling].model_copy(
                update={"sources": [source], **ANY_YIELD}
            ),
            **asking(config, driver(config, sampling)),
        )

    def faults(self) -> Iterator[Fault]:
        """Something is to be kept that no potential says."""
        yield from keep_faults(self.sampling.keep, self.potential)


class ExtractSubsystems(MayAskPotential):
    """Clusters of one shard of the frames of a sampling."""

    seed: t.Whole
    sampling: str
    source: str
    shard: t.Whole
    subsystem: Subsystem

    @classmethod
    def of(cls, config: Config, subsystem: str, sampling: str, source: str, shard: str) -> Self:
        """That of a job, which does not depend on what else the subsystem is cut out of."""
        section = config.subsystems[subsystem]
        return cls(
            seed=config.seed,
            sampling=sampling,
            source=source,
            shard=int(shard),
            subsystem=section.model_copy(update={"of": [sampling], **ANY_YIELD}),
            **asking(config, section.potential if section.keep else None),
        )

    def faults(self) -> Iterator[Fault]:
        """Something is to be kept that no potential says."""
        yield from keep_faults(self.subsystem.keep, self.potential)


class ExpandManyBody(Section):
    """Many-body terms of a subsystem's clusters."""

    label_set: str
    many_body_order: t.AtLeastTwo

    @classmethod
    def of(cls, config: Config, subsystem: str, label_set: str) -> Self:
        order = config.subsystems[subsystem].many_body_order
        return cls(label_set=label_set, many_body_order=order or 2)


class CheckYields(Section):
    """Whether every part of a stage has made something; ``config`` is what says which there are."""

    stage: Literal["structures", "frames"]
    config: Config

    @classmethod
    def of(cls, config: Config, stage: str) -> Self:
        """That of a stage, which does not depend on what comes after it."""
        asked = {
            "run": "any",
            "sources": config.sources,
            "generators": config.generators,
            "force_constants": config.force_constants,
            "sampling": config.sampling,
            "subsystems": config.subsystems,
            "select": {"include": config.select.include},
        }
        return cls.model_validate({"stage": stage, "config": asked})
