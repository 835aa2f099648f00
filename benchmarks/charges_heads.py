"""Learning curves of both heads of students with charges, and what turning or averaging gives.

On a data set with potentials at points, as ``benchmarks/charges_data.py`` or
``config/charges_molecules.yaml`` makes it: each head on growing numbers of training frames, in
equal steps, the one in fixed axes also with frames turned at random in every step. Root mean square
errors of the ESP on known molecules and on those held out whole, of frames as they are given, in
one random orientation, and of the mean over 12; beside them the best fits by multipoles at the
atoms. By Newton's theorem the mean over all orientations of charges in fixed axes is the potential
of charges at the atoms: the fit of rank 0 is its floor.

A row of the CSV is of one molecule and one training, so that a second call adds to it. In the end
all rows are put together: errors and their ratios to the best fit with dipoles, with intervals over
molecules, and what an arm has more than the first one, molecule by molecule.

    OMP_NUM_THREADS=1 python benchmarks/charges_heads.py results/charges_heads/rhf
"""

import argparse
import csv
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from ase.units import Debye  # noqa: E402

from limbeck.averaging.orbit import orbit  # noqa: E402
from limbeck.charges.floor import references  # noqa: E402
from limbeck.charges.sites import KCAL  # noqa: E402
from limbeck.config.sections.students import Losses, StudentSettings  # noqa: E402
from limbeck.datasets.split import Dataset, read_part  # noqa: E402
from limbeck.seeds import first_by_hash  # noqa: E402
from limbeck.students import loop, new_student  # noqa: E402
from limbeck.students.statistics import training_statistics  # noqa: E402
from limbeck.symmetry.rotation import Rotation  # noqa: E402
from limbeck.warrant.statistics import pool, ratio  # noqa: E402

