"""train_student.py, evaluate_student.py, use_me.py and measure_speed.py from the command line."""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from ase.build import bulk

import in_process
from jobs_of import student as student_of
from limbeck import load_student, storage
from limbeck.averaging.displaced import lines_of
from limbeck.averaging.views import Views
from limbeck.check.sums import faults, read_sums
from limbeck.config.sections.datasets import TESTS
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.files import write_json
from limbeck.frames import concatenate, from_atoms
from limbeck.labelling.products import with_products
from limbeck.labels import HESSIAN, concatenate_labels, select_labels
from limbeck.potentials import speed
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.properties import PRODUCTS
from limbeck.students import hyperparameters, loop
from limbeck.students.handover import open_student
from limbeck.timing import card
from limbeck.warrant.tidy import read_table
from metals import SETTINGS, labelled, metals

LABEL_SET = "emt-own"
ATTRS = {
    "potential": "emt",
    "model": "emt",
    "views": "as_given",
    "licence": "LGPL-2.1-or-later",
    "citation": "Jacobsen 1996",
}
COMPUTE = {"device": "cpu", "threads": 1}
EVALUATION = COMPUTE | {
    "label_set": LABEL_SET,
    "student": "x",
    "seed": 3,
    "reference": "reference",
    "split_by": "group",
}


def run(script, *arguments, settings, code=0, start=in_process.run):
    done = start(script, *arguments, settings=settings)
    assert done.returncode == code, done.stderr
    return done


def write_part(path, data):
    labels = {LABEL_SET: replace(data.labels, attrs=ATTRS)}
    storage.write_frames(path, data.frames, stage="build_dataset", labels=labels)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Sets of EMT-labelled crystals and clusters; new chemistry is gold, which no other has."""
    folder = tmp_path_factory.mktemp("dataset")
    gold = from_atoms([bulk("Au", cubic=True)], groups=["Au"], source="solids")
    parts = {
        "train": labelled(metals(8, seed=0)),
        "valid": labelled(metals(3, seed=1)),
        "test_known": labelled(metals(2, seed=3)),
        "test_new": labelled(concatenate([metals(5, seed=2), gold])),
    }
    for name, data in parts.items():
        write_part(folder / f"{name}.h5", data)
    truth = concatenate_labels([parts[name].labels for name in TESTS])
    truth = replace(truth, forces=truth.forces + 0.1)
    storage.write_labels(folder / "truth.h5", "reference", truth)
    return folder, parts


def settings_of(architecture, seed=3):
    student = SETTINGS | {
        "name": f"{architecture}-tiny",
        "architecture": architecture,
        "epochs": 2,
        "augment": architecture.startswith("direct"),
    }
    return COMPUTE | {"label_set": LABEL_SET, "student": student, "seed": seed}


def train(dataset, folder, settings, start=in_process.run):
    run(
        "train_student",
        *("--train", dataset / "train.h5", "--valid", dataset / "valid.h5"),
        *("--output-folder", folder),
        settings=settings,
        start=start,
    )


#: the other two go the same ways through the scripts
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("painn", "direct_conservative")]


@pytest.fixture(scope="module", params=["mace", "direct", *SLOW])
def trained(request, dataset, tmp_path_factory):
    """A student's seed folder, trained and evaluated, with its architecture."""
    name = f"{request.param}-tiny"
    folder = tmp_path_factory.mktemp("run") / "students" / LABEL_SET / name / "seed3"
    apart = request.param in ("mace", "direct")  # in a process of its own, which takes seconds
    start = in_process.run_as_process if apart else in_process.run
    train(dataset[0], folder, settings_of(request.param), start=start)
    run(
        "evaluate_student",
        *("--model", folder / "model", "--train", dataset[0] / "train.h5"),
        *("--test-known", dataset[0] / "test_known.h5"),
        *("--test-new", dataset[0] / "test_new.h5"),
        *("--reference", dataset[0] / "truth.h5"),
        *("--output-folder", folder),
        settings=EVALUATION | {"student": name},
        start=in_process.run_as_process if request.param == "direct" else in_process.run,
    )
    return folder, request.param


