"""Files are whole or not there."""

import errno
import json
import logging
import math
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from limbeck import files
from limbeck.check.recipe import checked
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


def test_what_is_there_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "first")
    write_text(path, "second")
    assert path.read_text() == "second"
    assert names(tmp_path) == ["a.txt"]


def test_in_a_cache_the_first_stays(tmp_path, caplog):
    path = tmp_path / "a.json"
    for number in (1, 2):
        with caplog.at_level(logging.INFO):
            write_json(path, {"number": number}, first_stays=True)
    assert read_json(path) == {"number": 1}
    assert names(tmp_path) == ["a.json"]
    assert "a.json is there already and stays" in caplog.text


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("not mine")
    (tmp_path / "a.txt").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "b.txt").symlink_to(tmp_path / "nowhere")  # dangling
    for name in ("a.txt", "b.txt"):
        write_text(tmp_path / name, "whole")
        assert not (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_text() == "whole"
    assert (tmp_path / "elsewhere").read_text() == "not mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_in_the_place_of_a_file_is_an_error(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(LimbeckError, match=r"a\.txt: a folder stands there, expected a file"):
        write_text(tmp_path / "a.txt", "whole")
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path, kind):
    target = tmp_path / "target"
    if kind == "link":
        target.mkdir()
    path = tmp_path / "model"
    path.write_text("") if kind == "file" else path.symlink_to(target)
    before = names(tmp_path)
    with (
        pytest.raises(LimbeckError, match="a file or a link stands there, expected a folder"),
        whole_folder(path) as temporary,
    ):
        (temporary / "weights").write_text("whole")
    assert names(tmp_path) == before


@pytest.fixture
def successor(tmp_path, monkeypatch):
    """This process is a job of a head that another one has replaced."""
    monkeypatch.setenv("LIMBECK_HEAD", "old before")
    monkeypatch.setenv("LIMBECK_HEAD_FILE", str(tmp_path / "head.json"))
    (tmp_path / "head.json").write_text(json.dumps({"id": "new"}))


def test_a_job_of_a_replaced_head_drops_what_it_made(tmp_path, successor, caplog):
    (tmp_path / "a.txt").write_text("of the new head")
    with caplog.at_level(logging.WARNING):
        write_text(tmp_path / "a.txt", "of the old head")
        write_text(tmp_path / "b.txt", "of the old head")
        with whole_folder(tmp_path / "model") as temporary:
            (temporary / "weights").write_text("of the old head")
    assert (tmp_path / "a.txt").read_text() == "of the new head"
    assert names(tmp_path) == ["a.txt", "head.json"]
    for name in ("a.txt", "b.txt", "model"):
        assert f"{name} is dropped: the run that started this job has ended" in caplog.text


def test_a_job_of_a_replaced_head_still_fills_caches(tmp_path, successor):
    write_json(tmp_path / "plan.json", {"batch_atoms": 8}, first_stays=True)
    assert read_json(tmp_path / "plan.json") == {"batch_atoms": 8}


@pytest.mark.parametrize("found", [{"id": "old"}, {"id": "before"}, {}, None])
def test_a_job_without_a_successor_writes(tmp_path, successor, found):
    # "before": the head was told to write no id (--no-hooks)
    (tmp_path / "head.json").write_text(json.dumps(found) if found is not None else "{")
    write_text(tmp_path / "a.txt", "whole")
    assert (tmp_path / "a.txt").read_text() == "whole"


