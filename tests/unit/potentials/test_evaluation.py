"""One policy for whatever asks a model: too little memory, a lost device, one bad frame."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from argon import SETTINGS, crystal
from jobs_of import label_set, sampling
from limbeck.averaging.orbit import orbit
from limbeck.averaging.views import Views
from limbeck.frames import from_atoms
from limbeck.labelling.isolated_atoms import isolated_energies
from limbeck.labelling.label import label
from limbeck.potentials.devices import DeviceLost
from limbeck.potentials.models.toys import LennardJones
from limbeck.potentials.speed import measure_speeds
from limbeck.preparation.relaxation import relax
from limbeck.sampling.annotate import annotate
from limbeck.sampling.dynamics.run import run_dynamics
from limbeck.selection.fair import priorities_by_spread
from limbeck.students.evaluation import answer
from limbeck.symmetry.rotation import Rotation
from limbeck.warrant.accuracy import measure_errors
from limbeck.warrant.choose_views import choose_views
from limbeck.warrant.gaps import measure_gaps
from limbeck.warrant.grids import certify

#: the frame that the model fails on
BAD = 2


class Failing(LennardJones):
    """Lennard-Jones that raises on krypton (so often), on more atoms than fit, or always."""

    def __init__(self, raises=None, most_atoms=10**9, lost=False, times=10**9):
        super().__init__(batch_atoms=10**6)
        self.raises, self.most_atoms, self.lost = raises, most_atoms, lost
        self.calls, self.times = 0, times

    def prepare(self, frames):
        self.calls += 1
        if self.lost:
            raise RuntimeError("CUDA error: unspecified launch failure")
        if len(frames.numbers) > self.most_atoms:
            raise MemoryError("Unable to allocate")
        if self.raises in frames.numbers and self.times:
            self.times -= 1
            raise RuntimeError("a neighbour is missing")
        return super().prepare(frames)


@pytest.fixture
def frames():
    """Six rattled crystals, all of argon but one."""
    structures = [crystal(seed) for seed in range(6)]
    structures[BAD].numbers[:] = 36
    return from_atoms(structures, groups=["g"] * 6, source="argon")


def labels_of(frames, potential=None):
    return label(potential or LennardJones(), frames, Views(), max_force=1e9)


MD = SETTINGS | {"time_total_fs": 25.0, "min_distance_ratio": 0.0}


def trajectories(potential, frames):
    record = run_dynamics(frames, potential, sampling("md", MD), seed=1, place="md/argon/0")
    return record.cut == ""


#: question -> which of the frames have an answer, bool [B]
QUESTIONS = {
    "labels": lambda p, f: labels_of(f, p).status == 0,
    "orbit": lambda p, f: np.isfinite(orbit(p, f, Rotation(), 2, "test").energy).all(axis=0),
    "score": lambda p, f: np.isfinite(priorities_by_spread(p, f, views=2, prefer="low")),
    "student": lambda p, f: np.isfinite(answer(p, f).energy),
    "kept": lambda p, f: np.isfinite(annotate(f, p, ["energy"]).extra["energy"]),
    "dynamics": trajectories,
    "relaxation": lambda p, f: relax(f, p, "only_atoms", force_tolerance=9.0, steps=2).converged,
}
#: question -> frames that were measured, and left out
MEASUREMENTS = {
    "gap by turned batches": lambda p, f: measure_gaps([p], f, ["rotation"], 2)[0],
    "gap by views": lambda p, f: measure_gaps([p], f, ["permutation"], 2)[0],
    "conservativity": lambda p, f: measure_gaps([p], f, ["conservativity"], 2)[0],
    "consistency": lambda p, f: measure_gaps([p], f, ["consistency"], 2)[0],
    "errors": lambda p, f: measure_errors([p], f, labels_of(f), "lj"),
    "grids": lambda p, f: certify(p, f, [Views(), Views(quadrature="tetrahedral")], 4),
    "speed": lambda p, f: measure_speeds([(p, "teacher")], f, rounds=1, seconds=0.01)[0],
}
LONE = {
    "isolated atoms": lambda p, f: isolated_energies(p, ["Ar"]),
    "choice of views": lambda p, f: choose_views(
        p,
        f,
        label_set({"auto": {"n_frames": 6, "views": 2, "student_error_meV_per_A": 1.0}}),
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_one_bad_frame_is_set_aside(frames, question, caplog):
    good = QUESTIONS[question](Failing(raises=36), frames)
    assert good.tolist() == [b != BAD for b in range(6)]
    assert "a neighbour is missing" in caplog.text
    # negative control: without the fault all have an answer
    assert QUESTIONS[question](Failing(), frames).all()


@pytest.mark.parametrize("question", MEASUREMENTS)
def test_one_bad_frame_is_left_out_and_counted(frames, question):
    found = MEASUREMENTS[question](Failing(raises=36), frames)
    assert (found["n_frames"], found["n_left_out"]) == (5, 1)
    found = MEASUREMENTS[question](Failing(), frames)
    assert (found["n_frames"], found["n_left_out"]) == (6, 0)


@pytest.mark.parametrize("question", [*QUESTIONS, *MEASUREMENTS])
def test_a_failure_that_passes_costs_no_frame(frames, question):
    """It strikes the batch, the half, and the frame alone; asked once more, it answers."""
    passing = Failing(raises=36, times=3)
    if question in QUESTIONS:
        assert QUESTIONS[question](passing, frames).all()
    else:
        found = MEASUREMENTS[question](passing, frames)
        assert (found["n_frames"], found["n_left_out"]) == (6, 0)
    assert passing.times == 0


@pytest.mark.parametrize("question", [*QUESTIONS, *MEASUREMENTS])
def test_what_does_not_fit_into_memory_is_asked_in_halves(frames, question, caplog):
    """32 atoms a frame: two of them fit."""
    small = Failing(most_atoms=64)
    if question in QUESTIONS:
        assert QUESTIONS[question](small, frames).all()
    else:
        found = MEASUREMENTS[question](small, frames)
        assert (found["n_frames"], found["n_left_out"]) == (6, 0)
    assert "does not fit into memory and is halved" in caplog.text or "are not timed" in caplog.text


@pytest.mark.parametrize("question", [*QUESTIONS, *MEASUREMENTS, *LONE])
def test_a_lost_device_stops_at_once_and_is_named(frames, question):
    gone = Failing(lost=True)
    asked = (QUESTIONS | MEASUREMENTS | LONE)[question]
    with pytest.raises(DeviceLost, match="device: cpu went away: CUDA error: unspecified launch"):
        asked(gone, frames)
    assert gone.calls == 1  # and no frame is tried again


def test_a_single_atom_that_fails_is_named():
    potential = replace_elements(Failing(raises=18))
    with pytest.raises(Exception, match="an atom of Ar alone: a neighbour is missing"):
        isolated_energies(potential, ["Ar"])


def replace_elements(potential):
    potential.about = replace(potential.about, elements=frozenset({18}))
    return potential


def test_a_strict_question_raises_what_the_model_raises(frames):
    """As an ASE calculator asks: nobody counts what it sets aside."""
    with pytest.raises(RuntimeError, match="a neighbour is missing"):
        Failing(raises=36).predict(frames)
    # but no failure of a moment
    assert np.isfinite(Failing(raises=36, times=1).predict(frames).energy).all()
    small = Failing(most_atoms=64)
    assert np.isfinite(small.predict(frames).energy).all()
    atom = from_atoms([Atoms("Ar"), bulk("Ar", a=5.0)], groups=["a", "b"], source="s")
    with pytest.raises(MemoryError):
        Failing(most_atoms=0).predict(atom)
