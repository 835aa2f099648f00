"""Tables with a column of structures, as those of MP-20 and Matbench, and frames of OC20."""

import csv
import gzip
import io
import json
import tracemalloc

import numpy as np
import pytest
from ase.build import bulk
from pymatgen.io.ase import AseAtomsAdaptor

from jobs_of import generate_job
from limbeck import reasons
from limbeck.errors import LimbeckError
from limbeck.structures import generate
from limbeck.structures.reading import dictionaries, read_files

SALT, SILICON = bulk("NaCl", "rocksalt", a=5.64, cubic=True), bulk("Si", cubic=True)
#: columns of a file of MP-20
COLUMNS = ["", "material_id", "formation_energy_per_atom", "pretty_formula", "elements", "cif"]


def structure(atoms):
    return AseAtomsAdaptor.get_structure(atoms)


def table(rows, columns=COLUMNS):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def row(name, atoms):
    cif = structure(atoms).to(fmt="cif")
    return [7, name, -1.2, "NaCl", "['Na', 'Cl']", cif]


def load(path, **changed):
    base = {"seed": 1, "source": "mine", "shard": 0, "count": 100}
    return generate(generate_job("file", base | {"path": str(path)} | changed))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_structures_of_mp20_come_with_the_ids_of_their_materials(tmp_path, pack):
    text = table([row("mp-22862", SALT), row("mp-149", SILICON)])
    (tmp_path / "mp20.csv").write_bytes(pack(text.encode()))
    frames, rejected = load(tmp_path / "mp20.csv")
    assert rejected == []
    assert [frames.info_of(b)["name"] for b in range(2)] == ["mp-22862", "mp-149"]
    assert frames.group.tolist() == [b"NaCl", b"Si"]
    # pymatgen writes eight decimals of fractional coordinates
    np.testing.assert_allclose(frames.cell[0], SALT.cell, atol=1e-6)


@pytest.mark.parametrize("column", ["CIF", "structure", "cif"])
def test_the_column_may_have_other_names_and_hold_json(tmp_path, column):
    cell = json.dumps(structure(SALT).as_dict()) if column == "structure" else row("", SALT)[-1]
    (tmp_path / "x.csv").write_text(table([["a", cell]], ["id", column]))
    frames, _ = load(tmp_path / "x.csv")
    assert frames.info_of(0)["name"] == "a"
    assert sorted(frames.numbers.tolist()) == [11] * 4 + [17] * 4


def test_a_table_without_structures_says_what_was_expected(tmp_path):
    (tmp_path / "x.csv").write_text(table([["a", "1"]], ["id", "energy"]))
    with pytest.raises(LimbeckError, match=r"columns id, energy: expected .* called cif or struct"):
        load(tmp_path / "x.csv")


def test_bad_rows_spoil_no_others_and_a_half_written_one_is_counted(tmp_path):
    bad = row("mp-2", SALT)
    bad[-1] = "data_x\n_cell_length_a what"
    short, empty = row("mp-3", SALT)[:-1], [*row("mp-4", SALT)[:-1], ""]
    text = table([row("mp-1", SALT), bad, short, empty, row("mp-5", SALT), row("mp-6", SILICON)])
    (tmp_path / "x.csv").write_text(text[:-200])  # inside the last CIF, whose quote is left open
    frames, rejected = load(tmp_path / "x.csv")
    assert [frames.info_of(b)["name"] for b in range(len(frames))] == ["mp-1", "mp-5"]
    assert [r.reason for r in rejected] == [reasons.UNREADABLE] * 4
    assert "expected 6 columns, got 5" in str(rejected[1].value)


