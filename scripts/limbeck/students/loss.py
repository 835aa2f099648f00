"""The training loss of students."""

from dataclasses import dataclass

import torch

from limbeck.config.sections.students import StudentSettings
from limbeck.potentials.trainable import Outputs, Statistics
from limbeck.properties import property_of
from limbeck.students.batches import Targets

#: share of the absolute error in the loss, see :func:`cost`
ABSOLUTE = 0.3


@dataclass(frozen=True)
class Weights:
    """Weights of the terms of the loss, and the units in which errors are counted.

    Errors are in units of what there is to learn (spread of the residual energy, root mean square
    of the stress and, source by source, of the forces), so that one set of weights, one learning
    rate and one gradient clip do for all data sets, and stiff molecules do not drown soft crystals.

    Attributes:
        energy, forces, stress: the config's weights.
        energy_scale: eV/atom.
        stress_scale: eV/Angstrom^3.
    """

    energy: float
    forces: float
    stress: float
    energy_scale: float
    stress_scale: float

    @classmethod
    def of(cls, settings: StudentSettings, statistics: Statistics) -> "Weights":
        """The config's weights, and the scales of the training set."""
        return cls(
            energy=settings.energy_weight,
            forces=settings.forces_weight,
            stress=settings.stress_weight,
            energy_scale=statistics.energy_std,
            stress_scale=statistics.stress_rms,
        )


def loss_of(answers: Outputs, targets: Targets, weights: Weights) -> torch.Tensor:
    """Weighted sum of what the errors of one batch cost, a scalar: energy per atom, forces of
    each atom, stress of each periodic frame. It does not depend on how a frame is turned."""
    errors = {
        name: _error(name, answers, targets) for name in answers.values.keys() & targets.values
    }
    # Energies per atom: errors of totals grow with size, and large frames would decide.
    loss = weights.energy * cost(errors["energy"] / targets.n_atoms / weights.energy_scale)
    forces = errors["forces"] / targets.forces_scale
    loss = loss + weights.forces * cost(forces, targets.forces_weight)
    if "stress" in errors:
        loss = loss + weights.stress * cost(errors["stress"] / weights.stress_scale)
    return loss


def _error(name: str, answers: Outputs, targets: Targets) -> torch.Tensor:
    """Answer less target, a row for each atom or frame that has one."""
    answer, target = answers.values[name], targets.values[name]
    if name in targets.known:  # chosen before the loss: NaN times nothing is NaN in a gradient
        rows = targets.known[name]
        answer, target = answer[rows], target[rows]
    if property_of(name).rank == 2:
        answer = answer[:, [[0, 5, 4], [5, 1, 3], [4, 3, 2]]]  # Voigt -> [B,3,3]
    return answer - target


def cost(errors: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """Mean over rows of the mean square of their components and 0.3 times their length.

    [M], [M,3] or [M,3,3] -> [].

    ``weights`` [M,1] multiply what a row costs.

    With the length alone, the gradient says no more than where an atom is pushed, and a network
    that does not know rotations may never start: a small Orb on ten molecules, turned at random,
    had learned nothing after 6,400 frames, with squares it was at a correlation of 0.7. The
    length keeps small errors falling at the end, and outliers from leading.
    """
    rows = errors.reshape(len(errors), -1)
    # Components of one atom stay together in the length, so that the loss does not change under
    # rotation. A sum of |components| would.
    squares, lengths = rows**2, torch.linalg.vector_norm(rows, dim=-1)
    if weights is not None:
        squares, lengths = weights * squares, weights[:, 0] * lengths
    return squares.mean() + ABSOLUTE * lengths.mean()
