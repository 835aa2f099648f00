"""What moves the weights: optimisers, the matrices that Muon reaches, the learning rate, losses."""

import numpy as np
import pytest
import torch

from jobs_of import student as student_of
from limbeck.students import architecture
from limbeck.students.batches import Batches
from limbeck.students.loss import Weights, cost, loss_of
from limbeck.students.optimisers import Optimiser, Schedule
from limbeck.students.statistics import Scales, training_statistics
from limbeck.symmetry.rotation import haar_rotations
from metals import SETTINGS, example


def new_student(kind):
    torch.manual_seed(0)
    return architecture(kind).build(
        "tiny", training_statistics(example(2)), name="tiny", device="cpu"
    )


def settings(**changes):
    return student_of(SETTINGS | changes)


def with_gradients(student):
    """Gradients of a loss of two crystals."""
    data = example(2)
    made = Batches(student, data.select(np.arange(2)), 2, Scales({}, {}))
    ((batch, targets),) = made.in_order()
    answers = student.outputs(batch, training=True, stress=True)
    loss_of(answers, targets, Weights(1.0, 1.0, 1.0, 1.0, 1.0)).backward()


def moved_by(kind, optimiser, **changes):
    """Changes of the weights in one step, by name; and the optimiser."""
    student = new_student(kind)
    before = {name: p.detach().clone() for name, p in student.module.named_parameters()}
    own = Optimiser(student, settings(optimiser=optimiser, weight_decay=0.0, **changes))
    own.zero_grad()
    with_gradients(student)
    own.step()
    after = student.module.named_parameters()
    return {name: p.detach() - before[name] for name, p in after}, own


@pytest.mark.parametrize("optimiser", ["adamw", "adam", "rmsprop"])
def test_an_optimiser_of_torch_makes_its_own_steps(optimiser):
    kinds = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}
    found, own = moved_by("mace", optimiser, learning_rate=0.02)
    (part,) = own.parts
    assert type(part) is kinds[optimiser]
    assert own.muon_share is None
    student = new_student("mace")
    weights = dict(student.module.named_parameters())
    before = {name: p.detach().clone() for name, p in weights.items()}
    plain = kinds[optimiser](student.module.parameters(), lr=0.02, weight_decay=0.0)
    with_gradients(student)
    plain.step()
    assert all(torch.equal(weights[n].detach() - before[n], found[n]) for n in found)


def test_muon_reaches_the_matrices_inside_flat_weights():
    """Of a tiny MACE, 8 channels and two elements: all but its embedding's, readouts' and the
    three-dimensional weights of its contractions. By hand from the shapes of its layers."""
    found, own = moved_by("mace", "muon", learning_rate=0.02)
    muon, adamw = own.parts
    assert (type(muon), type(adamw)) == (torch.optim.Muon, torch.optim.AdamW)
    matrices = [tuple(p.shape) for p in muon.param_groups[0]["params"]]
    assert (8, 8) in matrices
    total = sum(value.numel() for value in found.values())
    assert own.muon_share == sum(a * b for a, b in matrices) / total
    assert 0.6 < own.muon_share < 0.95
    # of the two-dimensional weights alone it would be a third of that
    plain = [p for p in new_student("mace").module.parameters() if p.ndim == 2]
    assert sum(p.numel() for p in plain) / total < 0.5 * own.muon_share
    # every weight has moved
    assert all(value.abs().max() > 0 for value in found.values())


@pytest.mark.parametrize("optimiser", ["muon", "adamw"])
def test_steps_of_muon_are_orthogonal(optimiser):
    """Singular values of a step are of one size, times 0.2 rate and the root of the width. Newton
    and Schulz, in five rounds and bfloat16, leave them between 0.7 and 1.2, and less where the
    gradient has nearly none; this one has none below a tenth of its largest."""
    student = new_student("mace")
    weight = dict(student.module.named_parameters())["products.0.linear.weight"]
    before = weight.detach().clone()
    own = Optimiser(student, settings(optimiser=optimiser, weight_decay=0.0))
    random = torch.Generator().manual_seed(0)
    u, v = (torch.linalg.qr(torch.randn(8, 8, generator=random))[0] for _ in range(2))
    weight.grad = (u @ torch.diag(torch.linspace(0.1, 1, 8)) @ v).flatten()
    own.step()
    step = (weight.detach() - before).view(8, 8) / (0.02 * 0.2 * np.sqrt(8))
    values = torch.linalg.svdvals(step)
    assert (values.min() > 0.5 * values.max()) == (optimiser == "muon")
    if optimiser == "muon":
        assert 0.6 < values.min() <= values.max() < 1.3


def test_a_block_is_orthogonalised_by_itself():
    """Beside Muon on the same matrices as parameters of their own."""
    found, _ = moved_by("mace", "muon", learning_rate=0.02)
    student = new_student("mace")
    with_gradients(student)
    weight = dict(student.module.named_parameters())["interactions.0.linear.weight"]
    blocks = [torch.nn.Parameter(part.view(8, 8).clone()) for part in weight.detach().split(64)]
    for block, gradient in zip(blocks, weight.grad.split(64), strict=True):
        block.grad = gradient.view(8, 8).clone()
    torch.optim.Muon(blocks, lr=0.02, weight_decay=0.0, adjust_lr_fn="match_rms_adamw").step()
    expected = torch.cat([block.detach().flatten() for block in blocks]) - weight.detach()
    torch.testing.assert_close(found["interactions.0.linear.weight"], expected)


