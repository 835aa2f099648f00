"""Compare sources with each other: what is valid, unique and new of each, and what it is like."""

import csv
import logging
from dataclasses import asdict
from pathlib import Path

from limbeck import cli, storage
from limbeck.config.jobs import CompareSources
from limbeck.diversity.comparison import Made, compare
from limbeck.diversity.subsample import Subsample
from limbeck.files import write_json
from limbeck.reasons import REPEATED, REPEATED_CONFORMER


def made_by(name: str, paths: list[Path], job: CompareSources) -> Made:
    """What a source made, from the files of its shards and the tables beside them."""
    sample, there, reasons = Subsample("comparison", job.n_structures), 0, []
    for path in paths:
        frames = storage.read_frames(path)
        there += len(frames)
        sample.add(frames)
        with path.with_suffix(".failed.csv").open(encoding="utf-8", newline="") as table:
            reasons += [row["reason"] for row in csv.DictReader(table)]
    copies = sum(reason.startswith((REPEATED, REPEATED_CONFORMER)) for reason in reasons)
    return Made(name, sample.frames, there, copies, len(reasons) - copies, job.screen)


def main() -> None:
    """Read the structures of each source; write figures, distances and the most frequent kinds."""
    parser = cli.parser(__doc__, CompareSources)
    parser.add_argument(
        "--structures", type=Path, nargs="+", required=True, help="of all shards, as made (.h5)"
    )
    parser.add_argument("--output", type=Path, required=True, help="the comparison (.json)")
    args = parser.parse_args()
    recipe, job = cli.recipe(args, *args.structures), args.settings
    names = dict.fromkeys([*job.sources, *([job.reference] if job.reference else [])])
    made = {
        name: made_by(name, [p for p in args.structures if p.parent.name == name], job)
        for name in names
    }
    sources = [made[name] for name in job.sources]
    reference = made[job.reference] if job.reference else None
    found = compare(sources, reference, job.distance_A, job.n_environments)
    write_json(args.output, asdict(found), recipe=recipe)
    logging.info("%d figures of %d sources", len(found.figures), len(sources))


if __name__ == "__main__":
    cli.run(main)
