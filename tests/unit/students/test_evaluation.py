"""What a student is worth: errors by hand, its card, and how it is handed over."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.db import connect
from ase.units import GPa

from limbeck import load_student
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of
from limbeck.frames import concatenate, from_atoms
from limbeck.labels import select_labels
from limbeck.properties import Predictions
from limbeck.students import ARCHITECTURES, architecture
from limbeck.students.card import NOT_CONSERVATIVE, _domain, _pilot, _short, _took, card
from limbeck.students.evaluation import (
    answer,
    as_labels,
    breakdown,
    by_compound,
    constant,
    errors,
    evaluate,
    evaluate_all,
)
from limbeck.students.handover import open_student, use_me
from limbeck.students.statistics import training_statistics
from limbeck.warrant.floor import floor_under
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


def test_a_test_set_without_an_answer_has_no_figures():
    training, test = example(8), example(5, seed=3)
    nothing = test.select(np.array([], dtype=int))
    tests = {"test_known": nothing, "test_new": test}
    none = answers_for(nothing, np.zeros(0), 0.0)
    answers = {"test_known": none, "test_new": answers_for(test, np.full(10, 0.4), 0.05)}
    found = evaluate_all(answers, training, tests, None)
    assert found["test_known"] is None
    assert found["test_new"]["n_frames"] == 10
    answers["test_new"] = answers_for(test, np.full(10, np.nan), 0.0)
    with pytest.raises(LimbeckError, match="none of 10 test frames has an answer"):
        evaluate_all(answers, training, tests, None)


def test_errors_of_the_stress_by_hand():
    """Off by 0.1 GPa in every component of the tensor; isolated frames and slabs have none."""
    slab = fcc111("Cu", (1, 1, 3), vacuum=9.0, periodic=True)
    crystals = [bulk("Cu", cubic=True), bulk("Al", cubic=True)]
    parts = [
        from_atoms(each, groups=["a"] * len(each), source="s")
        for each in (crystals, [molecule("H2")], [slab])
    ]
    frames = concatenate(parts)
    labels = labels_for(frames)
    stress = np.full((4, 6), np.nan)
    stress[[0, 1, 3]] = [0.3 * GPa] * 3 + [0.0] * 3
    labels = replace(labels, values=labels.values | {"stress": stress})
    answers = Predictions(labels.energy, labels.forces, stress + 0.1 * GPa)
    found = errors(answers, labels, frames)["stress"]
    assert found["value"] == pytest.approx(0.1, rel=1e-9)  # rounding
    assert found["size"]["value"] == pytest.approx(0.3 / np.sqrt(3), rel=1e-9)  # 3 of 9
    assert found["unit"] == "GPa"
    only = np.arange(2, 4)
    data = Dataset(frames, labels).select(only)
    none = errors(answers_for(data, 0, 0), data.labels, data.frames)
    assert "stress" not in none


def test_who_knows_each_compound_is_off_by_the_spread_within_it():
    """Two groups of one composition, 1 and 3 eV/atom; test frames 0.2 eV/atom above and below."""
    pairs = [molecule("H2") for _ in range(8)]
    for n, atoms in enumerate(pairs):
        atoms.positions *= 1 + n / 100
    frames = from_atoms(pairs, groups=["a", "a", "b", "b"] * 2, source="s")
    energy = 2 * np.array([0.9, 1.1, 2.9, 3.1, 1.2, 0.8, 3.2, 2.8])
    whole = Dataset(frames, labels_for(frames, energy=energy))
    training, test = whole.select(np.arange(4)), whole.select(np.arange(4, 8))
    answers = by_compound(training, test.frames)
    np.testing.assert_allclose(answers.energy, [2, 2, 6, 6])  # the mean of each group
    found = evaluate(answers, training, test, None)
    assert found["by_compound"]["energy"]["value"] == pytest.approx(200)
    # one who knows the composition alone: 2 eV/atom for all
    assert found["constant"]["energy"]["value"] == pytest.approx(1000)
    unknown = Dataset(replace(test.frames, group=np.array([b"c"] * 4)), test.labels)
    assert "by_compound" not in evaluate(answers, training, unknown, None)


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
def test_the_card_has_the_numbers(conservative, student):
    training, test = example(8), example(5, seed=3)
    truth = replace(test.labels, energy=test.labels.energy - 0.4)  # of four atoms each
    metrics = evaluate(answers_for(test, np.full(10, 0.4), 0.05), training, test, truth)
    floor = {"value": 31.5, "ci95": [27.0, 36.0], "labels": "mean", "amplitude_A": 0.05}
    floor |= {"n_frames": 40, "n_groups": 12}
    given = (
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
            "ended": "diverged at step 90",
            "optimiser": "muon",
            "learning_rate": 0.005,
            "batch_size": 4,
            "loss": "huber",
            "augment": True,
            "trials": [{"verdict": "learns"}, {"verdict": "dead"}, {"verdict": "dead"}],
            "muon_share": 0.684,
        },
        {
            "attracting_pairs": ["Al-Cu"],
            "test_known": metrics,
            "test_new": metrics | {"near_copies": ["salt"]},
            "floor": floor,
            "far_from_data": {"test_known": 0.013, "test_new": None},
        },
        {"potential": "e", "model": "emt", "views": 12, "licence": "LGPL", "citation": "Jacobsen"},
        ["Al", "Cu"],
        "group",
    )
    named = {
        "about": replace(student.about, conservative=conservative),
        "recipe": "0123456789abcdef",
        "ignored": {"charge": 3, "spin": 0},
    }
    text = card(*given, **named)
    assert (text.split("\n\n")[1].startswith("**Not conservative.** Its forces")) != conservative
    flat = " ".join(text.split())
    for words in (
        "# mace-small from emt-own, seed 7",
        "`mace`: An equivariant MACE. It has 12,345 parameters and was trained on 16 frames (6 to",
        "in 2.2 minutes; the weights are those of epoch 11 of 13 (diverged at "
        "step 90). Optimiser: muon, learning rate 0.005 (tuned, the best of 3), batches of 4; "
        "Muon moved 68 % of the weights. Loss: huber; frames were turned at random in every step. "
        "Elements: Al, Cu.",
        "It does not read charge and spin, and goes by the atoms alone. Of its 16 training frames, "
        "3 have a charge: states of the same atoms that it cannot tell apart.",
        "Dimers: 1 of 3 pairs of its elements attract below 0.7 of their covalent radii, and may "
        "fall into each other there: Al-Cu.",
        "Labels: e (emt), views: 12. LGPL. Jacobsen.",
        "## Known chemistry Mean absolute errors on 10 test frames of 5 groups (10 roots). It",
        "It was trained on other structures of these groups, so that this says nothing of new chem",
        "## New chemistry Mean absolute errors on 10 test frames of 5 groups (10 roots). It was",
        "trained on none of them by name, but 1 group of test_new (salt) have structures of the",
        "Intervals of 95 % are over groups.",
        "against means over views of this teacher than 31.5 (27 to 36) meV/Å, over structures 0.05",
        "Measured around 40 frames of 12 groups.",
        "`load_student` warns of them; it warned of 1.3 % of the test frames of known chemistry.",
        "Its recipe: `0123456789abcdef`",
    ):
        assert words in flat
    rms = 1e3 * np.sqrt((test.labels.forces**2).mean())
    assert f"| all sources | 5 | labels | 100 (100 to 100) | 50 (50 to 50) | {rms:.0f} |" in text
    assert ("is no gradient" in flat or "are no gradient: it can be better" in flat) != conservative
    for known, words in ((None, "Not known: it was"), (floor_under(None, 12), "None: its teacher")):
        there = card(*given[:2], {**given[2], "floor": known}, *given[3:], **named)
        assert words in there
    for pairs, words in (([], "Dimers: none of 3 pairs"), (None, "")):
        there = card(*given[:2], {**given[2], "attracting_pairs": pairs}, *given[3:], **named)
        assert there.count("Dimers:") == (pairs is not None)
        assert words in there
    assert "| clusters | 5 | reference, by the labels | 100 (100 to 100) | 0 (0 to 0) |" in text
    assert "| clusters | 5 | reference | 200 (200 to 200) | 50 (50 to 50) |" in text
    assert "| solids | 5 | labels, by a constant |" in text
    assert "| solids | 5 | labels, by the mean of each group |" in text
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
    with pytest.raises(LimbeckError, match="a committee of one, seed3, expected two seeds or more"):
        load_student(seed_folder.parent)
    for path in (tmp_path / "nothing", seed_folder / "model" / "model.json"):
        with pytest.raises(LimbeckError, match=rf"{path}/model/model\.json: no such file"):
            load_student(path)


def test_a_student_of_an_unknown_architecture_is_refused(seed_folder):
    path = seed_folder / "model" / "model.json"
    path.write_text(path.read_text().replace('"mace"', '"schnet"'))
    with pytest.raises(LimbeckError, match=r"architecture 'schnet', expected \['direct', "):
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


def test_root_mean_square_errors_and_cosines_by_hand():
    data = small_set()
    forces = np.zeros((8, 3))
    forces[:3] = [[0, 3.0, 0], [3.0, 0, 0], [-3.0, 0, 0]]  # water: across, along, against
    forces[5:, 2] = -6.0  # carbon dioxide: right; the labels of hydrogen vanish, and do not count
    given = Predictions(data.labels.energy, forces, np.full((3, 6), np.nan))
    found = errors(given, data.labels, data.frames)
    assert found["forces"]["cosine"]["value"] == pytest.approx((0 + 1 - 1 + 3) / 6)
    assert found["by_source"]["wet"]["forces"]["cosine"]["value"] == pytest.approx(0)
    # squares of what is wrong: 9 + 9, 0 and 36 of 24 components
    assert found["forces"]["rmse"]["value"] == pytest.approx(1e3 * np.sqrt(54 / 24))
    right = errors(answers_for(data, np.zeros(3), 0.0), data.labels, data.frames)
    assert right["forces"]["cosine"]["value"] == pytest.approx(1)
    none = Predictions(data.labels.energy, np.zeros((8, 3)), np.full((3, 6), np.nan))
    assert errors(none, data.labels, data.frames)["forces"]["cosine"]["value"] == 0


def test_errors_by_sampling_size_and_element_by_hand():
    data = small_set()
    frames = replace(data.frames, sampling=np.array([b"md", b"rattle", b"rattle"]))
    wrong = np.zeros((8, 3))
    wrong[0], wrong[6] = 0.3, 0.6  # of the oxygen of water, and of one of carbon dioxide's
    given = Predictions(
        data.labels.energy + np.array([0.3, 0, 0]),
        data.labels.forces + wrong,
        np.full((3, 6), np.nan),
    )
    found = breakdown(given, data.labels, frames)
    value = lambda kind, name, key="forces": found[kind][name][key]["value"]  # noqa: E731
    assert list(found["element"]) == ["H", "C", "O"]
    assert value("element", "H") == 0
    assert value("element", "O") == pytest.approx(1e3 * (0.3 + 0.6) / 3)
    assert (found["element"]["O"]["n_atoms"], found["element"]["O"]["n_frames"]) == (3, 2)
    assert value("sampling", "md") == pytest.approx(100)
    assert value("sampling", "md", "energy") == pytest.approx(100)
    assert value("sampling", "rattle") == pytest.approx(1e3 * 0.6 / 5)
    assert list(found["size"]) == ["1 to 8"]
    large = from_atoms([bulk("Cu", cubic=True) * (3, 3, 3)], groups=["c"], source="large")
    labels = labels_for(large, energy=np.zeros(1), forces=np.zeros((108, 3)))
    zero = Predictions(np.zeros(1), np.zeros((108, 3)), np.full((1, 6), np.nan))
    assert list(breakdown(zero, labels, large)["size"]) == ["65 to 128"]


def test_labels_that_are_the_reference_stand_on_the_card_once(student):
    """Too few groups for intervals: their ends are NaN, which equal nothing."""
    training, test = example(8), example(2, seed=3)
    metrics = evaluate(answers_for(test, np.full(4, 0.4), 0.05), training, test, test.labels)
    training_json = dict.fromkeys(("architecture", "network"), "x") | {"parameters": 1}
    training_json |= dict.fromkeys(("train_frames", "valid_frames", "best_epoch", "epochs"), 1)
    training_json |= {"ended": "as planned", "optimiser": "adam", "learning_rate": 0.1}
    training_json |= {"batch_size": 4, "muon_share": None, "loss": None, "trials": []}
    same = {**test.labels.values, "forces": test.labels.forces + 1e-9}  # of another view
    nearly = replace(test.labels, values=same)
    metrics_too = evaluate(answers_for(test, np.full(4, 0.4), 0.05), training, test, nearly)
    for found in (metrics, metrics_too):
        text = _card_of(student, training_json | {"minutes": 0.0}, found)
        assert "| labels |" in text
        assert "| reference" not in text
    other = replace(test.labels, values=same | {"forces": test.labels.forces + 0.02})
    metrics = evaluate(answers_for(test, np.full(4, 0.4), 0.05), training, test, other)
    assert "| reference |" in _card_of(student, training_json | {"minutes": 1.0}, metrics)


def _card_of(student, training_json, metrics, far=None):
    return card(
        {"label_set": "emt", "student": "s", "seed": 1},
        training_json,
        {"test_known": metrics, "test_new": None, "far_from_data": far},
        dict.fromkeys(("potential", "model", "views", "licence", "citation"), "x"),
        ["Cu"],
        "root",
        about=student.about,
        recipe="0",
        ignored={},
    )


def test_times_are_told_as_people_say_them():
    assert [_took(v) for v in (0.0, 0.2, 2.25, 150.0)] == [
        "1 second",
        "12 seconds",
        "2.2 minutes",
        "2.5 hours",
    ]


def test_a_warning_of_half_of_known_chemistry_is_called_worthless():
    assert "worthless" not in _domain({"test_known": 0.013, "test_new": 1.0})
    assert "warned of 100 % of the test frames of known chemistry." in _domain({"test_known": 1.0})
    assert "its warning is worthless" in _domain({"test_known": 1.0})


def test_rounding_on_the_card_is_told_as_such():
    assert _short({"value": 6.66e-13, "ci95": [5e-13, 8e-13]}) == "< 0.001"
    assert _short({"value": 6.66e-13, "ci95": [0.0, 0.2]}) == "< 0.001 (0 to 0.2)"
    assert _short({"value": 1398.2, "ci95": [None, None]}) == "1,398"


def test_a_pilot_without_a_trial_that_learned_tuned_nothing():
    assert _pilot([{"verdict": "dead"}] * 3) == " (recommended, since none learned of 3)"
    assert _pilot([]) == ""


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_the_caution_names_each_architecture_without_its_faults(kind):
    torch.manual_seed(0)
    built = architecture(kind).build(
        "tiny", training_statistics(example(2)), name="tiny", device="cpu"
    )
    faultless = built.about.conservative and built.about.equivariant
    assert (f"`{kind}`" in NOT_CONSERVATIVE) == faultless
