"""Do labels from a file fit together? A wrong unit or sign shows where frames resemble each other.

Between two frames of the same atoms near each other, the energy changes by the work of the forces
and of the stress,

    E2 - E1 = a W_forces + b W_stress,
    W_forces = -(F1 + F2) / 2 . (u2 - u1),    W_stress = V (s1 + s2) / 2 : e,

with u the positions at fixed cell, e the strain from one cell to the other, and a = b = 1. a and b
are found with least absolute deviations over all such pairs. The trapezoid is exact where the
energy is quadratic. What it lacks grows with how much the forces change from one frame to the
other, so that a pair counts with the inverse of the work of their difference. Where what is left
over is not small beside the work, or frames are far apart, nothing can be told: slopes of right
labels come down to a third there.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
from ase import Atoms

from limbeck.config.sections.file_labels import FileLabels, ForcesUnit
from limbeck.gate.outliers import least_absolute
from limbeck.geometry import voigt_to_stress
from limbeck.labelling.from_file import ENERGY, LENGTH, STRESS, forces_factor

#: Angstrom, and no unit: frames farther apart say nothing
MAX_STEP_A = 0.5
MAX_STRAIN = 0.1
#: of fewer pairs, or frames with forces, nothing is said
MIN_PAIRS = 5
#: pairs that are kept, evenly over the files: more tell no more
MAX_PAIRS = 2000
#: What slopes may be: frames far apart give up to a quarter less, and the nearest wrong unit (a
#: length in Bohr) a factor of 1.9.
FITS = (0.7, 1.4)
#: What is left over, as a share of the work: beyond the first nothing is told; a slope so near to 1
#: that the trapezoid might do it (:data:`NEAR_ONE`) needs the second.
MAX_LEFT = 0.4
SMALL_LEFT = 0.1
NEAR_ONE = (0.35, 2.0)
STEEP = 3.0
#: share of the median by which the work of the difference of forces is raised, so that two frames
#: that happen to have the same do not count alone
FLOOR = 0.05
#: an interval of a slope that is wider than this says nothing
MAX_WIDTH = 0.6
RESAMPLES = 200
#: eV/Angstrom, root mean square: smaller forces are noise, which need not add up to zero
SMALLEST_FORCE = 0.01
#: |sum of forces| over the root of the sum of their squares: 1 where they have nothing to do with
#: each other; printed digits leave up to 0.01, grids of DFT some percent
MAX_NET_FORCE = 0.3
#: the same where some atoms have no force at all to the last digit: those were set to zero
MAX_NET_FORCE_OF_FIXED = 0.02
#: a slope is explained by a unit if it is so near to its factor
NEAR = 0.15

#: Units that programs write together; with Angstrom a slope is 1 whatever the energy's.
SYSTEMS = (
    ("eV", "eV/Angstrom"),
    ("Hartree", "Hartree/Bohr"),
    ("Rydberg", "Rydberg/Bohr"),
    ("kJ/mol", "kJ/mol/nm"),
)
#: eV/Angstrom, median over frames of the root mean square component: at 2,000 K, or a tenth of an
#: Angstrom from a minimum, it is about 2; of kcal/mol/Angstrom taken for it 20 at 300 K
MAX_FORCE = 10.0
#: eV/Angstrom^3, median over frames of the root mean square component: 100 GPa
MAX_STRESS = 0.62

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
        self._rows: list[tuple[float, float, float, float]] = []
        self._unstressed = 0
        self._net: list[tuple[float, bool]] = []
        self._sizes: list[float] = []
        self._stresses: list[float] = []
        self._n_atoms: list[int] = []

    def add(self, atoms: Atoms, labels: dict[str, Any]) -> None:
        """One more frame, in the order of its file."""
        if "energy" not in labels or "forces" not in labels:
            self._before = None
            return
        forces = labels["forces"]
        size = float(np.sqrt((forces**2).mean()))
        if len(atoms) > 1 and size > SMALLEST_FORCE:
            whole = size * np.sqrt(forces.size)
            some_none = bool((forces == 0).all(axis=1).any())
            self._net.append((float(np.linalg.norm(forces.sum(axis=0)) / whole), some_none))
            self._sizes.append(size)
            if "stress" in labels:
                self._stresses.append(float(np.sqrt((labels["stress"] ** 2).mean())))
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
        forces, change_of = _work(of_a["forces"], of_b["forces"], -step)
        stress = 0.0
        if np.abs(strain).max() > 1e-9:
            if "stress" not in of_a or "stress" not in of_b:
                self._unstressed += 1
                return
            volume = 0.5 * (a.get_volume() + b.get_volume())
            whole = [voigt_to_stress(of["stress"][None])[0] for of in (of_a, of_b)]
            stress, more = _work(whole[0], whole[1], volume * strain)
            change_of += more
        if forces or stress:
            self._rows.append((float(of_b["energy"] - of_a["energy"]), forces, stress, change_of))
            self._n_atoms.append(len(a))

    def checks(
        self, asked: FileLabels, length_unit: str = "Angstrom", *, virial: bool = False
    ) -> list[Check]:
        """All checks, those that had nothing to compare as well.

        Args:
            length_unit: of the file, as it was read.
            virial: whether stresses were read from virials.
        """
        rows = np.array(self._rows).reshape(-1, 4)
        rows[:, :3] /= (rows[:, 3] + FLOOR * np.median(rows[:, 3]) + 1e-12)[:, None]
        count = [int((rows[:, 1 + i] != 0).sum()) for i in (0, 1)]
        used = [i for i in (0, 1) if count[i] >= MIN_PAIRS]
        # pairs that differ in what cannot be told would be blamed on the other
        kept = rows[(rows[:, [1 + i for i in (0, 1) if i not in used]] == 0).all(axis=1)]
        found = dict(zip(used, slopes_of(kept[:, 0], kept[:, [1 + i for i in used]]), strict=False))
        n_atoms = float(np.median(self._n_atoms)) if self._n_atoms else 1.0
        return [
            _of_forces(count[0], found.get(0), _if_forces(asked, length_unit, n_atoms)),
            _of_stress(
                count[1], found.get(1), _if_stress(asked, n_atoms, virial=virial), self._unstressed
            ),
            _of_net_force(self._net),
            _of_size("size of forces", self._sizes, MAX_FORCE, "eV/A", "kcal/mol/A"),
            _of_size("size of stress", self._stresses, MAX_STRESS, "eV/A^3", "kbar or GPa"),
        ]


def _work(one: np.ndarray, two: np.ndarray, step: np.ndarray) -> tuple[float, float]:
    """Work of the mean of two forces along a step, and the size of that of half of what they
    differ by."""
    return float(0.5 * ((one + two) * step).sum()), abs(float(0.5 * ((two - one) * step).sum()))


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


@dataclass(frozen=True)
class Slope:
    """How much the energy changes with one kind of work.

    Attributes:
        value, low, high: with its 95 % interval.
        left: what both kinds leave over, as a share of this one's part of the change.
    """

    value: float
    low: float
    high: float
    left: float

    def verdict(self, explained: bool) -> str:
        """See :class:`Check`.

        Args:
            explained: whether there is a unit or a sign that would give this slope.
        """
        if self.left > MAX_LEFT:
            # far apart, but no trapezoid turns a sign, nor makes a slope three times too steep
            surely = self.left < 1 and explained and (self.high < 0 or self.low > STEEP)
            return "does not fit" if surely else "cannot be told"
        if self.high < FITS[0] or self.low > FITS[1]:
            # a slope that the trapezoid might have done
            close = NEAR_ONE[0] < self.value < NEAR_ONE[1]
            sure = self.left < SMALL_LEFT and explained if close else True
            return "does not fit" if sure else "cannot be told"
        narrow = self.high - self.low < MAX_WIDTH and FITS[0] < self.value < FITS[1]
        return "fits" if narrow else "cannot be told"


def slopes_of(change: np.ndarray, work: np.ndarray) -> list[Slope]:
    """The slope of each kind of work, with 95 % intervals from resampled pairs.

    Args:
        change: [P], of the energy; work: [P,K], of each kind; both times the weight of a pair.
    """
    if not work.shape[1] or not len(change):
        return []
    rng = np.random.default_rng(0)  # the same in every run
    draws = rng.integers(len(change), size=(RESAMPLES, len(change)))
    scale = np.abs(work).max(axis=0)
    best = least_absolute(work / scale, change) / scale
    found = np.array([least_absolute(work[i] / scale, change[i]) / scale for i in draws])
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    part = np.abs(best) * np.abs(work).sum(axis=0)
    left = np.abs(change - work @ best).sum() / np.maximum(part, 1e-300)
    return [Slope(*map(float, one)) for one in zip(best, low, high, left, strict=True)]


def _of_forces(count: int, slope: Slope | None, guesses: Guesses) -> Check:
    name = "forces against energies"
    if slope is None:
        text = (
            f"{count} pairs of frames one after another with atoms less than {MAX_STEP_A:g} A apart"
        )
        return _nothing(name, count, text)
    return _of_slope(name, "work of the forces", count, slope, guesses)


def _of_stress(count: int, slope: Slope | None, guesses: Guesses, unstressed: int) -> Check:
    name = "stress against energies"
    if slope is None:
        text = f"{count} pairs of frames one after another whose cells differ"
        text += f" and that have a stress ({unstressed} have none)" * bool(unstressed)
        return _nothing(name, count, text)
    return _of_slope(name, "work of the stress", count, slope, guesses)


def _nothing(name: str, count: int, text: str) -> Check:
    return Check(name, count, None, None, "cannot be told", f"{text}, {MIN_PAIRS} are needed")


def _of_slope(name: str, work: str, count: int, slope: Slope, guesses: Guesses) -> Check:
    value, ci95 = slope.value, (slope.low, slope.high)
    text = (
        f"energies change by {value:.3g} times the {work} ({slope.low:.3g} to {slope.high:.3g}, "
        f"over {count} pairs of frames), which should be 1"
    )
    likely = guess(value, ci95, guesses)
    verdict = slope.verdict(bool(likely))
    if verdict == "does not fit":
        text += f"; it looks like {likely}" if likely else "; neither a unit nor a sign explains it"
    elif verdict == "cannot be told":
        text += f"; {slope.left:.0%} of it are not explained: the frames are far apart"
    return Check(name, count, value, ci95, verdict, text)


def _of_net_force(net: Sequence[tuple[float, bool]]) -> Check:
    name = "sum of forces"
    if len(net) < MIN_PAIRS:
        return _nothing(name, len(net), f"{len(net)} frames of several atoms with forces")
    value = float(np.median([size for size, _ in net]))
    fixed = float(np.mean([some for _, some in net])) > 0.5
    text = (
        f"forces add up to {value:.2g} of the root of the sum of their squares (median of "
        f"{len(net)} frames), which should be 0"
    )
    if value > MAX_NET_FORCE or (fixed and value > MAX_NET_FORCE_OF_FIXED):
        text += "; are forces of fixed atoms set to zero, or those of some atoms missing?"
        return Check(name, len(net), value, None, "does not fit", text)
    return Check(name, len(net), value, None, "fits", text)


def _of_size(name: str, sizes: Sequence[float], most: float, unit: str, other: str) -> Check:
    if not sizes:
        return Check(
            name, 0, None, None, "cannot be told", f"no frame of several atoms has a {name[8:]}"
        )
    value = float(np.median(sizes))
    text = f"the root mean square is {value:.3g} {unit} (median of {len(sizes)} frames)"
    if value > most:
        text += f", more than {most:g}; are they in {other}?"
        return Check(name, len(sizes), value, None, "does not fit", text)
    return Check(name, len(sizes), value, None, "fits", text)


def _if_forces(asked: FileLabels, length_unit: str, n_atoms: float) -> Guesses:
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
        **{
            f"length_unit: {unit} of the source": factor / LENGTH[length_unit]
            for unit, factor in LENGTH.items()
        },
        "energies divided by the number of atoms": 1 / n_atoms,
    }


def _if_stress(asked: FileLabels, n_atoms: float, *, virial: bool) -> Guesses:
    scale, energy = STRESS[asked.stress_unit], ENERGY[asked.energy_unit]
    if virial:  # whose unit is the energy's
        other = "stress*volume" if asked.virial_is.startswith("-") else "-stress*volume"
        opposite, units = f"virial_is: {other}", {}
    else:
        other = "pressure" if asked.stress_positive_under == "tension" else "tension"
        opposite = f"stress_positive_under: {other}"
        units = {f"stress_unit: {unit}": factor / scale for unit, factor in STRESS.items()}
    return opposite, {
        **units,
        **{f"energy_unit: {unit}": energy / factor for unit, factor in ENERGY.items()},
        "energies divided by the number of atoms": 1 / n_atoms,
    }


def guess(value: float, ci95: tuple[float, float], guesses: Guesses) -> str:
    """What would explain a slope, as the config says it; nothing where nothing does."""
    opposite, factors = guesses
    sign = [opposite] * (value < 0)
    low, high = sorted(abs(end) for end in ci95)
    size = np.log(max(abs(value), 1e-12))
    if value < 0 and (low <= 1 <= high or abs(size) < NEAR):  # the unit is the one that was said
        return opposite
    away = {n: abs(size - np.log(f)) for n, f in factors.items() if abs(np.log(f)) > NEAR}
    order = sorted(away, key=away.__getitem__)
    near = [n for n in order if away[n] < NEAR or low <= factors[n] <= high]
    return ", and ".join([*sign, " or ".join(near[:3])]) if near else ""
