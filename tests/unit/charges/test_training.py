"""Training of students with charges: each term of the loss, what labels lack, and that they learn.

The labels are those of a rule: charges that depend on distances, and a lone pair beside the oxygen,
so that charges at atoms alone cannot make the potential.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from ase.build import molecule
from ase.units import Debye, Hartree

from limbeck import load_student
from limbeck.averaging.mean import average
from limbeck.averaging.views import Views
from limbeck.charges import loss as charges
from limbeck.charges.sites import KCAL, potential_at
from limbeck.config.sections.messages import validated
from limbeck.config.sections.students import Losses, StudentSettings
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.geometry import turn
from limbeck.labels import Labels
from limbeck.potentials import open_potential
from limbeck.potentials.trainable import Outputs, Sites
from limbeck.students import loop, new_student
from limbeck.students.batches import Batches, answers_of
from limbeck.students.loss import Weights, loss_of
from limbeck.students.statistics import Scales, training_statistics
from limbeck.symmetry.rotation import haar_rotations

LONE_PAIR_A = 0.3


def waters(count, seed=0, charge=0):
    """Distorted waters, each turned at random, 20 points at 2.5 to 4 A from the oxygen."""
    rng, structures, points = np.random.default_rng(seed), [], []
    for q in haar_rotations(count, rng):
        atoms = molecule("H2O")
        atoms.rattle(0.05, rng=rng)
        atoms.positions = atoms.positions @ q.T
        away = rng.standard_normal((20, 3))
        away *= rng.uniform(2.5, 4, (20, 1)) / np.linalg.norm(away, axis=1, keepdims=True)
        structures.append(atoms)
        points.append(atoms.positions[0] + away)
    named = {"groups": ["water"] * count, "source": "w", "charges": [charge] * count}
    return from_atoms(structures, **named).with_points([20] * count, np.concatenate(points))


def labelled(frames):
    """What the rule says of them."""
    places, values = [], []
    for b in range(len(frames)):
        oxygen, *hydrogens = frames.positions[frames.atoms_of(b)]
        arms = [h - oxygen for h in hydrogens]
        q = [0.4 + 0.2 * (np.linalg.norm(arm) - 0.97) for arm in arms]
        axis = -sum(arms) / np.linalg.norm(sum(arms))
        total = float(frames.charge[b])
        places.append(np.array([oxygen + LONE_PAIR_A * axis, *hydrogens]))
        values.append(np.array([total - sum(q), *q]))
    offsets = frames.offsets
    esp = [
        potential_at(*map(torch.as_tensor, (frames.points[frames.points_of(b)], x, q))).numpy()
        for b, (x, q) in enumerate(zip(places, values, strict=True))
    ]
    centres = [
        np.array([8, 1, 1]) @ frames.positions[frames.atoms_of(b)] / 10 for b in range(len(frames))
    ]
    about = frames.charge[:, None] * np.array(centres)  # of nuclear charge
    bonds = frames.positions[offsets[:-1] + 1] - frames.positions[offsets[:-1]]
    length = np.linalg.norm(bonds, axis=1, keepdims=True)
    forces = np.zeros_like(frames.positions)
    forces[offsets[:-1] + 1] = -2 * (length - 0.97) * bonds / length
    forces[offsets[:-1]] = -forces[offsets[:-1] + 1]
    return Labels(
        id=frames.id,
        n_atoms=frames.n_atoms,
        status=np.zeros(len(frames), dtype=np.uint8),
        n_points=frames.n_points,
        points=frames.points,
        energy=(length[:, 0] - 0.97) ** 2,
        forces=forces,
        stress=np.full((len(frames), 6), np.nan),
        forces_spread=np.full(len(frames.positions), np.nan),
        charges=np.concatenate(values),
        dipole=np.array([q @ x for q, x in zip(values, places, strict=True)]) - about,
        esp=np.concatenate(esp),
    )


def dataset(count, seed=0, **more):
    frames = waters(count, seed, **more)
    return Dataset(frames, labelled(frames))


TRAINING, VALIDATION = dataset(32), dataset(12, seed=1)


def settings(architecture="painn_distributed", **more):
    named = {"name": "s", "architecture": architecture, "size": "tiny", "batch_size": 8}
    return validated(StudentSettings, named | more, "students.s")


def trained(own, training=TRAINING, validation=VALIDATION):
    torch.manual_seed(1)
    student = new_student(own, training_statistics(training), device="cpu")
    history = loop.train(student, training, validation, own, np.random.default_rng(0))
    return student, dict(zip(history.columns, history.rows[history.best_epoch - 1], strict=True))


@pytest.mark.parametrize("optimiser", ["adamw", "adam", "rmsprop", "muon"])
def test_each_optimiser_learns_the_potential(optimiser):
    """A constant of nothing has 11 kcal/mol/e; with charges at atoms alone some 3 are left."""
    esp = VALIDATION.labels.values["esp"]
    assert KCAL * np.sqrt((esp**2).mean()) > 10
    rate = {"muon": 0.02, "rmsprop": 0.003}.get(optimiser, 0.01)
    own = settings(steps=150, learning_rate=rate, optimiser=optimiser)
    _, found = trained(own)
    assert found["valid_esp_rmse_kcal_per_mol_per_e"] < 2.5
    assert found["valid_dipole_mae_D"] < 0.3  # of 2.6 D
    assert found["valid_charges_mae_e"] < 0.1  # of 0.8 e


def test_errors_of_a_history_are_those_of_the_answers():
    """The last row of the history against what the student then says, by another way."""
    student, found = trained(settings(steps=40, learning_rate=0.01))
    answers = student.predict(VALIDATION.frames).values
    labels = VALIDATION.labels.values
    esp = KCAL * np.sqrt(((answers["esp"] - labels["esp"]) ** 2).mean())
    dipole = np.abs(answers["dipole"] - labels["dipole"]).mean() / Debye
    both = [esp, dipole, np.abs(answers["charges"] - labels["charges"]).mean()]
    # batches of 8 and 4 frames in float32
    np.testing.assert_allclose([found[name] for name in charges.COLUMNS], both, rtol=1e-4)


def test_the_cartesian_head_does_not_learn_what_turns():
    """Molecules in all orientations: at best it has charges at the atoms; the other one has not
    this floor. Equal steps, and many: a network of the same size."""
    how = {"steps": 300, "learning_rate": 0.01}
    _, turning = trained(settings(**how))
    _, fixed = trained(settings("painn_cartesian", **how))
    name = "valid_esp_rmse_kcal_per_mol_per_e"
    assert fixed[name] > 2 * turning[name]


VALUES = {
    "energy": torch.tensor([3.0]),
    "forces": torch.tensor([[2.0, 0, 0], [0, 0, 0]]),
    "dipole": torch.tensor([[0.0, 3.0, 0]]),
    "esp": torch.tensor([1.0, 3.0, 0.5]),
    "charges": torch.tensor([0.5, -0.5]),
}
# by hand: squares over their number, the ESP in Hartree/e
EXPECTED = {
    "energy": 9.0,
    "forces": 4 / 6,
    "dipole": 3.0,
    "esp": (1 + 9 + 0.25) / 3 / Hartree**2,
    "monopole": 0.25,
    "total_charge": 4.0,
}


def cost(losses, **labels):
    zeros = {name: torch.zeros_like(value) for name, value in VALUES.items()}
    sites = Sites(torch.zeros(2, 1), torch.zeros(2, 1, 3), torch.tensor([2.0]))
    answers = Outputs(**VALUES, sites=sites)
    return float(charges.joint_loss(answers, zeros | labels, {}, losses))


@pytest.mark.parametrize("term", EXPECTED)
def test_each_term_is_its_weight_times_its_mean_square_error(term):
    off = dict.fromkeys(EXPECTED, 0.0)
    assert cost(Losses(**off)) == 0
    assert cost(Losses(**off | {term: 7.0})) == pytest.approx(7 * EXPECTED[term])


def test_the_defaults_are_the_published_weights():
    weights = {"energy": 1, "forces": 50, "dipole": 25, "esp": 1e4, "monopole": 100}
    assert Losses().model_dump() == weights | {"total_charge": 100}
    both = sum(weight * EXPECTED[name] for name, weight in Losses().model_dump().items())
    assert cost(Losses()) == pytest.approx(both)


def test_mbis_charges_come_first():
    """Where labels have both, charges of the basis are not what monopoles are held to."""
    off = dict.fromkeys(EXPECTED, 0.0) | {"monopole": 1.0}
    mbis = torch.tensor([0.5, 0.5])
    assert cost(Losses(**off), mbis_charges=mbis) == pytest.approx(0.5)


def test_turned_frames_cost_the_same():
    """Labels, points and answers turn together; a head in fixed axes shows that they do turn."""
    student, statistics = new_student(settings(), STATISTICS, device="cpu"), STATISTICS
    other = new_student(settings("painn_cartesian"), STATISTICS, device="cpu")
    weights = Weights.of(settings(), statistics)
    q = haar_rotations(len(VALIDATION), np.random.default_rng(5))
    changes = []
    for each in (student, other):
        batches = Batches(each, VALIDATION, 16, Scales.of(TRAINING))
        ((batch, targets),) = batches.in_order()
        before = loss_of(answers_of(each, batch, targets, training=False), targets, weights)
        batch, targets = each.rotate(batch, q), targets.turned(q)
        after = loss_of(answers_of(each, batch, targets, training=False), targets, weights)
        changes.append(abs(after.item() / before.item() - 1))
    assert changes[0] < 1e-5  # float32
    assert changes[1] > 1e-4


STATISTICS = training_statistics(TRAINING)


def test_frames_far_from_the_origin_are_the_same_frames():
    """Batches are brought near the origin, points with their frames; dipoles of ions do not
    change on the way."""
    ions = dataset(6, charge=1)
    way = np.array([80.0, -24.0, 3.0])
    far, points = ions.frames.positions + way, ions.frames.points + way
    frames = replace(ions.frames, positions=far, points=points)
    moved = Dataset(frames, labelled(frames))
    student = new_student(settings(), STATISTICS, device="cpu")
    weights, losses = Weights.of(settings(), STATISTICS), []
    for data in (ions, moved):
        ((batch, targets),) = Batches(student, data, 8, Scales.of(TRAINING)).in_order()
        answers = answers_of(student, batch, targets, training=False)
        losses.append(loss_of(answers, targets, weights).item())
    # what is within 4 A of the origin stays, and 3 A are enough to change float32's rounding
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize(
    ("without", "term"), [("esp", "esp"), ("dipole", "dipole"), ("charges", "monopole")]
)
def test_labels_that_lack_what_is_to_be_learned_are_refused(without, term):
    values = {n: v for n, v in TRAINING.labels.values.items() if n != without}
    part = Dataset(TRAINING.frames, replace(TRAINING.labels, values=values))
    own = settings(steps=1)
    with pytest.raises(LimbeckError, match=rf"s: losses.{term}: \S+, expected 0: the labels of "):
        trained(own, part)
    off = settings(steps=1, losses={term: 0.0})
    trained(
        off,
        part,
        Dataset(
            VALIDATION.frames,
            replace(
                VALIDATION.labels,
                values={n: v for n, v in VALIDATION.labels.values.items() if n != without},
            ),
        ),
    )


def test_a_frame_without_a_label_costs_nothing():
    """NaN in the dipole of one frame: the others are learned, and no gradient is NaN."""
    values = {n: v.copy() for n, v in TRAINING.labels.values.items()}
    values["dipole"][3] = np.nan
    values["esp"][20:40] = np.nan
    values["charges"][9:12] = np.nan
    part = Dataset(TRAINING.frames, replace(TRAINING.labels, values=values))
    _, found = trained(settings(steps=40, learning_rate=0.01), part)
    assert found["valid_esp_rmse_kcal_per_mol_per_e"] < 8


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("energy_weight", 1.0, "energy_weight: 1.0, expected it not to be given for painn_"),
        ("loss", "huber", "loss: 'huber', expected it not to be given"),
        ("losses", dict.fromkeys(Losses.model_fields, 0.0), "losses: all 0"),
        ("losses", {"dipol": 1.0}, "dipol"),
        ("charges_per_atom", 0, "charges_per_atom"),
    ],
)
def test_settings_that_mean_nothing_are_refused(field, value, told):
    with pytest.raises(LimbeckError, match=told):
        settings(**{field: value})


def test_other_students_have_no_such_losses():
    with pytest.raises(LimbeckError, match="expected none for painn: it has no charges"):
        settings("painn", losses={"esp": 1.0})
    with pytest.raises(LimbeckError, match="charges_per_atom"):
        settings("mace", charges_per_atom=2)


def test_turning_frames_of_a_data_set_turns_their_labels():
    """Guards the tests above: the rule's dipole turns, its potential goes with the points."""
    frames = waters(3)
    q = haar_rotations(3, np.random.default_rng(2))
    before, after = labelled(frames).values, labelled(turn(frames, q)).values
    np.testing.assert_allclose(after["esp"], before["esp"], atol=1e-12)
    np.testing.assert_allclose(
        after["dipole"], np.einsum("bij,bj->bi", q, before["dipole"]), atol=1e-12
    )


