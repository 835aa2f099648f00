"""Rattled frames of the structures of a shard."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.sampling import sample, write_sample
from limbeck.storage import read_frames

log = logging.getLogger("sample_rattle")


def main() -> None:
    """Read structures, sample them, write frames and a summary."""
    parser = cli.parser(__doc__)
    parser.add_argument("--input", type=Path, required=True, help="screened structures, .h5")
    parser.add_argument("--output", type=Path, required=True, help="frames, .h5")
    parser.add_argument(
        "--summary", type=Path, required=True, help="table with a row for each structure, .csv"
    )
    arguments = parser.parse_args()
    settings = arguments.settings

    structures = read_frames(arguments.input)
    result = sample("rattle", structures, settings)
    write_sample(
        result, arguments.output, arguments.summary, stage="sample_rattle", settings=settings
    )
    log.info("%d frames of %d structures", len(result.frames), len(structures))


if __name__ == "__main__":
    cli.run(main)
