"""What students learn beside their teacher's labels: Hessian-vector products, a reference's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from jobs_of import student as student_of
from limbeck.averaging.views import Views
from limbeck.config.sections.students import WITH_CHARGES
from limbeck.datasets.hard import with_hard
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.geometry import composition
from limbeck.labelling.products import with_products
from limbeck.labels import select_labels
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.properties import DIRECTIONS, PRODUCTS
from limbeck.students import ARCHITECTURES, evaluation, loop, new_student
from limbeck.students.batches import Batches, answers_of
from limbeck.students.loss import Weights, cost, loss_of
from limbeck.students.statistics import Scales, training_statistics
from limbeck.symmetry.rotation import haar_rotations
from metals import SETTINGS, example

FEW = SETTINGS | {"architecture": "nep", "learning_rate": 0.005, "epochs": 40}
STEP = 0.01  # Angstrom


def with_lines(data, count=1):
    found = with_products(EffectiveMedium(), data.frames, data.labels, Views(), count, STEP)
    return replace(data, labels=found)


@pytest.fixture(scope="module")
def sets():
    """Training and validation frames with two products each."""
    return with_lines(example(), 2), with_lines(example(3, seed=9), 2)


def made(data, **fields):
    settings = student_of(FEW | fields)
    torch.manual_seed(0)
    return new_student(settings, training_statistics(data), device="cpu"), settings


def weights_of(settings, data):
    return Weights.of(settings, training_statistics(data))


#: students with charges have losses of their own, in which products have no place
OTHERS = [kind for kind in ARCHITECTURES if kind not in WITH_CHARGES]


@pytest.mark.parametrize("kind", OTHERS)
def test_products_of_a_student_are_differences_of_its_forces(sets, kind):
    """In batches of any frames, those that have no product among them."""
    _, data = sets
    student, _ = made(data, architecture=kind)
    values = {n: v.copy() for n, v in data.labels.values.items()}
    for name in (DIRECTIONS, PRODUCTS):
        values[name][data.frames.atoms_of(1), 0] = 0.0  # one of its two lines is none
    data = replace(data, labels=replace(data.labels, values=values))
    expected = evaluation.answer(student, data.frames, data.labels).values[PRODUCTS]
    assert np.isnan(expected[data.frames.atoms_of(1), 0]).all()
    batches = Batches(student, data, 4, Scales.of(data, products=True))
    assert batches.n_lines == 2 * len(data) - 1
    student.module.eval()
    size = np.sqrt(np.nanmean(expected**2))
    for (index, _), (batch, targets) in zip(
        batches.targets_in_order(), batches.in_order(), strict=True
    ):
        found = answers_of(student, batch, targets, training=False)
        assert len(found.energy) == len(index)
        assert len(found.forces) == len(targets.values["forces"])
        start = 0
        frames = targets.displaced.frame.tolist()
        order = [(b, i) for b in range(len(data)) for i in (0, 1) if (b, i) != (1, 0)]
        lines = [line for line in order if line[0] in index.tolist()]
        assert [index[place] for place in frames] == [b for b, _ in lines]
        for b, i in lines:
            rows = data.frames.atoms_of(b)
            stop = start + data.frames.n_atoms[b]
            own = found.values[PRODUCTS][start:stop].detach().numpy()
            # rounding of float32 forces in another batch, over the step
            np.testing.assert_allclose(own, expected[rows, i], atol=1e-3 * size)
            target = targets.displaced.products[start:stop].numpy()
            np.testing.assert_allclose(target, values[PRODUCTS][rows, i], rtol=1e-5)
            start = stop
        assert start == len(targets.displaced.products)


def test_the_loss_of_products_is_that_of_their_errors_in_units_of_what_there_is(sets):
    data, _ = sets
    student, settings = made(data, hessian_weight=0.7)
    scales = Scales.of(data, products=True)
    ((batch, targets), *_) = Batches(student, data, 4, scales).in_order()
    answers = answers_of(student, batch, targets, training=False)
    with_them = loss_of(answers, targets, weights_of(settings, data))
    without = loss_of(answers, targets, replace(weights_of(settings, data), hessian=0.0))
    error = answers.values[PRODUCTS] - targets.displaced.products
    assert float(targets.displaced.scale[0]) == pytest.approx(scales.products[b"solids"])
    expected = 0.7 * cost(error / scales.products[b"solids"])
    assert float(with_them - without) == pytest.approx(float(expected), rel=1e-5)
    # their root mean square is the unit
    squares = data.labels.values[PRODUCTS][data.frames.frame_of_atom < 8] ** 2
    assert scales.products[b"solids"] == pytest.approx(np.sqrt(squares.mean()))


def test_a_turned_batch_has_the_same_loss(sets):
    data, _ = sets
    student, settings = made(data, hessian_weight=1.0)
    weights = weights_of(settings, data)
    ((batch, targets), *_) = Batches(student, data, 4, Scales.of(data, products=True)).in_order()
    q = haar_rotations(len(targets), np.random.default_rng(0))

    def loss(batch, targets):
        return float(loss_of(answers_of(student, batch, targets, training=False), targets, weights))

    whole, turned = loss(batch, targets), student.rotate(batch, targets.of_batch(q))
    assert loss(turned, targets.turned(q)) == pytest.approx(whole, rel=1e-4)  # float32
    # negative control: products that stay where they were
    stay = replace(targets.turned(q), displaced=targets.displaced)
    assert abs(loss(turned, stay) - whole) > 0.01 * whole


def test_a_student_that_learns_products_has_better_ones(sets):
    """Of one seed, in as many steps: products of new frames."""
    training, validation = sets
    relative = {}
    for weight in (0.0, 1.0):
        student, settings = made(training, hessian_weight=weight)
        history = loop.train(student, training, validation, settings, np.random.default_rng(1))
        batches = Batches(student, validation, 8, Scales.of(training, products=True))
        errors = loop.validate(student, batches.in_order(), weights_of(settings, training))
        relative[weight] = errors[4]
        if weight:
            assert history.columns == loop.HISTORY_COLUMNS + loop.PRODUCT_COLUMNS
            assert history.rows[history.best_epoch - 1][-2:] == pytest.approx(errors[3:])
            assert errors[0] < history.constant_loss
        else:
            assert history.columns == loop.HISTORY_COLUMNS
    assert relative[1.0] < 0.9 * relative[0.0]


def test_sets_without_products_cannot_be_learned_from(sets):
    training, validation = sets
    student, settings = made(training, hessian_weight=1.0)
    plain = example()
    for parts, name in (((plain, validation), "training"), ((training, plain), "validation")):
        with pytest.raises(LimbeckError, match=f"none of 16 {name} frames has a Hessian-vector"):
            loop.train(student, *parts, settings, np.random.default_rng(1))


def test_errors_of_products_are_in_the_metrics(sets):
    training, test = sets
    student, _ = made(training)
    answers = evaluation.answer(student, test.frames, test.labels)
    found = evaluation.errors(answers, test.labels, test.frames)[PRODUCTS]
    wrong = answers.values[PRODUCTS] - test.labels.values[PRODUCTS]
    assert found["value"] == pytest.approx(np.abs(wrong).mean())
    size = np.sqrt((test.labels.values[PRODUCTS] ** 2).mean())
    assert found["size"]["value"] == pytest.approx(size)
    assert found["relative"]["value"] == pytest.approx(np.sqrt((wrong**2).mean()) / size)
    assert found["unit"] == "eV/A^2"
    without = evaluation.errors(evaluation.answer(student, test.frames), test.labels, test.frames)
    assert PRODUCTS not in without


def test_a_test_set_without_frames_has_products_of_none(sets):
    """Else those of the other test set would be left out of the predictions."""
    training, test = sets
    student, _ = made(training)
    none = test.select(np.zeros(0, dtype=np.int64))
    answers = evaluation.answer(student, none.frames, none.labels)
    assert answers.values[PRODUCTS].shape == none.labels.values[PRODUCTS].shape == (0, 2, 3)


def shifted(data, zero=3.0):
    """Labels of another method, of some frames: forces larger by half, another zero of energy."""
    known = np.arange(len(data)) % 3 > 0
    numbers = composition(data.frames, np.unique(data.frames.numbers))
    energy = data.labels.energy + numbers @ (zero * np.arange(1, numbers.shape[1] + 1))
    labels = replace(data.labels, energy=energy, forces=1.5 * data.labels.forces)
    return select_labels(labels, known), known


def test_hard_labels_are_joined_by_frame_and_brought_to_one_zero():
    training, validation = example(), example(3, seed=9)
    reference, known = shifted(training)
    hard, valid, told = with_hard(training, validation, reference)
    assert (told["train_frames"], told["valid_frames"]) == (known.sum(), 0)
    assert told["zeros"]["energies_eV"] == pytest.approx({"Al": 3.0, "Cu": 6.0})
    # the zeros are all that is between the energies: rounding of the fit of some eV
    np.testing.assert_allclose(hard.hard["energy"], training.labels.energy, atol=1e-6)
    of_atom = known[training.frames.frame_of_atom]
    assert np.array_equal(hard.hard["forces"][of_atom], 1.5 * training.labels.forces[of_atom])
    assert np.array_equal(hard.hard["forces"][~of_atom], training.labels.forces[~of_atom])
    assert np.array_equal(valid.hard["forces"], validation.labels.forces)
    some = hard.select(np.array([4, 1]))
    rows = np.r_[training.frames.atoms_of(4), training.frames.atoms_of(1)]
    assert np.array_equal(some.hard["forces"], hard.hard["forces"][rows])
    with pytest.raises(LimbeckError, match="none of 6 training frames has a good label of the ref"):
        with_hard(validation, training, reference)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_the_loss_goes_to_hard_labels(share):
    training = example()
    data, _, _ = with_hard(training, example(3, seed=9), shifted(training)[0])
    student, settings = made(data, hard_share=share)
    weights = weights_of(settings, data)
    only_hard = Dataset(data.frames, replace(data.labels, values=data.labels.values | data.hard))

    def loss(data, weights):
        ((batch, targets), *_) = Batches(student, data, 16, Scales({}, {})).in_order()
        return float(loss_of(answers_of(student, batch, targets, training=False), targets, weights))

    alone = replace(weights, hard=0.0)
    expected = (1 - share) * loss(training, alone) + share * loss(only_hard, alone)
    assert loss(data, weights) == pytest.approx(expected, rel=1e-5)
    assert loss(training, alone) != pytest.approx(loss(only_hard, alone), rel=1e-3)


def test_a_student_of_hard_labels_follows_them():
    """Forces of the reference are larger by half: with a share of 1 so are its own."""
    training, validation = example(), example(3, seed=9)

    def joined(data):
        energy = 1.5 * data.labels.energy
        return replace(data, hard={"energy": energy, "forces": 1.5 * data.labels.forces})

    sizes = []
    for share in (0.0, 1.0):
        student, settings = made(training, hard_share=share, stress_weight=0.0, energy_weight=0.0)
        parts = (joined(training), joined(validation))
        loop.train(student, *parts, settings, np.random.default_rng(1))
        forces, truth = student.predict(training.frames).forces, training.labels.forces
        sizes.append((forces * truth).sum() / (truth**2).sum())
    assert sizes[1] > 1.2 * sizes[0]
    student, settings = made(training, hard_share=0.5)
    with pytest.raises(LimbeckError, match=r"hard_share 0\.5, expected labels of a reference"):
        loop.train(student, training, validation, settings, np.random.default_rng(1))
