"""What teaches a student from few frames: learning rate, batch size, optimiser, loss, patience.

Of a finished demo: 179 of its training frames and 22 of its validation frames, drawn at random, one
seed; errors on its test set of known chemistry. Half an hour:
``OMP_NUM_THREADS=1 python benchmarks/few_frames.py``
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
os.chdir(ROOT)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from limbeck import seeds  # noqa: E402
from limbeck.config.sections.students import StudentSettings  # noqa: E402
from limbeck.datasets.split import Dataset, read_part  # noqa: E402
from limbeck.students import evaluation, loop, new_student, statistics  # noqa: E402

LABELS, FRAMES = "orb-demo-k12", 179
SHORT = {"epochs": 40, "hyperparameters": "given"}
SMALL = SHORT | {"batch_size": 4}
TURNED = SMALL | {"architecture": "direct", "augment": True}
#: what is tried -> fields of the student; a small MACE where nothing else is said
CASES: dict[str, dict[str, Any]] = {
    "mace, batches of 16, rate 0.001": SHORT,
    "mace, the same without the average of the weights": SHORT | {"average_decay": 0.0},
    "mace, batches of 16, rate 0.01": SHORT | {"learning_rate": 0.01},
    "mace, batches of 4, rate 0.005": SMALL | {"learning_rate": 0.005},
    "mace, batches of 4, rate 0.01": SMALL | {"learning_rate": 0.01},
    "mace, batches of 4, rate 0.02": SMALL | {"learning_rate": 0.02},
    "mace, batches of 4, muon 0.005": SMALL | {"learning_rate": 0.005, "optimiser": "muon"},
    "mace, batches of 4, muon 0.01": SMALL | {"learning_rate": 0.01, "optimiser": "muon"},
    "mace, batches of 4, muon 0.02": SMALL | {"learning_rate": 0.02, "optimiser": "muon"},
    "mace, batches of 4, rate 0.01, patience 5": SMALL | {"learning_rate": 0.01, "patience": 5},
    "mace, batches of 4, rate 0.01, loss l1": SMALL | {"learning_rate": 0.01, "loss": "l1"},
    "mace, recommended": {"hyperparameters": "recommended"},
    "direct, batches of 4, rate 0.001": TURNED | {"learning_rate": 0.001},
    "direct, batches of 4, muon 0.005": TURNED | {"learning_rate": 0.005, "optimiser": "muon"},
}


def few(results: Path) -> dict[str, Dataset]:
    """Some of the frames to learn from and to validate on, and all to test on."""
    folder = results / "datasets" / LABELS
    parts = {p: read_part(str(folder / f"{p}.h5"), LABELS) for p in ("train", "valid")}
    parts["test"] = read_part(str(folder / "test_known.h5"), LABELS)
    for seed, (part, count) in enumerate({"train": FRAMES, "valid": FRAMES // 8}.items()):
        order = np.random.default_rng(seed).permutation(len(parts[part]))
        parts[part] = parts[part].select(np.sort(order[:count]))
    return parts


def trained(fields: dict[str, Any], parts: dict[str, Dataset], seed: int) -> str:
    """A row of the table."""
    settings = StudentSettings(**{"architecture": "mace", "name": "x"} | fields)
    torch.manual_seed(seed)
    found = statistics.training_statistics(parts["train"])
    student = new_student(settings, found, device="cpu")
    start = time.process_time()
    rng = seeds.generator(seed, "x")
    history = loop.train(student, parts["train"], parts["valid"], settings, rng)
    took = time.process_time() - start
    frames, labels = parts["test"].frames, parts["test"].labels
    answers = evaluation.answer(student, frames)
    known = evaluation.answered_frames(answers, frames)
    energy = np.abs(answers.energy - labels.energy)[known] / frames.n_atoms[known]
    truth = labels.forces[known[frames.frame_of_atom]]
    error = np.abs(answers.forces[known[frames.frame_of_atom]] - truth).mean()
    share = error / np.sqrt((truth**2).mean())
    return (
        f"{1e3 * error:.0f} ({share:.1%}) | {1e3 * energy.mean():.1f} | "
        f"{history.best_epoch} of {len(history.rows)} | {took:.0f}"
    )


def main() -> None:
    """Train, and print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "results/demo")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    parts = few(args.results)
    print("| student | forces, meV/A (of their RMS) | energy, meV/atom | best epoch | CPU s |")
    print("|---|---|---|---|---|")
    for what, fields in CASES.items():
        print(f"| {what} | {trained(fields, parts, args.seed)} |", flush=True)


if __name__ == "__main__":
    main()
