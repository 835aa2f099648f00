"""How far off forces are of molecules far from the origin, with Limbeck's care and without.

``OMP_NUM_THREADS=1 python benchmarks/far_from_the_origin.py`` takes a minute or two: MACE's search
for neighbours is slow so far away.
"""

from pathlib import Path
from typing import Any

import numpy as np
from ase.build import molecule

from limbeck.frames import Frames, from_atoms
from limbeck.potentials import open_potential

RESOURCES = Path(__file__).parents[1] / "resources" / "models"
MODELS: list[dict[str, Any]] = [
    {"name": "chgnet", "model": "chgnet"},
    {"name": "mace-demo", "model": "mace", "path": f"{RESOURCES}/mace-demo.model", "trust": True},
    {"name": "orb-demo", "model": "orb", "path": f"{RESOURCES}/orb-demo"},
]
DIRECTION = np.array([1.0, 0.7, -0.3])


def ethanols(distance: float) -> Frames:
    """Six displaced molecules of ethanol, shifted by ``distance`` (Angstrom) along each axis."""
    structures = []
    for seed in range(6):
        atoms = molecule("CH3CH2OH")
        atoms.rattle(0.05, seed=seed)
        atoms.positions += distance * DIRECTION
        structures.append(atoms)
    return from_atoms(structures, groups=["ethanol"] * 6, source="s")


def main() -> None:
    """Print a line for each potential and distance."""
    print("largest difference of a force component from that at the origin, meV/A")
    print("potential   distance, A   as Limbeck asks   as it is")
    for own in MODELS:
        potential = open_potential(own)
        near = potential.predict(ethanols(0)).forces
        for distance in (1, 40, 1000):
            frames = ethanols(distance)
            asked = potential.predict(frames).forces
            bare = potential.evaluate(potential.batch_of(frames)).forces
            off = [1e3 * np.abs(forces - near).max() for forces in (asked, bare)]
            print(f"{own['name']:10} {distance:12} {off[0]:17.3f} {off[1]:10.3f}", flush=True)


if __name__ == "__main__":
    main()
