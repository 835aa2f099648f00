"""How fast a generative model's file is read: as one shard, and as one of four.

Each shard looks at all frames, so that a copy is one whatever the shards; milliseconds of processor
time for each frame of the file. ``OMP_NUM_THREADS=1 python benchmarks/generated.py``
"""

import argparse
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from limbeck.config.jobs import GenerateStructures  # noqa: E402
from limbeck.config.sections.sources import Generated  # noqa: E402
from limbeck.structures import generate  # noqa: E402

ATOMS = 20


def crystals(n: int) -> list[Atoms]:
    """Of four elements, on a lattice that is shaken."""
    rng = np.random.default_rng(1)
    places = 2.6 * np.array(list(product(range(3), repeat=3))[:ATOMS])
    return [
        Atoms(
            numbers=rng.choice([8, 9, 13, 29], ATOMS),
            positions=places + rng.uniform(-0.2, 0.2, (ATOMS, 3)),
            cell=[7.8] * 3,
            pbc=True,
        )
        for _ in range(n)
    ]


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=2000)
    n = parser.parse_args().frames
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made.extxyz")
        write(path, crystals(n))
        for round_, shards in enumerate((4, 1, 4)):  # the first loads libraries
            source = Generated(name="s", kind="generated", path=str(path), count=n, shards=shards)
            start = time.process_time()
            frames, _ = generate(GenerateStructures(seed=1, shard=0, source=source))
            each = 1e3 * (time.process_time() - start) / n
            if round_:
                print(f"one of {shards}: {len(frames)} frames, {each:.2f} ms for each of the file")


if __name__ == "__main__":
    main()
