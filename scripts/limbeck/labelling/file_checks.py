"""Do labels from a file fit together? A wrong unit or sign shows where frames resemble each other.

Between two frames of the same atoms near each other, the energy changes by the work of the forces
and of the stress,

    E2 - E1 = a W_forces + b W_stress,
    W_forces = -(F1 + F2) / 2 . (u2 - u1),    W_stress = V (s1 + s2) / 2 : e,

with u the positions at fixed cell, e the strain from one cell to the other, and a = b = 1. a and b
are found with least absolute deviations over all such pairs. The trapezoid is exact where the
energy is quadratic, and its error grows as the cube of the distance between the two: so pairs are
weighted, and frames may be as far apart as the dumps of a trajectory are.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
from ase import Atoms

from limbeck.config.sections.file_labels import FileLabels, ForcesUnit
from limbeck.gate.outliers import least_absolute
from limbeck.labelling.from_file import ENERGY, STRESS, forces_factor

#: Angstrom, and no unit: frames farther apart say nothing
MAX_STEP_A = 1.0
MAX_STRAIN = 0.1
#: of fewer pairs, or frames with forces, nothing is said
MIN_PAIRS = 5
#: pairs that are kept, evenly over the files: more tell no more
MAX_PAIRS = 2000
#: What slopes may be: frames far apart give up to a quarter less, and the nearest wrong unit (a
#: length in Bohr) a factor of 1.9.
FITS = (0.7, 1.4)
#: Angstrom, root of the sum of squares over the atoms: what energies are printed with, and noise,
#: counts as much as the trapezoid's error where frames are nearer
NEAREST_A = 0.1
#: an interval of a slope that is wider than this says nothing
MAX_WIDTH = 0.6
RESAMPLES = 200
#: eV/Angstrom, root mean square: smaller forces are noise, which need not add up to zero
SMALLEST_FORCE = 0.01
#: |sum of forces| over the root of the sum of their squares: 1 where they have nothing to do with
#: each other; printed digits and grids of DFT leave some percent
MAX_NET_FORCE = 0.3
#: a slope is explained by a unit if it is so near to its factor
NEAR = 0.15

#: Units that programs write together; with Angstrom a slope is 1 whatever the energy's.
SYSTEMS = (
    ("Hartree", "Hartree/Bohr"),
    ("Rydberg", "Rydberg/Bohr"),
    ("kJ/mol", "kJ/mol/nm"),
)
#: eV/Angstrom, median over frames of the root mean square component: at 2,000 K, or a tenth of an
#: Angstrom from a minimum, it is about 2; of kcal/mol/Angstrom taken for it 20 at 300 K
MAX_FORCE = 10.0

Labelled = tuple[Atoms, dict[str, Any]]
#: how the config says the other sign, and what else may be wrong -> the slope that it would give
Guesses = tuple[str, dict[str, float]]


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: what was compared.
        count: of pairs or frames.
        value: a slope, which should be 1, or a net force, which should be 0; None where there was
            nothing to compare.
        ci95: of a slope.
        verdict: "fits", "does not fit", or "cannot be told".
        text: a sentence.
    """

    name: str
    count: int
    value: float | None
    ci95: tuple[float, float] | None
    verdict: str
    text: str

    def entry(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)


