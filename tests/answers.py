"""Frames without symmetry of their own, and questions that every potential has to answer."""

from typing import NamedTuple

import numpy as np
from ase.build import bulk, molecule

from limbeck.frames import derive, from_atoms
from limbeck.geometry import turn, voigt_to_stress
from limbeck.potentials.trainable import Statistics
from limbeck.symmetry.reflection import random_improper
from limbeck.symmetry.rotation import haar_rotations

#: a strained cell: no axis is special
SHEAR = np.array([[1.02, 0.03, 0], [0, 0.98, 0.01], [0, 0, 1.04]])
ELEMENTS = [1, 6, 8, 11, 12, 17]
#: what a student is told of a set of these elements, with figures that are easy to recognise
STATISTICS = Statistics(
    elements=ELEMENTS,
    reference_energies=np.array([-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]),
    energy_mean=0.1,
    energy_std=0.5,
    forces_rms=0.7,
    stress_rms=0.02,
)
KINDS_OF_TURN = {"proper": haar_rotations, "improper": random_improper}


class Gap(NamedTuple):
    """Largest difference of two answers: eV, eV/Angstrom, eV/Angstrom^3 (0 where isolated)."""

    energy: float
    forces: float
    stress: float


def crystals():
    """Rattled and strained rocksalt: NaCl with 8 atoms, MgO with 4."""
    salt = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    oxide = bulk("MgO", "rocksalt", a=4.21).repeat((2, 1, 1))
    for seed, atoms in enumerate((salt, oxide)):
        atoms.rattle(0.1, seed=seed)
        atoms.set_cell(atoms.cell @ SHEAR, scale_atoms=True)
    return from_atoms([salt, oxide], groups=["NaCl", "MgO"], source="named")


def molecules():
    """Rattled ethanol and water, isolated."""
    structures = [molecule("CH3CH2OH"), molecule("H2O")]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.05, seed=seed)
    return from_atoms(structures, groups=["ethanol", "water"], source="named")


def left_handed():
    """The mirror images of the crystals: cells of negative determinant."""
    return turn(crystals(), np.tile(np.diag([1.0, 1.0, -1.0]), (2, 1, 1)))


FRAMES = {"crystals": crystals, "left-handed": left_handed, "molecules": molecules}


def gap(a, b):
    """How far two answers are from each other; NaN where energy or forces are not finite."""
    np.testing.assert_array_equal(np.isnan(a.stress), np.isnan(b.stress))
    stress = np.nan_to_num(a.stress) - np.nan_to_num(b.stress)
    differences = (a.energy - b.energy, a.forces - b.forces, stress)
    return Gap(*(float(np.abs(d).max()) for d in differences))


def turning_gap(potential, frames, turns):
    """A turned batch against a batch of turned frames."""
    q = KINDS_OF_TURN[turns](len(frames), np.random.default_rng(0))
    return gap(
        potential.evaluate(potential.rotate(potential.prepare(frames), q)),
        potential.evaluate(potential.prepare(turn(frames, q))),
    )


def cutting_gap(potential, frames):
    """All frames in batches as large as they may be, against one frame at a time."""
    together = potential.predict(frames)
    before, potential.batch_atoms = potential.batch_atoms, 1
    alone = potential.predict(frames)
    potential.batch_atoms = before
    return gap(together, alone)


def force_slopes(potential, frames, rows, step):
    """-dE/dx of some atoms by central differences, [rows,3], eV/Angstrom."""
    result = np.empty((len(rows), 3))
    for i, row in enumerate(rows):
        for axis in range(3):
            shift = np.zeros_like(frames.positions)
            shift[row, axis] = step
            up, down = (
                derive(frames, frames.positions + sign * shift, frames.cell, sampling="m", seed=0)
                for sign in (1, -1)
            )
            difference = potential.predict(up).energy - potential.predict(down).energy
            result[i, axis] = -difference.sum() / (2 * step)
    return result


def stress_slopes(potential, frames, step):
    """dE/d(strain) / V by central differences, [B,3,3], eV/Angstrom^3."""
    volume = np.abs(np.linalg.det(frames.cell))
    result = np.empty((len(frames), 3, 3))
    for i in range(3):
        for j in range(3):
            energies = []
            for sign in (1, -1):
                strain = np.zeros((3, 3))
                strain[i, j] += sign * step / 2
                strain[j, i] += sign * step / 2
                grown = (
                    frames.positions @ (np.eye(3) + strain),
                    frames.cell @ (np.eye(3) + strain),
                )
                energies.append(potential.predict(derive(frames, *grown, sampling="s", seed=0)))
            result[:, i, j] = (energies[0].energy - energies[1].energy) / (2 * step) / volume
    return result


def stress_of(potential, frames):
    """Predicted stress as tensors [B,3,3]."""
    return voigt_to_stress(potential.predict(frames).stress)
