"""Any Limbeck potential as an ASE calculator."""

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes, all_properties

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, Rows, charge_and_spin, from_atoms
from limbeck.geometry import in_vacuum, vacuum_axes
from limbeck.properties import EFS, Predictions, of_one

if TYPE_CHECKING:
    from ase import Atoms

    from limbeck.potentials.interface import Potential


#: where ASE integrates at constant energy
VERLET = "ase/md/verlet.py"
#: packages through which a user's question goes
INNER = ("ase", "limbeck")


class PotentialCalculator(Calculator):
    """Energy (eV), forces (eV/Angstrom) and stress (eV/Angstrom^3) of one structure.

    And further properties that ASE has a name for, such as charges (e) and the dipole (e
    Angstrom), where the potential predicts them.

    Charge and spin are read from ``atoms.info``, see :func:`limbeck.frames.charge_and_spin`; both
    are zero where they are not said. Stress is there for structures that are periodic in three
    directions only; slabs and wires are put into a cell with vacuum. Where forces and stress are no
    slopes of the energy, a warning says so once for each use that goes wrong with it.
    """

    name = "limbeck"  # type: ignore[misc]  # what ASE's own calculators do
    implemented_properties = [*EFS, "free_energy"]  # noqa: RUF012

    def __init__(self, potential: "Potential", **options: Any) -> None:
        """Wrap ``potential``; ``options`` go to ASE's calculator.

        Its ``parameters`` say which potential this is: ASE keeps them in rows of a database, in
        trajectories and in JSON.
        """
        about = potential.about
        super().__init__(potential=about.name, model=about.model, weights=about.weights, **options)
        self.potential = potential
        self._warned: set[str] = set()
        self._stressed: tuple[Atoms | None, np.ndarray] = (None, np.zeros((3, 3)))
        # ASE has a fixed list of properties.
        known = [name for name in potential.about.properties if name in all_properties]
        self.implemented_properties = [*dict.fromkeys([*type(self).implemented_properties, *known])]

    def get_property(
        self, name: str, atoms: "Atoms | None" = None, allow_calculation: bool = True
    ) -> Any:
        """As ASE has it; it sees every question, also those that ``results`` answer."""
        if atoms is not None and not self.potential.about.conservative:
            self._watch(name, atoms)
        return super().get_property(name, atoms, allow_calculation)

    def _watch(self, name: str, atoms: "Atoms") -> None:
        """Warn of cells that follow a stress, and of dynamics that nothing keeps at its energy."""
        if name == "stress":
            cell = np.array(atoms.cell)
            # One and the same structure in another cell: a cell filter, or a barostat.
            if self._stressed[0] is atoms and (self._stressed[1] != cell).any():
                self._warn("The stress is no slope of the energy: a cell on it can run away.")
            self._stressed = (atoms, cell)
        elif name == "forces" and _within(VERLET):
            self._warn("The forces are no slopes of the energy: without a thermostat it drifts.")

    def _warn(self, consequence: str) -> None:
        if consequence not in self._warned:
            self._warned.add(consequence)
            about = f"{self.potential.about.name} is not conservative."
            warnings.warn(f"{about} {consequence}", stacklevel=users_level())

    def calculate(
        self,
        atoms: "Atoms | None" = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fill ``results``.

        Raises:
            LimbeckError: as :meth:`~limbeck.potentials.interface.Potential.ready`, or charge and
                spin are no small integers, or there is no lattice vector along a direction that
                is periodic.
        """
        super().calculate(atoms, properties, system_changes)
        structure: Any = self.atoms  # a copy that the base class has made
        frames = frame_of(structure)
        self.check(frames)
        answer = self.answer(frames)
        answer.stress[vacuum_axes(frames).any(axis=1)] = np.nan  # divided by the vacuum's volume
        known = {n: v for n, v in answer.values.items() if n in all_properties}
        # energy and forces whatever they are: ASE's own calculators answer with what is not finite
        certain = {"energy": float(answer.energy[0]), "forces": answer.forces}
        own = of_one(known, Rows(0, slice(None), slice(None)))
        self.results = certain | own | self.further(frames, properties)
        # ASE asks for it with force_consistent=True; without electronic entropy it is the energy.
        self.results["free_energy"] = self.results["energy"]

    def answer(self, frames: Frames) -> Predictions:
        """What the potential says of one frame."""
        return self.potential.predict(frames)

    def check(self, frames: Frames) -> None:
        """Refuse a structure before the potential is asked; here it is the potential that does."""

    def further(self, frames: Frames, properties: Sequence[str]) -> dict[str, Any]:
        """Results that are found only where they are among ``properties``; here there are none."""
        return {}


def _within(file: str) -> bool:
    """Whether a function of a file has called this one, by however many others."""
    frame = inspect.currentframe()
    while frame is not None:
        if Path(frame.f_code.co_filename).as_posix().endswith(file):
            return True
        frame = frame.f_back
    return False


def users_level() -> int:
    """The ``stacklevel`` of a warning, so that it names the line that asked: the nearest outside
    of Limbeck and ASE."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in INNER:
        frame, level = frame.f_back, level + 1
    return level


def frame_of(atoms: "Atoms") -> Frames:
    """Atoms as a frame, slabs and wires in a cell with vacuum.

    Raises:
        LimbeckError: charge and spin are no small integers, or a lattice vector is missing.
    """
    charge, spin = charge_and_spin(atoms.info)
    try:
        atoms, info = in_vacuum(atoms)
    except ValueError as error:
        raise LimbeckError(f"atoms.cell: {error}") from error
    return from_atoms(
        [atoms], infos=[info], groups=[""], source="ase", charges=[charge], spins=[spin or 0]
    )
