"""What a student is worth: errors by hand, its card, and how it is handed over."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from ase.db import connect

from limbeck import load_student
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of
from limbeck.frames import concatenate, from_atoms
from limbeck.labels import select_labels
from limbeck.properties import Predictions
from limbeck.students import architecture
from limbeck.students.card import card
from limbeck.students.evaluation import answer, as_labels, constant, errors, evaluate
from limbeck.students.handover import open_student, use_me
from limbeck.students.statistics import training_statistics
from metals import example
from planted import labels_for


def small_set():
    """Water and a hydrogen molecule of one source, carbon dioxide of another."""
    wet = from_atoms([molecule("H2O"), molecule("H2")], groups=["a", "b"], source="wet")
    frames = concatenate([wet, from_atoms([molecule("CO2")], groups=["c"], source="dry")])
    forces = np.zeros((8, 3))
    forces[:3, 0] = 3.0  # water
    forces[5:, 2] = -6.0  # carbon dioxide
    return Dataset(frames, labels_for(frames, energy=np.array([-9.0, -2.0, -30.0]), forces=forces))


def answers_for(data, energy, force):
    """Answers that differ from the labels by ``energy`` [B] and ``force`` (all components)."""
    return Predictions(
        data.labels.energy + energy, data.labels.forces + force, np.full((len(data), 6), np.nan)
    )


def test_errors_by_hand():
    data = small_set()
    forces = np.repeat([0.1, -0.4, 0.2], data.frames.n_atoms)[:, None] * [1, 1, 0]
    found = errors(answers_for(data, np.array([0.3, -0.4, 0.0]), forces), data.labels, data.frames)
    value = lambda table, key: table[key]["value"]  # noqa: E731
    # per atom: 0.1, 0.2 and 0 eV, each frame the same
    assert value(found, "energy") == pytest.approx(100)
    # two of three components; 3 atoms with 0.1, 2 with 0.4, 3 with 0.2 eV/A, each atom the same
    assert value(found, "forces") == pytest.approx(1e3 * 2 / 3 * 1.7 / 8)
    assert found["forces"]["size"]["value"] == pytest.approx(1e3 * np.sqrt((27 + 108) / 24))
    wet, dry = found["by_source"]["wet"], found["by_source"]["dry"]
    assert value(wet, "energy") == pytest.approx(150)
    assert value(wet, "forces") == pytest.approx(1e3 * 2 / 3 * 1.1 / 5)
    assert value(dry, "energy") == 0
    assert value(dry, "forces") == pytest.approx(1e3 * 2 / 3 * 0.2)
    assert np.isnan(found["forces"]["ci95"]).all()  # three roots: no interval


def test_the_constant_knows_the_composition_alone():
    training = example(4)
    statistics = training_statistics(training)
    found = constant(training, training.frames)
    is_copper = training.frames.numbers == 29
    copper = np.bincount(training.frames.frame_of_atom, weights=is_copper)
    al, cu = statistics.reference_energies  # sorted by number: 13, 29
    np.testing.assert_allclose(found.energy, copper * cu + (4 - copper) * al)
    assert not found.forces.any()
    # an element that the training set lacks counts for nothing
    unknown = from_atoms([Atoms("CuAu", [[0, 0, 0], [0, 0, 2.6]])], groups=["x"], source="x")
    assert constant(training, unknown).energy[0] == pytest.approx(cu)


def test_evaluation_beside_truth_teacher_and_constant():
    training, test = example(8), example(5, seed=3)
    answers = answers_for(test, np.full(10, 0.4), 0.05)
    # the reference: of the frames from the third on, in another order, of which one is not good
    order = np.array([9, 8, 7, 6, 5, 4, 3, 2])
    truth = select_labels(test.labels, order)
    truth = replace(truth, forces=truth.forces + 0.02, status=np.array([0] * 7 + [1]))
    found = evaluate(answers, training, test, truth)
    assert (found["n_frames"], found["n_left_out"], found["n_roots"]) == (10, 0, 10)
    force = "forces"
    own = found["against"]["labels"]
    assert own[force]["value"] == pytest.approx(50)
    assert own["energy"]["value"] == pytest.approx(100)
    assert own[force]["ci95"] == pytest.approx([50, 50])  # every root has the same error
    assert found["against"]["reference"][force]["value"] == pytest.approx(30)
    assert found["teacher_against_reference"][force]["value"] == pytest.approx(20)
    flat = found["constant"][force]["value"]
    assert flat == pytest.approx(1e3 * np.abs(test.labels.forces).mean())
    low, high = found["constant"][force]["ci95"]
    assert low < flat < high
    assert "reference" not in evaluate(answers, training, test, None)["against"]


def test_the_excess_over_the_labels_is_paired_by_root():
    """Labels off by 0.1 eV/A, student by 0.15, whatever the reference of a root: 50 meV/A."""
    rng = np.random.default_rng(0)
    test = example(8, seed=3)
    forces = rng.normal(scale=100, size=test.labels.forces.shape)
    order = rng.permutation(len(test))  # joined by id, not by place
    status = np.zeros(len(test), dtype=np.uint8)
    status[order == 4] = 1
    reference = replace(test.labels, forces=forces)
    reference = replace(select_labels(reference, order), status=status)
    data = Dataset(test.frames, replace(test.labels, forces=forces + 0.1))
    answers = answers_for(test, np.zeros(len(test)), 0.0)
    answers.forces[:] = forces + 0.15
    answers.forces[test.frames.atoms_of(4)] += 9.0  # of the bad reference: must not count
    found = evaluate(answers, example(4), data, reference)["excess"]
    # All roots agree, so that the interval has no width; 1e-9 is rounding of numbers near 100.
    for part in (found, *found["by_source"].values()):
        assert part["forces"]["value"] == pytest.approx(50, abs=1e-9)
    assert found["forces"]["ci95"] == pytest.approx([50, 50], abs=1e-9)
    assert found["n_frames"] == len(test) - 1
    none = replace(reference, status=np.ones(len(test), dtype=np.uint8))
    assert np.isnan(evaluate(answers, example(4), data, none)["excess"]["forces"]["value"])


def test_frames_without_an_answer_are_left_out_and_counted():
    training, test = example(8), example(5, seed=3)
    answers = answers_for(test, np.full(10, 0.4), 0.05)
    answers.energy[0] = np.nan
    answers.forces[4] = np.inf  # first atom of the second frame
    found = evaluate(answers, training, test, test.labels)
    assert (found["n_frames"], found["n_left_out"]) == (8, 2)
    assert found["against"]["labels"]["forces"]["value"] == pytest.approx(50)
    assert found["against"]["reference"]["forces"]["value"] == pytest.approx(50)
    assert as_labels(answers, test.frames).status.tolist() == [1, 1] + [0] * 8
    with pytest.raises(LimbeckError, match="none of 10 test frames has an answer"):
        evaluate(answers_for(test, np.full(10, np.nan), 0.0), training, test, None)
    nothing = test.select(np.array([], dtype=int))
    with pytest.raises(LimbeckError, match="none of 0 test frames"):
        evaluate(answers_for(nothing, np.zeros(0), 0.0), training, nothing, None)


@pytest.fixture(scope="module")
def student():
    torch.manual_seed(0)
    return architecture("mace").build(
        "tiny", training_statistics(example(2)), name="tiny", device="cpu"
    )


def test_a_frame_of_another_element_has_no_answer(student):
    gold = from_atoms([Atoms("Au2", [[0, 0, 0], [0, 0, 2.6]])], groups=["Au"], source="gold")
    known = example(2).frames
    mixed = concatenate([known.select([0]), gold, known.select([1])])
    found, expected = answer(student, mixed), student.predict(known.select([0, 1]))
    np.testing.assert_array_equal(found.energy[[0, 2]], expected.energy)
    np.testing.assert_array_equal(found.forces[[*range(4), *range(6, 10)]], expected.forces)
    np.testing.assert_array_equal(found.stress[[0, 2]], expected.stress)
    assert np.isnan(found.energy[1])
    assert np.isnan(found.forces[4:6]).all()


@pytest.mark.parametrize("conservative", [True, False])
def test_the_card_has_the_numbers(conservative):
    training, test = example(8), example(5, seed=3)
    truth = replace(test.labels, energy=test.labels.energy - 0.4)  # of four atoms each
    metrics = evaluate(answers_for(test, np.full(10, 0.4), 0.05), training, test, truth)
    text = card(
        {"label_set": "emt-own", "student": "mace-small", "seed": 7},
        {
            "architecture": "mace",
            "network": "An equivariant MACE.",
            "parameters": 12345,
            "train_frames": 16,
            "valid_frames": 6,
            "minutes": 2.25,
            "best_epoch": 11,
            "epochs": 13,
        },
        metrics,
        {"potential": "e", "model": "emt", "views": 12, "licence": "LGPL", "citation": "Jacobsen"},
        ["Al", "Cu"],
        "group",
        conservative=conservative,
    )
    assert (text.split("\n\n")[1].startswith("**Not conservative.** Its forces")) != conservative
    flat = " ".join(text.split())
    for words in (
        "# mace-small from emt-own, seed 7",
        "`mace`: An equivariant MACE. It has 12,345 parameters and was trained on 16 frames (6 to",
        "in 2.2 minutes; the weights are those of epoch 11 of 13. Elements: Al, Cu.",
        "Labels: e (emt), views: 12. LGPL. Jacobsen.",
        "10 test frames of 5 groups (10 roots), of which it was trained on none by name, but",
        "of the same formula or molecule in training, under another group",  # both are made alike
        "95 % intervals are over groups:",
    ):
        assert words in flat
    rms = 1e3 * np.sqrt((test.labels.forces**2).mean())
    assert f"| all sources | 5 | labels | 100 (100 to 100) | 50 (50 to 50) | {rms:.0f} |" in text
    assert "| clusters | 5 | reference | 200 (200 to 200) | 50 (50 to 50) |" in text
    assert "| solids | 5 | labels, by a constant |" in text
    assert "{" not in text


@pytest.fixture
def seed_folder(student, tmp_path):
    folder = tmp_path / "students" / "emt" / "mace-small" / "seed3"
    (folder / "model").mkdir(parents=True)
    student.save(folder / "model")
    return folder


def test_a_student_opens_from_its_folder_or_its_model_folder(student, seed_folder):
    atoms = example(2).frames.to_atoms()[0]
    expected = student.predict(example(2).frames.select([0]))
    for path in (seed_folder, str(seed_folder), seed_folder / "model"):
        atoms.calc = load_student(path)
        assert atoms.get_potential_energy() == expected.energy[0]  # the same bits
        np.testing.assert_array_equal(atoms.get_forces(), expected.forces)
        np.testing.assert_array_equal(atoms.get_stress(), expected.stress[0])
        assert open_student(path).about.name == "seed3"
    assert open_student(seed_folder, name="mine").about.name == "mine"


def test_elsewhere_there_is_no_student(seed_folder, tmp_path):
    for path in (seed_folder.parent, tmp_path / "nothing", seed_folder / "model" / "model.json"):
        with pytest.raises(LimbeckError, match=rf"{path}/model/model\.json: no such file"):
            load_student(path)


def test_a_student_of_an_unknown_architecture_is_refused(seed_folder):
    path = seed_folder / "model" / "model.json"
    path.write_text(path.read_text().replace('"mace"', '"painn"'))
    with pytest.raises(LimbeckError, match=r"architecture 'painn', expected \['direct', 'mace'\]"):
        load_student(seed_folder)


def test_use_me_asks_for_the_smallest_frame_and_moves_with_its_folder(
    student, seed_folder, tmp_path, capsys
):
    pair = from_atoms([Atoms("Cu2", [[0, 0, 0], [0, 0, 2.5]])], groups=["Cu"], source="x")
    frames = concatenate([example(2).frames, pair])
    (seed_folder / "use_me.py").write_text(use_me(frames, conservative=True))
    moved = shutil.move(seed_folder, tmp_path / "elsewhere")
    path = moved / "use_me.py"
    exec(compile(path.read_text(), str(path), "exec"), {"__file__": str(path)})
    energy = float(capsys.readouterr().out.split(" eV\n")[0].split()[-1])
    assert energy == pytest.approx(student.predict(pair).energy[0], abs=1e-5)  # float32


def test_a_row_of_ases_database_says_which_student_answered(student, seed_folder, tmp_path):
    atoms = example(2).frames.to_atoms()[0]
    atoms.calc = load_student(seed_folder)
    atoms.get_potential_energy()
    with connect(tmp_path / "ase.db") as database:
        database.write(atoms)
        row = database.get(1)
    assert row.calculator == "limbeck"
    assert row.calculator_parameters == {
        "potential": "seed3",
        "model": "mace",
        "weights": sha256_of(seed_folder / "model/model.safetensors"),
        "folder": str(seed_folder),
    }