def test_training_leaves_a_model_a_curve_and_a_summary(trained):
    folder, architecture = trained
    with open(folder / "training.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert tuple(rows[0]) == loop.HISTORY_COLUMNS
    assert [row["epoch"] for row in rows] == ["1", "2"]
    summary = json.loads((folder / "training.json").read_text())
    assert (summary["architecture"], summary["epochs"]) == (architecture, 2)
    assert (summary["train_frames"], summary["valid_frames"]) == (16, 6)
    losses = [float(row["valid_loss"]) for row in rows]
    assert summary["best"]["valid_loss"] == pytest.approx(min(losses), rel=1e-12)
    own = {"mace": {"model.model"}, "painn": {"model.pt"}}.get(architecture, set())
    own |= {"domain.safetensors", "recipe.json"}  # beside what other programs read
    files = {p.name for p in (folder / "model").iterdir()}
    assert files == {"SHA256SUMS", "model.json", *own, "model.safetensors"}
    assert {p.name for p in (folder / "last").iterdir()} == files
    left = {
        "last",
        "model",
        "training.csv",
        "training.json",
        "metrics.json",
        "metrics.csv",
        "card.md",
        "use_me.py",
    }
    assert {p.name for p in folder.iterdir()} == left | {
        "predictions.h5",
        "SHA256SUMS",
    }  # no temporary file
    listed = {*left, "predictions.h5"} - {"model", "last"}
    listed |= {f"{model}/{name}" for name in files for model in ("model", "last")}
    assert set(read_sums(folder / "SHA256SUMS")) == listed
    assert faults(folder / "SHA256SUMS") == []


@pytest.mark.parametrize("name", ["model.json", "model.safetensors", "domain.safetensors"])
def test_a_flipped_bit_of_a_model_is_an_error_that_names_the_file(trained, tmp_path, name):
    """Places all over the file, the last ones too; weights have no checksum of their own."""
    folder = shutil.copytree(trained[0], tmp_path / "home")
    path = folder / "model" / name
    whole = path.read_bytes()
    for place in (0, len(whole) // 3, len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        for where in (folder, folder / "model"):
            with pytest.raises(LimbeckError, match=rf"model/{name}: changed since it was written"):
                load_student(where)
    path.unlink()
    with pytest.raises(LimbeckError, match=rf"model/{name}: (missing|no such file)"):
        load_student(folder)


def test_what_a_user_adds_or_edits_keeps_no_student_from_being_opened(trained, tmp_path, caplog):
    folder = shutil.copytree(trained[0], tmp_path / "home")
    (folder / "use_me.py").write_text("# my own structure\n")
    (folder / "my.traj").touch()
    (folder / "model/notes.txt").touch()
    load_student(folder)
    assert not caplog.records


def test_a_model_without_its_hashes_is_opened_with_a_warning(trained, tmp_path, caplog):
    """As an older version wrote it."""
    model = shutil.copytree(trained[0] / "model", tmp_path / "model")
    (model / "SHA256SUMS").unlink()
    load_student(model)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{model}/SHA256SUMS: no such file, so that the model is not checked"
    )


def test_the_model_is_the_one_of_the_best_epoch(trained, dataset):
    folder, _ = trained
    student = open_student(folder)
    parts = dataset[1]
    weights = loop.Weights.of(student_of(SETTINGS), loop.training_statistics(parts["train"]))
    kept = loop.validate(
        student,
        loop.Batches(student, parts["valid"], 4, loop.Scales.of(parts["train"])).in_order(),
        weights,
    )
    best = json.loads((folder / "training.json").read_text())["best"]
    # the same sums of float32; another process may add up in another order
    assert kept[0] == pytest.approx(best["valid_loss"], rel=1e-5)


def test_the_last_weights_are_there_too(dataset, tmp_path, monkeypatch):
    """Of a training whose second epoch is worse, or so it is told."""
    losses, states = iter([1.0, 2.0]), []

    def validation(student, *_):
        states.append({name: value.clone() for name, value in student.module.state_dict().items()})
        return next(losses), 0.0, 0.0

    monkeypatch.setattr(loop, "validate", validation)
    train(dataset[0], tmp_path / "seed3", settings_of("direct"))
    for name, expected in zip(("model", "last"), states, strict=True):
        found = open_student(tmp_path / "seed3" / name).module.state_dict()
        assert all(torch.equal(found[key], expected[key]) for key in expected)
    summary = json.loads((tmp_path / "seed3/training.json").read_text())
    assert (summary["best_epoch"], summary["epochs"]) == (1, 2)
    assert not all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_tuned_training_says_what_it_was(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(hyperparameters, "EPOCHS", (2, 3))
    monkeypatch.setattr(hyperparameters, "PILOT_STEPS", 1)
    settings = settings_of("direct")
    own = settings["student"] | {"hyperparameters": "tuned", "optimiser": "muon"}
    left = {"epochs", "batch_size", "learning_rate"}
    settings["student"] = {name: value for name, value in own.items() if name not in left}
    train(dataset[0], tmp_path / "seed3", settings)
    summary = json.loads((tmp_path / "seed3/training.json").read_text())
    assert (summary["epochs"], summary["batch_size"], summary["optimiser"]) == (3, 4, "muon")
    assert summary["muon_share"] > 0.9
    rates = [trial["learning_rate"] for trial in summary["trials"]]
    assert len(rates) >= 3
    good = [trial for trial in summary["trials"] if trial["verdict"] == "learns"]
    best = min(good, key=lambda trial: trial["valid_loss"], default=summary["trials"][1])
    assert summary["learning_rate"] == best["learning_rate"]


def test_evaluation_says_what_the_student_answers(trained, dataset):
    folder, architecture = trained
    known, test = (dataset[1][name] for name in TESTS)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["student"], metrics["seed"]) == (f"{architecture}-tiny", 3)
    assert metrics["n_parameters"] > 100
    found = metrics["test_new"]
    assert (found["n_frames"], found["n_left_out"]) == (10, 1)  # gold is unknown to it
    frames = storage.read_frames(folder / "predictions.h5")
    answers = storage.read_labels(folder / "predictions.h5", "student")
    ids = known.frames.id.tolist() + test.frames.id.tolist()
    assert frames.id.tolist() == answers.id.tolist() == ids
    assert answers.status.tolist() == [0] * 14 + [1]
    assert metrics["test_known"]["n_frames"] == 4
    answers = select_labels(answers, np.arange(4, 15))
    error = np.abs(answers.forces - test.labels.forces)[:40].mean()
    force = found["against"]["labels"]["forces"]
    assert force["value"] == pytest.approx(1e3 * error)
    assert force["ci95"][0] < force["value"] < force["ci95"][1]
    # the truth is 0.1 eV/A from the labels, in every component
    teacher = found["teacher_against_reference"]["forces"]["value"]
    assert teacher == pytest.approx(100)
    expected = open_student(folder).predict(test.frames.select(np.arange(10)))
    np.testing.assert_allclose(answers.forces[:40], expected.forces, atol=1e-5)  # float32
    card = (folder / "card.md").read_text()
    assert f"# {architecture}-tiny from emt-own, seed 3" in card
    assert f"| all sources | {found['n_groups']} | labels |" in card
    assert f"{force['value']:.3g} ({force['ci95'][0]:.3g} to" in card


def test_use_me_runs_from_anywhere(trained, dataset, tmp_path):
    folder = shutil.copytree(trained[0], tmp_path / "taken home")
    first = "# Its forces and its stress are no slopes of its energy."
    assert (folder / "use_me.py").read_text().startswith(first) == (trained[1] == "direct")
    environment = os.environ | {"PYTHONPATH": str(in_process.SCRIPTS)}
    done = subprocess.run(
        [sys.executable, folder / "use_me.py"],
        capture_output=True, text=True, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    energy = float(done.stdout.split(" eV\n")[0].split()[-1])  # mace may say something before
    # all frames have four atoms: it asks for the first
    answers = storage.read_labels(folder / "predictions.h5", "student")
    assert energy == pytest.approx(answers.energy[0], abs=1e-4)  # positions have six decimals


def weights_of(folder):
    return (folder / "model" / "model.safetensors").read_bytes()


def test_the_same_settings_give_the_same_bits(trained, dataset, tmp_path):
    folder, architecture = trained
    settings = settings_of(architecture)
    # as jobs do: torch may fuse what a process has done before, and then rounds in other places
    train(dataset[0], tmp_path / "again", settings, start=in_process.run_as_process)
    assert weights_of(tmp_path / "again") == weights_of(folder)


@pytest.mark.parametrize("trained", ["direct"], indirect=True)
def test_another_seed_gives_other_bits(trained, dataset, tmp_path):
    settings = settings_of("direct", seed=4)
    train(dataset[0], tmp_path, settings, start=in_process.run_as_process)
    assert weights_of(tmp_path) != weights_of(trained[0])


@pytest.mark.parametrize("trained", ["direct"], indirect=True)
def test_speeds_of_a_teacher_and_a_student(trained, dataset, tmp_path, monkeypatch):
    # that there is a speed is tested here, not how well it is known: no 1.5 s for each
    quick = partial(speed.measure_speeds, rounds=2, seconds=0.05)
    monkeypatch.setattr(speed, "measure_speeds", quick)
    monkeypatch.setattr(card, "measure_card", partial(card.measure_card, rounds=2, seconds=0.01))
    folder, _ = trained
    output = tmp_path / "speed.json"
    settings = {"potentials": [{"name": "toy", "model": "lj"}], **COMPUTE}
    frames = ["--frames", dataset[0] / "train.h5", dataset[0] / "valid.h5"]
    models = ["--models", folder / "model", "--output", output]
    run("measure_speed", *frames, *models, settings=settings)
    found = json.loads(output.read_text())
    assert (found["device"], found["threads"]) == ("cpu", 1)
    toy, student = found["models"]
    assert (toy["name"], toy["kind"]) == ("toy", "teacher")
    assert (student["name"], student["kind"]) == (f"{LABEL_SET}/direct-tiny/seed3", "student")
    (ratio,) = found["speed_ups"]
    assert (ratio["student"], ratio["teacher"]) == (student["name"], "toy")
    # of the frame of the median number of atoms alone
    (system,) = found["card"]["systems"]
    assert (system["kind"], found["card"]["clock"]) == ("data", "cpu")
    for model in found["card"]["models"]:
        (cost,) = model["by_system"]
        assert 0 < cost["best"]["us_per_atom"] <= cost["one"]["us_per_atom"]
    for entry in (toy, student):
        speeds = {row["batch_atoms"]: row["atoms_per_second"] for row in entry["by_batch"]}
        assert (
            entry["atoms_per_second"] == speeds[entry["best_batch_atoms"]] == max(speeds.values())
        )
        assert min(speeds.values()) > 0


def test_the_speed_of_a_missing_model_is_one_line(dataset, tmp_path):
    done = run(
        "measure_speed",
        *("--frames", dataset[0] / "train.h5", "--output", tmp_path / "speed.json"),
        *("--models", tmp_path / LABEL_SET / "direct-tiny/seed3/model"),
        settings={"potentials": [], **COMPUTE},
        code=1,
        start=in_process.run_as_process,
    )
    assert "seed3/model: no such file" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "speed.json").exists()


def test_an_empty_set_is_one_line(dataset, tmp_path):
    folder, parts = dataset
    nothing = np.array([], dtype=int)
    write_part(tmp_path / "empty.h5", parts["train"].select(nothing))
    files = {"--train": folder / "train.h5", "--valid": folder / "valid.h5"}
    for option, words in (("--train", "training set has no"), ("--valid", "validation set has no")):
        given = files | {option: tmp_path / "empty.h5"}
        arguments = [word for pair in given.items() for word in pair]
        output = ["--output-folder", tmp_path / "student"]
        done = run("train_student", *arguments, *output, settings=settings_of("direct"), code=1)
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "student").exists()


