"""Dynamics: what keeps energy and what does not, and what a trajectory looks like."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from argon import crystal
from limbeck.config.sections.warrant import Physics
from limbeck.frames import concatenate, derive, from_atoms
from limbeck.physics import structure
from limbeck.physics.motion import drift, keep_energy, last
from limbeck.physics.starts import in_turn, of_dynamics
from limbeck.potentials.models.lab_frame import LabFrameError
from limbeck.potentials.models.toys import LennardJones
from limbeck.warrant.statistics import estimate_of

OWN = Physics(
    checks=["nve", "nvt", "structure"],
    nve_ps=0.6,
    nve_time_steps_fs=[5.0],
    nvt_ps=0.5,
    nvt_time_step_fs=5.0,
    supercell_radius_A=None,
)


def argon(count=2):
    atoms = [crystal(seed) for seed in range(count)]
    return from_atoms(atoms, groups=["Ar"] * count, source="argon")


def test_a_slope_is_found_and_its_interval_covers_it():
    time = np.linspace(0, 2, 101)
    assert drift(time, 3 + 0.004 * time).value == pytest.approx(4.0)  # meV/atom/ps
    rng, inside, trials = np.random.default_rng(0), 0, 300
    for _ in range(trials):
        noise = np.zeros(101)
        for n in range(1, 101):  # correlated looks, which white noise would be too sure of
            noise[n] = 0.7 * noise[n - 1] + rng.normal()
        found = drift(time, 0.002 * time + 1e-4 * noise)
        inside += found.low < 2.0 < found.high
    # the share is 95 % but for some bias of r in short series; binomial scatter is 1.3 %
    assert 0.86 < inside / trials <= 1


def test_too_few_looks_have_no_slope():
    assert not drift(np.arange(2.0), np.arange(2.0)).known
    assert not drift(np.arange(5.0), np.arange(5.0)).bounded


def test_a_gradient_keeps_the_energy_and_a_field_without_one_does_not():
    conservative = keep_energy(argon(), LennardJones(), OWN, seed=1)
    assert [row["cut"] for row in conservative] == ["", ""]
    # of the integrator alone, 0.002 and 0.011: far below the bar of 1 meV/atom/ps
    assert all(abs(row["drift"]["value"]) < 0.1 for row in conservative)
    # a planted curl of a third of the forces, 14 and 22
    planted = keep_energy(argon(), LabFrameError(LennardJones(), 0.3), OWN, seed=1)
    assert [row["cut"] for row in planted] == ["", ""]
    assert all(estimate_of(row["drift"]).low > 1.0 for row in planted)


def test_what_blows_up_is_cut_and_costs_no_other():
    good, bad = argon(1), crystal(1)
    bad.positions[1] = bad.positions[0] + [0.02, 0, 0]  # two atoms in one place
    frames = concatenate([good, from_atoms([bad], groups=["Ar"], source="argon")])
    rows = last(frames, LennardJones(), OWN, [50.0], seed=1)
    assert rows[0]["cut"] == ""
    assert rows[0]["displacement_A2"][0] > 0
    assert rows[1]["cut"] != ""
    assert "radial" not in rows[1]


def test_radial_distribution_of_a_perfect_crystal():
    """Twelve neighbours of copper at a / sqrt(2), six at a."""
    a = 3.6
    frames = from_atoms([bulk("Cu", "fcc", a, cubic=True).repeat(3)], groups=["Cu"], source="s")
    g = structure.radial(frames)["Cu-Cu"]
    edges = np.arange(0, structure.REACH + structure.BIN / 2, structure.BIN)
    shells, density = 4 / 3 * np.pi * np.diff(edges**3), 4 / a**3
    counts = g * shells * density
    below = edges[1:] < 3.0
    assert counts[below].sum() == pytest.approx(12)
    assert counts[(~below) & (edges[1:] < 4.0)].sum() == pytest.approx(6)


def test_the_difference_is_0_of_the_same_and_1_of_nothing_in_common():
    one, other = {"Cu-Cu": [0.0, 2.0]}, {"Cu-Ni": [1.0, 0.0]}
    nothing = [0.0] * (round(structure.REACH / structure.BIN) - 2)
    one = {pair: [*g, *nothing] for pair, g in one.items()}
    other = {pair: [*g, *nothing] for pair, g in other.items()}
    assert structure.radial_difference(one, one) == 0
    assert structure.radial_difference(one, other) == 1


def test_displacement_is_followed_over_the_edge_of_the_cell():
    """Two equal atoms that part at a constant velocity, far beyond their cell, which drifts."""
    atoms = Atoms("Ar2", [[1, 1, 1], [3, 3, 3]], cell=np.eye(3) * 5, pbc=True)
    start = from_atoms([atoms] * 40, groups=["Ar"] * 40, source="s")
    time = np.repeat(np.arange(40), 2)
    velocity = np.tile([[0.3, 0.7, 0], [-0.3, 0.7, 0]], (40, 1))
    positions = (start.positions + time[:, None] * velocity) % 5.0
    moved = derive(start, positions, start.cell, sampling="s", seed=0)
    found = structure.displacement(moved)
    lags = np.arange(1, len(found) + 1)
    assert found == pytest.approx((0.3 * lags) ** 2)  # the drift along y is the centre of mass


def test_starts_are_taken_in_turn_and_what_is_left_out_is_said():
    frames = [
        replace(argon(3), group=np.array([b"a", b"a", b"b"], dtype="S64")),
        from_atoms([bulk("Cu", cubic=True)], groups=["c"], source="copper"),
        from_atoms([Atoms("Ar", cell=np.eye(3) * 9, pbc=True)], groups=["d"], source="lone"),
    ]
    together = concatenate(frames)
    first = together.select(in_turn(together)[:3])
    assert sorted(first.source.tolist()) == [b"argon", b"copper", b"lone"]
    own = OWN.model_copy(update={"max_atoms": 10})
    found = of_dynamics(together, LennardJones(), own)
    assert found.frames.source.tolist() == [b"copper"]
    assert found.offered == 5
    reasons = sorted(left["reason"] for left in found.left_out)
    assert reasons == ["more than 10 atoms (warrant.physics.max_atoms)"] * 3 + [
        "one atom: nothing to sample"
    ]
