"""Molecular crystals with known molecules, and what is no molecular crystal."""

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.io import read
from ase.spacegroup import crystal

DIRECTIONS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)


def urea() -> Atoms:
    """Two molecules, at 12 K (Swaminathan, Craven and McMullan 1984), in its tetragonal cell."""
    basis = [(0.1441, 0.6441, 0.962), (0.2425, 0.2575, 0.7173)]
    basis += [(0.0, 0.5, 0.326), (0.1459, 0.6459, 0.1766), (0.0, 0.5, 0.5953)]
    return crystal("HHCNO", basis, spacegroup=113, cellpar=[5.565, 5.565, 4.684, 90, 90, 90])


def benzene() -> Atoms:
    """Four molecules, at 138 K (Bacon, Curry and Wilson 1964)."""
    basis = [(-0.0569, 0.1387, -0.0054), (-0.1335, 0.0460, 0.1264), (-0.0774, -0.0925, 0.1295)]
    basis += [(-0.0976, 0.2447, -0.0177), (-0.2409, 0.0794, 0.2218), (-0.1371, -0.1631, 0.2312)]
    return crystal("CCCHHH", basis, spacegroup=61, cellpar=[7.39, 9.42, 6.81, 90, 90, 90])


def ice(oh: float = 0.96, oo: float = 2.75) -> Atoms:
    """Cubic ice, eight molecules: oxygen as carbon in diamond, protons in an order of our own.

    Every oxygen atom gives two of its four hydrogen bonds and takes two.
    """
    a = oo * 4 / np.sqrt(3)
    corners = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) * a / 2
    symbols, positions = [], []
    for start in corners:
        other = start + a / 4
        symbols += ["O", "H", "H"] * 2
        positions += [start, *(start + oh * DIRECTIONS[:2])]
        positions += [other, *(other - oh * DIRECTIONS[2:])]
    return Atoms(symbols, positions, cell=[a, a, a], pbc=True)


def skewed(atoms: Atoms, turn: tuple[tuple[int, ...], ...] = ((1, 0, 0), (3, 1, 0), (-2, 1, 1))):
    """The same crystal in a cell that leans over, its atoms put back into that."""
    other = atoms.copy()
    other.set_cell(np.array(turn) @ np.asarray(atoms.cell), scale_atoms=False)
    other.wrap()
    return other


def catenane() -> Atoms:
    """Two rings of 18 carbon atoms, one through the other."""
    angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    radius = 1.4 / (2 * np.sin(np.pi / 18))
    ring = radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    through = ring[:, [0, 2, 1]] + [radius, 0, 0]
    return Atoms("C36", np.concatenate([ring, through]))


def waters(count: int, spacing: float = 2.9) -> Atoms:
    """Water molecules in a row, isolated, all turned differently."""
    rng = np.random.default_rng(0)
    whole = Atoms()
    for i in range(count):
        one = molecule("H2O")
        one.rotate(rng.uniform(0, 180), rng.normal(size=3))
        one.translate([i * spacing, 0.2 * i, 0])
        whole += one
    return whole


def shared_crystal(shared, name: str) -> Atoms:
    return read(shared / "crystals" / f"{name}.xyz")
