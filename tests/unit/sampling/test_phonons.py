"""Frames along phonons: ancestry, what they say of themselves, and what is set aside."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from harmonic import copper, copper_gold, settings
from jobs_of import sample_job
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.phonons.calculation import force_constants
from limbeck.phonons.modes import modes_of
from limbeck.phonons.record import write_crystal
from limbeck.phonons.store import load_phonons
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.sampling import sample
from limbeck.sampling.phonons import nearest_distances

SETTINGS = {
    "method": "phonons",
    "seed": 1,
    "sampling": "modes",
    "draw": "canonical",
    "statistics": "quantum",
    "temperature_K": 300.0,
    "k_point_mesh": "gamma",
    "freq_min_THz": 0.1,
    "freq_max_THz": None,
    "selected_modes": None,
    "n_frames": 4,
    "amplitude_factor": 3.0,
    "time_step_fs": 100.0,
    "min_distance_ratio": 0.5,
}


@pytest.fixture(scope="module")
def structures():
    """Cu3Au, copper, body-centred copper, a molecule."""
    atoms = [copper_gold(), copper(), bulk("Cu", "bcc", 2.87), Atoms("OH", [[0, 0, 0], [0, 0, 1]])]
    return from_atoms(atoms, groups=list("abcd"), source="s", infos=[{"name": x} for x in "abcd"])


@pytest.fixture(scope="module")
def folder(structures, tmp_path_factory):
    """Force constants of those that have them, of supercells of eight cells."""
    folder = tmp_path_factory.mktemp("force_constants")
    own = settings(supercell_matrix=[2, 2, 2])
    results = force_constants(structures, EffectiveMedium(), own, seed=1, name="test")
    for identity, found in zip(structures.id, results, strict=True):
        if not found.reason:
            write_crystal(folder / identity.decode(), found)
    return folder


def run(structures, folder, **changes):
    made = sample(
        structures,
        sample_job("phonons", SETTINGS | {"force_constants": str(folder)} | changes),
    )
    return made.frames, [dict(zip(made.columns, row, strict=True)) for row in made.rows]


def test_frames_descend_from_the_screened_structure(structures, folder):
    frames, rows = run(structures, folder)
    assert len(frames) == 4
    assert set(frames.parent) == {structures.id[0]}
    assert set(frames.root) == {structures.id[0]}
    assert set(frames.group) == {b"a"}
    assert set(frames.sampling) == {b"modes"}
    assert set(frames.n_atoms) == {32}
    info = frames.info_of(0)
    assert info["name"] == "a"
    assert info["supercell"] == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert info["temperature_K"] == 300
    assert info["modes"] == 9
    assert len(set(frames.id)) == 4
    assert rows[0]["frames"] == 4
    assert rows[0]["reason"] == ""


def test_canonical_frames_say_which_share_of_the_thermal_displacement_moved(structures, folder):
    """At Gamma alone the modes of eight cells have a small part of it; all of them have it all."""
    part, rows = run(structures, folder)
    whole, _ = run(structures, folder, k_point_mesh="all", freq_min_THz=0.0)
    phonon = load_phonons(folder / structures.id[0].decode())
    modes = modes_of(phonon)
    # phonopy's own mean-square displacement of each atom, of a mesh of eight q-points and of Gamma
    shares = []
    for mesh in ([2, 2, 2], [1, 1, 1]):
        phonon.run_mesh(mesh, with_eigenvectors=True, is_mesh_symmetry=False, is_gamma_center=True)
        found = phonon.run_thermal_displacements(temperatures=[300.0], freq_min=0.01)
        shares.append(found.thermal_displacements[0].sum() * np.prod(mesh))
    assert part.info_of(0)["thermal_share"] == pytest.approx(shares[1] / shares[0], rel=1e-4)
    assert float(rows[0]["thermal_share"]) == pytest.approx(shares[1] / shares[0], rel=1e-3)
    assert part.info_of(0)["thermal_share"] < 0.1
    assert whole.info_of(0)["thermal_share"] == pytest.approx(1)
    assert whole.info_of(0)["modes"] == modes.waves(~modes.translations) == 8 * 12 - 3
    alone = structures.select([0])
    scan, _ = run(alone, folder, draw="mode_scan", k_point_mesh="all")
    each = [scan.info_of(b)["thermal_share"] for b in range(0, len(scan), 4)]
    assert len(each) == 93
    assert sum(each) == pytest.approx(1, abs=1e-4)  # each is rounded to 1e-6


def test_displacements_beyond_a_fifth_of_the_nearest_distance_are_flagged(
    structures, folder, caplog
):
    frames, rows = run(structures, folder, draw="mode_scan")
    nearest = 3.72 / np.sqrt(2)
    infos = [frames.info_of(b) for b in range(len(frames))]
    assert not any(info["far"] for info in infos)
    assert "beyond what a harmonic" not in caplog.text
    wide = {"draw": "mode_scan", "amplitude_factor": 30.0, "min_distance_ratio": 0.1}
    far, more = run(structures, folder, **wide)
    infos = [far.info_of(b) for b in range(len(far))]
    reach = np.array([info["displacement_over_nearest"] for info in infos])
    flags = [info["far"] for info in infos]
    assert flags == (reach > 0.2).tolist()
    assert 0 < sum(flags) < len(flags)
    assert more[0]["far_frames"] == sum(flags)
    assert rows[0]["far_frames"] == 0
    assert float(more[0]["displacement_over_nearest"]) == pytest.approx(reach.max(), rel=1e-3)
    assert f"{sum(flags)} of 36 frames have an atom farther from rest than 0.2" in caplog.text
    # a scan at -3 and at 3 amplitudes is symmetric about rest: half of the way between the two
    one = far.positions.reshape(9, 4, 32, 3)
    longest = np.linalg.norm(one[:, 3] - one[:, 0], axis=2).max(axis=1) / 2
    np.testing.assert_allclose(reach.reshape(9, 4)[:, 3], longest / nearest, atol=1e-4)


def test_an_atom_may_have_its_own_image_as_its_nearest():
    frame = from_atoms(
        [bulk("Cu", "fcc", 3.6), bulk("Cu", "hcp", 2.5)], groups=["a", "b"], source="s"
    )
    np.testing.assert_allclose(nearest_distances(frame.select([0])), [3.6 / np.sqrt(2)])
    assert nearest_distances(frame.select([1])) == pytest.approx([2.5, 2.5], rel=0.01)


def test_every_structure_has_a_row_and_a_reason_where_it_has_no_frames(structures, folder):
    _, rows = run(structures, folder)
    assert [row["id"] for row in rows] == [name.decode() for name in structures.id]
    assert [row["reason"] for row in rows] == [
        "",
        "no mode is chosen: none in the window on the mesh",  # one atom, at Gamma
        "no force constants",
        "no force constants",
    ]
    assert [row["frames"] for row in rows] == [4, 0, 0, 0]


def test_a_scan_goes_evenly_out_along_each_mode(structures, folder):
    frames, rows = run(structures, folder, draw="mode_scan", temperature_K=30.0)
    assert rows[0]["modes"] == 9
    assert len(frames) == 9 * 4
    infos = [frames.info_of(b) for b in range(len(frames))]
    assert [info["amplitude"] for info in infos[:4]] == [-3, -1, 1, 3]
    assert [info["mode"] for info in infos] == np.repeat(np.arange(4, 13), 4).tolist()
    assert all(info["q_point"] == [0, 0, 0] for info in infos)
    one = frames.positions.reshape(9, 4, 32, 3)
    steps = np.diff(one, axis=1)  # of -3 to -1, -1 to 1, 1 to 3
    np.testing.assert_allclose(steps[:, 0], steps[:, 1], atol=1e-12)
    # z^2 of the four steps is 5 in the mean, which the table says as well
    assert float(rows[0]["sampled_over_thermal"]) == pytest.approx(5, rel=1e-3)


def test_time_passes(structures, folder):
    frames, _ = run(structures, folder, draw="time_propagation", k_point_mesh=[2, 2, 2])
    infos = [frames.info_of(b) for b in range(4)]
    assert [info["time_fs"] for info in infos] == [0, 100, 200, 300]
    assert len({info["frequency_THz"] for info in infos}) == 1


def test_selected_modes_override_the_window(structures, folder):
    changes = {"draw": "mode_scan", "selected_modes": [4, 12], "freq_max_THz": 0.2}
    frames, _ = run(structures, folder, **changes)
    assert {frames.info_of(b)["mode"] for b in range(len(frames))} == {4, 12}
    _, rows = run(structures, folder, selected_modes=[4, 13])
    assert rows[0]["reason"] == "selected_modes: 13, expected 1 to 12, the modes at each q-point"


def test_a_mesh_that_fits_no_supercell_is_an_error_and_says_which_do(structures, folder):
    with pytest.raises(
        LimbeckError, match=r"sampling.modes: k_point_mesh \[3, 3, 3\].*\[2, 2, 2\]"
    ):
        run(structures, folder, k_point_mesh=[3, 3, 3])


def test_frames_with_atoms_too_near_are_left_out_and_counted(structures, folder):
    changes = {"draw": "mode_scan", "amplitude_factor": 40.0, "min_distance_ratio": 0.8}
    frames, rows = run(structures, folder, **changes)
    assert rows[0]["too_near"] > 0
    assert rows[0]["too_near"] + rows[0]["frames"] == 36
    assert len(frames) == rows[0]["frames"]


def test_a_structure_is_sampled_in_the_same_way_in_any_company(structures, folder):
    changes = {"k_point_mesh": [2, 2, 2], "seed": 3}
    together, _ = run(structures, folder, **changes)
    alone = concatenate([run(structures.select([b]), folder, **changes)[0] for b in (0, 1)])
    assert together.id.tolist() == alone.id.tolist()
    again, _ = run(structures, folder, k_point_mesh=[2, 2, 2], seed=4)
    assert not set(again.id) & set(together.id)


def test_no_structures_give_no_frames(structures, folder):
    frames, rows = run(structures.select([]), folder)
    assert len(frames) == 0
    assert rows == []
