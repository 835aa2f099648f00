"""The joint loss of students with charges, and their errors on the way."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from ase.units import Debye, Hartree

from limbeck.charges.sites import KCAL
from limbeck.config.sections.students import Losses
from limbeck.errors import LimbeckError
from limbeck.potentials.trainable import Outputs
from limbeck.properties import Values

Tensors = Mapping[str, torch.Tensor]
#: what of the labels each term is of; of several the first that they have
OF_LABELS = {"dipole": ("dipole",), "esp": ("esp",), "monopole": ("mbis_charges", "charges")}
#: columns of the history of a training, beside those of all students
COLUMNS = ("valid_esp_rmse_kcal_per_mol_per_e", "valid_dipole_mae_D", "valid_charges_mae_e")


def label_of(term: str, labels: Mapping[str, object]) -> str | None:
    """The property of the labels that a term of the loss is of; None where they have none."""
    return next((name for name in OF_LABELS[term] if name in labels), None)


def require(name: str, part: str, losses: Losses, labels: Values) -> None:
    """Refuse labels that lack what the loss is to be of.

    Args:
        name: of the student. part: of the data set.

    Raises:
        LimbeckError: naming the field, and what the labels have.
    """
    for term, names in OF_LABELS.items():
        weight, has = getattr(losses, term), label_of(term, labels)
        if weight and (has is None or not _some(labels, has)):
            there = ", ".join(sorted(labels))
            raise LimbeckError(
                f"{name}: losses.{term}: {weight:g}, expected 0: the labels of the {part} set have "
                f"no {' or '.join(names)}, but {there}"
            )


def _some(labels: Values, name: str) -> bool:
    """Whether a property has any number."""
    values = labels[name]
    return bool(values.size) and bool((values == values).any())


def joint_loss(answers: Outputs, labels: Tensors, known: Tensors, losses: Losses) -> torch.Tensor:
    """Weighted sum of mean square errors, a scalar; terms that no row of a batch has a label for
    are not there.

    Args:
        labels: by property; energy [B] eV, forces [N,3] eV/Angstrom, dipole [B,3] e Angstrom, esp
            [G] V, and charges [N] e, where some frames have them.
        known: int64, the rows that have a label, of properties that not all rows have.
    """
    energy = answers.energy - labels["energy"]
    forces = answers.forces - labels["forces"]
    loss = losses.energy * (energy**2).mean() + losses.forces * (forces**2).mean()
    for term, factor in (("dipole", 1.0), ("esp", 1 / Hartree), ("monopole", 1.0)):
        wrong = errors_of(term, answers, labels, known)
        if wrong is not None and getattr(losses, term):
            loss = loss + getattr(losses, term) * ((factor * wrong) ** 2).mean()
    if answers.sites is not None:
        loss = loss + losses.total_charge * (answers.sites.excess**2).mean()
    return loss


def errors_of(term: str, answers: Outputs, labels: Tensors, known: Tensors) -> torch.Tensor | None:
    """Answer less label of the rows that have one, in the unit of the labels; None of none."""
    name = label_of(term, labels)
    own = answers.values.get("charges" if term == "monopole" else term)
    if name is None or own is None:
        return None
    target = labels[name]
    if name in known:
        own, target = own[known[name]], target[known[name]]
    # an ESP is in double precision, its labels and the rest of the loss in that of the weights
    return own.to(target) - target if len(target) else None


@dataclass
class Errors:
    """Errors of charges, dipole and ESP, summed over batches."""

    sums: dict[str, list[float]] = field(default_factory=dict)

    def add(self, answers: Outputs, labels: Tensors, known: Tensors) -> None:
        """Those of one batch."""
        for term in ("esp", "dipole", "monopole"):
            wrong = errors_of(term, answers, labels, known)
            if wrong is not None:
                wrong = wrong.detach()
                size = float((wrong**2).sum() if term == "esp" else wrong.abs().sum())
                total = self.sums.setdefault(term, [0.0, 0.0])
                total[0] += size
                total[1] += wrong.numel()

    def row(self) -> list[float]:
        """In the order of :data:`COLUMNS`; NaN of what the labels have not."""
        mean = {term: total / count for term, (total, count) in self.sums.items()}
        return [
            KCAL * math.sqrt(mean.get("esp", math.nan)),
            mean.get("dipole", math.nan) / Debye,
            mean.get("monopole", math.nan),
        ]


def of_nothing(labels: Tensors) -> dict[str, torch.Tensor]:
    """The answers of one who knows of no charges."""
    names = {"dipole": "dipole", "esp": "esp"}
    if name := label_of("monopole", labels):
        names["charges"] = name
    return {own: torch.zeros_like(labels[name]) for own, name in names.items() if name in labels}
