"""Look through files that have labels: under which keys, and whether they fit together."""

from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import CheckFileLabels
from limbeck.files import write_json


def main() -> None:
    parser = cli.parser(__doc__, CheckFileLabels)
    parser.add_argument("--output", type=Path, required=True, help="what was found (.json)")
    args = parser.parse_args()
    recipe = cli.recipe(args)
    from limbeck.labelling.reading import survey

    write_json(args.output, survey(args.settings), recipe=recipe)


if __name__ == "__main__":
    cli.run(main)
