"""The command ``limbeck``: what each part prints, and what it says of what it cannot do."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import read, write

from in_process import limbeck
from limbeck.command import TOPICS
from limbeck.files import sha256_of, write_sums
from limbeck.frames import from_atoms
from limbeck.potentials import open_potential
from limbeck.students import architecture
from limbeck.students.statistics import training_statistics
from limbeck.warrant.gaps import measure_gaps
from metals import TETRAHEDRON, example


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A direct student of copper and aluminium with random weights: one that breaks symmetries."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("students") / "direct-tiny/seed1"
    (folder / "model").mkdir(parents=True)
    statistics = training_statistics(example(2))
    made = architecture("direct").build("tiny", statistics, name="tiny", device="cpu")
    made.save(folder / "model")
    write_sums(folder / "model")
    return folder


def metals():
    """Seven structures of five formulas."""
    found = [bulk("Cu", cubic=True), bulk("Al", cubic=True), Atoms("Al2Cu2", TETRAHEDRON)]
    found += [Atoms("AlCu", [[0, 0, 0], [0, 0, 2.5]]), bulk("Al", cubic=True) * (1, 1, 2)]
    found += [Atoms("AlCu3", TETRAHEDRON), bulk("Cu", cubic=True) * (2, 1, 1)]
    for n, atoms in enumerate(found):
        atoms.rattle(0.05, seed=n)
        atoms.info.clear()
    return found


@pytest.fixture(scope="module")
def structures(tmp_path_factory):
    """The metals, water, and a crystal with two atoms in one place."""
    path = tmp_path_factory.mktemp("structures") / "mine.extxyz"
    overlapping = bulk("Cu", cubic=True)
    overlapping.positions[1] = overlapping.positions[0]
    write(path, [*metals(), molecule("H2O"), overlapping])
    return path


def printed(*words, code=0):
    done = limbeck(*words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def refused(*words, code=1):
    """The last line of what it says where it cannot do what is asked."""
    done = limbeck(*words)
    assert done.returncode == code, done.stdout
    return done.stderr.splitlines()[-1]


def test_it_is_installed_under_its_name(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    module, function = project["scripts"]["limbeck"].split(":")
    assert callable(getattr(import_module(module), function))


def test_it_runs_as_a_module(repository):
    done = subprocess.run(
        [sys.executable, "-m", "limbeck", "hash", "nothing"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(repository / "scripts"), "PATH": ""},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: nothing: no file and no folder, expected what has a hash\n"


@pytest.mark.parametrize("part", ["", "list", "gaps", "demonstrate", "check", "hash"])
def test_help_is_a_sentence_about_each_word(part):
    text = printed(*part.split(), "--help")
    assert text.startswith(f"usage: limbeck {part}".rstrip())
    assert "%%" not in text
    if not part:
        assert [
            name for name in ("list", "gaps", "check", "hash") if f"    {name} " not in text
        ] == []
    assert refused("nonsense", code=2).startswith("limbeck: error: argument COMMAND: invalid choi")


def test_list_prints_what_is_asked_for():
    every = printed("list")
    for topic in TOPICS:
        part = printed("list", topic)
        assert part in every
        assert part.count("\n\n") == 0
    assert printed("list", "symmetries") == printed("list", "gaps")
    assert re.search(
        r"^  emt +effective medium theory", printed("list", "potentials"), re.MULTILINE
    )
    assert printed("list", "sources", "students") == printed("list", "students", "sources")
    line = refused("list", "metals", "gaps")
    assert line == f"error: metals: not listed, expected {', '.join(TOPICS)}"


def rows(text):
    """(gap, of) -> the cells after it; a row without a gap is of the one above."""
    found, gap = {}, ""
    for line in text.split("\n\n")[1].splitlines()[1:]:
        first, of, *cells = re.split(r"  +", line)
        gap = first or gap
        found[gap, of] = cells
    return found


def test_gaps_of_a_potential_by_name(structures):
    text = printed("gaps", "emt", structures, "--symmetries", "rotation", "conservativity")
    assert text.startswith(f"emt on 8 structures of {structures}\n")
    found = rows(text)
    # EMT turns with the frame, and its forces are slopes: rounding of float64 is left, and what
    # the trapezoidal rule of a loop leaves
    assert float(found["rotation", "forces"][0]) < 1e-9
    assert found["rotation", "energy"][2] == "meV/atom"
    assert float(found["conservativity", "work"][0]) < 1e-3


def test_gaps_of_a_student_with_their_intervals_and_what_was_skipped(student, structures):
    text = printed(
        "gaps", student, structures, "--symmetries", "rotation", "space_group", "--views", 3
    )
    found = rows(text)
    *_, unit, relative, count, groups = found["rotation", "energy"]
    assert (unit, relative, count, groups) == ("meV/atom", "-", "7", "5")
    value, interval, unit, relative = found["rotation", "forces"]
    low, high = map(float, interval.split(" to "))
    assert low < float(value) < high
    assert unit == "meV/A"
    assert relative.endswith(" %")
    model = open_potential({"name": "x", "model": "orb", "path": str(student / "model")})
    frames = from_atoms(read(structures, ":7"), groups=[""] * 7, source="x")
    expected = measure_gaps([model], frames, ["rotation"], 3)
    # views are drawn by what a structure is: they are the same ones
    assert float(value) == pytest.approx(expected[0]["forces"]["value"], rel=5e-3)  # three digits
    skipped = text.split("Skipped:")[1].splitlines()
    assert "  rotation: 1 structure: element unknown to the potential" in skipped
    (last,) = text.split("not taken: 1 structure\n")[1:]
    assert last == "  mine-8: atoms too close: distance over sum of covalent radii (0, limit 0.5)\n"


def test_gaps_of_weights_say_what_they_need(repository, structures):
    model = repository / "resources/models/mace-demo.model"
    assert refused("gaps", model, structures).endswith(
        "say what kind of model it is, as in: --kind mace"
    )
    line = refused("gaps", model, structures, "--kind", "mace")
    assert line.endswith(f"add --trust, or --sha256 {sha256_of(model)}")
    assert "is a pickle" in line or "a pickle, which can run code" in line
    wrong = refused("gaps", model, structures, "--kind", "mace", "--sha256", "0" * 64)
    assert f"{model} has {sha256_of(model)}, expected 000" in wrong
    assert "no kind of weights, expected one of mace, orb, nep, painn, matgl" in refused(
        "gaps", model, structures, "--kind", "emt"
    )


def test_gaps_of_a_file_of_weights(repository, tmp_path):
    write(tmp_path / "salt.cif", bulk("NaCl", "rocksalt", a=5.64, cubic=True))
    model = repository / "resources/models/mace-demo.model"
    text = printed(
        *("gaps", model, tmp_path / "salt.cif", "--kind", "mace", "--sha256", sha256_of(model)),
        *("--symmetries", "space_group", "--views", 2),
    )
    assert float(rows(text)["space_group", "forces"][0]) < 0.1  # meV/A: rounding of float32


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("mace", "mace: a kind of model, expected its weights and --kind mace"),
        ("nothing-such", "nothing-such: no such file or folder, and no potential of that name"),
        (".", "no student (no model.json); of another model, say its kind: --kind matgl"),
    ],
)
def test_a_model_that_is_none_is_told(structures, model, says):
    assert says in refused("gaps", model, structures)


def test_a_file_that_is_none_is_told(tmp_path, structures):
    assert "no.xyz: no such file, expected extended XYZ" in refused(
        "gaps", "emt", tmp_path / "no.xyz"
    )
    assert "device: 'gpu', expected 'cpu', 'cuda'" in refused(
        "gaps", "emt", structures, "--device", "gpu"
    )
    wrong = refused("gaps", "emt", structures, "--views", "1", code=2)
    assert wrong.endswith("argument --views: '1', expected a whole number from 2 on")
    write(tmp_path / "gold.xyz", Atoms("He2", [[0, 0, 0], [0, 0, 3]]))
    assert refused("gaps", "emt", tmp_path / "gold.xyz").endswith(
        "none of 1 frames could be measured: element unknown to the potential: 1"
    )


def test_check_tells_what_was_changed(student, tmp_path):
    text = printed("check", student)
    assert text.splitlines()[-1] == "1 of 1 are as they were written"
    weights = student / "model/model.json"
    before = weights.read_text()
    weights.write_text(before + " ")
    try:
        assert "model.json: changed since it was written" in printed("check", student, code=1)
    finally:
        weights.write_text(before)
    assert refused("check", tmp_path / "no") == f"error: {tmp_path}/no: no such folder"


def test_hash_is_what_a_config_takes(student, structures):
    line = printed("hash", student / "model")
    section = {"name": "x", "model": "orb", "path": str(student / "model")}
    model = open_potential(section | {"sha256": line.split('"')[1]})
    assert np.isfinite(model.predict(example(1).frames).energy).all()
    assert line == f'sha256: "{sha256_of(student / "model")}"\n'
    assert printed("hash", structures) == f'sha256: "{sha256_of(structures)}"\n'


def test_demonstrate_prints_what_changed_and_draws_it(student, structures, tmp_path):
    picture = tmp_path / "turn.png"
    words = ["demonstrate", str(student), str(structures), "--frame", "2", "--step-deg", "90"]
    done = limbeck(*words, "--output", str(picture))
    assert done.returncode == 0, done.stderr
    turned, shifted = (
        line for line in done.stdout.splitlines() if line.startswith(("turned", "shifted"))
    )
    share = [float(line.split()[-2]) for line in (turned, shifted)]  # percent of the forces
    assert share[0] > 0.1
    # float32 rounding; distances know of no place
    assert share[1] < 0.01
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--frame", "99"], "--frame 99: .* has 0 to 7"),
        (["--axis", "w"], "axis: 'w', expected x, y, z or three numbers"),
        (["--output", "turn.gif"], "turn.gif: expected a name that ends in .png"),
    ],
)
def test_demonstrate_says_what_it_cannot_do(student, structures, words, expected):
    done = limbeck("demonstrate", student, structures, *words)
    assert done.returncode == 1
    assert re.search(expected, done.stderr)


def test_studies_are_listed_and_a_broken_one_is_an_error_by_its_name(monkeypatch):
    from limbeck.studies import registry

    done = limbeck("studies")
    assert done.returncode == 0, done.stderr
    assert all(f"\n{kind}\n" in f"\n{done.stdout}" for kind in ("expectation", *registry.STUDIES))
    assert "  independent:  trajectories\n" in done.stdout
    monkeypatch.setitem(registry.STUDIES, "odd", ("limbeck.studies.kinds.odd", "Odd"))
    done = limbeck("studies")
    assert done.returncode == 1
    assert "kepler" in done.stdout
    assert (
        "the study odd is broken: limbeck.studies.kinds.odd.Odd: ModuleNotFoundError" in done.stderr
    )
