"""Constant pressure: an ideal gas, ASE's own barostat step by step, and a Lennard-Jones crystal."""

import numpy as np
import pytest
import torch
from ase import Atoms, units
from ase.md.nose_hoover_chain import MTKNPT
from scipy import stats

from argon import (
    ARGON,
    Crystals,
    Free,
    Pulling,
    crystal,
    dynamics_of,
    frames_of,
    settings_with,
    steps,
)
from limbeck.geometry import cell_sizes
from limbeck.potentials.models.toys import LennardJones
from limbeck.sampling.dynamics.barostats import ALGORITHMS, Cells

ISOTROPIC = ("mtk_isotropic", "langevin", "nose_hoover")


def gas(count: int, atoms: int, edge: float) -> list[Atoms]:
    rng = np.random.default_rng(0)
    return [
        Atoms(f"Ar{atoms}", rng.uniform(0, edge, (atoms, 3)), cell=[edge] * 3, pbc=True)
        for _ in range(count)
    ]


def test_volumes_of_an_ideal_gas():
    # With the centre of mass at rest, the volume V of n particles is distributed as
    # V^(n-1) exp(-P V / kT): the mean is n kT / P, the variance n (kT / P)^2.
    count, n, kT, pressure = 600, 6, 100 * units.kB, 0.05
    scale = kT / (pressure * units.GPa)
    settings = settings_with(
        ensemble="NPT",
        npt_algorithm="langevin",
        pressure_GPa=pressure,
        time_step_fs=4.0,
        thermostat_time_fs=50.0,
        barostat_time_fs=100.0,
    )
    dynamics = dynamics_of(frames_of(*gas(count, n, (n * scale) ** (1 / 3))), settings, Free())
    steps(dynamics, 250, every=250)  # 1,000 fs, ten barostat times
    volumes = np.abs(np.linalg.det(dynamics.cell)) / scale
    # Standard errors of a gamma distribution of shape 6 from 600 systems: sqrt(6 / 600) of the
    # mean, 6 sqrt((2 + 1) / 600) of the variance; four of them, and 1 % for the time step.
    assert volumes.mean() == pytest.approx(6, abs=4 * 0.1 + 0.06)
    assert volumes.var() == pytest.approx(6, abs=4 * 0.42 + 0.06)
    assert stats.kstest(volumes, stats.gamma(6).cdf).pvalue > 1e-3
    # Negative control: n + 1 in place of n, as if the centre of mass were not at rest.
    assert stats.kstest(volumes, stats.gamma(7).cdf).pvalue < 1e-5


@pytest.mark.parametrize("degrees", [1, 6])
def test_cells_start_with_the_energy_of_their_degrees_of_freedom(degrees):
    state = dynamics_of(frames_of(*gas(2000, 2, 5.0)), settings_with(), Free())._state
    kT = torch.full((2000,), 0.02, dtype=torch.float64)
    cells = Cells(state, kT, torch.tensor(10.0), degrees)
    found = (2 * cells.kinetic / kT).numpy()  # chi-square of `degrees`
    assert found.mean() == pytest.approx(degrees, abs=4 * np.sqrt(2 * degrees / 2000))
    torch.testing.assert_close(cells.momenta, cells.momenta.mT)


class Resting(MTKNPT):
    """ASE's, with the degrees of freedom of a resting centre of mass and a symmetric cell."""

    def __init__(self, atoms, cell_momenta, **options):
        super().__init__(atoms, **options)
        n, kT, baro = len(atoms), self._kT, self._barostat
        self._num_atoms_global = self._thermostat._num_atoms_global = n - 1
        self._thermostat._Q[0] = 3 * (n - 1) * kT * options["tdamp"] ** 2
        baro._cell_dof, baro._W = 6, n * kT * options["pdamp"] ** 2
        baro._R[0] = 6 * kT * options["pdamp"] ** 2
        self._p_g = cell_momenta


