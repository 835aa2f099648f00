"""CrystalFlow's script against a stand-in with its command line, its output and its faults."""

from collections import Counter

import pytest
from ase.io import read

import stand_ins
from generator_jobs import calls, run
from generators import structures
from limbeck.files import sha256_of


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    return stand_ins.installed("crystalflow", tmp_path_factory.mktemp("env") / "env")


@pytest.fixture
def own(tmp_path):
    """A model, of formulas."""
    model = tmp_path / "model"
    model.mkdir()
    for name in ("hparams.yaml", "last.ckpt", "lattice_scaler.pt", "prop_scaler.pt"):
        (model / name).write_text(name)
    known = {"weights": str(model), "sha256": sha256_of(model)}
    return {"program": "crystalflow", "count": 7, "formulas": ["Na4Cl4", "LiF"], **known}


def test_each_formula_has_a_call_of_its_own_and_its_share(tmp_path, python, own):
    done = run(tmp_path / "a", python, **own)
    assert done.status == 0, done.log
    found = Counter(atoms.get_chemical_formula() for atoms in read(done.path, index=":"))
    assert found == {"Cl4Na4": 4, "FLi": 3}
    asked = [call["arguments"] for call in calls(python)]
    assert [words[words.index("-f") + 1] for words in asked] == ["Na4Cl4", "LiF"]
    assert run(tmp_path / "b", python, **own).kept == done.kept  # it has no seed of its own


def test_its_model_is_left_as_it_was_and_its_cores_are_those_of_the_job(tmp_path, python, own):
    before = len(calls(python))
    run(tmp_path / "a", python, **own)
    call = calls(python)[before]
    assert call["model"] == ["hparams.yaml", "last.ckpt", "lattice_scaler.pt", "prop_scaler.pt"]
    assert (call["cores"], call["OMP_NUM_THREADS"]) == (1, "1")
    assert call["PROJECT_ROOT"].endswith("share/crystalflow")
    assert str(tmp_path / "model") not in " ".join(call["arguments"])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("overlap", structures.TOO_CLOSE),
        ("nan", structures.BAD_NUMBERS),
        ("heavy", structures.NO_ELEMENT),
    ],
)
def test_what_is_of_no_use_is_asked_for_again(tmp_path, python, own, fault, reason):
    done = run(tmp_path / "a", python, fault, **own)
    assert done.report["refused"][reason] > 0
    assert done.report["kept"] == 7


def test_gaps_in_the_numbering_are_no_end(tmp_path, python, own):
    done = run(tmp_path / "a", python, "gaps", **own)
    assert done.report["rounds"][0]["made"] == 5  # of 4 and 3, number 1 is not there
    assert done.report["kept"] == 7


def test_without_a_formula_it_writes_into_its_model_and_that_is_a_copy(tmp_path, python, own):
    """It has elements up to 114, and cells of angles that no cell has."""
    del own["formulas"]
    done = run(tmp_path / "a", python, "heavy-once", "flat-once", **own, batch_size=2)
    assert done.status == 0, done.log
    assert done.report["kept"] == 7
    assert done.report["refused"].keys() == {structures.NO_ELEMENT, structures.BAD_NUMBERS}
    assert sorted(p.name for p in (tmp_path / "model").iterdir())[0] == "hparams.yaml"
    assert len(list((tmp_path / "model").iterdir())) == 4
    words = calls(python)[-1]["arguments"]
    assert words[words.index("-B") + 1 : words.index("-B") + 4 : 2] != ["500", "20"]
    assert calls(python)[-1]["threads"] == [1]


def test_nothing_made_is_a_failure(tmp_path, python, own):
    done = run(tmp_path / "a", python, "nothing", **own, max_rounds=1)
    assert done.status == 1
    assert "nothing of use in 1 rounds" in done.log


def test_a_checkpoint_that_is_another_is_never_opened(tmp_path, python, own):
    (tmp_path / "model/last.ckpt").write_text("another")
    done = run(tmp_path / "a", python, **own)
    assert done.status == 1
    assert "its SHA-256 is" in done.log
