"""The report on dynamics, phonons and clusters: numbers that are known, sections that are asked."""

import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import PurePath
from unittest import mock

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from jobs_of import subsystem_job
from limbeck.config import plan
from limbeck.datasets.split import PARTS
from limbeck.errors import LimbeckError
from limbeck.files import write_csv, write_json
from limbeck.frames import from_atoms
from limbeck.molecules.subsystems import CLUSTER_COLUMNS as CLUSTERS
from limbeck.molecules.subsystems import extract_subsystems
from limbeck.phonons.record import FORCE_CONSTANT_COLUMNS as CONSTANTS
from limbeck.reasons import OFF_TARGET
from limbeck.report.page.cols import reasons
from limbeck.report.run.folder import Run
from limbeck.report.sections import MADE, sections_of
from limbeck.report.topics import clusters, dynamics, labels, phonons
from limbeck.report.topics.dynamics import TRACE
from limbeck.sampling.phonons import PHONON_COLUMNS as DRAWS
from limbeck.storage import write_frames
from report_results import SETTINGS, build, opened

RULE = {
    "rule": "closest_to_central_molecule", "n_molecules": [1, 2, 9],
    "detect_molecules_in": "each_frame",
    "assert_identical_composition": True, "many_body_order": None, "charges": {},
    "bond_factor": 1.25, "potential": None, "keep": [],
}  # fmt: skip


def settings_of():
    """A run on one crystal of water: constants, two samplings along phonons, clusters of one."""
    settings = deepcopy(SETTINGS)
    settings["sources"] = {"ice": {"kind": "file", "count": 2, "path": "ice.cif", "shards": 1}}
    settings["force_constants"] = {"ice": {"sources": ["ice"], "potential": "mace-demo"}}
    phonons = {"method": "phonons", "sources": ["ice"], "force_constants": "ice", "keep": []}
    window = {"freq_min_THz": 0.1, "freq_max_THz": 8.0, "selected_modes": None}
    settings["sampling"] = {
        "warm": {**phonons, **window, "draw": "canonical"},
        "scan": {**phonons, **window, "draw": "mode_scan"},
        "unused": {"method": "md", "sources": ["ice"], "potential": "mace-demo"},
    }
    settings["subsystems"] = {"clusters": {"of": ["warm"], **RULE}}
    settings["delta"] = {"xtb-to-chgnet": {"baseline": "xtb", "target": "chgnet"}}
    settings["select"] = {"include": ["clusters", "scan"], "count": 9, "slices": 1}
    return settings