def test_the_full_barostat_steps_as_ase_does():
    atoms = crystal()
    atoms.set_cell(atoms.cell[:] @ [[1, 0.05, 0], [0, 1, -0.04], [0.02, 0, 0.97]], scale_atoms=True)
    settings = settings_with(
        ensemble="NPT",
        npt_algorithm="mtk_full",
        pressure_GPa=0.3,
        time_step_fs=4.0,
        thermostat_time_fs=100.0,
        barostat_time_fs=300.0,
    )
    dynamics = dynamics_of(frames_of(atoms), settings)
    state = dynamics._state
    atoms.set_momenta(state.momenta.numpy())
    atoms.calc = LennardJones().ase_calculator()
    ase = Resting(
        atoms,
        dynamics._integrator._cells.momenta[0].numpy().copy(),
        timestep=4.0 * units.fs,
        temperature_K=100.0,
        pressure_au=0.3 * units.GPa,
        tdamp=100.0 * units.fs,
        pdamp=300.0 * units.fs,
    )
    conserved, kinetic = [], []
    for _ in range(60):
        ase.step()
        dynamics.step(0.0)
        conserved.append(ase.get_conserved_energy())
        kinetic.append(atoms.get_kinetic_energy())
    # ASE and torch-sim split a step of the chain otherwise, both of an order (dt / time)^4 = 1e-6;
    # the atoms have gone some 0.3 A, the cell 0.3 A.
    np.testing.assert_allclose(dynamics.cell[0], atoms.cell[:], atol=1e-4)
    np.testing.assert_allclose(dynamics.positions, atoms.positions, atol=1e-4)
    np.testing.assert_allclose(dynamics.observe().kinetic[0], kinetic[-1], rtol=1e-3)
    # and what ASE conserves is conserved, but for the time step: both are right together
    assert np.ptp(conserved) < 0.1 * np.ptp(kinetic)


@pytest.mark.parametrize("algorithm", ISOTROPIC)
def test_isotropic_barostats_keep_the_shape(algorithm):
    atoms = crystal()
    atoms.set_cell(atoms.cell[:] @ [[1, 0.05, 0], [0, 1.1, -0.04], [0.02, 0, 1]], scale_atoms=True)
    settings = settings_with(ensemble="NPT", npt_algorithm=algorithm, barostat_time_fs=200.0)
    dynamics = dynamics_of(frames_of(atoms), settings)
    steps(dynamics, 30)
    ratio = np.linalg.det(dynamics.cell[0]) / atoms.get_volume()
    assert abs(ratio - 1) > 1e-4
    np.testing.assert_allclose(dynamics.cell[0], atoms.cell[:] * ratio ** (1 / 3), atol=1e-10)


def test_the_full_barostat_neither_turns_the_cell_nor_keeps_its_shape():
    atoms = crystal()
    atoms.set_cell(atoms.cell[:] @ np.diag([1.0, 1.0, 1.06]), scale_atoms=True)
    settings = settings_with(ensemble="NPT", npt_algorithm="mtk_full", barostat_time_fs=200.0)
    dynamics = dynamics_of(frames_of(atoms), settings)
    steps(dynamics, 60)
    sizes = cell_sizes(dynamics.cell)[0, 1:]
    assert sizes[2] < atoms.cell.lengths()[2] - 0.05  # it goes back towards the cube
    rates = dynamics._integrator._cells.rate[0].numpy()
    np.testing.assert_allclose(rates, rates.T, atol=1e-15)  # no rotation


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_centre_of_mass_stays_at_rest_under_pressure(algorithm):
    settings = settings_with(ensemble="NPT", npt_algorithm=algorithm, barostat_time_fs=200.0)
    dynamics = dynamics_of(frames_of(crystal(), crystal(1)), settings)
    steps(dynamics, 40)
    momenta = dynamics._state.momenta.numpy().reshape(2, 32, 3).sum(axis=1)
    assert np.abs(momenta).max() < 1e-11  # rounding of momenta of order 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_net_pull_moves_nothing_under_pressure(algorithm):
    settings = settings_with(ensemble="NPT", npt_algorithm=algorithm, time_step_fs=1.0)
    dynamics = dynamics_of(frames_of(crystal(), crystal(1)), settings, Pulling())
    found = []
    for _ in range(2):
        # in the cell's own coordinates: it takes the centre of mass along as it grows
        fractions = dynamics.positions.reshape(2, 32, 3) @ np.linalg.inv(dynamics.cell)
        found.append(fractions.mean(axis=1))
        steps(dynamics, 50)
    # Rounding; half a step's pull alone would be 0.1 dt^2 / 2m = 1e-5 A a step, 1e-6 of the cell.
    np.testing.assert_allclose(*found, rtol=0, atol=1e-12)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_dropped_system_leaves_no_trace_in_the_others(algorithm):
    settings = settings_with(ensemble="NPT", npt_algorithm=algorithm)
    found = []
    for drop in (False, True):
        dynamics = dynamics_of(frames_of(crystal(), crystal(1), crystal(2)), settings)
        if drop:
            dynamics.keep(np.array([True, False, True]))
        steps(dynamics, 20)
        found.append(dynamics.positions.reshape(-1, 32, 3))
    np.testing.assert_allclose(found[0][[0, 2]], found[1], rtol=0, atol=1e-9)


