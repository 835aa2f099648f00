"""HDF5 that points elsewhere, promises too much, or does not hold what its ids say is refused."""

import json
import time
import tracemalloc

import h5py
import numpy as np
import pytest

from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, frame_id, frame_ids
from limbeck.storage import read_frames, read_header, read_labels, write_frames, write_labels
from planted import labels_for, real_frames

FILTERS = {"compression": "lzf", "shuffle": True, "fletcher32": True}


@pytest.fixture
def path(tmp_path):
    frames = real_frames()
    frames.extra["heat"] = np.ones(len(frames))
    write_frames(tmp_path / "a.h5", frames, stage="x", labels={"emt": labels_for(frames)})
    return tmp_path / "a.h5"


def refused(path, message, reader=read_frames):
    start = time.monotonic()
    tracemalloc.start()
    with pytest.raises(LimbeckError, match=rf"{path.name}: {message}") as caught:
        reader(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 2
    assert peak < 100 * 2**20


def link_to_file(file, name, other):
    file[name] = h5py.ExternalLink(str(other), "secret")


def soft_link(file, name, other):
    file[name] = h5py.SoftLink("/atoms/positions")


def external_storage(file, name, other):
    file.create_dataset(name, (1,), "f8", external=[(str(other), 0, 8)])


def virtual(file, name, other):
    layout = h5py.VirtualLayout((1,), "f8")
    layout[:] = h5py.VirtualSource(str(other), "secret", (1,))
    file.create_virtual_dataset(name, layout)


PLACES = {
    "atoms/positions": read_frames,
    "frames/extra/heat": read_frames,
    "frames/id": read_header,
    "labels/emt/energy": lambda path: read_labels(path, "emt"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("pointer", [link_to_file, soft_link, external_storage, virtual])
def test_an_array_that_is_elsewhere(path, tmp_path, pointer, place):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.ones(1)
    with h5py.File(path, "r+") as file:
        del file[place]
        pointer(file, place, tmp_path / "other.h5")
    refused(path, f"{place} is (a link|kept in another file), expected", PLACES[place])


@pytest.mark.parametrize("group", ["atoms", "frames", "frames/extra", "labels", "labels/emt"])
def test_a_group_that_is_elsewhere(path, tmp_path, group):
    path.rename(tmp_path / "b.h5")
    (tmp_path / "a.h5").write_bytes((tmp_path / "b.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        del file[group]
        file[group] = h5py.ExternalLink(str(tmp_path / "b.h5"), group)
    reader = PLACES["labels/emt/energy"] if group.startswith("labels") else read_frames
    refused(path, f"{group}.* is a link, expected what it links to", reader)


@pytest.mark.parametrize("options", [{}, FILTERS, {"compression": "gzip"}, {"chunks": (10**6,)}])
def test_a_small_file_that_promises_a_terabyte(path, options):
    with h5py.File(path, "r+") as file:
        del file["frames/id"], file["frames/n_atoms"]
        for name, dtype in (("id", "S32"), ("n_atoms", "i4")):
            # nothing is written, so that nothing takes room
            chunks = {"chunks": (1000,)} | options if options else {"maxshape": (None,)}
            file.create_dataset(f"frames/{name}", (10**12,), dtype, **chunks)
    refused(path, "frames/(n_atoms|id) (has shape|has the filters)")
    refused(path, "frames/(n_atoms|id) (has shape|has the filters)", read_header)
    refused(path, "frames/(n_atoms|id) (has shape|has the filters)", PLACES["labels/emt/energy"])


def test_one_array_under_many_names_counts_as_many(path):
    zeros = np.zeros((6, 20_000))  # 960 kB, of which LZF leaves 11
    with h5py.File(path, "r+") as file:
        file.create_dataset("frames/extra/0", data=zeros, chunks=zeros.shape, **FILTERS)
    assert read_frames(path).extra["0"].shape == zeros.shape  # negative control: once it is fine
    with h5py.File(path, "r+") as file:
        for n in range(1, 200):
            file[f"frames/extra/{n}"] = file["frames/extra/0"]
    refused(path, r"frames/extra/\d+ has shape \(6, 20000\), which no file of its size holds")


def test_bounds_do_not_refuse_what_packs_well(tmp_path):
    """Negative control: the best that LZF can do is still below the bound."""
    frames = real_frames().select(np.zeros(20_000, dtype=int))
    frames.extra["zeros"] = np.zeros((20_000, 50))
    write_frames(tmp_path / "a.h5", frames, stage="x")
    assert len(read_frames(tmp_path / "a.h5")) == 20_000


def test_the_ids_of_many_frames_are_those_of_each():
    frames = concatenate([real_frames(), real_frames().select([])])
    frames.positions[0, 0] = -0.0
    expected = [
        frame_id(frames.numbers[rows], frames.positions[rows], frames.cell[b], frames.pbc[b],
                 int(frames.charge[b]), int(frames.spin[b]))
        for b, rows in enumerate(map(frames.atoms_of, range(len(frames))))
    ]  # fmt: skip
    assert frame_ids(frames).tolist() == expected
    assert len(frame_ids(frames.select([]))) == 0


CHANGES = {
    "positions": ("atoms/positions", lambda v: v + 1e-9),
    "numbers": ("atoms/numbers", lambda v: v[::-1]),
    "cell": ("frames/cell", lambda v: v + 1e-9),
    "charge": ("frames/charge", lambda v: v + 1),
    "id": ("frames/id", lambda v: np.roll(v, 1)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_ids_that_are_of_other_atoms(path, name):
    place, change = CHANGES[name]
    with h5py.File(path, "r+") as file:
        file[place][()] = change(file[place][()]).astype(file[place].dtype)
    refused(path, r"frame \d: its id [0-9a-f]{32} is not that of its atoms, and so with \d of 6")


def rewritten(path, name, values):
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = values


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("frames/n_atoms", np.array([30, -1, 0, 0, 0, 0], "i4"), "frames: n_atoms -1, expected"),
        ("frames/n_atoms", np.ones(6), "frames/n_atoms is of type float64, expected int32"),
        ("frames/n_atoms", np.ones((6, 1), "i4"), "frames: n_atoms has shape"),
        ("frames/cell", np.zeros((6, 9)), r"frames: cell has shape \(6, 9\), expected \(6, 3, 3"),
        ("frames/pbc", np.zeros((6, 3), "u1"), "frames/pbc is of type uint8, expected bool"),
        ("frames/extra/heat", np.ones(5), "frames: heat has shape"),
        ("frames/info", np.array([b"{"] * 6), r"frame 0: its info is b'{', expected a JSON"),
        ("frames/info", np.array([b"{}"] * 5 + [b"[1]"]), r"frame 5: its info is b'\[1\]'"),
        ("frames/info", np.array([b"[" * 10**5] * 6), "(frame 0: its info|frames/info has shape)"),
        ("frames/info", np.array([b"\xff"] * 6), "frame 0: its info"),
    ],
)
def test_frames_that_are_not_as_they_are_written(path, name, values, message):
    rewritten(path, name, values)
    refused(path, message)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("frames/n_atoms", np.array([30, -1, 0, 0, 0, 0], "i4"), "labels: n_atoms -1, expected"),
        ("labels/emt/energy", np.ones(6, "i8"), "labels: energy is of type int64, expected floats"),
        ("labels/emt/energy", np.ones((6, 2)), "labels: energy has shape"),
        ("labels/emt/forces", np.ones((29, 2)), r"labels: forces has shape \(29, 2\), expected"),
        ("labels/emt/status", np.ones(6), "labels/emt/status is of type float64, expected uint8"),
    ],
)
def test_labels_that_are_not_as_they_are_written(path, name, values, message):
    rewritten(path, name, values)
    refused(path, message, PLACES["labels/emt/energy"])


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 50_000, ""])
@pytest.mark.parametrize("attribute", ["settings", "arrays"])
def test_attributes_that_are_no_json(path, attribute, text):
    if attribute == "arrays" and text == "[1]":
        text = "{}"
    with h5py.File(path, "r+") as file:
        file["labels/emt"].attrs[attribute] = np.bytes_(text.encode())
    refused(path, f"labels/emt: {attribute}", PLACES["labels/emt/energy"])


def test_an_unknown_property_is_refused(path):
    with h5py.File(path, "r+") as file:
        file["labels/emt"].attrs["arrays"] = np.bytes_(json.dumps([["energy"]]).encode())
    refused(path, ".*energy", PLACES["labels/emt/energy"])


def test_frames_that_stand_there_twice(tmp_path):
    frames = real_frames().select([0, 1, 0])
    for stage in ("generate_file", "sample_rattle"):  # a source, or a sampling, may make one twice
        write_frames(tmp_path / "a.h5", frames, stage=stage)
        (tmp_path / "a.h5").rename(tmp_path / "b.h5")
        assert len(read_frames(tmp_path / "b.h5")) == 3
    for stage in ("screen_structures", "select_frames"):  # which drop them
        write_frames(tmp_path / f"{stage}.h5", frames, stage=stage)
        refused(tmp_path / f"{stage}.h5", "frame [0-9a-f]{32} stands in it more than once")
    write_labels(tmp_path / "l.h5", "emt", labels_for(frames))
    refused(tmp_path / "l.h5", "frame .* more than once", PLACES["labels/emt/energy"])
