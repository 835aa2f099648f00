"""judge_labels.py, which always succeeds, and pass_gate.py, which does not."""

import json

import pytest
import yaml

import in_process
from limbeck.files import write_json
from limbeck.storage import write_frames, write_labels
from planted import labels_for, real_frames

SETTINGS = {"label_set": "emt", "min_good_fraction": 0.9}


@pytest.fixture
def folder(tmp_path):
    """Two slices; in the second, half of the labels are bad."""
    frames = real_frames()
    for part, status in enumerate([0, [0, 1, 0, 2, 0, 3]]):
        labels = labels_for(frames)
        labels.status[:] = status
        write_frames(tmp_path / f"{part}.h5", frames, stage="select_frames")
        write_labels(tmp_path / f"labels{part}.h5", "emt", labels)
    return tmp_path


def judge(folder, parts, settings=SETTINGS, start=in_process.run):
    frames = [folder / f"{p}.h5" for p in parts]
    labels = [folder / f"labels{p}.h5" for p in parts]
    arguments = ["--frames", *frames, "--labels", *labels, "--output", folder / "emt.json"]
    return start("judge_labels", *arguments, settings=settings)


def gate(folder, settings: object = {}, start=in_process.run):
    arguments = ["--input", folder / "emt.json", "--output", folder / "emt.passed"]
    return start("pass_gate", *arguments, settings=settings)


def expect_one_line(done, message):
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: {message}")


def test_good_labels_pass(folder):
    done = judge(folder, [0])
    assert done.returncode == 0, done.stderr
    assert "good_label_fraction of real is 1.000, at least 0.9 was asked for" in done.stderr
    found = json.loads((folder / "emt.json").read_text())
    assert found["go"] is True
    assert {n: counts["good"] for n, counts in found["by_source"].items()} == {"real": 6}
    done = gate(folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "emt.passed").is_file()


def test_bad_labels_are_judged_and_do_not_pass(folder):
    done = judge(folder, [0, 1], start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "emt.json").read_text())
    assert found["go"] is False
    assert [(c["scope"], c["value"]) for c in found["criteria"]] == [("real", 0.75)]
    assert found["status"]["force beyond the limit"] == 1
    done = gate(folder, start=in_process.run_as_process)
    line = "good_label_fraction of real is 0.750, at least 0.9 was asked for"
    expect_one_line(done, f"{folder / 'emt.json'}: no go: {line}")
    assert len(done.stderr.splitlines()) == 1
    assert not (folder / "emt.passed").exists()


def test_settings_from_a_file(folder):
    (folder / "settings.yaml").write_text(yaml.safe_dump(SETTINGS | {"min_good_fraction": 0.7}))
    assert judge(folder, [0, 1], str(folder / "settings.yaml")).returncode == 0
    assert json.loads((folder / "emt.json").read_text())["go"] is True
    (folder / "empty.yaml").write_text("{}\n")
    assert gate(folder, str(folder / "empty.yaml")).returncode == 0


def test_bad_settings_end_in_one_line(folder):
    expect_one_line(judge(folder, [0], {"min_good_fraction": 0.9}), "settings.label_set: not given")
    other = SETTINGS | {"label_set": "lj"}
    expect_one_line(judge(folder, [0], other), f"{folder / 'labels0.h5'}: no label set 'lj'")
    assert not (folder / "emt.json").exists()


@pytest.mark.parametrize("name", ["0.h5", "labels0.h5"])
def test_a_damaged_input_of_judge_is_named(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes()[:-100])
    expect_one_line(judge(folder, [0]), f"{folder / name}: not a readable HDF5 file")
    assert not (folder / "emt.json").exists()


def verdict(go=True, status=None, **changes):
    """A verdict, its one criterion changed."""
    criterion = {"name": "good_label_fraction", "scope": "a", "value": 1.0, "threshold": 0.9}
    criterion |= {"passed": True, **changes}
    return {"go": go, "criteria": [criterion], "status": status or {"good": 5}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ('{"go": tr', "not readable as JSON"),
        ('{"go": true}', "expected a mapping with its sha256"),
        ({"goes": True}, "go: not given"),
        ("[]", "expected a mapping with its sha256"),
        (verdict(value=1.5), "criteria.0.value: 1.5, expected at most 1; remove it and run again"),
        (verdict(value="1.0"), "criteria.0.value: '1.0', expected a number"),
        (verdict(passed=1), "criteria.0.passed: 1, expected true or false"),
        (verdict(value=0.5), "criteria.0.passed: True, but 0.5 was found and 0.9 asked for"),
        (verdict(False, value=0.5, passed=False), "no go"),
        (verdict(value=0.5, passed=False), "go: True, which its criteria do not say"),
        (verdict(status={"good": -1}), "status.good: -1, expected at least 0"),
    ],
)
def test_a_damaged_verdict_does_not_pass(folder, text, message):
    if isinstance(text, dict):
        write_json(folder / "emt.json", text)
    elif text is not None:
        (folder / "emt.json").write_text(text)
    expect_one_line(gate(folder), f"{folder / 'emt.json'}: {message}")
    assert not (folder / "emt.passed").exists()
