"""Label sets from files: looked through as a whole, read slice by slice."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from limbeck.config.jobs import CheckFileLabels, GenerateStructures, ReadLabels
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.sources import StructureFile
from limbeck.config.written import LabelsOfFile
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, derive
from limbeck.labelling.reading import read_labels, survey
from limbeck.labels import ISOLATED_ATOMS
from limbeck.reasons import Status
from limbeck.structures import generate


def labelled(atoms, *names):
    """A frame with EMT's answers, as another program leaves it."""
    atoms = Atoms(atoms)
    atoms.calc = EMT()
    values = {name: atoms.calc.get_property(name, atoms) for name in names}
    atoms.calc = SinglePointCalculator(atoms, **values)
    return atoms


@pytest.fixture
def structures():
    """Copper, water, water without forces, copper without a stress, and oxygen alone."""
    rng = np.random.default_rng(0)
    copper, other, water = bulk("Cu", cubic=True), bulk("Cu", cubic=True), molecule("H2O")
    for atoms in (copper, other, water):
        atoms.positions += rng.normal(0, 0.02, atoms.positions.shape)
    return [
        labelled(copper, "energy", "forces", "stress"),
        labelled(water, "energy", "forces"),
        labelled(molecule("H2O"), "energy"),
        labelled(other, "energy", "forces"),
        labelled(Atoms("O"), "energy", "forces"),
    ]


@pytest.fixture
def jobs(tmp_path, structures):
    write(tmp_path / "own.extxyz", structures)
    source = StructureFile(kind="file", name="mine", path=str(tmp_path / "own.extxyz"), count=99)

    def make(**fields):
        label_set = FileLabels(**{"from": "file", "name": "dft"} | fields)
        told = {"label_set": label_set, "files": [source]}
        return CheckFileLabels(**told), ReadLabels(**told, slice=0, slices=1)

    return make


def frames_of(job):
    return generate(GenerateStructures(seed=1, shard=0, source=job.files[0]))[0]


def told(found):
    return LabelsOfFile(**{name: found[name] for name in LabelsOfFile.model_fields})


def test_frames_that_lack_something_are_counted(jobs):
    found = survey(jobs()[0])
    assert found["keys"] == {"energy": "energy", "forces": "forces", "stress": "stress"}
    assert (found["n_frames"], found["n_labelled"]) == (5, 4)
    assert found["lacking"] == {"forces": 1, "stress": 1}  # not of water, which is isolated
    oxygen = labelled(Atoms("O"), "energy").get_potential_energy()
    assert found[ISOLATED_ATOMS] == {"O": pytest.approx(oxygen, abs=1e-8)}


def test_labels_are_those_of_the_file_and_a_frame_without_keeps_its_place(jobs, structures):
    check, read = jobs()
    frames = frames_of(read)
    labels = read_labels(frames, read, told(survey(check)))
    none = Status.NOT_IN_FILE
    # oxygen alone is no structure
    assert labels.status.tolist() == [Status.GOOD, Status.GOOD, none, Status.GOOD]
    # extended XYZ has eight digits
    for b in (0, 1, 3):
        rows = frames.atoms_of(b)
        np.testing.assert_allclose(labels.forces[rows], structures[b].get_forces(), atol=1e-8)
        assert labels.energy[b] == pytest.approx(structures[b].get_potential_energy(), abs=1e-8)
    np.testing.assert_allclose(labels.stress[0], structures[0].get_stress(), atol=1e-8)
    assert np.isnan(labels.stress[1:]).all()
    assert np.isnan(labels.energy[2])
    assert labels.attrs[ISOLATED_ATOMS].keys() == {"O"}
    assert labels.attrs["views"] == "as_given"


def test_what_was_made_from_a_frame_has_no_label(jobs):
    check, read = jobs()
    frames = frames_of(read)
    moved = derive(frames, frames.positions + 0.01, frames.cell, sampling="rattled", seed=1)
    both = concatenate([frames, moved])
    labels = read_labels(both, read, told(survey(check)))
    assert (labels.status[len(frames) :] == Status.NOT_IN_FILE).all()


