"""The floor under conservative students: what a planted curl puts there, and nothing without."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from limbeck.frames import from_atoms
from limbeck.potentials.models.lab_frame import LabFrameError
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.properties import Predictions
from limbeck.warrant.conservativity import AMPLITUDE
from limbeck.warrant.floor import KINDS, floor_under, measure_floor
from planted import Planted, real_frames

CURL = 0.3  # eV/A^2
MOST = 1000


class Field(Planted):
    """F = c n x r, n along z of the laboratory, and k times the way to the next atom.

    The first has a curl in every orientation, which no mean over orientations has: the mean of n
    is zero. The antisymmetric part of its Jacobian is all of it, |n x d|^2 is 2/3 |d|^2 in the
    mean over directions, and with |d|^2 = N a^2, a the amplitude, a component has c^2 a^2 2/9.

    The second is a spring from each even atom to the one after it, of which the latter feels
    nothing: 3 x 3 blocks k / 2 and -k / 2 of the antisymmetric part for a pair, 3 k^2 / 2 its
    square, so that a component of a pair of atoms has a^2 / 3 * 3 k^2 / 2 / 6 = a^2 k^2 / 12.
    """

    def __init__(self, curl, spring):
        super().__init__()
        self.curl, self.spring = curl, spring

    def prepare(self, frames):
        return frames  # about the origin of the frames themselves, not brought near it

    def evaluate(self, batch):
        forces = self.curl * np.cross([0.0, 0.0, 1.0], batch.positions)
        forces[::2] += self.spring * (batch.positions[1::2] - batch.positions[::2])
        return Predictions(np.zeros(len(batch)), forces, np.full((len(batch), 6), np.nan))


def pairs(count=600):
    rng = np.random.default_rng(0)
    atoms = [Atoms("HF", rng.normal(size=(2, 3))) for _ in range(count)]
    groups = [f"g{number}" for number in range(count)]
    return from_atoms(atoms, groups=groups, source="pairs")


OF_CURL = 1e3 * CURL * AMPLITUDE * np.sqrt(2) / 3
OF_SPRING = 1e3 * CURL * AMPLITUDE / np.sqrt(12)


def values(found):
    return {kind: found[kind]["forces"]["value"] for kind in KINDS}


def test_the_floor_of_a_planted_curl():
    both = np.hypot(OF_CURL, OF_SPRING)
    # Means of 600 squares with a spread of about 1.5 times themselves: 6 % of the square, 3 % of
    # the root; three times that.
    near = {"rel": 0.1}
    spring = values(measure_floor(Field(0.0, CURL), pairs(), MOST))
    assert list(spring.values()) == [pytest.approx(OF_SPRING, **near)] * 3
    found = values(measure_floor(Field(CURL, CURL), pairs(), MOST))
    # the two add up as squares where a mean over directions of both is taken
    assert found["as_given"] == pytest.approx(both, **near)
    assert found["one_view"] == pytest.approx(both, **near)
    # what the labels' average takes away is no part of the floor of averages
    assert found["mean"] == pytest.approx(OF_SPRING, rel=0.2)


def test_a_mean_over_views_has_no_floor_where_its_curl_averages_out():
    found = measure_floor(Field(CURL, 0.0), pairs(), MOST)
    # products of two independent loops: sqrt(1 / 600) of the square, 20 % of its root at most
    assert found["mean"]["forces"]["value"] < 0.4 * OF_CURL
    assert found["mean"]["forces"]["ci95"][0] == 0
    assert found["one_view"]["forces"]["value"] == pytest.approx(OF_CURL, rel=0.1)


def test_no_conservative_field_is_better_and_the_best_one_reaches_it():
    """The bound against errors of fields on the sphere, of the best and of others."""
    rng = np.random.default_rng(1)
    field, frames = Field(CURL, CURL), pairs(400)
    bound = measure_floor(field, frames, MOST)["as_given"]["forces"]["value"]
    d = rng.normal(size=(len(frames), 6))
    d *= AMPLITUDE * np.sqrt(2) / np.linalg.norm(d, axis=1)[:, None]
    moved = replace(frames, positions=frames.positions + d.reshape(-1, 3))
    change = (field.evaluate(moved).forces - field.evaluate(frames).forces).reshape(-1, 6)
    jacobian = CURL * np.kron(np.eye(2), [[0, -1, 0], [1, 0, 0], [0, 0, 0]])
    jacobian += CURL * np.kron([[-1, 1], [0, 0]], np.eye(3))

    def error(matrix):
        return 1e3 * np.sqrt(((change - d @ matrix.T) ** 2).mean())

    best = (jacobian + jacobian.T) / 2
    # 400 points and 400 loops, 4 % each
    assert error(best) == pytest.approx(bound, rel=0.12)
    assert error(np.zeros((6, 6))) > 1.2 * bound
    other = rng.normal(size=(6, 6))
    assert error(best + 0.1 * (other + other.T)) > bound
    # the negative control: one that is no gradient can be right
    assert error(jacobian) < 1e-9


@pytest.mark.parametrize("potential", [LennardJones(), EffectiveMedium()], ids=["lj", "emt"])
def test_a_conservative_teacher_puts_no_floor_anywhere(potential):
    found = values(measure_floor(potential, real_frames(), 10))
    # What is left is rounding (in meV/A; forces are 0.2 to 10 eV/A).
    assert max(found.values()) < 1e-6


def test_what_the_lab_frame_error_of_a_toy_leaves_in_the_mean():
    """Its mean over orientations is the conservative potential itself; a single view has a curl."""
    cells = [bulk("Cu", cubic=True) for _ in range(60)]
    for seed, cell in enumerate(cells):
        cell.rattle(0.05, seed=seed)
    frames = from_atoms(cells, groups=[f"g{n}" for n in range(60)], source="copper")
    found = measure_floor(LabFrameError(EffectiveMedium(), 0.3), frames, MOST)
    single = found["one_view"]["forces"]
    assert single["ci95"][0] > 0
    assert found["mean"]["forces"]["ci95"][0] == 0
    assert found["mean"]["forces"]["value"] < 0.6 * single["value"]


def test_which_floor_is_under_which_labels():
    measured = measure_floor(Field(CURL, CURL), pairs(10), MOST)
    for views, kind in (("as_given", "as_given"), (1, "one_view"), (12, "mean")):
        found = floor_under(measured, views)
        assert found["labels"] == kind
        assert found["value"] == measured[kind]["forces"]["value"]
        assert found["by_source"]["pairs"]["value"] == found["value"]
        assert found["n_frames"] == 10


def test_only_so_many_frames_are_measured_and_unequivariant_ones_in_three_views():
    potential = Field(CURL, CURL)
    found = measure_floor(potential, pairs(10), 4)
    assert (found["n_frames"], found["n_evaluations"], found["n_views"]) == (4, 4 * 3 * 16, 3)
    potential.about = replace(potential.about, equivariant=True)
    assert measure_floor(potential, pairs(10), 4)["n_views"] == 1
