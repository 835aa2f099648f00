"""Traces, schedules, constant pressure and guards of whole MD samplings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase import Atoms, units
from ase.build import bulk, molecule

from argon import ARGON, SETTINGS, crystal, frames_of, settings_with, tetrahedron
from jobs_of import sample_job, sampling
from limbeck import reasons
from limbeck.config.load import resolve
from limbeck.config.sections.sampling import Ramp
from limbeck.errors import LimbeckError
from limbeck.potentials.batches import Limits
from limbeck.potentials.models.toys import LennardJones
from limbeck.properties import Predictions
from limbeck.sampling.dynamics import guards
from limbeck.sampling.dynamics import run as md
from limbeck.sampling.dynamics.bond_watch import BondWatch
from limbeck.sampling.dynamics.integrate import Observation
from limbeck.sampling.dynamics.record import TRACE, TRAJECTORY_COLUMNS, Record, RecordedStep
from limbeck.sampling.schedule import schedule

ROOT = Path(__file__).parents[3]


def sample_of(frames, potential=None, **changes):
    settings = sampling("md", SETTINGS | changes)
    potential = potential or LennardJones()
    potential.batch_limits = dict.fromkeys((True, False), Limits(settings.batch_atoms))
    record = md.run_dynamics(frames, potential, settings, seed=1, place="test/s/0")
    return record.sample(sampling="test", seed=1)


def columns(table, name) -> list:
    return [row[table.columns.index(name)] for row in table.rows]


def test_the_trace_goes_from_the_start_and_frames_only_from_equilibration():
    frames = frames_of(crystal(), crystal(1))
    made = sample_of(frames, time_equilibration_fs=50.0)
    assert tuple(made.trace.columns) == TRACE
    assert columns(made.trace, "time_fs") == [0, 25, 50, 75, 100] * 2
    assert columns(made.trace, "id") == [n.decode() for n in np.repeat(frames.id, 5)]
    assert [made.frames.info_of(b)["time_fs"] for b in range(6)] == [50, 75, 100] * 2
    # averages are of the time after equilibration alone
    late = np.array(columns(made.trace, "density_g_cm3"))[[2, 3, 4]]
    assert made.rows[0][TRAJECTORY_COLUMNS.index("density_g_cm3")] == pytest.approx(
        late.mean(), abs=1e-6
    )
    late = np.array(columns(made.trace, "pressure_GPa"))[[2, 3, 4]]
    assert made.rows[0][TRAJECTORY_COLUMNS.index("pressure_GPa")] == pytest.approx(
        late.mean(), abs=2e-6
    )


def test_energy_density_and_pressure_of_the_trace():
    atoms = crystal()
    (row,) = sample_of(frames_of(atoms), time_total_fs=25.0, sampling_interval_fs=25.0).trace.rows[
        :1
    ]
    first = dict(zip(TRACE, row, strict=True))
    atoms.calc = LennardJones().ase_calculator()
    assert first["energy_eV_per_atom"] == pytest.approx(atoms.get_potential_energy() / 32, abs=1e-6)
    grams = atoms.get_masses().sum() * units._amu * 1e3
    assert first["density_g_cm3"] == pytest.approx(grams / atoms.get_volume() * 1e24, abs=1e-6)
    # P V = 2/3 K - 1/3 trace of the virial
    kinetic = 93 / 2 * units.kB * first["temperature_K"]
    pressure = 2 / 3 * kinetic / atoms.get_volume() - atoms.get_stress()[:3].mean()
    assert first["pressure_GPa"] == pytest.approx(pressure / units.GPa, abs=2e-6)
    assert first["target_K"] == 100


def test_what_is_isolated_has_neither_pressure_nor_density():
    made = sample_of(frames_of(tetrahedron()))
    assert set(columns(made.trace, "pressure_GPa")) == {""}
    assert set(columns(made.trace, "density_g_cm3")) == {""}


def test_each_temperature_of_a_list_has_its_trajectory():
    frames = frames_of(crystal(), crystal(1))
    made = sample_of(frames, temperature_K=[50.0, 300.0], time_total_fs=600.0)
    assert [row[1] for row in made.rows] == [0, 1, 0, 1]
    assert [row[0] for row in made.rows] == [n.decode() for n in np.repeat(frames.id, 2)]
    assert columns(made.trace, "target_K")[0] == 50
    kelvin = [row[TRAJECTORY_COLUMNS.index("temperature_K")] for row in made.rows]
    assert max(kelvin[::2]) < 100 < min(kelvin[1::2])  # 93 degrees of freedom: 15 % either way
    infos = [made.frames.info_of(b) for b in range(len(made.frames))]
    assert [i["trajectory"] for i in infos] == [0] * 24 + [1] * 24 + [0] * 24 + [1] * 24
    assert {i["temperature_K"] for i in infos[24:48]} == {300.0}
    np.testing.assert_array_equal(made.frames.parent, np.repeat(frames.id, 48))
    assert len(set(made.frames.id)) == 96


def test_schedules():
    found = schedule([100, 200], Ramp(**{"from": 0.0, "to": 4.0}))
    kelvin, gigapascal = found.at(0.25)
    np.testing.assert_array_equal(kelvin, [100, 200])
    np.testing.assert_array_equal(gigapascal, [1, 1])
    both = schedule([100, 200], [1, 2, 3])
    np.testing.assert_array_equal(both.temperature[:, 0], [100, 100, 100, 200, 200, 200])
    np.testing.assert_array_equal(both.of_each(2).pressure[:, 1], [1, 2, 3] * 4)


def test_constant_pressure_changes_the_cell_and_keeps_the_ancestry():
    atoms = crystal()
    frames = frames_of(atoms)
    made = sample_of(
        frames, ensemble="NPT", npt_algorithm="mtk_full", pressure_GPa=[0.5], barostat_time_fs=200.0
    )
    assert [row[-2] for row in made.rows] == [""]
    assert [made.frames.info_of(b)["pressure_GPa"] for b in range(4)] == [0.5] * 4
    volumes = np.linalg.det(made.frames.cell)
    assert len(set(np.round(volumes, 6))) == 4
    fractions = np.einsum(
        "fni,fij->fnj", made.frames.positions.reshape(4, 32, 3), np.linalg.inv(made.frames.cell)
    )
    assert fractions.min() > -1e-9  # wrapped into the cell of their own time
    assert fractions.max() < 1 + 1e-9
    np.testing.assert_array_equal(made.frames.parent, [frames.id[0]] * 4)
    density = columns(made.trace, "density_g_cm3")[1:]
    expected = 32 * 39.948 * units._amu * 1e27 / volumes
    np.testing.assert_allclose(density, expected, rtol=1e-5)


def test_isolated_structures_are_set_aside_under_pressure():
    made = sample_of(frames_of(tetrahedron(), crystal()), ensemble="NPT", time_total_fs=25.0)
    assert [row[-2] for row in made.rows] == [reasons.NO_CELL, ""]


class Stressless(LennardJones):
    def __init__(self) -> None:
        super().__init__()
        self.about = replace(self.about, properties=("energy", "forces"))

    def evaluate(self, batch):
        answer = super().evaluate(batch)
        return Predictions(answer.energy, answer.forces, np.full_like(answer.stress, np.nan))


def test_a_potential_without_stress_runs_at_constant_volume_alone(monkeypatch):
    made = sample_of(frames_of(crystal()), Stressless(), time_total_fs=25.0)
    assert [row[-2] for row in made.rows] == [""]
    assert set(columns(made.trace, "pressure_GPa")) == {""}
    monkeypatch.setattr(md, "opened", lambda job: Stressless())
    toy = {"name": "toy", "model": "lj"}
    job = sample_job("md", SETTINGS | {"seed": 1, "ensemble": "NPT", "potential": toy})
    with pytest.raises(
        LimbeckError, match=r"sampling\.test\.ensemble: NPT with lj, which predicts no"
    ):
        md.sample(frames_of(crystal()), job.sampling, job)


def test_supercells_have_the_structure_as_their_parent():
    frames = frames_of(bulk("Ar", "fcc", a=ARGON * np.sqrt(2)))
    made = sample_of(frames, supercell_matrix=[2, 2, 2], time_total_fs=25.0)
    assert list(made.frames.n_atoms) == [8]
    assert list(made.frames.parent) == list(frames.id)
    assert made.frames.info_of(0)["supercell"] == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]


def test_a_structure_is_relaxed_first():
    rough = crystal()
    rough.rattle(0.1, seed=4)
    made = sample_of(frames_of(rough), relax_input_cell="only_atoms", time_total_fs=25.0)
    still = sample_of(frames_of(rough), time_total_fs=25.0)
    energies = [columns(m.trace, "energy_eV_per_atom")[0] for m in (made, still)]
    assert energies[0] < energies[1] - 0.01


def stretched(factor: float):
    water = molecule("H2O")
    return water, molecule("H2O").positions * factor


@pytest.mark.parametrize(("factor", "broken"), [(1.0, False), (1.45, False), (1.6, True)])
def test_bonds_of_molecules_are_watched(factor, broken):
    water, positions = stretched(factor)
    watch = BondWatch(frames_of(water), 1.5)
    moved = replace(frames_of(water), positions=positions)
    assert list(watch.broken(np.array([0]), moved)) == [broken]
    assert not BondWatch(frames_of(water), None).broken(np.array([0]), moved).any()


@pytest.mark.parametrize(
    "atoms",
    [
        bulk("Cu", cubic=True),
        bulk("Si", cubic=True),
        bulk("NaCl", "rocksalt", a=5.64, cubic=True),
        crystal(),
        Atoms("Na2", [[0, 0, 0], [3.0, 0, 0]]),
    ],
    ids=lambda a: str(a.symbols),
)
def test_metals_salts_and_frameworks_are_not_watched(atoms):
    watch = BondWatch(frames_of(atoms), 1.5)
    moved = replace(frames_of(atoms), positions=atoms.positions * 3)
    assert not watch.broken(np.array([0]), moved).any()


def test_a_bond_across_the_face_of_a_cell_that_changes():
    hydrogen = Atoms("H2", [[0.2, 2, 2], [4.5, 2, 2]], cell=[5, 5, 5], pbc=True)  # 0.7 A apart
    frames = frames_of(hydrogen)
    watch = BondWatch(frames, 1.5)
    for scale, broken in ((1.1, False), (1.6, True)):
        moved = replace(frames, positions=frames.positions * scale, cell=frames.cell * scale)
        assert list(watch.broken(np.array([0]), moved)) == [broken]


class Torn(LennardJones):
    """Nothing holds an oxygen molecule together."""

    def evaluate(self, batch):
        answer = super().evaluate(batch)
        apart = np.tile([[-4.0, 0, 0], [4.0, 0, 0]], (len(batch.n_atoms), 1))
        return Predictions(0 * answer.energy, apart, answer.stress)


def test_a_trajectory_is_cut_where_a_bond_breaks():
    oxygen = Atoms("O2", [[0, 0, 0], [1.2, 0, 0]])
    changes = {"time_step_fs": 1.0, "sampling_interval_fs": 4.0, "temperature_K": 1.0}
    made = sample_of(frames_of(oxygen), Torn(), max_temperature_factor=1e6, **changes)
    (row,) = made.rows
    assert row[-2] == reasons.BOND_BROKEN
    last = made.frames.positions.reshape(-1, 2, 3)[-1]
    assert 1.2 < np.linalg.norm(last[1] - last[0]) < 1.8  # the frame before is whole
    assert columns(made.trace, "time_fs")[-1] == row[-1] - 4.0
    free = sample_of(
        frames_of(oxygen), Torn(), max_temperature_factor=1e6, max_bond_stretch=None, **changes
    )
    assert free.rows[0][-2] != reasons.BOND_BROKEN


@pytest.mark.parametrize("sign", [1, -1])
def test_a_cell_that_runs_away_is_cut(sign):
    crystals = frames_of(crystal(), crystal(1))
    made = sample_of(
        crystals,
        ensemble="NPT",
        pressure_GPa=sign * 8.0,
        barostat_time_fs=50.0,
        time_total_fs=400.0,
        time_step_fs=2.5,
        max_energy_rise_eV_per_atom=100.0,
        max_temperature_factor=1000.0,
        max_cell_change=1.3,
    )
    assert {row[-2] for row in made.rows} <= {
        reasons.CELL_CHANGED,
        reasons.CELL_TOO_FAST,
        reasons.TOO_NEAR,
    }
    ratio = np.abs(np.linalg.det(made.frames.cell)) / np.linalg.det(crystals.cell[0])
    assert ratio.max(initial=1.0) < 1.3
    assert ratio.min(initial=1.0) > 1 / 1.3


def observation(**changes) -> Observation:
    names = ("energy", "kinetic", "temperature", "pressure", "reach", "strain")
    usual = dict.fromkeys(names, np.zeros(3)) | {"temperature": np.full(3, 100.0)}
    return Observation(**(usual | {k: np.array(v) for k, v in changes.items()}))


def limits(**changes) -> guards.GuardLimits:
    frames = frames_of(crystal(), crystal(1), crystal(2))
    settings = settings_with(ensemble="NPT", max_cell_change=1.5, **changes)
    return guards.limits(settings, np.full(3, 100.0), frames, np.zeros(3))


def test_a_sheared_cell_is_cut():
    cell = np.array([crystal().cell[:]] * 3)
    cell[1, 2, 0] = 2 * cell[1, 2, 2]  # the same volume, far thinner
    cell[2, 2, 0] = 0.2 * cell[2, 2, 2]
    why = guards.why_cut(observation(), limits(), cell)
    assert list(why) == ["", reasons.CELL_CHANGED, ""]
    thin = guards.why_cut(
        observation(), limits(), cell * np.array([1.0, 1.0, np.nan])[:, None, None]
    )
    assert thin[2] == reasons.CELL_CHANGED


def test_what_is_hot_high_or_fast_is_cut():
    seen = observation(
        temperature=[501.0, 100.0, np.nan], strain=[0.0, 0.06, 0.0], energy=[0.0, 0.0, 0.0]
    )
    cell = np.array([crystal().cell[:]] * 3)
    why = guards.why_cut(seen, limits(), cell)
    assert list(why) == [reasons.TOO_HOT, reasons.CELL_TOO_FAST, reasons.NOT_FINITE]
    why = guards.why_cut(observation(energy=[33.0, 31.0, np.inf]), limits(), cell)
    assert list(why) == [reasons.TOO_HIGH, "", reasons.NOT_FINITE]


def test_limits_give_small_systems_room():
    small = Atoms("Ar2", [[0, 0, 0], [3, 0, 0]])
    found = guards.limits(
        settings_with(),
        np.array([100.0, 100.0]),
        frames_of(small, crystal()),
        np.array([-1.0, -5.0]),
    )
    assert found.temperature[0] > 1900  # chance alone
    assert found.temperature[1] == 500  # five times 100 K
    np.testing.assert_array_equal(found.energy, [1.0, 27.0])


def test_averages_and_drift_of_straight_lines():
    record = Record(frames_of(tetrahedron()), np.zeros(1, dtype=np.int64))
    record.energy_start[:] = -4000.0
    for time in range(100):
        seen = Observation(
            energy=np.array([-4000.0 + 0.02 * time]),
            kinetic=np.array([0.04 * time]),
            temperature=np.array([90.0]),
            pressure=np.array([np.nan]),
            reach=np.zeros(1),
            strain=np.zeros(1),
        )
        one = np.array([0])
        at = RecordedStep(one, time * 5.0, seen, np.array([80.0]), None, np.eye(3)[None])
        record.average(at, np.array([True]))
    means = record.averages()
    # 0.02 eV per 5 fs over four atoms: 1 eV/atom/ps; with the kinetic energy three times that.
    assert means["drift"][0] == pytest.approx(1.0, rel=1e-9)
    assert means["total_drift"][0] == pytest.approx(3.0, rel=1e-9)
    assert means["energy"][0] == pytest.approx(-1000 + 0.02 * 49.5 / 4, rel=1e-12)
    assert (means["temperature_K"][0], means["target"][0]) == (90, 80)


def test_constant_energy_with_a_ramp_is_refused():
    ramp = SETTINGS | {"ensemble": "NVE", "temperature_K": {"from": 1, "to": 2}}
    with pytest.raises(LimbeckError, match=r"sampling\.test\.temperature_K: a ramp with"):
        sampling("md", ramp)


def resolved(**changes) -> dict:
    config = yaml.safe_load((ROOT / "tests/config/tiny.yaml").read_text())
    config["sampling"]["md"] |= changes
    return resolve(config).sampling["md"].model_dump()


@pytest.mark.parametrize("value", [300, [100, 300.5], {"from": 10, "to": 500}])
def test_a_config_takes_values_lists_and_ramps(value):
    assert resolved(temperature_K=value)["temperature_K"] == value
    assert resolved(pressure_GPa=value)["pressure_GPa"] == value


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature_K": -1},
        {"temperature_K": []},
        {"temperature_K": [300, 300]},
        {"temperature_K": {"from": 100}},
        {"temperature_K": {"from": 100, "to": 200, "by": 5}},
        {"temperature_K": {"from": 100, "to": 200}, "ensemble": "NVE"},
        {"ensemble": "NPH"},
        {"nvt_algorithm": "berendsen"},
        {"npt_algorithm": "csvr"},
    ],
)
def test_a_config_refuses_what_cannot_be(changes):
    with pytest.raises(LimbeckError, match=r"sampling\.md"):
        resolved(**changes)


def test_defaults_are_those_of_the_documentation():
    config = yaml.safe_load((ROOT / "tests/config/tiny.yaml").read_text())
    bare = {"method": "md", "sources": ["clusters"], "potential": "emt"}
    config["sampling"]["md"] = bare
    found = resolve(config).sampling["md"].model_dump()
    expected = {
        "ensemble": "NVT",
        "nvt_algorithm": "csvr",
        "npt_algorithm": "mtk_full",
        "temperature_K": 298.15,
        "pressure_GPa": 1e-4,
        "time_total_fs": 50000,
        "time_equilibration_fs": 5000,
        "time_step_fs": 0.5,
        "sampling_interval_fs": 50,
        "thermostat_time_fs": 100,
        "barostat_time_fs": 1000,
        "supercell_radius_A": 25,
        "relax_input_cell": "constant_volume",
        "batch_atoms": None,
    }
    assert {name: found[name] for name in expected} == expected
