"""Check what the Snakefile cannot: SMILES, hashes, elements of models that are files."""

from pathlib import Path

from limbeck import cli
from limbeck.config.check_inputs import check_inputs
from limbeck.files import write_json


def main() -> None:
    """Check the files of the config, write the elements that were found."""
    parser = cli.parser(__doc__)
    parser.add_argument("--output", type=Path, required=True, help="check_inputs.json to write")
    args = parser.parse_args()
    write_json(args.output, check_inputs(args.settings))


if __name__ == "__main__":
    cli.run(main)
