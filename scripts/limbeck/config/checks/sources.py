"""What structures are made of: sources, generators, samplings, and files that have to be there."""

from collections.abc import Iterator
from pathlib import Path

from limbeck.check.content import files_of, nothing_at
from limbeck.config.config import Config
from limbeck.config.environments import faults_of_python
from limbeck.config.plan import (
    generator_files,
    generators_used,
    is_isolated,
    reserves,
    sources_used,
    takers,
    teachers,
)
from limbeck.config.sections.force_constants import ForceConstants
from limbeck.config.sections.sampling import AnySampling, MolecularDynamics, Phonons
from limbeck.config.sections.sources import Clusters, Surfaces

#: of a generative model that wrote nothing
RUN_IT_FIRST = "run the generative model first"


def _purpose(config: Config) -> Iterator[str]:
    if not config.labels and not teachers(config) and not config.studies:
        yield (
            "labels: none, expected a label set, or potentials in warrant.teachers whose gaps are "
            "measured"
        )


def only_studies(config: Config) -> Iterator[str]:
    """A run without sources has studies of other fields, and nothing that is made of frames."""
    if not config.engine_studies:
        yield "sources: none, expected a source, or studies of other fields than frames of atoms"
    for field in ("labels", "sampling", "distill", "delta"):
        if getattr(config, field):
            yield f"{field}: given, expected none: there are no sources to make frames of"
    if config.frames_study:
        text = f"of kind {config.frames_study.kind}, which needs sources, expected another"
        yield f"studies.{config.frames_study.name}: {text}"


def _unused(config: Config) -> Iterator[str]:
    used = {*sources_used(config), *reserves(config)}
    for name in config.sources:
        if name not in used:
            yield (
                f"sources.{name}: nothing is made of it, expected it among the sources of a "
                'sampling in select.include (or "generated" there, for all), or no such source'
            )


def _cells(config: Config) -> Iterator[str]:
    """Pressure and phonons where there is no cell."""
    asked: list[tuple[str, AnySampling | ForceConstants, str]] = [
        *(
            (f"sampling.{n}.ensemble", s, "NPT, expected NVT or NVE")
            for n, s in config.sampling.items()
            if isinstance(s, MolecularDynamics) and s.moves_cell
        ),
        *(
            (f"force_constants.{n}.sources", s, "phonons, expected sources of crystals")
            for n, s in config.force_constants.items()
        ),
    ]
    for field, section, text in asked:
        isolated = [s for s in section.sources if is_isolated(config.sources[s])]
        if isolated and not section.allow_empty:
            yield f"{field}: {text}: {', '.join(isolated)} has no cell"


def _generators(config: Config) -> Iterator[str]:
    """Files and programs that are not there, and generators that nothing is made of."""
    used = generators_used(config)
    for name in config.generators:
        if name not in used:
            yield f"generators.{name}: nothing is made of it, expected a source that names it"
        own = config.generators[name]
        for line in faults_of_python(own, own.program) if own.if_missing == "stop" else ():
            yield f"generators.{name}.python: {line}"
        for path in generator_files(config, name):
            if not files_of(path):
                yield f"generators.{name}.smiles: {path!r}, {nothing_at(path)}"


def _generative(config: Config) -> Iterator[str]:
    """Reserves that are none, or that are asked for structures of their own."""
    for name, source in config.sources.items():
        model = source.generative_model
        if model and config.sources[model].kind != "generated":
            kind = config.sources[model].kind
            text = f"of kind {kind}, expected a source of kind generated"
            yield f"sources.{name}.generative_model: {model!r}, {text}"
    asking = [(f"sampling.{n}", s.sources) for n, s in config.sampling.items()]
    asking += [(f"force_constants.{n}", s.sources) for n, s in config.force_constants.items()]
    for reserve in reserves(config):
        others = [n for n, s in config.sources.items() if s.generative_model == reserve]
        for field, sources in asking:
            if reserve in sources:
                yield (
                    f"{field}.sources: {reserve!r}, expected {' or '.join(others)}, whose "
                    "generative_model it is: each structure is of one source"
                )


def _sizes(config: Config) -> Iterator[str]:
    for name, source in config.sources.items():
        sizes = source.sizes if isinstance(source, Clusters) else None
        if sizes and sizes[0] > config.screen.max_atoms:
            text = f"expected at most screen.max_atoms, {config.screen.max_atoms}"
            yield f"sources.{name}.sizes: {sizes}, {text}"


def _vacuum(config: Config) -> Iterator[str]:
    least = config.screen.min_vacuum_A
    for name, source in config.sources.items():
        if isinstance(source, Surfaces) and source.vacuum_A < least:
            text = f"expected screen.min_vacuum_A, {least:g}, or more: all slabs would be refused"
            yield f"sources.{name}.vacuum_A: {source.vacuum_A:g}, {text}"


def _phonons(config: Config) -> Iterator[str]:
    for name, sampling in config.sampling.items():
        if isinstance(sampling, Phonons):
            there = config.force_constants[sampling.force_constants].sources
            for source in sampling.sources:
                if source not in there:
                    text = f"force_constants.{sampling.force_constants}: {', '.join(there)}"
                    yield f"sampling.{name}.sources: {source!r}, expected sources of {text}"


def _files(config: Config) -> Iterator[str]:
    for part in ("sources", "potentials"):
        for name, section in getattr(config, part).items():
            for field in ("smiles", "path", "grids"):
                path = getattr(section, field, None)
                if path is None or (part == "potentials" and Path(path).exists()):
                    continue
                if part == "sources" and _idle(config, name):
                    continue
                if not files_of(path):
                    text = _fallback(config, name) if part == "sources" else ""
                    yield f"{part}.{name}.{field}: {path!r}, {nothing_at(path)}{text}"
                elif field in ("smiles", "grids") and Path(path).is_dir():
                    yield f"{part}.{name}.{field}: {path!r} is a folder, expected a file"


def _idle(config: Config, source: str) -> bool:
    """Whether it is a reserve of which nothing is asked."""
    return source in reserves(config) and not takers(config, source)


def _fallback(config: Config, source: str) -> str:
    """What can be done where a generative model has left nothing; nothing of other sources."""
    if config.sources[source].kind != "generated":
        return ""
    asking = takers(config, source)
    made = " and ".join(f"sources.{name}.generative_fraction" for name in asking)
    text = f"; {made} 0 makes all of them conventionally" if asking else ""
    return f": {RUN_IT_FIRST}{text}"


CHECKS = (
    _purpose,
    _unused,
    _cells,
    _generators,
    _generative,
    _sizes,
    _vacuum,
    _phonons,
    _files,
)
