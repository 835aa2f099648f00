"""Entropy and all other statistics that stream over a set: seconds and peak memory.

On made-up molecules of 100 to 150 atoms of nine elements, in shards of 1,000; these are made anew
and their making is not counted: ``PYTHONPATH=scripts python benchmarks/diversity.py 100000``
"""

import argparse
import resource
import time

import numpy as np
from ase import Atoms

from limbeck.diversity import composition
from limbeck.diversity.measure import Diversity
from limbeck.frames import from_atoms

ELEMENTS = np.array([1, 6, 7, 8, 9, 14, 15, 16, 17])
SHARD = 1000


def shard(number: int):
    """1,000 structures that no two shards share."""
    rng = np.random.default_rng(number)
    made = []
    for _ in range(SHARD):
        count = rng.integers(100, 151)
        grid = np.stack(np.unravel_index(np.arange(count), (6, 6, 6)), axis=1)
        positions = 2.0 * grid + rng.normal(0, 0.05, (count, 3))
        made.append(Atoms(rng.choice(ELEMENTS, count), positions))
    return from_atoms(made, groups=["g"] * SHARD, source="a")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("structures", type=int)
    structures = parser.parse_args().structures
    counts, entropy_s, all_s, found = np.zeros(composition.ELEMENTS, int), 0.0, 0.0, Diversity()
    for number in range(structures // SHARD):
        frames = shard(number)
        start = time.perf_counter()
        counts += composition.holders(frames)
        entropy_s += time.perf_counter() - start
        start = time.perf_counter()
        found.add(frames)
        all_s += time.perf_counter() - start
    start = time.perf_counter()
    found.result()
    all_s += time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{structures} structures: entropy {composition.entropy(counts):.4f} bits")
    print(f"entropy alone {entropy_s:.1f} s, all statistics {all_s:.1f} s, peak {peak:.2f} GiB")


if __name__ == "__main__":
    main()
