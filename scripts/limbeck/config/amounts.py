"""How much a run makes: whether its amounts fit together, and a smaller run of the same shape."""

from collections.abc import Iterator
from math import gcd

from limbeck.config.config import Config
from limbeck.config.plan import shards_of_batch, sources_selected
from limbeck.config.sections.labels import Batch
from limbeck.config.sections.messages import one_of, shown
from limbeck.config.sections.sources import AnySource


def batch_errors(config: Config) -> Iterator[str]:
    """Batches of sources that are not there, of parts of shards, of too many or too few structures,
    or of more slices than shards; one line for each."""
    batches, included = config.select.batches or [], sources_selected(config)
    for i, batch in enumerate(batches):
        field = f"select.batches.{i}"
        for name, count in batch.structures.items():
            if name not in included:
                yield f"{field}.structures: {shown(name)}, {one_of(name, included)}"
                return
            yield from _parts_of_shards(config.sources[name], count, f"{field}.structures.{name}")
        most = max(shards_of_batch(config.sources[n], batch) for n in batch.structures)
        if batch.slices > most:
            text = f"expected at most {most}, the most shards that a source has in this batch"
            yield f"{field}.slices: {batch.slices}, {text}"
    for name in included if batches else []:
        found, count = sum(_counts(batches, name)), config.sources[name].count
        if found != count:
            yield (
                f"select.batches: {found} structures of sources.{name}, expected {count}, its count"
            )


def _parts_of_shards(source: AnySource, count: int, field: str) -> Iterator[str]:
    if count * source.shards % source.count:
        size = source.count / source.shards
        yield (
            f"{field}: {count}, expected a multiple of {size:g}, the structures of one shard of "
            f"sources.{source.name} (count {source.count}, shards {source.shards})"
        )


def _counts(batches: list[Batch], source: str) -> list[int]:
    return [n for batch in batches if (n := batch.structures.get(source, 0))]


def scaled(config: Config) -> Config:
    """The run of ``config.scale`` times as many structures and frames, at least one of each.

    Jobs are as large as they were where that can be: a shard of a source in batches is one's own,
    so that their proportions stay.
    """
    if config.scale == 1 or not config.sources:
        return config
    select, scale = config.select, config.scale
    batches = [
        Batch(
            structures={name: _less(n, scale) for name, n in batch.structures.items()},
            slices=_less(batch.slices, scale),
        )
        for batch in select.batches or ()
    ]
    sources = {name: _scaled(source, scale, batches) for name, source in config.sources.items()}
    most = max(source.shards for source in sources.values())
    slices = sum(b.slices for b in batches) or min(_less(select.slices, scale), most)
    update = {"count": max(slices, _less(select.count, scale)), "slices": slices}
    labels = {
        name: made.model_copy(update={"n_frames": made.n_frames and _less(made.n_frames, scale)})
        for name, made in config.labels.items()
    }
    pilot = config.gate.pilot and _less(config.gate.pilot, scale)
    return config.model_copy(
        update={
            "sources": sources,
            "select": select.model_copy(update={**update, "batches": batches or None}),
            "labels": labels,
            "gate": config.gate.model_copy(update={"pilot": pilot}),
        }
    )


def _less(count: int, scale: float) -> int:
    return max(1, round(count * scale))


def _scaled(source: AnySource, scale: float, batches: list[Batch]) -> AnySource:
    counts = _counts(batches, source.name)
    count = sum(counts) or _less(source.count, scale)
    wanted = min(count, _less(source.shards, scale))
    if counts:
        # shards end where batches do
        together = gcd(*counts)
        sizes = [n for n in range(1, together + 1) if together % n == 0]
        wanted = count // max(n for n in sizes if n <= -(-count // wanted))
    return source.model_copy(update={"count": count, "shards": wanted})
