"""Force constants of effective-medium metals: against phonopy by hand, and what is set aside."""

import warnings

import numpy as np
import phonopy
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

from harmonic import COPPER, copper, copper_gold, harmonic, settings
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, empty, from_atoms
from limbeck.phonons.calculation import MAX_DESCENTS, Harmonic, force_constants
from limbeck.phonons.crystals import PHONON_SYMPREC, point_group, symmetrised
from limbeck.phonons.downhill import repeating_cell
from limbeck.phonons.modes import modes_of
from limbeck.phonons.record import FORCE_CONSTANT_COLUMNS, table_rows, write_crystal
from limbeck.phonons.store import load_phonons
from limbeck.potentials.models.toys import EffectiveMedium


def frames_of(*structures: Atoms) -> Frames:
    return from_atoms(structures, groups=["g"] * len(structures), source="s")


def run(*structures: Atoms, potential=None, **changes) -> list[Harmonic]:
    own = settings(**changes)
    return force_constants(
        frames_of(*structures), potential or EffectiveMedium(), own, seed=1, name="test"
    )


def by_hand(atoms: Atoms, repeats: int) -> Phonopy:
    """As phonopy's manual has it: one displacement after the other, with ASE's calculator."""
    cell = PhonopyAtoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell[:])
    phonon = Phonopy(cell, supercell_matrix=np.diag([repeats] * 3), primitive_matrix="P")
    phonon.generate_displacements(distance=0.01)
    forces = []
    for displaced in phonon.supercells_with_displacements:
        structure = Atoms(
            numbers=displaced.numbers, positions=displaced.positions, cell=displaced.cell, pbc=True
        )
        structure.calc = EMT()
        forces.append(structure.get_forces())
    phonon.forces = forces
    phonon.produce_force_constants(show_drift=False)
    return phonon


Q = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.0], [0.13, 0.21, 0.34]]


@pytest.mark.parametrize(("crystal", "repeats"), [(copper, 3), (copper_gold, 2)])
def test_frequencies_are_those_of_phonopy_run_by_hand(crystal, repeats):
    (found,) = run(crystal(), supercell_matrix=[repeats] * 3)
    assert found.reason == ""
    ours, theirs = (
        p.run_qpoints(Q).frequencies for p in (found.phonon, by_hand(crystal(), repeats))
    )
    # theirs are not symmetrised: translations come out at up to 1e-3 THz
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    assert 6.0 < ours.max() < 9.0  # copper's measured maximum is 7.2 THz, EMT's 8.1


def test_random_displacements_give_the_same_frequencies():
    (finite,) = run(copper_gold(), supercell_matrix=[2, 2, 2])
    (fitted,) = run(copper_gold(), supercell_matrix=[2, 2, 2], displacements="random", snapshots=6)
    assert fitted.fit.displacements == 6
    a, b = (found.phonon.run_qpoints(Q).frequencies for found in (finite, fitted))
    # the anharmonic part of forces at 0.01 A, a percent of them, is fitted in another way
    np.testing.assert_allclose(a, b, atol=0.05)
    assert np.isnan(fitted.fit.acoustic_sum)
    assert finite.fit.acoustic_sum < 1e-8  # EMT's forces add up to zero but for rounding


def test_symmetrised_finite_differences_are_what_symfc_projects_them_to():
    (found,) = run(copper_gold(), supercell_matrix=[2, 2, 2])
    ours = found.phonon.force_constants.copy()
    found.phonon.produce_force_constants(calculate_full_force_constants=False, show_drift=False)
    before = np.abs(found.phonon.force_constants - ours).max()
    found.phonon.symmetrize_force_constants(use_symfc_projector=True, show_drift=False)
    after = np.abs(found.phonon.force_constants - ours).max()
    assert after < 1e-10 < 1e-4 < before  # eV/A^2: sweeps against a projection in one go
    assert np.abs(ours.sum(axis=1)).max() < 1e-12


def test_batched_forces_of_all_displacements_come_in_one_call():
    class Counting(EffectiveMedium):
        calls: list[int] = []  # noqa: RUF012

        def predict(self, frames):
            self.calls.append(len(frames))
            return super().predict(frames)

    potential = Counting()
    (found,) = run(copper_gold(), potential=potential, supercell_matrix=[2, 2, 2])
    # one is the supercell at rest; on both sides a second look at the first of each species
    assert potential.calls == [1 + found.fit.displacements + 2 * 2]


