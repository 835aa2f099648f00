"""The training loss of students."""

from dataclasses import dataclass, replace
from functools import partial

import torch

from limbeck.charges.loss import joint_loss
from limbeck.config.sections.students import Loss, Losses, StudentSettings
from limbeck.potentials.trainable import Outputs, Statistics
from limbeck.properties import PRODUCTS
from limbeck.students.batches import Targets

#: share of the steps, at the end, in which energies count more
LATE = 0.25
#: share of the absolute error in the loss, see :func:`cost`
ABSOLUTE = 0.3


@dataclass(frozen=True)
class Weights:
    """Weights of the terms of the loss, and the unit in which errors of the stress are counted.

    Errors are in units of what there is to learn (root mean square of the stress and, source by
    source, of the forces, and spread of the energy within a compound), so that one set of weights,
    one learning rate and one gradient clip do for all data sets, and stiff molecules do not drown
    soft crystals.

    Energies are learned late: while forces are still wrong, energies of compounds that are far from
    each other make gradients that are large and say little of either. So they count little at
    first, and more in the last :data:`LATE` of the steps, as in the two stages of MACE's training
    (Batatia et al., arXiv:2206.07697).

    Attributes:
        energy, forces, stress, hessian: the config's weights.
        late_energy: that of the energy in the end.
        stress_scale: eV/Angstrom^3.
        kind, huber_delta: the config's ``loss``, see :func:`cost`.
        hard: share of the loss of energies and forces that goes to a reference's labels.
        joint: weights of a student with charges, in place of energy and forces; else None.
    """

    energy: float
    forces: float
    stress: float
    late_energy: float
    stress_scale: float
    kind: Loss = "mixture"
    huber_delta: float = 1.0
    hessian: float = 0.0
    hard: float = 0.0
    joint: Losses | None = None

    @classmethod
    def of(cls, settings: StudentSettings, statistics: Statistics) -> "Weights":
        """The config's weights, and the scales of the training set."""
        return cls(
            energy=settings.energy_weight,
            forces=settings.forces_weight,
            stress=settings.stress_weight,
            late_energy=settings.energy_weight * settings.late_energy_factor,
            stress_scale=statistics.stress_rms,
            kind=settings.loss,
            huber_delta=settings.huber_delta,
            hessian=settings.hessian_weight,
            hard=settings.hard_share,
            joint=settings.losses if settings.has_charges else None,
        )

    def at(self, progress: float) -> "Weights":
        """The weights at a share of the steps: 0 at the first, 1 at the end."""
        return replace(self, energy=self.late_energy) if progress > 1 - LATE else self


def loss_of(answers: Outputs, targets: Targets, weights: Weights) -> torch.Tensor:
    """Weighted sum of what the errors of one batch cost, a scalar: energy per atom, forces of
    each atom, stress of each periodic frame, products of the Hessian of each atom along each line.
    Of a student with charges, that of :func:`~limbeck.charges.loss.joint_loss`, and of the stress.
    It does not depend on how a frame is turned."""
    of = partial(cost, kind=weights.kind, huber_delta=weights.huber_delta)
    share = weights.hard if targets.hard is not None else 0.0
    if weights.joint is not None:
        loss = joint_loss(answers, targets.values, targets.known, weights.joint)
    else:
        loss = (1 - share) * _energy_and_forces(answers, targets, targets.values, weights)
    if targets.hard is not None and share:
        loss = loss + share * _energy_and_forces(answers, targets, targets.hard, weights)
    if "stress" in answers.values and "stress" in targets.values:
        loss = loss + weights.stress * of(_stress_error(answers, targets) / weights.stress_scale)
    if targets.displaced is not None and len(targets.displaced.products):
        errors = answers.values[PRODUCTS] - targets.displaced.products
        loss = loss + weights.hessian * of(errors / targets.displaced.scale)
    return loss


def _energy_and_forces(
    answers: Outputs, targets: Targets, labels: dict[str, torch.Tensor], weights: Weights
) -> torch.Tensor:
    """Their part of the loss, by one of two labels of each frame."""
    of = partial(cost, kind=weights.kind, huber_delta=weights.huber_delta)
    # Energies per atom: errors of totals grow with size, and large frames would decide.
    energy = (answers.energy - labels["energy"]) / targets.n_atoms / targets.energy_scale
    forces = (answers.forces - labels["forces"]) / targets.forces_scale
    return weights.energy * of(energy) + weights.forces * of(forces, targets.forces_weight)


def _stress_error(answers: Outputs, targets: Targets) -> torch.Tensor:
    """Answer less target, a matrix for each frame that has a target."""
    answer, target = answers.values["stress"], targets.values["stress"]
    if "stress" in targets.known:  # chosen before the loss: NaN times nothing is NaN in a gradient
        rows = targets.known["stress"]
        answer, target = answer[rows], target[rows]
    return answer[:, [[0, 5, 4], [5, 1, 3], [4, 3, 2]]] - target  # Voigt -> [B,3,3]


def cost(
    errors: torch.Tensor,
    weights: torch.Tensor | None = None,
    *,
    kind: Loss = "mixture",
    huber_delta: float = 1.0,
) -> torch.Tensor:
    """Mean over rows of what the error of each costs. [M], [M,3] or [M,3,3] -> [].

    With d components of a row and their length r = (sum of squares)^(1/2):

    - mse: r^2 / d;
    - l1: r;
    - huber: r^2 / 2 where r < delta, delta (r - delta / 2) elsewhere (Huber, Ann. Math. Statist.
      35, 73 (1964));
    - mixture: r^2 / d + 0.3 r.

    ``weights`` [M,1] multiply what a row costs.

    With the length alone, the gradient says no more than where an atom is pushed, and a network
    that does not know rotations may never start: a small Orb on ten molecules, turned at random,
    had learned nothing after 6,400 frames, with squares it was at a correlation of 0.7. In the
    mixture the length keeps small errors falling at the end, and outliers from leading.
    """
    rows = errors.reshape(len(errors), -1)
    # Components of one atom stay together in the length, so that the loss does not change under
    # rotation. A sum of |components| would.
    squares, lengths = rows**2, torch.linalg.vector_norm(rows, dim=-1)
    if kind == "huber":
        each = torch.where(
            lengths < huber_delta,
            squares.sum(dim=1) / 2,
            huber_delta * (lengths - huber_delta / 2),
        )
        return each.mean() if weights is None else (weights[:, 0] * each).mean()
    if weights is not None:
        squares, lengths = weights * squares, weights[:, 0] * lengths
    share = {"mse": 0.0, "mixture": ABSOLUTE}
    return lengths.mean() if kind == "l1" else squares.mean() + share[kind] * lengths.mean()
