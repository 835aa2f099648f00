"""Sources of structures.

A new one is a module here with ``generate``, ``elements`` and ``groups``, and one line below.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import AnySource, Clusters
from limbeck.config.sections.sources.clusters import OF_EVERY_SIZE
from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.frames import Frames
    from limbeck.structures.screening import Rejected

#: kind in the config -> module of this folder; imported when asked for, since they are heavy
SOURCES = {
    "molecules": "molecules",
    "crystals": "crystals",
    "random_crystals": "random_crystals",
    "derivatives": "derivatives",
    "clusters": "clusters",
    "surfaces": "surfaces",
    "disordered": "disordered",
    "file": "files",
    "generated": "generated",
}


def generate(job: GenerateStructures) -> "tuple[Frames, list[Rejected]]":
    """Structures of one shard of a source, and a list of those that could not be made.

    Raises:
        LimbeckError: the source or an input file is wrong as a whole.
    """
    module = import_module(f"limbeck.structures.sources.{SOURCES[job.source.kind]}")
    return module.generate(job.source, job)


def elements_of(source: AnySource) -> frozenset[str]:
    """Symbols of all elements that a source of the config may be made of; opens its files.

    Raises:
        LimbeckError: a file is missing, or not what it should be; one line for each error.
    """
    return import_module(f"limbeck.structures.sources.{SOURCES[source.kind]}").elements(source)


def groups_of(source: AnySource) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each structure that a source of the config makes, one by one.

    More than are there in the end: conformers may repeat, and structures be refused.

    Raises:
        LimbeckError: as :func:`elements_of`.
    """
    return import_module(f"limbeck.structures.sources.{SOURCES[source.kind]}").groups(source)


def write_shard(
    job: GenerateStructures,
    output: Path,
    failed: Path,
    *,
    reserve: Sequence[str | Path] = (),
    recipe: str = "",
) -> None:
    """Make one shard of a source; write its frames and a table of the structures that failed.

    Args:
        reserve: what its generative model wrote and screening left, all shards.
        recipe: what the frames are made of, for their header.
    """
    from limbeck.storage import read_many, write_frames
    from limbeck.structures.reserve import with_reserve
    from limbeck.structures.screening import write_rejected

    if reserve:
        frames, rejected = with_reserve(job, read_many(reserve), generate)
    else:
        frames, rejected = generate(job)
    write_rejected(failed, rejected)
    stage = f"generate_{job.source.kind}"
    settings = job.model_dump(mode="json")
    write_frames(output, frames, stage=stage, settings=settings, recipe=recipe)


def check_sizes(sources: Iterable[AnySource]) -> None:
    """Look for clusters of sizes that no closed shape has, without opening any file.

    Raises:
        LimbeckError: there are none of a source.
    """
    for source in sources:
        if isinstance(source, Clusters) and not set(source.shapes) & set(OF_EVERY_SIZE):
            try:
                elements_of(source)
            except LimbeckError as error:
                raise LimbeckError(f"sources.{source.name}.{error}") from error
