"""The scripts of a round from the command line, one after another, as the rules call them."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import in_process
from jobs_of import sampling
from limbeck.check.sums import faults
from limbeck.config.rounds import Asked
from limbeck.config.sections.students import Rounds
from limbeck.rounds.explore import COLUMNS
from limbeck.storage import read_frames, read_labels, write_frames
from limbeck.warrant.tidy import read_table
from metals import SETTINGS, labelled, metals

LABEL_SET, STUDENT = "emt", "nep-tiny"
ATTRS = {
    "potential": "emt",
    "model": "emt",
    "views": 2,
    "licence": "LGPL-2.1-or-later",
    "citation": "Jacobsen 1996",
}
COMPUTE = {"device": "cpu", "threads": 1}
ROUNDS = Rounds(n_frames=4, n_starts=4, n_test_starts=3, n_test_frames=5)
ASKED = Asked(LABEL_SET, STUDENT, ROUNDS, [1, 2])
FIRST, CHOSEN, DRAWN = ASKED.rounds
DYNAMICS = {
    "nvt_algorithm": "langevin",
    "temperature_K": 400.0,
    "thermostat_time_fs": 10.0,
    "time_total_fs": 20.0,
    "time_equilibration_fs": 0.0,
    "time_step_fs": 2.0,
    "sampling_interval_fs": 10.0,
    "supercell_radius_A": None,
    "relax_input_cell": "none",
    "batch_atoms": 256,
}
PARTS = ("train", "valid", "test_known", "test_new")


def run(script, *arguments, start=in_process.run_as_process, code=0, **settings):
    done = start(script, *arguments, settings=settings)
    assert done.returncode == code, done.stderr
    return done


def train(folder, each, seed, *like):
    data = folder / "datasets" / each.learned
    student = SETTINGS | {
        "name": STUDENT,
        "architecture": "nep",
        "epochs": 3,
        "learning_rate": 0.01,
    }
    run(
        "train_student",
        *("--train", data / "train.h5", "--valid", data / "valid.h5", "--like", *like),
        *("--output-folder", folder / f"students/{each.learned}/{STUDENT}/seed{seed}"),
        start=in_process.run,
        **COMPUTE | {"label_set": each.learned, "student": student, "seed": seed},
    )


def models(folder, each):
    return [folder / path for path in ASKED.models(each)]


def explore(folder, each, **changed):
    data = folder / f"datasets/{LABEL_SET}"
    settings = {
        "seed": 1,
        "round": each.name,
        "pair": f"{LABEL_SET}.{STUDENT}",
        "dynamics": sampling("md", DYNAMICS).model_dump(),
        "n_starts": 4,
        "n_test_starts": 3,
        "n_test_frames": 5,
    }
    run(
        "explore_round",
        *("--train", data / "train.h5", "--test", data / "test_known.h5"),
        *("--models", *models(folder, each)),
        *("--output-folder", folder / f"rounds/{each.name}"),
        start=in_process.run if each.number > 1 else in_process.run_as_process,
        **COMPUTE | settings | changed,
    )


def label(folder, each, part):
    """As ``label_round`` does, whose script has tests of its own."""
    path = folder / f"rounds/{each.name}/{part}.h5"
    settings = {"name": LABEL_SET, "potential": "emt", "views": 2}
    run(
        "label_frames",
        *("--input", path, "--output", path.with_suffix(".labels.h5")),
        start=in_process.run,
        **COMPUTE | {"label_set": settings, "potential": {"name": "emt", "model": "emt"}},
        lost_device="stop",
        slice=0,
        slices=1,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run with a round of students, and another with its choice and its draw."""
    folder = tmp_path_factory.mktemp("run")
    for i, part in enumerate(PARTS):
        data = labelled(metals(4, seed=i))
        labels = {LABEL_SET: replace(data.labels, attrs=ATTRS)}
        path = folder / f"datasets/{LABEL_SET}/{part}.h5"
        write_frames(path, data.frames, stage="build_dataset", labels=labels)
    for seed in ASKED.seeds:
        train(folder, FIRST, seed)
    explore(folder, FIRST)
    for each in (CHOSEN, DRAWN):
        own, before = folder / f"rounds/{each.name}", folder / f"datasets/{each.before.learned}"
        run(
            "choose_frames",
            *("--candidates", folder / f"rounds/{FIRST.name}/candidates.h5"),
            *("--models", *models(folder, FIRST), "--train", before / "train.h5"),
            *("--output", own / "chosen.h5"),
            start=in_process.run if each.random else in_process.run_as_process,
            **COMPUTE
            | {"seed": 1, "round": each.name, "random": each.random}
            | {"rounds": ROUNDS.model_dump()}
            | {"label_set": {"name": LABEL_SET, "potential": "emt", "views": 2}},
        )
        label(folder, each, "chosen")
        run(
            "extend_dataset",
            *("--parts", *(before / f"{part}.h5" for part in PARTS)),
            *("--frames", own / "chosen.h5", "--labels", own / "chosen.labels.h5"),
            *("--output-folder", folder / f"datasets/{each.learned}"),
            start=in_process.run if each.random else in_process.run_as_process,
            label_set=each.learned,
            before=each.before.learned,
            labels=LABEL_SET,
        )
        for seed in ASKED.seeds:
            like = folder / f"students/{LABEL_SET}/{STUDENT}/seed{seed}/training.json"
            train(folder, each, seed, like)
        # nothing follows them: they are tested, and make no candidates
        explore(folder, each, n_starts=0)
    for each in ASKED.rounds:
        label(folder, each, "own")
    return folder


