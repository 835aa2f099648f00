"""Planted copies among many crystals: how many are found, what else is linked, in which time.

    python benchmarks/duplicates.py [--crystals 30000]

A third of the crystals are copies of others (turned, shifted and renumbered; in another cell;
doubled; each atom moved by 0.01 A), a twelfth are strained by 2 %. All have a few elements and
formulas in common, so that many have to be compared.
"""

import argparse
import time

import numpy as np
from ase import Atoms
from ase.build import make_supercell
from ase.spacegroup import crystal
from scipy.spatial.transform import Rotation

from limbeck.config.sections.screen import Screen
from limbeck.frames import Frames, from_atoms
from limbeck.structures.duplicates.groups import Keys, file_of, find, joined, keys_of, read

LIMIT_A = 0.02
ELEMENTS = (3, 8, 9, 11, 12, 13, 14, 17, 26)
#: space group, Wyckoff positions as coordinates of up to three elements, axes over the first
PROTOTYPES: list[tuple[int, list[tuple[float, float, float]], tuple[float, float], float]] = [
    (225, [(0, 0, 0), (0.5, 0.5, 0.5)], (1, 1), 90),  # rock salt
    (216, [(0, 0, 0), (0.25, 0.25, 0.25)], (1, 1), 90),  # zincblende
    (221, [(0, 0, 0), (0.5, 0.5, 0.5)], (1, 1), 90),  # CsCl
    (221, [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)], (1, 1), 90),  # perovskite
    (225, [(0, 0, 0), (0.25, 0.25, 0.25)], (1, 1), 90),  # fluorite
    (136, [(0, 0, 0), (0.305, 0.305, 0)], (1, 0.64), 90),  # rutile
    (141, [(0, 0, 0), (0, 0, 0.208)], (1, 2.51), 90),  # anatase
    (186, [(1 / 3, 2 / 3, 0), (1 / 3, 2 / 3, 0.38)], (1, 1.63), 120),  # wurtzite
    (62, [(0.44, 0.25, 0.01), (0.04, 0.25, 0.25), (0.28, 0.03, 0.72)], (1.4, 0.98), 90),
    (167, [(0, 0, 0.35), (0.31, 0, 0.25)], (1, 2.7), 120),  # corundum
]


def made(rng: np.random.Generator) -> Atoms:
    """A crystal of one of the prototypes, with other elements, volume and inner coordinates."""
    group, sites, (b, c), gamma = PROTOTYPES[rng.integers(len(PROTOTYPES))]
    symbols = rng.choice(ELEMENTS, len(sites), replace=False)
    a = rng.uniform(4.0, 6.5)
    b = 1.0 if gamma == 120 or group != 62 else b
    cell = [a, a * b, a * c * rng.uniform(0.97, 1.03) if c != 1 else a, 90, 90, gamma]
    # setting 1 of the space groups of these prototypes
    atoms = crystal([int(z) for z in symbols], sites, spacegroup=group, cellpar=cell)
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)


def moved(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """Turned, shifted and renumbered."""
    turn = Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()
    other = Atoms(
        atoms.numbers,
        (atoms.positions + 5 * rng.random(3)) @ turn.T,
        cell=atoms.cell @ turn.T,
        pbc=True,
    )
    other.wrap()
    return other[rng.permutation(len(other))]


def in_another_cell(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    matrix = np.eye(3, dtype=int)
    i, j = rng.choice(3, 2, replace=False)
    matrix[i, j] = rng.choice([-1, 1])
    return moved(make_supercell(atoms, matrix), rng)


def doubled(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    return moved(atoms.repeat(rng.permutation([2, 1, 1])), rng)


def rattled(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    other, steps = atoms.copy(), rng.normal(size=(len(atoms), 3))
    other.positions += 0.01 * steps / np.linalg.norm(steps, axis=1)[:, None]
    return other


def strained(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    other = atoms.copy()
    other.set_cell(atoms.cell * (1 + 0.02 * rng.choice([-1, 1])), scale_atoms=True)
    return other


COPIES = {
    "turned, shifted, renumbered": moved,
    "another cell": in_another_cell,
    "doubled": doubled,
    "each atom moved by 0.01 A": rattled,
}


def main() -> None:
    """Make the crystals, find duplicates among them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crystals", type=int, default=30_000)
    count = parser.parse_args().crystals
    rng = np.random.default_rng(1)
    base = [made(rng) for _ in range(count // 12)]
    kinds = {name: [change(atoms, rng) for atoms in base] for name, change in COPIES.items()}
    kinds["strained by 2 %"] = [strained(atoms, rng) for atoms in base]
    fill = [made(rng) for _ in range(count - (1 + len(kinds)) * len(base))]
    structures = [*base, *fill, *(atoms for copies in kinds.values() for atoms in copies)]
    infos = [{"number": n} for n in range(len(structures))]
    frames = from_atoms(structures, groups=[""] * len(structures), source="s", infos=infos)
    print(f"{len(frames)} crystals, {frames.n_atoms.mean():.1f} atoms on average")

    start = time.process_time()
    from pathlib import Path

    file: tuple[Path, Frames] = (Path("structures/s/0.h5"), frames)
    keys = keys_of([file])
    made_keys = time.process_time()
    none = joined([keys.select(np.arange(0))])

    def structures_of(asked: Keys) -> dict:
        assert file_of(file[0]) == b"s/0"
        return read(asked, [file], Screen(min_distance_ratio=0.0, max_density_g_cm3=1e3))

    dropped = find(keys, none, structures_of, LIMIT_A)
    end = time.process_time()
    print(f"CPU seconds: {made_keys - start:.0f} for keys, {end - made_keys:.0f} to compare")
    print(f"keys: {keys.values.nbytes / 1e6:.1f} MB")

    same = {int(d.frame.split("/")[1]): int(d.kept_frame.split("/")[1]) for d in dropped}
    # two crystals of the base may be alike by chance: what counts is the one that stays
    stays = [same.get(n, n) for n in range(len(base))]
    first = len(base) + len(fill)
    for name, copies in kinds.items():
        linked = sum(same.get(first + n) == stays[n] for n in range(len(copies)))
        print(f"{name}: {linked} of {len(copies)} linked to what they were made of")
        first += len(copies)
    others = sum(n < len(base) + len(fill) for n in same)
    print(f"crystals made by themselves and linked to another: {others} of {len(base) + len(fill)}")


if __name__ == "__main__":
    main()
