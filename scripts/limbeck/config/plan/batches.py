"""Slices that come first, as the pilot, those that follow, and what each waits for."""

from limbeck.config.config import Config
from limbeck.config.plan.frames import frames_of_slice, sources_selected
from limbeck.config.plan.yields import yields_judged


def pilot_slices(config: Config) -> int:
    """How many slices, the first ones, are the pilot; 0 where the config asks for none."""
    if not config.gate.pilot or not config.labels:
        return 0
    select = config.select
    return min(-(-config.gate.pilot * select.slices // select.count), select.slices)


def shards_judged(config: Config, source: str, part: str) -> list[int]:
    """Shards of a source that the pilot, or the whole set, is made from."""
    slices = config.select.slices
    first = pilot_slices(config) if part == "pilot" else slices
    return [i for i in range(config.sources[source].shards) if i % slices < first]


def slices_judged(config: Config, part: str) -> range:
    """Slices of the pilot, or of the whole set."""
    return range(pilot_slices(config) if part == "pilot" else config.select.slices)


def frames_judged(config: Config, part: str) -> list[str]:
    """Selected frames of the pilot, or of the whole set."""
    return [f"selected/{i}.h5" for i in slices_judged(config, part)]


def labels_judged(config: Config, label_set: str, part: str) -> list[str]:
    """Labels of the same."""
    return [f"labels/{label_set}/{i}.h5" for i in slices_judged(config, part)]


def reference_of_gate(config: Config, part: str) -> list[str]:
    """Structures whose bond lengths are the reference; none where the gate asks for none."""
    source = config.gate.reference
    shards = shards_judged(config, source, part) if source else []
    return [f"screened/{source}/{i}.h5" for i in shards]


def structures_of_gate(config: Config, part: str) -> list[str]:
    """Structures whose space groups are judged; none where the gate does not ask for them."""
    if config.gate.max_one_space_group is None:
        return []
    sources = sources_selected(config)
    return [f"screened/{s}/{i}.h5" for s in sources for i in shards_judged(config, s, part)]


def pilots_before_source(config: Config, source: str, shard: str) -> list[str]:
    """What says that the pilot of each label set passed; none for a shard of the pilot itself."""
    own = int(shard) in shards_judged(config, source, "pilot") or not pilot_slices(config)
    return [] if own else [f"gate/{name}.pilot.passed" for name in config.labels]


def pilot_before_labels(config: Config, label_set: str, slice: str) -> list[str]:
    """What says that the pilot of a label set passed; none for a slice of the pilot itself."""
    pilot = pilot_slices(config)
    return [f"gate/{label_set}.pilot.passed"] if pilot and int(slice) >= pilot else []


def yields_before(config: Config, slice: str) -> list[str]:
    """What a slice waits for; a slice of the pilot for none, since what it says is of all."""
    return [] if int(slice) < pilot_slices(config) else yields_judged(config)


def frames_to_choose_views(config: Config, label_set: str) -> list[str]:
    """Frames on which it is measured whether averaging is worth it; with a pilot, its own."""
    return frames_judged(config, "pilot" if pilot_slices(config) else "set")


def batches(config: Config) -> list[range]:
    """Slices whose frames are chosen together: all, or those of the pilot and then the others."""
    first = pilot_slices(config) or config.select.slices
    found = [range(first), range(first, config.select.slices)]
    return [batch for batch in found if batch]


def frames_of_batch(config: Config, batch: int | str) -> list[str]:
    """Files that the frames of a batch are chosen from."""
    return [path for i in batches(config)[int(batch)] for path in frames_of_slice(config, i)]


def batches_before(config: Config, batch: int | str) -> list[str]:
    """What earlier batches chose."""
    return [f"choices/{i}.h5" for i in range(int(batch))]


def choice_of_frames(config: Config, slice: int | str) -> list[str]:
    """What says which frames of a batch are taken; none where each slice takes its own."""
    found = [i for i, batch in enumerate(batches(config)) if int(slice) in batch]
    return [f"choices/{i}.h5" for i in found] if config.select.choice else []


def yields_before_batch(config: Config, batch: int | str) -> list[str]:
    """What a choice waits for, as its slices do."""
    return yields_before(config, str(batches(config)[int(batch)][0]))
