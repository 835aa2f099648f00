"""The tiny config runs to the end, and what it leaves holds together."""

import copy
import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml

from limbeck.storage import read_frames, read_labels, read_many
from limbeck.warrant.tidy import pick, read_table
from processes import descendants
from snakemake_plan import jobs

pytestmark = pytest.mark.slow

TINY = ("--configfile", "tests/config/tiny.yaml")
LABEL_SETS = ("emt", "emt-k2")
PARTS = ("train", "valid", "test_known")  # the tiny config splits by root
STUDENTS = ("emt-k2/mace-tiny/seed1", "emt-k2/mace-tiny/seed2", "emt/direct-tiny/seed1")
GAPS = ("teachers/emt", "students/emt-k2/mace-tiny", "students/emt/direct-tiny")
NOTHING = "Nothing to be done"


@pytest.fixture(scope="module")
def results(snakemake, workspace: Path) -> Path:
    """What a run of the tiny config leaves."""
    done = snakemake(*TINY, "--cores", 2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return workspace / "results" / "tiny"


@pytest.fixture(scope="module")
def page(results: Path) -> str:
    return (results / "report/index.html").read_text(encoding="utf-8")


def selected(results: Path):
    return read_many([results / f"selected/{i}.h5" for i in (0, 1)])


def part(results: Path, label_set: str, name: str):
    path = results / f"datasets/{label_set}/{name}.h5"
    return read_frames(path), read_labels(path, label_set)


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def test_the_report_needs_nothing_but_itself(page):
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    loaded = re.findall(r'<(?:img|script|link|iframe)\b[^>]*\b(?:src|href)="([^"]*)', page)
    assert len(loaded) >= 6  # the figures
    assert all(source.startswith("data:image/png;base64,") for source in loaded)
    assert "<script" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_the_report_links_to_files_that_are_there(page, results):
    links = re.findall(r'<a\b[^>]*href="([^"#][^"]*)"', page)
    assert len(links) > 10
    assert all((results / "report" / link).stat().st_size for link in links)


@pytest.mark.parametrize("label_set", LABEL_SETS)
@pytest.mark.parametrize("number", [0, 1])
def test_labels_are_of_the_selected_frames_in_their_order(results, label_set, number):
    frames = read_frames(results / f"selected/{number}.h5")
    labels = read_labels(results / f"labels/{label_set}/{number}.h5", label_set)
    assert len(frames) > 0
    assert labels.id.tolist() == frames.id.tolist()
    assert labels.n_atoms.tolist() == frames.n_atoms.tolist()
    assert (labels.status == 0).all()  # EMT knows the three metals


def test_frames_come_from_every_sampling_and_source(results):
    frames = selected(results)
    assert len(frames) == 40  # select.count
    assert len(set(frames.id.tolist())) == 40
    pairs = set(zip(frames.sampling.tolist(), frames.source.tolist(), strict=True))
    assert pairs == {(b"md", b"clusters"), (b"rattled", b"clusters"), (b"rattled", b"metals")}


@pytest.mark.parametrize("label_set", LABEL_SETS)
def test_no_root_stands_in_two_parts(results, label_set):
    roots = [set(part(results, label_set, name)[0].root.tolist()) for name in PARTS]
    assert all(roots)
    assert not roots[0] & roots[1]
    assert not roots[0] & roots[2]
    assert not roots[1] & roots[2]


def test_no_group_of_the_test_set_stands_in_another_part_where_that_is_asked_for(results):
    """Of the frames that this run selected; the tiny config itself splits by root."""
    from limbeck.datasets.split import split

    frames = selected(results)
    split_of = {
        "valid_fraction": 0.1,
        "test_known_fraction": 0.1,
        "test_new_fraction": 0.1,
        "seed": 1,
    }
    parts = split(frames, **split_of, split_by="group")
    groups = {name: set(frames.group[parts[name]].tolist()) for name in parts}
    assert groups["test_new"]
    assert not groups["test_new"] & (groups["train"] | groups["valid"] | groups["test_known"])
    assert groups["test_known"] <= groups["train"]
    # so few groups are validated by root
    roots = {name: set(frames.root[parts[name]].tolist()) for name in parts}
    assert roots["valid"]
    assert not roots["valid"] & roots["train"]
    by_root = split(frames, **split_of, split_by="root")
    written = part(results, "emt", "test_known")[0]
    assert sorted(written.id.tolist()) == sorted(frames.id[by_root["test_known"]].tolist())


def test_label_sets_share_the_split_and_keep_every_good_frame(results):
    ids = {}
    for label_set in LABEL_SETS:
        ids[label_set] = [part(results, label_set, name)[0].id.tolist() for name in PARTS]
    assert ids["emt"] == ids["emt-k2"]
    assert sorted(chain(*ids["emt"])) == sorted(selected(results).id.tolist())


@pytest.mark.parametrize("label_set", LABEL_SETS)
def test_a_data_set_holds_the_labels_of_its_frames(results, label_set):
    energy = {}
    for i in (0, 1):
        labels = read_labels(results / f"labels/{label_set}/{i}.h5", label_set)
        energy |= dict(zip(labels.id.tolist(), labels.energy.tolist(), strict=True))
    for name in PARTS:
        frames, labels = part(results, label_set, name)
        assert labels.energy.tolist() == [energy[i] for i in frames.id.tolist()]


def test_averaging_over_views_leaves_an_invariant_potential_as_it_is(results):
    """EMT in float64, sums of some hundred terms of a few eV: rounding is far below 1e-9."""
    own, mean = (part(results, name, "train")[1] for name in LABEL_SETS)
    np.testing.assert_allclose(mean.energy, own.energy, atol=1e-9)
    np.testing.assert_allclose(mean.forces, own.forces, atol=1e-9)
    assert np.nanmax(mean.forces_spread) < 1e-9
    assert np.isnan(own.forces_spread).all()


def is_estimate(value: dict[str, Any]) -> bool:
    """A finite figure that is not negative, and the ends of an interval or none."""
    low, high = value["ci95"]
    return np.isfinite(value["value"]) and value["value"] >= 0 and (low is None) == (high is None)


@pytest.mark.parametrize("name", GAPS)
def test_a_warrant_file_has_the_shape_of_the_design(results, name):
    warrant = load(results / f"warrant/{name}.json")
    assert warrant["kind"] == name.split("/")[0].removesuffix("s")
    assert warrant["model"] == name.split("/", 1)[1]
    assert [g["symmetry"] for g in warrant["gaps"]] == ["rotation", "reflection"]
    tested = part(results, "emt", "test_known")[0]
    for gap in warrant["gaps"]:
        assert gap["n_frames"] == min(len(tested), 10)  # warrant.frames
        assert gap["n_roots"] == len(set(tested.root.tolist()))
        assert gap["n_views"] == 3
        assert gap["seconds"] > 0
        assert is_estimate(gap["energy"])
        assert is_estimate(gap["forces"])
        assert is_estimate(gap["stress"])
        assert gap["forces"]["relative"]["value"] >= 0
        assert set(gap["by_source"]) == {"clusters", "metals"}
        assert gap["by_source"]["clusters"]["stress"] is None  # isolated
        if name == "students/emt-k2/mace-tiny":
            assert len(gap["forces"]["by_seed"]) == 2
    if name == "teachers/emt":
        assert "errors" not in warrant  # it made the truth
    else:
        errors = warrant["errors"]
        assert errors["reference"] == "emt"
        assert {"as_given", "random", "averaged", "gain"} < set(errors)
        assert all(is_estimate(errors[k]["forces"]) for k in ("as_given", "averaged"))


def test_invariant_potentials_have_no_gap_and_a_direct_student_has_one(results):
    """Relative gaps of the forces. EMT is float64: a few 1e-15. MACE is float32: 1e-6 and less.

    The direct network is as good as untrained, and no symmetry is built into it: 0.7.
    """
    relative = {}
    for name in GAPS:
        for gap in load(results / f"warrant/{name}.json")["gaps"]:
            relative[name, gap["symmetry"]] = gap["forces"]["relative"]["value"]
    for symmetry in ("rotation", "reflection"):
        assert relative["teachers/emt", symmetry] < 1e-12
        assert 0 < relative["students/emt-k2/mace-tiny", symmetry] < 1e-4
        assert relative["students/emt/direct-tiny", symmetry] > 0.1


@pytest.mark.parametrize("student", STUDENTS)
def test_metrics_are_those_of_the_predictions(results, student):
    folder = results / "students" / student
    label_set = student.split("/")[0]
    metrics = load(folder / "metrics.json")
    assert (metrics["label_set"], metrics["student"]) == tuple(student.split("/")[:2])
    assert metrics["n_parameters"] > 1000
    test = metrics["test_known"]
    assert {"labels", "reference"} == set(test["against"])
    for table in (*test["against"].values(), test["constant"], test["teacher_against_reference"]):
        assert is_estimate(table["energy"])
        assert is_estimate(table["forces"])
        assert set(table["by_source"]) == {"clusters", "metals"}
    frames, labels = part(results, label_set, "test_known")
    answers = read_labels(folder / "predictions.h5", "student")
    assert answers.id.tolist() == frames.id.tolist()
    assert test["n_frames"] == len(frames)
    mae = 1e3 * np.abs(answers.forces - labels.forces).mean()
    found = test["against"]["labels"]["forces"]["value"]
    assert found == pytest.approx(mae, rel=1e-9)  # the same sum in another order


@pytest.mark.parametrize("student", ["emt-k2/mace-tiny/seed1", "emt/direct-tiny/seed1"])
def test_a_student_can_be_moved_and_used(results, workspace, tmp_path, student):
    folder = shutil.copytree(results / "students" / student, tmp_path / "elsewhere")
    done = subprocess.run(
        [sys.executable, folder / "use_me.py"],
        env=os.environ | {"PYTHONPATH": str(workspace / "scripts")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = read_labels(folder / "predictions.h5", "student")
    (energy,) = re.findall(r"(?m)^(\S+) eV$", done.stdout)
    smallest = answers.energy[np.argmin(answers.n_atoms)]
    # positions are printed to 1e-6 A: an energy moves by 1e-5 eV at 10 eV/A, float32 by 1e-5
    assert float(energy) == pytest.approx(smallest, abs=1e-4)


def test_counts_of_the_report_are_those_of_the_files(results, page):
    tables = results / "report" / "tables"
    structures = pd.read_csv(tables / "structures.csv").set_index("source")
    frames = selected(results)
    for source in ("clusters", "metals"):
        row = structures.loc[source]
        shards = [0, 1] if source == "clusters" else [0]
        for column, folder in (("generated", "structures"), ("screened", "screened")):
            files = [results / folder / source / f"{i}.h5" for i in shards]
            assert row[column] == len(read_many(files))
        sampled = sorted(results.glob(f"samples/*/{source}/*.h5"))
        assert row["sampled"] == len(read_many(sampled))
        assert row["selected"] == (frames.source == source.encode()).sum()
    labels = pd.read_csv(tables / "labels.csv").set_index("label_set")
    for label_set in LABEL_SETS:
        counts = load(results / f"datasets/{label_set}/counts.json")
        row = labels.loc[label_set]
        assert row["frames"] == row["good"] == len(frames)
        for name in PARTS:
            found, _ = part(results, label_set, name)
            assert row[name] == counts[name]["frames"] == len(found)
            assert counts[name]["atoms"] == len(found.numbers)
        sizes = "".join(rf"<td[^>]*>\s*{row[name]}\s*</td>\s*" for name in PARTS)
        assert re.search(sizes, page)
    assert f"{len(frames)} frames of 2 sources" in html.unescape(page)


def test_figures_of_the_report_are_those_of_the_files(results):
    table = pd.read_csv(results / "report/tables/students.csv").set_index(["label_set", "model"])
    assert sum("seed" in model for _, model in table.index) == len(STUDENTS)
    for student in STUDENTS:
        label_set, name, seed = student.split("/")
        metrics = load(results / "students" / student / "metrics.json")["test_known"]
        row = table.loc[label_set, f"{name}, seed {seed.removeprefix('seed')}"]
        for against in ("labels", "reference"):
            expected = metrics["against"][against]["forces"]["value"]
            assert row[f"forces_{against}"] == pytest.approx(expected, rel=1e-9)  # through CSV


def test_figures_stand_in_tables_beside_their_files(results):
    """All tables of a run can be put together, and each figure stands there once."""
    paths = [*(results / "warrant").rglob("*.csv"), *results.rglob("metrics.csv")]
    assert len(paths) == len(GAPS) + len(STUDENTS)
    table = pd.concat([read_table(path) for path in (*paths, results / "speed.csv")])
    students = table[table["kind"] == "student"]
    assert set(students["subject"]) == {name.rsplit("/", 1)[0] for name in STUDENTS}
    assert set(table["source"]) == {"", "clusters", "metals"}
    for name in GAPS:
        own = read_table(results / f"warrant/{name}.csv")
        for gap in load(results / f"warrant/{name}.json")["gaps"]:
            names = {"quantity": "forces", "statistic": f"{gap['symmetry']}_gap_rms"}
            assert pick(own, names).value == gap["forces"]["value"]


def test_snakemakes_own_report_shows_the_page_with_its_provenance(results, snakemake, workspace):
    done = snakemake(*TINY, "--report", "provenance.html")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (workspace / "provenance.html").read_text(encoding="utf-8")
    for words in (
        "Training data for machine-learning interatomic potentials",
        "The report of the run tiny",
        "The card of direct-tiny, trained on emt with seed",
        "Symmetry errors and accuracy",
        "warrant_gaps.png",
        "students.csv",
    ):
        assert words in text
    (workspace / "provenance.html").unlink()


def test_every_rule_left_a_log_and_a_benchmark(results):
    logs = {p.relative_to(results / "logs").with_suffix("") for p in results.glob("logs/**/*.log")}
    times = {
        p.relative_to(results / "benchmarks").with_suffix("")
        for p in results.glob("benchmarks/**/*.tsv")
    }
    assert logs == times
    assert len(logs) == 37  # the jobs of the plan, without `all`


def test_nothing_half_made_is_left(results):
    hidden = {p.name for p in results.rglob(".*")}
    assert hidden <= {".snakemake_timestamp"}  # Snakemake's mark in the folders it made


def test_all_that_is_taken_home_is_as_it_was_written(results):
    command = [sys.executable, "-m", "limbeck.check", str(results)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # two data sets, three students with their best and their last model, the page
    assert "12 of 12 are as they were written" in done.stdout


def test_a_second_call_has_nothing_to_do(results, snakemake):
    again = snakemake(*TINY, "--cores", 2)
    assert again.returncode == 0, again.stderr
    assert NOTHING in again.stdout + again.stderr


def test_a_touched_script_is_not_run_again(results, snakemake, workspace):
    (workspace / "scripts/label_frames.py").touch()
    assert NOTHING in snakemake(*TINY, "-n").stdout


STUDENT = "students/emt-k2/mace-tiny/seed1"
RETRAINED = {
    "train_student": 1,
    "evaluate_student": 1,
    "measure_student_gap": 1,
    "measure_speed": 1,
    "write_report": 1,
    "all": 1,
}
#: all that was made of the labels of one label set but the labels
REBUILT = RETRAINED | {"build_dataset": 1}
EVALUATED = {"evaluate_student": 1, "write_report": 1, "all": 1}
WRITTEN = {"write_report": 1, "all": 1}
#: what a user takes home -> the jobs that make it again, and those that read what these made
HANDED_OVER = {
    "datasets/emt/test_known.extxyz": REBUILT,
    f"{STUDENT}/model": RETRAINED,
    f"{STUDENT}/model/model.model": RETRAINED,  # a file of a folder, which Snakemake overlooks
    f"{STUDENT}/training.csv": RETRAINED,
    f"{STUDENT}/card.md": EVALUATED,
    f"{STUDENT}/SHA256SUMS": EVALUATED,
    "report/figures": WRITTEN,
    "report/figures/warrant_gaps.png": WRITTEN,
}


@pytest.mark.parametrize("path", HANDED_OVER)
def test_what_is_taken_home_is_made_again_where_it_is_gone(results, snakemake, tmp_path, path):
    shutil.move(results / path, tmp_path / "away")
    plan = snakemake(*TINY, "-n")
    shutil.move(tmp_path / "away", results / path)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert jobs(plan.stdout) == HANDED_OVER[path]


#: what the report reads and nobody takes home -> jobs that make it again
READ = {
    "samples/md/clusters/0.trace.csv": "sample_md",
    "samples/rattled/metals/0.csv": "sample_rattle",
    "screened/metals/0.rejects.csv": "screen_structures",
    "structures/clusters/1.failed.csv": "generate_clusters",
    "yields/frames.json": "check_yields",
    "selected/1.h5": "select_frames",
    "labels/emt/0.h5": "label_frames",
    "gate/emt.json": "judge_labels",
    "warrant/teachers/emt.csv": "measure_teacher_gap",
    "speed.csv": "measure_speed",
}


def test_what_the_report_reads_is_made_again_for_it(results, snakemake, tmp_path):
    """As with the page files are gone that it was made from."""
    gone = dict(enumerate((*READ, "report/index.html")))
    for number, name in gone.items():
        shutil.move(results / name, tmp_path / str(number))
    plan = snakemake(*TINY, "-n")
    for number, name in gone.items():
        shutil.move(tmp_path / str(number), results / name)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    missing = re.findall(r"reason: Missing output files: ([^;\n]*)", plan.stdout)
    asked = {name for found in missing for name in found.split(", ")}
    assert {f"results/tiny/{name}" for name in READ} <= asked
    assert {*READ.values(), "write_report", "all"} <= set(jobs(plan.stdout))


#: folders of a run -> a job that makes what is in them
FOLDERS = {
    "labels": "label_frames",
    "samples": "sample_md",
    "screened": "screen_structures",
    "structures": "generate_crystals",
    "selected": "select_frames",
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_is_gone_with_the_report_is_made_again(results, snakemake, tmp_path, name):
    for gone in (name, "report"):
        shutil.move(results / gone, tmp_path / gone)
    plan = snakemake(*TINY, "-n")
    for gone in (name, "report"):
        shutil.move(tmp_path / gone, results / gone)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert {FOLDERS[name], "write_report", "all"} <= set(jobs(plan.stdout))


def test_what_a_killed_job_left_is_not_taken_home(results, snakemake):
    """Temporary files and folders are neither outputs nor hand-overs."""
    (results / "datasets/emt/.train.host.1.0a1b2c3d.extxyz").write_text("half")
    (results / STUDENT / ".model.abcdefgh").mkdir()
    assert NOTHING in snakemake(*TINY, "-n").stdout
    test_all_that_is_taken_home_is_as_it_was_written(results)
    (results / "datasets/emt/.train.host.1.0a1b2c3d.extxyz").unlink()
    (results / STUDENT / ".model.abcdefgh").rmdir()


def test_a_damaged_list_of_inputs_is_made_again(results, snakemake):
    path = results / "check_inputs.json"
    before, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(before[: len(before) // 2])
    os.utime(path, ns=times)
    plan = snakemake(*TINY, "-n")
    path.write_bytes(before)
    os.utime(path, ns=times)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert jobs(plan.stdout) == {"check_inputs_again": 1, "all": 1}


AFTER_ALL_LABELS = {
    "judge_labels": 2,
    "pass_gate": 2,
    "build_dataset": 2,
    "train_student": 3,
    "evaluate_student": 3,
    "measure_student_gap": 2,
    "measure_speed": 1,
    "write_report": 1,
    "all": 1,
}
#: two seeds of the one student that learns from emt-k2
AFTER_LABELS = (
    AFTER_ALL_LABELS
    | {"judge_labels": 1, "pass_gate": 1, "build_dataset": 1}
    | {
        "train_student": 2,
        "evaluate_student": 2,
        "measure_student_gap": 1,
    }
)


def test_an_edited_script_runs_again_and_all_that_depends_on_it(results, snakemake, workspace):
    script = workspace / "scripts/label_frames.py"
    before = script.read_text()
    script.write_text(before + "\n# edited\n")
    plan = snakemake(*TINY, "-n")
    script.write_text(before)
    assert jobs(plan.stdout) == {"label_frames": 4} | AFTER_ALL_LABELS
    assert NOTHING in snakemake(*TINY, "-n").stdout


CHANGES = {
    "a limit of one label set": (
        ("labels", "emt-k2", "max_force_eV_per_A", 50),
        {"check_inputs_again": 1, "label_frames": 2} | AFTER_LABELS,
    ),
    "the gate": (
        ("gate", "min_good_fraction", 0.9),
        AFTER_ALL_LABELS,
    ),
    "a student": (
        ("students", "direct-tiny", "epochs", 3),
        {
            "train_student": 1,
            "evaluate_student": 1,
            "measure_student_gap": 1,
            "measure_speed": 1,
            "write_report": 1,
            "all": 1,
        },
    ),
    "views of the gaps": (
        ("warrant", "views", 4),
        {
            "check_inputs_again": 1,
            "measure_teacher_gap": 1,
            "measure_student_gap": 2,
            "write_report": 1,
            "all": 1,
        },
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_setting_reruns_what_depends_on_it(
    results, snakemake, workspace, tmp_path, change
):
    (*where, field, value), expected = CHANGES[change]
    config = copy.deepcopy(yaml.safe_load((workspace / "tests/config/tiny.yaml").read_text()))
    section = config
    for name in where:
        section = section.setdefault(name, {})
    section[field] = value
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(config))
    plan = snakemake("--configfile", path, "-n")
    assert jobs(plan.stdout) == expected


def test_the_same_command_heals_what_was_deleted_with_the_same_bits(results, snakemake):
    """A student whose weights are gone, and labels of a shard with the page; the last test, since
    it writes into what the others read."""
    weights = results / STUDENT / "model/model.safetensors"
    before = {path: path.read_bytes() for path in (weights, results / "labels/emt/0.h5")}
    weights.unlink()
    shutil.rmtree(results / "labels/emt")
    shutil.rmtree(results / "report")
    done = snakemake(*TINY, "--cores", 2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert weights.read_bytes() == before[weights]
    assert (results / "labels/emt/0.h5").read_bytes() == before[results / "labels/emt/0.h5"]
    assert NOTHING in snakemake(*TINY, "-n").stdout
    test_all_that_is_taken_home_is_as_it_was_written(results)


def test_a_student_that_an_interrupted_retraining_took_is_made_again(results, snakemake, workspace):
    """Its setting is put back before the same command: the old student is gone, and wanted."""
    before = (results / STUDENT / "model/model.safetensors").read_bytes()
    longer = yaml.safe_load((workspace / TINY[1]).read_text())
    longer["students"]["mace-tiny"]["epochs"] = 10_000
    (workspace / "longer.yaml").write_text(yaml.safe_dump(longer))
    python = Path(sys.executable).parent
    wanted = str((results / STUDENT / "model").relative_to(workspace))
    head = subprocess.Popen(
        # this one alone: another student's 10,000 epochs might come first
        [str(python / "snakemake"), wanted, "--configfile", "longer.yaml", "--cores", "1"],
        cwd=workspace,
        env=os.environ | {"PATH": os.pathsep.join([str(python), os.environ["PATH"]])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 120
        while (results / STUDENT / "model").exists() and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        for process in (psutil.Process(head.pid), *descendants(head.pid)):  # the head first
            process.kill()
        head.wait()
    assert not (results / STUDENT / "model").exists()
    snakemake(*TINY, "--unlock")
    done = snakemake(*TINY, "--cores", 2, "--rerun-incomplete")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (results / STUDENT / "model/model.safetensors").read_bytes() == before
    assert NOTHING in snakemake(*TINY, "-n").stdout
