"""SHA256SUMS: what coreutils makes of it, and what it tells of files that are not as they were."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from limbeck.check import sums
from limbeck.check.sums import faults, is_whole, read_sums, require, sums_below, sums_of, sums_path
from limbeck.errors import LimbeckError
from limbeck.files import write_sums

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc", FIPS 180-2


@pytest.fixture
def student(tmp_path: Path) -> Path:
    """A folder as a student's, with what a desktop, Snakemake and a killed job leave in it."""
    folder = tmp_path / "seed1"
    (folder / "model").mkdir(parents=True)
    for name in ("card.md", "model/model.json", "model/model.safetensors", "two words.csv"):
        (folder / name).write_text("abc")
    (folder / "model/.snakemake_timestamp").touch()
    (folder / ".DS_Store").touch()
    (folder / ".model.x7").mkdir()
    (folder / ".model.x7/model.json").touch()
    write_sums(folder)
    return folder


def test_the_file_is_coreutils_own(student):
    listed = read_sums(student / "SHA256SUMS")
    names = ["card.md", "model/model.json", "model/model.safetensors", "two words.csv"]
    assert listed == dict.fromkeys(names, ABC)
    assert list(listed) == names  # sorted
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=student, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 4
    assert faults(student / "SHA256SUMS") == []
    assert is_whole(student / "SHA256SUMS")


def test_every_fault_is_told_by_name(student):
    (student / "card.md").write_text("abd")
    (student / "model/model.json").unlink()
    (student / "notes.txt").touch()
    shutil.move(student / "two words.csv", student.parent / "elsewhere")
    (student / "two words.csv").symlink_to(student.parent / "elsewhere")  # of the same bytes
    assert faults(student / "SHA256SUMS") == [
        "card.md: changed since it was written",
        "model/model.json: missing",
        "two words.csv: a link, expected a file",
        "notes.txt: not listed",
    ]
    assert not is_whole(student / "SHA256SUMS")


def test_a_linked_folder_and_a_pipe_are_no_files(student):
    shutil.move(student / "model", student.parent / "model")
    (student / "model").symlink_to(student.parent / "model")
    os.mkfifo(student / "pipe")  # opening it would wait for ever
    found = faults(student / "SHA256SUMS")
    assert "model/model.json: a link, expected a file" in found
    assert "pipe: not listed" in found
    for path in ("model", "pipe"):
        with pytest.raises(LimbeckError, match=path):
            sums_of(student / "SHA256SUMS")
        (student / path).unlink()


def test_what_is_read_has_to_be_listed_and_as_it_was(student):
    path = student / "SHA256SUMS"
    require(path, "model/model.json", "model/model.safetensors")
    (student / "card.md").write_text("edited by its user")  # and read by nobody
    require(path, "model/model.json", "model/model.safetensors")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))  # cut
    with pytest.raises(LimbeckError, match=r"model.safetensors: not listed, says .*SHA256SUMS"):
        require(path, "model/model.json", "model/model.safetensors")


def test_jobs_that_share_a_folder_have_their_own(tmp_path):
    for shard in ("1", "10"):
        (tmp_path / shard / "0a").mkdir(parents=True)
        for name in (f"{shard}.h5", f"{shard}.fragments.csv", f"{shard}/0a/bands.json"):
            (tmp_path / name).write_text("abc")
        write_sums(tmp_path, shard)
    own = sums_path(tmp_path, "1")
    assert own.name == "1.SHA256SUMS"
    assert list(read_sums(own)) == ["1.fragments.csv", "1.h5", "1/0a/bands.json"]
    (tmp_path / "1.more").touch()
    (tmp_path / "10.h5").unlink()
    assert faults(own) == ["1.more: not listed"]
    assert faults(sums_path(tmp_path, "10")) == ["10.h5: missing"]
    assert [path.name for path in sums_below(tmp_path)] == ["1.SHA256SUMS", "10.SHA256SUMS"]


LINES = {
    "cut": f"{ABC[:40]}\n",
    "empty": "",
    "upwards": f"{ABC}  ../card.md\n",
    "of the root": f"{ABC}  /etc/passwd\n",
    "twice": f"{ABC}  card.md\n{ABC}  card.md\n",
    "without a hash": "card.md\n",
    "binary": "\udcff",
}


@pytest.mark.parametrize("case", LINES)
def test_a_damaged_file_of_sums_is_told(student, case):
    path = student / "SHA256SUMS"
    path.write_bytes(LINES[case].encode(errors="surrogateescape"))
    for read in (faults, lambda p: require(p, "card.md")):
        with pytest.raises(LimbeckError, match="SHA256SUMS: "):
            read(path)
    assert not is_whole(path)


def test_no_flipped_bit_is_missed(student):
    """Of any file that is listed, and of the list; a hundred places, chosen by a seed."""
    rng = random.Random(1)
    files = [student / name for name in (*read_sums(student / "SHA256SUMS"), "SHA256SUMS")]
    for _ in range(100):
        path = rng.choice(files)
        before = path.read_bytes()
        place, bit = rng.randrange(len(before)), rng.randrange(8)
        path.write_bytes(before[:place] + bytes([before[place] ^ 1 << bit]) + before[place + 1 :])
        try:
            found = faults(student / "SHA256SUMS")
        except LimbeckError as error:
            found = [str(error)]
        # "  " and " *" mean the same before a name, and differ in more than one bit
        assert found, (path, place, bit)
        path.write_bytes(before)
    assert faults(student / "SHA256SUMS") == []


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "limbeck.check", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_person_checks_a_folder_with_one_command(student):
    """As a process; torch and the like would take seconds, so that none is imported."""
    done = check(student.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{student}/SHA256SUMS: as it was written",
        "1 of 1 are as they were written",
    ]
    (student / "card.md").unlink()
    done = check(student.parent)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [f"{student}/SHA256SUMS: wrong", "  card.md: missing"]
    (student / "SHA256SUMS").write_text("nothing")
    done = check(student)
    assert done.returncode == 1
    assert "line 1: expected a SHA-256" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "words"), [("model", "no SHA256SUMS"), ("a", "no such folder")])
def test_nothing_to_check_is_no_success(student, name, words):
    done = check(student / name)
    assert done.returncode == 1
    assert words in done.stderr


def test_the_command_needs_nothing_but_the_standard_library():
    """It works where a student was taken to, before anything else is installed."""
    text = "import sys; import limbeck.check.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "h5py", "pydantic"} & set(done.stdout.split())
    assert sums.__doc__ is not None
