"""A file that changed is told by what is in it, whatever its date says."""

import os
from pathlib import Path

import pytest

from limbeck.check import content
from limbeck.check.content import content_of, files_of


def test_an_older_file_in_its_place_is_another(tmp_path):
    file = tmp_path / "x.xyz"
    file.write_text("new")
    before = content_of([file])
    assert content_of([str(file)]) == before
    other = tmp_path / "other"
    other.write_text("old")  # as long, and a week older
    os.utime(other, (1e9, 1e9))
    other.replace(file)
    assert content_of([file]) != before
    file.write_text("new")
    assert content_of([file]) == before  # whatever its date is


def test_a_file_with_the_date_of_the_one_before_is_read_again(tmp_path):
    """As rsync leaves it: as long, of the same second, under the same name."""
    file = tmp_path / "x.xyz"
    file.write_text("one")
    os.utime(file, (1e9, 1e9))
    before = content_of([file])
    file.write_text("two")
    os.utime(file, (1e9, 1e9))
    assert content_of([file]) != before


@pytest.mark.parametrize("path", ["{}", "{}/*", "{}/**/*.cif"])
def test_a_file_more_or_under_another_name_counts(tmp_path, path):
    (tmp_path / "a.cif").write_text("a")
    path = path.format(tmp_path)
    seen = [content_of([path])]
    (tmp_path / "b.cif").write_text("b")
    seen.append(content_of([path]))
    (tmp_path / "b.cif").rename(tmp_path / "c.cif")
    seen.append(content_of([path]))
    (tmp_path / "c.cif").write_text("c")
    seen.append(content_of([path]))
    assert len(set(seen)) == 4
    (tmp_path / ".hidden.cif").write_text("d")
    assert content_of([path]) == seen[-1]


def test_a_file_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "x").write_text("x")
    content_of([tmp_path / "x"])
    read = []
    monkeypatch.setattr("builtins.open", lambda *a, **k: read.append(a))
    content_of([tmp_path / "x"])
    assert read == []


def test_what_is_not_there_is_no_error_here(tmp_path):
    """The job that reads it says what is wrong."""
    assert content_of([tmp_path / "none"]) == content_of([])
    assert content_of([tmp_path / "*"]) == content_of([])
    (tmp_path / "x").write_text("x")
    content._read.cache_clear()
    (tmp_path / "x").chmod(0)
    if os.access(tmp_path / "x", os.R_OK):
        pytest.skip("root reads everything")
    assert content_of([tmp_path / "x"]) != content_of([])


def test_files_are_sorted_and_folders_are_flat(tmp_path):
    for name in ("b/1.cif", "a/2.cif", "a/10.cif", "a/.x/3.cif", "a/.4.cif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert files_of(tmp_path) == []
    assert files_of(tmp_path / "a") == [tmp_path / "a/10.cif", tmp_path / "a/2.cif"]
    found = [p.relative_to(tmp_path) for p in files_of(tmp_path / "**/*.cif")]
    assert found == [Path("a/10.cif"), Path("a/2.cif"), Path("b/1.cif")]
