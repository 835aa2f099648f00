"""Slabs and wires: into a cell with vacuum, through every step that a cell matters to, and back."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, graphene, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from argon import settings_with
from harmonic import settings as of_phonons
from jobs_of import generate_job, sample_job
from limbeck import reasons
from limbeck.averaging.views import Views
from limbeck.config.jobs import CheckFileLabels, ReadLabels
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.screen import Screen
from limbeck.config.sections.sources import StructureFile
from limbeck.config.written import LabelsOfFile
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset
from limbeck.geometry import MIN_CELL_HEIGHT_A, VACUUM_A, in_vacuum, vacuum_axes, volumes
from limbeck.labelling.label import label
from limbeck.labelling.reading import read_labels, survey
from limbeck.phonons.calculation import force_constants
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.preparation.prepare import prepare
from limbeck.preparation.relaxation import relax
from limbeck.sampling import sample
from limbeck.sampling.dynamics.run import run_dynamics
from limbeck.structures import generate
from limbeck.structures.screening import screen
from limbeck.warrant.gaps import measure_gaps


def slab(vacuum=None, size=(2, 2, 2)):
    atoms = fcc111("Cu", size, vacuum=vacuum)
    atoms.rattle(0.05, seed=1)
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def wire():
    atoms = Atoms("Cu2", [[0, 0, 0], [1.5, 1.0, 2.0]], cell=[0, 0, 4.4], pbc=[False, False, True])
    return atoms


def skewed():
    """The third vector leans over, and is long enough."""
    atoms = slab(5.0)
    cell = atoms.cell.array.copy()
    cell[2] = [3.0, -2.0, 40.0]
    atoms.set_cell(cell, scale_atoms=False)
    return atoms


def turned():
    """Periodic along the first and third vectors, and in no plane of the axes."""
    atoms = slab(5.0)
    order = [0, 2, 1]
    atoms.set_cell(atoms.cell.array[order], scale_atoms=False)
    atoms.pbc = [True, False, True]
    atoms.rotate(37, (1, 2, 3), rotate_cell=True)
    return atoms


STRUCTURES = {
    "no third vector": slab,
    "thin vacuum": lambda: slab(2.0),
    "thick vacuum": lambda: slab(15.0),
    "skewed": skewed,
    "turned": turned,
    "wire": wire,
}


def load(folder, *structures, **changed):
    write(folder / "in.extxyz", structures)
    base = {"seed": 1, "source": "mine", "shard": 0, "shards": 1, "count": 99}
    return generate(generate_job("file", base | {"path": str(folder / "in.extxyz")} | changed))


def image_distance(atoms, axes):
    """Smallest distance of an atom to an image across the vacuum, Angstrom."""
    pbc = np.zeros(3, dtype=bool)
    pbc[axes] = True
    found = []
    for shift in np.ndindex(3, 3, 3):
        step = np.array(shift) - 1
        if step[pbc].any():
            moved = atoms.positions + step @ atoms.cell.array
            found.append(np.linalg.norm(moved[:, None] - atoms.positions, axis=-1).min())
    return min(found)


@pytest.mark.parametrize("kind", STRUCTURES)
def test_the_reader_puts_them_into_vacuum_and_data_sets_give_them_back(tmp_path, kind):
    atoms = STRUCTURES[kind]()
    frames, rejected = load(tmp_path, atoms)
    assert rejected == []
    assert frames.pbc.all()
    # extended XYZ has eight digits behind the point; nothing else has moved them
    np.testing.assert_allclose(frames.positions, atoms.positions, atol=1e-8)
    axes = np.flatnonzero(~np.array(atoms.pbc))
    assert np.atleast_1d(frames.info_of(0)["vacuum_axis"]).tolist() == axes.tolist()
    assert np.flatnonzero(vacuum_axes(frames)[0]).tolist() == axes.tolist()
    made = frames.to_atoms()[0]
    assert image_distance(made, axes) >= VACUUM_A - 1e-6
    np.testing.assert_allclose(made.cell.array[atoms.pbc], atoms.cell.array[atoms.pbc], atol=1e-8)
    if kind in ("thick vacuum", "skewed"):
        np.testing.assert_allclose(made.cell.array, atoms.cell.array, atol=1e-8)
    assert len(screen(frames, Screen())[0]) == 1

    labels = label(EffectiveMedium(), frames, Views())
    write_extxyz(tmp_path / "out.extxyz", Dataset(frames, labels))
    back = read(tmp_path / "out.extxyz")
    assert back.pbc.tolist() == atoms.pbc.tolist()
    np.testing.assert_allclose(back.cell.array, atoms.cell.array, atol=1e-8)
    assert "stress" not in back.calc.results
    # ASE's own potential, which takes them as they are
    atoms.calc = EMT()
    assert back.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
    np.testing.assert_allclose(back.get_forces(), atoms.get_forces(), atol=1e-6)


@pytest.mark.parametrize("pbc", [(True, True, False), (False, False, True)])
def test_a_period_without_a_lattice_vector_is_refused(tmp_path, pbc):
    atoms = molecule("H2O", cell=np.zeros((3, 3)), pbc=pbc)
    frames, rejected = load(tmp_path, atoms, slab())
    assert len(frames) == 1
    assert [r.reason for r in rejected] == [reasons.NO_PERIOD]


def test_crystals_and_molecules_are_left_alone():
    for atoms in (bulk("Cu"), molecule("H2O"), molecule("H2O", vacuum=3.0)):
        assert in_vacuum(atoms) == (atoms, {})


@pytest.fixture
def both(tmp_path):
    """A slab and a crystal."""
    frames, _ = load(tmp_path, slab(2.0), bulk("Cu", a=3.7, cubic=True))
    return frames


def test_labels_have_no_stress_and_are_good(both):
    labels = label(EffectiveMedium(), both, Views())
    assert labels.status.tolist() == [0, 0]
    assert np.isfinite(labels.stress).all(axis=1).tolist() == [False, True]


def test_relaxations_move_the_atoms_alone(both):
    done = relax(both, EffectiveMedium(), "full", force_tolerance=0.02, steps=200)
    assert done.reason.tolist() == ["", ""]
    np.testing.assert_array_equal(done.frames.cell[0], both.cell[0])
    assert volumes(done.frames)[1] < volumes(both)[1]  # 3.7 A was too wide for the crystal
    assert np.abs(done.frames.positions - both.positions).max() > 0.01


def test_constant_pressure_and_phonons_are_refused(both):
    settings = settings_with(ensemble="NPT")
    record = run_dynamics(both, EffectiveMedium(), settings, seed=1, place="test/s/0")
    rows = record.sample(sampling="test", seed=1).rows
    assert [row[-2] for row in rows] == [reasons.WITH_VACUUM, ""]
    own = of_phonons(supercell_matrix=[2, 2, 2])
    found = force_constants(both, EffectiveMedium(), own, seed=1, name="f")
    assert found[0].reason == reasons.WITH_VACUUM
    assert found[1].reason != reasons.WITH_VACUUM


@pytest.mark.parametrize("choice", [{"supercell_radius_A": 30.0}, {"supercell_matrix": [2, 3, 4]}])
def test_supercells_repeat_nothing_across_the_vacuum(tmp_path, choice):
    frames, _ = load(tmp_path, slab(2.0, (1, 1, 2)), wire())
    own = settings_with(**{"supercell_radius_A": None, "supercell_matrix": None} | choice)
    made = prepare(frames, EffectiveMedium(), own).frames
    if "supercell_matrix" in choice:
        assert (made.n_atoms // frames.n_atoms).tolist() == [6, 4]
    for b, axes in enumerate(vacuum_axes(frames)):
        np.testing.assert_array_equal(made.cell[b][axes], frames.cell[b][axes])
        matrix = np.array(made.info_of(b)["supercell"])
        assert (matrix[~axes][:, axes] == 0).all()
        if "supercell_radius_A" in choice:
            assert np.linalg.norm(made.cell[b][~axes], axis=1).min() > 30 * (1 - 1e-6)


def test_rattling_strains_a_slab_in_its_plane(both):
    job = sample_job("rattle", {"seed": 1, "n_frames": 3, "strain": 0.05})
    made = sample(both, job).frames
    c = both.cell[0][2]
    np.testing.assert_allclose(made.cell[:3, 2], np.tile(c, (3, 1)), atol=1e-12)
    assert np.abs(made.cell[:3, :2] - both.cell[0][:2]).max() > 0.01
    # the crystal in all directions
    assert np.abs(made.cell[3:] - both.cell[1]).max(axis=(0, 2)).min() > 0.01


def test_gaps_leave_its_stress_out_and_are_rounding(both):
    frames = both.select([0])
    for found in measure_gaps([EffectiveMedium()], frames, ["rotation", "cell_choice"], 2):
        assert found["n_frames"] == 1
        assert found["stress"] is None
        assert found["forces"]["value"] < 1e-8  # float64


@pytest.mark.parametrize("kind", ["no third vector", "wire", "turned"])
def test_the_calculator_takes_them_as_ase_has_them(kind):
    atoms, same = STRUCTURES[kind](), STRUCTURES[kind]()
    atoms.calc, same.calc = EffectiveMedium().ase_calculator(), EMT()
    assert atoms.get_potential_energy() == pytest.approx(same.get_potential_energy(), abs=1e-9)
    np.testing.assert_allclose(atoms.get_forces(), same.get_forces(), atol=1e-9)
    assert "stress" not in atoms.calc.results


def test_graphene_is_a_slab_with_one_layer(tmp_path):
    frames, rejected = load(tmp_path, graphene(vacuum=None))
    assert rejected == []
    assert frames.cell[0][2, 2] == pytest.approx(VACUUM_A)
    assert MIN_CELL_HEIGHT_A < VACUUM_A


def test_labels_of_ones_own_come_to_slabs_without_their_stress(tmp_path):
    """Of the volume of somebody else's vacuum; energies and forces are those of the file."""
    atoms = slab(2.0)
    forces = np.random.default_rng(0).normal(size=(len(atoms), 3))
    atoms.calc = SinglePointCalculator(atoms, energy=-3.0, forces=forces, stress=np.ones(6))
    frames, _ = load(tmp_path, atoms)
    source = StructureFile(kind="file", name="mine", path=str(tmp_path / "in.extxyz"), count=99)
    asked = {"label_set": FileLabels(**{"from": "file", "name": "dft"}), "files": [source]}
    found = survey(CheckFileLabels(**asked))
    told = LabelsOfFile(**{name: found[name] for name in LabelsOfFile.model_fields})
    labels = read_labels(frames, ReadLabels(**asked, slice=0, slices=1), told)
    assert labels.status.tolist() == [0]
    assert labels.energy.tolist() == [-3.0]
    np.testing.assert_allclose(labels.forces, forces, atol=1e-8)  # the digits of the file
    assert np.isnan(labels.stress).all()
