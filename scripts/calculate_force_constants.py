"""Force constants of the structures of a shard, with phonopy."""

import logging
from collections import Counter
from pathlib import Path

from limbeck import cli
from limbeck.check.recipe import IN_FOLDER
from limbeck.config.jobs import CalculateForceConstants
from limbeck.files import whole_folder, write_csv, write_json, write_sums
from limbeck.potentials.threads import use_threads
from limbeck.storage import read_frames

log = logging.getLogger("force_constants")


def main() -> None:
    parser = cli.parser(__doc__, CalculateForceConstants)
    parser.add_argument("--input", type=Path, required=True, help="screened structures, .h5")
    parser.add_argument("--batch-plans", help="folder of the batch plans; none without")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder; gets one for each crystal"
    )
    parser.add_argument(
        "--summary", type=Path, required=True, help="table with a row for each structure, .csv"
    )
    args = parser.parse_args()
    recipe = cli.recipe(args, args.input)
    job = args.settings.model_copy(update={"batch_plans": args.batch_plans})
    use_threads(job.threads)
    from limbeck.phonons.calculation import force_constants
    from limbeck.phonons.record import FORCE_CONSTANT_COLUMNS, table_rows, write_crystal
    from limbeck.potentials.checkpoint import resumable
    from limbeck.potentials.opening import open_planned, opened

    own = job.force_constants
    structures = read_frames(args.input)
    # On a CPU one or two supercells are a batch of the size that is fast, whatever the potential.
    potential = open_planned(job, structures) if job.device == "cuda" else opened(job)
    # its relaxations; crystals that are done are not kept
    with resumable(args.output, recipe, device=job.device):
        results = force_constants(structures, potential, own, seed=job.seed, name=own.name)
    with whole_folder(args.output) as folder:
        write_json(folder / IN_FOLDER, {"stage": "calculate_force_constants"}, recipe=recipe)
        for identity, found in zip(structures.id, results, strict=True):
            if not found.reason:
                write_crystal(folder / identity.decode(), found)
    write_csv(args.summary, FORCE_CONSTANT_COLUMNS, table_rows(structures, results, own))
    write_sums(args.output.parent, args.output.name)
    log.info(
        "%s/%s/%s: %s",
        own.name,
        job.source,
        job.shard,
        dict(Counter(found.reason or "good" for found in results)),
    )


if __name__ == "__main__":
    cli.run(main)