class Pairs:
    """Frames one after another, and what is learned from each and its neighbour."""

    def __init__(self, expected: int) -> None:
        """No frame yet.

        Args:
            expected: how many frames will come, at most.
        """
        self._every = max(1, expected // MAX_PAIRS)
        self._number = 0
        self._before: Labelled | None = None
        self._rows: list[tuple[float, float, float]] = []
        self._unstressed = 0
        self._net: list[float] = []
        self._sizes: list[float] = []

    def add(self, atoms: Atoms, labels: dict[str, Any]) -> None:
        """One more frame, in the order of its file."""
        if "energy" not in labels or "forces" not in labels:
            self._before = None
            return
        forces = labels["forces"]
        size = float(np.sqrt((forces**2).mean()))
        if len(atoms) > 1 and size > SMALLEST_FORCE:
            whole = size * np.sqrt(forces.size)
            self._net.append(float(np.linalg.norm(forces.sum(axis=0)) / whole))
            self._sizes.append(size)
        before, self._before = self._before, (atoms, labels)
        self._number += 1
        if before is not None and self._number % self._every == 0:
            self._compare(before, self._before)

    def _compare(self, one: Labelled, two: Labelled) -> None:
        (a, of_a), (b, of_b) = one, two
        if not (np.array_equal(a.numbers, b.numbers) and np.array_equal(a.pbc, b.pbc)):
            return
        step, strain = displacements(a, b)
        if np.abs(step).max() > MAX_STEP_A or np.abs(strain).max() > MAX_STRAIN:
            return
        forces = -0.5 * float(((of_a["forces"] + of_b["forces"]) * step).sum())
        stress = volume = 0.0
        if np.abs(strain).max() > 1e-9:
            if "stress" not in of_a or "stress" not in of_b:
                self._unstressed += 1
                return
            volume = 0.5 * (a.get_volume() + b.get_volume())
            mean = 0.5 * (of_a["stress"] + of_b["stress"])
            weights = np.array([1, 1, 1, 2, 2, 2])
            voigt = np.array([strain[i] for i in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))])
            stress = float(volume * (weights * mean * voigt).sum())
        change = float(of_b["energy"] - of_a["energy"])
        if forces or stress:
            far = (step**2).sum() + len(a) * volume ** (2 / 3) * (strain**2).sum()
            weight = 1 / (NEAREST_A**3 + far**1.5)
            self._rows.append((weight * change, weight * forces, weight * stress))

    def checks(self, asked: FileLabels) -> list[Check]:
        """All checks, those that had nothing to compare as well."""
        rows = np.array(self._rows).reshape(-1, 3)
        count = [int((rows[:, 1 + i] != 0).sum()) for i in (0, 1)]
        used = [i for i in (0, 1) if count[i] >= MIN_PAIRS]
        # pairs that differ in what cannot be told would be blamed on the other
        kept = rows[(rows[:, [1 + i for i in (0, 1) if i not in used]] == 0).all(axis=1)]
        slopes = _slopes(kept[:, 0], kept[:, [1 + i for i in used]])
        found = dict(zip(used, slopes, strict=True))
        names = (("forces", "work of the forces"), ("stress", "work of the stress"))
        guesses = (_if_forces(asked), _if_stress(asked))
        return [
            *(
                _of_slope(names[i], count[i], found.get(i), guesses[i], self._unstressed * i)
                for i in (0, 1)
            ),
            _of_net_force(self._net),
            _of_size(self._sizes),
        ]