def test_a_missing_model_is_one_line(dataset, tmp_path):
    done = run(
        "evaluate_student",
        *("--model", tmp_path, "--train", dataset[0] / "train.h5"),
        *("--test-known", dataset[0] / "test_known.h5", "--test-new", dataset[0] / "test_new.h5"),
        *("--output-folder", tmp_path),
        settings=EVALUATION | {"reference": None},
        code=1,
    )
    assert "training.json: no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_set_is_what_it_is_said_to_be(dataset):
    # of the fixtures: what is read back is what the tests above compare with
    data = Dataset(
        storage.read_frames(dataset[0] / "test_new.h5"),
        storage.read_labels(dataset[0] / "test_new.h5", LABEL_SET),
    )
    assert data.frames.periodic.tolist() == [True] * 5 + [False] * 5 + [True]
    assert (data.labels.status == 0).all()
    np.testing.assert_array_equal(data.labels.forces, dataset[1]["test_new"].labels.forces)


def test_the_floor_of_a_direct_teacher_is_in_the_metrics_and_on_the_card(
    trained, dataset, tmp_path
):
    """Of what measure_gap.py wrote of it; of a conservative one there is none."""
    folder = shutil.copytree(trained[0], tmp_path / "seed3")
    figure = {"forces": {"value": 31.0, "ci95": [25.0, 38.0], "unit": "meV/A"}}
    counts = {"n_frames": 40, "n_roots": 20, "n_groups": 12}
    part = counts | {"as_given": figure, "one_view": figure, "mean": figure}
    teacher = {"about": {"conservative": False}}
    teacher["floor"] = part | {"amplitude_A": 0.05, "by_source": {"solids": part}}

    def evaluated(teacher, floor):
        write_json(tmp_path / "teacher.json", teacher)
        run(
            "evaluate_student",
            *("--model", folder / "model", "--train", dataset[0] / "train.h5"),
            *("--test-known", dataset[0] / "test_known.h5"),
            *("--test-new", dataset[0] / "test_new.h5"),
            *("--reference", dataset[0] / "truth.h5"),
            *("--teacher", tmp_path / "teacher.json", "--output-folder", folder),
            settings=EVALUATION | {"student": "x", "floor": floor},
        )
        metrics = json.loads((folder / "metrics.json").read_text())
        return metrics, " ".join((folder / "card.md").read_text().split())

    metrics, card = evaluated(teacher, "measured")
    assert metrics["floor"]["value"] == 31.0
    assert metrics["floor"]["labels"] == "as_given"
    assert metrics["far_from_data"].keys() == {*TESTS}
    assert "labels of frames as they are given of this teacher than 31 (25 to 38) meV/Å" in card
    table = read_table(folder / "metrics.csv")
    rows = table[table["kind"] == "floor"]
    assert rows["source"].tolist() == ["", "solids"]
    assert rows["value"].tolist() == [31.0, 31.0]
    metrics, card = evaluated({"about": {"conservative": True}}, "measured")
    assert metrics["floor"]["value"] == 0.0
    assert "None: its teacher's forces are a gradient." in card
    metrics, card = evaluated({"about": {"conservative": False}}, "unknown")
    assert metrics["floor"] is None
    assert "Not known: it was not measured" in card


