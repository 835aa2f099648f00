"""Which sources are searched for structures that others have."""

from collections.abc import Sequence

from limbeck.config.config import Config
from limbeck.config.plan.frames import samplings_used, sources_of, sources_used
from limbeck.config.plan.labels import from_files, labelled_sources


def _uses(config: Config, source: str) -> set[tuple[str, str]]:
    """What is made of a source: force constants, samplings, clusters, and itself."""
    names = [*config.select.include, *samplings_used(config), *config.subsystems]
    found = {("frames", name) for name in names if source in sources_of(config, name)}
    constants = config.force_constants.items()
    return found | {("force_constants", n) for n, section in constants if source in section.sources}


def compared_sources(config: Config, source: str) -> list[str]:
    """Sources before this one of which all is made that is made of it: what they have in common
    need not be made twice."""
    used = sources_used(config)
    before = list(config.sources)[: list(config.sources).index(source)]
    asked = _uses(config, source)
    return [name for name in before if name in used and asked <= _uses(config, name)]


def all_stay(config: Config, source: str) -> bool:
    """Whether no structure of a source is dropped as a duplicate: as asked for, or since its file
    has labels, which somebody has paid for."""
    labelled = (s.name for name in from_files(config) for s in labelled_sources(config, name))
    return source in {*config.duplicates.keep_all_of, *labelled}


def _structures(config: Config, sources: Sequence[str]) -> list[str]:
    return [
        f"structures/{name}/{i}.h5" for name in sources for i in range(config.sources[name].shards)
    ]


def structures_compared(config: Config, source: str) -> list[str]:
    """Files of the structures that are compared, those of the source last."""
    return _structures(config, [*compared_sources(config, source), source])


def keys_compared(config: Config, source: str) -> list[str]:
    """Keys of what the sources before keep."""
    return [f"duplicates/{name}.h5" for name in compared_sources(config, source)]


def duplicates_of(config: Config, source: str, shard: int | str) -> list[str]:
    """What says which structures of a source are duplicates; none where none are looked for."""
    return [f"duplicates/{source}.h5"] if config.duplicates.distance_A else []