def test_the_supercell_by_radius_keeps_the_point_group():
    (found,) = run(copper(), supercell_matrix=None, supercell_radius_A=6.0)
    cell = found.phonon.supercell.cell
    points = np.indices((5, 5, 5)).reshape(3, -1).T - 2
    lengths = np.linalg.norm(points[np.any(points, axis=1)] @ cell, axis=1)
    assert lengths.min() >= 6.0
    assert len(found.phonon.symmetry.pointgroup_operations) == 48


def test_a_bad_structure_is_set_aside_with_its_reason_and_the_others_go_on():
    molecule = Atoms("OH", [[0, 0, 0], [0, 0, 1]])
    lone = Atoms("Cu", [[0, 0, 0]])
    silicon = bulk("Si", "diamond", 5.43)

    class Fragile(EffectiveMedium):
        def evaluate(self, batch):
            if np.any(batch.numbers == 79):
                raise RuntimeError("no gold today")
            return super().evaluate(batch)

    found = run(molecule, lone, silicon, copper_gold(), copper(), potential=Fragile())
    assert [f.reason for f in found] == [
        "isolated: phonons are of crystals",
        "isolated: phonons are of crystals",
        "element unknown to the potential",
        "RuntimeError: no gold today",
        "",
    ]


def test_a_charged_crystal_is_set_aside():
    frames = from_atoms([copper()], groups=["g"], source="s", charges=[1])
    (found,) = force_constants(frames, EffectiveMedium(), settings(), seed=1, name="test")
    assert found.reason.startswith("charged")


def test_forces_that_are_not_finite_are_a_reason():
    class Broken(EffectiveMedium):
        def evaluate(self, batch):
            answer = super().evaluate(batch)
            answer.forces[-1] = np.nan
            return answer

    (found,) = run(copper(), potential=Broken())
    assert found.reason == "forces of displaced supercells are not finite"


def test_no_structures_give_no_results():
    assert force_constants(empty(), EffectiveMedium(), settings(), seed=1, name="test") == []


# body-centred and simple cubic copper are unstable in effective medium theory
UNSTABLE = {"bcc": bulk("Cu", "bcc", 2.87), "sc": bulk("Cu", "sc", 2.4)}


@pytest.mark.parametrize("name", UNSTABLE)
def test_an_unstable_crystal_is_refused_and_says_why(name):
    (found,) = run(UNSTABLE[name])
    assert "of 81 modes imaginary, the lowest at -" in found.reason
    row = dict(
        zip(
            FORCE_CONSTANT_COLUMNS,
            table_rows(frames_of(UNSTABLE[name]), [found], settings())[0],
            strict=True,
        )
    )
    assert row["imaginary_modes"] > 0
    assert float(row["lowest_THz"]) < -0.5
    assert found.bands == {}


def test_dropped_imaginary_modes_stay_and_are_counted():
    (found,) = run(UNSTABLE["bcc"], imaginary_modes="drop")
    assert found.reason == ""
    assert found.modes.imaginary(0.1).sum() > 0


def test_followed_downhill_an_unstable_crystal_becomes_a_stable_one_of_lower_energy():
    start = UNSTABLE["bcc"]
    (found,) = run(start, imaginary_modes="follow", relax_input_cell="constant_volume")
    assert found.reason == ""
    assert 1 <= found.descents <= MAX_DESCENTS
    assert found.modes.lowest > -0.1
    atoms = Atoms(
        numbers=found.phonon.unitcell.numbers,
        positions=found.phonon.unitcell.positions,
        cell=found.phonon.unitcell.cell,
        pbc=True,
    )
    before = EffectiveMedium().predict(frames_of(start)).energy[0]
    after = EffectiveMedium().predict(frames_of(atoms)).energy[0] / len(atoms)
    assert after < before - 0.005
    volume = start.get_volume()
    # symmetrisation moves the cell by up to its tolerance, 1e-3 A
    assert atoms.get_volume() / len(atoms) == pytest.approx(volume, rel=1e-3)


def test_a_crystal_that_stays_unstable_is_refused_at_last():
    class Upside(EffectiveMedium):
        """Every crystal is a maximum."""

        def evaluate(self, batch):
            answer = super().evaluate(batch)
            for values in (answer.energy, answer.forces, answer.stress):
                values *= -1
            return answer

    (found,) = run(copper(), potential=Upside(), imaginary_modes="follow", relax_steps=20)
    assert found.reason.startswith(("on the way down an imaginary mode", "78 of 81 modes"))


