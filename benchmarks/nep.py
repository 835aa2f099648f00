"""How fast NEP students are, beside orb-v2 and a MACE; and ``nep.txt`` through calorine's C++.

Random weights, one thread, CPU time, energy, forces and stress. Eight rocksalts of 8 to 64 atoms,
urea of 96 atoms, hexane of 20 atoms; each model at the best of its batches, in turn, over rounds:
the median, and how many times orb-v2's it is. ``evaluated``: neighbours are known, as in dynamics;
``from frames``: with their search. ``python benchmarks/nep.py``; ``--calorine PYTHON``: of an
environment that has calorine (its licence is the GPL: it is no dependency).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from ase import Atoms  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.io import write  # noqa: E402
from rdkit import Chem  # noqa: E402
from rdkit.Chem import AllChem  # noqa: E402

from limbeck.frames import Frames, concatenate, from_atoms  # noqa: E402
from limbeck.potentials.models.mace import MacePotential  # noqa: E402
from limbeck.potentials.models.nep import MODEL_FILE, NepPotential  # noqa: E402
from limbeck.potentials.models.orb import OrbPotential, small_network  # noqa: E402
from limbeck.potentials.trainable import Statistics  # noqa: E402
from molecular_crystals import urea  # noqa: E402

ELEMENTS = [1, 6, 7, 8, 11, 17]
STATISTICS = Statistics(ELEMENTS, np.full(len(ELEMENTS), -1.0), 0.0, 1.0, 1.0, 1.0)
BATCHES = (32, 128, 512, 2048)  # atoms; the smallest are at least one set of frames
ROUNDS, SECONDS = 5, 0.5

CALORINE = """
import sys, time
from ase.io import read
from calorine.calculators import CPUNEP
frames = read(sys.argv[2], ":")
for atoms in frames:
    atoms.calc = CPUNEP(sys.argv[1])
speeds = []
for _ in range(5):
    start, atoms_done = time.process_time(), 0
    while time.process_time() - start < 0.5:
        for atoms in frames:
            atoms.rattle(1e-6)  # or it says what it said before
            atoms.get_forces(), atoms.get_potential_energy()
            atoms_done += len(atoms)
    speeds.append(atoms_done / (time.process_time() - start))
print(sorted(speeds)[2])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calorine", help="Python of an environment that has calorine")
    args = parser.parse_args()
    torch.set_num_threads(1)
    models = students() | {"orb-v2": orb_v2()}
    print("| frames | model | evaluated, atoms/s | times orb-v2 | from frames, atoms/s | times |")
    print("|---" * 6 + "|")
    for kind, frames in systems().items():
        found = {False: rates(models, frames, False), True: rates(models, frames, True)}
        for name in models:
            cells = [
                f"{rate[name]:,.0f} | {rate[name] / rate['orb-v2']:.1f}" for rate in found.values()
            ]
            print(f"| {kind} | {name} | {' | '.join(cells)} |", flush=True)
        for size in ("small", "medium") if args.calorine else ():
            speed = of_calorine(args.calorine, models[f"nep {size}"], frames)
            print(f"| {kind} | nep {size}, calorine | | | {speed:,.0f} | |", flush=True)


def students() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, kind in (("nep", NepPotential), ("mace", MacePotential)):
        for size in ("small", "medium"):
            torch.manual_seed(0)
            made[f"{name} {size}"] = kind.build(size, STATISTICS, name=name, device="cpu")
    return made


def orb_v2() -> OrbPotential:
    """Its network in full, with random weights."""
    about = OrbPotential.build("tiny", STATISTICS, name="orb-v2", device="cpu").about
    module = small_network(latent_dim=256, mlp_hidden_dim=512, message_passing_steps=15)
    return OrbPotential(module.eval(), replace(about), device="cpu", batch_atoms=256)


def systems() -> dict[str, Frames]:
    salts = []
    for i, repeat in enumerate([(1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 2)] * 2):
        salts.append(bulk("NaCl", "rocksalt", a=5.64, cubic=True).repeat(repeat))
        salts[-1].rattle(0.1, seed=i)
    hexane = Chem.AddHs(Chem.MolFromSmiles("CCCCCC"))
    AllChem.EmbedMolecule(hexane, randomSeed=1)
    molecule = Atoms(
        [a.GetSymbol() for a in hexane.GetAtoms()], hexane.GetConformer().GetPositions()
    )
    return {
        "rocksalts, 8 to 64 atoms": named(salts),
        "urea, 96 atoms": named([urea().repeat((2, 3, 1))]),
        "hexane, 20 atoms": named([molecule]),
    }


def named(structures: list[Atoms]) -> Frames:
    return from_atoms(structures, groups=["any"] * len(structures), source="named")


def rates(models: dict[str, Any], frames: Frames, search: bool) -> dict[str, float]:
    """Atoms per CPU second of each, at the best of its batches."""
    asked = {
        (name, n): question(model, many(frames, n), search)
        for name, model in models.items()
        for n in BATCHES
        if name != "orb-v2" or n <= 512
    }
    seen: dict[Any, list[float]] = {key: [] for key in asked}
    for _ in range(ROUNDS):
        for key, ask in asked.items():
            seen[key].append(len(many(frames, key[1]).numbers) * per_second(ask))
    best = {key: float(np.median(found)) for key, found in seen.items()}
    return {name: max(rate for key, rate in best.items() if key[0] == name) for name in models}


def question(model: Any, frames: Frames, search: bool) -> Callable[[], Any]:
    if search:
        return lambda: model.evaluate(model.prepare(frames))
    batch = model.prepare(frames)
    return lambda: model.evaluate(batch)


def many(frames: Frames, atoms: int) -> Frames:
    """The frames again and again, up to so many atoms."""
    return concatenate([frames] * max(1, atoms // len(frames.numbers)))


def per_second(ask: Callable[[], Any]) -> float:
    start, count = time.process_time(), 0
    while time.process_time() - start < SECONDS:
        ask()
        count += 1
    return count / (time.process_time() - start)


def of_calorine(python: str, student: NepPotential, frames: Frames) -> float:
    with tempfile.TemporaryDirectory() as folder:
        student.save(Path(folder))
        structures = frames.to_atoms()
        for atoms in structures:
            if not atoms.pbc.all():
                atoms.center(vacuum=12.0)
        write(f"{folder}/frames.xyz", structures, columns=["symbols", "positions"])
        command = [python, "-c", CALORINE, f"{folder}/{MODEL_FILE}", f"{folder}/frames.xyz"]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(said.stdout.split()[-1])


if __name__ == "__main__":
    main()
