"""Means along trajectories: equilibrated where they are what was asked for, and steady."""

import numpy as np
import pandas as pd
import pytest

from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.report.run.averages import CANNOT_TELL, EQUILIBRATED, NOT_EQUILIBRATED, averages

TIMES = np.arange(0.0, 2000.0, 4.0)
COUNT = 12


def settings(**changes):
    """Of molecular dynamics at 300 K for 2 ps."""
    own = {"name": "md", "method": "md", "sources": ["s"], "potential": "p"}
    own |= {"time_total_fs": 2000.0, "time_equilibration_fs": 0.0, "temperature_K": 300.0}
    return MolecularDynamics.model_validate(own | changes)


def run_of(count=COUNT, *, off=0.0, rise=0.0, target=300.0, pressures=(0.0,), squeezed=0.0):
    """Traces and summary of trajectories that fluctuate by 30 K, 0.1 GPa, 0.01 g/cm3, 5 meV/atom.

    Args:
        off: of the temperature from its target, K.
        rise: of the energy from start to end, meV/atom.
        squeezed: of the pressure from what was asked for, GPa.
    """
    rng = np.random.default_rng(4)
    parts, rows = [], []
    for number in range(count):
        asked = np.broadcast_to(np.asarray(target, dtype=float), TIMES.shape)
        noise = rng.normal(size=(4, len(TIMES)))
        kelvin = asked + off + 30 * noise[0]
        energy = -3 + 0.005 * noise[1] + 1e-3 * rise * TIMES / TIMES[-1]
        gigapascal = pressures[number % len(pressures)] + squeezed + 0.1 * noise[2]
        columns = {"time_fs": TIMES, "temperature_K": kelvin, "target_K": asked}
        columns |= {"energy_eV_per_atom": energy, "pressure_GPa": gigapascal}
        columns |= {"density_g_cm3": 1 + 0.01 * noise[3], "trajectory": number % len(pressures)}
        parts.append(pd.DataFrame(columns))
        mean = {"temperature_K": kelvin.mean(), "target_K": asked.mean()}
        rows.append(mean | {"temperature_error_K": kelvin.std() / np.sqrt(len(TIMES))})
    return pd.DataFrame(rows), parts


def verdicts(own, made):
    return {found.quantity: found.verdict for found in averages(own, *made)}


def test_a_steady_run_at_its_target_is_equilibrated():
    found = {a.quantity: a for a in averages(settings(), *run_of())}
    assert found.keys() == {"temperature_K", "energy_eV_per_atom"}  # the volume is fixed
    kelvin = found["temperature_K"]
    assert (kelvin.target, kelvin.verdict) == (300, EQUILIBRATED)
    # of 12 times 500 independent numbers with a spread of 30 K, 20 % for twelve of them
    assert kelvin.off.error == pytest.approx(30 / np.sqrt(12 * 500), rel=0.5)
    assert abs(kelvin.mean - 300) < 4 * 30 / np.sqrt(12 * 500)
    assert found["energy_eV_per_atom"].verdict == EQUILIBRATED


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        ({"off": -16.0}, "temperature_K"),  # as the organics of a demo once
        ({"rise": 5.0}, "energy_eV_per_atom"),
    ],
)
@pytest.mark.parametrize("count", [COUNT, 2])  # of two trajectories, each one's autocorrelation
def test_what_is_off_its_target_or_moves_is_not_equilibrated(made, wrong, count):
    found = verdicts(settings(), run_of(count, **made))
    assert found.pop(wrong) == NOT_EQUILIBRATED
    assert set(found.values()) == {EQUILIBRATED}


def test_two_per_cent_of_a_temperature_are_let_pass():
    assert verdicts(settings(), run_of(off=-5.0))["temperature_K"] == EQUILIBRATED


def test_of_two_short_trajectories_nothing_can_be_told():
    summary, parts = run_of(2)
    short = [part[:20] for part in parts]
    found = verdicts(settings(), (summary, short))
    assert found == {"temperature_K": CANNOT_TELL, "energy_eV_per_atom": CANNOT_TELL}


def test_pressure_is_judged_against_the_pressure_of_each_trajectory():
    own = settings(ensemble="NPT", pressure_GPa=[0.0, 2.0])
    made = run_of(pressures=(0.0, 2.0))
    pressure = {a.quantity: a for a in averages(own, *made)}["pressure_GPa"]
    assert (pressure.target, pressure.verdict) == (1.0, EQUILIBRATED)
    off = run_of(pressures=(0.0, 2.0), squeezed=0.05)
    assert verdicts(own, off)["pressure_GPa"] == NOT_EQUILIBRATED
    assert verdicts(own, off)["density_g_cm3"] == EQUILIBRATED


def test_what_a_ramp_drives_is_not_asked_to_stand_still():
    own = settings(temperature_K={"from": 300.0, "to": 600.0})
    made = run_of(target=np.linspace(300, 600, len(TIMES)), rise=50.0)
    found = {a.quantity: a for a in averages(own, *made)}
    assert found.keys() == {"temperature_K"}
    assert (found["temperature_K"].target, found["temperature_K"].verdict) == (450, EQUILIBRATED)


def test_where_nothing_holds_the_temperature_it_has_no_target():
    found = {a.quantity: a for a in averages(settings(ensemble="NVE"), *run_of(off=-50.0))}
    assert np.isnan(found["temperature_K"].target)
    assert found["temperature_K"].verdict == EQUILIBRATED
