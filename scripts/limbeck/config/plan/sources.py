"""Sources, the files that they are read from, and those that others take structures of."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from limbeck.check.content import content_of, files_of, is_glob
from limbeck.config.config import Config
from limbeck.config.sections.sources import AnySource

#: kinds of sources whose structures have no cell, and those whose structures all have one
ISOLATED = ("molecules", "clusters")
PERIODIC = ("crystals", "random_crystals", "derivatives", "surfaces", "disordered")


def reserves(config: Config) -> list[str]:
    """Sources whose structures others take as theirs (``generative_model``).

    Each structure is of one source: a reserve has none of its own, and "generated" is without it.
    """
    named = {source.generative_model for source in config.sources.values()}
    return [name for name in config.sources if name in named]


def takers(config: Config, reserve: str) -> list[str]:
    """Sources that take structures of a reserve."""
    asked = {n: s for n, s in config.sources.items() if s.generative_model == reserve}
    return [name for name, source in asked.items() if source.n_generative]


def reserve_files(config: Config, source: str, **wildcards: str) -> list[str]:
    """Structures that a source takes some of; none of one that makes all of its own."""
    own = config.sources[source]
    if own.generative_model is None or not own.n_generative:
        return []
    shards = range(config.sources[own.generative_model].shards)
    return [f"screened/{own.generative_model}/{i}.h5" for i in shards]


def sources_compared(config: Config) -> list[str]:
    """Sources that are compared with each other, their reference among them; none of most runs."""
    asked = config.compare
    if asked is None:
        return []
    reference = [asked.reference] if asked.reference else []
    return list(dict.fromkeys([*asked.sources, *reference]))


def structures_compared_with(config: Config, **wildcards: str) -> list[str]:
    """Their structures, as they are made."""
    return [
        f"structures/{name}/{i}.h5"
        for name in sources_compared(config)
        for i in range(config.sources[name].shards)
    ]


def generator_of(config: Config, source: str) -> str | None:
    """Name of the generator whose structures a source has; None of any other source."""
    return getattr(config.sources[source], "generator", None)


def share_of_generator(config: Config, source: str) -> tuple[str | None, float]:
    """The generator that makes structures of a source, or of its ``generative_model``, and of which
    share of them; None of a source without."""
    if name := generator_of(config, source):
        return name, 1.0
    own = config.sources[source]
    if own.generative_model is None or not own.n_generative:
        return None, 0.0
    return generator_of(config, own.generative_model), own.generative_fraction


def generators_used(config: Config) -> list[str]:
    """Generators whose structures a source has."""
    found = (generator_of(config, source) for source in config.sources)
    return list(dict.fromkeys(name for name in found if name))


def generator_shards(config: Config) -> Iterator[tuple[str, int]]:
    """Each generator that is used, with each of its shards."""
    for name in generators_used(config):
        yield from ((name, shard) for shard in range(config.generators[name].shards))


def generated_files(config: Config, source: str, **wildcards: str) -> list[str]:
    """What says what a generator made, of all its shards; none where a source has none."""
    name = generator_of(config, source)
    shards = range(config.generators[name].shards) if name else ()
    return [f"generators/{name}/{i}/made.json" for i in shards]


def structures_of_generator(config: Config, source: str, **wildcards: str) -> list[str]:
    """The files beside these that have its structures."""
    made = generated_files(config, source)
    name = generator_of(config, source)
    kind = "sdf" if name and config.generators[name].about.molecules else "extxyz"
    return [path.replace("made.json", f"structures.{kind}") for path in made]


def generator_files(config: Config, generator: str) -> list[str]:
    """Files of the user that a generator reads; these are not below the run."""
    path = getattr(config.generators[generator], "smiles", None)
    return [path] if path else []


def generator_content(config: Config, generator: str) -> str:
    """A hash of these; see :mod:`limbeck.check.content`."""
    return content_of(generator_files(config, generator))


def of_program(config: Config, program: str) -> list[str]:
    """Generators of one program whose structures a source has."""
    return [n for n in generators_used(config) if config.generators[n].program == program]


def is_isolated(source: AnySource) -> bool:
    """Whether the structures of a source have no cell; those of a file may have one or none."""
    return source.kind in ISOLATED


#: sections that the job check_inputs looks at
CHECKED = {
    *("sources", "generators", "potentials", "force_constants", "sampling", "subsystems"),
    *("run", "select", "labels", "warrant", "duplicates"),
}


def digest(value: Any) -> str:
    """A short name for what JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def of_kind(sections: Mapping[str, Any], field: str, value: str) -> list[str]:
    """Names of the entries whose ``field`` is ``value``."""
    return [name for name, section in sections.items() if getattr(section, field) == value]


def source_files(config: Config, source: str) -> list[str]:
    """Files of the user that a source is read from; these are not below the run.

    All that are in a folder or of a glob; none where there are none, of which `check_inputs` says
    more than Snakemake. Those with names that Snakemake takes for patterns are left out: their
    content counts all the same.
    """
    found: list[str] = []
    for path in paths_of(config, source):
        several = is_glob(path) or Path(path).is_dir()
        found += [str(file) for file in files_of(path)] if several else [path]
    return [path for path in found if path.isprintable() and not set(path) & set("{}")]


def paths_of(config: Config, source: str) -> list[str]:
    section = config.sources[source]
    paths = (getattr(section, field, None) for field in ("smiles", "path", "grids"))
    return [path for path in paths if path is not None]


def source_content(config: Config, source: str) -> str:
    """A hash of all files that a source is read from; see :mod:`limbeck.check.content`."""
    return content_of(paths_of(config, source))


def content(config: Config) -> dict[str, str]:
    """A hash of the files of each source."""
    return {source: source_content(config, source) for source in config.sources}
