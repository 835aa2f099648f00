"""Measure the speed of teachers and students, in turn, on the same frames."""

import logging
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
    from limbeck.potentials import open_potential
    from limbeck.potentials.speed import measure_speed
    from limbeck.students.handover import open_student
    from limbeck.warrant.gaps import choose

    frames = choose(storage.read_many(args.frames), FRAMES)
    device = job.device
    models = [(open_potential(p, device=device), "teacher") for p in job.potentials]
    for folder in args.models:
        seed, student, label_set = list(Path(folder).parents)[:3]
        name = f"{label_set.name}/{student.name}/{seed.name}"
        models.append((open_student(folder, device=device, name=name), "student"))
    speeds = [measure_speed(model, frames, kind=kind) for model, kind in models]
    found = {"models": speeds, "threads": job.threads, "device": device}
    write_json(args.output, found, recipe=recipe)
    write_table(args.output, chain.from_iterable(map(speed_rows, speeds)))
    for speed in speeds:
        logging.info("%(name)s: %(atoms_per_second).0f atoms/s", speed)


def speed_rows(speed: dict[str, Any]) -> Iterator[Row]:
    """Rows of one model: its speed at each size of the batch, and the best of both."""
    subject, _, seed = speed["name"].partition("/seed")
    names = {"subject": subject, "seed": seed, "set": "selected"}
    names |= {key: speed[key] for key in ("kind", "n_frames")}
    for each in speed["by_batch"]:
        statistic = f"batch_of_{each['batch_atoms']}_atoms"
        found = Estimate(each["atoms_per_second"])
        yield row_of(found, "atoms/s", quantity="speed", statistic=statistic, **names)
    best = {"speed": ("atoms_per_second", "atoms/s"), "batch": ("best_batch_atoms", "atoms")}
    for quantity, (key, unit) in best.items():
        yield row_of(Estimate(speed[key]), unit, quantity=quantity, statistic="best", **names)


if __name__ == "__main__":
    cli.run(main)
