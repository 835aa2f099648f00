"""Thermostats against the canonical ensemble, constant energy, and what must not move."""

from math import sqrt

import numpy as np
import pytest
import torch
from ase import Atoms, units
from scipy import stats

from argon import (
    Clusters,
    Free,
    Pulling,
    crystal,
    dynamics_of,
    frames_of,
    settings_with,
    steps,
    tetrahedron,
)
from limbeck.config.sections.sampling import TemperatureRamp
from limbeck.sampling.dynamics.state import freedom, kinetic_energy, scaled
from limbeck.sampling.dynamics.thermostats import VelocityRescaling

ALGORITHMS = ("csvr", "langevin", "nose_hoover")


class Berendsen:
    """Rescaling of the mean alone (J. Chem. Phys. 81, 3684 (1984)): no ensemble, the control."""

    def __init__(self, state, dt: torch.Tensor, time: torch.Tensor) -> None:
        self.share = dt / 2 / time

    def half_step(self, state, kT):
        ratio = kT * freedom(state) / 2 / kinetic_energy(state)
        scaled(state, (1 + self.share * (ratio - 1)).sqrt())


def kinetic_energies(thermostat: type) -> np.ndarray:
    """Of 4,000 pentamers that all start with the mean, ten relaxation times later, over kT / 2."""
    frames = frames_of(*[Atoms("Ar5", 3.0 * np.eye(5, 3)) for _ in range(4000)])
    state = dynamics_of(frames, settings_with(), Free())._state
    kT = torch.full((4000,), 0.01, dtype=torch.float64)
    scaled(state, (kT * freedom(state) / 2 / kinetic_energy(state)).sqrt())
    bath = thermostat(state, torch.tensor(1.0), torch.tensor(10.0))
    for _ in range(200):
        bath.half_step(state, kT)
    return (kinetic_energy(state) / (kT / 2)).numpy()


def test_velocity_rescaling_gives_the_kinetic_energies_of_the_canonical_ensemble():
    found = kinetic_energies(VelocityRescaling)
    # Chi-square of 12 degrees of freedom, from 4,000 systems: the mean has a standard error of
    # sqrt(24 / 4000) = 0.077, the variance of 24 one of 24 sqrt((2 + 12 / 12) / 4000) = 0.66.
    # exp(-10) of the start is left.
    assert found.mean() == pytest.approx(12, abs=4 * 0.077)
    assert found.var() == pytest.approx(24, abs=4 * 0.66)
    assert stats.kstest(found, stats.chi2(12).cdf).pvalue > 1e-3


def test_a_rescaling_of_the_mean_fails_that():
    found = kinetic_energies(Berendsen)
    assert found.mean() == pytest.approx(12, abs=4 * 0.077)
    assert found.var() < 1
    assert stats.kstest(found, stats.chi2(12).cdf).pvalue < 1e-10


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_temperature_fluctuates_as_in_the_canonical_ensemble(algorithm):
    frames = frames_of(*(tetrahedron(i) for i in range(100)))
    dynamics = dynamics_of(frames, settings_with(nvt_algorithm=algorithm), Clusters())
    seen = [look.temperature for look in steps(dynamics, 400)[100:]]
    # A chi-square of 9 degrees of freedom: relative variance 2/9. Its standard error is
    # sqrt((2 + 12/9) / N), N = 100 x 300 x 5 / 200 = 750 independent looks: 7 %, four of them.
    # A thermostat that only rescales the mean would leave far less.
    relative_variance = np.var(seen) / np.mean(seen) ** 2
    assert relative_variance == pytest.approx(2 / 9, rel=0.28)
    # The mean has sqrt(2/9 / 750) = 1.7 %, four of them.
    assert np.mean(seen) == pytest.approx(100, rel=4 * 0.017)


@pytest.mark.parametrize("symbols", ["UH", "Ar2"])
def test_light_atoms_beside_heavy_ones_start_at_the_temperature(symbols):
    dimers = [Atoms(symbols, [[0, 0, 0], [2.5, 0, 0]]) for _ in range(400)]
    seen = dynamics_of(frames_of(*dimers), settings_with()).observe()
    # 400 x 3 degrees of freedom: standard error sqrt(2 / 1200) = 4.1 %, four of them. An equal
    # momentum taken from each atom would give UH 60 times the temperature.
    np.testing.assert_allclose(seen.temperature.mean(), 100, rtol=4 * 0.041)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_light_and_heavy_atoms_have_the_same_share_of_the_energy(algorithm):
    mixed = tetrahedron()
    mixed.symbols[:2] = "H"
    settings = settings_with(nvt_algorithm="langevin", time_step_fs=2.0, thermostat_time_fs=20.0)
    frames = frames_of(*[mixed] * 400)
    dynamics = dynamics_of(frames, settings, Clusters())
    steps(dynamics, 200, every=200)
    # From equilibrium on, since rotation keeps its share for long where no noise acts on it.
    settings = settings_with(nvt_algorithm=algorithm, time_step_fs=2.0, thermostat_time_fs=40.0)
    dynamics._integrator = dynamics_of(frames, settings, Clusters(), seed=2)._integrator
    masses, seen = mixed.get_masses(), []
    for step in range(300):
        dynamics.step(0.0)
        if step % 20 == 0:
            momenta = dynamics._state.momenta.numpy().reshape(400, 4, 3)
            seen.append((momenta**2).sum(axis=2) / masses / units.kB / 3)
    kelvin = np.mean(seen, axis=(0, 1))
    # The centre of mass is at rest, which takes m / M of each atom's energy. 400 systems, 2 atoms,
    # 3 components, of which some two looks are independent: sqrt(2 / 4800) = 2 %, three of them,
    # and 1 % for the time step.
    expected = 100 * (1 - masses / masses.sum())
    assert kelvin[:2].mean() == pytest.approx(expected[0], rel=0.07)
    assert kelvin[2:].mean() == pytest.approx(expected[2], rel=0.07)