def displacements(a: Atoms, b: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """From one frame to another: steps at fixed cell, float64 [n,3], Angstrom, the shortest ones;
    and the symmetric strain of the cell, float64 [3,3], zero where they are isolated."""
    if not a.pbc.any():
        return b.positions - a.positions, np.zeros((3, 3))
    cells = a.cell.complete().array, b.cell.complete().array
    middle = 0.5 * (cells[0] + cells[1])
    scaled = [x.positions @ np.linalg.inv(cell) for x, cell in zip((a, b), cells, strict=True)]
    change = scaled[1] - scaled[0]
    change -= np.round(change) * a.pbc
    strain = np.linalg.inv(middle) @ (cells[1] - cells[0])
    return change @ middle, 0.5 * (strain + strain.T)


def _slopes(change: np.ndarray, work: np.ndarray) -> list[tuple[float, float, float]]:
    """Each slope with its 95 % interval, from resampled pairs."""
    if not work.shape[1] or not len(change):
        return []
    rng = np.random.default_rng(0)  # the same in every run
    draws = rng.integers(len(change), size=(RESAMPLES, len(change)))
    scale = np.abs(work).max(axis=0)
    best = least_absolute(work / scale, change) / scale
    found = np.array([least_absolute(work[i] / scale, change[i]) / scale for i in draws])
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return list(zip(best.tolist(), low.tolist(), high.tolist(), strict=True))


def _of_slope(
    names: tuple[str, str],
    count: int,
    slope: tuple[float, float, float] | None,
    guesses: Guesses,
    unstressed: int,
) -> Check:
    name, work = f"{names[0]} against energies", names[1]
    if slope is None:
        where = "cell differs" if names[0] == "stress" else "atoms are less than 1 A apart"
        text = f"{count} pairs of frames one after another whose {where}, {MIN_PAIRS} are needed"
        text += f" ({unstressed} more have no stress)" * bool(unstressed)
        return Check(name, count, None, None, "cannot be told", text)
    value, low, high = slope
    times = f"{value:.3g} times the {work} ({low:.3g} to {high:.3g}, over {count} pairs of frames)"
    text = f"energies change by {times}, which should be 1"
    if high < FITS[0] or low > FITS[1]:
        text += _guess(value, (low, high), guesses)
        return Check(name, count, value, (low, high), "does not fit", text)
    verdict = "fits" if high - low < MAX_WIDTH else "cannot be told"
    return Check(name, count, value, (low, high), verdict, text)


def _of_net_force(net: Sequence[float]) -> Check:
    name = "sum of forces"
    if len(net) < MIN_PAIRS:
        text = f"{len(net)} frames of several atoms with forces, {MIN_PAIRS} are needed"
        return Check(name, len(net), None, None, "cannot be told", text)
    value = float(np.median(net))
    text = (
        f"forces add up to {value:.2g} of the root of the sum of their squares (median of "
        f"{len(net)} frames), which should be 0"
    )
    if value > MAX_NET_FORCE:
        text += "; are forces of fixed atoms set to zero, or those of some atoms missing?"
        return Check(name, len(net), value, None, "does not fit", text)
    return Check(name, len(net), value, None, "fits", text)


def _of_size(sizes: Sequence[float]) -> Check:
    name = "size of forces"
    if not sizes:
        text = "no frame of several atoms with forces"
        return Check(name, 0, None, None, "cannot be told", text)
    value = float(np.median(sizes))
    text = f"their root mean square is {value:.3g} eV/A (median of {len(sizes)} frames)"
    if value > MAX_FORCE:
        text += f", more than {MAX_FORCE:g}; are they in kcal/mol/A?"
        return Check(name, len(sizes), value, None, "does not fit", text)
    return Check(name, len(sizes), value, None, "fits", text)


def _if_forces(asked: FileLabels) -> Guesses:
    energy, forces = ENERGY[asked.energy_unit], forces_factor(asked.forces_unit)
    other = "gradients" if asked.forces_are == "forces" else "forces"
    return f"forces_are: {other}", {
        **{f"energy_unit: {unit}": energy / factor for unit, factor in ENERGY.items()},
        **{f"forces_unit: {u}": forces_factor(u) / forces for u in get_args(ForcesUnit)},
        **{
            f"energy_unit: {one} with forces_unit: {two}": energy
            / ENERGY[one]
            * (forces_factor(two) / forces)
            for one, two in SYSTEMS
        },
    }


def _if_stress(asked: FileLabels) -> Guesses:
    other = "pressure" if asked.stress_positive_under == "tension" else "tension"
    scale = STRESS[asked.stress_unit]
    return f"stress_positive_under: {other}", {
        f"stress_unit: {unit}": factor / scale for unit, factor in STRESS.items()
    }


def _guess(value: float, ci95: tuple[float, float], guesses: Guesses) -> str:
    """What would explain a slope, as the config says it."""
    opposite, factors = guesses
    sign = [opposite] * (value < 0)
    low, high = sorted(abs(end) for end in ci95)
    size = np.log(max(abs(value), 1e-12))
    if low <= 1 <= high or abs(size) < NEAR:  # the unit is the one that was said
        return f"; it looks like {opposite}"
    away = {name: abs(size - np.log(factor)) for name, factor in factors.items()}
    near = [n for n in sorted(away, key=away.__getitem__) if away[n] < NEAR]
    if not near:
        return "; neither a unit nor a sign explains it"
    return f"; it looks like {', and '.join([*sign, ' or '.join(near[:3])])}"
