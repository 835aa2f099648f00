"""Slices that come first, as the pilot, those that follow, and what each waits for."""

from itertools import accumulate, pairwise

from limbeck.config.config import Config
from limbeck.config.plan.frames import frames_of_slice, shards_of_slice, sources_selected
from limbeck.config.plan.sources import reserves
from limbeck.config.plan.yields import yields_judged

#: of a batch, what goes before its number, which counts from 1
BATCH = "batch_"


def pilot_slices(config: Config) -> int:
    """How many slices, the first ones, are the pilot; 0 where the config asks for none."""
    if not config.gate.pilot or not config.labels:
        return 0
    select = config.select
    needed = min(-(-config.gate.pilot * select.slices // select.count), select.slices)
    # of batches whole ones: each is judged, and handed on, as a whole
    return next((b.stop for b in batches_asked(config) if b.stop >= needed), needed)


def batches_asked(config: Config) -> list[range]:
    """Slices of each batch of the config, which has them one after the other; mostly none."""
    ends = [0, *accumulate(batch.slices for batch in config.select.batches or ())]
    return [range(first, end) for first, end in pairwise(ends)]


def part_of_slice(config: Config, slice: int, count: int) -> tuple[int, int, int]:
    """Which slice of how many it is, and a number of frames that these share evenly.

    Without batches, of all slices and all frames; else of those of its batch, which has as much of
    ``count`` as of all structures.
    """
    if not config.select.batches:
        return slice, config.select.slices, count
    sizes = [sum(batch.structures.values()) for batch in config.select.batches]
    ends = [round(count * end / sum(sizes)) for end in accumulate(sizes, initial=0)]
    batch, slices = next((i, b) for i, b in enumerate(batches_asked(config)) if slice in b)
    return slice - slices.start, len(slices), ends[batch + 1] - ends[batch]


def batch_names(config: Config) -> list[str]:
    """Targets of Snakemake, one for each batch of the config."""
    return [f"{BATCH}{i + 1}" for i in range(len(config.select.batches or ()))]


def slices_judged(config: Config, part: str) -> range:
    """Slices of a part: the pilot, batch_1 and so on, or the whole set."""
    if part.startswith(BATCH):
        return batches_asked(config)[int(part.removeprefix(BATCH)) - 1]
    return range(pilot_slices(config) if part == "pilot" else config.select.slices)


def shards_judged(config: Config, source: str, part: str) -> list[int]:
    """Shards of a source that a part is made from."""
    slices = slices_judged(config, part)
    return sorted(i for slice in slices for i in shards_of_slice(config, source, slice))


def frames_judged(config: Config, part: str) -> list[str]:
    """Selected frames of a part, see :func:`slices_judged`."""
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
    """What says that the pilot of each label set passed; none for a shard of the pilot itself, nor
    of a reserve, all of which the pilot may take from."""
    of_pilot = source in reserves(config) or int(shard) in shards_judged(config, source, "pilot")
    waits = pilot_slices(config) and not of_pilot
    return [f"gate/{name}.pilot.passed" for name in config.labels] if waits else []


def pilot_before_labels(config: Config, label_set: str, slice: str) -> list[str]:
    """What says that the pilot of a label set passed; none for a slice of the pilot itself."""
    pilot = pilot_slices(config)
    return [f"gate/{label_set}.pilot.passed"] if pilot and int(slice) >= pilot else []


def yields_before(config: Config, slice: str) -> list[str]:
    """What a slice waits for; one of the pilot or of a batch for none, since these are of all."""
    first = int(slice) < pilot_slices(config) or config.select.batches
    return [] if first else yields_judged(config)


def frames_to_choose_views(config: Config, label_set: str) -> list[str]:
    """Frames on which it is measured whether averaging is worth it; with a pilot, its own."""
    return frames_judged(config, "pilot" if pilot_slices(config) else "set")


def batches(config: Config) -> dict[str, range]:
    """Slices whose structures are compared, and whose frames are chosen, together: those of each
    batch of the config, in turn; where it has none, of the pilot and of the rest, or all, the set.
    """
    if asked := batches_asked(config):
        return dict(zip(batch_names(config), asked, strict=True))
    first, every = pilot_slices(config), config.select.slices
    if not first:
        return {"set": range(every)}
    return {"pilot": range(first)} | ({"rest": range(first, every)} if first < every else {})


def batches_until(config: Config, batch: str) -> list[str]:
    """Names of the batches before one."""
    names = list(batches(config))
    return names[: names.index(batch)]


def frames_of_batch(config: Config, batch: str) -> list[str]:
    """Files that the frames of a batch are chosen from."""
    return [path for i in batches(config)[batch] for path in frames_of_slice(config, i)]


def choices_before(config: Config, batch: str) -> list[str]:
    """What earlier batches chose."""
    return [f"choices/{name}.h5" for name in batches_until(config, batch)]


def choice_of_frames(config: Config, slice: int | str) -> list[str]:
    """What says which frames of a batch are taken; none where each slice takes its own."""
    found = [name for name, batch in batches(config).items() if int(slice) in batch]
    return [f"choices/{name}.h5" for name in found] if config.select.choice else []


def yields_before_batch(config: Config, batch: str) -> list[str]:
    """What a choice waits for, as its slices do."""
    return yields_before(config, str(batches(config)[batch][0]))


def judged_of_batch(config: Config, batch: str) -> list[str]:
    """What a batch ends in: its labels, in files of one slice each, and that these have passed."""
    return [
        path
        for name in config.labels
        for path in (*labels_judged(config, name, batch), f"gate/{name}.{batch}.passed")
    ]
