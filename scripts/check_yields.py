"""Stop the run where a source, a sampling or the like has made nothing at all."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import CheckYields
from limbeck.errors import LimbeckError
from limbeck.files import write_json
from limbeck.gate.yields import empty, yields

log = logging.getLogger("check_yields")


def main() -> None:
    """Count what all shards of each part made; write it where there is something of each."""
    parser = cli.parser(__doc__, CheckYields)
    parser.add_argument("--frames", nargs="*", default=[], help="frames of the stage, .h5")
    parser.add_argument("--results", type=Path, required=True, help="folder of the run")
    parser.add_argument("--output", type=Path, required=True, help="what was made, .json")
    args = parser.parse_args()
    recipe, job = cli.recipe(args, *args.frames), args.settings
    found = yields(job.config, job.stage, lambda name: args.results / name)
    for one in found:
        text = "%s.%s of sources.%s: %d made, of %d %s"
        log.info(text, *one.part, one.made, one.asked, one.what)
    if missing := list(empty(job.config, found)):
        raise LimbeckError("\n".join(missing))
    # of files that are checked as they are read, and not of tables
    made = [one.part._asdict() | {"made": one.made} for one in found]
    write_json(args.output, {"yields": made}, recipe=recipe)


if __name__ == "__main__":
    cli.run(main)
