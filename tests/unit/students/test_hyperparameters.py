"""What is recommended where the user does not say, and what a pilot finds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import killed
from jobs_of import student as student_of
from limbeck.config.jobs import TrainStudent
from limbeck.config.sections.messages import validated
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.potentials import checkpoint
from limbeck.potentials.checkpoint import resumable
from limbeck.students import architecture, hyperparameters, loop
from limbeck.students.hyperparameters import RATES, chosen, filled_in, passes, recommended
from limbeck.students.statistics import training_statistics
from metals import SETTINGS, example

OWN = {name: value for name, value in SETTINGS.items() if name != "learning_rate"}

#: (optimiser, architecture, frames, weights) -> learning rate, batch size, epochs
TABLE = {
    ("adamw", "mace", 150, 20_000): (0.0083, 4, 264),
    ("adamw", "mace", 500, 20_000): (0.0083, 8, 159),
    ("adamw", "mace", 5_000, 20_000): (0.0083, 16, 40),
    ("adamw", "mace", 150, 1_000_000): (0.003, 4, 264),
    ("adamw", "direct", 150, 10_000): (0.001, 4, 264),
    ("adamw", "direct", 150, 100_000): (0.00055, 4, 264),
    ("adam", "direct", 150, 100_000): (0.001, 4, 264),
    ("rmsprop", "direct", 150, 100_000): (0.00055, 4, 264),
    ("muon", "direct", 150, 100_000): (0.0055, 4, 264),
    ("muon", "mace", 150, 100_000): (0.011, 4, 264),
    ("adamw", "nep", 500, 21_000): (0.0049, 8, 159),
    ("muon", "nep", 500, 21_000): (0.0082, 8, 159),
    ("adam", "mace", 1, 1): (0.02, 4, 400),
    ("adamw", "another", 1_000_000, 10**9): (0.0003, 16, 40),
}


@pytest.mark.parametrize("asked", TABLE, ids=str)
def test_the_table(asked):
    found = recommended(*asked)
    assert (found["learning_rate"], found["batch_size"], found["epochs"]) == TABLE[asked]


@pytest.mark.parametrize("optimiser", RATES)
def test_rates_are_within_their_ranges_and_fall_with_size(optimiser):
    low, high = RATES[optimiser]
    rates = [recommended(optimiser, "direct", 100, 10**k)["learning_rate"] for k in range(9)]
    assert rates == sorted(rates, reverse=True)
    assert (min(rates), max(rates)) == (low, high)


def test_what_the_user_gave_is_never_replaced():
    given = student_of({"hyperparameters": "recommended", "batch_size": 7, "epochs": 3})
    found = filled_in(given, 150, 20_000)
    assert (found.batch_size, found.epochs, found.learning_rate) == (7, 3, 0.0083)
    # also where it is what would be recommended for no one, and the default of its field
    given = student_of({"hyperparameters": "recommended", "learning_rate": 0.001})
    assert filled_in(given, 150, 20_000).learning_rate == 0.001
    # and nothing is replaced where nothing was asked for
    plain = student_of({"hyperparameters": "given"})
    assert filled_in(plain, 150, 20_000) == plain


def test_how_often_a_training_goes_over_its_frames():
    assert passes(student_of({"epochs": 7}), 150.2) == 7
    assert passes(student_of({"hyperparameters": "given"}), 150.2) == 100
    assert passes(student_of({"steps": 300, "batch_size": 5}), 150.0) == 10
    assert passes(student_of({"hyperparameters": "recommended"}), 150.2) == 264
    # a pilot of at most four trials, each of a tenth
    assert passes(student_of({"hyperparameters": "tuned"}), 150.2) == pytest.approx(264 + 4 * 26)
    # of few steps in an epoch: 200 steps in batches of 4 of 30 frames, 8 an epoch
    short = student_of({"hyperparameters": "tuned", "epochs": 80, "batch_size": 4})
    assert passes(short, 30.0) == 80 + 4 * 25
    # no trial is longer than the training
    shorter = student_of({"hyperparameters": "tuned", "epochs": 10, "batch_size": 4})
    assert passes(shorter, 30.0) == 10 + 4 * 10
    assert passes(student_of({"epochs": 7}), 0.0) == 7


def test_a_job_reads_what_was_given_and_what_was_not():
    """Its settings travel as JSON."""
    fields = {"name": "x", "architecture": "mace", "hyperparameters": "tuned", "batch_size": 16}
    whole = {"label_set": "a", "student": fields, "seed": 1, "device": "cpu", "threads": 1}
    job = validated(TrainStudent, whole, "settings")
    again = TrainStudent.model_validate_json(job.text())
    assert again == job
    assert again.student.chosen_by_user == {"batch_size"}
    plain = validated(TrainStudent, whole | {"student": fields | {"hyperparameters": "given"}}, "")
    assert "learning_rate" in plain.model_dump()["student"]  # negative control


def new_student(data, kind="mace"):
    torch.manual_seed(0)
    return architecture(kind).build("tiny", training_statistics(data), name="t", device="cpu")


@pytest.fixture
def short(monkeypatch):
    """Pilots of two epochs of four steps."""
    monkeypatch.setattr(hyperparameters, "PILOT_STEPS", 8)


def tuned(**changes):
    return student_of(OWN | {"hyperparameters": "tuned", "epochs": 20} | changes)


def test_a_pilot_takes_the_rate_with_the_lowest_validation_loss(short):
    data, valid = example(), example(3, seed=9)
    student = new_student(data)
    before = {name: value.clone() for name, value in student.module.state_dict().items()}
    random = torch.get_rng_state()
    found, trials = chosen(student, data, valid, tuned(), 1)
    rate = filled_in(tuned(), 16, student.parameters).learning_rate
    assert [t.learning_rate for t in trials[:3]] == pytest.approx([rate / 2, rate, 2 * rate])
    best = min(trials, key=lambda trial: trial.valid_loss)
    assert found.learning_rate == best.learning_rate
    # an outermost one is not the best of three: a fourth was tried beyond it
    outermost = min(trials[:3], key=lambda t: t.valid_loss) is not trials[1]
    assert len(trials) == 3 + outermost
    assert {trial.verdict for trial in trials} == {"learns"}
    assert all(trial.valid_loss < trial.constant_loss for trial in trials)
    # the student is as new, and so are random numbers
    assert all(torch.equal(value, before[n]) for n, value in student.module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize(
    ("budget", "epochs"), [({"epochs": 20}, 2), ({"steps": 160, "patience": None}, 4)]
)
def test_a_pilot_is_a_tenth_as_long(short, budget, epochs):
    """Sixteen frames in batches of 4 make 4 steps an epoch: 160 are 40 epochs."""
    data = example()
    _, trials = chosen(new_student(data), data, data, tuned(**budget), 1)
    assert {trial.epochs for trial in trials} == {epochs}


def test_dead_and_diverged_settings_are_not_taken(short, monkeypatch):
    data = example()
    outcomes = iter([(1e9, "as planned"), (0.5, "diverged at step 3"), (0.7, "as planned")])
    train = loop.train

    def made_up(*arguments):
        loss, ended = next(outcomes, (0.9, "as planned"))
        history = train(*arguments)
        rows = [(*row[:4], loss, *row[5:]) for row in history.rows]
        return replace(history, rows=rows, ended=ended)

    monkeypatch.setattr(loop, "train", made_up)
    found, trials = chosen(new_student(data), data, data, tuned(), 1)
    assert [trial.verdict for trial in trials] == ["dead", "diverged", "learns", "learns"]
    assert found.learning_rate == trials[2].learning_rate


def test_where_nothing_learns_the_table_decides(short, monkeypatch, caplog):
    data = example()

    def diverging(*_):
        raise loop.DivergedError("not finite")

    monkeypatch.setattr(loop, "train", diverging)
    found, trials = chosen(new_student(data), data, data, tuned(), 1)
    assert {(t.verdict, t.valid_loss) for t in trials} == {("diverged", None)}
    assert found.learning_rate == trials[1].learning_rate
    assert "no trial of the pilot learns" in caplog.text


def test_a_network_that_cannot_learn_is_dead(short):
    """Nothing made up: it is validated on forces of the wrong sign."""
    data = example()
    wrong = replace(data.labels, forces=-data.labels.forces)
    _, trials = chosen(new_student(data), data, Dataset(data.frames, wrong), tuned(), 1)
    assert {trial.verdict for trial in trials[:3]} == {"dead"}


def test_a_pilot_that_is_killed_goes_on(short, monkeypatch, tmp_path):
    data = example()
    whole = chosen(new_student(data), data, data, tuned(), 1)
    monkeypatch.setenv(checkpoint.VARIABLE, "600")  # the trainings themselves keep nothing

    def compute():
        return chosen(new_student(data), data, data, tuned(), 1)

    killed.kill(monkeypatch, tmp_path / "seed1", 2, compute)
    made = []
    train = loop.train
    monkeypatch.setattr(loop, "train", lambda *a: made.append(1) or train(*a))
    with resumable(tmp_path / "seed1", "r"):
        assert compute() == whole
    assert len(made) == len(whole[1]) - 2
    assert np.isfinite([trial.valid_loss for trial in whole[1]]).all()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"hyperparameters": "tuned", "learning_rate": 0.01}, "learning_rate: 0.01, expected none"),
        ({"loss": "mse", "huber_delta": 2.0}, "huber_delta: 2, expected none with loss mse"),
        ({"steps": 9, "patience": 3}, "patience: 3, expected none with steps"),
        (
            {"energy_weight": 0, "forces_weight": 0, "stress_weight": 0},
            "forces_weight: 0, as all weights are",
        ),
    ],
)
def test_what_would_change_nothing_is_refused(fields, said):
    with pytest.raises(LimbeckError, match=said):
        student_of(fields)
    for name in fields:  # each alone is fine
        student_of({name: fields[name]} if name != "huber_delta" else {"loss": "huber"})
