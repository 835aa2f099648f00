"""How students learn: batches, and the training loop."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from ase.build import bulk

from answers import KINDS_OF_TURN
from jobs_of import student as student_of
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.geometry import composition, voigt_to_stress
from limbeck.seeds import generator
from limbeck.students import ARCHITECTURES, architecture, batches, loop, optimisers
from limbeck.students.batches import Batches, Rounds, Targets
from limbeck.students.loop import train, validate
from limbeck.students.loss import Weights, cost, loss_of
from limbeck.students.optimisers import MovingAverage
from limbeck.students.statistics import (
    Scales,
    forces_by_source,
    spread_weights,
    training_statistics,
)
from limbeck.symmetry.rotation import haar_rotations
from metals import SETTINGS, example, labelled, metals
from planted import labels_for

UNIT = Weights(1.0, 1.0, 1.0, late_energy=1.0, stress_scale=1.0)
PLAIN = Scales({}, {})  # all errors in eV and Angstrom


def new_student(kind, data, seed=0, **changes):
    torch.manual_seed(seed)
    statistics = replace(training_statistics(data), **changes)
    return architecture(kind).build("tiny", statistics, name="tiny", device="cpu")


def settings(**changes):
    return student_of(SETTINGS | changes)


def fit(kind="direct", seed=0, data=None, valid=None, **changes):
    """A fresh student, trained, and its history; a direct one, where any will do: made at once."""
    data = data or example()
    student = new_student(kind, data, seed)
    rng = generator(seed, "test")
    history = train(student, data, valid or example(3, seed=9), settings(**changes), rng)
    return student, history


def marked(frames):
    """Labels that say whose they are: forces are positions, energies and stress count frames."""
    count = np.arange(len(frames), dtype=float)
    labels = labels_for(frames, energy=count, forces=frames.positions)
    stress = np.where(frames.periodic[:, None], count[:, None] + np.arange(6) / 10, np.nan)
    return Dataset(frames, replace(labels, stress=stress))


@pytest.fixture(scope="module")
def mace():
    """A student that leaves positions as they are in its batches; it is only read."""
    return new_student("mace", marked(metals(5)))


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("order", ["in_order", "shuffled"])
def test_batches_have_every_frame_once_and_never_mix_kinds(mace, monkeypatch, order, cached):
    if not cached:
        monkeypatch.setattr(batches, "CACHED_ATOMS", 0)
    frames = metals(5).select([0, 5, 1, 6, 2, 7, 3, 8, 4, 9])  # kinds take turns
    data = marked(frames)
    made = Batches(mace, data, batch_size=3, scales=PLAIN)
    rng = [np.random.default_rng(0)] if order == "shuffled" else []
    seen = []
    for batch, targets in getattr(made, order)(*rng):
        index = targets.values["energy"].numpy().astype(int)
        assert 1 <= len(index) <= 3
        assert (frames.periodic[index] == mace.is_periodic(batch)).all()
        # float32 of the same numbers: targets and graphs are in the same order
        np.testing.assert_array_equal(targets.values["forces"].numpy(), batch.positions.numpy())
        assert targets.n_atoms.tolist() == [4] * len(index)
        assert ("stress" in targets.values) == mace.is_periodic(batch)
        if "stress" in targets.values:
            expected = voigt_to_stress(data.labels.stress[index]).astype(np.float32)
            np.testing.assert_array_equal(targets.values["stress"].numpy(), expected)
        seen += index.tolist()
    assert sorted(seen) == list(range(10))
    in_turn = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]  # crystals first
    assert (seen == in_turn) == (order == "in_order")


def test_one_frame_without_a_stress_takes_it_from_no_other(mace):
    """The others keep theirs, in the loss as in the gradient; the one counts for nothing."""
    data = example(4)
    student = new_student("mace", data)
    crystals = data.select(np.arange(4))
    crystals.labels.stress[1] = np.nan
    ((_, targets),) = Batches(student, crystals, 8, PLAIN).in_order()
    assert targets.known["stress"].tolist() == [0, 2, 3]
    assert set(targets.known) == {"stress"}

    def stress_loss(parts):
        """Of the stress alone, and its gradient by all parameters."""
        ((batch, targets),) = Batches(student, parts, 8, PLAIN).in_order()
        student.module.zero_grad()
        answers = student.outputs(batch, training=True, stress=True)
        loss_of(answers, targets, replace(UNIT, energy=0.0, forces=0.0)).backward()
        gradient = [p.grad.flatten() for p in student.module.parameters() if p.grad is not None]
        return torch.cat(gradient)

    # as if the frame were not there; float32 sums of order 1
    expected = stress_loss(crystals.select(np.array([0, 2, 3])))
    found = stress_loss(crystals)
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    # turned as well
    turned = targets.turned(haar_rotations(len(targets), np.random.default_rng(0)))
    assert turned.known is targets.known
    lost = torch.isnan(turned.values["stress"]).flatten(1)
    assert lost.all(1).tolist() == lost.any(1).tolist() == [False, True, False, False]


def test_a_quarter_turn_of_targets():
    targets = Targets(
        values={
            "energy": torch.tensor([7.0]),
            "forces": torch.tensor([[1.0, 0.0, 5.0]]),
            "stress": torch.diag(torch.tensor([1.0, 2.0, 3.0]))[None],
            "charges": torch.tensor([0.5]),
        },
        energy_scale=torch.ones(1),
        forces_scale=torch.ones(1, 1),
        forces_weight=None,
        n_atoms=torch.tensor([1]),
    )
    quarter = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])  # x to y, about z
    turned = targets.turned(quarter).values
    assert turned["energy"].tolist() == [7.0]
    assert turned["forces"].tolist() == [[0.0, 1.0, 5.0]]
    assert turned["charges"].tolist() == [0.5]
    assert torch.equal(turned["stress"], torch.diag(torch.tensor([2.0, 1.0, 3.0]))[None])


def loss_in(student, batch, targets):
    answers = student.outputs(batch, training=False, stress="stress" in targets.values)
    return float(loss_of(answers, targets, UNIT).detach())


@pytest.mark.parametrize("turns", KINDS_OF_TURN)
def test_turned_frames_and_turned_targets_belong_together(turns):
    data = example()
    for kind in ("mace", "painn", "direct"):
        student = new_student(kind, data)
        for batch, targets in Batches(student, data, 8, PLAIN).in_order():
            q = KINDS_OF_TURN[turns](len(targets.values["energy"]), np.random.default_rng(0))
            turned = student.rotate(batch, q)
            before, together, apart = (
                loss_in(student, *pair)
                for pair in ((batch, targets), (turned, targets.turned(q)), (turned, targets))
            )
            moved, moved_apart = abs(together / before - 1), abs(apart / before - 1)
            if student.about.equivariant:
                # equivariant: as wrong in every view, to float32 rounding of sums of order 1
                assert moved < 1e-5
                assert moved_apart > 1e-4  # negative control: targets left as they were
            else:
                assert moved > 1e-4  # negative control: a student that is not equivariant


def by_hand(errors):
    """The cost of rows of errors [M,d], from its formula."""
    return (errors**2).mean() + 0.3 * np.linalg.norm(errors, axis=-1).mean()


def test_the_loss_and_the_validation_by_hand():
    data = example(4)
    # a student that answers the offsets and no forces: every error is a label
    student = new_student("mace", data, forces_rms=0.0, reference_energies=np.zeros(2))
    mean = training_statistics(data).energy_mean
    sources = data.frames.source.tolist()
    unit_of = Scales(dict.fromkeys(sources, 0.5), dict.fromkeys(sources, 2.0))
    made = Batches(student, data, 100, unit_of)
    loss, energy, forces = validate(student, made.in_order(), UNIT)
    errors = (data.labels.energy / 4 - mean)[:, None]
    assert energy == pytest.approx(1e3 * np.abs(errors).mean(), rel=1e-5)  # float32
    assert forces == pytest.approx(1e3 * np.abs(data.labels.forces).mean(), rel=1e-5)
    expected = 0.0
    for part in (slice(0, 4), slice(4, 8)):  # crystals, clusters: four atoms each
        rows = slice(4 * part.start, 4 * part.stop)
        expected += (by_hand(errors[part] / 0.5) + by_hand(data.labels.forces[rows] / 2.0)) / 2
    stress = voigt_to_stress(data.labels.stress[:4]).reshape(4, 9)
    assert loss == pytest.approx(expected + by_hand(stress) / 2, rel=1e-5)
    # errors do not depend on how frames are cut into batches
    _, *same = validate(student, Batches(student, data, 3, unit_of).in_order(), UNIT)
    assert same == pytest.approx([energy, forces], rel=1e-5)


def test_weights_are_in_units_of_what_there_is_to_learn():
    statistics = replace(training_statistics(example()), stress_rms=0.01)
    found = Weights.of(settings(energy_weight=0.3, late_energy_factor=4.0), statistics)
    assert (found.energy, found.forces, found.stress_scale) == (0.3, 1.0, 0.01)
    # in the last quarter of the steps energies count four times as much
    assert [found.at(p).energy for p in (0.0, 0.74, 0.76, 1.0)] == [0.3, 0.3, 1.2, 1.2]
    assert found.at(1.0).forces == 1.0


def test_forces_count_in_units_of_their_source():
    data = example()
    twice = replace(data.labels, forces=2 * data.labels.forces)
    scales = forces_by_source(Dataset(data.frames, twice))
    for source, scale in forces_by_source(data).items():
        mask = (data.frames.source == source)[data.frames.frame_of_atom]
        assert scale == pytest.approx(np.sqrt((data.labels.forces[mask] ** 2).mean()))
        assert scales[source] == pytest.approx(2 * scale)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_training_lowers_the_loss_and_keeps_the_best(kind):
    data, valid = example(), example(3, seed=9)
    rate = {"mace": 0.02, "painn": 0.02, "direct_conservative": 0.01}.get(kind, 0.003)
    student, history = fit(kind, data=data, valid=valid, learning_rate=rate, augment=True)
    rows = np.array(history.rows)
    assert rows.shape == (6, len(loop.HISTORY_COLUMNS))
    train_loss, valid_loss = rows[:, 3], rows[:, 4]
    # an untrained student has a force error of the order of the forces, a loss of some units
    assert train_loss[-1] < 0.9 * train_loss[0]
    assert history.best_epoch == 1 + np.argmin(valid_loss)
    weights = Weights.of(settings(), training_statistics(data))
    made = Batches(student, valid, 4, Scales.of(data))
    kept = validate(student, made.in_order(), weights)
    assert kept == tuple(rows[history.best_epoch - 1, 4:7])  # the same sums: bit for bit
    found = loop.training_summary(student, data, valid, history)
    assert (found["train_frames"], found["valid_frames"], found["epochs"]) == (16, 6, 6)
    assert found["steps"] == 24  # two batches of each kind in an epoch
    assert found["best"]["valid_loss"] == valid_loss.min()
    assert (found["ended"], found["learning_rate"], found["batch_size"]) == ("as planned", rate, 4)
    assert (found["loss"], found["augment"]) == ("mixture", True)
    assert "muon_share" not in found
    assert found["parameters"] == student.parameters > 100


def scripted(monkeypatch, *losses):
    """The validation loss of each epoch, and the weights that it had."""
    left, states = iter(losses), []

    def validation(student, *_):
        states.append({k: v.clone() for k, v in student.module.state_dict().items()})
        return next(left), 0.0, 0.0

    monkeypatch.setattr(loop, "validate", validation)
    return states


def same(state, other):
    return all(torch.equal(state[name], other[name]) for name in state)


def test_the_best_epoch_is_kept_and_the_last_finite_one_beside_it(monkeypatch):
    states = scripted(monkeypatch, 3.0, 1.0, 2.0, float("nan"))
    student, history = fit(epochs=4, patience=None)
    assert (history.best_epoch, history.best_loss, len(history.rows)) == (2, 1.0, 4)
    assert same(student.module.state_dict(), states[1])
    assert same(history.last, states[2])
    assert not same(history.last, states[1])
    assert not same(history.last, states[3])


def test_when_patience_is_used_up_the_rate_falls_to_zero(monkeypatch):
    """Epochs 3, 4 and 5 are not better than epoch 2 (as good is not better): a third of 5 is left,
    which is better then, and no patience ends it sooner."""
    scripted(monkeypatch, 3.0, 1.0, 2.0, float("nan"), 1.0, 2.0, 0.5, 9.0)
    weights = []
    at = Weights.at
    monkeypatch.setattr(Weights, "at", lambda s, p: weights.append(p) or at(s, p))
    _, history = fit(epochs=60, patience=3)
    assert (history.best_epoch, len(history.rows)) == (7, 7)
    assert history.ended == "no better validation loss in 3 epochs"
    # 4 steps an epoch of 0.02, the rate after each epoch: held, and then a cosine over 8 steps
    rates = [row[2] for row in history.rows]
    assert rates[1:] == pytest.approx([0.02] * 4 + [0.01, 0.0])  # the first is of the warm-up
    assert history.steps == 28
    # energies count more in the last quarter of the steps that there were: the eight of the fall,
    # less the first, which is at three quarters (20 of 28 are less than that)
    progress = [p for p in weights if p != 1.0]  # which is that of validation
    assert len(progress) == 28
    assert max(progress[:22]) == 0.75
    assert min(progress[22:]) > 0.75


def test_with_patience_that_lasts_the_rate_falls_in_the_last_quarter(monkeypatch):
    scripted(monkeypatch, *np.linspace(2, 1, 8))
    _, history = fit(epochs=8, patience=3)
    rates = [row[2] for row in history.rows]
    assert rates == pytest.approx([0.02] * 6 + [0.01, 0.0])
    assert history.ended == "as planned"
    # negative control: without patience it falls all the time
    scripted(monkeypatch, *np.linspace(2, 1, 8))
    rates = [row[2] for row in fit(epochs=8, patience=None)[1].rows]
    assert (np.diff(rates) < 0).all()


def test_the_average_of_the_weights_by_hand():
    module = torch.nn.Linear(1, 1, bias=False)
    weight = module.weight
    with torch.no_grad():
        weight.fill_(7.0)
    average = MovingAverage(module, 0.3, steps=1000)
    expected = 7.0
    for step, value in enumerate([1.0, 2.0, 4.0, 8.0], start=1):
        with torch.no_grad():
            weight.fill_(value)
        average.update()
        decay = min(0.3, step / (step + 9))  # it starts fast: a tenth of the first value is left
        expected = decay * expected + (1 - decay) * value
        assert average.weights[0].item() == pytest.approx(expected, rel=1e-6)  # float32
    with average.in_place():
        assert weight.item() == pytest.approx(expected, rel=1e-6)
    assert weight.item() == 8.0  # and training goes on with the weights themselves


def test_the_average_does_not_reach_back_beyond_a_fiftieth_of_the_steps():
    """Of 500 steps ten: weights that go up by 1 in each step are 9 behind in the end, where an
    average over 200 would be 199 behind."""
    module = torch.nn.Linear(1, 1, bias=False)
    behind = {}
    for steps in (500, 50_000):
        average = MovingAverage(module, 0.995, steps)
        for step in range(500):
            with torch.no_grad():
                module.weight.fill_(step)
            average.update()
        behind[steps] = 499 - average.weights[0].item()
    assert behind[500] == pytest.approx(9, rel=1e-3)  # float32 sums of hundreds
    assert behind[50_000] > 40  # less than 199 only since it starts fast
    # of few steps there is none
    short = MovingAverage(module, 0.995, 40)
    short.update()
    assert torch.equal(short.weights[0], module.weight)


def test_the_average_is_what_is_validated_and_kept(monkeypatch):
    monkeypatch.setattr(optimisers, "REACH", 1.0)  # of twelve steps
    data = example()
    same, other = (fit("mace", data=data, epochs=3, average_decay=d)[0] for d in (0.0, 0.9))
    plain, averaged = (s.module.state_dict() for s in (same, other))
    assert not all(torch.equal(plain[name], averaged[name]) for name in plain)
    # neither is what training started with
    start = new_student("mace", data).module.state_dict()
    assert not all(torch.equal(start[name], averaged[name]) for name in start)


def test_the_same_seed_gives_the_same_bits():
    first, again, other = (fit("mace", seed, epochs=2)[0].module.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_stops_when_nothing_gets_better():
    # with a rate of nothing the first epoch stays the best
    _, history = fit(learning_rate=1e-30, weight_decay=0.0, patience=2, epochs=9)
    assert history.best_epoch == 1
    assert len(history.rows) == 4  # three, and a third of them
    # negative control: without patience it goes on to the end
    own = {"learning_rate": 1e-30, "weight_decay": 0.0, "epochs": 9, "patience": None}
    assert len(fit(**own)[1].rows) == 9


@pytest.mark.parametrize("which", ["training", "validation"])
def test_an_empty_set_is_refused(which):
    empty = example(1).select(np.array([], dtype=int))
    full = example(2)
    student = new_student("direct", full)
    parts = (empty, full) if which == "training" else (full, empty)
    with pytest.raises(LimbeckError, match=f"the {which} set has no frames; raise"):
        train(student, *parts, settings(), np.random.default_rng(0))


@pytest.mark.parametrize("batch_size", [4, 100])
def test_training_gives_up_on_what_is_not_finite(batch_size):
    # a rate that overflows float32: also where an epoch has a single step of each kind
    with pytest.raises(LimbeckError, match=r"loss was not finite in \d+ steps in a row; lower lea"):
        fit(learning_rate=1.0, batch_size=batch_size, gradient_clip=1e30, weight_decay=1e30)


def test_training_gives_up_in_the_middle_of_a_long_epoch(monkeypatch):
    calls = []

    def broken(answers, targets, weights):
        calls.append(1)
        return answers.energy.sum() * float("nan")

    monkeypatch.setattr(loop, "loss_of", broken)
    monkeypatch.setattr(loop, "constant_loss", lambda *_: 1.0)
    with pytest.raises(LimbeckError, match="in 21 steps in a row"):
        fit(batch_size=1, data=example(20))
    assert len(calls) == 21


def test_one_bad_step_is_skipped(monkeypatch):
    calls = []

    def broken_once(answers, targets, weights):
        calls.append(1)
        return loss_of(answers, targets, weights) * (float("nan") if len(calls) == 2 else 1)

    monkeypatch.setattr(loop, "loss_of", broken_once)
    student, history = fit(epochs=1)
    assert np.isfinite(history.rows[0][3:]).all()
    assert all(torch.isfinite(p).all() for p in student.module.parameters())


def broken_from(monkeypatch, call):
    """A loss that is NaN from this step on."""
    calls = []

    def broken(answers, targets, weights):
        calls.append(1)
        return loss_of(answers, targets, weights) * (float("nan") if len(calls) >= call else 1)

    monkeypatch.setattr(loop, "loss_of", broken)
    monkeypatch.setattr(loop, "constant_loss", lambda *_: 5.0)
    monkeypatch.setattr(loop, "validate", lambda *_: (1.0, 0.0, 0.0))


def test_a_training_that_diverges_keeps_what_was_good(monkeypatch, caplog):
    broken_from(monkeypatch, 7)  # within the second epoch of four steps
    student, history = fit(epochs=40)
    # the third epoch has no finite loss at all
    assert (history.ended, history.best_epoch) == ("diverged at step 12", 1)
    assert len(history.rows) == 2
    assert all(torch.isfinite(value).all() for value in student.module.state_dict().values())
    assert "diverged at step 12: the weights of epoch 1 are kept" in caplog.text
    # negative control: nothing was good before
    broken_from(monkeypatch, 1)
    with pytest.raises(loop.DivergedError, match="not finite in 4 steps in a row; lower learn"):
        fit(epochs=40)


def test_so_does_one_whose_loss_explodes_and_stays_finite(monkeypatch):
    monkeypatch.setattr(loop, "constant_loss", lambda *_: 3.0)
    scripted(monkeypatch, 2.0, 299.0, 301.0, 1.0)  # 100 times the constant's 3
    history = fit(epochs=4, patience=None)[1]
    assert (history.ended, history.best_epoch, len(history.rows)) == ("diverged at step 12", 1, 3)


def test_a_rate_that_is_far_too_high_diverges():
    """Steps of Adam's as large as the weights: nothing made up."""
    with pytest.raises(loop.DivergedError, match="lower learning_rate"):
        fit("mace", learning_rate=1.0, gradient_clip=1e30, weight_decay=1e30, epochs=3)


