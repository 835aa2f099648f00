"""Learning curves of both heads of students with charges, and what turning or averaging gives.

On a data set with potentials at points, as ``config/charges_molecules.yaml`` makes it: each head on
growing numbers of training frames, in equal steps, the one in fixed axes also with frames turned at
random in every step. Root mean square errors of the ESP on known molecules and on those held out
whole, of frames as they are given, in one random orientation, and of the mean over 12; beside them
the best fits by multipoles at the atoms. By Newton's theorem the mean over all orientations of
charges in fixed axes is the potential of charges at the atoms: the fit of rank 0 is its floor.

    OMP_NUM_THREADS=1 python benchmarks/charges_heads.py results/charges_molecules/datasets/pbe0
"""

import argparse
import csv
import resource
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts")]

import numpy as np  # noqa: E402
import torch  # noqa: E402

from limbeck.averaging.orbit import orbit  # noqa: E402
from limbeck.charges.floor import references  # noqa: E402
from limbeck.charges.sites import KCAL  # noqa: E402
from limbeck.config.sections.students import Losses, StudentSettings  # noqa: E402
from limbeck.datasets.split import Dataset, read_part  # noqa: E402
from limbeck.seeds import first_by_hash  # noqa: E402
from limbeck.students import loop, new_student  # noqa: E402
from limbeck.students.statistics import training_statistics  # noqa: E402
from limbeck.symmetry.rotation import Rotation  # noqa: E402

ARMS: dict[str, dict[str, Any]] = {
    "distributed": {"architecture": "painn_distributed"},
    "cartesian": {"architecture": "painn_cartesian"},
    "cartesian-turned": {"architecture": "painn_cartesian", "augment": True},
}
VIEWS = 12
COLUMNS = (
    *("arm", "frames", "seed", "test", "given", "turned", "mean_12", "gap", "dipole_D"),
    *("cpu_s", "answer_ms_per_frame", "parameters", "peak_MB"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="datasets/{label_set} of a run")
    parser.add_argument("--sizes", type=int, nargs="*", default=[50, 200, 800])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--arms", nargs="*", default=list(ARMS))
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0.003)
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
    for name, part in tests.items():
        print(name, "best fits and references:", floors(part), flush=True)
    new = not args.output.exists()
    with args.output.open("a", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        if new:
            rows.writeheader()
        for size in args.sizes:
            some = parts["train"].select(first_by_hash(parts["train"].frames.id, "curve", size))
            for seed in args.seeds:
                for arm in args.arms:
                    for row in run(arm, some, parts["valid"], tests, seed, args):
                        rows.writerow(row)
                        print(row, flush=True)
                    file.flush()


def floors(part: Dataset) -> dict[str, float]:
    """Root mean square errors of what needs no model, kcal/mol/e."""
    esp = part.labels.values["esp"]
    made = references(part.frames, part.labels) | {"nothing": np.zeros_like(esp)}
    return {name: round(rmse(values - esp), 3) for name, values in made.items()}


def rmse(wrong: np.ndarray) -> float:
    """V to kcal/mol/e."""
    return float(KCAL * np.sqrt((wrong**2).mean()))


def run(
    arm: str,
    training: Dataset,
    validation: Dataset,
    tests: dict[str, Dataset],
    seed: int,
    args: argparse.Namespace,
) -> list[dict[str, Any]]:
    """One training, and its errors on each test set."""
    own = StudentSettings(
        name=arm,
        size="small",
        charges_per_atom=args.charges,
        steps=args.steps,
        batch_size=args.batch,
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
    return [names | {"test": name} | errors(student, part) for name, part in tests.items()]


def errors(student: Any, part: Dataset) -> dict[str, float]:
    """Errors of the ESP, kcal/mol/e, and of components of the dipole, D."""
    start = time.process_time()
    given = student.predict(part.frames).values
    took = 1e3 * (time.process_time() - start) / len(part)
    seen = orbit(student, part.frames, Rotation(), VIEWS, "benchmark").values["esp"]
    esp, dipole = part.labels.values["esp"], part.labels.values["dipole"]
    return {
        "given": round(rmse(given["esp"] - esp), 4),
        "turned": round(rmse(seen - esp), 4),
        "mean_12": round(rmse(seen.mean(axis=0) - esp), 4),
        "gap": float(f"{KCAL * np.sqrt(seen.var(axis=0, ddof=1).mean()):.3g}"),
        "dipole_D": round(float(np.abs(given["dipole"] - dipole).mean() / 0.20819434), 4),
        "answer_ms_per_frame": round(took, 2),
    }


if __name__ == "__main__":
    main()
