"""Let a label set pass, or fail with the criteria that it missed."""

from limbeck import cli
from limbeck.files import read_json, write_text
from limbeck.gate.verdict import let_pass


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("--input", required=True, help="the verdict (.json)")
    parser.add_argument("--output", required=True, help="written where the run may go on")
    args = parser.parse_args()
    cli.recipe(args, args.input)
    write_text(args.output, let_pass(args.input, read_json(args.input)))


if __name__ == "__main__":
    cli.run(main)