@pytest.mark.parametrize("which", ["training", "validation"])
@pytest.mark.parametrize("what", ["energy", "forces"])
def test_labels_that_are_no_numbers_are_refused(which, what):
    sets = {"training": example(2), "validation": example(2, seed=9)}
    value = getattr(sets[which].labels, what).copy()
    value[1] = np.nan
    labels = replace(sets[which].labels, values=sets[which].labels.values | {what: value})
    sets[which] = Dataset(sets[which].frames, labels)
    first = sets[which].frames.id[1 if what == "energy" else 0].decode()
    text = f"the {which} set has 1 frames with an energy or a force that is not finite.* {first}"
    with pytest.raises(LimbeckError, match=text):
        fit(data=sets["training"], valid=sets["validation"], epochs=1)


def test_one_who_knows_the_elements_alone():
    """Beside the loss of the labels' own residuals, by hand."""
    data, valid = example(), example(3, seed=9)
    statistics = training_statistics(data)
    student = new_student("direct", data)
    made = Batches(student, valid, 4, PLAIN)
    found = loop.constant_loss(made, statistics, replace(UNIT, stress=0.0))
    atoms = composition(valid.frames, np.array(statistics.elements))
    residual = (valid.labels.energy - atoms @ statistics.reference_energies) / 4
    per_frame = by_hand(residual[:, None]) + by_hand(valid.labels.forces)
    assert found == pytest.approx(per_frame, rel=1e-5)  # float32; all frames have four atoms


