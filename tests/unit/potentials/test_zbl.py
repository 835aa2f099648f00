"""The repulsion of near nuclei: its formula, its slopes, and what it is added to."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.data import covalent_radii

from answers import (
    STATISTICS,
    crystals,
    force_slopes,
    gap,
    molecules,
    stress_of,
    stress_slopes,
    turning_gap,
)
from jobs_of import student as student_of
from limbeck.config.sections.students import NOT_WITH_CHARGES
from limbeck.frames import concatenate, derive, from_atoms
from limbeck.potentials.interface import About
from limbeck.potentials.models.toys import LennardJones
from limbeck.potentials.repulsion.dimers import EVERY, RATIOS, Repelling, attracting_pairs
from limbeck.potentials.repulsion.student import WithZbl
from limbeck.potentials.repulsion.zbl import close_pairs, repulsion, together
from limbeck.students import ARCHITECTURES, architecture, loop, new_student
from limbeck.students.handover import open_student
from limbeck.students.statistics import training_statistics
from limbeck.warrant.gaps import measure_gaps
from metals import SETTINGS, example, metals

CPU = torch.device("cpu")


def dimer(symbols, ratio):
    """Two atoms at a share of the sum of their covalent radii, along no axis."""
    atoms = Atoms(symbols)
    direction = np.array([1.0, 2.0, -2.0]) / 3
    atoms.positions[1] = ratio * covalent_radii[atoms.numbers].sum() * direction
    return from_atoms([atoms], groups=["dimer"], source="named")


def squeezed(scale=0.62):
    """The crystals with lengths so much shorter: neighbours repel each other, in part."""
    frames = crystals()
    return derive(frames, frames.positions * scale, frames.cell * scale, sampling="m", seed=0)


def repulsion_of(frames):
    return repulsion(together(close_pairs(frames), CPU))


def student(kind="nep", *, zbl=True, double=True):
    torch.manual_seed(0)
    made = architecture(kind).build("tiny", STATISTICS, name="tiny", device="cpu")
    if double:
        made.module.double()
        made.dtype = torch.float64
    return WithZbl(made) if zbl else made


def test_whole_it_is_what_ziegler_biersack_and_littmark_have():
    frames = dimer("NaCl", 0.4)
    r, a = 0.4 * (1.66 + 1.02), 0.46848 / (11**0.23 + 17**0.23)
    x = r / a
    screening = 0.18175 * exp(-3.1998 * x) + 0.50986 * exp(-0.94229 * x)
    screening += 0.28022 * exp(-0.4029 * x) + 0.02817 * exp(-0.20162 * x)
    # 14.3996 eV A is e^2 / 4 pi epsilon_0, to six digits
    assert float(repulsion_of(frames).energy) == pytest.approx(
        14.39964 * 11 * 17 / r * screening, rel=1e-6
    )


def test_it_is_switched_off_smoothly_and_gone_where_bonds_begin():
    whole, half, gone = (float(repulsion_of(dimer("CO", q)).energy) for q in (0.5, 0.65, 0.8))
    assert whole > half > 0
    assert gone == 0
    near = repulsion_of(dimer("CO", 0.7999))
    assert 0 < float(near.energy) < 1e-5
    assert float(near.forces.abs().max()) < 0.05  # no step in the force either
    assert not len(together(close_pairs(molecules()), CPU).first)
    assert not len(together(close_pairs(crystals()), CPU).first)


@pytest.mark.parametrize("kind", ["squeezed", "dimers"])
def test_forces_and_stress_are_slopes_of_the_energy(kind):
    made = student()
    frames = (
        squeezed() if kind == "squeezed" else concatenate([dimer("NaCl", 0.6), dimer("CO", 0.7)])
    )
    assert (repulsion_of(frames).energy > 0.5).all()
    # Central differences of 1e-5 A: third derivatives up to 1e5 eV/A^3 leave 2e-6.
    slopes = force_slopes(made, frames, [0, 1, 2], 1e-5)
    np.testing.assert_allclose(made.predict(frames).forces[:3], slopes, atol=1e-5)
    if kind == "squeezed":
        expected = stress_slopes(made, frames, 1e-5)
        np.testing.assert_allclose(stress_of(made, frames), expected, atol=1e-6)


@pytest.mark.parametrize("turns", ["proper", "improper"])
def test_a_turned_batch_is_a_batch_of_turned_frames(turns):
    found = turning_gap(student(), squeezed(), turns)
    assert max(found) < 1e-10  # forces of 1e2 eV/A in float64


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_every_architecture_can_have_it_and_is_opened_with_it(kind, tmp_path):
    frames = metals(1)
    near = derive(frames, frames.positions * 0.5, frames.cell * 0.5, sampling="m", seed=0)
    # nothing is learned: weights of losses, which students with charges have of their own, stay out
    untrained = {k: v for k, v in SETTINGS.items() if k not in NOT_WITH_CHARGES}
    own = student_of(untrained | {"architecture": kind, "zbl": True})
    torch.manual_seed(0)
    made = new_student(own, training_statistics(example()), device="cpu")
    assert made.built_with["zbl"]
    for part in (near.select(near.periodic), near.select(~near.periodic)):
        added = repulsion_of(part)
        assert (added.energy > 0).all()
        bare, found = made.inner.predict(part), made.predict(part)
        # sums of float32
        np.testing.assert_allclose(found.energy, bare.energy + added.energy.numpy(), rtol=1e-5)
        np.testing.assert_allclose(
            found.forces, bare.forces + added.forces.numpy(), rtol=1e-5, atol=1e-4
        )
    made.save(tmp_path)
    again = open_student(tmp_path)
    assert isinstance(again, WithZbl)
    assert again.about.weights.endswith(" zbl")
    np.testing.assert_array_equal(again.predict(near).forces, made.predict(near).forces)
    np.testing.assert_array_equal(made.predict(frames).forces, made.inner.predict(frames).forces)


def test_it_keeps_the_symmetries_of_its_network():
    (found,) = measure_gaps([student()], squeezed(), ["rotation"], 3)
    assert found["forces"]["value"] < 1e-6  # of float64; forces are 1e5 meV/A


def test_training_learns_what_is_left_of_the_labels():
    """Clusters so near that the repulsion acts: what is minimised is the error of the sum."""
    data = example(6)
    shorter = 0.72
    frames = derive(
        data.frames,
        data.frames.positions * shorter,
        data.frames.cell * shorter,
        sampling="m",
        seed=0,
    )
    data = replace(data, frames=frames)
    assert (repulsion_of(frames.select(frames.periodic)).energy > 1).any()
    own = student_of(SETTINGS | {"architecture": "nep", "zbl": True, "epochs": 12})
    torch.manual_seed(0)
    made = new_student(own, training_statistics(data), device="cpu")
    history = loop.train(made, data, data, own, np.random.default_rng(0))
    errors = [row[-1] for row in history.rows]
    assert min(errors) < 0.7 * errors[0]
    said = np.abs(made.predict(frames).forces - data.labels.forces).mean() * 1e3
    assert said == pytest.approx(min(errors), rel=0.3)  # of the sum, as it is asked


@pytest.mark.parametrize("kind", ["nep", "mace"])
def test_neighbours_last_while_atoms_move_within_the_skin(kind):
    made, frames = student(kind), squeezed()
    wide = made.prepare_wide(frames, 0.8)
    moves = np.random.default_rng(0).uniform(-0.1, 0.1, frames.positions.shape)
    there = derive(frames, frames.positions + moves, frames.cell * 1.01, sampling="m", seed=0)
    moved = made.moved(wide, torch.as_tensor(there.positions), torch.as_tensor(there.cell))
    assert max(gap(made.evaluate(moved), made.predict(there))) < 1e-6  # mace: constants of float32
    assert gap(made.evaluate(wide), made.predict(there)).forces > 1


def test_energies_of_atoms_add_up():
    made, frames = student(), squeezed()
    sums = np.bincount(frames.frame_of_atom, weights=made.atom_energies(made.prepare(frames)))
    np.testing.assert_allclose(sums, made.predict(frames).energy, rtol=1e-12)


class Argon(LennardJones):
    """Lennard-Jones of few elements, so that few dimers are asked about."""

    def __init__(self, radius_scale):
        super().__init__(radius_scale=radius_scale)
        self.about: About = replace(self.about, elements=frozenset({11, 17, 18}))


def test_pairs_that_attract_are_told_by_name():
    """A well at half the sum of covalent radii attracts at 0.6; one at the sum repels there."""
    assert attracting_pairs(Argon(1.0)) == []
    assert attracting_pairs(Argon(0.5)) == ["Ar-Ar", "Ar-Cl", "Ar-Na", "Cl-Cl", "Cl-Na", "Na-Na"]
    assert RATIOS[-1] == 0.7


def test_a_weak_attraction_is_gone_with_the_repulsion():
    statistics = replace(STATISTICS, elements=[6, 8], forces_rms=0.02)
    statistics = replace(statistics, reference_energies=np.zeros(2))
    torch.manual_seed(0)
    made = architecture("nep").build("tiny", statistics, name="weak", device="cpu")
    assert attracting_pairs(made)
    assert attracting_pairs(WithZbl(made)) == []


def trained_on(made, repelling, steps):
    """Some steps of Adam on its cost alone."""
    made.module.train()
    rng, adam = np.random.default_rng(1), torch.optim.Adam(made.module.parameters(), 0.03)
    for _ in range(steps):
        adam.zero_grad()
        cost = repelling.cost(rng)
        cost.backward()
        adam.step()


def test_a_training_ends_the_attraction_of_near_pairs():
    """Negative control: the same with the other sign makes it, in spite of the repulsion."""
    statistics = replace(STATISTICS, elements=[6, 8], reference_energies=np.zeros(2))
    torch.manual_seed(0)
    made = WithZbl(architecture("nep").build("tiny", statistics, name="near", device="cpu"))
    trained_on(made, Repelling(made, -1.0), 150)
    assert attracting_pairs(made)
    # each step has 16 of 72 dimers: a hundred have each of them some twenty times
    trained_on(made, Repelling(made, 1.0), 100)
    assert attracting_pairs(made) == []


@pytest.mark.parametrize("zbl", [True, False])
def test_students_with_a_repulsion_are_asked_to_repel(zbl, monkeypatch):
    asked = []
    monkeypatch.setattr(Repelling, "cost", lambda self, rng: asked.append(1) or torch.zeros(()))
    own = student_of(
        SETTINGS | {"architecture": "nep", "zbl": zbl, "patience": None, "steps": 2 * EVERY}
    )
    made = new_student(own, training_statistics(example()), device="cpu")
    loop.train(made, example(), example(), own, np.random.default_rng(0))
    assert len(asked) == 2 * zbl


def test_what_is_not_a_number_attracts():
    class Lost(Argon):
        def evaluate(self, batch):
            found = super().evaluate(batch)
            return replace(found, values=found.values | {"forces": found.forces * np.nan})

    assert len(attracting_pairs(Lost(1.0))) == 6


def test_a_lattice_of_one_atom_repels_its_own_images():
    lattice = bulk("Na", "sc", a=2.0)  # its next neighbours are out of reach
    found = repulsion_of(from_atoms([lattice], groups=["Na"], source="named"))
    one = repulsion_of(dimer("Na2", 2.0 / (2 * 1.66)))
    assert float(found.energy) == pytest.approx(3 * float(one.energy))
    assert float(found.forces.abs().max()) < 1e-12
