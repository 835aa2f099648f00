"""MolDiff's and GeoDiff's scripts against stand-ins with their command lines and their faults."""

import pickle
from collections import Counter

import pytest
from rdkit import Chem

import stand_ins
from generator_jobs import calls, run
from generators import structures
from limbeck.config.sections.sources import Generated
from limbeck.files import sha256_of
from limbeck.structures.sources import generated


@pytest.fixture(scope="module")
def moldiff(tmp_path_factory):
    return stand_ins.installed("moldiff", tmp_path_factory.mktemp("env") / "env")


@pytest.fixture(scope="module")
def geodiff(tmp_path_factory):
    return stand_ins.installed("geodiff", tmp_path_factory.mktemp("env") / "env")


@pytest.fixture
def of_moldiff(tmp_path):
    (tmp_path / "MolDiff.pt").write_text("weights")
    known = {"weights": str(tmp_path / "MolDiff.pt"), "sha256": sha256_of(tmp_path / "MolDiff.pt")}
    return {"program": "moldiff", "count": 5, "n_heavy_atoms": [4, 6], **known}


@pytest.fixture
def of_geodiff(tmp_path):
    model = tmp_path / "qm9_default"
    (model / "checkpoints").mkdir(parents=True)
    (model / "qm9_default.yml").write_text("train: {seed: 2021}\n")
    (model / "checkpoints/x.pt").write_bytes(pickle.dumps({}))
    (tmp_path / "a.smi").write_text("# SMILES name\nCCO ethanol\nCC=O\n\nC methane\n")
    known = {"weights": str(model / "checkpoints/x.pt")}
    known["sha256"] = sha256_of(known["weights"])
    return {"program": "geodiff", "count": 5, "smiles": str(tmp_path / "a.smi"), **known}


def molecules(done):
    """Molecules of the file, with what the source makes of them."""
    with Chem.SDMolSupplier(str(done.path), removeHs=False) as found:
        raw = list(found)
    source = Generated(name="s", kind="generated", path=str(done.path), count=100)
    return raw, [generated.read(frame, source)[0] for frame in generated.frames_of(source)]


def test_moldiff_gives_heavy_atoms_that_get_hydrogens(tmp_path, moldiff, of_moldiff):
    """It makes more than were asked for, and a way to one of them."""
    done = run(tmp_path / "a", moldiff, "more", **of_moldiff)
    assert done.status == 0, done.log
    raw, whole = molecules(done)
    assert len(raw) == len(whole) == 5
    assert done.report["surplus"] == 3
    for mol, atoms in zip(raw, whole, strict=True):
        n = mol.GetNumAtoms()
        assert 4 <= n <= 6
        assert atoms.get_chemical_formula() == f"C{n}H{2 * n + 2}"
    call = calls(moldiff)[-1]
    assert call["arguments"][:2] == ["--outdir", "out"]  # its letters are part of the seed
    assert call["arguments"][call["arguments"].index("--device") + 1] == "cpu"
    assert run(tmp_path / "b", moldiff, "more", **of_moldiff).kept == done.kept


@pytest.mark.parametrize(
    ("fault", "reason"), [("dummy", structures.NO_ELEMENT), ("half", structures.UNREADABLE)]
)
def test_moldiff_is_asked_again_for_what_is_of_no_use(tmp_path, moldiff, of_moldiff, fault, reason):
    done = run(tmp_path / "a", moldiff, fault, **of_moldiff)
    assert done.report["kept"] == 5
    assert done.report["refused"][reason] > 0


def test_moldiff_that_ends_well_with_nothing_is_a_failure(tmp_path, moldiff, of_moldiff):
    done = run(tmp_path / "a", moldiff, "nothing", **of_moldiff, max_rounds=1)
    assert done.status == 1
    assert "nothing of use" in done.log


def test_geodiff_gives_conformers_of_each_molecule_in_turn(tmp_path, geodiff, of_geodiff):
    done = run(tmp_path / "a", geodiff, **of_geodiff)
    assert done.status == 0, done.log
    raw, whole = molecules(done)
    found = Counter(mol.GetProp("_Name") for mol in raw)
    assert found == {"CCO": 2, "CC=O": 2, "C": 1}
    assert {a.get_chemical_formula() for a in whole} == {"C2H6O", "C2H4O", "CH4"}
    call = calls(geodiff)[-1]
    words = call["arguments"]
    assert words[words.index("--start_idx") + 1] == "0"
    assert call["seed"] == done.report["rounds"][0]["seed"]  # and not that of its training
    assert call["loads_on"] == "cpu"
    assert not list((tmp_path / "qm9_default").glob("sample_*"))
    assert run(tmp_path / "b", geodiff, **of_geodiff).kept == done.kept
    assert run(tmp_path / "c", geodiff, **of_geodiff, seed=5).kept != done.kept


def test_a_molecule_that_vanishes_is_asked_for_again(tmp_path, geodiff, of_geodiff):
    done = run(tmp_path / "a", geodiff, "vanishes-once", **of_geodiff)
    first, second = done.report["rounds"]
    assert (first["asked"], second["asked"], done.report["kept"]) == (5, 2, 5)
    short = run(tmp_path / "b", geodiff, "vanishes", **of_geodiff, max_rounds=1)
    assert short.report["short_of"] == {"CC=O": 2}


@pytest.mark.parametrize(
    ("fault", "reason"), [("nan", structures.BAD_NUMBERS), ("overlap", structures.TOO_CLOSE)]
)
def test_conformers_of_no_use_are_counted(tmp_path, geodiff, of_geodiff, fault, reason):
    done = run(tmp_path / "a", geodiff, fault, **of_geodiff, max_rounds=1)
    assert done.report["refused"][reason] > 0
