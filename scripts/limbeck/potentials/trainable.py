"""The interface of potentials that can be trained, as all students are."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from limbeck.check.seal import parsed_json
from limbeck.config.sections.base import Section
from limbeck.config.sections.known import NETWORKS, Network
from limbeck.config.sections.messages import validated
from limbeck.config.sections.students import NO_COMPILER, compiler
from limbeck.config.written import Student, as_written
from limbeck.errors import LimbeckError, explained
from limbeck.files import sha256_of
from limbeck.frames import Frames
from limbeck.potentials.interface import IN_MEMORY, About, Batch, Potential
from limbeck.properties import EFS, Predictions

Graph = TypeVar("Graph")

DESCRIPTION = "model.json"
WEIGHTS = "model.safetensors"
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Sites:
    """Point charges around the N atoms of B frames.

    Attributes:
        charges: [N,n], e.
        vectors: [N,n,3], from the atom, Angstrom.
        excess: [B], e, by how much they were above the charges of the frames before it was taken
            off them all.
    """

    charges: torch.Tensor
    vectors: torch.Tensor
    excess: torch.Tensor

    def first(self, frames: int, atoms: int) -> "Sites":
        """Those of the first frames, which have so many atoms."""
        return Sites(self.charges[:atoms], self.vectors[:atoms], self.excess[:frames])


@dataclass(frozen=True, init=False)
class Outputs:
    """Answers that gradients flow through.

    Attributes:
        values: by property, as in :class:`~limbeck.properties.Predictions`: energy [B] eV, forces
            [N,3] eV/Angstrom, stress [B,6] eV/Angstrom^3 where it was asked for, and whatever else
            the network predicts.
        features: what the network made of each atom, [N,F]; None where that is not known.
        atom_energies: what each atom adds to the energy, [N] eV; None where that is not known.
        sites: point charges around the atoms; None where the network has none.
    """

    values: dict[str, torch.Tensor]
    features: torch.Tensor | None
    atom_energies: torch.Tensor | None
    sites: "Sites | None"

    def __init__(
        self,
        energy: torch.Tensor,
        forces: torch.Tensor,
        stress: torch.Tensor | None = None,
        features: torch.Tensor | None = None,
        atom_energies: torch.Tensor | None = None,
        sites: "Sites | None" = None,
        **more: torch.Tensor,
    ) -> None:
        """``stress`` is None where it was not asked for; ``more`` are further properties."""
        given = {} if stress is None else {"stress": stress}
        values = {"energy": energy, "forces": forces, **given, **more}
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "atom_energies", atom_energies)
        object.__setattr__(self, "sites", sites)

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
    #: whether :meth:`atom_energies` has an answer
    has_atom_energies: ClassVar[bool] = False
    #: precision of its weights and answers
    dtype: torch.dtype
    #: what the module was built with; written into model.json
    sizes: dict[str, Any]
    #: what ``sizes`` of a model.json has to hold
    section: ClassVar[type[Section]]
    #: field of the config's ``students`` that can be set -> entry of ``sizes``
    settable: ClassVar[Mapping[str, str]] = {}
    #: smallest distance in the training set, in sums of covalent radii; None where not known
    shortest_ratio: float | None = None
    #: whether the repulsion of near nuclei belongs to its answers, see ``potentials/repulsion``
    zbl: bool = False

    def compile(self) -> None:
        """Let torch.compile make of the network what later calls for inference use.

        The first calls then take minutes, and calls for training fail. It is compiled for any
        number of atoms; only other kinds of batches (of one frame, of isolated ones) are compiled
        once more. Gradients for the forces are taken through what was compiled.

        Raises:
            LimbeckError: torch.compile cannot take the architecture, or there is no C++ compiler.
        """
        if not NETWORKS.get(self.architecture, Network()).compiles:
            known = ", ".join(sorted(name for name, n in NETWORKS.items() if n.compiles))
            raise LimbeckError(
                f"inference: 'compile', expected eager for {self.architecture}: torch.compile "
                f"takes {known} alone"
            )
        if self.device.type != "cpu":
            raise LimbeckError(f"inference: 'compile' on {self.device}, expected the CPU")
        if compiler() is None:
            raise LimbeckError(f"inference: 'compile', {NO_COMPILER}")
        self._compile()

    def _compile(self) -> None:
        """Compile what :meth:`outputs` calls; where nothing else is said, the whole module."""
        self.module.compile(dynamic=True)

    @classmethod
    @abstractmethod
    def build(
        cls, size: str, statistics: Statistics, *, name: str, device: str, **changed: Any
    ) -> "TrainablePotential[Any]":
        """A new student with random weights from torch's global generator.

        Args:
            size: tiny, small or medium.
            changed: by the names of ``settable``, what it has in place of that of its size.
        """

    @classmethod
    def changes(cls, changed: Mapping[str, Any]) -> dict[str, Any]:
        """``changed`` of :meth:`build` as entries of ``sizes``."""
        return {cls.settable[name]: value for name, value in changed.items()}

    @property
    def built_with(self) -> dict[str, Any]:
        """What it has of that which can be set, by the names of the config."""
        return {name: self.sizes[entry] for name, entry in self.settable.items()}

    @property
    def parameters(self) -> int:
        """How many numbers training changes."""
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad)

    @classmethod
    def from_description(
        cls, description: dict[str, Any], *, name: str, device: str
    ) -> "TrainablePotential[Any]":
        """An empty student of the sizes in a ``model.json``."""
        sizes: Section = validated(cls.section, description["sizes"], "sizes")
        return cls._empty(sizes.model_dump(), description["elements"], name=name, device=device)

    @classmethod
    def _empty(
        cls, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> "TrainablePotential[Any]":
        """One of ``sizes`` with random weights, for :meth:`from_description`."""
        raise NotImplementedError

    def normalise(self, frames: Frames) -> None:
        """Take means and scales of what the network sees from its training frames, at the start."""

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

    def matrices(self) -> list[tuple[torch.nn.Parameter, list[torch.Tensor]]]:
        """Trained weights that are made of matrices, and views of the matrices in each."""
        trained = (p for p in self.module.parameters() if p.requires_grad)
        return [(p, [p]) for p in trained if p.ndim == 2 and min(p.shape) > 1]

    def batch_of(self, frames: Frames) -> Batch:
        return self.collate(self.graphs(frames))

    def evaluate(self, batch: Batch) -> Predictions:
        return predictions(self._answers(batch))

    def atom_energies(self, batch: Batch) -> np.ndarray:
        """What each atom adds to the energy of its frame, eV. float64 [N]

        Raises:
            LimbeckError: the network has energies of whole frames alone.
        """
        found = self._answers(batch).atom_energies
        if found is None:
            raise LimbeckError(
                f"{self.about.name}: a student of architecture {self.architecture} has no "
                "energies by atom, expected one that sums them, as mace"
            )
        return _to_numpy(found)

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
        if self.zbl:
            description["zbl"] = True
        if self.shortest_ratio is not None:
            description["shortest_ratio"] = self.shortest_ratio
        (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
        save_file(
            # safetensors takes contiguous tensors only
            {k: v.detach().cpu().contiguous() for k, v in self.module.state_dict().items()},
            folder / WEIGHTS,
        )
        (folder / WEIGHTS).chmod(0o644)  # safetensors writes for its owner alone

    @classmethod
    def load(
        cls, folder: Path, *, name: str, device: str, dtype: str = "float32"
    ) -> "TrainablePotential[Any]":
        """Open what :meth:`save` wrote. Nothing is unpickled.

        Where it is marked with ``zbl``, it is the network alone, see ``students.handover``.

        Args:
            dtype: one of :data:`DTYPES`, of the calculation; weights were trained in float32.

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
        student.shortest_ratio = description.get("shortest_ratio")
        student.zbl = description.get("zbl", False)
        student.dtype = DTYPES[dtype]
        student.module.to(student.dtype).eval().requires_grad_(False)
        # of what is read: a .model beside it holds the path of the torch that wrote it
        student.about = replace(student.about, weights=sha256_of(folder / WEIGHTS), dtype=dtype)
        return student


def about_new(
    architecture: str, elements: Sequence[int], *, name: str, cutoff: float, citation: str
) -> About:
    """Of an equivariant student with random weights, whose forces are gradients of its energy."""
    return About(
        name=name,
        model=architecture,
        elements=frozenset(elements),
        cutoff=cutoff,
        properties=EFS,
        conservative=True,
        equivariant=True,
        licence="MIT",
        citation=f"network of {citation}, trained by Limbeck",
        weights=IN_MEMORY,
        dtype="float32",
    )


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
