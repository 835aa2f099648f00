"""Force constants of the structures of a shard, with phonopy."""

import logging
from collections import Counter
from pathlib import Path

from limbeck import cli
from limbeck.files import whole_folder, write_csv
from limbeck.phonons.settings import ForceConstantSettings
from limbeck.potentials.threads import use_threads
from limbeck.sampling.settings import from_mapping
from limbeck.storage import read_frames

log = logging.getLogger("force_constants")


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("--input", type=Path, required=True, help="screened structures, .h5")
    parser.add_argument("--batch-plans", help="folder of the batch plans; none without")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder; gets one for each crystal"
    )
    parser.add_argument(
        "--summary", type=Path, required=True, help="table with a row for each structure, .csv"
    )
    args = parser.parse_args()
    settings = args.settings
    use_threads(settings["threads"])
    from limbeck.phonons.calculation import force_constants
    from limbeck.phonons.record import COLUMNS, rows, write_crystal
    from limbeck.potentials import open_potential
    from limbeck.potentials.batch_plan import use_plan

    own = from_mapping(
        ForceConstantSettings, settings, f"force_constants.{settings['force_constants']}"
    )
    structures = read_frames(args.input)
    potential = open_potential(settings["potential"], device=settings["device"])
    # On a CPU one or two supercells are a batch of the size that is fast, whatever the potential.
    planned = settings["device"] == "cuda" and settings["potential"].get("batch_atoms") is None
    if args.batch_plans and planned:
        use_plan(potential, structures, args.batch_plans, threads=settings["threads"])
    name = settings["force_constants"]
    results = force_constants(structures, potential, own, seed=settings["seed"], name=name)
    with whole_folder(args.output) as folder:
        for identity, found in zip(structures.id, results, strict=True):
            if not found.reason:
                write_crystal(folder / identity.decode(), found)
    write_csv(args.summary, COLUMNS, rows(structures, results, own))
    log.info(
        "%s/%s/%s: %s",
        name,
        settings["source"],
        settings["shard"],
        dict(Counter(found.reason or "good" for found in results)),
    )


if __name__ == "__main__":
    cli.run(main)
