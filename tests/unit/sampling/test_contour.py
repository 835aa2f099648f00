"""Contour exploration: frames have the energy asked for, and go somewhere."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

import limbeck.sampling.contour as contour
from jobs_of import sample_job
from limbeck.frames import Frames, from_atoms
from limbeck.potentials.models.toys import LennardJones
from limbeck.properties import Predictions
from limbeck.reasons import FAILED, LONE_ATOM, NOT_FINITE, TOO_NEAR, UNKNOWN_ELEMENT
from limbeck.sampling import Sample, sample

SETTINGS = {
    "seed": 1,
    "sampling": "walk",
    "source": "s",
    "shard": 0,
    "device": "cpu",
    "threads": 1,
    "potential": {"name": "toy", "model": "lj"},
    "supercell_radius_A": None,
    "supercell_matrix": None,
    "relax_input_cell": "constant_volume",
    "relax_force_tolerance_eV_per_A": 0.01,
    "relax_steps": 300,
    "energy_target_eV_per_atom": 0.03,
    "energy_tolerance_eV_per_atom": 0.005,
    "n_frames": 5,
    "interval_steps": 4,
    "max_steps": 200,
    "max_step_A": 0.5,
    "angle_limit_deg": 20.0,
    "parallel_drift": 0.1,
    "min_distance_ratio": 0.5,
}
ARGON = bulk("Ar", "fcc", 2.95, cubic=True)
CLUSTER = Atoms("Ar4", [[0, 0, 0], [1.5, 1.5, 0], [1.5, 0, 1.5], [0, 1.5, 1.5]])


def frames_of(*structures: Atoms) -> Frames:
    return from_atoms(structures, groups=["g"] * len(structures), source="s")


def walk(parents: Frames, **changes) -> Sample:
    return sample(parents, sample_job("contour", SETTINGS | changes))


def cuts(result: Sample) -> list[str]:
    return [row[result.columns.index("cut")] for row in result.rows]


def column(result: Sample, name: str) -> np.ndarray:
    return np.array([row[result.columns.index(name)] for row in result.rows], dtype=float)


def test_frames_have_the_energy_of_the_contour():
    parents = frames_of(ARGON, CLUSTER)
    made = walk(parents)
    assert cuts(made) == ["", ""]
    assert len(made.frames) == 10
    potential = LennardJones()
    energy = potential.predict(made.frames).energy / made.frames.n_atoms
    target = np.repeat(column(made, "energy_target_eV_per_atom"), 5)
    assert np.abs(energy - target).max() <= 0.005 + 1e-6  # the table rounds to 1e-6
    infos = [made.frames.info_of(b) for b in range(10)]
    np.testing.assert_allclose([i["energy_eV_per_atom"] for i in infos], energy, atol=1e-9)
    # above the relaxed structure, by what was asked
    start = column(made, "energy_start_eV_per_atom")
    np.testing.assert_allclose(column(made, "energy_target_eV_per_atom") - start, 0.03, atol=2e-6)


def test_another_target_gives_other_energies():
    # Negative control: the frames above are not there by the structure alone.
    low, high = (
        column(walk(frames_of(ARGON), energy_target_eV_per_atom=target), "energy_eV_per_atom")
        for target in (0.02, 0.08)
    )
    np.testing.assert_allclose(high - low, 0.06, atol=0.01)  # twice the tolerance


def test_frames_move_away_from_each_other():
    made = walk(frames_of(ARGON), n_frames=10).frames
    places = made.positions.reshape(10, -1, 3)
    distances = np.linalg.norm(places[:, None] - places, axis=(2, 3))[np.triu_indices(10, 1)]
    # A frame is at least four steps from the next; steps go across, not back and forth.
    assert distances.min() > 0.05
    # about a resting centre of mass
    middle = np.tile(ARGON.positions.mean(axis=0), (10, 1))
    np.testing.assert_allclose(places.mean(axis=1), middle, atol=1e-6)


def test_children_of_a_supercell_keep_their_ancestry():
    parents = frames_of(bulk("Ar", "fcc", 2.95))
    made = walk(parents, supercell_radius_A=4.0).frames
    assert set(made.parent) == set(made.root) == set(parents.id)
    assert (made.n_atoms == 8).all()
    assert made.info_of(0)["supercell"] == np.diag([2, 2, 2]).tolist()
    assert made.info_of(0)["step"] < made.info_of(1)["step"]


def test_walks_do_not_depend_on_the_shard():
    together = walk(frames_of(CLUSTER, ARGON)).frames
    alone = walk(frames_of(ARGON)).frames
    np.testing.assert_array_equal(together.id[5:], alone.id)
    other = walk(frames_of(ARGON), seed=2).frames
    assert not set(alone.id) & set(other.id)


def test_hard_structures_are_set_aside_with_their_reason():
    fused = CLUSTER.copy()
    fused.positions[1] = [0.5, 0, 0]
    made = walk(
        frames_of(Atoms("Cu"), bulk("Si"), molecule("CO"), bulk("Cu", "fcc", 3.6)),
        potential={"name": "toy", "model": "emt"},
    )
    assert cuts(made) == [LONE_ATOM, UNKNOWN_ELEMENT, "", LONE_ATOM]
    assert cuts(walk(frames_of(fused))) == [TOO_NEAR]
    assert len(made.frames) == 5
    assert column(made, "frames").tolist() == [0, 0, 5, 0]


def test_a_target_that_is_not_reached_is_a_reason(monkeypatch):
    job = sample_job("contour", SETTINGS)
    short = job.sampling.model_copy(update={"max_steps": 12})  # fewer than a config may ask for
    few = sample(frames_of(ARGON), job.model_copy(update={"sampling": short}))
    assert cuts(few) == ["12 steps made"]
    assert 0 < len(few.frames) < 5
    monkeypatch.setattr(contour, "MAX_TRIES", 1)
    assert cuts(walk(frames_of(ARGON))) == [contour.NOT_REACHED]


@pytest.mark.parametrize("strained", [False, True], ids=["at-rest", "strained"])
def test_walks_start_on_the_contour(strained):
    # A start that is not at rest may first go down.
    rattled = ARGON.copy()
    rattled.rattle(0.1 if strained else 0.0, seed=1)
    made = walk(frames_of(rattled), relax_input_cell="none", energy_target_eV_per_atom=0.1)
    first = made.trace.rows[0][2]
    np.testing.assert_allclose(first, column(made, "energy_target_eV_per_atom"), atol=0.005)
    # and no step leads far away from it
    assert np.abs(np.array([row[2] for row in made.trace.rows]) - first).max() < 0.1


@pytest.mark.parametrize(
    ("rise", "factor"),
    [(np.nan, 0.5), (np.inf, 0.5), (-1.0, 2.0), (0.25, 2.0), (4.0, 0.5), (1e6, 0.5)],
)
def test_displacements_are_corrected_by_the_harmonic_rule(rise, factor):
    assert contour._correction(rise) == factor


def test_a_cluster_that_evaporates_is_cut():
    # Beyond the cut-off of 6 A there is no force, and so no contour.
    made = walk(frames_of(CLUSTER), energy_target_eV_per_atom=0.15, max_steps=1000, max_step_A=2.0)
    assert cuts(made) == [contour.NO_FORCE]
    assert np.isfinite(made.frames.positions).all()


class Breaking(LennardJones):
    """Answers well so many times, then no more."""

    def __init__(self, good: int, how: str) -> None:
        super().__init__()
        self.left, self.how = good, how

    def evaluate(self, batch) -> Predictions:
        self.left -= 1
        answer = super().evaluate(batch)
        if self.left < 0:
            if self.how == "raise":
                raise RuntimeError("no neighbours found")
            answer.forces[:] = np.nan
        return answer


@pytest.mark.parametrize(
    ("how", "reason"), [("raise", FAILED), ("nan", NOT_FINITE)], ids=["raise", "nan"]
)
def test_a_walk_that_breaks_keeps_its_good_frames(monkeypatch, how, reason):
    monkeypatch.setattr(contour, "open_planned", lambda *_: Breaking(20, how))
    made = walk(frames_of(ARGON), relax_input_cell="none")
    assert cuts(made) == [reason]
    assert 0 < len(made.frames) < 5
    assert np.isfinite(made.frames.positions).all()


def test_the_trace_has_every_step():
    made = walk(frames_of(ARGON, CLUSTER))
    for b, name in enumerate(frames_of(ARGON, CLUSTER).id):
        steps = [row for row in made.trace.rows if row[0] == name.decode()]
        assert [row[1] for row in steps] == list(range(int(column(made, "steps")[b]) + 1))
    assert made.trace.columns[1:] == ("step", "energy_eV_per_atom")
