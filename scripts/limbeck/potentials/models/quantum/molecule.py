"""One molecule with pyscf: its self-consistent field, and what is read off it, in Limbeck's units.

Sun et al., J. Chem. Phys. 153, 024109 (2020).
"""

from typing import Any

import numpy as np
from ase.units import Bohr, Hartree
from pyscf import dft, gto, scf

from limbeck.config.sections.potentials import Pyscf
from limbeck.errors import NotConverged
from limbeck.potentials.models.quantum import stockholders

#: pyscf's names of functionals; Hartree-Fock has none
FUNCTIONALS = {"HF": None, "PBE": "pbe", "PBE0": "pbe0"}
#: Hartree; what the energy changes by in the last cycle
TOLERANCE = 1e-9
#: of pyscf, for integrals of functionals and of stockholders
GRID_LEVEL = 3
#: bytes that integrals of a block of points may take
BLOCK_BYTES = 1e8
#: points of a grid whose density is made at once
DENSITY_POINTS = 4000


class Solved:
    """A molecule whose self-consistent field has converged.

    Restricted where no electron is unpaired, else unrestricted. Molecules of enough atoms have
    their Coulomb integrals fitted (density fitting).
    """

    def __init__(
        self, numbers: np.ndarray, positions: np.ndarray, charge: int, spin: int, settings: Pyscf
    ) -> None:
        """Solve it.

        Args:
            numbers, positions: int [n], float64 [n,3] in Angstrom.
            charge: e; spin: number of unpaired electrons.

        Raises:
            NotConverged: neither DIIS nor Newton's method converged.
        """
        self.numbers, self.positions = numbers, positions
        self.molecule = gto.M(
            atom=[(int(z), x / Bohr) for z, x in zip(numbers, positions, strict=True)],
            unit="Bohr",
            basis=settings.basis,
            charge=charge,
            spin=spin,
            verbose=0,
            # a file of pyscf's own in the user's home could change anything
            parse_arg=False,
        )
        field = self._field(settings)
        field.kernel()
        if not field.converged:
            # slower and surer: of second order, from where DIIS came to
            field = field.newton()
            field.kernel(field.mo_coeff, field.mo_occ)
        if not field.converged:
            raise NotConverged(
                f"{settings.method}/{settings.basis}: the self-consistent field has not converged "
                f"in {settings.max_cycles} cycles, nor by Newton's method"
            )
        self._found = field.undo_soscf() if hasattr(field, "undo_soscf") else field
        found = field.make_rdm1()
        self.density_matrix = found if found.ndim == 2 else found.sum(axis=0)

    def _field(self, settings: Pyscf) -> Any:
        functional = FUNCTIONALS[settings.method]
        if functional is None:
            field = scf.UHF(self.molecule) if self.molecule.spin else scf.RHF(self.molecule)
        else:
            kind = dft.UKS if self.molecule.spin else dft.RKS
            field = kind(self.molecule, xc=functional)
            field.grids.level = GRID_LEVEL
        if len(self.numbers) >= settings.density_fitting_from_atoms:
            field = field.density_fit()
        field.conv_tol, field.max_cycle = TOLERANCE, settings.max_cycles
        field.chkfile = None
        return field

    @property
    def energy(self) -> float:
        """eV."""
        return float(self._found.e_tot) * Hartree

    def forces(self) -> np.ndarray:
        """float64 [n,3], eV/Angstrom."""
        gradient = self._found.nuc_grad_method()
        # Atoms carry their points with them: without it forces are off by 1e-3 eV/Angstrom, and
        # do not add up to zero.
        gradient.grid_response = True
        return -gradient.kernel() * Hartree / Bohr

    def dipole(self) -> np.ndarray:
        """About the centre of nuclear charge, float64 [3], e Angstrom."""
        charges = self.molecule.atom_charges()
        centre = charges @ self.molecule.atom_coords() / charges.sum()
        with self.molecule.with_common_orig(centre):
            integrals = self.molecule.intor_symmetric("int1e_r", comp=3)
        # that of the nuclei is zero about their centre
        return -np.einsum("xij,ji->x", integrals, self.density_matrix) * Bohr

    def mulliken(self) -> np.ndarray:
        """Charges by Mulliken's partition of the basis, float64 [n], e."""
        populations = np.einsum("ij,ji->i", self.density_matrix, self.molecule.intor("int1e_ovlp"))
        owner = np.repeat(
            np.arange(len(self.numbers)), np.diff(self.molecule.aoslice_by_atom()[:, 2:])[:, 0]
        )
        return self.numbers - np.bincount(owner, populations, minlength=len(self.numbers))

    def mbis(self) -> np.ndarray:
        """Charges of minimal-basis iterative stockholders on a Becke grid, float64 [n], e.

        Raises:
            NotConverged: the stockholders do not come to agree.
        """
        grid = dft.gen_grid.Grids(self.molecule)
        grid.level = GRID_LEVEL
        grid.build()
        density = np.concatenate(
            [self._density(part) for part in np.array_split(grid.coords, self._parts(grid))]
        )
        positions = self.molecule.atom_coords()
        return stockholders.charges(self.numbers, positions, grid.coords, grid.weights, density)

    @staticmethod
    def _parts(grid: Any) -> int:
        return -(-len(grid.coords) // DENSITY_POINTS)

    def _density(self, points: np.ndarray) -> np.ndarray:
        orbitals = dft.numint.eval_ao(self.molecule, points)
        return dft.numint.eval_rho(self.molecule, orbitals, self.density_matrix)

    def esp(self, points: np.ndarray) -> np.ndarray:
        """Electrostatic potential of nuclei and electrons, float64 [G], V.

        Args:
            points: float64 [G,3], Angstrom, none at a nucleus.
        """
        at = points / Bohr
        block = max(16, int(BLOCK_BYTES / (8 * self.molecule.nao**2)))
        found = np.zeros(len(at))
        for first in range(0, len(at), block):
            part = at[first : first + block]
            integrals = self.molecule.intor("int1e_grids", grids=part)
            electrons = np.einsum("gij,ij->g", integrals, self.density_matrix)
            away = np.linalg.norm(part[:, None] - self.molecule.atom_coords(), axis=2)
            found[first : first + block] = (self.numbers / away).sum(axis=1) - electrons
        # e / (4 pi eps0) in V Bohr is a Hartree over e
        return found * Hartree
