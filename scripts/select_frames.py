"""A slice's share of the frames, spread evenly over sources, samplings and roots."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from limbeck import cli
from limbeck.frames import Frames, concatenate
from limbeck.selection import places, select_frames
from limbeck.storage import stream, write_frames
from limbeck.threads import use_threads

log = logging.getLogger("select_frames")


def scored(parts: Iterable[Frames], settings: dict[str, Any]) -> tuple[Frames, np.ndarray]:
    """All frames, and their places by the potential of ``settings["score"]``, file by file."""
    use_threads(settings["threads"])
    from limbeck.potentials import open_potential

    score = settings["score"]
    potential = open_potential(score["potential"], device=settings["device"])
    options = {"views": score["views"], "prefer": score["prefer"]}
    found = [(part, places(potential, part, **options)) for part in parts]
    return concatenate([part for part, _ in found]), np.concatenate([p for _, p in found])


def main() -> None:
    """Read all frames of a slice, score them where that is asked for, select, write."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--input", type=Path, nargs="*", required=True, help="frames of the slice, .h5"
    )
    parser.add_argument("--output", type=Path, required=True, help="selected frames, .h5")
    arguments = parser.parse_args()
    settings, parts = arguments.settings, stream(arguments.input)

    if settings["score"] is None:
        frames, turns = concatenate(list(parts)), None
    else:
        frames, turns = scored(parts, settings)
    selected = select_frames(frames, settings, turns)
    write_frames(arguments.output, selected, stage="select_frames", settings=settings)
    log.info("%d of %d frames", len(selected), len(frames))


if __name__ == "__main__":
    cli.run(main)