def test_muon_reaches_nearly_all_of_a_network_of_torch():
    _, own = moved_by("direct", "muon")
    assert own.muon_share > 0.9


def test_one_rate_drives_both_parts():
    own = Optimiser(new_student("mace"), settings(optimiser="muon"))
    schedule = Schedule(own, 0.02, 100, held=False)
    rates = []
    for _ in range(100):
        rates.append({group["lr"] for part in own.parts for group in part.param_groups})
        schedule.step()
    assert all(len(rate) == 1 for rate in rates)
    rates = [rate.pop() for rate in rates]
    # a warm-up of 3 steps from a 25th of it, and a cosine from there to zero
    assert rates[0] == pytest.approx(0.04 * 0.02)
    assert rates[3] == pytest.approx(0.02)
    assert rates[3 + 48] == pytest.approx(0.02 * (1 + np.cos(np.pi * 48 / 97)) / 2)
    assert schedule.rate == 0.0


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_training_of_few_steps_has_a_rate(steps):
    schedule = Schedule(Optimiser(new_student("mace"), settings()), 0.02, steps, held=False)
    rates = []
    for _ in range(steps):
        rates.append(schedule.rate)
        schedule.step()
    assert min(rates) > 0
    assert schedule.rate == pytest.approx(0.0 if steps > 1 else 0.02)


ERRORS = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]])  # lengths of 5 and 1
COSTS = {
    "mixture": ((25 + 1) / 3 + 0.3 * (5 + 1)) / 2,
    "mse": (25 + 1) / 3 / 2,
    "l1": (5 + 1) / 2,
    "huber": (2 * (5 - 1) + 0.5) / 2,  # of a delta of 2: one is beyond it, one below
}


@pytest.mark.parametrize("kind", COSTS)
def test_what_an_error_costs_by_hand(kind):
    own = {"kind": kind, "huber_delta": 2.0}
    assert float(cost(ERRORS, **own)) == pytest.approx(COSTS[kind], rel=1e-6)  # float32
    assert torch.equal(cost(ERRORS, torch.ones(2, 1), **own), cost(ERRORS, **own))
    # a row of twice the weight costs twice as much
    alone = [float(cost(row[None], **own)) for row in ERRORS]
    weighted = float(cost(ERRORS, torch.tensor([[2.0], [1.0]]), **own))
    assert weighted == pytest.approx((2 * alone[0] + alone[1]) / 2, rel=1e-6)


@pytest.mark.parametrize("kind", COSTS)
def test_it_does_not_depend_on_how_errors_are_turned(kind):
    errors = torch.randn(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    turn = torch.as_tensor(haar_rotations(1, np.random.default_rng(0))[0])
    turned = errors @ turn.T
    torch.testing.assert_close(cost(turned, kind=kind), cost(errors, kind=kind))
    # negative control: absolute components do
    assert not torch.isclose(turned.abs().mean(), errors.abs().mean(), rtol=1e-3)


@pytest.mark.parametrize("kind", COSTS)
def test_no_error_has_no_gradient_that_is_not_a_number(kind):
    errors = torch.zeros(2, 3, requires_grad=True)
    cost(errors, kind=kind).backward()
    assert torch.equal(errors.grad, torch.zeros(2, 3))


def test_huber_is_smooth_where_its_halves_meet():
    values = []
    for length in (2 - 1e-6, 2 + 1e-6):
        error = torch.tensor([[length, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
        found = cost(error, kind="huber", huber_delta=2.0)
        found.backward()
        values.append((float(found), float(error.grad[0, 0])))
    np.testing.assert_allclose(values[0], values[1], rtol=3e-6)


def test_the_loss_is_the_one_of_the_config():
    data, student = example(2), new_student("mace")
    made = Batches(student, data.select(np.arange(2)), 2, Scales({}, {}))
    ((batch, targets),) = made.in_order()
    answers = student.outputs(batch, training=False, stress=True)
    found = {}
    for kind in COSTS:
        own = settings(loss=kind, **({"huber_delta": 0.01} if kind == "huber" else {}))
        weights = Weights.of(own, training_statistics(data))
        assert (weights.kind, weights.huber_delta) == (kind, own.huber_delta)
        found[kind] = float(loss_of(answers, targets, weights).detach())
    assert len(set(found.values())) == 4
    errors = {
        "energy": (answers.energy - targets.values["energy"])[:, None] / 4,
        "forces": answers.forces - targets.values["forces"],
    }
    by_hand = 0.3 * errors["energy"].abs().mean() + errors["forces"].norm(dim=1).mean()
    without = settings(loss="l1", stress_weight=0.0)
    weights = Weights.of(without, training_statistics(data))
    assert float(loss_of(answers, targets, weights)) == pytest.approx(float(by_hand), rel=1e-5)