def test_a_structure_that_was_taken_from_another_file_has_its_label_all_the_same(jobs):
    """As where each of two methods has a file of its own: the second is a duplicate."""
    check, read = jobs()
    frames, found = frames_of(read), told(survey(check))
    other = replace(frames, source=np.array([b"other"] * len(frames)))
    own, by_id = read_labels(frames, read, found), read_labels(other, read, found)
    assert by_id.status.tolist() == own.status.tolist()
    np.testing.assert_array_equal(by_id.energy, own.energy)
    moved = derive(frames, frames.positions + 0.01, frames.cell, sampling="rattled", seed=1)
    moved = replace(moved, source=other.source, sampling=frames.sampling)
    assert (read_labels(moved, read, found).status == Status.NOT_IN_FILE).all()


def test_a_file_that_changed_under_the_run_is_no_source_of_labels(jobs, structures):
    check, read = jobs()
    frames, found = frames_of(read), told(survey(check))
    write(read.files[0].path, structures[1:])
    with pytest.raises(LimbeckError, match="frame 0 is not the one that mine was made from"):
        read_labels(frames, read, found)


def test_only_so_many_are_taken_of_those_that_have_labels(jobs):
    check, read = jobs(n_frames=2)
    labels = read_labels(frames_of(read), read, told(survey(check)))
    assert (labels.status == Status.GOOD).sum() == 2
    assert (labels.status == Status.NOT_ASKED).sum() == 1
    assert (labels.status == Status.NOT_IN_FILE).sum() == 1


def test_a_malformed_label_costs_its_frame_alone(jobs, structures, tmp_path, caplog):
    bare = [Atoms(atoms) for atoms in structures[:2]]
    for atoms, full in zip(bare, structures, strict=False):
        atoms.calc = None
        atoms.info |= {"E": full.get_potential_energy()}
        atoms.arrays["F"] = full.get_forces()
    bare[1].info["E"] = "diverged"
    write(tmp_path / "own.extxyz", bare)
    check, read = jobs(energy_key="E", forces_key="F")
    with caplog.at_level(logging.WARNING):
        found = survey(check)
    assert (found["n_malformed"], found["n_labelled"]) == (1, 1)
    assert found["first_malformed"] == "own.extxyz, frame 1: E: diverged, expected numbers"
    assert "frame 1: E: diverged" in caplog.text
    labels = read_labels(frames_of(read), read, told(found))
    assert labels.status.tolist() == [Status.GOOD, Status.NOT_IN_FILE]


def test_a_set_without_any_label_is_an_error(jobs, structures, tmp_path):
    bare = [Atoms(atoms) for atoms in structures[1:3]]
    for atoms in bare:
        atoms.calc = None
    write(tmp_path / "own.extxyz", bare)
    with pytest.raises(LimbeckError, match=r"labels\.dft\.energy_key: not given"):
        survey(jobs()[0])


def trajectory(sign=1.0):
    """Copper at ever larger displacements, with forces of one sign or the other."""
    found = []
    for step in range(10):
        atoms = bulk("Cu", cubic=True)
        atoms.positions[0] += [0.02 * step, 0.01, 0]
        atoms = labelled(atoms, "energy", "forces")
        atoms.calc.results["forces"] = sign * atoms.calc.results["forces"]
        found.append(atoms)
    return found


def test_a_wrong_sign_stops_the_run_or_is_let_pass_on_request(jobs, tmp_path, caplog):
    write(tmp_path / "own.extxyz", trajectory(-1.0))
    with pytest.raises(LimbeckError, match=r"looks like forces_are: gradients\n.*on_doubt: warn"):
        survey(jobs()[0])
    with caplog.at_level(logging.WARNING):
        found = survey(jobs(on_doubt="warn")[0])
    assert found["checks"][0]["verdict"] == "does not fit"
    assert "does not fit" in caplog.text
    assert survey(jobs(forces_are="gradients")[0])["checks"][0]["verdict"] == "fits"
    write(tmp_path / "own.extxyz", trajectory())
    assert survey(jobs()[0])["checks"][0]["verdict"] == "fits"
