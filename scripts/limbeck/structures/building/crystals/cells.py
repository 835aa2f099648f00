"""Cells of a crystal with so many atoms."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import spglib
from ase import Atoms

from limbeck import reasons
from limbeck.geometry import cell_height
from limbeck.reasons import Refused

#: Angstrom; atoms of files are on their sites to three or four digits
SYMMETRY_A = 1e-3


def cell_of_size(crystal: Atoms, n_atoms: Sequence[int]) -> Atoms:
    """The cell repeated until it has enough atoms, as compact as can be.

    The primitive cell is, where the given one fits no number of times.

    Args:
        n_atoms: the smallest and the largest number of atoms.

    Raises:
        Refused: neither fits.
    """
    least, most = n_atoms
    repeats = _repeats(crystal, least, most)
    if repeats is None:
        crystal = primitive_cell(crystal)
        repeats = _repeats(crystal, least, most)
    if repeats is None:
        raise Refused(reasons.NO_CELL_OF_SIZE, f"{len(crystal)} in a cell", f"{least} to {most}")
    return crystal.repeat(repeats)


def primitive_cell(crystal: Atoms) -> Atoms:
    """A primitive cell with the crystal's own lattice, or the given one where spglib finds none."""
    cell = (crystal.cell.array, crystal.get_scaled_positions(), crystal.numbers)
    found = spglib.standardize_cell(cell, to_primitive=True, no_idealize=True, symprec=SYMMETRY_A)
    if found is None or len(found[2]) >= len(crystal):
        return crystal
    lattice, scaled, numbers = found
    return Atoms(numbers, scaled_positions=scaled, cell=lattice, pbc=True)


def _repeats(crystal: Atoms, least: int, most: int) -> tuple[int, int, int] | None:
    """How often along each vector: the fewest cells, and of these the roundest."""
    cells = -(-least // len(crystal))  # rounded up
    if cells * len(crystal) > most:
        return None
    vectors = crystal.cell.array
    return max(_factors(cells), key=lambda way: cell_height(vectors * np.array(way)[:, None]))


def _factors(number: int) -> list[tuple[int, int, int]]:
    """Every three whole numbers that are this one, multiplied."""
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    pairs = product(divisors, repeat=2)
    return [(a, b, number // (a * b)) for a, b in pairs if number % (a * b) == 0]
