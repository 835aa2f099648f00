"""What makes a student learn energies: the recipe of training, and one thing of it changed.

Of a finished demo, on its data set and its test set of known chemistry: ``mace-small`` as the
config trains it, and with energies in units of their spread over the whole training set, with their
full weight from the start, without the average of the weights, and with batches of 16. Errors of
the forces over their root mean square, and of the energies over those of one who knows each
compound's mean energy, by source. A quarter of an hour:
``OMP_NUM_THREADS=1 python benchmarks/learning_energies.py``
"""

import argparse
import os
import sys
import time
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
os.chdir(ROOT)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from limbeck import seeds  # noqa: E402
from limbeck.config.load import load  # noqa: E402
from limbeck.config.sections.students import StudentSettings  # noqa: E402
from limbeck.datasets.split import Dataset, read_part  # noqa: E402
from limbeck.students import evaluation, loop, new_student, statistics  # noqa: E402

LABELS, STUDENT = "orb-demo-k12", "mace-small"
PARTS = ("train", "valid", "test_known")
#: one thing that is changed -> fields of the student
CHANGES = {
    "as it is": {},
    "energies in units of their spread over the whole set": {},
    "their full weight from the start": {"energy_weight": 0.3, "late_energy_factor": 1.0},
    "no average of the weights": {"average_decay": 0.0},
    "batches of 16": {"batch_size": 16},
}
WHOLE = "energies in units of their spread over the whole set"


def main() -> None:
    """Train, and print a row for each change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "results/demo")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = args.results / "datasets" / LABELS
    parts = {
        p: read_part(str(folder / f"{p}.h5"), LABELS) for p in ("train", "valid", "test_known")
    }
    own = load("config/config.yaml").students[STUDENT]
    sources = np.unique(parts["test_known"].frames.source).astype(str)
    print(f"| changed | {' | '.join(f'{s}: forces, energies' for s in sources)} | CPU s |")
    print("|---" * (len(sources) + 2) + "|")
    for what, fields in CHANGES.items():
        start = time.process_time()
        student = trained(own.model_copy(update=fields), parts, args.seed, whole=what == WHOLE)
        took = time.process_time() - start
        cells = [f"{forces:.1%}, {energies:.2f}" for forces, energies in errors(student, parts)]
        print(f"| {what} | {' | '.join(cells)} | {took:.0f} |", flush=True)


def trained(settings: StudentSettings, parts: dict[str, Dataset], seed: int, *, whole: bool):
    """A student, trained as the pipeline does."""
    name = f"train_student/{settings.name}"
    torch.manual_seed(seeds.torch_seed(seed, name))
    training, found = parts["train"], statistics.training_statistics(parts["train"])
    student = new_student(settings, found, device="cpu")
    scales = statistics.Scales.of(training)
    if whole:
        same = dict.fromkeys(scales.energy, found.energy_std)
        scales = statistics.Scales(same, scales.forces)
    with mock.patch.object(statistics.Scales, "of", return_value=scales):
        loop.train(student, training, parts["valid"], settings, seeds.generator(seed, name))
    return student


def errors(student, parts: dict[str, Dataset]):
    """Of each source: force error over RMS force, energy error over that of the means."""
    test = parts["test_known"]
    answers = evaluation.answer(student, test.frames)
    found = evaluation.evaluate(answers, parts["train"], test, None)
    for source, own in sorted(found["against"]["labels"]["by_source"].items()):
        forces, known = own["forces"], found["by_compound"]["by_source"][source]
        yield (
            forces["value"] / forces["size"]["value"],
            own["energy"]["value"] / known["energy"]["value"],
        )


if __name__ == "__main__":
    main()
