"""What products of the Hessian with vectors are worth, what a step of them costs, and which step.

``python benchmarks/hessian_vectors.py step``: errors of products of float32 teachers by the step of
the difference, against those in float64 extrapolated to none. ``cost``: a step of training with
products by differences of forces, as Limbeck takes it, and by differentiating forces once more.
``study``: students of as many teacher calls, with and without products. What is done is kept in
``--results``, so that a study that is stopped goes on.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
os.chdir(ROOT)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from ase import units  # noqa: E402
from ase.build import bulk, molecule  # noqa: E402
from ase.data import atomic_masses  # noqa: E402

from limbeck.averaging.displaced import (  # noqa: E402
    bend,
    directions,
    displaced,
    lines_of,
    product,
)
from limbeck.averaging.views import Views  # noqa: E402
from limbeck.config.sections.students import StudentSettings  # noqa: E402
from limbeck.datasets.split import Dataset  # noqa: E402
from limbeck.files import read_json, write_json  # noqa: E402
from limbeck.frames import Frames, concatenate, from_atoms  # noqa: E402
from limbeck.labelling.label import label  # noqa: E402
from limbeck.labelling.products import with_products  # noqa: E402
from limbeck.labelling.store import LabelStore  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.potentials.interface import Potential  # noqa: E402
from limbeck.potentials.trainable import TrainablePotential  # noqa: E402
from limbeck.properties import PRODUCTS  # noqa: E402
from limbeck.students import evaluation, loop, new_student, statistics  # noqa: E402

TEACHERS: dict[str, tuple[dict[str, Any], Views]] = {
    "orb-demo, 4 views": ({"model": "orb", "path": "resources/models/orb-demo"}, Views(4)),
    "mace-demo": (
        {"model": "mace", "path": "resources/models/mace-demo.model", "trust": True},
        Views(),
    ),
}
#: name -> structure at rest, and how far its atoms are moved at random, Angstrom
SYSTEMS = {
    "NaCl": (lambda: bulk("NaCl", "rocksalt", 5.64, cubic=True), 0.1),
    "ethanol": (lambda: molecule("CH3CH2OH"), 0.05),
}
STEPS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08)
H = 0.01  # Angstrom, the default of the config
STORE = ROOT / "results/label_store"
#: frames with a product, calls of each (its own and two displaced), and frames that judge
COUNT, CALLS, TEST = 20, 3, 40
FIELDS = {"name": "x", "architecture": "nep", "size": "small", "hyperparameters": "given"}
TRAINING = {"batch_size": 4, "learning_rate": 0.006, "stress_weight": 0.0}
STUDIED = (("orb-demo, 4 views", "NaCl"), ("mace-demo", "ethanol"))
#: arm of the study -> weight of products, frames it learns from, and how many times the steps:
#: three, and as many frames are evaluated in training as with products
ARMS: dict[str, tuple[float, str, int]] = {
    "20 frames": (0.0, "few", 1),
    "20 frames, products": (1.0, "few", 1),
    "20 frames and those displaced": (0.0, "sides", 1),
    "60 frames": (0.0, "many", 1),
    "60 frames, three times the steps": (0.0, "many", 3),
}


def teacher_of(name: str) -> tuple[Potential[Any], Views]:
    """A potential, and the views that its labels are means over."""
    section, views = TEACHERS[name]
    return open_potential({"name": "teacher", **section}), views


def frames_of(system: str, count: int, seed: int) -> Frames:
    """Frames moved at random from rest."""
    make, amplitude = SYSTEMS[system]
    structures = []
    for i in range(count):
        atoms = make()
        atoms.rattle(amplitude, seed=1000 * seed + i)
        structures.append(atoms)
    return from_atoms(structures, groups=[system] * count, source=system)


def errors_by_step() -> None:
    """A table for each teacher: relative errors of central and of one-sided differences, and how
    much the forces along a line disagree (of CHGNet, which has no float64, on NaCl alone)."""
    frames = concatenate([frames_of(system, 2, 1) for system in SYSTEMS])
    along = directions(frames, 1)[:, 0]
    for name in TEACHERS:
        potential, views = teacher_of(name)
        exact, _ = teacher_of(name)
        exact.module.double()  # type: ignore[attr-defined]
        exact.dtype = torch.float64  # type: ignore[attr-defined]

        def central(of: Potential[Any], step: float, views: Views = views) -> np.ndarray:
            sides = (label(of, displaced(frames, along, s * step), views).forces for s in (1, -1))
            return product(*sides, step)

        # an error of h^4 is left: none beside those of float32
        truth = (4 * central(exact, STEPS[0]) - central(exact, 2 * STEPS[0])) / 3
        middle = label(potential, frames, views).forces
        print(f"\n{name}\n| step, A | central | one-sided | bend, largest |\n|---|---|---|---|")
        for step in STEPS:
            ahead, behind = (
                label(potential, displaced(frames, along, s * step), views).forces for s in (1, -1)
            )
            found = (product(ahead, behind, step), (middle - ahead) / step)
            wrong = (f"{np.linalg.norm(f - truth) / np.linalg.norm(truth):.1e}" for f in found)
            bent = bend(ahead, middle, behind, frames).max()
            print(f"| {step:g} | {' | '.join(wrong)} | {bent:.3f} |", flush=True)
    salt = frames.select(frames.periodic)
    chgnet = open_potential({"name": "chgnet", "model": "chgnet"})
    along, middle = directions(salt, 1)[:, 0], chgnet.predict(salt).forces
    print("\nchgnet\n| step, A | bend, largest |\n|---|---|")
    for step in STEPS:
        ahead, behind = (chgnet.predict(displaced(salt, along, s * step)).forces for s in (1, -1))
        print(f"| {step:g} | {bend(ahead, middle, behind, salt).max():.3f} |", flush=True)


def costs() -> None:
    """CPU time of a step of training on 16 cells of 8 atoms, without products, with them by
    differences of forces, and by differentiating forces once more.

    The last is of nep alone: mace and painn differentiate by positions of their own, which no
    gradient leaves.
    """
    frames = frames_of("NaCl", 16, 1)
    along = directions(frames, 1)[:, 0]
    sides = [displaced(frames, along, sign * H) for sign in (1, -1)]
    found = statistics.training_statistics(Dataset(frames, label(*_by_any(frames))))
    print("| student | without | differences | differentiated | relative difference of both |")
    print("|---|---|---|---|---|")
    for kind in ("nep", "mace", "painn"):
        torch.manual_seed(0)
        settings = StudentSettings(**FIELDS | {"architecture": kind})
        student = new_student(settings, found, device="cpu")
        one, three = student.prepare(frames), student.prepare(concatenate([frames, *sides]))
        ways = [partial(_forces, student, one), partial(_differences, student, three)]
        if kind == "nep":
            wide = student.prepare_wide(frames, 0.0)  # type: ignore[attr-defined]
            ways.append(partial(_differentiated, student, wide, frames, along))
        row = [f"{1e3 * _seconds(way, student.module):.1f} ms" for way in ways]
        if kind == "nep":
            own, other = (way().detach() for way in ways[1:])
            row.append(f"{float((own - other).norm() / other.norm()):.1e}")
        print(f"| {kind} small | {' | '.join([*row, '', ''][:4])} |", flush=True)


def _forces(student: TrainablePotential[Any], batch: Any) -> torch.Tensor:
    return student.outputs(batch, training=True, stress=False).forces


def _differences(student: TrainablePotential[Any], batch: Any) -> torch.Tensor:
    _, ahead, behind = _forces(student, batch).chunk(3)
    return product(ahead, behind, H)


def _differentiated(
    student: TrainablePotential[Any], wide: Any, frames: Frames, along: np.ndarray
) -> torch.Tensor:
    at = torch.as_tensor(frames.positions, dtype=torch.float32).requires_grad_()
    cell = torch.as_tensor(frames.cell, dtype=torch.float32)
    forces = _forces(student, student.moved(wide, at, cell))  # type: ignore[attr-defined]
    v = torch.as_tensor(along, dtype=torch.float32)
    return -torch.autograd.grad((forces * v).sum(), at, create_graph=True)[0]


def _seconds(made: Callable[[], torch.Tensor], module: torch.nn.Module) -> float:
    """Of CPU, the median of several forward and backward passes."""
    took = []
    for _ in range(20):
        start = time.process_time()
        module.zero_grad()
        (made() ** 2).mean().backward()  # type: ignore[no-untyped-call]
        took.append(time.process_time() - start)
    return float(np.median(took))


def _by_any(frames: Frames) -> tuple[Potential[Any], Frames, Views]:
    """What labels frames where any labels do."""
    return open_potential({"name": "lj", "model": "lj"}), frames, Views()


def hessian(potential: Potential[Any], rest: Frames, views: Views | None = None) -> np.ndarray:
    """The whole matrix of one frame, eV/Angstrom^2, symmetrised. [3N,3N]"""
    n = len(rest.numbers)
    unit = np.eye(3 * n).reshape(3 * n * n, 3)
    copies = rest.select([0] * (3 * n))
    sides = [displaced(copies, unit, sign * H) for sign in (1, -1)]
    if views:
        store = LabelStore(STORE, potential, views, threads=1)
        forces = [label(potential, side, views, store=store).forces for side in sides]
    else:
        forces = [potential.predict(side).forces for side in sides]
    found = product(*forces, H).reshape(3 * n, 3 * n)
    return (found + found.T) / 2


def frequencies(matrix: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Of a Hessian, 1/cm, ascending; imaginary ones are negative."""
    masses = np.repeat(atomic_masses[numbers], 3)
    values = np.linalg.eigvalsh(matrix / np.sqrt(np.outer(masses, masses)))
    # the square root of eV/Angstrom^2/u is an angular frequency in ASE's unit of time
    return (
        np.sign(values) * np.sqrt(np.abs(values)) * units._hbar * units.s / units._e / units.invcm
    )


