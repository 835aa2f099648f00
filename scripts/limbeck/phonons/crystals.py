"""Convert crystals to phonopy and back, with their symmetry."""

import contextlib
import io
import warnings
from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.spacegroup.symmetrize import get_symmetrized_atoms
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms
from phonopy.structure.symmetry import Symmetry

from limbeck.errors import explained
from limbeck.frames import Frames, from_atoms

#: Angstrom. Cells are made to obey their group before phonopy sees them; this is its own default,
#: so that phonopy.load finds the same group.
PHONON_SYMPREC = 1e-5


def atoms_of(frames: Frames, b: int) -> Atoms:
    """One periodic frame as an ASE structure."""
    rows = frames.atoms_of(b)
    return Atoms(
        numbers=frames.numbers[rows],
        positions=frames.positions[rows],
        cell=frames.cell[b],
        pbc=True,
    )


def frames_of(cells: Sequence[PhonopyAtoms | Atoms]) -> Frames:
    """Periodic frames without ancestry, to ask a potential about."""
    structures = [
        Atoms(numbers=c.numbers, positions=c.positions, cell=np.asarray(c.cell), pbc=True)
        for c in cells
    ]
    return from_atoms(structures, groups=[""] * len(cells), source="")


def symmetrised(atoms: Atoms, tolerance: float) -> Atoms:
    """The crystal with the space group found within ``tolerance`` (Angstrom) imposed exactly.

    A relaxed cell is off its group by the noise of the forces; phonopy would then see no
    symmetry, and displace every atom. Lattice vectors keep their directions as far as the group
    lets them, but are right-handed, as phonopy wants them: a left-handed set comes back with its
    signs changed, which spans the same lattice with every atom where it was.

    Raises:
        LimbeckError: no group was found that fits.
    """
    # spglib raises its own, ASE asserts
    quiet = contextlib.redirect_stdout(io.StringIO())
    with explained(f"no space group within {tolerance:g} A"), quiet:
        # It finds the group within the tolerance, then refines the crystal until phonopy's own,
        # tighter tolerance finds the same group. It prints what it does.
        right = _right_handed(atoms)
        made, _ = get_symmetrized_atoms(right, symprec=tolerance, final_symprec=PHONON_SYMPREC)
    return made


def _right_handed(atoms: Atoms) -> Atoms:
    right = atoms.copy()
    if np.linalg.det(atoms.cell.array) < 0:
        right.set_cell(-atoms.cell.array, scale_atoms=False)
    return right


def point_group(atoms: Atoms) -> np.ndarray:
    """Rotations of the point group, acting on fractional coordinates as R x. int64 [G,3,3]."""
    return np.asarray(Symmetry(_phonopy_atoms(atoms), symprec=PHONON_SYMPREC).pointgroup_operations)


def phonopy_of(atoms: Atoms, matrix: np.ndarray) -> Phonopy:
    """A crystal and its supercell.

    Args:
        matrix: int [3,3], rows are the supercell's lattice vectors in those of ``atoms``. One
            that does not keep the point group is taken as it is; phonopy then has the supercell's
            symmetry.

    Raises:
        LimbeckError: phonopy does not take it.
    """
    with explained("phonopy refuses the crystal"), warnings.catch_warnings():
        # that phonons are of the primitive cell is meant
        warnings.filterwarnings("ignore", message="primitive_matrix defaulted")
        # transposed: phonopy's supercell vectors are the columns of its matrix
        return Phonopy(_phonopy_atoms(atoms), supercell_matrix=matrix.T, symprec=PHONON_SYMPREC)


def _phonopy_atoms(atoms: Atoms) -> PhonopyAtoms:
    return PhonopyAtoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell[:])
