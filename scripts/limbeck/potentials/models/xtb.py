"""Extended tight binding, GFN1-xTB and GFN2-xTB, of tblite: a quantum method without weights.

Grimme, Bannwarth and Shushkov, J. Chem. Theory Comput. 13, 1989 (2017); Bannwarth, Ehlert and
Grimme, J. Chem. Theory Comput. 15, 1652 (2019). Crystals are treated at the Gamma point alone, so
that a small cell and its supercell differ: it is meant for molecules.
"""

import numpy as np
import torch
from ase.units import Bohr, Hartree
from tblite.exceptions import TBLiteRuntimeError, TBLiteValueError
from tblite.interface import Calculator, Result

from limbeck.config.sections.known import SYMBOLS, XTB
from limbeck.config.sections.potentials import Xtb
from limbeck.errors import LimbeckError, first_line
from limbeck.frames import Frames
from limbeck.geometry import centres_of_nuclear_charge, stress_to_voigt, turn
from limbeck.potentials.heartbeat import beat
from limbeck.potentials.interface import About, Potential, empty_predictions
from limbeck.potentials.weights import package
from limbeck.properties import EFS, Predictions

#: a hundredth of tblite's usual thresholds: costs next to nothing, and forces fit energies better
ACCURACY = 0.01
_CITATIONS = {
    "GFN1-xTB": "Grimme et al., J. Chem. Theory Comput. 13, 1989 (2017)",
    "GFN2-xTB": "Bannwarth et al., J. Chem. Theory Comput. 15, 1652 (2019)",
}


class XtbPotential(Potential[Frames]):
    """tblite, one frame after another, with the charge and the unpaired electrons of the frame.

    Properties: ``charges`` [N], e, and ``dipole`` [B,3], e Angstrom, of isolated frames
    (about the centre of nuclear charge; NaN where periodic).
    """

    def __init__(self, settings: Xtb, *, device: str) -> None:
        self.method = settings.method
        self.batch_atoms = settings.most_atoms
        self.device = torch.device("cpu")  # there is no other
        self.about = About(
            name=settings.name,
            model="xtb",
            elements=frozenset(SYMBOLS.index(symbol) + 1 for symbol in XTB),
            cutoff=np.inf,
            properties=(*EFS, "charges", "dipole"),
            conservative=True,
            equivariant=True,
            licence="LGPL-3.0-or-later (tblite)",
            citation=_CITATIONS[self.method],
            weights=f"{package('tblite')} {self.method} accuracy {ACCURACY:g}",
            dtype="float64",
            conditions=("charge", "spin"),
        )

    def batch_of(self, frames: Frames) -> Frames:
        return frames

    def rotate(self, batch: Frames, matrices: np.ndarray) -> Frames:
        return turn(batch, matrices)

    def evaluate(self, batch: Frames) -> Predictions:
        result = empty_predictions(batch)
        centres = centres_of_nuclear_charge(batch)
        charges = np.full(len(batch.numbers), np.nan)
        dipole = np.full((len(batch), 3), np.nan)
        for b in range(len(batch)):
            rows, found = batch.atoms_of(b), self._single_point(batch, b)
            beat()
            result.energy[b] = found.get("energy") * Hartree
            # tblite: atomic units, and the gradient, whose sign is opposite
            result.forces[rows] = -found.get("gradient") * Hartree / Bohr
            charges[rows] = found.get("charges")
            if batch.periodic[b]:
                volume = abs(np.linalg.det(batch.cell[b]))
                # tblite's virial is dE / d(strain), so that over the volume it has ASE's sign.
                result.stress[b] = stress_to_voigt(found.get("virial")) * Hartree / volume
            else:
                # tblite's is about the origin
                dipole[b] = found.get("dipole") * Bohr - batch.charge[b] * centres[b]
        return Predictions(values=result.values, charges=charges, dipole=dipole)

    def _single_point(self, frames: Frames, b: int) -> Result:
        rows = frames.atoms_of(b)
        periodic = bool(frames.periodic[b])
        try:
            calculator = Calculator(
                self.method,
                frames.numbers[rows],
                frames.positions[rows] / Bohr,
                charge=float(frames.charge[b]),
                # tblite's uhf is the number of unpaired electrons, as a frame's spin
                uhf=int(frames.spin[b]),
                lattice=frames.cell[b] / Bohr if periodic else None,
                periodic=np.ones(3, dtype=bool) if periodic else None,
            )
            calculator.set("verbosity", 0)
            calculator.set("accuracy", ACCURACY)
            return calculator.singlepoint()
        except (TBLiteRuntimeError, TBLiteValueError) as error:
            raise LimbeckError(
                f"{self.about.name}: frame {frames.id[b].decode()}: {self.method} gave no answer: "
                f"{first_line(error)}"
            ) from error
