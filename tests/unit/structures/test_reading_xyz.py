"""XYZ as people have it: empty lines, marks, page breaks, frames that end too early."""

import time
from pathlib import Path

import pytest

from jobs_of import generate_job
from limbeck.errors import LimbeckError
from limbeck.structures import elements_of, generate
from limbeck.structures.reading import read_files

WATER = "3\n{}\nO 0 0 0.12\nH 0 0.7632 -0.477\nH 0 -0.7632 -0.477\n"
CASES = Path("../shared/cases")


def job(path, **more):
    base = {"seed": 1, "source": "mine", "shard": 0, "count": 100}
    return generate_job("file", base | {"path": str(path)} | more)


def load(path, **more):
    return generate(job(path, **more))


def frames_in(frames):
    return [frames.info_of(b)["frame_in_file"] for b in range(len(frames))]


A, B, C = (WATER.format(name) for name in "abc")


@pytest.mark.parametrize(
    "text",
    {
        "an empty line between": A + "\n" + B + "\n" + C,
        "many": "\n\n" + A + "\n \n\t\n" + B + "\n\n\n" + C + "\n\n",
        "of Windows": (A + "\n" + B + C).replace("\n", "\r\n"),
        "blanks behind": (A + "\n" + B + C).replace("\n", "   \n"),
        "form feeds": A + "\f\n" + B + "\f" + C,
        "a form feed in a comment": A + WATER.format("page\f2") + C,
        "empty comments": WATER.format("") * 3,
        "blanks before counts": (A + B + C).replace("3\n", "     3\n"),
        "UTF-8 with a mark": "\ufeff" + A + B + C,
        "no end of the last line": (A + B + C).rstrip(),
        "a comment with quotes": A + WATER.format('E="-1.0 of the "first') + C,
        "a comment in another code": A + WATER.format("0.96 \u00c5") + C,
        "the end of a file of old": A + B + C + "\x1a",
        "filled up": A + B + C + "\0" * 100,
        "numbers of elements": (A + B + C).replace("O 0", "8 0").replace("H 0", "1 0"),
        "isotopes": (A + B + C).replace("H 0", "D 0"),
        "small and large letters": (A + B + C).replace("O 0", "o 0"),
        "lines of a Macintosh": (A + B + C).replace("\n", "\r"),
        "columns more than ASE wants": (A + B + C).replace("0.12", "0.12 -0.8 0.0"),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_three_molecules_are_three(tmp_path, text):
    (tmp_path / "x.xyz").write_bytes(text[1].encode())
    frames, rejected = load(tmp_path / "x.xyz")
    assert rejected == []
    assert frames.n_atoms.tolist() == [3, 3, 3]
    assert frames_in(frames) == [0, 1, 2]
    assert set(frames.numbers.tolist()) == {1, 8}


@pytest.mark.parametrize("code", ["utf-16", "utf-16-be", "latin-1"])
def test_other_codes(tmp_path, code):
    mark = b"\xfe\xff" if code == "utf-16-be" else b""
    (tmp_path / "x.xyz").write_bytes(mark + (A + WATER.format("0.96 \u00c5")).encode(code))
    assert len(load(tmp_path / "x.xyz")[0]) == 2


EXTENDED = 'Lattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:forces:R:3'
CELL = f"2\n{EXTENDED}\nNa 0 0 0 0.1 0 0\nCl 3 0 0 -0.1 0 0\n"
#: a bad frame -> what is said of it, where it comes after two good ones of five and four lines
BAD = {
    "3\nshort\nO 0 0 0\nH 0 1 0\n": ("3 atoms", "line 10: 2 are there"),
    "3\nlong\nO 0 0 0\nH 0 1 0\nH 0 0 1\nH 1 1 1\n": (
        "line 15: expected the end of 3 atoms of line 10, got 'H 1 1 1'",
        "",
    ),
    "3\nno number\nO 0 0 0\nH 0 one 0\nH 0 0 1\n": (
        "line 13: expected a coordinate, got 'one'",
        "",
    ),
    "3\ntoo narrow\nO 0 0 0\nH 0 1\nH 0 0 1\n": ("line 13: expected 4 columns, got 3", ""),
    "3\na gap\nO 0 0 0\n\nH 0 1 0\nH 0 0 1\n": ("3 atoms", "line 10: 1 are there"),
    "9000000000\nempty\n": ("9000000000 atoms", "line 10: 0 are there"),
    "two\n\nH 0 0 0\n": ("line 10: expected the number of atoms, got 'two'", ""),
    "END\n": ("line 10: expected the number of atoms, got 'END'", ""),
    f"1\n{EXTENDED}\nNa 0 0 0\n": ("line 12: expected 7 columns, got 4", ""),
    "3\nthe next is in it\n": ("3 atoms", "line 10: 0 are there"),
    "1\nno element\nQq 0 0 0\n": (
        "line 12: expected the symbol of an element, got 'Qq'",
        "",
    ),
    "1\na label\nO12 0 0 0\n": (
        "line 12: expected the symbol of an element, got 'O12'",
        "",
    ),
    'Properties="\n': ("line 10: expected the number of atoms, got 'Properties=\"'", ""),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("after", [A + CELL, CELL + A, "\n" + A + "\n\n" + CELL], ids=[*"abc"])
def test_a_bad_frame_is_named_and_those_around_it_stay(tmp_path, bad, after):
    (tmp_path / "x.xyz").write_text(A + CELL + bad + after)
    frames, rejected = load(tmp_path / "x.xyz")
    assert frames_in(frames) == [0, 1, 3, 4]
    assert sorted(frames.n_atoms.tolist()) == [2, 2, 3, 3]
    (one,) = rejected
    assert (one.frame, one.name) == ("mine/2", "x.xyz, frame 2")
    assert one.reason == "frame is not readable"
    if BAD[bad]:
        assert (one.value, one.limit) == BAD[bad]
    assert elements_of(job(tmp_path / "x.xyz").source) == {"H", "O", "Na", "Cl"}


def test_a_frame_cut_short_takes_none_of_the_next_with_it(tmp_path):
    """As many lines are missing as make the count of the frame right by chance."""
    short = "5\nshort\nO 0 0 0\nH 0 1 0\n"
    (tmp_path / "x.xyz").write_text(short + "2\nwhole\nHe 0 0 0\nHe 0 0 3\n" + A)
    frames, rejected = load(tmp_path / "x.xyz")
    assert frames.n_atoms.tolist() == [2, 3]
    assert [(r.name, r.value) for r in rejected] == [("x.xyz, frame 0", "5 atoms")]


def test_counts_without_end_take_no_time(tmp_path):
    (tmp_path / "x.xyz").write_text("999999\n" * 200_000 + A)
    start = time.monotonic()
    frames, rejected = load(tmp_path / "x.xyz")
    assert time.monotonic() - start < 5  # a second; quadratic, it takes hours
    assert (len(frames), len(rejected)) == (1, 1)


def test_no_more_frames_are_sought_than_are_taken(tmp_path):
    (tmp_path / "x.xyz").write_text(A + B + C)
    assert [len(read_files(tmp_path / "x.xyz", most=n)) for n in (1, 2, 9)] == [1, 2, 3]
    assert not read_files(tmp_path / "x.xyz", most=1)[0].alone


def test_a_file_of_no_frame_stops_the_run(tmp_path):
    (tmp_path / "x.xyz").write_text("three\n\nH 0 0 0\nnothing\n")
    with pytest.raises(LimbeckError, match=r"x\.xyz: .*line 1: expected the number of atoms, got"):
        load(tmp_path / "x.xyz")
    (tmp_path / "x.xyz").write_text(" \n\n\f\n")
    with pytest.raises(LimbeckError, match=r"x\.xyz: .*it is empty"):
        load(tmp_path / "x.xyz")


@pytest.mark.parametrize("name", ["01-blank-lines/water3.xyz", "10-compressed/bom.xyz"])
def test_the_cases(name):
    if not CASES.is_dir():
        pytest.skip("the folder shared/ is not beside the project")
    assert len(load(CASES / name)[0]) == {"water3.xyz": 3, "bom.xyz": 1}[name.split("/")[1]]


#: extended XYZ has words, numbers, lists, tables, truth values; JSON in ASE's own way
ODD = [
    "1 2 3", "[1, 2, 3]", "T", "[T, F]", "abc", "1e400", "nan", "[[1, 2], [3, 4]]", "0.5",
    '_JSON {"a": 1}', "_JSON [null]", "_JSON null", "1+2j", "-0", "",
]  # fmt: skip
KEYS = [
    "charge", "spin", "multiplicity", "group", "occupancy", "root", "number", "vacuum_axis", "id",
    "name", "material_id", "file", "frame", "source", "sampling", "parent", "info", "smiles",
    "energy", "forces", "stress", "dipole", "charges", "magmoms", "spacegroup", "unit_cell", "pbc",
    "momenta", "tags", "numbers", "positions", "free_energy", "virial", "adsorbate_info", "split",
]  # fmt: skip
#: ASE refuses the frame where their shape is not that of the property
SHAPED = ("positions", "numbers", "forces", "stress", "virial", "dipole")


@pytest.mark.parametrize("key", KEYS)
def test_no_odd_value_of_a_key_ends_a_source(tmp_path, key):
    """Refused with a reason, or none of our business: the frame behind it is always kept."""
    odd = "".join(WATER.format(f'Properties=species:S:1:pos:R:3 {key}="{v}"'.replace(
        '"_JSON {"a": 1}"', '"_JSON {\\"a\\": 1}"')) for v in ODD)  # fmt: skip
    (tmp_path / "x.extxyz").write_text(odd + WATER.format("Properties=species:S:1:pos:R:3"))
    frames, rejected = load(tmp_path / "x.extxyz")
    assert frames_in(frames)[-1] == len(ODD)
    assert len(frames) + len(rejected) == len(ODD) + 1
    assert all(r.reason for r in rejected)
    if key not in ("charge", "spin", "multiplicity", "group", "vacuum_axis", "pbc"):
        assert rejected == [] or key in SHAPED
    for b in range(len(frames)):
        assert isinstance(frames.info_of(b)["name"], str)


def test_what_is_taken_of_a_group_and_a_charge(tmp_path):
    def read(info):
        (tmp_path / "x.extxyz").write_text(WATER.format(f"Properties=species:S:1:pos:R:3 {info}"))
        frames, rejected = load(tmp_path / "x.extxyz")
        return frames, [r.reason for r in rejected]

    assert read('group="1 2 3"')[0].group.tolist() == [b"1 2 3"]
    assert read("group=0")[0].group.tolist() == [b"0"]
    assert read("group=salt")[0].group.tolist() == [b"salt"]
    assert len(read("occupancy=0.95")[0]) == 1
    assert read("charge=-1.0")[0].charge.tolist() == [-1]
    assert read("charge=0.5")[1] == ["charge or spin does not fit"]
    assert read("charge=T")[1] == ["charge or spin does not fit"]
