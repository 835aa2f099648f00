"""Force constants of effective-medium metals: against phonopy by hand, and what is set aside."""

import warnings

import numpy as np
import phonopy
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from phonopy import Phonopy
from phonopy.harmonic.force_constants import compact_fc_to_full_fc
from phonopy.structure.atoms import PhonopyAtoms

from harmonic import COPPER, copper, copper_gold, harmonic, settings
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, empty, from_atoms
from limbeck.phonons.calculation import MAX_DESCENTS, Harmonic, force_constants, unconverged
from limbeck.phonons.crystals import PHONON_SYMPREC, phonopy_of, point_group, symmetrised
from limbeck.phonons.downhill import repeating_cell, step_down
from limbeck.phonons.fitting import Fit
from limbeck.phonons.modes import modes_of
from limbeck.phonons.record import FORCE_CONSTANT_COLUMNS, table_rows, write_crystal
from limbeck.phonons.second_step import SecondStep
from limbeck.phonons.store import load_phonons
from limbeck.potentials import open_potential
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


class Cusped(EffectiveMedium):
    """Copper whose forces change their slope near each lattice point, as a network's may.

    A restoring force of up to 0.1 eV/A that has all its strength from 5e-3 A on: a spring of 8.6
    eV/A^2 at 0.01 A, 3.3 at 0.03 A and 1.7 at 0.06 A, beside effective medium theory's.
    """

    def evaluate(self, batch):
        answer = super().evaluate(batch)
        inverse = np.linalg.inv(bulk("Cu", "fcc", COPPER).cell[:])
        away = batch.positions @ inverse
        away = (away - np.rint(away)) @ np.linalg.inv(inverse)
        length = np.linalg.norm(away, axis=1, keepdims=True)
        answer.forces[:] -= 0.1 * away / (length + 1e-12) * -np.expm1(-length / 0.005)
        return answer


def test_a_displacement_within_a_cusp_of_the_forces_is_not_converged():
    """A smooth potential passes at the same lengths (negative control)."""
    for length in (0.01, 0.03):
        (smooth,) = run(copper(), displacement_A=length)
        assert smooth.reason == ""
        # the first anharmonic order of the difference cancels; the second is left
        assert smooth.fit.worst_step.difference < 0.01
    (short,) = run(copper(), potential=Cusped(), displacement_A=0.01)
    assert short.reason.startswith("not converged: at 0.02 A the crystal differs from its harmonic")
    (default,) = run(copper(), potential=Cusped(), displacement_A=0.03)
    assert default.reason == ""
    assert 0.03 < default.fit.worst_step.difference < short.fit.worst_step.difference


def test_the_difference_at_the_second_step_is_that_of_forces_by_hand():
    (found,) = run(copper_gold(), supercell_matrix=[2, 2, 2], displacement_A=0.05)
    phonon, steps = found.phonon, found.fit.second_steps
    assert [step.species for step in steps] == ["Au", "Cu"]  # in the order of the displacements
    first = phonon.dataset["first_atoms"][0]
    odd = []
    for side in (1, -1):
        rest = phonon.supercell
        atoms = Atoms(numbers=rest.numbers, positions=rest.positions, cell=rest.cell, pbc=True)
        atoms.positions[first["number"]] += 2 * side * np.array(first["displacement"])
        atoms.calc = EMT()
        odd.append(side * atoms.get_forces() / 2)
    odd = np.sum(odd, axis=0)
    column = compact_fc_to_full_fc(phonon.primitive, phonon.force_constants)[:, first["number"]]
    left = odd + 2 * column @ first["displacement"]
    expected = np.linalg.norm(left) / np.linalg.norm(odd)
    # EMT of ASE has a cut-off of its own that smooths in another way, in the last digits
    assert steps[0].difference == pytest.approx(expected, rel=1e-4)


def test_all_displacements_on_request_and_their_lowest_mode_is_told():
    (found,) = run(copper_gold(), supercell_matrix=[2, 2, 2], second_step="all")
    (twice,) = run(copper_gold(), supercell_matrix=[2, 2, 2], displacement_A=0.02)
    (step,) = found.fit.second_steps
    assert step.species == "all atoms"
    assert step.lowest == pytest.approx(twice.modes.lowest, abs=1e-9)
    apart = np.linalg.norm(found.phonon.force_constants - twice.phonon.force_constants)
    constants = apart / np.linalg.norm(twice.phonon.force_constants)
    squares = abs(found.modes.lowest**2 - step.lowest**2) / step.lowest**2
    assert step.difference == pytest.approx(max(constants, squares), rel=1e-6)
    (one,) = table_rows(frames_of(copper_gold()), [found], settings())
    row = dict(zip(FORCE_CONSTANT_COLUMNS, one, strict=True))
    assert float(row["second_step_lowest_THz"]) == pytest.approx(step.lowest, rel=1e-3)
    assert row["second_step_A"] == "0.02"
    (fitted,) = run(
        copper_gold(),
        supercell_matrix=[2, 2, 2],
        displacements="random",
        snapshots=6,
        second_step="all",
    )
    assert fitted.reason == ""


