"""Make frames of the structures of a shard, by whatever method the sampling names."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.check.sums import require, sums_path
from limbeck.config.jobs import SampleFrames
from limbeck.potentials.checkpoint import resumable
from limbeck.sampling import sample, write_sample
from limbeck.storage import read_frames

log = logging.getLogger("sample")


def main() -> None:
    """Read structures, sample them, write frames and a summary."""
    parser = cli.parser(__doc__, SampleFrames)
    parser.add_argument("--input", type=Path, required=True, help="screened structures, .h5")
    parser.add_argument(
        "--force-constants",
        nargs="*",
        default=[],
        help="folder of the force constants, for phonons",
    )
    parser.add_argument("--output", type=Path, required=True, help="frames, .h5")
    parser.add_argument(
        "--summary", type=Path, required=True, help="table with a row for each structure, .csv"
    )
    parser.add_argument(
        "--trace", type=Path, nargs="*", default=[], help="table along the trajectories, .csv"
    )
    parser.add_argument("--batch-plans", help="folder of the batch plans; none without")
    args = parser.parse_args()
    recipe = cli.recipe(args, args.input, *args.force_constants)
    folders = {"force_constants": next(iter(args.force_constants), None)}
    job = args.settings.model_copy(update=folders | {"batch_plans": args.batch_plans})
    for folder in map(Path, args.force_constants):
        sums = sums_path(folder.parent, folder.name)
        if sums.exists():  # a person may have moved the folder
            require(sums)
    structures = read_frames(args.input)
    with resumable(args.output, recipe, device=job.device):
        result = sample(structures, job)
        write_sample(result, args.output, args.summary, *args.trace, job=job, recipe=recipe)
    log.info("%d frames of %d structures", len(result.frames), len(structures))


if __name__ == "__main__":
    cli.run(main)
