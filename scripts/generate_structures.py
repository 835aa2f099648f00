"""Make one shard of a source's structures, of whatever kind it is."""

from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import GenerateStructures
from limbeck.structures import write_shard


def main() -> None:
    """Read the command line, make the shard, write it."""
    parser = cli.parser(__doc__, GenerateStructures)
    parser.add_argument("--output", type=Path, required=True, help="frames.h5 to write")
    parser.add_argument(
        "--failed", type=Path, required=True, help="CSV of the structures that could not be made"
    )
    parser.add_argument(
        "--reserve", nargs="*", default=[], help="frames of its generative model, all shards (.h5)"
    )
    parser.add_argument(
        "--made", nargs="*", default=[], help="what says what its generator made (.json)"
    )
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.reserve, *args.made)
    write_shard(args.settings, args.output, args.failed, reserve=args.reserve, recipe=recipe)


if __name__ == "__main__":
    cli.run(main)