ARMS: dict[str, dict[str, Any]] = {
    "distributed": {"architecture": "painn_distributed"},
    "cartesian": {"architecture": "painn_cartesian"},
    "cartesian-turned": {"architecture": "painn_cartesian", "augment": True},
}
VIEWS = 12
FLOOR = "dipoles_fitted"
ERRORS = ("given", "turned", "mean_12")
COLUMNS = (
    *("arm", "frames", "seed", "test", "molecule", "points", *ERRORS, "gap", "dipole_D"),
    *("forces_meV_A", "cpu_s", "answer_ms_per_frame", "parameters", "peak_MB"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="datasets/{label_set} of a run")
    parser.add_argument("--sizes", type=int, nargs="*", default=[50, 200, 800])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--arms", nargs="*", default=list(ARMS))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--optimiser", default="muon")
    parser.add_argument("--rate", type=float, default=0.005)
    parser.add_argument("--charges", type=int, default=4)
    for name, default in Losses().model_dump().items():
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--output", type=Path, default=Path("charges_heads.csv"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    parts = {
        name: read_part(str(args.data / f"{name}.h5"), args.data.name)
        for name in ("train", "valid", "test_known", "test_new")
    }
    tests = {name: part for name, part in parts.items() if name.startswith("test") and len(part)}
    new = not args.output.exists()
    with args.output.open("a", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        if new:
            rows.writeheader()
            for test, part in tests.items():
                rows.writerows(without_a_model(test, part))
        for size in args.sizes:
            some = parts["train"].select(first_by_hash(parts["train"].frames.id, "curve", size))
            for seed in args.seeds:
                for arm in args.arms:
                    rows.writerows(run(arm, some, parts["valid"], tests, seed, args))
                    file.flush()
                    print(arm, len(some), "frames, seed", seed, flush=True)
    summarise(pd.read_csv(args.output))


def without_a_model(test: str, part: Dataset) -> Iterator[dict[str, Any]]:
    """Rows of what needs no model; nothing of it depends on the orientation."""
    esp = part.labels.values["esp"]
    made = references(part.frames, part.labels) | {"nothing": np.zeros_like(esp)}
    for name, values in made.items():
        for row in by_molecule(part, dict.fromkeys(ERRORS, values - esp)):
            yield {"arm": name, "frames": 0, "seed": 0, "test": test} | row


def by_molecule(part: Dataset, wrong: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    """Root mean square errors of each molecule, kcal/mol/e, from errors [...,G] in V."""
    group = part.frames.group[part.frames.frame_of_point]
    for name in np.unique(part.frames.group):
        here = group == name
        found = {key: rms(KCAL * values[..., here]) for key, values in wrong.items()}
        yield {"molecule": name.decode(), "points": int(here.sum())} | found


def rms(values: np.ndarray) -> float:
    """Root mean square, to five digits."""
    return float(f"{np.sqrt((values**2).mean()):.5g}")


def run(
    arm: str,
    training: Dataset,
    validation: Dataset,
    tests: dict[str, Dataset],
    seed: int,
    args: argparse.Namespace,
) -> Iterator[dict[str, Any]]:
    """One training, and its errors on each molecule of each test set."""
    own = StudentSettings(
        name=arm,
        size="small",
        charges_per_atom=args.charges,
        steps=args.steps,
        batch_size=args.batch,
        optimiser=args.optimiser,
        learning_rate=args.rate,
        losses={name: getattr(args, name) for name in Losses.model_fields},
        **ARMS[arm],
    )
    torch.manual_seed(seed)
    student = new_student(own, training_statistics(training), device="cpu")
    start = time.process_time()
    loop.train(student, training, validation, own, np.random.default_rng(seed))
    names = {
        "arm": arm,
        "frames": len(training),
        "seed": seed,
        "cpu_s": round(time.process_time() - start, 1),
        "parameters": student.parameters,
        "peak_MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }
    for test, part in tests.items():
        for row in errors(student, part):
            yield names | {"test": test} | row


def errors(student: Any, part: Dataset) -> Iterator[dict[str, Any]]:
    """Errors of the ESP, kcal/mol/e, the root mean square over views of its spread, and mean
    absolute errors of components of the dipole, D, and of forces, meV/Angstrom."""
    frames, labels = part.frames, part.labels.values
    start = time.process_time()
    given = student.predict(frames).values
    took = 1e3 * (time.process_time() - start) / len(frames)
    seen = orbit(student, frames, Rotation(), VIEWS, "benchmark").values["esp"]
    esp = labels["esp"]
    wrong = {
        "given": given["esp"] - esp,
        "turned": seen - esp,
        "mean_12": seen.mean(axis=0) - esp,
        "gap": np.sqrt(seen.var(axis=0, ddof=1)),
    }
    dipole = np.abs(given["dipole"] - labels["dipole"]).mean(axis=1) / Debye
    forces = 1e3 * np.abs(given["forces"] - labels["forces"]).mean(axis=1)
    for row in by_molecule(part, wrong):
        own = frames.group == row["molecule"].encode()
        row["answer_ms_per_frame"] = round(took, 2)
        row["dipole_D"] = round(float(dipole[own].mean()), 5)
        row["forces_meV_A"] = round(float(forces[own[frames.frame_of_atom]].mean()), 2)
        yield row


def summarise(rows: pd.DataFrame) -> None:
    """Print each arm's errors with intervals over molecules; the mean square is over all seeds."""
    for (test, size), found in rows[rows.frames > 0].groupby(["test", "frames"], sort=False):
        beside = rows[(rows.frames == 0) & (rows.test == test)]
        floor = squares(beside[beside.arm == FLOOR], "given")
        print(f"\n{test}, {size} training frames; over that of {FLOOR}; more than the first arm")
        first = None
        for arm, own in pd.concat([found, beside]).groupby("arm", sort=False):
            texts = []
            for name in ERRORS if own.frames.iloc[0] else ERRORS[:1]:
                of = squares(own, name)
                counts = own.groupby("molecule").points.first()
                error = pool(of.to_numpy(), counts.to_numpy(), of.columns.to_numpy()).root()
                texts.append(f"{name} {error.pooled.text()}")
                if len(error.each) > 1:
                    texts[-1] += f" seeds {np.round(np.sort(error.each), 3).tolist()}"
            given = squares(own, "given")
            over = ratio(
                given.mean().to_numpy(), floor.iloc[0].to_numpy(), given.columns.to_numpy()
            )
            texts.append(f"ratio {over.root().text()}")
            by_molecule = own.groupby("molecule").turned.mean()
            first = by_molecule if first is None else first
            more = (by_molecule - first).to_numpy()
            less = ratio(more, np.ones(len(more)), by_molecule.index.to_numpy(), signed=True)
            texts.append(f"turned, more {less.text()}" if more.any() else "")
            means = own[["gap", "dipole_D", "forces_meV_A", "cpu_s", "answer_ms_per_frame"]].mean()
            texts.append(", ".join(f"{n} {v:.3g}" for n, v in means.items() if v == v))
            print(f"{arm}: " + "; ".join(text for text in texts if text))


def squares(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Sums of squares of an error, by seed and molecule."""
    wide = rows.pivot(index="seed", columns="molecule", values=[name, "points"])
    return wide[name] ** 2 * wide["points"]


if __name__ == "__main__":
    main()
