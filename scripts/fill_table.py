"""Train the students of one teacher of a study, on every number of frames and of views."""

from pathlib import Path

from limbeck import cli, storage
from limbeck.config.jobs import FillTable
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads


def main() -> None:
    parser = cli.parser(__doc__, FillTable)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--output", type=Path, required=True, help="the table (.json)")
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames)
    use_threads(args.settings.threads)
    from limbeck.potentials.checkpoint import resumable
    from limbeck.studies.frames.frames_by_views import fill_table

    with resumable(args.output, recipe, device=args.settings.device):
        found = fill_table(args.settings, storage.read_many(args.frames))
        write_json(args.output, found, recipe=recipe)


if __name__ == "__main__":
    cli.run(main)
