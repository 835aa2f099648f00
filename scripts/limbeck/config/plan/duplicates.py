"""Which structures are searched for those that came before them: of a source before, or of a batch
before."""

from collections.abc import Sequence

from limbeck.config.config import Config
from limbeck.config.plan.batches import batches, batches_until
from limbeck.config.plan.frames import samplings_used, shards_of_slice, sources_of, sources_used
from limbeck.config.plan.labels import from_files, labelled_sources
from limbeck.config.plan.sources import ISOLATED, PERIODIC, reserves


def _uses(config: Config, source: str) -> set[tuple[str, str]]:
    """What is made of a source: force constants, samplings, clusters, and itself."""
    names = [*config.select.include, *samplings_used(config), *config.subsystems]
    found = {("frames", name) for name in names if source in sources_of(config, name)}
    constants = config.force_constants.items()
    return found | {("force_constants", n) for n, section in constants if source in section.sources}


def compared_sources(config: Config, source: str) -> list[str]:
    """Other sources of which all is made that is made of this one: what they have in common need
    not be made twice. None for a reserve, whose structures become those of other sources.
    """
    if source in reserves(config):
        return []
    asked, used = _uses(config, source), sources_used(config)
    others = [name for name in config.sources if name in used and name != source]
    return [n for n in others if asked <= _uses(config, n) and _may_be_alike(config, source, n)]


def _may_be_alike(config: Config, *sources: str) -> bool:
    """Whether two sources may have a structure in common: not molecules and crystals."""
    kinds = [config.sources[name].kind for name in sources]
    return not (set(kinds) & set(ISOLATED) and set(kinds) & set(PERIODIC))


def all_stay(config: Config, source: str) -> bool:
    """Whether no structure of a source is dropped as a duplicate: as asked for, or since its file
    has labels, which somebody has paid for."""
    labelled = (s.name for name in from_files(config) for s in labelled_sources(config, name))
    return source in {*config.duplicates.keep_all_of, *labelled}


def shards_of_batches(config: Config, source: str) -> dict[str, list[int]]:
    """Shards of a source in each batch of slices, the pilot first: no batch waits for a later one.

    All of a reserve are in the first, since any batch may take any of its structures. Those that
    are in no slice, as of a source which is there to compare others with, are in the last.
    """
    every = range(config.sources[source].shards)
    names = list(batches(config))
    if source in reserves(config):
        return {name: list(every) if name == names[0] else [] for name in names}
    found = {
        name: sorted(i for slice in batch for i in shards_of_slice(config, source, slice))
        for name, batch in batches(config).items()
    }
    left = set(every).difference(*found.values())
    return found | {names[-1]: sorted({*found[names[-1]], *left})}


def _structures(source: str, shards: Sequence[int]) -> list[str]:
    return [f"structures/{source}/{i}.h5" for i in shards]


def _before(config: Config, source: str, batch: str) -> list[tuple[str, str]]:
    """The sources and batches that a batch of a source is compared with: in its own batch those
    before it, of earlier batches all, its own structures among them."""
    order = list(config.sources)
    others = compared_sources(config, source)
    sources = sorted([*others, source], key=order.index)
    earlier = [(name, b) for b in batches_until(config, batch) for name in sources]
    own = [(name, batch) for name in others if order.index(name) < order.index(source)]
    return [(n, b) for n, b in [*earlier, *own] if shards_of_batches(config, n)[b]]


def structures_searched(config: Config, source: str, batch: str) -> list[str]:
    """Files of the structures of a batch of a source."""
    return _structures(source, shards_of_batches(config, source)[batch])


def structures_before(config: Config, source: str, batch: str) -> list[str]:
    """Files of the structures that these are compared with."""
    return [
        path
        for name, b in _before(config, source, batch)
        for path in structures_searched(config, name, b)
    ]


def keys_before(config: Config, source: str, batch: str) -> list[str]:
    """Keys of what stays of them."""
    return [f"duplicates/{name}/{b}.h5" for name, b in _before(config, source, batch)]


def duplicates_of(config: Config, source: str, shard: int | str) -> list[str]:
    """What says which structures of a shard are duplicates; none where none are looked for."""
    if not config.duplicates.distance_A:
        return []
    found = shards_of_batches(config, source).items()
    return [f"duplicates/{source}/{b}.h5" for b, shards in found if int(shard) in shards]