def test_at_home_it_answers_for_charges_dipole_and_potential(tmp_path):
    """Saved and opened through ASE: the same as in training; and what it refuses."""
    student, _ = trained(settings(steps=30, learning_rate=0.01))
    student.save(tmp_path)
    frames = VALIDATION.frames.select([0])
    expected = student.predict(frames).values
    (atoms,) = frames.to_atoms()
    atoms.calc = calc = load_student(tmp_path)
    with pytest.raises(LimbeckError, match="no atoms, expected some"):
        calc.get_electrostatic_potential(frames.points)
    np.testing.assert_array_equal(atoms.get_charges(), expected["charges"])
    np.testing.assert_array_equal(atoms.get_dipole_moment(), expected["dipole"][0])
    esp = calc.get_electrostatic_potential(frames.points)
    np.testing.assert_array_equal(esp, expected["esp"])
    np.testing.assert_allclose(calc.get_electrostatic_potential(frames.points, atoms), esp)
    for points, told in (
        (frames.positions + 0.3, r"point \d is 0.\d+ A from atom \d, expected 1 A at least"),
        ([[np.nan, 0, 0]], "point 0 is not finite"),
        ([1.0, 2.0, 3.0], r"shape \(3,\), expected \[G,3\]"),
    ):
        with pytest.raises(LimbeckError, match=told):
            calc.get_electrostatic_potential(points)
    crystal = atoms.copy()
    crystal.set_cell([9.0, 9.0, 9.0])
    crystal.pbc = True
    with pytest.raises(LimbeckError, match="periodic atoms, expected a molecule alone"):
        calc.get_electrostatic_potential(frames.points, crystal)


