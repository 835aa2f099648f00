"""Whether a student tells structures that are far from its data from those that are not."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from safetensors.numpy import save_file

from limbeck import load_student
from limbeck.errors import LimbeckError
from limbeck.files import write_sums
from limbeck.frames import from_atoms
from limbeck.students import ARCHITECTURES, architecture
from limbeck.students.domain import DOMAIN, densities, domain_of, read_domain
from limbeck.students.statistics import training_statistics
from metals import example, metals


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def known(request, tmp_path_factory):
    """A student with random weights and its folder; it knows 120 frames, and 40 to validate."""
    torch.manual_seed(0)
    statistics = training_statistics(example(2))
    student = architecture(request.param).build("tiny", statistics, name="tiny", device="cpu")
    folder = tmp_path_factory.mktemp(request.param) / "seed1"
    (folder / "model").mkdir(parents=True)
    student.save(folder / "model")
    domain_of(student, metals(60, seed=1), metals(20, seed=2)).save(folder / "model")
    write_sums(folder / "model")
    return student, folder


def crystal(seed=7, squeezed=1.0):
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(squeezed * atoms.cell, scale_atoms=True)
    atoms.rattle(0.1, seed=seed)
    return atoms


def test_frames_like_those_of_training_are_near_and_broken_ones_far(known):
    student, folder = known
    domain = read_domain(folder / "model")
    # 1 in 41 is beyond the farthest of 40 frames; the margin leaves it at less
    assert domain.share(student, metals(100, seed=3)) <= 0.05
    torn = metals(20, seed=4)
    apart = 1.5 * np.outer(np.arange(160) % 2, [1, 0, 0])
    torn = replace(torn, positions=torn.positions + apart)
    assert domain.share(student, torn) > 0.7  # of random weights, that know 20 clusters of a kind
    for squeezed in (0.92, 1.08):
        cells = [crystal(seed, squeezed) for seed in range(20)]
        other = from_atoms(cells, groups=["a"] * 20, source="other")
        assert domain.share(student, other) > 0.9


def test_one_warning_for_each_calculator_and_a_count_in_every_answer(known):
    _, folder = known
    atoms = crystal()
    atoms.calc = load_student(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.get_potential_energy()
        assert atoms.calc.results["far_from_data"] == 0
    # neither nearer than the student can know of, nor near to what it was trained on
    atoms.set_cell(0.88 * atoms.cell, scale_atoms=True)
    with pytest.warns(UserWarning, match="unlike all that it was trained on") as said:
        atoms.get_forces()
    assert said[0].filename == __file__  # the line that asked, not one of ASE or Limbeck
    assert atoms.calc.results["far_from_data"] == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.rattle(0.01, seed=1)
        atoms.get_forces()  # said once
    assert atoms.calc.results["far_from_data"] == 4


def test_the_answer_is_the_same_with_and_without(known):
    student, folder = known
    atoms = crystal()
    plain = student.ase_calculator().get_forces(atoms)
    atoms.calc = load_student(folder)
    np.testing.assert_array_equal(atoms.get_forces(), plain)


def test_descriptors_do_not_turn():
    frames = metals(2)
    turned = [a.rotate(40, (1, 2, 3), rotate_cell=True) or a for a in (crystal(), crystal(8))]
    plain = from_atoms([crystal(), crystal(8)], groups=["a", "b"], source="s")
    other = from_atoms(turned, groups=["a", "b"], source="s")
    elements = np.array([13, 29])
    np.testing.assert_allclose(densities(plain, elements), densities(other, elements), atol=1e-9)
    assert np.abs(densities(frames, elements)[0] - densities(frames, elements)[4]).max() > 0.1


def test_of_an_element_that_it_never_saw_there_is_no_answer(known):
    _, folder = known
    gold = Atoms("Au2", [[0, 0, 0], [0, 0, 2.6]], calculator=load_student(folder))
    with pytest.raises(LimbeckError, match="does not know Au"):
        gold.get_potential_energy()


def test_a_damaged_domain_is_said(known, tmp_path):
    save_file({"points/29": np.zeros((1, 2))}, tmp_path / DOMAIN)
    with pytest.raises(LimbeckError, match="no 'scale/29'"):
        read_domain(tmp_path)
    (tmp_path / DOMAIN).write_bytes(b"nonsense")
    with pytest.raises(LimbeckError, match="not readable"):
        read_domain(tmp_path)
    assert read_domain(tmp_path / "elsewhere") is None
