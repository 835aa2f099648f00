"""Atoms in space, and the forces on them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.neighborlist import natural_cutoffs, neighbor_list

from limbeck.report.page.figure import BLUE, ORANGE

LONGEST_BOND = 4.0  # Angstrom


def draw_atoms(axes: Any, atoms: Atoms, *, alpha: float = 1.0) -> None:
    """Atoms and their bonds.

    Args:
        axes: of a 3D projection. alpha: of the atoms.
    """
    positions, numbers = atoms.positions, atoms.numbers
    first, second = neighbor_list("ij", atoms, natural_cutoffs(atoms, mult=1.2))
    for i, j in zip(first, second, strict=True):
        ends = positions[[i, j]]
        # not those through the faces of the cell
        if i < j and np.ptp(ends, axis=0).max() < LONGEST_BOND:
            axes.plot(*ends.T, color="#b0b4b8", lw=3, zorder=0)
    sizes = 160 * covalent_radii[numbers]
    look: Any = {"c": jmol_colors[numbers], "edgecolors": "#555555", "depthshade": False}
    axes.scatter(*positions.T, s=sizes, alpha=alpha, **look)


def draw_forces(axes: Any, atoms: Atoms, forces: Mapping[str, np.ndarray]) -> float:
    """Atoms, their bonds, and two sets of forces as arrows, the longest as long as a bond.

    Args:
        axes: of a 3D projection.
        forces: two by name, float64 [n,3], eV/Angstrom; the second is drawn above the first.

    Returns:
        The longest force, eV/Angstrom.
    """
    draw_atoms(axes, atoms)
    positions = atoms.positions
    longest = max(float(np.linalg.norm(f, axis=1).max()) for f in forces.values())
    scale = 1.5 / longest if longest > 0 else 0.0
    for (name, values), colour, width in zip(forces.items(), (BLUE, ORANGE), (3, 1.2), strict=True):
        axes.quiver(*positions.T, *(scale * values.T), color=colour, lw=width, label=name)
    # the limits know nothing of the ends of arrows
    ends = np.concatenate([positions, *(positions + scale * values for values in forces.values())])
    axes.auto_scale_xyz(*ends.T)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return longest
