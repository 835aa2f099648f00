"""Refuse structures with overlaps, absurd densities, broken numbers; list them with reasons."""

from pathlib import Path

from limbeck import cli
from limbeck.config.sections.screen import Screen
from limbeck.storage import read_frames, write_frames
from limbeck.structures.duplicates.record import read_dropped
from limbeck.structures.screening import screen, write_rejected


def main() -> None:
    """Read the command line, screen the frames, write those kept and those refused."""
    parser = cli.parser(__doc__, Screen)
    parser.add_argument("--input", type=Path, required=True, help="frames.h5 of one shard")
    parser.add_argument(
        "--duplicates", type=Path, nargs="*", default=[], help="which are duplicates, .h5"
    )
    parser.add_argument("--output", type=Path, required=True, help="frames.h5 of those kept")
    parser.add_argument("--rejects", type=Path, required=True, help="CSV of those refused")
    args = parser.parse_args()
    recipe = cli.recipe(args, args.input, *args.duplicates)
    same = {i: d for path in args.duplicates for i, d in read_dropped(path).items()}
    kept, rejected = screen(read_frames(args.input), args.settings, same)
    write_rejected(args.rejects, rejected)
    settings = args.settings.model_dump()
    write_frames(args.output, kept, stage="screen_structures", settings=settings, recipe=recipe)


if __name__ == "__main__":
    cli.run(main)
