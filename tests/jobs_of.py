"""Settings of jobs and sections from the few fields that a test is about."""

from collections.abc import Mapping
from typing import Any

from limbeck.config.jobs import (
    ExtractSubsystems,
    GenerateStructures,
    SampleFrames,
    SelectFrames,
    Split,
)
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.messages import validated
from limbeck.config.sections.potentials import AnyPotential, Potential
from limbeck.config.sections.sampling import Sampling
from limbeck.config.sections.students import StudentSettings

#: fields of jobs; all others are those of the section
OF_JOBS = ("seed", "source", "shard", "device", "threads", "batch_plans")


def _parted(fields: Mapping[str, Any], *names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    job = {name: fields[name] for name in (*OF_JOBS, *names) if name in fields}
    return job, {name: value for name, value in fields.items() if name not in job}


def generate_job(kind: str, fields: Mapping[str, Any]) -> GenerateStructures:
    """Of ``seed``, ``source`` (its name), ``shard``, and fields of the source."""
    job, section = _parted(fields)
    source = {"name": job.pop("source"), "kind": kind, **section}
    return validated(GenerateStructures, {**job, "source": source}, "settings")


def sample_job(method: str, fields: Mapping[str, Any]) -> SampleFrames:
    """Of ``seed``, ``sampling`` (its name), ``source``, ``shard``, fields of the sampling, and a
    ``potential`` with its name."""
    job, section = _parted({"source": "s", "shard": 0, **fields}, "force_constants", "potential")
    if method == "phonons":
        section["force_constants"] = "constants"
    if job.get("potential") and method != "phonons":
        section["potential"] = job["potential"]["name"]
    own = {"name": section.pop("sampling", "test"), "method": method, "sources": ["s"], **section}
    return validated(SampleFrames, {**job, "sampling": own}, "settings")


def sampling(method: str, fields: Mapping[str, Any]) -> Any:
    """The section of a sampling that ``some`` potential drives, where one does."""
    own = {"name": "test", "method": method, "sources": ["s"], **fields}
    if method in ("md", "contour", "relax_path"):
        own = {"potential": "some", **own}
    return validated(Sampling, own, "sampling.test")


def subsystem_job(fields: Mapping[str, Any]) -> ExtractSubsystems:
    """Of ``seed``, ``subsystem`` (its name), ``sampling``, and fields of the subsystem."""
    given = {"source": "s", "shard": 0, **fields}
    job, section = _parted(given, "sampling", "potential")
    own = {"name": section.pop("subsystem"), "of": [job["sampling"]], **section}
    if job.get("potential"):
        own["potential"] = job["potential"]["name"]
    return validated(ExtractSubsystems, {**job, "subsystem": own}, "settings")


def select_job(fields: Mapping[str, Any]) -> SelectFrames:
    """Of ``seed``, ``slice``, and fields of ``select``."""
    job, section = _parted(fields, "slice", "potential")
    return validated(SelectFrames, {**job, "select": section}, "settings")


def split_job(fields: Mapping[str, Any]) -> Split:
    """Of ``seed``, and fields of ``dataset``."""
    job, section = _parted(fields)
    return validated(Split, {**job, "dataset": section}, "settings")


def label_set(fields: Mapping[str, Any]) -> LabelSet:
    """A label set of ``some`` potential."""
    return validated(LabelSet, {"name": "test", "potential": "some", **fields}, "labels.test")


def student(fields: Mapping[str, Any]) -> StudentSettings:
    """A student, of architecture mace where none is given."""
    own = {"name": "test", "architecture": "mace", **fields}
    return validated(StudentSettings, own, "students.test")


def potential(fields: Mapping[str, Any]) -> AnyPotential:
    """A potential of the config."""
    return validated(Potential, {"name": "test", **fields}, "potentials.test")