def energies(dt: float, time: float) -> np.ndarray:
    """Total energies at constant energy, eV/atom."""
    settings = settings_with(ensemble="NVE", time_step_fs=dt, temperature_K=200.0)
    dynamics = dynamics_of(frames_of(tetrahedron()), settings, Clusters())
    seen = steps(dynamics, round(time / dt))
    return np.array([look.energy[0] + look.kinetic[0] for look in seen]) / 4


def test_the_energy_error_of_constant_energy_goes_with_the_square_of_the_time_step():
    errors = [energies(dt, 600.0).std() for dt in (2.0, 4.0, 8.0)]
    # Velocity Verlet is of second order, so that each doubling gives a factor of 4; terms of fourth
    # order, (omega dt)^2 / 12 of it, are a few per cent at 8 fs (argon here: omega dt = 0.3), and
    # the phases sampled differ.
    assert errors[1] / errors[0] == pytest.approx(4, rel=0.15)
    assert errors[2] / errors[1] == pytest.approx(4, rel=0.15)


def test_constant_energy_does_not_drift():
    found = energies(8.0, 4000.0)
    late, early = found[-len(found) // 2 :], found[: len(found) // 2]
    # Symplectic: halves differ by less than the ripple itself.
    assert abs(late.mean() - early.mean()) < 0.2 * found.std()
    # Control: an Euler step, of the same force field, would have gained far more.
    assert found.std() < 1e-4  # eV/atom, against 0.026 of kinetic energy


@pytest.mark.parametrize(
    "changes",
    [
        *({"nvt_algorithm": name} for name in ALGORITHMS),
        {"ensemble": "NVE"},
    ],
    ids=str,
)
def test_the_centre_of_mass_stays_where_it_was(changes):
    mixed = crystal()
    mixed.symbols[::3] = "Xe"
    dynamics = dynamics_of(frames_of(mixed, tetrahedron_in(mixed)), settings_with(**changes))
    masses = np.concatenate([mixed.get_masses(), mixed.get_masses()[:4]])
    before = dynamics.positions
    steps(dynamics, 50)
    moved = (dynamics.positions - before) * masses[:, None]
    for part in (moved[:32], moved[32:]):
        # in float64, 50 steps of positions of some 10 A
        assert np.abs(part.sum(axis=0)).max() / masses.sum() < 1e-12


def tetrahedron_in(other: Atoms) -> Atoms:
    """The first atoms of a crystal, in its cell: a batch is periodic or isolated as a whole."""
    return other[:4]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_net_pull_moves_nothing(algorithm):
    settings = settings_with(nvt_algorithm=algorithm, time_step_fs=1.0)
    dynamics = dynamics_of(frames_of(*[tetrahedron(i) for i in range(50)]), settings, Pulling())
    before = dynamics.positions.reshape(50, 4, 3).mean(axis=1)
    seen = steps(dynamics, 200)
    after = dynamics.positions.reshape(50, 4, 3).mean(axis=1)
    # Rounding of 200 steps at some 2 A; half a step's pull alone would be 0.1 dt^2 / 2m = 1e-5 A.
    assert np.abs(after - before).max() < 1e-12
    # 50 x 9 degrees of freedom: sqrt(2 / 450) = 6.7 %, four of them
    assert seen[-1].temperature.mean() == pytest.approx(100, rel=4 * 0.067)


def test_a_dropped_system_leaves_no_trace_in_the_others():
    settings = settings_with(nvt_algorithm="nose_hoover")
    frames = frames_of(tetrahedron(), tetrahedron(1), tetrahedron(2))
    found = []
    for drop in (False, True):
        dynamics = dynamics_of(frames, settings)
        if drop:
            dynamics.keep(np.array([True, False, True]))
        steps(dynamics, 40)
        found.append(dynamics.positions.reshape(-1, 4, 3))
    # The same arithmetic on the same numbers; libraries may sum in another order.
    np.testing.assert_allclose(found[0][[0, 2]], found[1], rtol=0, atol=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_temperature_follows_a_ramp(algorithm):
    settings = settings_with(
        nvt_algorithm=algorithm,
        temperature_K=TemperatureRamp(**{"from": 50.0, "to": 250.0}),
        thermostat_time_fs=20.0,
    )
    dynamics = dynamics_of(frames_of(*[tetrahedron(i) for i in range(40)]), settings, Clusters())
    seen = []
    for step in range(1, 401):
        dynamics.step(step / 400)
        seen.append(dynamics.observe().temperature.mean())
    # 40 x 9 degrees of freedom over 100 steps of 5 fs, a thermostat of 20 fs: at least 8
    # independent looks, sqrt(2 / 2880) = 2.6 %, four of them; it lags by 20 fs of 2000 fs, 2 K.
    for part, expected in ((seen[100:200], 125.0), (seen[300:], 225.0)):
        assert np.mean(part) == pytest.approx(expected, rel=4 * 0.026)
    assert sqrt(np.var(seen)) > 30  # a ramp, not a constant
