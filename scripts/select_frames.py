"""A slice's share of the frames, spread evenly over sources, samplings and roots."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.selection import select_frames
from limbeck.storage import read_many, write_frames

log = logging.getLogger("select_frames")


def main() -> None:
    """Read all frames of a slice, select, write."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--input", type=Path, nargs="*", required=True, help="frames of the slice, .h5"
    )
    parser.add_argument("--output", type=Path, required=True, help="selected frames, .h5")
    arguments = parser.parse_args()

    frames = read_many(arguments.input)
    selected = select_frames(frames, arguments.settings)
    write_frames(arguments.output, selected, stage="select_frames", settings=arguments.settings)
    log.info("%d of %d frames", len(selected), len(frames))


if __name__ == "__main__":
    cli.run(main)
