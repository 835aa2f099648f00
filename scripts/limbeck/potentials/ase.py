"""Any Limbeck potential as an ASE calculator."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, from_atoms
from limbeck.potentials.interface import PER_ATOM

if TYPE_CHECKING:
    from ase import Atoms

    from limbeck.potentials.interface import Potential


#: properties beside energy, forces and stress that ASE has a name for
EXTRAS = ("charges", "dipole", "magmoms")


class PotentialCalculator(Calculator):
    """Energy (eV), forces (eV/Angstrom) and stress (eV/Angstrom^3) of one structure.

    And charges (e) and the dipole (e Angstrom), where the potential predicts them.

    Charge and spin (number of unpaired electrons) are read from ``atoms.info``; both are
    zero where they are not said. Stress is there for periodic structures only.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, potential: "Potential", **options: Any) -> None:
        """Wrap ``potential``; ``options`` go to ASE's calculator."""
        super().__init__(**options)
        self.potential = potential
        extras = [name for name in EXTRAS if name in potential.about.properties]
        self.implemented_properties = [*type(self).implemented_properties, *extras]

    def calculate(
        self,
        atoms: "Atoms | None" = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fill ``results``.

        Raises:
            LimbeckError: an element that the potential does not know, or a structure that
                is periodic in one or two directions.
        """
        super().calculate(atoms, properties, system_changes)
        structure: Any = self.atoms  # a copy that the base class has made
        frames = _frame(structure)
        if self.potential.unknown_elements(frames).any():
            raise LimbeckError(
                f"{structure.symbols}: an element that {self.potential.about.name} does not know"
            )
        answer = self.potential.predict(frames)
        energy = float(answer.energy[0])
        self.results = {"energy": energy, "free_energy": energy, "forces": answer.forces}
        if np.isfinite(answer.stress).all():
            self.results["stress"] = answer.stress[0]
        for name in EXTRAS:
            values = answer.properties.get(name)
            if values is not None and np.isfinite(values).all():
                self.results[name] = values if name in PER_ATOM else values[0]


def _frame(atoms: "Atoms") -> Frames:
    return from_atoms(
        [atoms],
        groups=[""],
        source="ase",
        charges=[int(atoms.info.get("charge", 0))],
        spins=[int(atoms.info.get("spin", 0))],
    )
