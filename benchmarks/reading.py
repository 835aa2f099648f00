"""How fast frames and labels come back from a shard, and that memory does not grow with shards.

Shards of 20-atom frames, written and read through the public functions of ``limbeck.storage``, in a
temporary folder. Run it alone on the machine: ``OMP_NUM_THREADS=1 python benchmarks/reading.py``
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
from ase.build import bulk  # noqa: E402
from turns import seconds  # noqa: E402

from limbeck import storage  # noqa: E402
from limbeck.frames import Frames, derive, from_atoms  # noqa: E402

FRAMES = 20_000  # in a shard
ATOMS = 20


def shard(seed: int) -> Frames:
    """Displaced copies of one crystal of 20 atoms."""
    rng = np.random.default_rng(seed)
    root = from_atoms([bulk("Cu").repeat((5, 2, 2))], groups=["Cu"], source="copper")
    parents = root.select(np.zeros(FRAMES, dtype=int))
    moved = parents.positions + rng.normal(0, 0.05, parents.positions.shape)
    return derive(parents, moved, parents.cell, sampling="rattled", seed=seed)


def streamed(paths: list[str]) -> None:
    """Read every shard in turn and print the peak of this process's memory, in MiB."""
    atoms = sum(len(frames.numbers) for frames in storage.stream(paths))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} {atoms}")


def peak_of(paths: list[Path]) -> float:
    """Peak memory in MiB of a fresh process that reads these shards."""
    command = [sys.executable, __file__, "--stream", *map(str, paths)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(answer.split()[0])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stream", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.stream:
        return streamed(args.stream)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.h5" for i in range(8)]
        for i, path in enumerate(paths):
            storage.write_frames(path, shard(i), stage="benchmark")
        frames = storage.read_frames(paths[0])
        arrays = min(seconds(lambda: storage.read_frames(paths[0])) for _ in range(args.rounds))
        atoms = min(seconds(lambda: frames.to_atoms()) for _ in range(args.rounds)) + arrays
        print("| what | million frames a minute | asked for |\n|---|---|---|")
        print(f"| as arrays | {FRAMES / arrays * 60 / 1e6:.1f} | 10 |")
        print(f"| as ASE Atoms | {FRAMES / atoms * 60 / 1e6:.2f} | 1 |")
        print("\n| shards read in turn | peak memory, MiB |\n|---|---|")
        for count in (1, 2, 4, 8):
            print(f"| {count} | {peak_of(paths[:count]):.0f} |")
    return None


if __name__ == "__main__":
    main()
