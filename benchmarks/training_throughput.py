"""Training throughput of a student against the program of its network: the same data and batches.

MACE against ``mace_run_train``, PaiNN against ``graph-pes-train``, on rattled salt and acetic acid,
labelled by the demo's Orb: what is learned does not matter here. Epochs of our loop and of theirs,
in turn, one thread, several rounds; CPU seconds of an epoch are those of a longer run less those of
a shorter one, so that start, neighbour lists and tests at the end do not count. Energies, forces
and, with MACE, stresses are learned. Prints frames per CPU second and their ratio.
``OMP_NUM_THREADS=1 python benchmarks/training_throughput.py mace``
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402
from ase.build import bulk, molecule  # noqa: E402

from limbeck.averaging.views import Views  # noqa: E402
from limbeck.config.sections.students import StudentSettings  # noqa: E402
from limbeck.datasets.export import write_extxyz  # noqa: E402
from limbeck.datasets.split import Dataset  # noqa: E402
from limbeck.frames import from_atoms  # noqa: E402
from limbeck.labelling.label import label  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.students import loop, new_student  # noqa: E402
from limbeck.students.statistics import training_statistics  # noqa: E402

SHORT, LONG = 1, 4  # epochs
BATCH, VALID = 8, 8


def dataset(count: int) -> Dataset:
    """Half salt of 8 atoms, half molecules of acetic acid."""
    structures = []
    for seed in range(count // 2):
        for atoms in (bulk("NaCl", "rocksalt", a=5.6, cubic=True), molecule("CH3COOH")):
            atoms.rattle(0.05, seed=seed)
            structures.append(atoms)
    groups = [str(i) for i in range(len(structures))]
    frames = from_atoms(structures, groups=groups, source="s")
    path = str(ROOT / "resources/models/orb-demo")
    chosen = open_potential({"name": "demo", "model": "orb", "path": path})
    return Dataset(frames, label(chosen, frames, Views(), max_force=1e3))


def ours(data: Dataset, valid: Dataset, settings: StudentSettings, epochs: int) -> float:
    """CPU seconds of a training."""
    student = new_student(settings, training_statistics(data), device="cpu")
    own = settings.model_copy(update={"epochs": epochs})
    start = time.process_time()
    loop.train(student, data, valid, own, np.random.default_rng(0))
    return time.process_time() - start


def mace_run_train(folder: Path, sizes: dict[str, Any], epochs: int) -> list[str]:
    """Its command for a network of these sizes."""
    options = {
        "name": f"e{epochs}", "E0s": "average", "device": "cpu", "default_dtype": "float32",
        "train_file": "train.extxyz", "valid_file": "valid.extxyz", "model": "MACE",
        "r_max": sizes["cutoff"], "num_channels": sizes["channels"], "max_L": 0,
        "max_ell": sizes["max_ell"], "correlation": sizes["correlation"],
        "num_interactions": sizes["layers"], "radial_MLP": str(sizes["radial_mlp"]),
        "batch_size": BATCH, "valid_batch_size": BATCH, "max_num_epochs": epochs,
        "ema_decay": 0.99, "loss": "universal", "error_table": "PerAtomMAE", "num_workers": 0,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return ["mace_run_train", *words, "--ema", "--amsgrad", "--compute_stress", "True"]


def graph_pes_train(folder: Path, sizes: dict[str, Any], epochs: int) -> list[str]:
    """Its command for a network of these sizes."""
    network = {n: sizes[n] for n in ("channels", "layers", "cutoff", "radial_features")}
    settings = {
        "model": {"+PaiNN": network},
        "data": {
            part: {"+file_dataset": {"path": f"{part}.extxyz", "cutoff": sizes["cutoff"]}}
            for part in ("train", "valid")
        },
        "loss": ["+PerAtomEnergyLoss()", "+ForceRMSE()"],
        "fitting": {
            "trainer_kwargs": {"max_epochs": epochs, "accelerator": "cpu"},
            "optimizer": {"name": "AdamW", "lr": 0.001},
            "loader_kwargs": {"batch_size": BATCH, "num_workers": 0, "persistent_workers": False},
        },
        "wandb": None,
        "general": {"progress": "logged", "root_dir": f"out{epochs}"},
    }
    (folder / f"train{epochs}.yaml").write_text(yaml.safe_dump(settings))
    return ["graph-pes-train", f"train{epochs}.yaml"]


THEIRS = {"mace": mace_run_train, "painn": graph_pes_train}


def theirs(folder: Path, command: list[str]) -> float:
    """CPU seconds of a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = Path(sys.executable).parent / command[0]
    words = [program, *command[1:]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure in turn, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("architecture", choices=THEIRS)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="small")
    args = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    torch.set_num_threads(1)
    data, valid = dataset(args.frames), dataset(VALID)
    fields = {"name": "x", "architecture": args.architecture, "size": args.size}
    settings = StudentSettings(**fields, batch_size=BATCH)
    sizes = new_student(settings, training_statistics(data), device="cpu").sizes
    program = THEIRS[args.architecture]
    rates: dict[str, list[float]] = {"ours": [], program.__name__: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_extxyz(folder / "train.extxyz", data)
        write_extxyz(folder / "valid.extxyz", valid)
        for _ in range(args.rounds):
            frames = (LONG - SHORT) * len(data)
            own = [ours(data, valid, settings, epochs) for epochs in (SHORT, LONG)]
            other = [theirs(folder, program(folder, sizes, epochs)) for epochs in (SHORT, LONG)]
            for found, took in zip(rates.values(), (own, other), strict=True):
                found.append(frames / (took[1] - took[0]))
    print("| who | frames per CPU s, median (range) |\n|---|---|")
    for who, found in rates.items():
        print(f"| {who} | {statistics.median(found):.1f} ({min(found):.1f} to {max(found):.1f}) |")
    ratios = [a / b for a, b in zip(*rates.values(), strict=True)]
    median = statistics.median(ratios)
    print(f"ours / theirs: {median:.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