def fit_with(unexplained: float = 0.01, difference: float = 0.01) -> Fit:
    return Fit(1, 0.0, 0.0, unexplained, (SecondStep("Na", difference),))


@pytest.mark.parametrize(
    ("changes", "seen", "passes"),
    [
        # what CHGNet has, by benchmarks/displacement.py: NaCl, then silicon
        ({"displacement_A": 0.01}, {"unexplained": 0.133, "difference": 0.58}, False),
        ({"displacement_A": 0.01}, {"unexplained": 0.087, "difference": 0.23}, False),
        ({"displacement_A": 0.03}, {"unexplained": 0.056, "difference": 0.21}, True),
        ({"displacement_A": 0.03}, {"unexplained": 0.082, "difference": 0.04}, True),
        # above 0.03 A the ceiling does not grow
        ({"displacement_A": 0.03}, {"unexplained": 0.149}, True),
        ({"displacement_A": 0.06}, {"unexplained": 0.151}, False),
        ({"displacement_A": 0.03}, {"difference": 0.26}, False),
        ({"displacement_A": 0.03}, {"difference": np.nan}, False),
        ({"displacement_A": 0.03}, {"unexplained": np.nan}, False),
        ({"max_step_difference": None, "max_unexplained": None}, {"unexplained": 0.9}, True),
    ],
)
def test_ceilings(changes, seen, passes):
    assert (unconverged(fit_with(**seen), settings(**changes)) == "") == passes


def test_what_is_not_converged_says_by_how_much():
    told = unconverged(fit_with(0.133, 0.58), settings(displacement_A=0.01))
    assert told == (
        "not converged: at 0.02 A the crystal differs from its harmonic model by 58% (Na "
        "displaced), more than max_step_difference, 25%; 13.3% of the forces unexplained by the "
        "harmonic model, more than 5.0%, which max_unexplained has for 0.01 A"
    )


def test_chgnet_has_another_sodium_chloride_at_a_hundredth_of_an_angstrom():
    """The default is converged, as far as it can be, and a shorter displacement is refused."""
    potential = open_potential({"name": "chgnet", "model": "chgnet"})
    crystals = [bulk("NaCl", "rocksalt", 5.69), bulk("Si", "diamond", 5.466)]
    changes = {"supercell_matrix": None, "supercell_radius_A": 8.0, "potential": potential}
    salt, silicon = run(*crystals, **changes, displacement_A=0.03)
    assert (salt.reason, silicon.reason) == ("", "")
    # transverse optical, and the optical modes of silicon at Gamma, THz: two figures, since the
    # cusp makes the third a matter of the torch that is installed
    assert at_gamma(salt)[-1] == pytest.approx(3.38, abs=0.05)
    assert at_gamma(silicon)[-1] == pytest.approx(11.9, abs=0.2)
    short = run(*crystals, **changes, displacement_A=0.01)
    assert all(found.reason.startswith("not converged: ") for found in short)
    assert "unexplained by the harmonic model" in short[1].reason


def at_gamma(found: Harmonic) -> np.ndarray:
    return found.phonon.run_qpoints([[0, 0, 0]]).frequencies[0]


class Shallow(EffectiveMedium):
    """A well along one coordinate of one atom, 1e-4 eV deep at 5e-3 A, and steep beyond."""

    def predict(self, frames):
        answer = super().predict(frames)
        x = (frames.positions[:, 0].reshape(len(frames), -1) @ [1.0, -1.0]) / 2
        x = x - x[0]
        answer.energy[:] = 1e-4 * ((x / 0.005) ** 4 - 2 * (x / 0.005) ** 2)
        return answer


def test_a_shallow_well_is_found_before_it_ends():
    """Its energy is above that at rest from 0.008 A on."""
    pair = Atoms("Cu2", [[0, 0, 0], [0.5, 0.5, 0.5]], cell=3 * np.eye(3), pbc=True)
    pair.set_scaled_positions([[0, 0, 0], [0.5, 0.5, 0.5]])
    phonon = phonopy_of(pair, np.eye(3, dtype=int))
    constants = np.zeros((2, 2, 3, 3))
    # the two atoms against each other along x are unstable, along y and z they are not
    stiff = np.diag([-1.0, 5.0, 5.0])
    constants[0, 0] = constants[1, 1] = stiff
    constants[0, 1] = constants[1, 0] = -stiff
    phonon.force_constants = constants
    lower = step_down(phonon, modes_of(phonon), Shallow())
    moved = np.abs(lower.positions - phonon.supercell.positions)
    assert moved.max() == pytest.approx(0.005)


def test_force_constants_are_those_of_the_fixture():
    (found,) = run(copper())
    expected = harmonic(copper(), 3).force_constants
    np.testing.assert_allclose(found.phonon.force_constants, expected, atol=1e-9)
