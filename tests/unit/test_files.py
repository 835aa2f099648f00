"""Files are whole or not there."""

import errno
import json
import logging
import math
import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest

from limbeck.errors import LimbeckError
from limbeck.files import (
    read_json,
    sha256_of,
    whole_file,
    whole_folder,
    write_csv,
    write_json,
    write_text,
)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_appears_at_the_end(tmp_path):
    with whole_file(tmp_path / "deep" / "a.h5") as temporary:
        temporary.write_text("whole")
        assert temporary.suffix == ".h5"  # writers choose the format by it
        assert not (tmp_path / "deep" / "a.h5").exists()
    assert names(tmp_path / "deep") == ["a.h5"]
    assert (tmp_path / "deep" / "a.h5").read_text() == "whole"


def fail(context):
    with context as temporary:
        if temporary.is_dir():
            temporary = temporary / "part"
        temporary.write_text("half")
        raise RuntimeError("the disk caught fire")


@pytest.mark.parametrize("context", [whole_file, whole_folder])
def test_a_failure_leaves_nothing(tmp_path, context):
    with pytest.raises(RuntimeError, match="fire"):
        fail(context(tmp_path / "a"))
    assert names(tmp_path) == []


@pytest.mark.parametrize("context", [whole_file, whole_folder])
def test_a_failure_leaves_what_was_there(tmp_path, context):
    (tmp_path / "a").mkdir() if context is whole_folder else (tmp_path / "a").write_text("older")
    with pytest.raises(RuntimeError, match="fire"):
        fail(context(tmp_path / "a"))
    assert names(tmp_path) == ["a"]


def test_a_file_that_is_there_stays(tmp_path, caplog):
    path = tmp_path / "a.txt"
    write_text(path, "first")
    with caplog.at_level(logging.WARNING):
        write_text(path, "second")
    assert path.read_text() == "first"
    assert names(tmp_path) == ["a.txt"]
    assert "a.txt is there already" in caplog.text


@pytest.fixture
def dead_pid():
    """Number of a process that has ended and was waited for."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("name", ["a.h5", "a.b.csv", "passed", "a[1].h5"])
def test_what_a_dead_process_left_is_removed(tmp_path, dead_pid, name):
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    host = socket.gethostname()

    def left(pid, machine=host, of=stem):
        path = tmp_path / f".{of}.{machine}.{pid}.0a1b2c3d{dot}{suffix}"
        path.write_text("half")
        return path.name

    left(dead_pid)
    stays = [left(os.getpid()), left(1), left(dead_pid, "elsewhere"), left(dead_pid, of="other")]
    write_text(tmp_path / name, "whole")
    assert names(tmp_path) == sorted([*stays, name])


def test_the_name_of_a_temporary_file_is_one_that_is_removed(tmp_path, dead_pid):
    with whole_file(tmp_path / "a.h5") as temporary:
        temporary.write_text("half")
        left = temporary.name.replace(f".{os.getpid()}.", f".{dead_pid}.")
        shutil.copy(temporary, tmp_path / left)
    assert left in names(tmp_path)
    write_text(tmp_path / "a.h5", "")
    assert names(tmp_path) == ["a.h5"]


def test_two_writers_are_harmless(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as first, whole_file(path) as second:
        first.write_text("same bits")
        second.write_text("same bits")
    assert path.read_text() == "same bits"
    assert names(tmp_path) == ["a.txt"]


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write_text(tmp_path / "a.txt", "whole")
    write_text(tmp_path / "a.txt", "second")
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert names(tmp_path) == ["a.txt"]


def test_a_whole_folder(tmp_path, caplog):
    for text in ("first", "second"):
        with whole_folder(tmp_path / "model") as temporary:
            (temporary / "weights").write_text(text)
            assert (tmp_path / "model").exists() == (text == "second")
    assert (tmp_path / "model" / "weights").read_text() == "first"
    assert names(tmp_path) == ["model"]
    assert "model is there already" in caplog.text
    # mkdtemp makes folders that nobody else may read
    assert (tmp_path / "model").stat().st_mode & 0o777 == 0o755


def test_json_has_no_nan(tmp_path):
    value = {
        "a": math.nan,
        "b": [math.inf, -math.inf, 1.5],
        "c": np.float64("nan"),
        "d": (np.int64(3), np.bool_(True), None),
        "e": {"f": np.float32("inf")},
        "g": np.array([1.0, np.nan]),
    }
    write_json(tmp_path / "a.json", value)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    assert found == {
        "a": None,
        "b": [None, None, 1.5],
        "c": None,
        "d": [3, True, None],
        "e": {"f": None},
        "g": [1.0, None],
    }


def test_json_is_read_back(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [0.1]})
    assert read_json(tmp_path / "a.json") == {"b": 1, "a": [0.1]}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), (b'{"a": 1', "not readable as JSON"), (b"\xff\xfe", "not readable")],
)
def test_json_that_cannot_be_read_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(LimbeckError, match=rf"a\.json: {message}"):
        read_json(tmp_path / "a.json")


def test_csv(tmp_path):
    write_csv(tmp_path / "a.csv", ["id", "reason"], [["x", 'a, "b"'], ["y", ""]])
    assert (tmp_path / "a.csv").read_text() == 'id,reason\nx,"a, ""b"""\ny,\n'


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "abc").write_text("abc")
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "abc") == expected


def test_sha256_of_a_folder(tmp_path):
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "a").write_text("1")
    (model / "deep" / "b").write_text("2")
    whole = sha256_of(model)
    copy = shutil.copytree(model, tmp_path / "elsewhere")
    assert sha256_of(copy) == whole  # neither where it stands nor when it was made
    (copy / ".snakemake_timestamp").write_text("")
    assert sha256_of(copy) == whole  # nor whether Snakemake made it
    seen = {whole}
    (copy / "a").write_text("3")
    seen.add(sha256_of(copy))
    (copy / "a").write_text("1")
    (copy / "a").rename(copy / "c")
    seen.add(sha256_of(copy))
    (copy / "c").rename(copy / "a")
    (copy / "deep" / "new").write_text("")
    seen.add(sha256_of(copy))
    assert len(seen) == 4  # content, name and number of files all count


def test_a_full_disk_is_told_and_leaves_nothing_half_written(small_disk):
    write_text(small_disk / "first.txt", "x" * 150_000)
    with pytest.raises(LimbeckError, match=r"second\.txt: not written, since no space is left"):
        write_text(small_disk / "second.txt", "x" * 150_000)
    with (
        pytest.raises(LimbeckError, match="folder: not written, since no space is left"),
        whole_folder(small_disk / "folder") as temporary,
    ):
        (temporary / "part").write_text("x" * 150_000)
    assert names(small_disk) == ["first.txt"]
    # negative control: once there is room, it is written
    (small_disk / "first.txt").unlink()
    write_text(small_disk / "second.txt", "x" * 150_000)
    assert names(small_disk) == ["second.txt"]


def test_other_errors_of_the_disk_are_passed_on(tmp_path):
    with pytest.raises(OSError, match="Input/output error"), whole_file(tmp_path / "a"):
        raise OSError(errno.EIO, "Input/output error")


def test_what_can_be_made_again_is_not_waited_for(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for durable in (False, True):
        with whole_file(tmp_path / f"{durable}.txt", durable=durable) as temporary:
            temporary.write_text("x")
        assert len(synced) == durable