def test_a_large_table_is_not_held_in_memory(tmp_path):
    """20 MB of rows: what is kept is where each begins, some hundred bytes."""
    line = table([row("mp-1", SALT)]).split("\n", 1)[1].replace("'Na', ", "x" * 20_000).encode()
    count = 2 * 10**7 // len(line)
    (tmp_path / "x.csv").write_bytes((",".join(COLUMNS) + "\n").encode() + count * line)
    tracemalloc.start()
    frames = read_files(tmp_path / "x.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(frames) == count
    assert len(frames[-1]()) == len(SALT)
    assert peak < 2e6  # a tenth of the file; a row is 20 kB, and its place and parse 1 kB


MATBENCH = {
    "index": ["mb-dielectric-0001", "mb-dielectric-0002"],
    "columns": ["structure", "n"],
    "data": [[structure(SALT).as_dict(), 1.5], [structure(SILICON).as_dict(), 3.4]],
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_structures_of_matbench_have_their_ids(tmp_path, pack):
    (tmp_path / "matbench.json").write_bytes(pack(json.dumps(MATBENCH).encode()))
    frames, rejected = load(tmp_path / "matbench.json")
    assert rejected == []
    assert [frames.info_of(b)["name"] for b in range(2)] == MATBENCH["index"]


def test_a_row_of_matbench_without_a_structure_is_refused(tmp_path):
    data = [MATBENCH["data"][0], [None, 2.0], [1.0]]
    found = MATBENCH | {"data": data, "index": ["a", "b", "c"]}
    (tmp_path / "x.json").write_text(json.dumps(found))
    frames, rejected = load(tmp_path / "x.json")
    assert len(frames) == 1
    assert [r.value for r in rejected] == [
        "row b: no structure of pymatgen in it",
        "row c: expected a list of 2 values",
    ]


def test_json_that_is_too_large_says_what_is_not(tmp_path, monkeypatch):
    (tmp_path / "x.json").write_text(json.dumps(MATBENCH))
    monkeypatch.setattr(dictionaries, "MAX_BYTES", 1000)
    with pytest.raises(LimbeckError, match=r"more than 1000 bytes of JSON.*JSON Lines.*CSV"):
        load(tmp_path / "x.json")


#: a frame of S2EF of OC20, with its columns and its info line; CO on two atoms of a slab
OC20 = """\
4
Lattice="5.1 0.0 0.0 0.0 2.55 0.0 0.0 0.0 30.0" Properties=species:S:1:pos:R:3:move_mask:L:1:\
tags:I:1:forces:R:3 energy=-307.61 free_energy=-307.62 pbc="T T T"
Cu 0.0 0.0 10.0 F 0 0.01 0.0 0.0
Cu 2.55 0.0 10.0 T 1 0.0 0.02 0.1
C 0.0 0.0 11.85 T 2 0.0 0.0 -0.4
O 0.0 0.0 13.0 T 2 0.0 0.0 0.3
"""


def test_a_frame_of_oc20_is_read_whatever_is_fixed_in_it(tmp_path):
    import lzma

    moved = OC20.replace("O 0.0 0.0 13.0", "O 0.0 0.1 13.0")
    (tmp_path / "0.extxyz.xz").write_bytes(lzma.compress((OC20 + moved).encode()))
    frames, rejected = load(tmp_path / "0.extxyz.xz")
    assert rejected == []
    assert frames.pbc.all()
    assert frames.numbers.tolist() == [29, 29, 6, 8] * 2
    np.testing.assert_allclose(frames.positions[7], [0.0, 0.1, 13.0])
    assert frames.info_of(0)["vacuum_axis"] == 2
    assert frames.info_of(1)["name"] == "0-1"


def test_no_vacuum_is_seen_where_there_is_none_or_no_tags(tmp_path):
    """Only OC20's tags say that a cell is a slab: a layered crystal has gaps, too."""
    (tmp_path / "a.extxyz").write_text(OC20.replace("30.0", "12.5"))
    plain = OC20.replace("tags:I:1", "other:I:1")
    (tmp_path / "b.extxyz").write_text(plain)
    frames, _ = load(tmp_path)
    assert ["vacuum_axis" in frames.info_of(b) for b in range(2)] == [False, False]