def test_products_and_hard_labels_are_learned_and_judged(dataset, tmp_path):
    """A reference that knows half of the training frames, with energies from another zero."""
    parts = {}
    for name, data in dataset[1].items():
        found = with_products(EffectiveMedium(), data.frames, data.labels, Views(), 1, 0.01)
        parts[name] = replace(data, labels=found)
        told = {LABEL_SET: replace(found, attrs=ATTRS | {HESSIAN: found.attrs[HESSIAN]})}
        path = tmp_path / f"{name}.h5"
        storage.write_frames(path, data.frames, stage="build_dataset", labels=told)
    train_set = parts["train"]
    energy = train_set.labels.energy + 7.0 * train_set.frames.n_atoms
    hard = select_labels(replace(train_set.labels, energy=energy), np.arange(8))
    storage.write_labels(tmp_path / "hard.h5", "reference", hard)
    folder, settings = tmp_path / "seed3", settings_of("nep")
    settings["student"] |= {"hessian_weight": 0.5, "hard_share": 0.25}
    run(
        "train_student",
        *("--train", tmp_path / "train.h5", "--valid", tmp_path / "valid.h5"),
        *("--reference", tmp_path / "hard.h5", "--output-folder", folder),
        settings=settings | {"reference": "reference"},
        start=in_process.run_as_process,
    )
    with open(folder / "training.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert tuple(rows[0]) == loop.HISTORY_COLUMNS + loop.PRODUCT_COLUMNS
    assert all(float(row["valid_hessian_mae_eV_per_A2"]) > 0 for row in rows)
    summary = json.loads((folder / "training.json").read_text())
    assert (summary["hessian_weight"], summary["hard_share"]) == (0.5, 0.25)
    assert (summary["hard"]["train_frames"], summary["hard"]["valid_frames"]) == (8, 0)
    assert summary["hard"]["zeros"]["energies_eV"] == pytest.approx({"Al": 7, "Cu": 7}, abs=1e-6)
    run(
        "evaluate_student",
        *("--model", folder / "model", "--train", tmp_path / "train.h5"),
        *("--test-known", tmp_path / "test_known.h5", "--test-new", tmp_path / "test_new.h5"),
        *("--output-folder", folder),
        settings=EVALUATION | {"student": "nep-tiny", "reference": None},
    )
    student, test = open_student(folder), parts["test_known"]
    lines = lines_of(test.frames, test.labels)
    ahead, behind = (student.predict(side).forces for side in (lines.ahead, lines.behind))
    wrong = (behind - ahead) / 0.02 - lines.products
    metrics = json.loads((folder / "metrics.json").read_text())
    figure = metrics["test_known"]["against"]["labels"][PRODUCTS]
    assert figure["value"] == pytest.approx(np.abs(wrong).mean(), rel=1e-5)  # float32
    table = read_table(folder / "metrics.csv")
    known = (table["quantity"] == PRODUCTS) & (table["set"] == "test_known")
    own = table[known & (table["source"] == "")]
    assert set(own["statistic"]) == {
        "mae_against_labels",
        "rms_of_labels",
        "relative_rmse_against_labels",
    }
    card = " ".join((folder / "card.md").read_text().split())
    assert "Products of the Hessian with random directions are off by" in card
    assert "25 % go to the labels of the reference, which 8 of its training frames have" in card
