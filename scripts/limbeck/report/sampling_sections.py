"""Sections about dynamics, phonons, clusters and differences, each only where a run has them."""

from collections.abc import Iterator

from limbeck.report import cluster_figures, sampling_figures, sampling_tables
from limbeck.report.collect import Run
from limbeck.report.items import Section, Words, section


def sampling_sections(run: Run) -> Iterator[Section]:
    """What there is of them."""
    found = run.sampled
    if found.traces:
        yield _dynamics(run)
    if found.constants:
        yield _phonons(run)
    if len(found.clusters):
        yield _clusters(run)
    if found.deltas:
        yield section("delta", "Delta-learning", [sampling_tables.deltas(run)])


def _dynamics(run: Run) -> Section:
    return section(
        "dynamics",
        "Molecular dynamics",
        [
            sampling_tables.dynamics(run),
            sampling_figures.temperatures(run),
            *(sampling_figures.along_dynamics(run, name) for name in run.sampled.traces),
        ],
    )


def _phonons(run: Run) -> Section:
    drawn = [(name, c) for name, found in run.sampled.crystals.items() for c in found]
    return section(
        "phonons",
        "Phonons",
        [
            sampling_tables.constants(run),
            sampling_tables.crystals(run),
            *(sampling_figures.bands(run, name, crystal) for name, crystal in drawn),
            sampling_figures.thermal(run),
            sampling_tables.draws(run),
        ],
    )


def _clusters(run: Run) -> Section:
    return section(
        "clusters",
        "Clusters",
        [
            Words("text", _CLUSTERS),
            sampling_tables.clusters(run),
            *(cluster_figures.clusters(run, name) for name in run.sampled.pictures),
        ],
    )


_CLUSTERS = (
    "Finite clusters of whole molecules, cut out of periodic frames. Each is an isolated frame, "
    "whose atoms stand where they stand in the crystal."
)