def test_the_stress_of_the_crystals_below_is_the_slope_of_their_energy():
    model, h = Crystals(), 1e-5
    state = dynamics_of(frames_of(crystal()), settings_with(), model)._state
    found = model(state)["stress"][0].numpy()
    positions, cell = state.positions, state.row_vector_cell
    for i, j in ((0, 0), (0, 2)):
        energies = []
        for sign in (1, -1):
            strain = torch.eye(3, dtype=torch.float64)
            strain[i, j] += sign * h
            state.positions, state.row_vector_cell = positions @ strain, cell @ strain
            energies.append(float(model(state)["energy"]))
        slope = (energies[0] - energies[1]) / (2 * h) / crystal().get_volume()
        assert found[i, j] == pytest.approx(slope, rel=1e-5, abs=1e-8)


@pytest.mark.slow
def test_density_of_a_lennard_jones_crystal():
    """Four algorithms, and the volume at which constant volume has the pressure asked for."""
    kelvin, asked, runs = 150.0, 5.0, 12
    reference = volume_at(asked, kelvin)
    assert volume_at(0.0, kelvin) > 1.02 * reference  # control: the pressure can be told apart
    thermal = reference - volume_at(asked, 1.0)
    for algorithm, (degrees, _) in ALGORITHMS.items():
        settings = settings_with(
            ensemble="NPT",
            npt_algorithm=algorithm,
            temperature_K=kelvin,
            pressure_GPa=asked,
            barostat_time_fs=300.0,
        )
        frames = frames_of(*(crystal(i) for i in range(runs)))
        dynamics = dynamics_of(frames, settings, Crystals())
        steps(dynamics, 300, every=300)
        found = []
        for _ in range(1200):
            dynamics.step(0.0)
            found.append(np.abs(np.linalg.det(dynamics.cell)) / 32)
        each = np.mean(found, axis=0)  # of every run
        error = each.std(ddof=1) / np.sqrt(runs)
        # The crystal expands since its 93 modes are warm; a cell that moves has so many modes more.
        expected = reference + degrees / 93 * thermal
        # four standard errors, and 0.1 % for the time step and for the reference's parabola
        assert each.mean() == pytest.approx(expected, abs=4 * error + 1e-3 * expected), algorithm
        assert 4 * error < 0.005 * reference  # so that a wrong pressure would be seen


def volume_at(pressure: float, kelvin: float) -> float:
    """Angstrom^3 per atom at which constant volume has this mean pressure (GPa)."""
    settings = settings_with(nvt_algorithm="langevin", temperature_K=kelvin)
    factors = np.linspace(0.97, 0.995, 4)  # of the edge
    crystals = []
    for factor in np.repeat(factors, 4):
        atoms = crystal(len(crystals))
        atoms.set_cell(atoms.cell[:] * factor, scale_atoms=True)
        crystals.append(atoms)
    dynamics = dynamics_of(frames_of(*crystals), settings, Crystals())
    seen = steps(dynamics, 1200)[100:]
    means = np.mean([look.pressure for look in seen], axis=0).reshape(4, 4).mean(axis=1)
    volume = (factors * ARGON * np.sqrt(2)) ** 3 / 4
    return float(np.polyval(np.polyfit(means, volume, 2), pressure))
