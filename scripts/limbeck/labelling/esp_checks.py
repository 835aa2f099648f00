"""Does an electrostatic potential from a file fit its molecules and their dipoles?

The dipole of the whole molecule is in its potential: atomic charges and dipoles that fit the
potential add up to it, wherever the points are. So the two agree, component by component, where
both units and both places are right.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from limbeck.charges.multipoles import fitted
from limbeck.config.sections.file_labels import FileLabels
from limbeck.errors import LimbeckError
from limbeck.labelling.file_checks import Check, Guesses, slopes_of
from limbeck.labelling.file_checks import guess as guess_of
from limbeck.labelling.from_file import DIPOLE, ESP

#: molecules that are looked at, the first ones; more tell no more
MOST = 500
FEWEST = 5
#: e Angstrom, root mean square component: smaller dipoles tell nothing
SMALLEST = 0.005
#: what a slope may be, and the part of it that may be left over: fits on Merz-Kollman shells of
#: molecules of up to 12 atoms come within a hundredth
FITS = (0.9, 1.1)
MAX_LEFT = 0.2


class Dipoles:
    """Dipoles of neutral molecules and those of their potentials; :meth:`add` one after another."""

    def __init__(self) -> None:
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, atoms: Atoms, labels: Mapping[str, Any]) -> None:
        """One more molecule, with its labels in Limbeck's units."""
        charged = atoms.info.get("charge", 0)
        if charged or not {"esp", "dipole"} <= labels.keys() or len(self._pairs) >= MOST:
            return
        if len(labels["esp"]) < 4 * len(atoms):  # as many as there are multipoles
            return
        fit = fitted(labels["points"], atoms.positions, labels["esp"], 1)
        # about the centre of charge of the fit's own: of a neutral molecule any point will do
        places = atoms.positions - atoms.positions.mean(axis=0)
        self._pairs.append((labels["dipole"], fit.charges @ places + fit.dipoles.sum(axis=0)))

    def check(self, asked: FileLabels) -> Check:
        """The slope of one against the other, which should be 1."""
        name = "potential against dipole"
        told = np.array([pair[0] for pair in self._pairs]).reshape(-1)
        found = np.array([pair[1] for pair in self._pairs]).reshape(-1)
        count = len(self._pairs)
        if count < FEWEST or np.sqrt((told**2).mean()) < SMALLEST:
            text = f"{count} neutral molecules with both, {FEWEST} with a dipole are needed"
            return Check(name, count, None, None, "cannot be told", text)
        slope = slopes_of(found, told[:, None])[0]
        text = (
            f"dipoles in the potentials are {slope.value:.3g} times the dipoles ({slope.low:.3g} "
            f"to {slope.high:.3g}, over {count} molecules), which should be 1"
        )
        fits = FITS[0] < slope.value < FITS[1] and slope.left < MAX_LEFT
        if not fits:
            explained = guess_of(slope.value, (slope.low, slope.high), _guesses(asked))
            text += f"; {slope.left:.0%} of them are not explained"
            text += f"; it looks like {explained}" if explained else ""
        verdict = "fits" if fits else "does not fit"
        return Check(name, count, slope.value, (slope.low, slope.high), verdict, text)


def _guesses(asked: FileLabels) -> Guesses:
    if asked.esp_unit is None:
        raise LimbeckError("esp_unit: not given")
    esp, dipole = ESP[asked.esp_unit], DIPOLE[asked.dipole_unit]
    return "the other sign of the potential or of the dipole", {
        # a slope is what was taken for one over what it is
        **{f"esp_unit: {unit}": esp / factor for unit, factor in ESP.items()},
        **{f"dipole_unit: {unit}": factor / dipole for unit, factor in DIPOLE.items()},
    }
