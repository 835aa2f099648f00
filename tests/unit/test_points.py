"""Points around molecules, where the electrostatic potential is asked for: ragged, as atoms are."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from ase.build import bulk, molecule

from limbeck import storage
from limbeck.averaging.views import Views
from limbeck.datasets.split import build, read_part
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, derive, from_atoms
from limbeck.geometry import near_origin, turn
from limbeck.labelling.label import label
from limbeck.labelling.store import LabelStore
from limbeck.labels import concatenate_labels, select_labels
from limbeck.properties import PROPERTIES, Predictions
from limbeck.symmetry.rotation import haar_rotations
from limbeck.warrant.gaps import measure_gaps
from planted import Planted, same_bits

VOLT_A = 14.399645  # e / (4 pi eps0), V Angstrom


def molecules():
    """Water, CO2 and a water far from the origin, with 5, 0 and 3 points around them."""
    structures = [molecule("H2O"), molecule("CO2"), molecule("H2O")]
    structures[2].positions += [30.0, -20.0, 10.0]
    frames = from_atoms(structures, groups=list("abc"), source="s")
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 3, (5, 3)), [30.0, -20.0, 10.0] + np.eye(3) * 4])
    return frames.with_points(np.array([5, 0, 3]), points)


class Charges(Planted):
    """The potential of charges of a thousandth of each atomic number, and one that a field along
    the laboratory's z of ``scale`` V/Angstrom adds, about the first atom."""

    def __init__(self, scale=0.0):
        super().__init__(scale)
        self.about = replace(self.about, properties=(*self.about.properties, "esp"))

    def evaluate(self, batch):
        esp = np.zeros(len(batch.points))
        for b in range(len(batch)):
            atoms, points = batch.atoms_of(b), batch.points_of(b)
            away = batch.points[points][:, None] - batch.positions[atoms]
            charges = VOLT_A * 1e-3 * batch.numbers[atoms]
            esp[points] = (charges / np.linalg.norm(away, axis=2)).sum(axis=1)
            esp[points] += self.scale * away[:, 0, 2]
        forces, energy = np.zeros((len(batch.numbers), 3)), np.zeros(len(batch))
        return Predictions(energy, forces, np.full((len(batch), 6), np.nan), esp=esp)


def distances(frames):
    """From every point to every atom of its frame."""
    return [
        np.linalg.norm(
            frames.points[frames.points_of(b)][:, None] - frames.positions[frames.atoms_of(b)],
            axis=2,
        )
        for b in range(len(frames))
    ]


def test_points_are_selected_and_put_together_with_their_frames():
    frames = molecules()
    turned_round = frames.select([2, 1, 0])
    assert turned_round.n_points.tolist() == [3, 0, 5]
    np.testing.assert_array_equal(turned_round.points[:3], frames.points[5:])
    again = concatenate([frames.select([0]), frames.select([1, 2])])
    np.testing.assert_array_equal(again.points, frames.points)
    assert frames.frame_of_point.tolist() == [0] * 5 + [2] * 3
    # what a structure is does not depend on where it is asked about
    np.testing.assert_array_equal(
        frames.id, replace(frames, n_points=0 * frames.n_points, points=frames.points[:0]).id
    )


def test_points_keep_their_distances_where_frames_turn_and_shift():
    frames = molecules()
    turned = turn(frames, haar_rotations(3, np.random.default_rng(0)))
    moved = near_origin(turned)
    assert np.abs(moved.positions[-1]).max() < 10 < np.abs(turned.positions[-1]).max()
    for other in (turned, moved):
        for one, two in zip(distances(frames), distances(other), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-12)  # rounding of positions up to 40 A
    assert np.abs(turned.points - frames.points).max() > 1


def test_frames_at_other_positions_have_no_points():
    frames = molecules()
    child = derive(frames, frames.positions + 0.1, frames.cell, sampling="md", seed=0)
    assert not len(child.points)
    assert child.n_points.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("n_points", "message"),
    [
        ([5, 0], r"n_points has 2 rows, expected 3"),
        ([5, 0, 2], r"points has 8 rows, expected 7"),
        ([9, -1, 0], r"n_points -1, expected none below 0"),
    ],
)
def test_points_that_do_not_fit_are_refused(n_points, message):
    frames = molecules()
    with pytest.raises(LimbeckError, match=message):
        frames.with_points(np.array(n_points), frames.points)


def test_a_crystal_has_no_points_around_it():
    frames = from_atoms([bulk("Cu")], groups=["a"], source="s")
    with pytest.raises(LimbeckError, match="frame 0 is periodic and has points around it"):
        frames.with_points(np.array([1]), np.zeros((1, 3)))


