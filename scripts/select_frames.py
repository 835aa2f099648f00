"""A slice's share of the frames, spread evenly over sources, samplings and roots."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from limbeck import cli
from limbeck.config.jobs import SelectFrames
from limbeck.config.sections.labels import Score
from limbeck.frames import Frames, concatenate
from limbeck.selection.fair import chosen, first_of_each
from limbeck.storage import read_arrays, stream, write_frames

log = logging.getLogger("select_frames")


def scored(parts: Iterable[Frames], job: SelectFrames, score: Score) -> tuple[Frames, np.ndarray]:
    """All frames, and their places by what a potential says of them, file by file."""
    from limbeck.potentials.opening import opened
    from limbeck.selection.fair import priorities_by_spread

    potential = opened(job)
    found = [
        (light(part), priorities_by_spread(potential, part, views=score.views, prefer=score.prefer))
        for part in parts
    ]
    return concatenate([part for part, _ in found]), np.concatenate([p for _, p in found])


def unlike(parts: Iterable[Frames], job: SelectFrames) -> tuple[Frames, np.ndarray]:
    """All frames, and their places by how unlike they are, descriptors averaged file by file."""
    from limbeck.selection.diversity import features, joined, priorities_by_diversity

    found = [(light(part), features(part)) for part in parts]
    frames = concatenate([part for part, _ in found])
    return frames, priorities_by_diversity(frames, joined([f for _, f in found]), job)


def taken(frames: Frames, path: Path) -> np.ndarray:
    """Which frames were chosen among those of all slices. int64, sorted; each once."""
    ids = read_arrays(path, {"id": "S"})["id"]
    first = first_of_each(frames.id)
    return first[np.isin(frames.id[first], ids)]


def light(part: Frames) -> Frames:
    """The frames without descriptors and their like, which are far larger than all the rest."""
    return replace(part, extra={}, atom_extra={})


def picked(parts: Iterable[Frames], index: np.ndarray) -> Iterator[Frames]:
    """The frames at ``index`` (int64, sorted, of all parts together), part by part."""
    start = 0
    for part in parts:
        yield part.select(index[(index >= start) & (index < start + len(part))] - start)
        start += len(part)


def main() -> None:
    """Read all frames of a slice, put them in order, select, read those again, write."""
    parser = cli.parser(__doc__, SelectFrames)
    parser.add_argument(
        "--input", type=Path, nargs="*", required=True, help="frames of the slice, .h5"
    )
    parser.add_argument(
        "--choice", type=Path, nargs="*", default=[], help="which of all slices are taken, .h5"
    )
    parser.add_argument("--output", type=Path, required=True, help="selected frames, .h5")
    arguments = parser.parse_args()
    recipe = cli.recipe(arguments, *arguments.input, *arguments.choice)
    job, parts = arguments.settings, stream(arguments.input)

    turns = None
    if job.select.score:
        frames, turns = scored(parts, job, job.select.score)
    elif job.select.diversity:
        frames, turns = unlike(parts, job)
    else:
        frames = concatenate([light(part) for part in parts])
    index = taken(frames, *arguments.choice) if arguments.choice else chosen(frames, job, turns)
    selected = concatenate(list(picked(stream(arguments.input), index)))
    settings = job.model_dump()
    write_frames(
        arguments.output, selected, stage="select_frames", settings=settings, recipe=recipe
    )
    log.info("%d of %d frames", len(selected), len(frames))


if __name__ == "__main__":
    cli.run(main)
