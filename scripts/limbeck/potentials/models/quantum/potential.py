"""pyscf as a potential: Hartree-Fock and density functional theory of molecules."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from pyscf import lib

from limbeck.config.sections.known import NO_RADIUS, SYMBOLS
from limbeck.config.sections.potentials import Pyscf
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import turn
from limbeck.potentials.heartbeat import beat
from limbeck.potentials.interface import About, Potential, empty_predictions
from limbeck.potentials.models.quantum.molecule import GRID_LEVEL, TOLERANCE, Solved
from limbeck.potentials.weights import package
from limbeck.properties import EFS, Predictions, nothing

_CITATION = "Sun et al., J. Chem. Phys. 153, 024109 (2020)"


class PyscfPotential(Potential[Frames]):
    """pyscf, one molecule after another, with the charge and the unpaired electrons of each.

    Properties on request (:meth:`ask_for`): ``dipole`` about the centre of nuclear charge,
    ``charges`` by Mulliken, ``mbis_charges``, and ``esp`` at the points around the frames.
    """

    def __init__(self, settings: Pyscf, *, device: str) -> None:
        self.settings = settings
        self.batch_atoms = settings.most_atoms
        self.device = torch.device("cpu")  # there is no other
        level = f"{settings.method}/{settings.basis}"
        fitting = f"density fitting from {settings.density_fitting_from_atoms} atoms"
        self.about = About(
            name=settings.name,
            model="pyscf",
            elements=frozenset(SYMBOLS.index(s) + 1 for s in settings.known_elements or ()),
            cutoff=np.inf,
            properties=EFS,
            conservative=True,
            equivariant=True,
            licence="Apache-2.0 (pyscf)",
            citation=_CITATION,
            weights=f"{package('pyscf')} {level} {fitting} grid {GRID_LEVEL} to {TOLERANCE:g}",
            dtype="float64",
            conditions=("charge", "spin"),
            on_request=True,
        )

    def ask_for(self, names: Sequence[str]) -> None:
        super().ask_for(names)
        known = self.about.elements
        if "esp" in names:  # there are no points around others
            known -= {SYMBOLS.index(symbol) + 1 for symbol in NO_RADIUS}
        self.about = replace(self.about, properties=(*EFS, *names), elements=known)

    def batch_of(self, frames: Frames) -> Frames:
        if frames.periodic.any():
            raise LimbeckError(f"{self.about.name}: pyscf is for molecules, the frame is periodic")
        return frames

    def rotate(self, batch: Frames, matrices: np.ndarray) -> Frames:
        return turn(batch, matrices)

    def evaluate(self, batch: Frames) -> Predictions:
        lib.num_threads(torch.get_num_threads())
        more = [name for name in self.about.properties if name not in EFS]
        result = empty_predictions(batch)
        result.values.update(nothing(more, batch.counts))
        for b in range(len(batch)):
            atoms, points = batch.atoms_of(b), batch.points_of(b)
            solved = self._solved(batch, b)
            beat()
            result.energy[b] = solved.energy
            result.forces[atoms] = solved.forces()
            beat()
            for name in more:
                if name == "dipole":
                    result.values[name][b] = solved.dipole()
                elif name == "charges":
                    result.values[name][atoms] = solved.mulliken()
                elif name == "mbis_charges":
                    result.values[name][atoms] = solved.mbis()
                elif name == "esp":
                    result.values[name][points] = solved.esp(batch.points[points])
        return result

    def _solved(self, frames: Frames, b: int) -> Solved:
        rows = frames.atoms_of(b)
        state = int(frames.charge[b]), int(frames.spin[b])
        return Solved(frames.numbers[rows], frames.positions[rows], *state, self.settings)
