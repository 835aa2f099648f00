"""Which trajectories are marked: made-up temperatures of known likeness, then copper clusters."""

import logging

import numpy as np
import pytest
from ase.build import bulk
from ase.cluster import Icosahedron

from argon import SETTINGS, frames_of, tetrahedron
from jobs_of import sampling
from limbeck import reasons
from limbeck.config.load import load
from limbeck.config.text import read_yaml
from limbeck.frames import from_atoms
from limbeck.potentials.batches import Limits
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.sampling.dynamics import run as md
from limbeck.sampling.dynamics.record import TRAJECTORY_COLUMNS
from limbeck.sampling.dynamics.temperature import BLOCKS, BlockAverages, alike, doubts

TIMES = {"time_step_fs": 2.0, "time_equilibration_fs": 200.0, "thermostat_time_fs": 20.0}


def own(**changes):
    return sampling("md", SETTINGS | TIMES | {"sampling_interval_fs": 20.0} | changes)


def made_up(settings, count: int, *, off: float = 0.0, seed: int = 1) -> BlockAverages:
    """Temperatures 30 K about ``off``, which forget themselves in the thermostat time."""
    rng, blocks = np.random.default_rng(seed), BlockAverages(count, settings)
    kept = np.exp(-settings.time_step_fs / settings.thermostat_time_fs)
    seen = rng.normal(size=count)
    for step in range(settings.steps + 1):
        seen = kept * seen + np.sqrt(1 - kept**2) * rng.normal(size=count)
        if settings.equilibrated(step):
            warm = 300 + off + 30 * seen
            blocks.add(np.arange(count), settings.time_fs(step), warm, np.full(count, 300.0))
    return blocks


@pytest.mark.parametrize("total", [400.0, 1200.0, 4200.0])
def test_the_error_is_that_of_the_mean_however_long_the_blocks_are(total):
    """From one thermostat time to twenty of them."""
    found = made_up(own(time_total_fs=total), 2000).offset()
    assert set(found.blocks) == {BLOCKS}
    truth = found.mean.std(ddof=1)
    # 2,000 means have their standard deviation to 1.6 %; five of that
    assert np.sqrt((found.error**2).mean()) == pytest.approx(truth, rel=0.08)
    # negative control: blocks taken as independent
    naive = found.error / np.sqrt(alike((total - 200) / BLOCKS / 20.0, np.array(BLOCKS)))
    expected = {400.0: 0.65, 1200.0: 0.9, 4200.0: 1.03}[total]
    assert np.sqrt((naive**2).mean()) < expected * truth


@pytest.mark.parametrize("total", [400.0, 4200.0])
def test_of_right_trajectories_chance_marks_one_in_a_hundred(total):
    settings = own(time_total_fs=total)
    # each with a target of its own, so that none is judged by the others
    marks = doubts(settings, np.arange(2000), made_up(settings, 2000).offset())
    assert set(marks) == {"", reasons.OFF_TARGET}
    share = (marks != "").mean()
    # of short trajectories the means of blocks are not quite normal, nor their likeness a number
    assert 0.003 < share < 0.03


def test_a_trajectory_that_is_too_warm_is_marked():
    settings = own(time_total_fs=4200.0)
    # 200 thermostat times: an error of 30 sqrt(2 / 200) = 3 K, of which 20 K are nearly seven
    marks = doubts(settings, np.arange(200), made_up(settings, 200, off=20.0).offset())
    assert (marks == reasons.OFF_TARGET).mean() > 0.95


def test_what_a_time_step_does_is_let_pass_however_sure():
    """4 K of 300 K, which 40 long trajectories together show beyond doubt."""
    settings = own(time_total_fs=4200.0)
    found = made_up(settings, 40, off=4.0).offset()
    assert found.mean.mean() > 5 * found.mean.std(ddof=1) / np.sqrt(40)
    marks = doubts(settings, np.zeros(40, dtype=int), found)
    assert reasons.OFF_TARGET_TOGETHER not in marks


def test_what_no_trajectory_shows_alone_all_of_them_do():
    settings = own(time_total_fs=400.0)
    found = made_up(settings, 40, off=20.0).offset()
    alone = doubts(settings, np.arange(40), found)
    assert (alone != "").mean() < 0.3
    together = doubts(settings, np.zeros(40, dtype=int), found)
    assert set(together) <= {reasons.OFF_TARGET, reasons.OFF_TARGET_TOGETHER}
    right = made_up(settings, 40).offset()
    assert reasons.OFF_TARGET_TOGETHER not in doubts(settings, np.zeros(40, dtype=int), right)


def test_what_is_not_held_or_not_seen_is_not_tested():
    for changes in ({"ensemble": "NVE"}, {}):
        settings = own(time_total_fs=400.0, **changes)
        found = made_up(settings, 40, off=500.0).offset()
        marks = doubts(settings, np.arange(40), found)
        assert (marks == "").all() == ("ensemble" in changes)
    nothing = BlockAverages(6, settings).offset()
    assert np.isnan(nothing.mean).all()
    assert not doubts(settings, np.zeros(6, dtype=int), nothing).any()


@pytest.mark.parametrize(("equilibration", "waits"), [(199.0, False), (200.0, True)])
def test_less_than_ten_thermostat_times_are_no_equilibration(equilibration, waits):
    settings = own(time_total_fs=400.0, time_equilibration_fs=equilibration)
    marks = doubts(settings, np.arange(5), made_up(settings, 5).offset())
    assert set(marks) == ({""} if waits else {reasons.NOT_EQUILIBRATED})


