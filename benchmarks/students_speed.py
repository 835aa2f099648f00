"""Speed of students with random weights: every architecture and size, beside orb-v2 at real size.

Energy, forces and, of crystals, stress of frames whose neighbours are known, on one thread: atoms
per second of CPU time, each at the batch that is its fastest, medians of rounds in which all take
turns. Of rocksalt cells of 8 to 64 atoms, of a molecular crystal of 96 atoms (benzene), and of
molecules of 20 atoms. Ten minutes: ``OMP_NUM_THREADS=1 python benchmarks/students_speed.py``
"""

import argparse
import copy
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from ase import Atoms  # noqa: E402
from ase.build import bulk  # noqa: E402
from orb_models.forcefield import pretrained  # noqa: E402
from orb_models.forcefield.atomic_system import SystemConfig  # noqa: E402
from rdkit import Chem  # noqa: E402
from rdkit.Chem import AllChem  # noqa: E402

from limbeck.config.sections.students import StudentSettings  # noqa: E402
from limbeck.frames import Frames, from_atoms  # noqa: E402
from limbeck.potentials.interface import IN_MEMORY, About  # noqa: E402
from limbeck.potentials.models.orb import MAX_NEIGHBOURS, RADIUS, OrbPotential  # noqa: E402
from limbeck.potentials.models.painn import GraphPesPotential  # noqa: E402
from limbeck.potentials.trainable import Statistics  # noqa: E402
from limbeck.properties import EFS  # noqa: E402
from limbeck.students import ARCHITECTURES, new_student  # noqa: E402
from molecular_crystals import benzene  # noqa: E402

SALTS = [
    ("LiF", 4.03, (1, 1, 1)), ("NaCl", 5.64, (1, 1, 1)), ("LiCl", 5.14, (2, 1, 1)),
    ("NaF", 4.63, (2, 2, 1)), ("KCl", 6.29, (2, 2, 1)), ("KF", 5.34, (2, 2, 2)),
    ("NaCl", 5.64, (2, 2, 2)), ("LiF", 4.03, (2, 1, 1)),
]  # fmt: skip
MOLECULES = ("CCCCCC", "CC(=O)Nc1ccc(O)cc1")
ELEMENTS = [1, 3, 6, 7, 8, 9, 11, 17, 19]
#: frames of one batch that are tried
BATCHES = (1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--architectures", nargs="*", default=sorted(ARCHITECTURES))
    parser.add_argument("--sizes", nargs="*", default=["tiny", "small", "medium"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    teacher = orb_v2()
    models = {"orb-v2": (teacher, sum(p.numel() for p in teacher.module.parameters()))}
    models |= dict(students(args.architectures, args.sizes))
    print("| frames | student | parameters | atoms/CPU s | frames of a batch | times orb-v2 |")
    print("|---|---|---|---|---|---|", flush=True)
    for what, frames in sets().items():
        found = speeds(models, frames, args.rounds)
        for name, (_, parameters) in models.items():
            speed, batch = found[name]
            row = (what, name, f"{parameters:,}", f"{speed:,.0f}", str(batch))
            times = f"{speed / found['orb-v2'][0]:.1f}"
            print(f"| {' | '.join(row)} | {times} |", flush=True)


def sets() -> dict[str, Frames]:
    """Sixteen frames of each kind, rattled, so that none is special."""
    salts = [bulk(name, "rocksalt", a=a, cubic=True).repeat(n) for name, a, n in SALTS]
    return {
        "rocksalt, 8 to 64 atoms": rattled(2 * salts),
        "crystal of 96 atoms": rattled(4 * [benzene().repeat((2, 1, 1))]),
        "molecules of 20 atoms": rattled(8 * [molecule(smiles) for smiles in MOLECULES]),
    }


def molecule(smiles: str) -> Atoms:
    made = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(made, randomSeed=0)
    symbols = [atom.GetSymbol() for atom in made.GetAtoms()]
    return Atoms(symbols, made.GetConformer().GetPositions())


def rattled(structures: list[Atoms]) -> Frames:
    copies = [atoms.copy() for atoms in structures]
    for seed, atoms in enumerate(copies):
        atoms.rattle(0.05, seed=seed)
    return from_atoms(copies, groups=[""] * len(copies), source="benchmark")


def orb_v2() -> OrbPotential:
    """orb-v2 with random weights."""
    module = pretrained.orb_v2_architecture(
        device="cpu", system_config=SystemConfig(radius=RADIUS, max_num_neighbors=MAX_NEIGHBOURS)
    ).eval()
    about = About(
        name="orb-v2",
        model="orb-v2",
        elements=frozenset(ELEMENTS),
        cutoff=RADIUS,
        properties=EFS,
        conservative=False,
        equivariant=False,
        licence="",
        citation="",
        weights=IN_MEMORY,
        dtype="float32",
        max_neighbours=MAX_NEIGHBOURS,
    )
    return OrbPotential(module.requires_grad_(False), about, device="cpu", batch_atoms=512)


def students(architectures: list[str], sizes: list[str]) -> Iterator[tuple[str, tuple[Any, int]]]:
    """Each as it is after loading: no gradient of its weights is asked for."""
    nothing = np.zeros(len(ELEMENTS))
    statistics = Statistics(ELEMENTS, nothing, 0.0, 1.0, 1.0, 1.0)
    for kind in architectures:
        for size in sizes:
            torch.manual_seed(0)
            settings = StudentSettings(name="any", architecture=kind, size=size)
            student = new_student(settings, statistics, device="cpu")
            parameters = student.parameters
            student.module.eval().requires_grad_(False)
            yield f"{kind} {size}", (student, parameters)
            if kind == "painn":
                theirs = copy.copy(student)
                theirs.many_body_energies = partial(GraphPesPotential.many_body_energies, theirs)
                yield f"{kind} {size}, as graph-pes", (theirs, parameters)


def speeds(
    models: dict[str, tuple[Any, int]], frames: Frames, rounds: int
) -> dict[str, tuple[float, int]]:
    """Atoms per CPU second and the frames of a batch, of each model."""
    batches = {name: fastest(model, frames) for name, (model, _) in models.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, (model, _) in models.items():
            times[name].append(seconds(model, batches[name][1]))
    count = len(frames.numbers)
    return {n: (count / float(np.median(t)), batches[n][0]) for n, t in times.items()}


def fastest(model: Any, frames: Frames) -> tuple[int, list[Any]]:
    """The number of frames in a batch that takes the least time, and these batches."""
    tried = []
    for size in (n for n in BATCHES if n <= len(frames)):
        groups = np.array_split(np.arange(len(frames)), len(frames) // size)
        batches = [model.prepare(frames.select(group)) for group in groups]
        seconds(model, batches)  # warm-up
        tried.append((seconds(model, batches), size, batches))
    _, size, batches = min(tried, key=lambda row: row[0])
    return size, batches


def seconds(model: Any, batches: list[Any]) -> float:
    """CPU time of evaluating all batches."""
    start = time.process_time()
    for batch in batches:
        model.evaluate(batch)
    return time.process_time() - start


if __name__ == "__main__":
    main()
