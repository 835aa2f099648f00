"""Whether students keep the total energy: 20 ps at constant energy, and the speed on the way.

Of a finished run: every student (or those that are named), seed 1, from five test frames that lie
far apart in their set, at 300 K, with steps of 0.5 fs. Prints the slope of the total energy, of the
five trajectories the one with the largest size. ``direct`` is the control: its forces are no
gradient. Resumable: a student that is in the file of ``--output`` is not measured again.
``OMP_NUM_THREADS=1 python benchmarks/drift.py results/compare_students``
"""

import argparse
import csv
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
os.chdir(ROOT)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from limbeck.config.sections.warrant import Physics  # noqa: E402
from limbeck.frames import Frames  # noqa: E402
from limbeck.physics.motion import keep_energy  # noqa: E402
from limbeck.storage import read_frames  # noqa: E402
from limbeck.students.handover import open_student  # noqa: E402

STARTS, STEP_FS = 5, 0.5
COLUMNS = (
    "student",
    "frames",
    "atoms",
    "ps",
    "drift_meV_per_atom_per_ps",
    "cut",
    "atom_steps_per_s",
)


def main() -> None:
    """Print a row for each student."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/{run}")
    parser.add_argument("students", nargs="*", help="label set/student; all that there are")
    parser.add_argument("--ps", type=float, default=20.0)
    parser.add_argument("--output", type=Path, help="CSV to add to (RESULTS/drift.csv)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    output = args.output or args.results / "drift.csv"
    done = {row["student"] for row in rows_of(output)}
    names = args.students or sorted(
        str(p.parent.parent.relative_to(args.results / "students"))
        for p in args.results.glob("students/*/*/seed1/model")
    )
    for name in names:
        if name not in done:
            add(output, measured(args.results, name, args.ps))
    for row in rows_of(output):
        print("| " + " | ".join(row[column] for column in COLUMNS) + " |")


def measured(results: Path, name: str, ps: float) -> list[object]:
    """A row of :data:`COLUMNS`."""
    frames = starts(results / "datasets" / name.split("/")[0] / "test_known.h5")
    student = open_student(results / "students" / name / "seed1")
    own = Physics(nve_ps=ps, nve_time_steps_fs=[STEP_FS])
    began = time.process_time()
    rows = keep_energy(frames, student, own, seed=1)
    speed = len(frames.numbers) * 1000 * ps / STEP_FS / (time.process_time() - began)
    worst = max((row["drift"]["value"] for row in rows), key=abs)
    return [
        name,
        len(frames),
        len(frames.numbers),
        ps,
        f"{worst:.3g}",
        "; ".join(row["cut"] for row in rows if row["cut"]),
        f"{speed:.0f}",
    ]


def starts(path: Path) -> Frames:
    """Frames far apart in their set, of one periodicity."""
    frames = read_frames(path)
    frames = frames.select(np.flatnonzero(frames.periodic == frames.periodic[0]))
    return frames.select(np.linspace(0, len(frames) - 1, STARTS).astype(int))


def rows_of(path: Path) -> list[dict[str, str]]:
    """What was measured before."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def add(path: Path, row: list[object]) -> None:
    """Write a row at the end, below the names of the columns where it is the first."""
    new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        writer.writerow(row)


if __name__ == "__main__":
    main()