ODD = {
    "one frame": lambda data: data.select(np.array([0])),
    "one element": lambda data: data.select(np.flatnonzero(np.arange(len(data)) % 2 == 0)[:4]),
    "no stress": lambda data: data.select(np.arange(8, 16)),
    "equal energies": lambda data: with_labels(data, energy=np.full(len(data), -3.0)),
    "no forces": lambda data: with_labels(data, forces=np.zeros_like(data.labels.forces)),
    "a spread of zero": lambda data: with_labels(
        data, forces_spread=np.zeros(len(data.frames.numbers))
    ),
}


def with_labels(data, forces_spread=None, **values):
    labels = replace(data.labels, values=data.labels.values | values)
    if forces_spread is not None:
        labels = replace(labels, forces_spread=forces_spread)
    return Dataset(data.frames, labels)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", ["mace", "direct"])
def test_an_odd_data_set_is_trained_on_all_the_same(kind, odd):
    data = ODD[odd](example())
    # what it is validated on has its elements
    student, history = fit(kind, data=data, valid=data, epochs=2, spread_weight=1.0)
    assert np.isfinite(np.array(history.rows)[:, 3:]).all()
    assert all(torch.isfinite(p).all() for p in student.module.parameters())


def test_a_validation_frame_of_another_element_is_left_out():
    gold = labelled(from_atoms([bulk("Au", cubic=True)], groups=["Au"], source="gold"))
    both = labelled(concatenate([metals(2, seed=9), gold.frames]))
    found = fit(valid=both, epochs=1)[1].rows[0][4:]
    assert found == fit(valid=both.select(np.arange(4)), epochs=1)[1].rows[0][4:]
    with pytest.raises(
        LimbeckError, match="every validation frame has an element that the trainin"
    ):
        fit(valid=gold, epochs=1)


