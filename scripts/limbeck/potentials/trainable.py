"""The interface of potentials that can be trained, as all students are."""

import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from limbeck.check.seal import parsed_json
from limbeck.config.written import Student, as_written
from limbeck.errors import LimbeckError, explained
from limbeck.files import sha256_of
from limbeck.frames import Frames
from limbeck.potentials.interface import Batch, Potential
from limbeck.properties import Predictions

Graph = TypeVar("Graph")

DESCRIPTION = "model.json"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True, init=False)
class Outputs:
    """Answers that gradients flow through.

    Attributes:
        values: by property, as in :class:`~limbeck.properties.Predictions`: energy [B] eV, forces
            [N,3] eV/Angstrom, stress [B,6] eV/Angstrom^3 where it was asked for, and whatever else
            the network predicts.
        features: what the network made of each atom, [N,F]; None where that is not known.
    """

    values: dict[str, torch.Tensor]
    features: torch.Tensor | None

    def __init__(
        self,
        energy: torch.Tensor,
        forces: torch.Tensor,
        stress: torch.Tensor | None = None,
        features: torch.Tensor | None = None,
        **more: torch.Tensor,
    ) -> None:
        """``stress`` is None where it was not asked for; ``more`` are further properties."""
        given = {} if stress is None else {"stress": stress}
        values = {"energy": energy, "forces": forces, **given, **more}
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "features", features)

    @property
    def energy(self) -> torch.Tensor:
        """[B], eV."""
        return self.values["energy"]

    @property
    def forces(self) -> torch.Tensor:
        """[N,3], eV/Angstrom."""
        return self.values["forces"]

    @property
    def stress(self) -> torch.Tensor | None:
        """[B,6], eV/Angstrom^3, ASE's sign and Voigt order; None where isolated."""
        return self.values.get("stress")


@dataclass(frozen=True)
class Statistics:
    """Statistics of the training set that a new student starts with.

    Attributes:
        elements: atomic numbers in the set, sorted.
        reference_energies: float64, eV per atom of each element, fitted.
        energy_mean, energy_std: of the residual energy per atom, eV.
        forces_rms: root mean square of a force component, eV/Angstrom.
        stress_rms: the same of a stress component, eV/Angstrom^3 (1 where there is none).
    """

    elements: list[int]
    reference_energies: np.ndarray
    energy_mean: float
    energy_std: float
    forces_rms: float
    stress_rms: float


class TrainablePotential(Potential[Batch]):
    """A potential made of a torch module, built by this project from a table of sizes.

    Subclasses say how one frame becomes a graph (neighbours found once in training) and how
    graphs are put together.
    """

    #: name in the config's ``students``
    architecture: ClassVar[str]
    module: torch.nn.Module
    #: what the module was built with; written into model.json
    sizes: dict[str, Any]

    @classmethod
    @abstractmethod
    def build(
        cls, size: str, statistics: Statistics, *, name: str, device: str
    ) -> "TrainablePotential[Any]":
        """A new student with random weights from torch's global generator."""

    @classmethod
    @abstractmethod
    def from_description(
        cls, description: dict[str, Any], *, name: str, device: str
    ) -> "TrainablePotential[Any]":
        """An empty student of the sizes in a ``model.json``."""

    @abstractmethod
    def graphs(self, frames: Frames) -> list[Any]:
        """One graph a frame, on the CPU."""

    @abstractmethod
    def collate(self, graphs: Sequence[Any]) -> Batch:
        """Put graphs into one batch on the device."""

    @abstractmethod
    def outputs(self, batch: Batch, *, training: bool, stress: bool) -> Outputs:
        """Answers with gradients where ``training``; stress only where asked for."""

    @abstractmethod
    def is_periodic(self, batch: Batch) -> bool:
        """Whether the frames of a batch are periodic."""

    def batch_of(self, frames: Frames) -> Batch:
        return self.collate(self.graphs(frames))

    def evaluate(self, batch: Batch) -> Predictions:
        return predictions(self._answers(batch))

    def _answers(self, batch: Batch) -> Outputs:
        """Answers without gradients, stress where the frames are periodic."""
        self.module.eval()
        return self.outputs(batch, training=False, stress=self.is_periodic(batch))

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``model.safetensors`` into an existing folder."""
        description = {
            "format": "limbeck-student",
            "version": 1,
            "architecture": self.architecture,
            "elements": sorted(self.about.elements),
            "sizes": self.sizes,
        }
        (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
        save_file(
            # safetensors takes contiguous tensors only
            {k: v.detach().cpu().contiguous() for k, v in self.module.state_dict().items()},
            folder / WEIGHTS,
        )
        (folder / WEIGHTS).chmod(0o644)  # safetensors writes for its owner alone

    @classmethod
    def load(cls, folder: Path, *, name: str, device: str) -> "TrainablePotential[Any]":
        """Open what :meth:`save` wrote. Nothing is unpickled.

        Raises:
            LimbeckError: no model of this architecture is there, or its weights are damaged.
        """
        description = read_description(folder)
        if description.get("architecture") != cls.architecture:
            raise LimbeckError(
                f"{folder / DESCRIPTION}: architecture {description.get('architecture')!r}, "
                f"expected {cls.architecture!r}"
            )
        try:
            student = cls.from_description(description, name=name, device=device)
        except (KeyError, TypeError, ValueError, LimbeckError) as error:
            own = isinstance(error, LimbeckError)
            said = "; ".join(str(error).splitlines()) if own else repr(error)
            raise LimbeckError(f"{folder / DESCRIPTION}: no such network: {said}") from error
        with explained(f"{folder / WEIGHTS}: weights do not load"):
            weights = load_file(folder / WEIGHTS, device=device)
            student.module.load_state_dict(weights, strict=True)
        student.module.eval().requires_grad_(False)
        # of what is read: a .model beside it holds the path of the torch that wrote it
        student.about = replace(student.about, weights=sha256_of(folder / WEIGHTS))
        return student


def read_description(folder: Path) -> dict[str, Any]:
    """The ``model.json`` of a model folder.

    Raises:
        LimbeckError: it is missing, not JSON, of another format, or has a field out of range.
    """
    path = Path(folder) / DESCRIPTION
    if not path.is_file():
        raise LimbeckError(f"{path}: no such file, expected the description of a model")
    try:
        description = parsed_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LimbeckError(f"{path}: not JSON: {error}") from error
    if not isinstance(description, dict):
        raise LimbeckError(f"{path}: expected a mapping, found {type(description).__name__}")
    found = (description.get("format"), description.get("version"))
    if found != ("limbeck-student", 1):
        raise LimbeckError(f"{path}: expected format ('limbeck-student', 1), found {found}")
    as_written(Student, description, path)
    return description


def predictions(answers: Outputs) -> Predictions:
    """Answers as every potential gives them."""
    values = {name: _to_numpy(value) for name, value in answers.values.items()}
    if "stress" not in values:
        values["stress"] = np.full((len(answers.energy), 6), np.nan)
    return Predictions(values=values)


def _to_numpy(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float64)