#: training data for the models of the demo: variety is all they are for, and their comments say so
NOT_EQUILIBRATED = {"demo_models", "urea_model"}


@pytest.mark.parametrize("folder", ["config", "tests/config"])
def test_dynamics_that_is_shipped_starts_at_rest_and_waits(folder, repository):
    found = {}
    for path in sorted((repository / folder).glob("*.yaml")):
        if "sampling" not in read_yaml(path):
            continue  # and perhaps the files of its sources are not there
        made = [own for own in load(path).sampling.values() if own.method == "md"]
        found |= {path.stem: all(o.waits and o.relax_input_cell != "none" for o in made)}
    assert {name for name, right in found.items() if not right} == NOT_EQUILIBRATED & found.keys()
    assert len(found) > 1


def of_dynamics(frames, potential, **changes):
    settings = own(**changes)
    potential.batch_limits = dict.fromkeys((True, False), Limits(256))
    record = md.run_dynamics(frames, potential, settings, seed=1, place="test/s/0")
    return record, record.sample(sampling="test", seed=1)


def strained(seed: int):
    """A copper cluster that is not at rest: it releases heat for some 100 K."""
    atoms = Icosahedron("Cu", 2)
    atoms.cell, atoms.pbc = None, False
    atoms.rattle(0.12, seed=seed)
    return atoms


def test_clusters_that_are_not_relaxed_are_too_warm_and_say_so():
    """As in a demo with 100 fs of equilibration at a thermostat time of 100 fs."""
    frames = from_atoms([strained(i) for i in range(6)], groups=["Cu13"] * 6, source="s")
    short = {
        "temperature_K": 300.0, "time_total_fs": 300.0, "time_equilibration_fs": 100.0,
        "thermostat_time_fs": 100.0, "nvt_algorithm": "langevin", "sampling_interval_fs": 50.0,
    }  # fmt: skip
    record, made = of_dynamics(frames, EffectiveMedium(), **short)
    assert record.averages()["temperature_K"].mean() > 330
    assert set(record.doubts()) == {reasons.NOT_EQUILIBRATED}
    infos = [made.frames.info_of(b) for b in range(len(made.frames))]
    assert {info["temperature_K"] for info in infos} == {300.0}
    assert {info["doubt"] for info in infos} == {reasons.NOT_EQUILIBRATED}
    place = TRAJECTORY_COLUMNS.index("temperature_K")
    measured = {row[0]: row[place] for row in made.rows}
    for b, info in enumerate(infos):
        expected = measured[made.frames.parent[b].decode()]
        assert info["temperature_measured_K"] == pytest.approx(expected, abs=1e-3)
    # relaxed, and with ten thermostat times
    right = short | {
        "relax_input_cell": "only_atoms", "relax_force_tolerance_eV_per_A": 0.05,
        "relax_steps": 500, "thermostat_time_fs": 20.0, "time_equilibration_fs": 200.0,
        "time_total_fs": 400.0,
    }  # fmt: skip
    record, made = of_dynamics(frames, EffectiveMedium(), **right)
    means = record.averages()["temperature_K"]
    # 36 degrees of freedom, 200 / (2 x 20) = 5 independent looks at each of six: four errors
    assert abs(means.mean() - 300) < 4 * 300 * np.sqrt(2 / (36 * 5 * 6))
    assert set(record.doubts()) <= {"", reasons.OFF_TARGET}
    assert (record.doubts() == "").sum() >= 5
    assert "temperature_error_K" in made.frames.info_of(0)


def test_a_ramp_is_measured_from_its_target():
    record, made = of_dynamics(
        frames_of(*(tetrahedron(i) for i in range(6))), LennardJones(),
        temperature_K={"from": 50.0, "to": 150.0}, time_total_fs=400.0, nvt_algorithm="langevin",
    )  # fmt: skip
    means = record.averages()
    apart = means["temperature_K"] - means["target"]
    for b in range(len(made.frames)):
        info = made.frames.info_of(b)
        whose = int(np.flatnonzero(record.frames.id == made.frames.parent[b])[0])
        expected = info["temperature_K"] + apart[whose]
        assert info["temperature_measured_K"] == pytest.approx(expected, abs=1e-3)


def test_the_log_counts_what_is_in_doubt(monkeypatch, caplog):
    from jobs_of import sample_job

    monkeypatch.setattr(md, "opened", lambda job: EffectiveMedium())
    toy = {"name": "emt", "model": "emt"}
    job = sample_job("md", SETTINGS | TIMES | {
        "seed": 1, "potential": toy, "time_equilibration_fs": 20.0, "time_total_fs": 40.0,
        "sampling_interval_fs": 20.0,
    })  # fmt: skip
    with caplog.at_level(logging.WARNING):
        made = md.sample(frames_of(bulk("Cu", cubic=True)), job.sampling, job)
    measured = made.rows[0][TRAJECTORY_COLUMNS.index("temperature_K")]
    assert f"test/s/0: 1 of 1 trajectories: {reasons.NOT_EQUILIBRATED}" in caplog.text
    assert f"they average {measured:.0f} K, 100 K asked for" in caplog.text
    assert made.rows[0][TRAJECTORY_COLUMNS.index("doubt")] == reasons.NOT_EQUILIBRATED