def trained(
    arm: str, teacher: str, system: str, seed: int, steps: int, truth: dict[str, Any]
) -> dict[str, float]:
    """Errors of one student; seeds have other frames, too."""
    weight, kind, times = ARMS[arm]
    potential, views = teacher_of(teacher)
    count = COUNT * (CALLS if kind == "many" else 1)
    training = labelled(potential, frames_of(system, count, seed), views, products=kind != "many")
    if kind == "sides":
        training = with_sides(training, potential, views)
    validation = labelled(potential, frames_of(system, 10, 100 + seed), views, products=True)
    fields = FIELDS | TRAINING | {"hessian_weight": weight, "steps": steps * times}
    settings = StudentSettings(**fields)
    torch.manual_seed(seed)
    student = new_student(settings, statistics.training_statistics(training), device="cpu")
    start = time.process_time()
    loop.train(student, training, validation, settings, np.random.default_rng(seed))
    took = time.process_time() - start
    test = truth["test"]
    answers = evaluation.answer(student, test.frames, test.labels)
    forces, products = test.labels.forces, test.labels.values[PRODUCTS]
    matrix = hessian(student, truth["rest"])
    modes = frequencies(matrix, truth["rest"].numbers)
    return {
        "forces_meV_per_A": 1e3 * float(np.abs(answers.forces - forces).mean()),
        "products_relative": _relative(answers.values[PRODUCTS], products),
        "hessian_relative": _relative(matrix, truth["hessian"]),
        "frequencies_per_cm": float(np.abs(modes - truth["modes"]).mean()),
        "cpu_s": took,
    }