def test_no_structure_of_another_part_is_among_the_candidates(folder):
    roots = {
        part: set(read_frames(folder / f"datasets/{LABEL_SET}/{part}.h5").root.tolist())
        for part in PARTS
    }
    candidates = read_frames(folder / f"rounds/{FIRST.name}/candidates.h5")
    own = read_frames(folder / f"rounds/{FIRST.name}/own.h5")
    assert len(candidates) > 0
    assert set(candidates.root.tolist()) <= roots["train"]
    assert set(own.root.tolist()) <= roots["test_known"]
    for each in (CHOSEN, DRAWN):
        trained = read_frames(folder / f"datasets/{each.learned}/train.h5")
        assert set(trained.root.tolist()) == roots["train"]


def test_the_table_of_trajectories_has_all(folder):
    with (folder / f"rounds/{FIRST.name}/trajectories.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["part"] for row in rows] == ["candidates"] * 4 + ["own"] * 3
    assert sorted({row["seed"] for row in rows}) == ["1", "2"]
    frames = sum(int(row["frames"]) for row in rows if row["part"] == "candidates")
    assert frames == len(read_frames(folder / f"rounds/{FIRST.name}/candidates.h5"))
    assert len(read_frames(folder / f"rounds/{CHOSEN.name}/candidates.h5")) == 0


@pytest.mark.parametrize("each", [CHOSEN, DRAWN], ids=lambda each: each.name)
def test_a_round_learns_more_and_is_tested_by_the_same(folder, each):
    first, later = (folder / f"datasets/{name}" for name in (LABEL_SET, each.learned))
    for part in PARTS:
        old, new = read_frames(first / f"{part}.h5"), read_frames(later / f"{part}.h5")
        told = (
            read_labels(first / f"{part}.h5", LABEL_SET),
            read_labels(later / f"{part}.h5", each.learned),
        )
        count = len(old)
        assert new.id.tolist()[:count] == old.id.tolist()
        np.testing.assert_array_equal(told[1].forces[: len(told[0].forces)], told[0].forces)
        assert len(new) == count + (4 if part == "train" else 0)
    counts = json.loads((later / "counts.json").read_text())
    assert counts["train"]["frames"] == 12
    assert counts["left_out"]["bad_label"] == 0
    assert not faults(later / "SHA256SUMS")
    about = json.loads((folder / f"rounds/{each.name}/chosen.json").read_text())
    assert (about["chosen"], about["choose"]) == (4, "random" if each.random else "committee")


def test_the_students_of_all_rounds_make_as_many_steps(folder):
    found = [
        json.loads((path.parent / "training.json").read_text())
        for each in ASKED.rounds
        for path in models(folder, each)
    ]
    # eight frames in batches of four, three times; of twelve frames it would be nine steps
    assert [training["steps"] for training in found] == [6] * 6
    assert {(t["batch_size"], t["learning_rate"]) for t in found} == {(4, 0.01)}


def test_the_rounds_are_compared(folder, tmp_path):
    settings = COMPUTE | {"label_set": LABEL_SET, "student": STUDENT, "seeds": [1, 2]}
    settings |= {"rounds": ROUNDS.model_dump()}
    output = tmp_path / "compared.json"
    done = run("compare_rounds", "--results", folder, "--output", output, **settings)
    assert "round 2, chosen frames, against round 2, random frames: forces are" in done.stderr
    found = json.loads(output.read_text())
    assert [each["round"] for each in found["rounds"]] == [each.name for each in ASKED.rounds]
    assert [each["teacher_calls"] for each in found["rounds"]] == [0, 8, 8]  # 4 frames, 2 views
    assert [each["steps"] for each in found["rounds"]] == [[6, 6]] * 3
    assert all(each["dynamics"]["trajectories"] == 3 for each in found["rounds"])
    assert all(each["errors"]["test_known"]["n_frames"] == 8 for each in found["rounds"])
    assert len(found["differences"]) == 3
    assert {"forces", "energy", "trajectories"} == set(
        read_table(output.with_suffix(".csv"))["quantity"]
    )
    # another table of trajectories than explore_round writes
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / f"rounds/{FIRST.name}/trajectories.csv").write_text("part,seed\nown,1\n")
    done = run(
        "compare_rounds",
        "--results",
        broken,
        "--output",
        output,
        code=1,
        start=in_process.run,
        **settings,
    )
    assert "trajectories.csv: expected the columns" in done.stderr