def crystal():
    """Eight molecules of water far enough apart, on a lattice of 5 A."""
    water = molecule("H2O")
    places = np.stack(np.meshgrid(*[np.arange(2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * 5.0
    atoms = sum((Atoms(water.numbers, water.positions + p) for p in places), Atoms())
    atoms.set_cell(np.eye(3) * 10.0)
    atoms.pbc = True
    return from_atoms([atoms], groups=["ice"], source="ice", sampling="warm")


def bands():
    leg = {"distance_per_A": [0.0, 0.1, 0.2], "frequencies_THz": [[0, 5], [-1, 6], [2, 30.0]]}
    jump = {"distance_per_A": [0.2, 0.3, 0.4], "frequencies_THz": [[3, 7], [4, 8], [4, 9]]}
    return {
        "path": "GX,MA",
        "segments": [leg | {"labels": ["G", "X"]}, jump | {"labels": ["M", "A"]}],
        "dos": {"frequency_THz": [-1.0, 0, 4, 8, 30], "states_per_THz": [0.0, 0.1, 0.2, 0.3, 0.0]},
    }


@pytest.fixture(scope="module")
def settings():
    return settings_of()


@pytest.fixture(scope="module")
def results(tmp_path_factory, settings):
    folder = tmp_path_factory.mktemp("results")
    frames = crystal()
    write_frames(folder / "screened/ice/0.h5", frames, stage="screen")
    identity = frames.id[0].decode()
    row = dict.fromkeys(CONSTANTS, "")
    good = row | {"id": identity, "n_atoms": 24, "supercell_atoms": 24, "displacements": 6}
    good |= {"acoustic_sum_eV_per_A2": 1e-4, "lowest_THz": -1.0, "modes": 72}
    good |= {"imaginary_modes": 1, "seconds": 2.5}
    good |= {"unexplained_forces": 0.056, "second_step_A": 0.06, "second_step_difference": 0.206}
    refused = row | {"id": "12e45", "n_atoms": 3, "reason": "isolated: phonons are of crystals"}
    place = folder / "force_constants/ice/ice/0"
    write_csv(f"{place}.csv", CONSTANTS, [list(good.values()), list(refused.values())])
    write_json(place / identity / "bands.json", bands())
    for name, ratio, error in (("warm", 0.9, 0.1), ("scan", 5.0, 0.0)):
        rows = [
            [identity, 24, 20, 10, ratio, error, 0.4, 0.25, 3, 1, ""],
            ["12e45", 3, 0, 0, "", "", "", "", 0, 0, "no force constants"],
        ]
        write_csv(folder / f"samples/{name}/ice/0.csv", DRAWS, rows)
    learned = {"energy_rms_meV_per_atom": 4e4, "energy_less_atoms_rms_meV_per_atom": 5.0}
    part = learned | {"frames": 7, "forces_rms_meV_per_A": 480.0}
    write_json(folder / "delta/xtb-to-chgnet/counts.json", dict.fromkeys(PARTS, part))
    own = RULE | {"seed": 1, "subsystem": "clusters", "sampling": "warm"}
    found = extract_subsystems(frames, subsystem_job(own))
    path = folder / "subsystems/clusters/warm/ice/0"
    write_frames(path.with_suffix(".h5"), found.frames, stage="extract_subsystems")
    write_csv(path.with_suffix(".csv"), CLUSTERS, found.rows)
    return folder


@pytest.fixture(scope="module")
def run(results, settings):
    return opened(results, settings)


def made_of(run):
    """Sections of what a run made beside labels and students."""
    parts = [part for topic in MADE[2:] for part in topic.parts_of(run)]
    return [*parts, *([labels.deltas_table(run)] if run.config.delta else [])]


def test_a_run_has_the_sections_that_it_made_something_for(run, settings, tmp_path):
    phonon, cluster, deltas = made_of(run)
    assert (phonon.title, cluster.title, deltas.name) == ("Phonons", "Clusters", "deltas")
    nothing = deepcopy(settings)
    nothing |= {"force_constants": {}, "subsystems": {}, "sampling": {}, "delta": {}}
    nothing["select"]["include"] = ["generated"]
    assert made_of(opened(tmp_path, nothing)) == []


def test_nothing_is_read_but_the_inputs_of_the_report(run):
    """Of a folder that is an input, any file."""
    with mock.patch.object(Run, "path", autospec=True, side_effect=Run.path) as path:
        made_of(run)
        seen = {PurePath(call.args[1]) for call in path.call_args_list}
    inputs = {PurePath(name) for name in plan.results(run.config)}
    assert {name.suffix for name in seen} == {".h5", ".csv", ".json"}
    assert all({name, *name.parents} & inputs for name in seen)


def test_a_crystal_whose_bands_are_gone_is_no_crystal_without(run, results, tmp_path, settings):
    """It was left out of the figures without a word."""
    folder = shutil.copytree(results, tmp_path / "results")
    (bands,) = folder.rglob("bands.json")
    bands.unlink()
    with pytest.raises(LimbeckError, match=r"bands\.json: no such file"):
        made_of(opened(folder, settings))


def test_force_constants_are_counted_with_their_reasons(run):
    made = run.config.force_constants
    found = run.shards("force_constants", made, *phonons.CONSTANTS, of="force_constants")
    (row,) = phonons.constants_table(found).data.to_dict("records")
    assert (row["structures"], row["good"], row["displacements"]) == (2, 1, 6)
    assert (row["lowest_THz"], row["with_imaginary"]) == (-1.0, 1)
    assert row["reasons"] == "isolated: phonons are of crystals (1)"
    assert phonons.crystals_table(found).data["id"].tolist()[1] == "12e45"  # no number


def test_bands_are_drawn_with_the_names_of_their_points(run):
    (first,) = phonons.crystals(run, "ice")
    figure = phonons.bands_figure("ice", first, phonons.windows(run, "ice"))
    left, right, low, _ = figure.canvas.axes
    assert [t.get_text() for t in left.get_xticklabels()] == ["Γ", "X|M", "A"]
    assert left.get_ylim()[0] < -1  # imaginary ones are seen
    assert len(left.lines) == 2 * 2 + 1  # two bands of two legs, and the line at zero
    assert right.get_ylim() == left.get_ylim()
    assert low.get_ylim()[1] < 10 < left.get_ylim()[1]  # the window once more
    assert "H2O" in figure.caption
    assert "−1 THz" in figure.caption
    assert figure.data["segment"].unique().tolist() == ["G-X", "M-A"]


def test_a_spectrum_without_high_modes_is_drawn_once(run):
    (first,) = phonons.crystals(run, "ice")
    spectrum = deepcopy(first.spectrum)
    spectrum["segments"][0]["frequencies_THz"][2][1] = 7.0
    taken = phonons.windows(run, "ice")
    figure = phonons.bands_figure("ice", replace(first, spectrum=spectrum), taken)
    assert len(figure.canvas.axes) == 2


def test_the_thermal_displacement_stands_beside_one_and_scans_do_not(run):
    figure = phonons.thermal_figure(run, phonons.draws(run))
    assert figure.data["sampling"].tolist() == ["warm"]
    (axes,) = figure.canvas.axes
    ends = axes.containers[0].lines[2][0].get_segments()[0][:, 0]
    assert ends.tolist() == pytest.approx([0.9 - 0.196, 0.9 + 0.196])
    table = phonons.draws_table(phonons.draws(run)).data.set_index("sampling")
    assert table.loc["scan", "sampled_over_thermal"] == 5.0
    assert table.loc["warm", ["structures", "frames", "too_near"]].tolist() == [1, 20, 1]
    assert table.loc["warm", "reasons"] == "no force constants (1)"


def test_differences_are_listed_by_part(run):
    table = labels.deltas_table(run)
    assert table.data["part"].tolist() == ["train", "valid", "test_known", "test_new"]
    assert table.data["target"].unique().tolist() == ["chgnet"]
    assert table.data["energy_less_atoms_rms_meV_per_atom"].tolist() == [5.0] * 4


def test_clusters_are_counted_by_size_and_reason(run):
    table = clusters.clusters_table(clusters.read(run, "clusters")[0])
    assert table.data["clusters"].tolist() == [1, 1, 0]
    assert table.data["n_atoms"].tolist() == ["3", "6", ""]
    assert table.data["composition"].tolist()[:2] == ["1 H2O (1)", "2 H2O (1)"]
    assert table.data["reasons"].iloc[2] == "9 molecules asked for, the frame has 8 (1)"
    assert "Within, Å" not in [c.heading for c in table.columns]


def test_a_cluster_of_each_size_is_drawn_to_one_scale(run):
    figure = clusters.picture("clusters", clusters.read(run, "clusters")[1])
    one, two, *_ = figure.canvas.axes
    assert (one.get_title(), two.get_title()) == ("1 molecule", "2 molecules")
    assert one.get_xlim() == two.get_xlim()
    assert (len(one.patches), len(two.patches)) == (3, 6)
    assert len(two.lines) == 4  # bonds; none between the molecules
    pale = [sum(p.get_facecolor()) for p in two.patches]  # the second molecule of the two
    assert pale[3] > pale[0]
    assert "(6 atoms)" in figure.alt


def test_the_view_is_along_the_thinnest_direction():
    """A flat molecule, put askew, lies in the plane of the paper; distances stay."""
    flat = molecule("H2O").positions
    askew = flat @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    found = clusters._flat(askew)
    # rounding of coordinates near 1 A
    np.testing.assert_allclose(found[:, 2], 0, atol=1e-12)
    apart = np.linalg.norm(found[1] - found[2]) - np.linalg.norm(flat[1] - flat[2])
    assert abs(apart) < 1e-12
    assert np.ptp(found[:, 0]) >= np.ptp(found[:, 1])


def test_reasons_are_counted_the_most_frequent_first():
    assert reasons(["hot", "near", "hot", None, np.nan]) == "hot (2), near (1)"
    assert reasons([]) == ""


@pytest.mark.parametrize(
    "missing",
    [
        "force_constants/ice/ice/0.csv",
        "samples/warm/ice/0.csv",
        "subsystems/clusters/warm/ice/0.csv",
        "subsystems/clusters/warm/ice/0.h5",
        "screened/ice/0.h5",
    ],
)
def test_a_promised_file_that_is_missing_is_named(results, settings, missing, tmp_path):
    kept = (results / missing).rename(tmp_path / "kept")
    try:
        with pytest.raises(LimbeckError, match=f"{missing}: no such file"):
            made_of(opened(results, settings))
    finally:
        kept.rename(results / missing)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """The made-up run, with trajectories of known temperature."""
    return opened(build(tmp_path_factory.mktemp("results") / "made-up"), SETTINGS)


def summary(run):
    """The table of dynamics."""
    return dynamics.summary_table(run, dynamics.read(run)[1]).data


def test_temperatures_and_their_fluctuation_stand_beside_what_they_should_be(made_up):
    table = summary(made_up)
    assert table["source"].tolist() == ["organics", "rocksalts"]
    assert table["reasons"].tolist() == ["too hot (1)", "too hot (2)"]
    assert table["doubts"].tolist() == [f"{OFF_TARGET} (1)", f"{OFF_TARGET} (2)"]
    means = dynamics.means_table(dynamics.read(made_up)[2]).data.set_index("quantity")
    kelvin = means.loc["Temperature, K"]
    assert kelvin["target"].tolist() == [300, 300]
    # made of 11 and 14 numbers with a spread of 40 K
    assert kelvin["mean"].to_numpy() == pytest.approx(300, abs=4 * 40 / np.sqrt(11))
    assert kelvin["verdict"].tolist() == ["equilibrated"] * 2
    assert means.loc["Potential energy, meV/atom", "mean"].isna().all()
    assert table["canonical_spread_K"].to_numpy() == pytest.approx(300 * np.sqrt(2 / 12))
    # of 90 numbers the standard deviation is known to 8 %
    assert table["spread_K"].to_numpy() == pytest.approx(300 * np.sqrt(2 / 12), rel=0.3)
    assert table["drift_meV_per_atom_per_ps"].tolist() == [1, 1]


def test_where_nothing_holds_the_temperature_the_drift_is_that_of_the_total_energy(made_up):
    closed = deepcopy(SETTINGS)
    closed["sampling"]["md-300"]["ensemble"] = "NVE"
    table = summary(opened(made_up.folder, closed))
    assert table["drift_meV_per_atom_per_ps"].tolist() == [2, 2]
    assert table["drift_of"].tolist() == ["total"] * 2
    assert table["canonical_spread_K"].isna().all()


ROW = {
    "n_atoms": 5, "target_K": 200, "temperature_K": 200, "temperature_error_K": 10,
    "density_g_cm3": "", "energy_drift_eV_per_atom_per_ps": 0,
    "total_energy_drift_eV_per_atom_per_ps": 0, "doubt": "", "cut": "",
}  # fmt: skip


def along(folder, temperatures, targets):
    """What is read of trajectories of one structure, every 50 fs, equilibrated from 100 fs on."""
    settings = deepcopy(SETTINGS)
    settings["sources"] = {"organics": SETTINGS["sources"]["organics"]}
    settings["sampling"] = {"md-300": {**SETTINGS["sampling"]["md-300"], "sources": ["organics"]}}
    settings["select"] = {"include": ["md-300"], "count": 9, "slices": 1}
    path = folder / "samples/md-300/organics/0"
    traced, rows = [], []
    for number, (seen, target) in enumerate(zip(temperatures, targets, strict=True)):
        rows.append(["12e45", number, *ROW.values()])
        for step, (t, of) in enumerate(zip(seen, target, strict=True)):
            traced.append(["12e45", number, 50.0 * step, t, of, -1.0, ""])
    rows.append(["b", 0, 1, "", "", "", "", "", "", "", "a lone atom"])
    write_csv(path.with_suffix(".trace.csv"), TRACE, traced)
    write_csv(
        path.with_suffix(".csv"),
        ["id", "trajectory", "frames", *ROW],
        rows=[[*row[:2], 1, *row[2:]] for row in rows],
    )
    return opened(folder, settings)


def test_what_is_seen_before_equilibration_does_not_count(tmp_path):
    """Two numbers far off: first, then last (negative control)."""
    early = along(tmp_path / "a", [[9000, 9000, 300, 310, 290]], [[300] * 5])
    assert dynamics.read(early)[1]["spread_K"][0] == pytest.approx(10)
    late = along(tmp_path / "b", [[300, 310, 290, 9000, 9000]], [[300] * 5])
    assert dynamics.read(late)[1]["spread_K"][0] > 1000


def test_a_ramp_fluctuates_about_its_target_and_trajectories_of_one_structure_are_kept_apart(
    tmp_path,
):
    ramp = np.linspace(100, 300, 21)
    run = along(tmp_path, [ramp, 400 + np.tile([1, -1], 10)], [ramp, [400] * 20])
    traces, trajectories, _ = dynamics.read(run)
    spread = trajectories["spread_K"].tolist()
    assert spread[0] == 0
    assert spread[1] == pytest.approx(np.sqrt(18 / 17))  # of 18 numbers, 1 or -1
    assert np.isnan(spread[2])
    figure = dynamics.trace_figure(run, "md-300", traces["md-300"])
    assert len(figure.canvas.axes) == 2  # no density of what is isolated
    targets = [line for line in figure.canvas.axes[0].lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in targets] == [100, 400]
    assert summary(run)["reasons"].tolist() == ["a lone atom (1)"]


def test_the_figure_of_means_is_for_several_trajectories(made_up, tmp_path):
    _, trajectories, _ = dynamics.read(made_up)
    figure = dynamics.temperature_figure(made_up, trajectories)
    assert figure.data["id"].nunique() == 25
    alone = along(tmp_path, [[300] * 5], [[300] * 5])
    assert dynamics.temperature_figure(alone, dynamics.read(alone)[1][:1]) is None


def test_density_is_drawn_where_it_changes_and_a_cut_is_marked(made_up):
    trace = dynamics.read(made_up)[0]["md-300"]
    steady, moving = (trace.assign(density_g_cm3=d) for d in (1.0, trace["time_fs"]))
    figures = [dynamics.trace_figure(made_up, "md-300", t) for t in (trace, steady, moving)]
    assert [len(figure.canvas.axes) for figure in figures] == [2, 2, 3]
    figure = figures[0]
    crosses = [line for line in figure.canvas.axes[0].lines if line.get_marker() == "x"]
    assert len(crosses) == figure.data.groupby(["source", "shard", "id"]).size().lt(11).sum()
    assert "the first 12 trajectories" in figure.caption


def test_the_page_has_dynamics_only_where_there_are_some(made_up):
    anchors = [s.anchor for s in sections_of(made_up)]
    assert anchors[anchors.index("diversity") + 1] == "dynamics"
    assert not {"phonons", "clusters", "delta"} & set(anchors)
    without = deepcopy(SETTINGS)
    without["select"]["include"] = ["rattled"]
    without = opened(made_up.folder, without)
    assert "dynamics" not in [s.anchor for s in sections_of(without)]
