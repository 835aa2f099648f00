"""compare_label_sets.py from the command line, on two arms of hardly trained students."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import in_process
from jobs_of import label_set as label_set_of
from jobs_of import student as student_of
from limbeck import storage
from limbeck.averaging.views import views_of
from limbeck.datasets.split import Dataset
from limbeck.labelling.label import label
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.seeds import generator
from limbeck.students import architecture, loop
from limbeck.students.handover import open_student
from limbeck.students.statistics import training_statistics
from limbeck.warrant.tidy import pick, read_table
from metals import SETTINGS, metals

EMT = {"name": "emt", "model": "emt"}
ARMS = {
    "as_given": {"name": "as_given", "potential": "emt"},
    "octahedral": {"name": "octahedral", "potential": "emt", "quadrature": "octahedral"},
}
STUDENTS = {
    "direct": {"name": "direct", "architecture": "direct"},
    "turned": {"name": "turned", "architecture": "direct", "augment": True},
}
DISTILL = [
    {"labels": "as_given", "students": ["direct"], "seeds": [1, 2]},
    {"labels": "as_given", "students": ["turned"], "seeds": [1]},
    {"labels": "octahedral", "students": ["direct"], "seeds": [1, 2]},
]
TRAINED = [["as_given", "direct", 1], ["as_given", "direct", 2], ["as_given", "turned", 1]]
TRAINED += [["octahedral", "direct", 1], ["octahedral", "direct", 2]]
STUDY = {
    "study": {"kind": "expectation", "baselines": ["as_given"], "n_frames": 10, "views": 3},
    "label_sets": ARMS,
    "potentials": {"emt": EMT},
    "students": STUDENTS,
    "distill": DISTILL,
    "reference": "reference",
    "device": "cpu",
    "threads": 1,
}
#: a truth that is this far from the labels, eV/Angstrom, in every component
OFF = 0.1


def write_dataset(folder, name, data):
    """All three parts; the labels of the test set are the truth's where it is the truth."""
    for part, frames in data.items():
        found = label(
            EffectiveMedium(), frames, views_of(label_set_of(ARMS.get(name, {}))), max_force=100
        )
        if name == "reference":
            found = replace(found, forces=found.forces + OFF)
        path = folder / f"datasets/{name}/{part}.h5"
        storage.write_frames(path, frames, stage="build_dataset", labels={name: found})
    return Dataset(frames, found)


def train(folder, label_set, name, seed, data):
    torch.manual_seed(seed)
    student = architecture("direct").build(
        "tiny", training_statistics(data), name=name, device="cpu"
    )
    own = student_of(SETTINGS | STUDENTS[name] | {"steps": 2, "patience": None})
    loop.train(student, data, data, own, generator(seed, "test"))
    model = folder / f"students/{label_set}/{name}/seed{seed}/model"
    model.mkdir(parents=True)
    student.save(model)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """What a run leaves for its study."""
    folder = tmp_path_factory.mktemp("run")
    test = metals(6, seed=2)
    sizes = {"as_given": (6, 2), "octahedral": (2, 1), "reference": (6, 2)}
    for name, (training, validation) in sizes.items():
        data = {"train": metals(training, 0), "valid": metals(validation, 1)}
        data |= {"test_known": test.select(np.arange(0)), "test_new": test}
        write_dataset(folder, name, data)
    for label_set, name, seed in TRAINED:
        frames, labels = (
            storage.read_frames(folder / f"datasets/{label_set}/train.h5"),
            storage.read_labels(folder / f"datasets/{label_set}/train.h5", label_set),
        )
        train(folder, label_set, name, seed, Dataset(frames, labels))
    return folder


def study(folder, output, start=in_process.run, **changes):
    arguments = ["--results", folder, "--output", output]
    return start("compare_label_sets", *arguments, settings=STUDY | changes)


@pytest.fixture(scope="module")
def done(run_folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("study") / "results.json"
    finished = study(run_folder, output, start=in_process.run_as_process)
    assert finished.returncode == 0, finished.stderr
    table = read_table(output.with_suffix(".csv"))
    return json.loads(output.read_text()), finished.stderr, table


def test_the_arms_and_what_they_cost(done):
    found, *_ = done
    assert (found["kind"], found["reference"], found["teachers"]) == (
        "expectation",
        "reference",
        ["emt"],
    )
    assert (found["n_frames"], found["n_roots"], found["n_left_out"]) == (10, 10, 0)
    own, grid = found["arms"]
    assert own["teacher_calls"] == {"train": 12, "valid": 4, "test_known": 0, "test_new": 12}
    assert [*grid["teacher_calls"].values()] == [0, 12 * 24, 4 * 24, 2 * 24]  # by name
    for arm in (own, grid):
        # EMT is invariant: its labels are 0.1 eV/A from the truth in any view
        assert arm["teacher"]["forces"]["value"] == pytest.approx(1e3 * OFF)
        assert arm["constant"]["forces"]["value"] > 100


def test_figures_of_students_are_those_of_their_answers(done, run_folder):
    found, _, table = done
    frames = storage.read_frames(run_folder / "datasets/reference/test_new.h5")
    truth = storage.read_labels(run_folder / "datasets/reference/test_new.h5", "reference")
    ten = np.argsort(frames.id)[:10]
    test = Dataset(frames, truth).select(ten)
    errors = []
    for seed in (1, 2):
        student = open_student(run_folder / f"students/octahedral/direct/seed{seed}")
        errors.append(1e3 * np.abs(student.predict(test.frames).forces - test.labels.forces).mean())
    entry = found["arms"][1]["students"]["direct"]
    # float32 in batches of another size
    assert entry["as_given"]["forces"]["by_seed"] == pytest.approx(errors, rel=1e-5)
    assert entry["as_given"]["forces"]["value"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert entry["gap"]["value"] > 1  # a direct network, hardly trained
    pairs = [(d["label_set"], d["name"], *d["against"].values()) for d in found["differences"]]
    assert pairs == [
        ("as_given", "direct", "as_given", "turned"),
        ("octahedral", "direct", "as_given", "direct"),
        ("octahedral", "direct", "as_given", "turned"),
    ]
    base = found["arms"][0]["students"]["direct"]["as_given"]["forces"]["value"]
    difference = found["differences"][1]["as_given"]["forces"]["value"]
    assert difference == pytest.approx(np.mean(errors) - base, rel=1e-4)
    assert set(found["spread"]) == {"octahedral"}  # the other arm has one view
    of = {"subject": "octahedral/direct", "quantity": "forces", "statistic": "mae_as_given"}
    rows = [pick(table, of, seed=s).value for s in (1, 2)]
    assert rows == entry["as_given"]["forces"]["by_seed"]


def test_the_answer_stands_in_the_log(done):
    _, log, _ = done
    assert (
        "Every arm spent 28 to 432 calls of emt: as_given (as given, 12 training frames); " in log
    )
    assert "averaging pays" in log
    assert "Does the spread predict the label's error? octahedral: " in log


def test_a_missing_model_is_one_line(run_folder, tmp_path):
    missing = [{"labels": "as_given", "students": ["direct"], "seeds": [7]}]
    finished = study(run_folder, tmp_path / "out.json", distill=missing)
    assert finished.returncode == 1
    assert "seed7/model: no such file" in finished.stderr.splitlines()[-1]
    assert not (tmp_path / "out.json").exists()
