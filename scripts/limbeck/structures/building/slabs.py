"""Slabs of a crystal, cut with pymatgen's SlabGenerator: a face, its terminations, its thickness.

A slab here is an ASE structure with its first lattice vector along x, the second in the xy plane,
and none across: it is put into vacuum at the very end.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from pymatgen.core import Composition
from pymatgen.core import Structure as Crystal
from pymatgen.core.surface import (
    Slab,
    SlabGenerator,
    get_symmetrically_distinct_miller_indices,
)

#: Angstrom between the heights of two planes of atoms; buckled rows of one plane are nearer
PLANE_A = 0.3
#: Angstrom of vacuum while a slab is cut, so that its lowest atoms are not taken for its highest
CUTTING_VACUUM_A = 10.0
#: e Angstrom for each atom of a slab: a dipole beyond rounding
DIPOLE = 0.05

Miller = tuple[int, int, int]


@dataclass(frozen=True)
class Cut:
    """One slab in the smallest cell of its face.

    Attributes:
        atoms: periodic along x and y; the lowest atom at z = 0, Angstrom.
        termination: number of the termination, from 0.
        polar: whether there is a dipole across it; None where oxidation states are unknown.
        alike: whether its two faces are.
    """

    atoms: Atoms
    termination: int
    polar: bool | None
    alike: bool

    @property
    def faces(self) -> list[Atoms]:
        """It, and upside down where that is another."""
        return [self.atoms] if self.alike else [self.atoms, upside_down(self.atoms)]


def miller_indices(crystal: Crystal, largest: int) -> list[Miller]:
    """Faces that no symmetry of the crystal makes the same, the simplest first."""
    found = get_symmetrically_distinct_miller_indices(crystal, largest)
    faces: list[Miller] = [(int(face[0]), int(face[1]), int(face[2])) for face in found]
    return sorted(faces, key=lambda face: (sum(map(abs, face)), [-i for i in face]))


def cuts(
    crystal: Crystal,
    face: Miller,
    *,
    layers: int | None,
    thickness: float,
    symmetric: bool,
) -> list[Cut]:
    """All terminations of a face.

    Args:
        layers: least number of planes; ``thickness`` counts where it is None.
        thickness: least distance of the highest from the lowest atom, Angstrom.
    """
    generator = SlabGenerator(crystal, face, 1.0, CUTTING_VACUUM_A, center_slab=True)
    repeat = float(generator._proj_height)  # of the crystal along the normal, Angstrom
    if layers is not None:
        heights = generator.oriented_unit_cell.frac_coords[:, 2] * repeat
        planes = _planes_of_period(heights, repeat)
        generator.min_slab_size = repeat * (-(-layers // planes) - 0.01)
    else:
        # the vacuum of a repeat's last gap counts as well: one more than enough, and trimmed
        generator.min_slab_size = thickness + repeat
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # slabs that cannot be made symmetric are left out
        slabs = generator.get_slabs(symmetrize=symmetric)
    charges = _charges(crystal.composition)
    found = []
    for n, slab in enumerate(slabs):
        alike = symmetric or bool(slab.is_symmetric())
        atoms = _upright(slab)
        if not symmetric:
            atoms = _trimmed(atoms, layers, thickness, crystal.composition)
        found.append(Cut(atoms, n, _is_polar(atoms, charges), alike))
    return found


def _planes_of_period(heights: np.ndarray, repeat: float) -> int:
    """Number of planes in a period, where the highest may be the lowest of the next."""
    values = np.sort(heights % repeat)
    gaps = np.diff(np.append(values, values[0] + repeat))
    return max(1, int((gaps > PLANE_A).sum()))


def planes(heights: np.ndarray) -> np.ndarray:
    """Number of the plane of each atom, the lowest is 0. int [n]"""
    order = np.argsort(heights, kind="stable")
    number = np.empty(len(heights), dtype=np.int64)
    number[order] = np.cumsum(np.append(0, np.diff(heights[order]) > PLANE_A))
    return number


def _upright(slab: Slab) -> Atoms:
    """With the surface up, turned so that z is normal to it."""
    a, b = slab.lattice.matrix[:2]
    x = a / np.linalg.norm(a)
    z = np.cross(a, b)
    z /= np.linalg.norm(z)
    axes = np.array([x, np.cross(z, x), z])
    cell = np.zeros((3, 3))
    cell[:2] = np.array([a, b]) @ axes.T
    positions = np.array(slab.cart_coords) @ axes.T
    positions[:, 2] -= positions[:, 2].min()
    # a third vector that leans over has taken the upper layers far aside
    inside = cell + np.diag([0.0, 0.0, 1.0])
    fractional = positions @ np.linalg.inv(inside)
    fractional[:, :2] = (fractional[:, :2] + 1e-6) % 1 - 1e-6
    positions = fractional @ inside
    numbers = [site.specie.Z for site in slab]
    return _sorted(Atoms(numbers, positions, cell=cell, pbc=[True, True, False]))


def _sorted(atoms: Atoms) -> Atoms:
    """From the lowest atom to the highest, so that equal slabs have equal rows."""
    return atoms[np.lexsort((*atoms.positions.round(3).T[:2], atoms.positions[:, 2].round(3)))]


def _trimmed(atoms: Atoms, layers: int | None, thickness: float, whole: Composition) -> Atoms:
    """Without the highest planes that are not asked for, where the compound stays the same."""
    heights = atoms.positions[:, 2]
    number = planes(heights)
    formula = whole.reduced_formula
    for last in range(number.max() + 1):
        kept = number <= last
        thick_enough = (
            last + 1 >= layers if layers is not None else np.ptp(heights[kept]) >= thickness - 1e-3
        )
        if thick_enough and _formula(atoms[kept]) == formula:
            return atoms[kept]
    return atoms


def _formula(atoms: Atoms) -> str:
    return Composition(str(atoms.symbols)).reduced_formula


def _charges(composition: Composition) -> dict[str, float] | None:
    """Usual oxidation states of elements; None where there are none."""
    guesses = composition.reduced_composition.oxi_state_guesses()
    found = dict(guesses[0]) if guesses else {}
    return found if any(found.values()) else None


def _is_polar(atoms: Atoms, charges: dict[str, float] | None) -> bool | None:
    if charges is None:
        return None
    own = np.array([charges[symbol] for symbol in atoms.get_chemical_symbols()])
    dipole = (own - own.mean()) @ (atoms.positions[:, 2] - atoms.positions[:, 2].mean())
    return bool(abs(dipole) > DIPOLE * len(atoms))


def upside_down(atoms: Atoms) -> Atoms:
    """Turned by half a turn about x, with a cell that keeps its vectors in place."""
    made = atoms.copy()
    made.positions *= [1, -1, -1]
    cell = made.cell.array.copy()
    cell[1, 0] *= -1  # -b in place of b
    made.set_cell(cell, scale_atoms=False)
    made.positions[:, 2] -= made.positions[:, 2].min()
    return _sorted(made)


def in_vacuum_of(atoms: Atoms, vacuum: float) -> tuple[Atoms, dict[str, object]]:
    """In a cell that is periodic in three directions, in the middle of its vacuum.

    Args:
        vacuum: Angstrom, between the highest atom and the image of the lowest.

    Returns:
        The structure, and what :func:`limbeck.geometry.in_vacuum` says of slabs in their info.
    """
    made = atoms.copy()
    made.positions[:, 2] += vacuum / 2 - made.positions[:, 2].min()
    cell = made.cell.array.copy()
    cell[2] = [0.0, 0.0, np.ptp(made.positions[:, 2]) + vacuum]
    made.set_cell(cell, scale_atoms=False)
    made.pbc = True
    given = {"pbc": [True, True, False], "cell": cell.tolist()}
    return made, {"vacuum_axis": 2, "as_given": given}
