"""Which sources samplings and subsystems are of, and where their frames stand."""

from collections.abc import Iterator

from limbeck.config.config import Config
from limbeck.config.plan.sources import reserves, sources_compared, takers
from limbeck.config.sections.labels import Batch
from limbeck.config.sections.sampling import Phonons
from limbeck.config.sections.sources import AnySource


def sources_of(config: Config, name: str) -> list[str]:
    """Names of the sources behind a sampling, a subsystem, or "generated"."""
    if name == "generated":
        return [source for source in config.sources if source not in reserves(config)]
    if name in config.subsystems:
        origins = config.subsystems[name].of
        return list(dict.fromkeys(s for origin in origins for s in sources_of(config, origin)))
    return config.sampling[name].sources


def frame_files(config: Config, name: str, source: str, shard: int | str) -> list[str]:
    """Files of one shard of a sampling, a subsystem, or "generated"."""
    if name == "generated":
        return [f"screened/{source}/{shard}.h5"]
    if name in config.subsystems:
        return [
            f"subsystems/{name}/{origin}/{source}/{shard}.h5"
            for origin in config.subsystems[name].of
            if source in sources_of(config, origin)
        ]
    return [f"samples/{name}/{source}/{shard}.h5"]


def shards_of_slice(config: Config, source: str, slice: int) -> range:
    """Shards of a source that belong to a slice.

    Shard i belongs to slice i modulo the number of slices; of batches, each has the next of the
    shards, which its slices share in the same way.
    """
    section, first = config.sources[source], 0
    for batch in config.select.batches or ():
        end = first + shards_of_batch(section, batch)
        if slice < batch.slices:
            return range(first + slice, end, batch.slices)
        first, slice = end, slice - batch.slices
    return range(slice, section.shards, config.select.slices)


def shards_of_batch(source: AnySource, batch: Batch) -> int:
    """How many shards of a source are in a batch; the checks see to it that these are whole."""
    return batch.structures.get(source.name, 0) * source.shards // source.count


def frames_of_slice(config: Config, slice: int | str) -> list[str]:
    """Files that one slice selects its frames from."""
    return [
        path
        for name in config.select.include
        for source in sources_of(config, name)
        for shard in shards_of_slice(config, source, int(slice))
        for path in frame_files(config, name, source, shard)
    ]


def sources_selected(config: Config) -> list[str]:
    """Sources that selected frames descend from."""
    return list(dict.fromkeys(s for n in config.select.include for s in sources_of(config, n)))


def shards_of(config: Config, names: list[str]) -> Iterator[tuple[str, int]]:
    """Each source behind samplings or subsystems, with each of its shards."""
    for source in dict.fromkeys(s for name in names for s in sources_of(config, name)):
        for shard in range(config.sources[source].shards):
            yield source, shard


def structures_selected(config: Config) -> list[str]:
    """Files of the structures that selected frames descend from."""
    return [
        f"screened/{source}/{shard}.h5"
        for source, shard in shards_of(config, config.select.include)
    ]


def subsystem_files(config: Config) -> list[str]:
    """Files of all clusters."""
    return [
        path
        for name in config.subsystems
        for source, shard in shards_of(config, [name])
        for path in frame_files(config, name, source, shard)
    ]


def force_constant_files(config: Config) -> list[str]:
    """Tables of all force constants."""
    return [
        f"force_constants/{name}/{source}/{shard}.csv"
        for name, section in config.force_constants.items()
        for source in section.sources
        for shard in range(config.sources[source].shards)
    ]


def sources_used(config: Config) -> list[str]:
    """Sources that something is made of: frames to be labelled, clusters, force constants."""
    names = [*config.select.include, *config.subsystems]
    of_frames = (source for name in names for source in sources_of(config, name))
    of_constants = (s for section in config.force_constants.values() for s in section.sources)
    compared = [config.gate.reference] if config.gate.reference else []
    compared += [s for s in sources_compared(config) if s not in reserves(config)]
    return list(dict.fromkeys([*of_frames, *of_constants, *compared]))


def reserves_used(config: Config) -> list[str]:
    """Reserves that a source which something is made of takes structures from."""
    used, compared = set(sources_used(config)), sources_compared(config)
    return [n for n in reserves(config) if n in compared or used & set(takers(config, n))]


def origins(config: Config) -> dict[str, dict[str, str]]:
    """Licence and citation of the structures of each source that is used and has either."""
    found = {}
    for name in [*sources_used(config), *reserves_used(config)]:
        told = {f: getattr(config.sources[name], f, None) for f in ("licence", "citation")}
        if any(told.values()):
            found[name] = {field: text or "" for field, text in told.items()}
    return found


def samplings_used(config: Config) -> list[str]:
    """Samplings whose frames are selected or cut."""
    origins = (origin for section in config.subsystems.values() for origin in section.of)
    return [n for n in dict.fromkeys([*config.select.include, *origins]) if n in config.sampling]


def driver(config: Config, sampling: str) -> str | None:
    """Name of the potential that a sampling asks; None where it asks none."""
    section = config.sampling[sampling]
    if isinstance(section, Phonons):  # its force constants are there already
        return config.force_constants[section.force_constants].potential if section.keep else None
    return getattr(section, "potential", None)


def force_constants_of(config: Config, sampling: str, source: str, shard: str) -> list[str]:
    """Folder of the force constants that a sampling follows; none where it follows none."""
    section = config.sampling[sampling]
    follows = section.force_constants if isinstance(section, Phonons) else None
    return [f"force_constants/{follows}/{source}/{shard}"] if follows else []


def frames_to_cut(
    config: Config, subsystem: str, sampling: str, source: str, shard: str
) -> list[str]:
    """Frames that clusters are cut out of."""
    return frame_files(config, sampling, source, shard)


def fragment_tables(config: Config, subsystem: str, label_set: str) -> list[str]:
    """Which cluster of a subsystem has which fragments."""
    return [
        f"{path.removesuffix('.h5')}.fragments.csv"
        for path in subsystem_files(config)
        if path.split("/")[1] == subsystem
    ]
