"""What jobs are told, in files."""

import json
import os

import pytest

from limbeck.check import head
from limbeck.cli import read_settings
from limbeck.config.sections.screen import Screen
from limbeck.config.settings_files import SettingsFiles
from limbeck.errors import LimbeckError

TEXT = json.dumps({"min_distance_ratio": 0.6})


@pytest.fixture
def files(tmp_path):
    return SettingsFiles(tmp_path / "results/a")


def test_a_name_is_of_what_is_in_the_file(files, tmp_path):
    path = files.path(TEXT)
    assert path.startswith(f"{tmp_path}/results/a/settings/")
    assert files.path('{ "min_distance_ratio" :0.6}') == path
    assert files.path(TEXT.replace("6", "7")) != path
    assert not (tmp_path / "results").exists()  # nothing is written before it is asked for


def test_a_script_reads_what_was_written(files):
    path = files.path(TEXT)
    files.write([path])
    assert read_settings(path, Screen).min_distance_ratio == 0.6


def test_small_numbers_are_numbers(files):
    """``1e-05`` is a number in JSON, and a text in YAML."""
    path = files.path(json.dumps({"min_distance_ratio": 1e-05}))
    files.write([path])
    assert read_settings(path, Screen).min_distance_ratio == 1e-5


@pytest.mark.parametrize("damage", ["", "{", '{"min_distance_ratio": 0.9}\n', "\xff"])
def test_a_damaged_file_is_written_anew_and_a_good_one_stays(files, damage):
    path = files.path(TEXT)
    files.write([path])
    before = os.stat(path)
    files.write([path])
    assert os.stat(path).st_ino == before.st_ino
    with open(path, "w", encoding="latin-1") as handle:
        handle.write(damage)
    files.write([path, path])
    assert read_settings(path, Screen).min_distance_ratio == 0.6


def test_a_job_without_its_file_says_where_it_comes_from(files, tmp_path, monkeypatch):
    path = files.path(TEXT)
    monkeypatch.setenv(head.HEAD, "an id")
    monkeypatch.setenv(head.FILE, str(tmp_path / "results/a/head.json"))
    with pytest.raises(LimbeckError, match="no such file; the head of a run"):
        read_settings(path, Screen)
