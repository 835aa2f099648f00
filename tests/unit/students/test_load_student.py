"""Students from ASE: precision, devices, slabs, energies by atom, and what is not answered."""

import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.calculator import PropertyNotImplementedError

import in_process
from limbeck import load_student
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.geometry import turn
from limbeck.potentials.devices import checked
from limbeck.students import ARCHITECTURES, architecture
from limbeck.students.handover import open_student
from limbeck.students.statistics import shortest_ratio, training_statistics
from metals import TETRAHEDRON, example

#: a rotation that leaves no axis where it was
TURN = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A student of each architecture with random weights, of copper and aluminium."""
    folder = tmp_path_factory.mktemp("students")
    for name in ARCHITECTURES:
        torch.manual_seed(0)
        statistics = training_statistics(example(2))
        student = architecture(name).build("tiny", statistics, name="tiny", device="cpu")
        (folder / name / "seed1/model").mkdir(parents=True)
        student.save(folder / name / "seed1/model")
    return folder


@pytest.fixture(params=sorted(ARCHITECTURES))
def folder(request, folders):
    return folders / request.param / "seed1"


def rattled(atoms):
    atoms.rattle(0.1, seed=1)
    return atoms


def crystal():
    return rattled(bulk("Cu", cubic=True))


@cache
def loaded(folder, dtype="float32"):
    """A student that tests share."""
    return load_student(folder, dtype=dtype)


def asked(folder, atoms, **options):
    atoms.calc = loaded(folder, **options)
    return atoms


def test_double_precision_is_that_of_the_calculation(folder):
    single, double = (asked(folder, crystal(), dtype=d) for d in ("float32", "float64"))
    # float32 has 7 digits, and energies and forces here are of order 1 to 10
    np.testing.assert_allclose(single.get_forces(), double.get_forces(), atol=1e-4)
    assert double.get_potential_energy() == pytest.approx(single.get_potential_energy(), abs=1e-4)
    assert double.calc.potential.about.dtype == "float64"
    moved = crystal()
    moved.positions[0, 0] += 1e-9  # below float32's resolution of a coordinate of an Angstrom
    for student, answers in ((single, False), (double, True)):
        before = student.get_potential_energy()
        moved.calc = student.calc
        assert (moved.get_potential_energy() != before) == answers


def test_forces_in_double_precision_are_slopes_to_nine_digits(folders):
    """Of the equivariant student, which is conservative; in float32 rounding hides the step."""
    atoms = asked(folders / "mace/seed1", crystal(), dtype="float64")
    force, step = atoms.get_forces()[1, 2], 1e-4
    energies = []
    for sign in (1, -1):
        atoms.positions[1, 2] += sign * step
        energies.append(atoms.get_potential_energy())
        atoms.positions[1, 2] -= sign * step
    slope = (energies[1] - energies[0]) / (2 * step)
    # central difference: error of order step^2, 1e-8, of a force of order 1
    assert slope == pytest.approx(force, abs=1e-7)


def test_double_precision_keeps_the_symmetry(folders):
    student = open_student(folders / "mace/seed1", dtype="float64")
    frames = from_atoms([crystal()], groups=[""], source="x")
    here, there = student.predict(frames), student.predict(turn(frames, TURN[None]))
    # rounding of float64, but for coupling coefficients that a float32 model holds in float32
    np.testing.assert_allclose(there.forces, here.forces @ TURN.T, atol=1e-6)


def test_an_unknown_precision_or_device_is_told(folder, monkeypatch):
    with pytest.raises(LimbeckError, match="dtype: 'float16', expected 'float32' or 'float64'"):
        load_student(folder, dtype="float16")
    for device in ("gpu", "cuda:", "cuda0", "mps", "cpu "):
        with pytest.raises(LimbeckError, match=rf"device: '{device}', expected 'cpu', 'cuda', or"):
            load_student(folder, device=device)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(LimbeckError, match="'cuda' was asked for, but torch finds no GPU here"):
        load_student(folder, device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [checked(d) for d in ("cuda", "cuda:1", "cpu")] == ["cuda", "cuda:1", "cpu"]
    with pytest.raises(LimbeckError, match="'cuda:2' was asked for, but the last GPU here is 'cu"):
        checked("cuda:2")


@pytest.mark.parametrize("vacuum", [None, 3.0, 15.0])
def test_a_slab_is_answered_as_one_with_much_vacuum(folder, vacuum):
    slab = asked(folder, rattled(fcc111("Cu", (2, 2, 3), vacuum=vacuum)))
    wide = fcc111("Cu", (2, 2, 3), vacuum=40.0)
    wide.positions = slab.positions  # the rattle
    wide.pbc = True
    wide = asked(folder, wide)
    # the same edges in another order: sums of float32, of order 10
    assert slab.get_potential_energy() == pytest.approx(wide.get_potential_energy(), abs=1e-4)
    np.testing.assert_allclose(slab.get_forces(), wide.get_forces(), atol=1e-4)
    with pytest.raises(PropertyNotImplementedError):
        slab.get_stress()


def test_a_wire_without_other_vectors_is_answered(folder):
    wire = Atoms("Cu2", [[0, 0, 0], [0.3, 0, 2.4]], cell=[0, 0, 4.9], pbc=[False, False, True])
    assert np.isfinite(asked(folder, wire).get_forces()).all()
    wire.pbc = [True, False, True]
    with pytest.raises(LimbeckError, match=r"atoms\.cell: no lattice vector along a direction"):
        wire.get_potential_energy()


def test_energies_by_atom_add_up(folders):
    for atoms in (crystal(), rattled(Atoms("Al2Cu2", TETRAHEDRON))):
        energies = asked(folders / "mace/seed1", atoms).get_potential_energies()
        assert energies.shape == (4,)
        assert np.ptp(energies) > 0
        # sums of float32
        assert energies.sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
    with pytest.raises(PropertyNotImplementedError):
        asked(folders / "direct/seed1", crystal()).get_potential_energies()


def broken(change):
    atoms = crystal()
    change(atoms)
    return atoms


def coincide(atoms):
    atoms.positions[1] = atoms.positions[0]


def lose(atoms):
    atoms.positions[2, 1] = np.nan


def flatten(atoms):
    atoms.cell[2] = atoms.cell[0]


def squeeze(atoms):
    atoms.set_cell(atoms.cell * 0.3, scale_atoms=True)


def narrow(atoms):
    """The one atom of the cell is near its own image."""
    del atoms[1:]
    atoms.set_cell([8, 8, 1.1])


BROKEN = {
    coincide: r"seed1: atoms [01] \(Cu\) and [01] \(Cu\) are 0\.000 A apart; it knows of none near",
    lose: "a position at nan A",
    flatten: "seed1: the cell is flat, expected opposite faces 1 A apart at least",
    squeeze: r"seed1: atoms \d \(Cu\) and \d \(Cu\) are 0\.\d+ A apart",
    narrow: r"seed1: atom 0 \(Cu\) and its image in the next cell are 1\.100 A apart",
    lambda atoms: atoms.__delitem__(slice(None)): "seed1: no atoms, expected one at least",
}


@pytest.mark.parametrize("change", BROKEN)
def test_what_is_no_structure_has_no_answer(folder, change):
    atoms = asked(folder, crystal())
    atoms.get_potential_energy()
    change(atoms)
    for _ in range(2):  # nor is an old answer given when it is asked again
        with pytest.raises(LimbeckError, match=BROKEN[change]):
            atoms.get_potential_energy()


def test_how_near_atoms_may_be_is_what_it_was_trained_on(folders, tmp_path):
    """1.2 A is 0.45 of two covalent radii of copper; the screen lets 0.5 pass."""
    pair = Atoms("Cu2", [[0, 0, 0], [0, 0, 1.2]])
    with pytest.raises(LimbeckError, match=r"1\.200 A apart; it knows of none nearer than 1\.320"):
        asked(folders / "mace/seed1", pair).get_potential_energy()
    training = example(2)
    training.frames.positions[:2] = pair.positions  # of the first frame
    assert shortest_ratio(training) == pytest.approx(1.2 / 2.64)
    student = open_student(folders / "mace/seed1")
    student.shortest_ratio = shortest_ratio(training)
    student.save(tmp_path)
    assert np.isfinite(asked(tmp_path, pair).get_forces()).all()
    pair.positions[1, 2] = 1.19
    with pytest.raises(LimbeckError, match=r"1\.190 A apart; it knows of none nearer than 1\.200"):
        pair.get_potential_energy()


def test_an_answer_that_is_not_finite_is_none(folder):
    atoms = crystal()
    atoms.calc = load_student(folder)
    with torch.no_grad():
        for weights in atoms.calc.potential.module.parameters():
            weights.fill_(torch.nan)
    for _ in range(2):
        with pytest.raises(LimbeckError, match="seed1: its answer for these atoms is not finite"):
            atoms.get_forces()


def test_a_charge_and_a_spin_are_mentioned_once(folder, caplog):
    atoms = crystal()
    atoms.calc = load_student(folder)
    caplog.clear()  # that the model has no hashes
    atoms.info = {"charge": 1, "spin": 2}
    for step in range(3):
        atoms.positions[0, 0] += 0.01 * step
        atoms.get_forces()
    said = [record.getMessage() for record in caplog.records]
    ignored = [n for n in ("charge", "spin") if n not in atoms.calc.potential.about.conditions]
    assert "spin" in ignored  # nobody reads it
    assert said == [
        f"seed1 does not read the {name} in atoms.info: it goes by the atoms alone"
        for name in ignored
    ]


def test_an_element_that_it_was_not_trained_on_has_no_answer(folder):
    with pytest.raises(LimbeckError, match="seed1 does not know H, O, and would guess"):
        asked(folder, molecule("H2O")).get_potential_energy()


def test_nothing_is_said_at_load_nor_at_first_use(folder):
    """All warnings are errors, those of Python's own categories that are usually hidden, too."""
    code = (
        "import logging, sys; logging.disable()\n"  # the student here has no hashes
        "from ase.build import bulk; from limbeck import load_student\n"
        "atoms = bulk('Cu', cubic=True); atoms.rattle(0.1)\n"
        "atoms.calc = load_student(sys.argv[1], dtype=sys.argv[2])\n"
        "atoms.get_potential_energy(); atoms.get_forces(); atoms.get_stress()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, folder, "float64"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(in_process.SCRIPTS), "PATH": "", "OMP_NUM_THREADS": "1"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
