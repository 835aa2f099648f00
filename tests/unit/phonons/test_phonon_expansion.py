"""Quasi-harmonic expansion of effective-medium copper, against phonopy's QHA by hand."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from phonopy.qha import core

from harmonic import COPPER, harmonic, settings
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.phonons.calculation import force_constants
from limbeck.phonons.crystals import atoms_of, frames_of
from limbeck.phonons.expansion import expansion
from limbeck.potentials.models.toys import EffectiveMedium

STRAINS = [-0.02, 0.0, 0.02, 0.04, 0.06]
EXPANDING = {"thermal_expansion": True, "supercell_matrix": [2, 2, 2]}


def run(start: Atoms, **changes):
    frames = from_atoms([start], groups=["Cu"], source="s")
    own = settings(**(EXPANDING | changes))
    (found,) = force_constants(frames, EffectiveMedium(), own, seed=1, name="test")
    return found


@pytest.fixture(scope="module")
def copper():
    return run(bulk("Cu", "fcc", COPPER + 0.02))


def volumes_by_hand() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Temperatures, volumes and expansions of phonopy's older QHA, from cells scaled by hand."""
    temperatures = np.arange(0, 331, 10.0)
    rest = bulk("Cu", "fcc", COPPER)
    volumes, energies, free, heat, entropy = [], [], [], [], []
    for strain in STRAINS:
        atoms = rest.copy()
        atoms.set_cell(rest.cell[:] * (1 + strain) ** (1 / 3), scale_atoms=True)
        phonon = harmonic(atoms, 2)
        phonon.run_mesh(50.0)
        # the translations at Gamma have no frequency of their own
        found = phonon.run_thermal_properties(temperatures=temperatures, cutoff_frequency=1e-3)
        atoms.calc = EMT()
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
        free.append(found.free_energy)
        heat.append(found.heat_capacity)
        entropy.append(found.entropy)
    by_temperature = [np.transpose(values) for values in (heat, entropy, free)]
    qha = core.QHA(volumes, energies, temperatures, *by_temperature, t_max=310)
    qha.run()
    return temperatures, np.array(qha.volume_temperature), np.array(qha.thermal_expansion)


def test_volume_and_expansion_are_those_of_phonopys_qha_by_hand(copper):
    temperatures, volumes, expansions = volumes_by_hand()
    at = int(np.argmin(np.abs(temperatures - 300)))
    found = copper.expansion
    assert found["temperature_K"] == 300
    # The volumes here start from a relaxed cell that is 1e-4 from the one by hand.
    assert found["volume_A3"] == pytest.approx(volumes[at], rel=1e-4)
    assert found["thermal_expansion_per_K"] == pytest.approx(expansions[at], rel=0.01)


def test_copper_expands_as_much_as_copper_does(copper):
    """Measured: 5.0e-5 per K by volume at 300 K, 137 GPa; EMT was fitted to neither expansion."""
    assert 4e-5 < copper.expansion["thermal_expansion_per_K"] < 8e-5
    assert 100 < copper.expansion["bulk_modulus_GPa"] < 150
    curve = copper.expansion["curve"]
    assert curve["thermal_expansion_per_K"][0] == 0
    assert np.all(np.diff(curve["volume_A3"]) > 0)


def test_the_force_constants_are_those_of_the_cell_at_the_temperature(copper):
    assert copper.reason == ""
    volume = copper.phonon.unitcell.volume
    # symmetrisation moves the cell by less than this
    assert volume == pytest.approx(copper.expansion["volume_A3"], rel=1e-6)
    rest = bulk("Cu", "fcc", COPPER)
    assert volume > 1.005 * rest.get_volume()
    softer = copper.modes.frequencies.max()
    assert softer < harmonic(rest, 2).run_qpoints(copper.modes.qpoints).frequencies.max()


def test_a_volume_outside_the_strains_is_a_reason():
    found = run(bulk("Cu", "fcc", COPPER), volume_strains=[-0.05, -0.04, -0.03, -0.02, -0.01])
    assert "expected one within those of volume_strains" in found.reason


def test_an_unstable_volume_is_a_reason():
    cells = [bulk("Cu", "bcc", a) for a in (2.84, 2.85, 2.86, 2.87, 2.88)]
    with pytest.raises(LimbeckError, match=r"imaginary mode at -.* no quasi-harmonic"):
        expansion(
            cells,
            2 * np.eye(3, dtype=int),
            EffectiveMedium(),
            temperature=300.0,
            distance=0.01,
            threshold=0.1,
        )


def test_frames_and_atoms_are_each_others_inverse():
    atoms = bulk("Cu", "hcp", 2.5)
    back = atoms_of(frames_of([atoms]), 0)
    assert back == atoms