def steps_of(student_settings, data):
    """Frames of each round of a budget, by the energies that mark them."""
    student = new_student("direct", data)
    made = Batches(student, data, student_settings.batch_size, PLAIN)
    rounds = Rounds(made, student_settings)
    frames = [
        [targets.values["energy"].numpy().astype(int).tolist() for _, targets in batches_of_round]
        for batches_of_round in rounds(np.random.default_rng(0))
    ]
    return rounds, frames


def test_a_budget_of_epochs_goes_over_all_frames_in_each():
    data = marked(metals(3))  # six frames, a batch of 2 and one of 1 of each kind
    rounds, frames = steps_of(settings(epochs=3, batch_size=2), data)
    assert (rounds.steps, rounds.count, rounds.patience) == (12, 3, 30)
    assert all(sorted(chain(*epoch)) == list(range(6)) for epoch in frames)


@pytest.mark.parametrize(
    ("steps", "lengths"),
    [(7, [1] * 7), (50, [1] * 50), (120, [2, 2, 3, 2, 3] * 10)],
)
def test_a_budget_of_steps_is_met_whatever_the_number_of_frames(steps, lengths):
    for count in (3, 5):
        data = marked(metals(count))
        rounds, frames = steps_of(settings(steps=steps, patience=None, batch_size=2), data)
        assert [len(batches) for batches in frames] == lengths
        assert (rounds.steps, rounds.count, rounds.patience) == (steps, len(lengths), len(lengths))
        # no frame is seen more than once more often than another
        seen = np.bincount(list(chain(*chain(*frames))), minlength=2 * count)
        assert seen.max() - seen.min() <= 1


