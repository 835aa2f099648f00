"""JSON of pymatgen in the shapes it is published in; nothing in it is imported."""

import gzip
import json
import sys

import pytest
from pymatgen.core import Lattice, Molecule, Structure

from jobs_of import generate_job
from limbeck.errors import LimbeckError
from limbeck.structures import generate
from limbeck.structures.reading import dictionaries

NACL = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na+", "Cl-"],
                                 [[0, 0, 0], [0.5, 0.5, 0.5]])  # fmt: skip
SI = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.43), ["Si"], [[0, 0, 0]])
OH = Molecule(["O", "H"], [[0, 0, 0], [0, 0, 0.96]], charge=-1)
NO = Molecule(["N", "O"], [[0, 0, 0], [0, 0, 1.15]], spin_multiplicity=2)


def load(path):
    base = {"seed": 1, "source": "mine", "shard": 0, "count": 100, "path": str(path)}
    return generate(generate_job("file", base))


SALT, SILICON = NACL.as_dict(), SI.as_dict()
SHAPES = {
    "one": (SALT, ["x"], [8]),
    "a list": ([SALT, SILICON], ["x-0", "x-1"], [8, 8]),
    "by name": ({"mp-22862": SALT, "mp-149": SILICON}, ["mp-22862", "mp-149"], [8, 8]),
    "documents": (
        [{"material_id": "mp-22862", "id": 3, "initial": SILICON, "structure": SALT},
         {"id": 7, "structure": SILICON}],
        ["mp-22862", "7"],
        [8, 8],
    ),
    "frames of documents": (  # MPtrj
        {"mp-149": {"mp-149-0-0": {"structure": SILICON, "mp_id": "mp-149"},
                    "mp-149-0-1": {"structure": SILICON}}},
        ["mp-149", "mp-149-0-1"],
        [8, 8],
    ),
    "a table": (  # Matbench
        {"index": [0, 1], "columns": ["structure", "y"], "data": [[SALT, 1.0], [SILICON, 2.0]]},
        ["x-0", "x-1"],
        [8, 8],
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_structures_are_found_in_every_shape(tmp_path, shape, pack):
    found, names, atoms = SHAPES[shape]
    (tmp_path / "x.json").write_bytes(pack(json.dumps(found, indent=1).encode()))
    frames, rejected = load(tmp_path / "x.json")
    assert rejected == []
    assert frames.n_atoms.tolist() == atoms
    assert frames.names == names
    whole = frames.to_atoms()[-1]
    assert whole.get_all_distances(mic=True)[0, 1:].min() == pytest.approx(
        2.82 if len(atoms) == 1 else 5.43 * 3**0.5 / 4, abs=1e-9
    )


def test_molecules_have_their_charge_and_unpaired_electrons(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps([OH.as_dict(), NO.as_dict()]))
    frames, rejected = load(tmp_path / "x.json")
    assert rejected == []
    assert frames.charge.tolist() == [-1, 0]
    assert frames.spin.tolist() == [0, 1]
    assert not frames.pbc.any()
    assert frames.to_atoms()[1].get_distance(0, 1) == pytest.approx(1.15, abs=1e-12)


@pytest.mark.parametrize("name", ["x.jsonl", "x.json"])
def test_a_structure_in_each_line(tmp_path, name):
    lines = [json.dumps({"material_id": f"mp-{n}", "structure": SILICON}) for n in range(3)]
    (tmp_path / name).write_text("\n".join([lines[0], "", "{broken", lines[1], lines[2]]) + "\n")
    frames, rejected = load(tmp_path / name)
    assert frames.names == ["mp-0", "mp-1", "mp-2"]
    assert [(r.frame, r.reason) for r in rejected] == [("mine/1", "frame is not readable")]
    assert str(rejected[0].value).startswith("line 3: no JSON")


def changed(site, **fields):
    other = json.loads(json.dumps(SALT))
    other["sites"][site] |= fields
    return other


BAD = {
    "mixed": changed(0, species=[{"element": "Na", "occu": 0.5}, {"element": "K", "occu": 0.5}]),
    "in part": changed(0, species=[{"element": "Na", "occu": 0.9}]),
    "no element": changed(0, species=[{"element": "Qq", "occu": 1}]),
    "a dummy": changed(0, species=[{"element": "X", "occu": 1}]),
    "no place": changed(0, abc=None),
    "a word": changed(0, abc=["a", 0, 0]),
    "no cell": SALT | {"lattice": {}},
    "a flat list": SALT | {"lattice": {"matrix": [1, 2, 3]}},
    "sites that are none": SALT | {"sites": [1, 2]},
    "not finite": changed(0, abc=[1e400, 0, 0]),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_structure_spoils_no_other(tmp_path, bad):
    (tmp_path / "x.json").write_text(json.dumps([SILICON, BAD[bad], SALT]))
    frames, rejected = load(tmp_path / "x.json")
    assert [frames.info_of(b)["frame_in_file"] for b in range(len(frames))] == [0, 2]
    assert [r.frame for r in rejected] == ["mine/1"]
    assert rejected[0].reason


def test_nothing_is_imported(tmp_path):
    (tmp_path / "evil_module.py").write_text("raise SystemExit('was imported')")
    found = SALT | {"@module": "evil_module", "@class": "Evil", "@callable": "os.system"}
    (tmp_path / "x.json").write_text(json.dumps(found))
    sys.path.insert(0, str(tmp_path))
    try:
        assert len(load(tmp_path / "x.json")[0]) == 1
    finally:
        sys.path.remove(str(tmp_path))
    assert "evil_module" not in sys.modules


def test_json_without_structures_or_bounds(tmp_path, monkeypatch, no_limit):
    for text in ('{"a": [1, 2]}', "[]", "[" * 100_000, "nothing", '{"a": ' * 50 + "1" + "}" * 50):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(LimbeckError, match=r"x\.json: ") as caught:
            load(tmp_path / "x.json")
        assert "\n" not in str(caught.value)
    monkeypatch.setattr(dictionaries, "MAX_BYTES", 1000)
    (tmp_path / "x.json").write_text(json.dumps([SALT]))
    with pytest.raises(LimbeckError, match="more than 1000 bytes of JSON"):
        load(tmp_path / "x.json")


def test_text_beside_a_structure_is_its_group_and_a_charge_is_not_lost(tmp_path):
    documents = [
        {"structure": SALT, "group": "runA"},
        {"structure": SALT, "group": 0},
        {"molecule": OH.as_dict(), "charge": -1},
        {"molecule": Molecule(["O", "H"], [[0, 0, 0], [0, 0, 0.97]]).as_dict(), "charge": -1},
        {"molecule": OH.as_dict(), "charge": 1},
    ]
    for document in documents[2:]:
        document["molecule"].pop("spin_multiplicity", None)
    (tmp_path / "x.json").write_text(json.dumps(documents))
    frames, rejected = load(tmp_path / "x.json")
    assert frames.group.tolist()[:2] == [b"runA", b"0"]
    assert frames.charge.tolist() == [0, 0, -1, -1]
    assert "contradict" in str(rejected[0].value)
