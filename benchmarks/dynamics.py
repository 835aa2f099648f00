"""Batched molecular dynamics against ASE's, one structure after another.

64 structures of 8 to 64 atoms, and as many of up to 16, with the same MACE and the same thermostat
(stochastic velocity rescaling, ASE's ``Bussi``); the two in turn, several rounds; prints atom-steps
per second, the median ratio and its range, and peak memory. Run it alone on the machine:
``OMP_NUM_THREADS=2 python benchmarks/dynamics.py``
"""

import argparse
import resource
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from ase import units  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.md.bussi import Bussi  # noqa: E402
from ase.md.velocitydistribution import thermalize_momenta  # noqa: E402
from batches_against_ase import own_calculator  # noqa: E402
from turns import header, ratios, row, seconds  # noqa: E402

from limbeck.config.config import Config  # noqa: E402
from limbeck.config.jobs import GenerateStructures  # noqa: E402
from limbeck.config.load import load  # noqa: E402
from limbeck.frames import Frames, concatenate, from_atoms  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.potentials.batches import Limits  # noqa: E402
from limbeck.sampling.dynamics import run as md  # noqa: E402
from limbeck.structures import generate  # noqa: E402

COUNT = 64
STEP_FS, KELVIN, THERMOSTAT_FS = 0.5, 300.0, 100.0
#: supercells of a rocksalt of 8 atoms
SUPERCELLS = ((1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 2))


def crystals(supercells: tuple[tuple[int, int, int], ...], count: int) -> Frames:
    """Displaced sodium chloride."""
    made = []
    for i in range(count):
        atoms = bulk("NaCl", "rocksalt", a=5.64, cubic=True).repeat(supercells[i % len(supercells)])
        atoms.rattle(0.03, seed=i)
        made.append(atoms)
    return from_atoms(made, groups=["NaCl"] * count, source="benchmark")


def molecules(config: Config, count: int, most: int) -> Frames:
    """The demo's molecules, of at least 8 atoms."""
    source = config.sources["organics"].model_copy(update={"count": 200, "shards": 1})
    frames, _ = generate(GenerateStructures(seed=1, shard=0, source=source))
    fit = np.flatnonzero((frames.n_atoms >= 8) & (frames.n_atoms <= most))
    return frames.select(np.resize(fit, count))


def ase_dynamics(potential: Any, frames: Frames, steps: int) -> None:
    """One structure after another."""
    calculator = own_calculator(potential)
    for atoms in frames.to_atoms():
        atoms.calc = calculator
        thermalize_momenta(atoms, KELVIN)
        step, time = STEP_FS * units.fs, THERMOSTAT_FS * units.fs
        Bussi(atoms, step, temperature_K=KELVIN, taut=time).run(steps)


def batched_dynamics(config: Config, potential: Any, frames: Frames, steps: int) -> None:
    """The same number of steps through the pipeline's own sampler, guards and trace included."""
    changes = {
        "nvt_algorithm": "csvr",
        "temperature_K": KELVIN,
        "time_step_fs": STEP_FS,
        "thermostat_time_fs": THERMOSTAT_FS,
        "time_total_fs": steps * STEP_FS,
        "time_equilibration_fs": 0,
        "sampling_interval_fs": steps * STEP_FS,
        "relax_input_cell": "none",
        "supercell_radius_A": None,
    }
    settings = config.sampling["md-300"].model_copy(update=changes)
    record = md.run_dynamics(frames, potential, settings, seed=1, place="benchmark")
    assert not any(record.cut), set(record.cut)


def memory_mib() -> float:
    """Peak of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-atoms", type=int, default=256)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    config = load(ROOT / "config" / "config.yaml")
    section = config.potentials["mace-demo"]
    potential = open_potential(section)
    potential.batch_limits = dict.fromkeys((True, False), Limits(args.batch_atoms))
    sets = {
        ("8 to 64 atoms", "2.3"): concatenate(
            [crystals(SUPERCELLS, COUNT // 2), molecules(config, COUNT // 2, 64)]
        ),
        ("8 to 16 atoms", "3"): concatenate(
            [crystals(SUPERCELLS[:2], COUNT // 2), molecules(config, COUNT // 2, 16)]
        ),
    }
    before, speeds = memory_mib(), []
    for (name, _), frames in sets.items():
        for _ in range(2):  # the first warms up
            time = seconds(lambda f=frames: batched_dynamics(config, potential, f, args.steps))
        speeds.append(f"{len(frames.numbers) * args.steps / time:.0f} ({name})")
    print(f"atom-steps per second: {', '.join(speeds)}")
    print(
        f"peak memory: {memory_mib():.0f} MiB, {memory_mib() - before:.0f} more than at the start\n"
    )
    header()
    for (name, asked), frames in sets.items():
        found = ratios(
            lambda f=frames: ase_dynamics(potential, f, args.steps),
            lambda f=frames: batched_dynamics(config, potential, f, args.steps),
            args.rounds,
        )
        row(f"ASE's loop / batched, {len(frames)} structures of {name}", found, asked)


if __name__ == "__main__":
    main()
