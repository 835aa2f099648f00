"""Run a program that has no seed of its own with one, on as many threads as it is given.

``python seeded.py OPTIONS PROGRAM ARGUMENTS``, where OPTIONS is JSON: ``seed``, ``threads``,
``map_location`` (where a checkpoint is loaded that was made on a GPU), ``sizes`` (of MolDiff).
"""

from __future__ import annotations

import functools
import json
import os
import random
import runpy
import sys
from importlib.util import find_spec
from typing import Any


def seed_all(seed: int, threads: int) -> None:
    """Seed all that draws random numbers, of what is installed; as many threads as are given."""
    random.seed(seed)
    # Pools of processes are as large as this; a thread's share is set by the environment.
    os.cpu_count = lambda: threads  # type: ignore[assignment]
    if find_spec("numpy"):
        import numpy

        numpy.random.seed(seed)
    if find_spec("torch"):
        import torch

        torch.manual_seed(seed)
        torch.set_num_threads(threads)


def load_on(device: str) -> None:
    """Have torch load on this device, which a checkpoint of another one needs."""
    import torch

    torch.load = functools.partial(torch.load, map_location=device)


def limit_sizes(least: int, most: int) -> None:
    """Have MolDiff draw numbers of heavy atoms in these bounds, evenly: its command has no option
    for them, and draws 25 +- 6, as in GEOM-Drugs, from a normal distribution of numpy's."""
    import numpy

    normal = numpy.random.normal

    def drawn(loc: float = 0.0, scale: float = 1.0, size: Any = None) -> Any:
        if abs(loc - 24.92) < 0.01:  # that of the sizes, and no other
            return numpy.random.randint(least, most + 1, size).astype(float)
        return normal(loc, scale, size)

    numpy.random.normal = drawn  # type: ignore[assignment]


def main() -> None:
    """Prepare this process, and be the program."""
    options, program = json.loads(sys.argv[1]), sys.argv[2]
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(os.path.abspath(program))  # as Python does for a script
    seed_all(options["seed"], options["threads"])
    if options.get("map_location"):
        load_on(options["map_location"])
    if options.get("sizes"):
        limit_sizes(*options["sizes"])
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
