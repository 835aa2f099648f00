"""A student as an ASE calculator that gives an answer worth having, or says why there is none."""

import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import all_changes
from ase.data import chemical_symbols, covalent_radii
from scipy.spatial import cKDTree

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import MIN_CELL_HEIGHT_A, cell_height
from limbeck.potentials.ase import PotentialCalculator, frame_of, users_level
from limbeck.potentials.trainable import TrainablePotential
from limbeck.potentials.weights import quietly
from limbeck.properties import Predictions
from limbeck.structures.distances import nearest_distances, pair_below
from limbeck.students.domain import Domain, describe

if TYPE_CHECKING:
    from ase import Atoms

log = logging.getLogger(__name__)

#: Angstrom; within it stand the charges that make an electrostatic potential
NEAREST_POINT_A = 1.0


class StudentCalculator(PotentialCalculator):
    """As :class:`~limbeck.potentials.ase.PotentialCalculator`, for structures a student can know.

    Energies by atom (eV) are there where the architecture sums them. A charge or spin that it does
    not read is logged once. ``results["far_from_data"]`` is the number of atoms whose surroundings
    are unlike all that it was trained on, see :mod:`limbeck.students.domain`; the first structure
    that has some is warned of. It is not there of students that know nothing of their data.
    """

    potential: TrainablePotential[Any]

    def __init__(
        self, potential: TrainablePotential[Any], domain: Domain | None = None, **options: Any
    ) -> None:
        super().__init__(potential, **options)
        self._domain = domain
        self.far = np.zeros(0, dtype=bool)  # of the atoms of the last answer
        self._limits = _limits(potential.shortest_ratio)
        self._ignored: set[str] = set()
        if potential.has_atom_energies:
            self.implemented_properties = [*self.implemented_properties, "energies"]

    def calculate(
        self,
        atoms: "Atoms | None" = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fill ``results``.

        Raises:
            LimbeckError: as the parent does; or there are no atoms, the cell is flat, two atoms are
                nearer than any that the student can know of, or its answer is not finite.
        """
        self.find(atoms, properties, system_changes)
        self._tell_far()

    def find(
        self, atoms: "Atoms | None", properties: Sequence[str], system_changes: Sequence[str]
    ) -> None:
        """As :meth:`calculate`, and without a word of atoms that are far from the data."""
        with quietly():
            super().calculate(atoms, properties, system_changes)
        if not all(np.isfinite(value).all() for value in self.results.values()):
            self.results = {}
            raise LimbeckError(f"{self._called}: its answer for these atoms is not finite")

    def get_electrostatic_potential(
        self, points: np.ndarray, atoms: "Atoms | None" = None
    ) -> np.ndarray:
        """The electrostatic potential at points around a molecule, V. float64 [G]

        Times 23.06 it is in kcal/mol/e. It is that of point charges near the atoms, which is meant
        for points outside of the molecule: at 1.4 van der Waals radii and beyond.

        Args:
            points: [G,3], Angstrom, where ``atoms.positions`` are.
            atoms: those that it was last asked about where not given.

        Raises:
            LimbeckError: the student has no such potential, or does not know these atoms; they are
                periodic; a point is not finite, or nearer than :data:`NEAREST_POINT_A` to an atom.
        """
        if "esp" not in self.potential.about.properties:
            kind = self.potential.about.model
            text = "expected a student with charges, as painn_distributed"
            raise LimbeckError(f"{self._called}: a {kind} has no electrostatic potential, {text}")
        atoms = self.atoms if atoms is None else atoms
        if atoms is None:
            raise LimbeckError(f"{self._called}: no atoms, expected some: it was asked of none yet")
        frames = frame_of(atoms)
        self.check(frames)
        points = np.asarray(points, dtype=np.float64)
        self._check_points(frames, points)
        return self._potential_at(frames.with_points(np.array([len(points)]), points))

    def _potential_at(self, frames: Frames) -> np.ndarray:
        """Of one frame with points around it."""
        return self.potential.predict(frames).values["esp"]

    def _check_points(self, frames: Frames, points: np.ndarray) -> None:
        if frames.pbc.any():
            raise LimbeckError(
                f"{self._called}: periodic atoms, expected a molecule alone: the electrostatic "
                "potential of a crystal has no zero"
            )
        if points.ndim != 2 or points.shape[1] != 3 or not len(points):
            raise LimbeckError(f"points: shape {points.shape}, expected [G,3] with G at least 1")
        wrong = np.flatnonzero(~np.isfinite(points).all(axis=1))
        if len(wrong):
            raise LimbeckError(
                f"points: point {wrong[0]} is not finite, nor are {len(wrong)} in all"
            )
        distance, atom = map(np.asarray, cKDTree(frames.positions).query(points))
        if distance.min() < NEAREST_POINT_A:
            first = int(distance.argmin())
            raise LimbeckError(
                f"points: point {first} is {distance[first]:.3f} A from atom {atom[first]}, "
                f"expected {NEAREST_POINT_A:g} A at least: its charges are no density"
            )

    def answer(self, frames: Frames) -> Predictions:
        """The answer, and which atoms are far from the data, in one pass where the network has
        descriptors."""
        if self._domain is None:
            return super().answer(frames)
        own = self.potential.has_descriptors
        found = self.potential.predict(frames, descriptors=own)
        described = found.values["descriptors"] if own else describe(self.potential, frames)
        self.far = self._domain.far(described, frames.numbers)
        return found

    def _tell_far(self) -> None:
        count = int(self.far.sum())
        if count and "far" not in self._warned:
            self._warned.add("far")
            first = int(np.argmax(self.far))
            warnings.warn(
                f"{self._called}: surroundings of {count} of {len(self.far)} atoms, such as atom "
                f"{first}, are unlike all that it was trained on: it may guess. Said once; "
                'calc.results["far_from_data"] counts them.',
                stacklevel=users_level(),
            )

    @property
    def _called(self) -> str:
        return self.potential.about.name

    def check(self, frames: Frames) -> None:
        """Refuse what the student would only guess, see :meth:`calculate`."""
        if not len(frames.numbers):
            raise LimbeckError(f"{self._called}: no atoms, expected one at least")
        frames = self.potential.ready(frames)
        periodic = bool(frames.periodic[0])
        if periodic and cell_height(frames.cell[0]) < MIN_CELL_HEIGHT_A:
            raise LimbeckError(
                f"{self._called}: the cell is flat, expected opposite faces "
                f"{MIN_CELL_HEIGHT_A:g} A apart at least"
            )
        pair = pair_below(frames.numbers, frames.positions, frames.cell[0], periodic, self._limits)
        if pair is not None:
            ends = [
                f"{n} ({chemical_symbols[frames.numbers[n]]})" for n in (pair.first, pair.second)
            ]
            named = f"atoms {ends[0]} and {ends[1]} are"
            if pair.first == pair.second:
                named = f"atom {ends[0]} and its image in the next cell are"
            raise LimbeckError(
                f"{self._called}: {named} {pair.distance:.3f} A apart; it knows of none nearer "
                f"than {pair.limit:.3f} A, and would guess"
            )
        self._tell_ignored(frames)

    def _tell_ignored(self, frames: Frames) -> None:
        for name, value in (("charge", frames.charge[0]), ("spin", frames.spin[0])):
            known = {*self.potential.about.conditions, *self._ignored}
            if value and name not in known:
                self._ignored.add(name)
                log.warning(
                    "%s does not read the %s in atoms.info: it goes by the atoms alone",
                    *(self._called, name),
                )

    def further(self, frames: Frames, properties: Sequence[str]) -> dict[str, Any]:
        """How many atoms are far from the data, and energies by atom, where they are asked for."""
        found: dict[str, Any] = {}
        if self._domain is not None:
            found["far_from_data"] = int(self.far.sum())
        if "energies" not in properties or not self.potential.has_atom_energies:
            return found
        return found | {"energies": self.potential.atom_energies(self.potential.prepare(frames))}


def _limits(shortest_ratio: float | None) -> np.ndarray:
    """Smallest distance of two atoms that a student may know of, Angstrom [Z,Z].

    What the screen of structures lets pass, or what was nearest in its training set, whichever is
    less: dynamics and displacements come nearer than structures do.

    Args:
        shortest_ratio: of its training set, in sums of covalent radii; None where not known.
    """
    limits = nearest_distances()
    if shortest_ratio is None:
        return limits
    sums = covalent_radii[: len(limits), None] + covalent_radii[: len(limits)]
    return np.minimum(limits, shortest_ratio * sums)