def test_labels_at_points_are_kept_selected_split_and_put_together(tmp_path):
    frames = molecules()
    made = label(Charges(), frames, Views())
    assert made.values["esp"].shape == (8,)
    # 0.008 + 0.001 + 0.001 e of a water, from 4 A: 36 mV; the protons are up to 1 A off
    np.testing.assert_allclose(made.values["esp"][5:], VOLT_A * 0.01 / 4, rtol=0.1)
    store = LabelStore(tmp_path / "store", Charges(), Views(), 1)
    for _ in range(2):  # written, then read
        assert same_bits(label(Charges(), frames, Views(), store=store), made)
    assert (store.made_entries, store.read_entries) == (1, 1)
    moved = frames.with_points(frames.n_points, frames.points + 0.1)
    assert not same_bits(label(Charges(), moved, Views(), store=store), made)
    storage.write_labels(tmp_path / "b.h5", "rhf", made)
    read = storage.read_labels(tmp_path / "b.h5", "rhf")
    assert same_bits(read, made)
    np.testing.assert_array_equal(read.points, frames.points)
    assert read.n_points.tolist() == [5, 0, 3]
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["grids/rhf/offsets"][()].tolist() == [0, 5, 5, 8]
        assert file["grids/rhf/points"].attrs["unit"] == b"Angstrom"
        assert file["grids/rhf/values"].attrs["unit"] == b"V"
    parts = [select_labels(made, np.array([b])) for b in range(3)]
    again = concatenate_labels(parts)  # that of no points is one of them
    assert same_bits(again, made)
    np.testing.assert_array_equal(again.points, made.points)


def test_a_part_of_a_data_set_has_the_points_around_its_frames(tmp_path):
    frames = molecules()
    bare = frames.with_points(np.zeros(3, np.int32), np.zeros((0, 3)))
    part = build(bare, label(Charges(), frames, Views()), {"train": np.array([2, 0])})["train"]
    storage.write_frames(tmp_path / "a.h5", part.frames, stage="x", labels={"rhf": part.labels})
    read = read_part(tmp_path / "a.h5", "rhf")
    assert read.frames.n_points.tolist() == [3, 5]
    np.testing.assert_array_equal(read.frames.points, read.labels.points)
    # and is written once more with them
    storage.write_frames(tmp_path / "b.h5", read.frames, stage="x", labels={"rhf": read.labels})


def test_points_that_no_labels_are_of_are_not_lost_in_silence(tmp_path):
    with pytest.raises(LimbeckError, match="points around them that no label set is of"):
        storage.write_frames(tmp_path / "a.h5", molecules(), stage="x")


def test_a_part_without_frames_is_written_and_read_as_any(tmp_path):
    frames = molecules()
    made = label(Charges(), frames, Views())
    none = build(frames, made, {"test": np.array([], int)})["test"]
    storage.write_frames(tmp_path / "a.h5", none.frames, stage="x", labels={"rhf": none.labels})
    read = read_part(tmp_path / "a.h5", "rhf")
    assert read.labels.values["esp"].shape == (0,)
    assert read.labels.points.shape == (0, 3)


@pytest.mark.parametrize("offsets", [[0, 5, 5, 7], [0, 6, 5, 8], [1, 5, 5, 8], []])
def test_offsets_that_do_not_fit_are_refused(tmp_path, offsets):
    storage.write_labels(tmp_path / "a.h5", "rhf", label(Charges(), molecules(), Views()))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["grids/rhf/offsets"]
        file["grids/rhf/offsets"] = np.array(offsets, np.int64)
    with pytest.raises(LimbeckError, match=r"a\.h5: grids/rhf: offsets do not fit to points"):
        storage.read_labels(tmp_path / "a.h5", "rhf")


def test_points_of_other_frames_are_refused(tmp_path):
    storage.write_labels(tmp_path / "a.h5", "rhf", label(Charges(), molecules(), Views()))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["grids/rhf/offsets"]
        file["grids/rhf/offsets"] = np.array([0, 8])
    with pytest.raises(LimbeckError, match="points of 1 frames, expected 3"):
        storage.read_labels(tmp_path / "a.h5", "rhf")


@pytest.mark.parametrize("name", ["rotation", "reflection", "translation", "permutation"])
def test_the_spread_of_a_potential_at_points_is_measured_by_every_symmetry(name):
    frames = molecules().select([0, 2])
    gap = measure_gaps([Charges()], frames, [name], 6)[0]["esp"]
    # all that is left is rounding, of coordinates up to 1,000 A away
    assert gap["value"] < 1e-10
    assert gap["unit"] == "kcal/mol/e"


def test_a_potential_that_depends_on_the_frame_is_caught_with_its_size():
    # One point 2 A from the first atom in a field of 0.1 V/A: its z is spread by 2 / sqrt(3).
    frames = molecules().select([0])
    point = frames.positions[:1] + np.array([0.0, 2.0, 0.0])
    frames = frames.with_points(np.array([1]), point)
    gap = measure_gaps([Charges(0.1)], frames, ["rotation"], 2000)[0]["esp"]
    of = PROPERTIES["esp"]
    # of 2,000 views the standard error is about a hundredth
    np.testing.assert_allclose(gap["value"], of.factor * 0.2 / np.sqrt(3), rtol=0.05)
    np.testing.assert_allclose(of.factor, 23.0605, rtol=1e-4)  # kcal/mol in an eV
