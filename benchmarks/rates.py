"""Atoms per second of the models that are shipped and of students, for ``resources/rates.csv``.

On the molecules, rocksalts and clusters of the demo and on the crystal of urea. One thread, each
model at its best batch, as a batch plan measures it; of a student in training from the second epoch
on. Prints rows for the table that ``make estimate`` reads; run it alone on the machine:
``OMP_NUM_THREADS=1 python benchmarks/rates.py`` (``--device cuda`` on a graphics card; ``--config``
for students whose sizes are not those of the table).
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402

from limbeck.averaging.views import Views  # noqa: E402
from limbeck.config.load import load  # noqa: E402
from limbeck.config.sections.students import StudentSettings  # noqa: E402
from limbeck.cost.rates import BATCHES, COLUMNS, identity, of_student  # noqa: E402
from limbeck.cost.sizes import size_of  # noqa: E402
from limbeck.datasets.split import Dataset  # noqa: E402
from limbeck.frames import Frames, concatenate  # noqa: E402
from limbeck.labelling.label import label  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.potentials.batch_plan import measure_plan, processor  # noqa: E402
from limbeck.students import ARCHITECTURES, loop, new_student, statistics  # noqa: E402

CONFIGS = ("config/config.yaml", "config/molecular_crystal.yaml", "tests/config/tiny.yaml")
SIZES = ("tiny", "small", "medium")
EPOCHS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument(
        "--students",
        nargs="*",
        choices=sorted(ARCHITECTURES),
        help="students alone; of these architectures, or of all",
    )
    parser.add_argument("--config", help="the students of this config alone")
    args = parser.parse_args()
    device = args.device
    only_students = args.students is not None or args.config
    configs = [load(ROOT / path) for path in CONFIGS]
    frames = concatenate([size_of(c, s).sample for c in configs[:2] for s in c.sources])
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(COLUMNS)
    sections = {name: p for c in configs for name, p in c.potentials.items()}
    for section in () if only_students else sections.values():
        potential = open_potential(section, device=device)
        for row in speeds(potential, frames):
            write(rows, identity(section), device, *row)
    sample = Dataset(
        frames, label(open_potential(configs[0].potentials["chgnet"]), frames, Views())
    )
    networks = of_config(args.config) if args.config else of_all(args.students or ARCHITECTURES)
    for settings in networks:
        student = new_student(settings, statistics.training_statistics(sample), device=device)
        for row in speeds(student, frames):
            write(rows, of_student("student", settings), device, *row)
        for batch_size in BATCHES:
            own = settings.model_copy(update={"batch_size": batch_size})
            speed, spread = of_training(student, sample, own)
            for periodic in (False, True):
                write(rows, of_student("training", own), device, periodic, speed, spread)


def of_all(architectures: Iterable[str]) -> Iterator[StudentSettings]:
    """Every size of some architectures."""
    for kind in architectures:
        for size in SIZES:
            yield StudentSettings(name="any", architecture=kind, size=size, epochs=EPOCHS)


def of_config(path: str) -> Iterator[StudentSettings]:
    """The students of a config, each network once."""
    found = {of_student("student", s): s for s in load(path).students.values()}
    for settings in found.values():
        yield settings.model_copy(update={"epochs": EPOCHS, "steps": None})


def write(rows: Any, model: str, device: str, periodic: bool, speed: float, spread: float) -> None:
    """One row, at once: the next one takes a while."""
    kind, machine = "yes" if periodic else "no", processor(device)
    rows.writerow((model, device, kind, f"{speed:.3g}", f"{spread:.2f}", machine))
    sys.stdout.flush()


def speeds(potential: Any, frames: Frames) -> list[tuple[bool, float, float]]:
    """Whether periodic, atoms per second, spread: of isolated and of periodic frames."""
    known = frames.select(~potential.unknown_elements(frames))
    found = []
    for periodic in np.unique(known.periodic).tolist():
        ladder = measure_plan(potential, known.select(known.periodic == periodic))["ladder"]
        if ladder:
            best = max(ladder, key=lambda row: row["atoms_per_second"])
            found.append((periodic, best["atoms_per_second"], best["spread"]))
    return found


def of_training(student: Any, data: Dataset, settings: StudentSettings) -> tuple[float, float]:
    """Atoms per second of an epoch, its validation included, and the spread over epochs."""
    few = data.select(np.arange(0, len(data), 10))
    history = loop.train(student, data, few, settings, np.random.default_rng(0))
    epochs = np.diff([row[1] for row in history.rows])
    speeds = len(data.frames.numbers) / epochs
    return float(np.median(speeds)), float(np.ptp(speeds) / 2 / np.median(speeds))


if __name__ == "__main__":
    main()