def test_training_by_steps_takes_them_all_and_keeps_the_best():
    _, history = fit(steps=60, epochs=1, patience=None, learning_rate=1e-30)
    assert history.steps == 60  # though nothing gets better
    assert [row[0] for row in history.rows] == list(range(1, 51))
    assert history.best_epoch == 1
    assert history.rows[-1][2] < 1e-31  # the rate has come down to nothing at the end
    # three epochs of two batches of each kind make 12
    assert fit(epochs=3, learning_rate=1e-30)[1].steps == 12


def spread_data(spread):
    """A data set whose labels have this spread [N]; crystals are atoms 0 to 15."""
    data = example(4)
    return Dataset(data.frames, replace(data.labels, forces_spread=spread))


def test_a_label_with_a_large_spread_counts_less():
    data = spread_data(np.tile([1.0, 1.0, 1.0, 3.0], 8))  # mean square 3 in both sources
    weights = spread_weights(data, data, 2.0)
    raw = np.array([1 / (1 + 2 / 3), 1 / (1 + 2 * 9 / 3)])  # 0.6 and 1/7
    mean = (3 * raw[0] + raw[1]) / 4
    np.testing.assert_allclose(weights[:4], [*[raw[0] / mean] * 3, raw[1] / mean], rtol=1e-12)
    assert weights.mean() == pytest.approx(1)  # a source counts as much as before
    # the unit is each source's own: tenfold spreads of crystals change nothing
    larger = spread_data(np.where(np.arange(32) < 16, 10, 1) * data.labels.forces_spread)
    np.testing.assert_allclose(spread_weights(larger, larger, 2.0), weights, rtol=1e-12)
    # another set is measured by the training set
    half = data.select(np.arange(2))
    np.testing.assert_allclose(spread_weights(half, data, 2.0), weights[:8], rtol=1e-12)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_labels_without_a_spread_count_alike(value):
    data = spread_data(np.full(32, value))
    np.testing.assert_array_equal(spread_weights(data, data, 5.0), np.ones(32))


