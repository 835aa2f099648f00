"""Errors of charges, dipoles and potentials by hand, frames without labels, and what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from ase.build import molecule
from ase.units import Debye

from limbeck.charges.accuracy import beside_the_floor, by_element, drawn, figures_of, sums_of
from limbeck.charges.sites import KCAL
from limbeck.charges.student import DistributedPotential
from limbeck.charges.surface import on_shells
from limbeck.datasets.split import Dataset
from limbeck.frames import from_atoms
from limbeck.labels import unlabelled
from limbeck.potentials.trainable import Statistics
from limbeck.properties import Predictions
from limbeck.warrant.measure import stack

NAMES = ("H2O", "CO2", "CH3OH", "NH3", "HCN", "CH4")


def frames_of(names=NAMES):
    structures = [molecule(name) for name in names]
    return on_shells(from_atoms(structures, groups=list(names), source="s"), [1.4, 1.6], 1.0)


FRAMES = frames_of()


def labels_of(frames=FRAMES, seed=0):
    rng = np.random.default_rng(seed)
    empty = unlabelled(frames, ("mbis_charges", "charges", "dipole", "esp"))
    values = {name: rng.standard_normal(value.shape) for name, value in empty.values.items()}
    return replace(empty, values=values)


LABELS = labels_of()


def answers_off_by(charge=0.0, dipole=0.0, esp=0.0, labels=LABELS):
    own = labels.values
    return Predictions(
        own["energy"],
        own["forces"],
        own["stress"],
        charges=own["mbis_charges"] + charge,
        dipole=own["dipole"] + dipole,
        esp=own["esp"] + esp,
    )


def figures(answers, labels=LABELS, frames=FRAMES):
    return figures_of(stack([sums_of(answers, labels, frames)]), frames)


def test_errors_are_in_the_units_of_the_field():
    """0.1 e Angstrom are 0.48 D, 0.1 V are 2.3 kcal/mol/e; MBIS charges are what charges are
    held to, not those of the basis."""
    found = figures(answers_off_by(0.02, -0.1, 0.1))
    units = {name: (found[name]["unit"], found[name]["value"]) for name in found}
    assert units["charges"] == ("e", pytest.approx(0.02))
    assert units["dipole"] == ("D", pytest.approx(0.480320, rel=1e-5))
    assert units["esp"] == ("kcal/mol/e", pytest.approx(2.30605, rel=1e-5))
    sizes = {name: found[name]["size"]["value"] for name in found}
    esp = LABELS.values["esp"]
    assert sizes["esp"] == pytest.approx(KCAL * np.sqrt((esp**2).mean()))
    assert sizes["dipole"] == pytest.approx(np.sqrt((LABELS.values["dipole"] ** 2).mean()) / Debye)


def test_an_esp_is_told_by_its_square():
    """Half of the points off by 2 V, the others right: the root of 2 V^2, not 1 V."""
    off = np.where(np.arange(len(FRAMES.points)) % 2 == 0, 2.0, 0.0)
    found = figures(answers_off_by(esp=off))["esp"]["value"]
    assert found == pytest.approx(KCAL * np.sqrt((off**2).mean()))


def test_frames_without_a_label_do_not_count():
    labels = labels_of()
    labels.values["dipole"][2] = np.nan
    labels.values["esp"][FRAMES.points_of(0)] = np.nan
    labels.values["mbis_charges"][FRAMES.atoms_of(1)] = np.nan
    wrong = answers_off_by(0.02, 0.1, 0.1, LABELS)
    found = figures(wrong, labels)
    assert found["dipole"]["value"] == pytest.approx(0.480320, rel=1e-5)
    assert found["esp"]["value"] == pytest.approx(2.30605, rel=1e-5)
    assert found["charges"]["value"] == pytest.approx(0.02)
    labels.values["esp"][:] = np.nan
    assert "esp" not in figures(wrong, labels)


def test_charges_are_told_by_element():
    off = np.where(FRAMES.numbers == 8, 0.3, 0.1)
    found = by_element(answers_off_by(off), LABELS, FRAMES)
    assert {name: round(part["charges"]["value"], 6) for name, part in found.items()} == {
        "C": 0.1,
        "H": 0.1,
        "N": 0.1,
        "O": 0.3,
    }
    assert found["O"]["n_atoms"] == 4
    assert by_element(Predictions(energy=np.zeros(6)), LABELS, FRAMES) == {}


def test_the_student_stands_beside_what_needs_no_model():
    found = beside_the_floor(answers_off_by(esp=0.1), LABELS, FRAMES)
    assert found["student"]["all"]["value"] == pytest.approx(2.30605, rel=1e-5)
    assert set(found["student"]["by_element"]) == {"C", "H", "N", "O"}
    assert set(found["student"]["by_shell"]) == {"1.4", "1.6"}
    ranks = [found[f"{name}_fitted"]["all"]["value"] for name in ("charges", "dipoles")]
    assert ranks[0] > ranks[1] > 0
    assert beside_the_floor(Predictions(energy=np.zeros(6)), LABELS, FRAMES) is None


def test_a_frame_with_an_answer_that_is_not_finite_is_left_out_of_all():
    answers = answers_off_by(esp=0.1)
    answers.values["esp"][3] = np.nan
    found = beside_the_floor(answers, LABELS, FRAMES)
    assert (found["n_frames"], found["student"]["all"]["value"]) == (
        len(FRAMES) - 1,
        pytest.approx(2.30605, rel=1e-5),
    )


def test_the_largest_molecule_is_drawn_on_its_innermost_shell():
    torch.manual_seed(0)
    numbers = sorted({1, 6, 7, 8})
    statistics = Statistics(numbers, np.zeros(4), 0.0, 1.0, 1.0, 1.0)
    student = DistributedPotential.build("tiny", statistics, name="s", device="cpu")
    found = drawn(student, [Dataset(FRAMES, LABELS)])
    methanol = NAMES.index("CH3OH")
    assert found["id"] == FRAMES.id[methanol].decode()
    expected = student.predict(FRAMES.select([methanol])).values["esp"]
    points = FRAMES.points[FRAMES.points_of(methanol)]
    inner = [np.flatnonzero((points.round(5) == p).all(axis=1))[0] for p in found["points"]]
    assert 50 < len(inner) < len(points)
    np.testing.assert_allclose(found["student"], expected[inner], atol=1e-5)
    assert np.array(found["places"]).shape == (6, 3, 3)
    assert sum(map(sum, found["charges"])) == pytest.approx(0, abs=1e-4)
    bare = frames_of(("CO2",)).with_points(np.zeros(1, np.int32), np.zeros((0, 3)))
    assert drawn(student, [Dataset(bare, labels_of(bare))]) is None
