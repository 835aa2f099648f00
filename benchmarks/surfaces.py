"""How many clusters, surfaces and disordered boxes are made in a second, on one core.

Each source once to warm up, since symmetries and slabs are kept, and then a larger number of its
structures: ``OMP_NUM_THREADS=1 python benchmarks/surfaces.py``
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from limbeck.config.jobs import GenerateStructures  # noqa: E402
from limbeck.config.sections.messages import validated  # noqa: E402
from limbeck.structures import generate  # noqa: E402

ON_COPPER = {"kind": "surfaces", "compounds": ["Cu"], "layers": 4, "supercell": [2, 2]}
WATER = {"kind": "disordered", "molecules": ["O"], "density_g_cm3": [0.997, 0.997]}
#: what -> fields of the source, and how many structures
SOURCES = {
    "icosahedra of Cu and Ag, core in shell, 13 to 147 atoms": (
        {
            "kind": "clusters",
            "elements": ["Cu", "Ag"],
            "shells": [1, 3],
            "shapes": ["icosahedron"],
            "alloys": ["core_shell"],
            "strain": 0.02,
        },
        200,
    ),
    "random heaps of Cu, 13 to 32 atoms": (
        {"kind": "clusters", "elements": ["Cu"], "sizes": [13, 55], "shapes": ["random"]},
        20,
    ),
    "slabs of the rock salts, each face cut once": (
        {"kind": "surfaces", "prototypes": ["rocksalt"], "layers": 4},
        10,
    ),
    "CO on 2 x 2 slabs of Cu, strained": (
        ON_COPPER | {"adsorbates": ["[C-]#[O+]"], "strain": 0.02},
        60,
    ),
    "boxes of 64 water molecules": (WATER, 20),
    "boxes of 32 benzene molecules": (
        WATER | {"molecules": ["c1ccccc1"], "sizes": [32, 32], "density_g_cm3": [0.876, 0.876]},
        10,
    ),
    "melts of 100 atoms, Cu and Zr": (
        {
            "kind": "disordered",
            "elements": ["Cu", "Zr"],
            "proportions": [64.0, 36.0],
            "sizes": [100, 100],
            "density_g_cm3": [7.0, 7.0],
        },
        20,
    ),
}


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    generate(job({"kind": "clusters", "elements": ["Cu"], "sizes": [4, 4]}, 1))  # imports
    generate(job({"kind": "surfaces", "compounds": ["NaCl"]}, 1))  # the space group, and imports
    print("| what | made | refused | structures/s |\n|---|---|---|---|")
    for what, (source, count) in SOURCES.items():
        start = time.perf_counter()
        frames, rejected = generate(job(source, count))
        rate = len(frames) / (time.perf_counter() - start)
        print(f"| {what} | {len(frames)} | {len(rejected)} | {rate:.1f} |", flush=True)


def job(source: dict[str, object], count: int) -> GenerateStructures:
    """Of one shard with so many structures."""
    section = {"name": "rates", "count": count, **source}
    return validated(GenerateStructures, {"seed": 1, "shard": 0, "source": section}, "settings")


if __name__ == "__main__":
    main()
