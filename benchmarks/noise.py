"""What it costs that each trajectory has random numbers of its own.

Dynamics of 64 crystals in one batch with noise from streams of their own, against noise for the
whole batch from torch's global generator, which a trajectory that is cut would change for all
others; the two in turn, several rounds: ``OMP_NUM_THREADS=1 python benchmarks/noise.py``
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import torch  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.data import covalent_radii  # noqa: E402
from dynamics import SUPERCELLS, crystals  # noqa: E402
from turns import header, ratios, row, seconds  # noqa: E402

from limbeck.config.config import Config  # noqa: E402
from limbeck.config.load import load  # noqa: E402
from limbeck.frames import Frames, from_atoms  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.potentials.batches import Limits  # noqa: E402
from limbeck.sampling.dynamics import run as md  # noqa: E402
from limbeck.sampling.dynamics.streams import Draws, Purpose, keys, normal  # noqa: E402

COUNT = 64
KINDS: dict[str, dict[str, Any]] = {
    "NVT langevin": {"nvt_algorithm": "langevin"},
    "NVT csvr": {"nvt_algorithm": "csvr"},
    "NPT langevin": {"ensemble": "NPT", "npt_algorithm": "langevin"},
}
_own = Draws.next


def argon(count: int) -> Frames:
    """Crystals of 4 and 8 atoms at the minimum of the toy potential, displaced."""
    edge = 2 * covalent_radii[18] * 2**0.5
    made = [bulk("Ar", a=edge, cubic=True).repeat((1 + i % 2, 1, 1)) for i in range(count)]
    for i, atoms in enumerate(made):
        atoms.rattle(0.01, seed=i)
    return from_atoms(made, groups=["Ar"] * count, source="benchmark")


def together(draws: Draws) -> torch.Tensor:
    """The next draw of the whole batch from the global generator."""
    if draws._block is None:
        return _own(draws)  # tells the shape
    shape = draws._block.shape[1:]
    if draws._purpose == Purpose.OTHER_DEGREES:
        degrees = torch.as_tensor(draws._sizes, dtype=torch.float64)
        return torch.distributions.Chi2(degrees, validate_args=False).sample()
    return torch.randn(shape, dtype=torch.float64)


def of_the_batch(call: Callable[[], None]) -> None:
    """The call, with noise for the whole batch at once."""
    with patch.object(Draws, "next", together):
        call()


def dynamics(
    config: Config, potential: Any, frames: Frames, steps: int, changes: dict[str, Any]
) -> None:
    """Through the pipeline's own sampler, at 10 K, so that nothing is cut."""
    changes = changes | {
        "temperature_K": 10.0,
        "time_step_fs": 1.0,
        "time_total_fs": float(steps),
        "time_equilibration_fs": 0.0,
        "sampling_interval_fs": float(steps),
        "relax_input_cell": "none",
        "supercell_radius_A": None,
    }
    settings = config.sampling["md-300"].model_copy(update=changes)
    record = md.run_dynamics(frames, potential, settings, seed=1, place="benchmark")
    assert not any(record.cut), set(record.cut)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    frames = crystals(SUPERCELLS[:2], COUNT)
    draws = normal(
        torch.as_tensor(keys(1, map(str, range(COUNT)))),
        Purpose.ATOMS,
        torch.as_tensor(frames.n_atoms),
        3,
    )
    times = [seconds(draws.next) for _ in range(3200)]
    print(
        f"a draw for {COUNT} trajectories, {len(frames.numbers)} atoms: "
        f"{1e6 * sum(times) / len(times):.0f} microseconds\n"
    )
    header()
    config = load(ROOT / "config" / "config.yaml")
    toy = {"name": "lj", "model": "lj"}
    for section, frames, steps in (
        (toy, argon(COUNT), 100),
        (config.potentials["mace-demo"], crystals(SUPERCELLS[:2], COUNT), 10),
    ):
        potential = open_potential(section)
        potential.batch_limits = dict.fromkeys((True, False), Limits(len(frames.numbers)))
        for kind, changes in KINDS.items():
            call = partial(dynamics, config, potential, frames, steps, changes)
            found = ratios(call, partial(of_the_batch, call), args.rounds)
            row(f"own noise / noise of the batch, {potential.about.name}, {kind}", found, "< 1.05")


if __name__ == "__main__":
    main()