def _relative(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def labelled(potential: Potential[Any], frames: Frames, views: Views, *, products: bool) -> Dataset:
    """Frames with labels, and a product each."""
    store = LabelStore(STORE, potential, views, threads=1)
    labels = label(potential, frames, views, store=store)
    if products:
        labels = with_products(potential, frames, labels, views, 1, H, store)
    return Dataset(frames, labels)


def with_sides(data: Dataset, potential: Potential[Any], views: Views) -> Dataset:
    """Frames and their displaced ones, as labels of frames alone."""
    lines = lines_of(data.frames, data.labels)
    assert lines
    sides = concatenate([lines.ahead, lines.behind])
    # in the views of their frames, as products are; then with names of their own
    labels = [label(potential, part, views) for part in (data.frames, sides)]
    names = np.array([f"{i}".encode() for i in range(3 * len(data))], dtype=data.frames.id.dtype)
    frames = replace(concatenate([data.frames, sides]), id=names)
    values = {
        n: np.concatenate([part.values[n] for part in labels])
        for n in ("energy", "forces", "stress")
    }
    whole = label(*_by_any(frames))
    return Dataset(frames, replace(whole, values=values))


def study(results: Path, seeds: int, steps: int) -> None:
    """Train what is not there yet, and print the table of what is."""
    done = read_json(results) if results.is_file() else {}
    cells = [(arm, seed) for seed in range(1, seeds + 1) for arm in ARMS]
    for teacher, system in STUDIED:
        names = {cell: f"{teacher}/{system}/{steps}/{cell[0]}/{cell[1]}" for cell in cells}
        missing = [cell for cell in cells if names[cell] not in done]
        truth = truth_of(teacher, system) if missing else {}
        for arm, seed in missing:
            done[names[arm, seed]] = trained(arm, teacher, system, seed, steps, truth)
            write_json(results, done)
        print_table(f"{teacher}, {system}", {c: done[name] for c, name in names.items()})


def truth_of(teacher: str, system: str) -> dict[str, Any]:
    """Test frames with products, and the Hessian and the frequencies at rest."""
    potential, views = teacher_of(teacher)
    rest = from_atoms([SYSTEMS[system][0]()], groups=[system], source=system)
    matrix = hessian(potential, rest, views)
    return {
        "test": labelled(potential, frames_of(system, TEST, 500), views, products=True),
        "rest": rest,
        "hessian": matrix,
        "modes": frequencies(matrix, rest.numbers),
    }


def print_table(title: str, found: dict[tuple[str, int], dict[str, float]]) -> None:
    """Means and standard deviations over seeds."""
    print(f"\n{title}")
    print("| arm | forces, meV/A | products | Hessian at rest | frequencies, 1/cm | CPU s |")
    print("|---|---|---|---|---|---|")
    for arm in ARMS:
        rows = [cell for (name, _), cell in found.items() if name == arm]
        cells = []
        for key, form in (
            ("forces_meV_per_A", "{:.1f} ± {:.1f}"),
            ("products_relative", "{:.1%} ± {:.1%}"),
            ("hessian_relative", "{:.1%} ± {:.1%}"),
            ("frequencies_per_cm", "{:.1f} ± {:.1f}"),
            ("cpu_s", "{:.0f} ± {:.0f}"),
        ):
            values = [row[key] for row in rows]
            cells.append(form.format(np.mean(values), np.std(values, ddof=min(1, len(values) - 1))))
        print(f"| {arm} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["step", "cost", "study"])
    parser.add_argument("--results", type=Path, default=ROOT / "results/hessian_vectors.json")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=800)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.what == "study":
        args.results.parent.mkdir(parents=True, exist_ok=True)
        study(args.results, args.seeds, args.steps)
    else:
        {"step": errors_by_step, "cost": costs}[args.what]()


if __name__ == "__main__":
    main()
