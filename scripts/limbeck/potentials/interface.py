"""The interface of all potentials, whether sampler, teacher or student."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from ase.data import chemical_symbols

from limbeck.config.sections.known import KINDS
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import check_extent, near_origin
from limbeck.potentials.batches import Limits, cut_batches, estimated_neighbours
from limbeck.properties import EFS, Predictions, nothing

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator
    from torch_sim.models.interface import ModelInterface

log = logging.getLogger(__name__)

Batch = TypeVar("Batch")

#: weights of a model that no file has yet
IN_MEMORY = "in memory"


@dataclass(frozen=True)
class About:
    """Description of a potential.

    Attributes:
        name: its name in the config.
        model: its kind, a name of the registry.
        elements: atomic numbers it knows.
        cutoff: Angstrom; how far an atom sees its neighbours in one step; infinite for all.
        properties: what it predicts, names of :data:`limbeck.properties.PROPERTIES`; stress is of
            periodic frames.
        conservative: forces are minus the gradient of the energy.
        equivariant: rotations and reflections are respected by construction.
        licence, citation: for the report.
        weights: what tells them from all others: the SHA-256 of their file or folder, or
            "package==version variant" where they are part of a package or where there are none.
        dtype: "float32" or "float64", the precision of the calculation.
        max_neighbours: most neighbours that an atom keeps; None where it keeps all.
        on_request: which properties it answers depends on what it was asked for.
        conditions: what it reads of a frame beside atoms and cell, of "charge" and "spin".
    """

    name: str
    model: str
    elements: frozenset[int]
    cutoff: float
    properties: tuple[str, ...]
    conservative: bool
    equivariant: bool
    licence: str
    citation: str
    weights: str
    dtype: str
    max_neighbours: int | None = None
    conditions: tuple[str, ...] = ()
    on_request: bool = False

    @property
    def has_stress(self) -> bool:
        """It predicts the stress of periodic frames."""
        return "stress" in self.properties

    def described(self) -> dict[str, Any]:
        """All of it as JSON can hold it, for files that say what made them."""
        return asdict(self) | {"elements": sorted(self.elements)}


class Potential(ABC, Generic[Batch]):
    """A model that gives energy, forces and stress of many frames at once.

    Frames of one batch are all periodic or all isolated.
    """

    #: whether :meth:`evaluate_described` has an answer
    has_descriptors: ClassVar[bool] = False
    #: whether ``prepare_wide`` and ``moved`` are there, so that neighbours last for several steps
    can_move: ClassVar[bool] = False
    about: About
    device: torch.device
    #: upper bound of atoms in a batch, where nothing was measured
    batch_atoms: int
    #: what was measured to be fast, of periodic (True) and isolated frames; overrides batch_atoms
    batch_limits: Mapping[bool, Limits] | None = None

    def ready(self, frames: Frames) -> Frames:
        """Frames as they may be asked about: the one check before every answer.

        They are brought near the origin, see :func:`~limbeck.geometry.near_origin`: single
        precision has seven digits, and the farther an atom stands from the origin the fewer of
        them are left for its neighbours.

        Raises:
            LimbeckError: an element that the potential does not know; isolated and periodic frames
                are mixed; a coordinate is not finite or too large.
        """
        self._check_elements(frames)
        one_periodicity(frames)
        return near_origin(frames)

    def _check_elements(self, frames: Frames) -> None:
        wrong = np.flatnonzero(self.unknown_elements(frames))
        if len(wrong):
            found = set(frames.numbers.tolist()) - self.about.elements
            symbols = ", ".join(chemical_symbols[z] for z in sorted(found))
            raise LimbeckError(
                f"{self.about.name} does not know {symbols}, and would guess: "
                f"{len(wrong)} of {len(frames)} frames have it"
            )

    def prepare(self, frames: Frames) -> Batch:
        """Put frames on the device and find their neighbours, once.

        Raises:
            LimbeckError: as :meth:`ready`.
        """
        return self.batch_of(self.ready(frames))

    @abstractmethod
    def batch_of(self, frames: Frames) -> Batch:
        """What :meth:`prepare` makes of frames that are ready: known, and of one periodicity."""

    @abstractmethod
    def rotate(self, batch: Batch, matrices: np.ndarray) -> Batch:
        """The same batch with every frame turned, neighbours kept.

        Args:
            batch: from :meth:`prepare`; stays as it is.
            matrices: float64 [B,3,3], orthogonal; a vector r becomes Q r.
        """

    @abstractmethod
    def evaluate(self, batch: Batch) -> Predictions:
        """Energy, forces and stress of a batch, in the orientation it has."""

    def evaluate_described(self, batch: Batch) -> Predictions:
        """Like :meth:`evaluate`, with ``values["descriptors"]`` from the same pass.

        Descriptors [N,D] are features of each atom and its surroundings that no rotation,
        reflection or translation changes.

        Raises:
            LimbeckError: the potential has none.
        """
        raise LimbeckError(
            f"{self.about.name}: a {self.about.model} has no descriptors, expected a potential "
            "that has them, as mace"
        )

    def batches(self, frames: Frames) -> Iterator[np.ndarray]:
        """Indices of batches, cut by :attr:`batch_limits`, or by :attr:`batch_atoms` alone."""
        neighbours = estimated_neighbours(frames, self.about.cutoff, self.about.max_neighbours)
        return cut_batches(frames.n_atoms, frames.periodic, self.limits(), neighbours)

    def limits(self) -> dict[bool, Limits]:
        """Limits of a batch of periodic (True) and of isolated frames."""
        usual = Limits(self.batch_atoms)
        # A plan may have been measured for one of the two kinds only.
        return {True: usual, False: usual, **(self.batch_limits or {})}

    def predict(self, frames: Frames, *, descriptors: bool = False) -> Predictions:
        """Energy, forces and stress of any frames, batch by batch, in the order given.

        A batch that does not fit into memory is halved.

        Args:
            descriptors: with those of every atom, see :meth:`evaluate_described`.
        """
        from limbeck.potentials.evaluation import predict_or_nan

        return predict_or_nan(self, frames, descriptors=descriptors, strict=True)

    def ask_for(self, names: Sequence[str]) -> None:
        """Have these properties answered as well, beside energy, forces and stress.

        Most potentials answer all they have with every call, and have nothing to do here.

        Raises:
            LimbeckError: it has no such property.
        """
        known = KINDS[self.about.model].properties if self.about.model in KINDS else ()
        wrong = [n for n in names if n not in known and n not in self.about.properties]
        if wrong:
            has = ", ".join([*EFS, *known]) or "no others"
            raise LimbeckError(
                f"{self.about.name}: a {self.about.model} has no {', '.join(wrong)}; it has {has}"
            )

    def unknown_elements(self, frames: Frames) -> np.ndarray:
        """bool [B]: the frame has an element that the potential does not know."""
        # numpy takes no set
        bad = ~np.isin(frames.numbers, sorted(self.about.elements))
        return np.bincount(frames.frame_of_atom, weights=bad, minlength=len(frames)) > 0

    def ase_calculator(self) -> "Calculator":
        """This potential as an ASE calculator."""
        from limbeck.potentials.ase import PotentialCalculator

        return PotentialCalculator(self)

    def torch_sim_model(self) -> "ModelInterface":
        """This potential as a model of torch-sim, for batched dynamics."""
        from limbeck.potentials.torch_sim import PotentialModel

        return PotentialModel(self)


def tell_ignored(frames: Frames, reader: str, conditions: Collection[str] = ()) -> None:
    """Log how many frames have a charge or a spin that is not read; once a job is enough.

    Args:
        reader: what does not read it, as in the name of a potential.
        conditions: what it does read.
    """
    for name, count in ignored(frames, conditions).items():
        if count:
            log.warning(
                "%s does not read the %s, which %d of %d frames have: it goes by the atoms alone",
                *(reader, name, count, len(frames)),
            )


def ignored(frames: Frames, conditions: Collection[str] = ()) -> dict[str, int]:
    """Of "charge" and "spin", those that are not read, and how many frames have each.

    Args:
        conditions: those that are read.
    """
    states = {"charge": frames.charge, "spin": frames.spin}
    return {name: int((v != 0).sum()) for name, v in states.items() if name not in conditions}


def empty_predictions(frames: Frames) -> Predictions:
    """Energy, forces and stress of the right shapes, filled with NaN."""
    return Predictions(values=nothing(EFS, frames.counts))


def one_periodicity(frames: Frames) -> bool:
    """Whether all frames are periodic; all of a batch are, or none.

    Asked before any model looks for neighbours, so that it is here that frames of any origin are
    refused which a search would take all memory for, or end the process at.

    Raises:
        LimbeckError: isolated and periodic frames are mixed, or one of them has a coordinate that
            is not finite or too large.
    """
    try:
        check_extent(frames.positions, frames.cell)
    except RuntimeError as error:
        raise LimbeckError(f"frames to be evaluated: {error}") from error
    periodic = frames.periodic
    if len(frames) and periodic.any() != periodic.all():
        raise LimbeckError("a batch holds isolated and periodic frames; expected one kind")
    return bool(len(frames) and periodic.all())


Settings = dict[str, Any]
