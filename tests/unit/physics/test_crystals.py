"""Crystals: known moduli, frequencies softer by a known factor, symmetry that is lost."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.eos import EquationOfState
from ase.units import GPa

from harmonic import copper_gold
from limbeck.config.sections.warrant import Physics
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.physics import crystals as crystal
from limbeck.physics.figures import figures, frequency_error
from limbeck.physics.measure import measure
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.properties import Predictions
from physics_results import stiffened

OWN = Physics(
    checks=["phonons", "equation_of_state", "symmetry_kept"],
    phonon_supercell_radius_A=5.0,
    relax_steps=300,
    symmetry_force_tolerances_eV_per_A=[0.01],
)


class Pulled(EffectiveMedium):
    """A stress along x of the laboratory, however the crystal is turned: 1.6 GPa."""

    def evaluate(self, batch):
        found = super().evaluate(batch)
        stress = found.values["stress"] + 0.01 * np.eye(6)[0]
        return Predictions(values=found.values | {"stress": stress})


class Fails(EffectiveMedium):
    """It raises on any frame with gold."""

    def evaluate(self, batch):
        if 79 in batch.numbers:
            raise RuntimeError("no gold")
        return super().evaluate(batch)


def frames_of(*atoms):
    return from_atoms(list(atoms), groups=["g"] * len(atoms), source="s")


COPPER = bulk("Cu", cubic=True)


@pytest.fixture(scope="module")
def teacher():
    """Cu3Au and copper by effective medium theory."""
    structures = frames_of(copper_gold(), COPPER)
    return measure(EffectiveMedium(), structures, structures, OWN, seed=1)


def measured(potential, teacher):
    structures = frames_of(copper_gold(), COPPER)
    found = measure(potential, structures, structures, OWN, seed=1, teacher=teacher)
    return found, {f["quantity"]: f for f in figures(found, OWN, teacher)}


def test_the_bulk_modulus_is_that_of_ase(teacher):
    """ASE's own equation of state of the primitive cell, which nothing here takes part in."""
    volumes, energies = [], []
    for factor in np.linspace(0.985, 1.015, 9):
        atoms = bulk("Cu", "fcc", 3.59 * factor)
        atoms.calc = EMT()
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
    volume, _, modulus = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    (row,) = [r for r in teacher["equation_of_state"]["rows"] if r["formula"] == "Cu4"]
    # fits over ranges of 4.5 and 6 % of the volume differ in the fourth order
    assert row["volume_A3"] == pytest.approx(volume, rel=1e-3)
    assert row["bulk_modulus_GPa"] == pytest.approx(modulus / GPa, rel=0.02)


def test_a_potential_is_like_itself(teacher):
    _, found = measured(EffectiveMedium(), teacher)
    assert found["frequency_error"]["value"] == pytest.approx(0, abs=1e-9)
    assert found["false_soft_modes"]["value"] == 0
    assert found["volume_error"]["value"] == found["bulk_modulus_error"]["value"] == 0
    assert found["frequency_error"]["n"] == 2


def test_softer_springs_show_by_their_factor(teacher):
    """Frequencies go with the root of the stiffness, the modulus with it, the volume stays."""
    _, found = measured(stiffened(EffectiveMedium(), 0.81), teacher)
    assert found["frequency_error"]["value"] == pytest.approx(0.1, abs=1e-3)
    assert found["bulk_modulus_error"]["value"] == pytest.approx(0.19, abs=2e-3)
    assert found["volume_error"]["value"] < 1e-3
    assert found["false_soft_modes"]["lost"] == []


def test_an_energy_upside_down_has_soft_modes_alone():
    own = OWN.model_copy(update={"checks": ["phonons"]})
    structures = frames_of(COPPER)
    teacher = measure(EffectiveMedium(), structures, structures, own, seed=1)
    found = measure(
        stiffened(EffectiveMedium(), -1.0), structures, structures, own, seed=1, teacher=teacher
    )
    (row,) = found["phonons"]["rows"]
    assert row["imaginary"] == row["modes"] > 0
    soft = {f["quantity"]: f for f in figures(found, own, teacher)}["false_soft_modes"]
    assert (soft["value"], len(soft["lost"])) == (1, 1)
    assert soft["lost"][0].startswith("Cu4: −")


def test_a_translation_that_is_none_is_not_compared():
    one = {"frequencies_THz": [[1.0, 2.0]], "waves": [1]}
    other = {"frequencies_THz": [[1.0, 2.0, 3.0]], "waves": [1]}
    assert np.isnan(frequency_error(one, other)).all()
    assert frequency_error(one, {"frequencies_THz": [[1.0, 4.0]], "waves": [1]}) == pytest.approx(
        (np.sqrt(4 / 2), np.sqrt(4 / 17))
    )


def test_an_equivariant_potential_keeps_symmetry_and_a_planted_error_loses_it(teacher):
    for row in teacher["symmetry_kept"]["rows"]:
        assert row["operations"] == {"Cu4": 192, "AuCu3": 48}[row["formula"]]
        assert row["after"][0]["kept"] == {"0.01": True, "1e-05": True}
        assert row["after"][0]["converged"]
    own = OWN.model_copy(update={"checks": ["symmetry_kept"]})
    structures = frames_of(COPPER)
    found = measure(Pulled(), structures, structures, own, seed=1)
    after = found["symmetry_kept"]["rows"][0]["after"][0]
    assert after["kept"] == {"0.01": False, "1e-05": False}
    lost = figures(found, own)
    assert [(f["value"], f["lost"]) for f in lost] == [(1, ["Cu4"])] * 2


def test_what_fails_on_one_crystal_says_so_and_costs_no_other(teacher):
    found, made = measured(Fails(), teacher)
    by_formula = {row["formula"]: row["reason"] for row in found["phonons"]["rows"]}
    assert by_formula["Cu4"] == ""
    assert "no gold" in by_formula["AuCu3"] or "Cu3Au" in by_formula
    assert made["frequency_error"]["n"] == 1
    assert len(made["frequency_error"]["lost"]) == 1


def test_an_energy_without_a_minimum_has_no_modulus():
    volumes = np.linspace(9, 12, 7)
    with pytest.raises(LimbeckError, match="no minimum within the volumes"):
        crystal._birch_murnaghan(volumes, volumes)
