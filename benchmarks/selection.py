"""Choosing frames: how long it takes and in how much memory, and what students make of the choice.

``python benchmarks/selection.py speed``: 100,000 structures of ten atoms on average.

``python benchmarks/selection.py students``: 1,000 of 10,000 frames of alloys, chosen by each method
and labelled with EMT; force errors of a small student on 1,000 others. Rows are kept in
``results/selection.json``: started again, it goes on.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
os.chdir(ROOT)

import numpy as np  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.calculators.emt import EMT  # noqa: E402

from limbeck import seeds  # noqa: E402
from limbeck.config.sections.labels import Choice  # noqa: E402
from limbeck.frames import Frames, concatenate, from_atoms  # noqa: E402
from limbeck.selection.choice import choose  # noqa: E402
from limbeck.selection.points import points_of  # noqa: E402

METHODS = ("random", "farthest", "direct")
METALS = ("Ni", "Cu", "Pd", "Ag", "Pt", "Au")
SPACING_A = {"Ni": 3.52, "Cu": 3.61, "Pd": 3.89, "Ag": 4.09, "Pt": 3.92, "Au": 4.08}
#: share of frames, and what they are like: standard deviation of positions, A, and strain. Most are
#: of one kind, as in a run; what is rare is far from it.
KINDS = ((0.80, 0.05, 0.01), (0.15, 0.12, 0.03), (0.05, 0.22, 0.06))


def alloys(count: int, seed: int, repeat: tuple[int, ...] = (1, 1, 1)) -> Frames:
    """Face-centred cubic cells of one to three metals, displaced and strained."""
    rng = np.random.default_rng(seed)
    made, groups = [], []
    for _ in range(count):
        metals = rng.choice(METALS, rng.integers(1, 4), replace=False)
        a = np.mean([SPACING_A[m] for m in metals])
        atoms = bulk("Cu", "fcc", a=a, cubic=True).repeat(repeat)
        atoms.symbols = rng.choice(metals, len(atoms))
        _, amount, strain = KINDS[rng.choice(len(KINDS), p=[kind[0] for kind in KINDS])]
        part = rng.normal(scale=strain, size=(3, 3))
        atoms.set_cell(atoms.cell @ (np.eye(3) + (part + part.T) / 2), scale_atoms=True)
        atoms.positions += rng.normal(scale=amount, size=(len(atoms), 3))
        made.append(atoms)
        groups.append("-".join(sorted(set(atoms.get_chemical_symbols()))))
    return from_atoms(made, groups=groups, source="alloys")


def speed(count: int) -> None:
    """Time and memory of each method; the frames come as from files, few at once."""
    from quests.descriptor import get_descriptors

    get_descriptors(alloys(2, 0).to_atoms())  # compiled once
    few = concatenate([alloys(250, 1), alloys(100, 2, (2, 1, 1)), alloys(150, 3, (2, 2, 1))])

    def parts() -> Iterator[Frames]:
        """Other positions each time, so that no frame comes twice."""
        rng = np.random.default_rng(4)
        for _ in range(count // len(few)):
            atoms = few.to_atoms()
            for one in atoms:
                one.positions += rng.normal(scale=0.1, size=one.positions.shape)
            yield from_atoms(atoms, groups=["g"] * len(atoms), source="alloys")

    start = time.process_time()
    for _ in parts():
        pass
    making = time.process_time() - start
    before = peak_MB()
    start = time.process_time()
    with points_of(parts(), "distances") as points:
        took = time.process_time() - start - making
        print(f"{len(points)} structures of {few.n_atoms.mean():.1f} atoms; descriptors {took:.0f}")
        for by in METHODS:
            for n in (1_000, 10_000):
                if by == "farthest" and n > 1_000:
                    continue  # grows with the number of frames chosen
                start = time.process_time()
                found = choose(points, Choice(by=by), n, seed=1)
                took = time.process_time() - start
                print(
                    f"{by}, {len(found)}: {took:.0f} CPU s; {peak_MB():.0f} MB, {before:.0f} before"
                )


def peak_MB() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def labelled(frames: Frames):
    """With energies, forces and stresses of EMT."""
    from limbeck.datasets.split import Dataset
    from limbeck.labels import Labels

    energies, forces, stresses = [], [], []
    for atoms in frames.to_atoms():
        atoms.calc = EMT()
        energies.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces())
        stresses.append(atoms.get_stress())
    labels = Labels(
        frames.id,
        frames.n_atoms,
        np.zeros(len(frames), np.uint8),
        energy=np.array(energies),
        forces=np.concatenate(forces),
        stress=np.array(stresses),
    )
    return Dataset(frames, labels)


def students(count: int, chosen: int, epochs: int) -> None:
    """Force errors of students of each method's choice."""
    import torch

    from limbeck.config.sections.students import StudentSettings
    from limbeck.students import evaluation, loop, new_student, statistics

    torch.set_num_threads(1)
    path = Path(f"results/selection-{count}-{chosen}-{epochs}.json")
    rows = json.loads(path.read_text()) if path.exists() else {}
    pool, test, valid = alloys(count, 1), labelled(alloys(1000, 2)), labelled(alloys(100, 3))
    settings = StudentSettings(
        architecture="mace", name="x", size="tiny", epochs=epochs, batch_size=8,
        learning_rate=0.01, hyperparameters="given",
    )  # fmt: skip
    force = np.sqrt((test.labels.forces**2).mean(axis=1))
    of_frame = np.bincount(test.frames.frame_of_atom, force) / test.frames.n_atoms
    rare = of_frame > np.quantile(of_frame, 0.95)
    with points_of([pool], "distances") as points:
        for seed in (1, 2, 3):
            for by in METHODS:
                if f"{by} {seed}" in rows:
                    continue
                train = labelled(pool.select(choose(points, Choice(by=by), chosen, seed)))
                torch.manual_seed(seed)
                student = new_student(settings, statistics.training_statistics(train), device="cpu")
                loop.train(student, train, valid, settings, seeds.generator(seed, "x"))
                answers = evaluation.answer(student, test.frames)
                error = np.abs(answers.forces - test.labels.forces).mean(axis=1)
                mean = np.bincount(test.frames.frame_of_atom, error) / test.frames.n_atoms
                rows[f"{by} {seed}"] = [
                    1e3 * mean.mean(),
                    1e3 * mean[rare].mean(),
                    1e3 * mean[~rare].mean(),
                ]
                path.parent.mkdir(exist_ok=True)
                path.write_text(json.dumps(rows))
                print(by, seed, *(f"{x:.1f}" for x in rows[f"{by} {seed}"]), flush=True)
    print(f"force errors, meV/A, of {chosen} of {count} frames:")
    print("all test frames; the 5 % with the strongest forces; the others")
    for by in METHODS:
        found = np.array([rows[f"{by} {seed}"] for seed in (1, 2, 3)])
        print(
            by,
            *(
                f"{m:.0f} +- {s:.0f}"
                for m, s in zip(found.mean(0), found.std(0, ddof=1), strict=True)
            ),
        )


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "students"])
    parser.add_argument("--frames", type=int)
    parser.add_argument("--chosen", type=int, default=1_000)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    if args.what == "speed":
        speed(args.frames or 100_000)
    else:
        students(args.frames or 10_000, args.chosen, args.epochs)


if __name__ == "__main__":
    main()