@pytest.fixture
def dead_pid():
    """Number of a process that has ended and was waited for."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_behind(path, pid, place=None, *, folder=False, hours=0.0):
    """Leave what a writer of ``path`` leaves that is killed half way; returns its name."""
    name = files._beside(path).name.replace(f".{os.getpid()}.", f".{pid}.")
    left = path.parent / name.replace(files._place(), place or files._place())
    left.mkdir() if folder else left.write_text("half")
    if folder:
        (left / "part").write_text("half")
    then = time.time() - hours * 3600
    os.utime(left, (then, then))
    return left.name


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("name", ["a.h5", "a.b.csv", "passed", "a[1].h5"])
def test_what_a_dead_process_left_is_removed(tmp_path, dead_pid, name, folder):
    path = tmp_path / name
    gone = [
        left_behind(path, dead_pid, folder=folder),
        left_behind(path, dead_pid, "1" * 12, folder=folder, hours=25),
    ]
    stays = [
        left_behind(path, os.getpid(), folder=folder),
        left_behind(path, 1, folder=folder),
        # its number means nothing here: another machine, or a container that shares the host name
        left_behind(path, dead_pid, "0" * 12, folder=folder),
        left_behind(tmp_path / f"other{path.suffix}", dead_pid, folder=folder),
    ]
    assert set(gone) <= set(names(tmp_path))
    write_text(path, "whole")
    assert names(tmp_path) == sorted([*stays, name])


def test_a_writer_uses_the_name_that_is_looked_for(tmp_path, dead_pid):
    with whole_file(tmp_path / "a.h5") as temporary:
        pattern = files._beside(tmp_path / "a.h5").name.rsplit(".", 2)[0]
        assert temporary.name.startswith(pattern)
        temporary.write_text("")


def test_files_that_only_look_like_temporary_ones_stay(tmp_path):
    mine = [".a.txt", ".a.notes.txt", ".a.0123456789ab.7.txt", ".a.b.0123456789ab.7.01234567.csv"]
    for name in mine:
        (tmp_path / name).write_text("mine")
    write_text(tmp_path / "a.txt", "whole")
    assert names(tmp_path) == sorted([*mine, "a.txt"])


def test_two_writers_are_harmless(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as first, whole_file(path) as second:
        first.write_text("same bits")
        second.write_text("same bits")
    assert path.read_text() == "same bits"
    assert names(tmp_path) == ["a.txt"]


def test_a_cache_on_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for number in (1, 2):
        write_json(tmp_path / "a.json", {"number": number}, first_stays=True)
    assert read_json(tmp_path / "a.json") == {"number": 1}
    assert names(tmp_path) == ["a.json"]


def test_a_whole_folder(tmp_path):
    for text in ("first", "second"):
        with whole_folder(tmp_path / "model") as temporary:
            (temporary / text).write_text(text)
            assert (tmp_path / "model").exists() == (text == "second")
    assert names(tmp_path / "model") == ["second"]  # nothing of the first is left
    assert names(tmp_path) == ["model"]
    # others may read it
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
    assert read_json(tmp_path / "a.json") == {
        "a": None,
        "b": [None, None, 1.5],
        "c": None,
        "d": [3, True, None],
        "e": {"f": None},
        "g": [1.0, None],
    }
    assert found.keys() - {"sha256"} == value.keys()


def test_json_is_read_back(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [0.1]})
    assert read_json(tmp_path / "a.json") == {"b": 1, "a": [0.1]}


def test_a_changed_json_is_noticed(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"go": True, "criteria": [{"value": 0.5, "scope": "é"}], "n": 3})
    text, wrong = path.read_bytes(), []
    for place in range(len(text)):
        for bit in range(8):
            damaged = bytearray(text)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                found = read_json(path)
            except LimbeckError:
                continue
            if found != {"go": True, "criteria": [{"value": 0.5, "scope": "é"}], "n": 3}:
                wrong.append((place, bit))
    assert wrong == []  # a space for a space of another kind changes nothing
    path.write_bytes(text)
    assert read_json(path)["go"] is True


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b'{"a": 1', "not readable as JSON"),
        (b"\xff\xfe", "not readable as JSON"),
        (b"[" * 200_000, "not readable as JSON"),
        (b'{"a": 1}', "expected a mapping with its sha256"),
        (b"[1]", "expected a mapping with its sha256"),
    ],
)
def test_json_that_cannot_be_read_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(LimbeckError, match=rf"a\.json: {message}"):
        read_json(tmp_path / "a.json")


def test_json_of_another_recipe_is_refused(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1}, recipe="0123")
    assert checked([tmp_path / "a.json"], ["0123"]) == ["0123"]
    with pytest.raises(LimbeckError, match=r"made with other settings .* 0123, expected 4567"):
        checked([tmp_path / "a.json"], ["4567"])


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


def hashed_folder(tmp_path):
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "a").write_text("1")
    return model


def test_the_hash_of_a_folder_covers_dot_files(tmp_path):
    model = hashed_folder(tmp_path)
    whole = sha256_of(model)
    (model / "deep" / ".hidden").write_text("read by a loader all the same")
    assert sha256_of(model) != whole
    (model / "deep" / ".hidden").unlink()
    (model / ".snakemake_timestamp.txt").write_text("")  # that one name alone is left out
    assert sha256_of(model) != whole


@pytest.mark.parametrize("name", ["b", "deep/b", ".snakemake_timestamp"])
@pytest.mark.parametrize("kind", ["file", "folder", "nothing", "pipe"])
def test_a_folder_with_links_or_pipes_in_it_has_no_hash(tmp_path, name, kind):
    model = hashed_folder(tmp_path)
    outside = tmp_path / "outside"
    if kind == "file":
        outside.write_text("2")
    elif kind == "folder":
        outside.mkdir()
    if kind == "pipe":
        os.mkfifo(model / name)
    else:
        (model / name).symlink_to(outside)
    with pytest.raises(LimbeckError, match=rf"{name}: a link, pipe or device, expected files"):
        sha256_of(model)
    if kind == "file":  # a library's own cache is full of them
        assert len(sha256_of(model, follow_links=True)) == 64


def test_a_name_cannot_stand_for_two_files(tmp_path):
    model = hashed_folder(tmp_path)
    (model / f"b {'0' * 64}\nc").write_text("")
    with pytest.raises(LimbeckError, match="expected names that can be printed"):
        sha256_of(model)


def test_what_is_no_file_has_no_hash(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # which would be waited for
    for path in (tmp_path / "pipe", tmp_path / "nothing", "/dev/zero"):
        with pytest.raises(LimbeckError, match="no file and no folder"):
            sha256_of(path)


def test_json_that_is_nested_without_end(tmp_path):
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(LimbeckError, match=r"a\.json: not readable as JSON: nested too deeply"):
        read_json(tmp_path / "a.json")


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


@pytest.mark.parametrize("folder", [False, True])
def test_a_read_only_disk_is_told(small_disk, folder):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    path = small_disk / "new" / "a.txt"
    with (
        pytest.raises(LimbeckError, match=r"new/a\.txt: not written: Read-only file system"),
        whole_folder(path) if folder else whole_file(path),
    ):
        pass
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    write_text(path, "whole")  # negative control
    assert path.read_text() == "whole"


def test_a_file_that_may_not_be_read_is_not_taken_for_one_that_is_written(tmp_path):
    with pytest.raises(PermissionError, match="elsewhere"), whole_file(tmp_path / "a" / "b"):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "elsewhere"))


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
