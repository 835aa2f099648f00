"""Measure the speed of teachers and students, in turn, on the same frames."""

import logging
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from limbeck import cli, storage
from limbeck.config.jobs import MeasureSpeed
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads
from limbeck.warrant.statistics import Estimate
from limbeck.warrant.tidy import Row, row_of, write_table

SPEED = ("atoms_per_second", "low", "high")  # of the rounds: median and range
FRAMES = 48  # enough to fill the largest batch with small structures


def main() -> None:
    parser = cli.parser(__doc__, MeasureSpeed)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--models", nargs="*", default=[], help="students' model folders")
    parser.add_argument("--output", required=True, help="the speeds (.json, .csv)")
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames, *args.models)
    job = args.settings
    use_threads(job.threads)
    if job.compiled:  # what an earlier run left would make the first calls seem short
        os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"
    from limbeck.potentials import open_potential
    from limbeck.potentials.batch_plan import processor
    from limbeck.potentials.speed import measure_speeds, speed_ups
    from limbeck.students.handover import open_student
    from limbeck.timing import card
    from limbeck.timing.systems import systems
    from limbeck.warrant.gaps import choose

    selected = storage.read_many(args.frames)
    frames = choose(selected, FRAMES)
    device = job.device
    models = [(open_potential(p, device=device), "teacher") for p in job.potentials]
    models += [(open_potential(p, device=device), "beside") for p in job.beside]
    compiled = []
    for folder in args.models:
        seed, student, label_set = list(Path(folder).parents)[:3]
        name = f"{label_set.name}/{student.name}/{seed.name}"
        models.append((open_student(folder, device=device, name=name), "student"))
        if student.name in job.compiled:
            again = open_student(folder, device=device, name=name, inference="compile")
            compiled.append((again, card.COMPILED))
    speeds = measure_speeds(models, frames)
    ratios = list(speed_ups(speeds))
    costs = card.measure_card([*models, *compiled], systems(selected, job.n_atoms), device=device)
    found = {
        "models": speeds,
        "speed_ups": ratios,
        "card": costs,
        "threads": job.threads,
        "device": device,
        "machine": {"processor": processor(device), "cores": os.cpu_count()},
    }
    write_json(args.output, found, recipe=recipe)
    of_models = chain.from_iterable(map(speed_rows, speeds))
    write_table(args.output, chain(of_models, map(ratio_row, ratios), card.card_rows(costs)))
    for speed in speeds:
        logging.info("%(name)s: %(atoms_per_second).0f (%(low).0f to %(high).0f) atoms/s", speed)


def speed_rows(speed: dict[str, Any]) -> Iterator[Row]:
    """Rows of one model: its speed at each size of the batch, and the best of both."""
    subject, _, seed = speed["name"].partition("/seed")
    names = {"subject": subject, "seed": seed, "set": "selected"}
    names |= {key: speed[key] for key in ("kind", "n_frames")}
    for each in speed["by_batch"]:
        statistic = f"batch_of_{each['batch_atoms']}_atoms"
        found = Estimate(*(each[key] for key in SPEED))
        yield row_of(found, "atoms/s", quantity="speed", statistic=statistic, **names)
    best = Estimate(*(speed[key] for key in SPEED))
    yield row_of(best, "atoms/s", quantity="speed", statistic="best", **names)
    batch = Estimate(speed["best_batch_atoms"])
    yield row_of(batch, "atoms", quantity="batch", statistic="best", **names)


def ratio_row(ratio: dict[str, Any]) -> Row:
    """The row of a student's speed over a teacher's."""
    subject, _, seed = ratio["student"].partition("/seed")
    names = {"subject": subject, "seed": seed, "set": "selected", "kind": "student"}
    found = Estimate(*(ratio[key] for key in ("ratio", "low", "high")))
    return row_of(found, "1", quantity="speed_up", statistic=f"over {ratio['teacher']}", **names)


if __name__ == "__main__":
    cli.run(main)
