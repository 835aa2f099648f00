"""Several seeds as one: the mean, the spread, and what is no committee."""

import argparse
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from ase.build import bulk
from ase.calculators.fd import calculate_numerical_forces

from limbeck import load_student
from limbeck.command.gaps import opened
from limbeck.errors import LimbeckError
from limbeck.students import architecture
from limbeck.students.calculator import StudentCalculator
from limbeck.students.committee import CommitteeCalculator, forces_spread
from limbeck.students.export import export
from limbeck.students.handover import open_student
from limbeck.students.statistics import training_statistics
from metals import example, labelled, metals

SEEDS = (1, 2, 10)
#: of the commands that open a model
NO_OPTIONS = {"device": "cpu", "dtype": "", "accelerator": "", "kind": ""}


def save(folder, seed, data, kind="mace", **changed):
    torch.manual_seed(seed)
    student = architecture(kind).build(
        "tiny", training_statistics(data), name="tiny", device="cpu", **changed
    )
    (folder / f"seed{seed}/model").mkdir(parents=True)
    student.save(folder / f"seed{seed}/model")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three students with random weights, and what else lies in such a folder."""
    folder = tmp_path_factory.mktemp("labels") / "mace"
    for seed in SEEDS:
        save(folder, seed, example(2))
    (folder / "seed1-curves").mkdir()
    (folder / "seed4").mkdir()  # of a job that runs
    return folder


def crystal():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    return atoms


def test_the_mean_and_the_spread_of_the_members(folder):
    committee, atoms = load_student(folder, dtype="float64"), crystal()
    atoms.calc = committee
    assert len(committee.members) == 3
    found = {"energy": [], "forces": [], "stress": [], "energies": []}
    for seed in SEEDS:
        alone = crystal()
        alone.calc = load_student(folder / f"seed{seed}", dtype="float64")
        found["energy"].append(alone.get_potential_energy())
        found["forces"].append(alone.get_forces())
        found["stress"].append(alone.get_stress())
        found["energies"].append(alone.get_potential_energies())
    own = {name: np.array(values) for name, values in found.items()}
    # float64 sums of order 10 eV, in another order
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(atoms.get_potential_energy(), own["energy"].mean(), **close)
    np.testing.assert_allclose(atoms.get_forces(), own["forces"].mean(0), **close)
    np.testing.assert_allclose(atoms.get_stress(), own["stress"].mean(0), **close)
    np.testing.assert_allclose(atoms.get_potential_energies(), own["energies"].mean(0), **close)
    atoms.get_forces()
    results = atoms.calc.results
    assert results["energy_spread"] == pytest.approx(np.std(own["energy"], ddof=1))
    off = own["forces"] - own["forces"].mean(0)
    by_hand = np.sqrt((off**2).sum((0, 2)) / 2)
    np.testing.assert_allclose(results["forces_spread"], by_hand)
    assert by_hand.min() > 1e-4
    np.testing.assert_allclose(results["stress_spread"], np.std(own["stress"], axis=0, ddof=1))


def test_members_that_agree_have_no_spread(folder):
    one = load_student(folder / "seed1")
    atoms = crystal()
    atoms.calc = CommitteeCalculator([one, load_student(folder / "seed1")])
    atoms.get_forces()
    assert atoms.calc.results["energy_spread"] == 0
    assert np.all(atoms.calc.results["forces_spread"] == 0)


def test_the_spread_turns_with_nothing():
    """It is the length of vectors: that of turned forces is the same, that of one axis is not."""
    forces = np.random.default_rng(0).normal(size=(4, 5, 3))
    turn = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3
    np.testing.assert_allclose(forces_spread(forces @ turn.T), forces_spread(forces))
    of_x = forces[..., 0].std(axis=0, ddof=1)
    assert not np.allclose((forces @ turn.T)[..., 0].std(axis=0, ddof=1), of_x)


def test_forces_are_slopes_of_the_mean_energy(folder):
    atoms = crystal()
    atoms.calc = load_student(folder, dtype="float64")
    slopes = calculate_numerical_forces(atoms, eps=1e-4, iatoms=[0])
    # central differences: an error of eps^2 times the third derivative, here 1e-8 of 10 eV/A^3
    np.testing.assert_allclose(atoms.get_forces()[0], slopes[0], atol=1e-6)


def test_it_knows_what_its_members_know(folder):
    atoms = bulk("Au", cubic=True)
    atoms.calc = load_student(folder)
    with pytest.raises(LimbeckError, match=r"element.*79|Au"):
        atoms.get_potential_energy()


def test_no_committee_of_one(tmp_path, folder):
    save(tmp_path / "mace", 3, example(2))
    text = "mace: a committee of one, seed3, expected two seeds or more; for this one alone open"
    with pytest.raises(LimbeckError, match=text):
        load_student(tmp_path / "mace")
    with pytest.raises(LimbeckError, match="a committee of 1, expected two members or more"):
        CommitteeCalculator([load_student(folder / "seed1")])
    load_student(tmp_path / "mace/seed3")  # negative control: it is a student


def test_members_of_other_elements_are_refused(tmp_path, folder):
    copper = labelled(metals(4).select([0, 2]))
    save(tmp_path / "mace", 3, copper)
    members = [load_student(folder / "seed1"), load_student(tmp_path / "mace/seed3")]
    with pytest.raises(LimbeckError, match="know other elements, expected the same"):
        CommitteeCalculator(members)


@dataclass
class Told:
    """A domain that finds the same atoms far, whatever they are."""

    atoms: list

    def far(self, described, numbers):
        return np.isin(np.arange(len(numbers)), self.atoms)


def test_atoms_far_from_data_are_counted_by_the_member_that_finds_most_and_told_once(folder):
    members = [
        StudentCalculator(open_student(folder / f"seed{seed}"), Told(far))
        for seed, far in zip(SEEDS, ([3], [0, 1, 2], []), strict=True)
    ]
    atoms = crystal()
    atoms.calc = CommitteeCalculator(members)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        atoms.get_forces()
        atoms.rattle(0.01, seed=2)
        atoms.get_forces()
    (one,) = (warning for warning in said if "far_from_data" in str(warning.message))
    assert "a committee of 3: surroundings of 3 of 4 atoms, such as atom 0, " in str(one.message)
    assert one.filename == __file__
    count = atoms.calc.results["far_from_data"]
    assert (count, type(count)) == (3, int)


def test_a_committee_of_members_that_know_nothing_of_their_data_counts_no_atoms(folder):
    atoms = crystal()
    atoms.calc = load_student(folder)
    atoms.get_forces()
    assert "far_from_data" not in atoms.calc.results


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"kind": "painn"}, r"seed1 nep \(.*\), seed2 painn \("),
        ({"kind": "nep", "channels": 4}, r"seed1 nep \(channels 8, .*\), seed2 nep \(channels 4, "),
    ],
)
def test_other_networks_are_no_seeds_of_one_student(tmp_path, second, told):
    save(tmp_path / "s", 1, example(2), "nep")
    save(tmp_path / "s", 2, example(2), **second)
    with pytest.raises(LimbeckError, match=f"other networks: {told}"):
        load_student(tmp_path / "s")


def test_where_one_student_is_wanted_a_folder_of_seeds_is_told_so(folder, tmp_path):
    expected = f"mace: a folder of 3 seeds, expected one of them: name a seed, as {folder}/seed1"
    for ask in (open_student, lambda path: export(path, "ipi", tmp_path / "x")):
        with pytest.raises(LimbeckError, match=expected):
            ask(folder)
    with pytest.raises(LimbeckError, match=expected):
        opened(argparse.Namespace(model=str(folder), **NO_OPTIONS))


def test_where_nothing_is_the_error_is_that_of_a_student(tmp_path):
    with pytest.raises(LimbeckError, match=r"model\.json: no such file"):
        load_student(tmp_path)
