"""Work around closed loops: nothing for a gradient, and what is planted for a field with a curl."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from limbeck.frames import from_atoms
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.properties import Predictions
from limbeck.warrant import conservativity
from limbeck.warrant.conservativity import AMPLITUDE, measure_conservativity, work
from planted import Planted, holds, real_frames, trajectories

CURL = 0.3  # eV/A^2


class Whirl(Planted):
    """F = c z x r for every atom; twice c is its curl.

    Around a loop of radius a, the work by path length is c a sum_i (u_i x v_i)_z for orthonormal
    directions u, v of the 3N coordinates. B with u.Bv that sum has |B|^2 = 2N, so that the mean
    square over directions is 2N / (3N (3N - 1)), and a^2 = N AMPLITUDE^2.
    """

    def prepare(self, frames):
        return frames  # about the origin of the frames themselves, not brought near it

    def evaluate(self, batch):
        forces = self.scale * np.cross([0.0, 0.0, 1.0], batch.positions)
        return Predictions(np.zeros(len(batch)), forces, np.full((len(batch), 6), np.nan))


def mean_square(n):
    """Of the work by path length of :class:`Whirl`, (eV/A)^2, for n atoms."""
    return (CURL * AMPLITUDE) ** 2 * n * 2 / (3 * (3 * n - 1))


class Counting(LennardJones):
    def __init__(self):
        super().__init__()
        self.answered = 0

    def prepare(self, frames):
        self.answered += len(frames)
        return super().prepare(frames)


@pytest.mark.parametrize("potential", [LennardJones(), EffectiveMedium()], ids=["lj", "emt"])
def test_a_gradient_does_no_work(potential):
    """Found: 1e-9 to 1e-6 meV/A for forces of 0.2 to 10 eV/A, after 16 points."""
    found = measure_conservativity([potential], real_frames())["work"]
    assert found["value"] <= found["numerical_error"]["value"]
    assert (
        found["relative"]["value"] < 1e-8
    )  # smooth: nothing is left at 16 points but the last digits
    assert found["n_points"] <= 32


def test_planted_work_lies_in_its_interval(monkeypatch):
    # as many frames as there are, so that the mean over them is that of the population
    monkeypatch.setattr(conservativity, "_MOST_FRAMES", None)
    atoms = [Atoms("H4", np.random.default_rng(s).normal(size=(4, 3))) for s in range(25)]
    held = 0
    for seed in range(100):
        moved = [a.copy() for a in atoms]
        for number, a in enumerate(moved):
            a.rattle(0.1, seed=100 * seed + number)
        frames = from_atoms(moved, groups=["a"] * 25, source="synthetic")
        found = measure_conservativity([Whirl(CURL)], frames)
        held += holds(found["work"], 1e3 * np.sqrt(mean_square(4)))
    # 95 % is promised; below 90 of 100 has a chance of 1 % at 95 %
    assert held >= 90


def test_planted_work_of_many_loops():
    frames = trajectories(0, roots=400, periodic=False)
    found = work(Whirl(CURL), frames)
    expected = np.mean([mean_square(n) for n in frames.n_atoms])
    # a mean of about 1000 squares of nearly Gaussian numbers: sqrt(2 / 1000) = 4.5 %
    assert found["work"].mean() == pytest.approx(expected, rel=0.15)
    # linear forces are integrated exactly by 4 points: the doublings changed nothing
    assert np.sqrt(found["error"].max()) < 1e-12
    # 8 points tell that 4 were enough, and 16 that this was no chance
    assert set(found["evaluations"]) <= {8, 16}


def test_negative_control_a_conservative_force_of_the_same_size_does_none():
    class Spring(Whirl):
        def evaluate(self, batch):
            answer = super().evaluate(batch)
            return replace(answer, forces=-self.scale * batch.positions)

    found = measure_conservativity([Spring(CURL)], trajectories(0, periodic=False))["work"]
    assert found["value"] < 1e-10  # rounding


def test_points_are_doubled_where_the_loop_needs_it_and_used_again():
    smooth = from_atoms([Atoms("Ar2", [[0, 0, 0], [3.8, 0, 0]])], groups=["a"], source="s")
    rough = bulk("Cu", cubic=True)  # perfect: a shell of neighbours lies near the cut-off
    rough.rattle(0.01, seed=0)
    rough = from_atoms([rough], groups=["b"], source="r")
    potential = Counting()
    potential.cutoff = 3.61 + 0.01  # forces jump as neighbours come and go
    points = []
    for frames in (smooth, rough):
        potential.answered = 0
        points.append(work(potential, frames)["evaluations"][0])
        assert potential.answered == points[-1]  # each point once
    assert points[0] == 16
    assert points[1] > 16


def test_work_is_reported_by_seed_and_source():
    frames = trajectories(1, periodic=False)
    found = measure_conservativity([Whirl(CURL), Whirl(3 * CURL)], frames)
    one = measure_conservativity([Whirl(CURL)], frames)["work"]["value"]
    assert found["work"]["by_seed"] == pytest.approx([one, 3 * one])  # the same loops
    assert found["work"]["value"] == pytest.approx(np.sqrt(5) * one)
    assert found["n_frames"] == 50  # the most that are measured
    by_source = found["by_source"]["synthetic"]["work"]
    assert by_source["value"] == found["work"]["value"]
