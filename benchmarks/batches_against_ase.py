"""Labelling in batches against a loop over an ASE calculator.

Same structures, same models, same threads, in turn, several rounds; prints the median ratio and its
range. Run it alone on the machine: ``OMP_NUM_THREADS=1 python benchmarks/batches_against_ase.py``
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from limbeck.config.config import Config  # noqa: E402
from limbeck.config.jobs import GenerateStructures  # noqa: E402
from limbeck.config.load import load  # noqa: E402
from limbeck.frames import Frames, concatenate  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.structures import generate  # noqa: E402


def structures(config: Config) -> Frames:
    """The demo's own structures: molecules, rocksalts of 8 atoms, clusters of 4 to 13."""
    parts = []
    for source in config.sources.values():
        whole = source.model_copy(update={"shards": 1})
        parts.append(generate(GenerateStructures(seed=1, shard=0, source=whole))[0])
    return concatenate(parts)


def own_calculator(potential: Any) -> Any:
    """The ASE calculator that comes with the model's own library."""
    if potential.about.model == "chgnet":
        from chgnet.model.dynamics import CHGNetCalculator

        return CHGNetCalculator(potential.module, use_device="cpu")
    if potential.about.model == "orb":
        from orb_models.forcefield.calculator import ORBCalculator

        return ORBCalculator(potential.module, device="cpu")
    from mace.calculators import MACECalculator

    return MACECalculator(models=[potential.module], device="cpu", default_dtype="float32")


def loop(potential: Any, frames: Frames) -> None:
    """Energy and forces one structure at a time, as an ASE user would."""
    calculator = own_calculator(potential)
    for atoms in frames.to_atoms():
        atoms.calc = calculator
        atoms.get_forces()


def ratios(slow: Callable[[], None], fast: Callable[[], None], rounds: int) -> list[float]:
    """Time of ``slow`` over time of ``fast``, once to warm up, then in turn."""
    found = []
    for turn in range(rounds + 1):
        seconds = []
        for call in (slow, fast):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        if turn:
            found.append(seconds[0] / seconds[1])
    return found


def show(name: str, found: list[float]) -> None:
    """One line of the table."""
    low, middle, high = min(found), statistics.median(found), max(found)
    print(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    import torch

    torch.set_num_threads(1)
    config = load(ROOT / "config" / "config.yaml")
    frames = structures(config)
    print("| what | times faster than ASE's loop | range |\n|---|---|---|")
    for name, section in config.potentials.items():
        potential = open_potential(section)
        # CHGNet's own calculator knows crystals alone
        part = frames.select(frames.periodic) if section.model == "chgnet" else frames
        calls = (
            lambda p=potential, f=part: loop(p, f),
            lambda p=potential, f=part: p.predict(f),
        )
        show(f"labels, {name}", ratios(*calls, rounds))


if __name__ == "__main__":
    main()