@pytest.mark.parametrize(
    ("q", "cells", "expected"),
    [
        ([0, 0, 0], 8, 1),
        ([0.5, 0, 0], 8, 2),
        ([1 / 3, 2 / 3, 0], 27, 3),
        ([0.5, 1 / 3, 0.25], 24 * 8, 12),
        ([0.4, 0.2, 0.6], 125, 5),
    ],
)
def test_a_wave_repeats_in_the_fewest_cells(q, cells, expected):
    found = repeating_cell(np.array(q), cells)
    assert round(abs(np.linalg.det(found))) == expected
    turns = found @ np.array(q)
    np.testing.assert_allclose(turns, np.rint(turns), atol=1e-9)


def test_noise_is_taken_off_a_symmetric_crystal():
    rng = np.random.default_rng(1)
    noisy = bulk("Cu", "fcc", COPPER, cubic=True)
    noisy.set_cell(noisy.cell[:] + rng.normal(0, 5e-5, (3, 3)), scale_atoms=True)
    noisy.positions += rng.normal(0, 5e-5, (4, 3))
    assert len(point_group(noisy)) < 48
    clean = symmetrised(noisy, 1e-3)
    assert len(point_group(clean)) == 48
    # as far as the noise went, some of it as a turn of the whole
    assert np.abs(clean.positions - noisy.positions).max() < 5e-4
    assert clean.get_volume() == pytest.approx(noisy.get_volume(), rel=1e-6)
    assert PHONON_SYMPREC < 5e-5  # else the noise would not have been seen


def test_no_group_within_the_tolerance_is_an_error():
    twins = Atoms("Cu2", [[0, 0, 0], [0, 0, 1e-4]], cell=3 * np.eye(3), pbc=True)
    with pytest.raises(LimbeckError, match=r"no space group within 0\.001 A"):
        symmetrised(twins, 1e-3)


def test_a_stranger_can_load_what_was_written(tmp_path, monkeypatch):
    (found,) = run(copper_gold(), supercell_matrix=[2, 2, 2])
    write_crystal(tmp_path / "x", found)
    assert sorted(p.name for p in (tmp_path / "x").iterdir()) == [
        "bands.json",
        "force_constants.hdf5",
        "phonopy_params.yaml",
    ]
    monkeypatch.chdir(tmp_path / "x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = phonopy.load("phonopy_params.yaml")
    expected = found.phonon.run_qpoints(Q).frequencies
    np.testing.assert_allclose(theirs.run_qpoints(Q).frequencies, expected, atol=1e-6)
    np.testing.assert_allclose(theirs.forces, found.phonon.forces, atol=1e-9)
    ours = modes_of(load_phonons(tmp_path / "x"))
    np.testing.assert_allclose(ours.frequencies, found.modes.frequencies, atol=1e-6)


def test_a_damaged_folder_is_a_clear_error(tmp_path):
    (tmp_path / "phonopy_params.yaml").write_text("nothing: here\n")
    with pytest.raises(LimbeckError, match="no force constants of phonopy"):
        load_phonons(tmp_path)


def test_bands_and_states():
    (found,) = run(copper_gold(), supercell_matrix=[2, 2, 2])
    bands = found.bands
    first = bands["segments"][0]
    assert first["labels"][0] == "G"
    at_gamma = found.modes.frequencies[np.all(found.modes.qpoints == 0, axis=1)][0]
    np.testing.assert_allclose(first["frequencies_THz"][0], at_gamma, atol=1e-4)
    states = bands["dos"]
    total = np.trapezoid(states["states_per_THz"], states["frequency_THz"])
    assert total == pytest.approx(12, rel=0.01)  # three for each atom; the smearing's tails are cut


def test_harmonic_forces_explain_those_of_small_displacements_better():
    near, far = (
        run(copper(), displacement_A=distance)[0].fit.unexplained for distance in (0.005, 0.04)
    )
    assert near < 0.01 < far
    assert far / near == pytest.approx(8, rel=0.2)  # the cubic term grows with the distance


def test_force_constants_are_those_of_the_fixture():
    (found,) = run(copper())
    expected = harmonic(copper(), 3).force_constants
    np.testing.assert_allclose(found.phonon.force_constants, expected, atol=1e-9)