def test_the_weight_of_an_atom_multiplies_what_its_error_costs():
    errors = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]])
    # squares of 25/3 and 1/3, lengths of 5 and 1
    expected = (2 * 25 / 3 + 0.5 / 3) / 2 + 0.3 * (2 * 5 + 0.5 * 1) / 2
    found = cost(errors, torch.tensor([[2.0], [0.5]]))
    assert float(found) == pytest.approx(expected, rel=1e-6)  # float32
    assert torch.equal(cost(errors, torch.ones(2, 1)), cost(errors))


def test_training_listens_to_what_the_views_agree_on():
    """Forces of every other frame have the wrong sign, and say so by their spread."""
    clean, valid = example(12), example(6, seed=9)
    bad = np.repeat(np.arange(24) % 2 == 1, 4)
    forces = np.where(bad[:, None], -1, 1) * clean.labels.forces
    labels = replace(clean.labels, forces=forces, forces_spread=np.where(bad, 3.0, 0.01))
    noisy = Dataset(clean.frames, labels)
    errors = {}
    for weight in (0.0, 100.0):
        _, history = fit("mace", data=noisy, valid=valid, spread_weight=weight, epochs=15)
        errors[weight] = min(row[-1] for row in history.rows)
    assert errors[100.0] < 0.8 * errors[0.0]  # 295 against 466 meV/A