def test_seeds_answer_together(tmp_path):
    """The potential of a committee is the mean of its members'."""
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        student = new_student(settings(), STATISTICS, device="cpu")
        folder = tmp_path / f"seed{seed}" / "model"
        folder.mkdir(parents=True)
        student.save(folder)
        found.append(student.predict(VALIDATION.frames.select([0])).values["esp"])
    frames = VALIDATION.frames.select([0])
    calc = load_student(tmp_path)
    esp = calc.get_electrostatic_potential(frames.points, frames.to_atoms()[0])
    np.testing.assert_allclose(esp, np.mean(found, axis=0), atol=1e-12)
    assert np.abs(found[0] - found[1]).max() > 1e-3


def test_students_without_charges_say_so(tmp_path):
    student = new_student(settings("painn"), STATISTICS, device="cpu")
    student.save(tmp_path)
    calc = load_student(tmp_path)
    with pytest.raises(LimbeckError, match="a painn has no electrostatic potential, expected a"):
        calc.get_electrostatic_potential(np.ones((1, 3)), VALIDATION.frames.to_atoms()[0])


@pytest.mark.parametrize("kind", ["painn_distributed", "painn_cartesian"])
def test_it_is_a_potential_of_the_config_too(kind, tmp_path):
    """As a teacher, whose views are averaged at the points as its forces are."""
    student = new_student(settings(kind), STATISTICS, device="cpu")
    student.save(tmp_path)
    opened = open_potential({"name": "t", "model": "painn", "path": str(tmp_path)})
    assert opened.about.equivariant == (kind == "painn_distributed")
    opened.ask_for(["esp", "dipole"])
    frames = VALIDATION.frames
    views = Views(random=4)
    found = average(opened, frames, views.operations(frames), views.weights)
    same = np.sqrt(found.variances["esp"].mean()) * KCAL
    assert (same < 1e-4) == (kind == "painn_distributed")  # kcal/mol/e, in float32
    assert found.mean.values["esp"].shape == (len(frames.points),)
