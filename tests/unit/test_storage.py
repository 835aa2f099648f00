"""What is written is read back, and damage is noticed."""

import pickle
from dataclasses import replace

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read

from limbeck.averaging.views import Views
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, derive, empty, from_atoms
from limbeck.labelling.label import label
from limbeck.labels import unlabelled
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.storage import (
    read_frames,
    read_header,
    read_labels,
    read_many,
    stream,
    write_frames,
    write_labels,
)
from planted import labels_for, real_frames

ARRAYS = [n for n in Frames.__dataclass_fields__ if n not in ("extra", "atom_extra")]
LABEL_ARRAYS = ("id", "n_atoms", "status")


def content(frames, labels=None):
    """Everything as bytes, so that NaN equals itself and 0.0 is not -0.0."""
    values = {n: getattr(frames, n) for n in ARRAYS}
    values |= {f"extra {k}": v for k, v in frames.extra.items()}
    values |= {f"atom_extra {k}": v for k, v in frames.atom_extra.items()}
    if labels is not None:
        values |= {f"label {n}": getattr(labels, n) for n in LABEL_ARRAYS}
        values |= {f"value {n}": v for n, v in labels.values.items()}
        values |= {f"spread {n}": v for n, v in labels.spreads.items()}
    found = {k: (v.dtype.str, v.shape, v.tobytes()) for k, v in values.items()}
    return found | {"attrs": labels.attrs if labels is not None else {}}


@pytest.fixture
def labelled():
    """Frames of two generations with extra arrays, and labels with bad ones among them."""
    roots = real_frames()
    children = derive(roots, roots.positions + 0.1, roots.cell * 1.01, sampling="md", seed=-3)
    frames = concatenate([roots, children])
    rng = np.random.default_rng(0)
    frames.extra["heat"] = rng.random((12, 2))
    frames.extra["kind"] = np.array([b"a", b"bcd"] * 6)
    frames.atom_extra["molecule"] = np.arange(len(frames.numbers), dtype=np.int16)
    labels = label(EffectiveMedium(), frames, Views(3), max_force=5.0)
    labels.status[1] = 4
    labels.forces[3] = np.nan
    return frames, replace(labels, attrs={"views": 3, "model": "emt"})


def test_frames_and_labels_are_read_back(tmp_path, labelled):
    frames, labels = labelled
    write_frames(tmp_path / "a.h5", frames, stage="x", labels={"emt": labels, "zeros": labels})
    found = read_frames(tmp_path / "a.h5")
    assert content(found, read_labels(tmp_path / "a.h5", "emt")) == content(frames, labels)
    # negative control: one last bit is a difference
    frames.positions[0, 0] = np.nextafter(frames.positions[0, 0], 9)
    assert content(found) != content(frames)


def test_labels_alone_are_read_back(tmp_path, labelled):
    frames, labels = labelled
    write_labels(tmp_path / "a.h5", "emt", labels)
    assert content(frames, read_labels(tmp_path / "a.h5", "emt")) == content(frames, labels)
    with pytest.raises(LimbeckError, match=r"a\.h5: has no frames/cell"):
        read_frames(tmp_path / "a.h5")  # no copy of the atoms


def test_an_empty_shard(tmp_path):
    nothing = label(EffectiveMedium(), empty(), Views(2), max_force=1.0)
    write_frames(tmp_path / "a.h5", empty(), stage="x", labels={"emt": nothing})
    write_labels(tmp_path / "b.h5", "emt", nothing)
    found = read_frames(tmp_path / "a.h5")
    assert (len(found), found.positions.shape, found.cell.shape) == (0, (0, 3), (0, 3, 3))
    assert read_labels(tmp_path / "b.h5", "emt").stress.shape == (0, 6)
    assert len(concatenate([found, real_frames()])) == 6
    assert read_header(tmp_path / "a.h5")["count"] == 0


def test_the_header(tmp_path):
    write_frames(tmp_path / "a.h5", real_frames(), stage="screen", settings={"b": 1, "a": [2]})
    header = read_header(tmp_path / "a.h5")
    assert header["stage"] == "screen"
    assert header["settings"] == '{"a": [2], "b": 1}'
    assert header["count"] == 6
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["atoms/positions"].attrs["unit"] == b"Angstrom"


def test_several_files(tmp_path):
    frames = real_frames()
    paths = [tmp_path / f"{i}.h5" for i in range(3)]
    for path, index in zip(paths, ([0, 1], [], [2, 3, 4, 5]), strict=True):
        write_frames(path, frames.select(index), stage="x")
    assert content(read_many(paths)) == content(frames)
    assert [len(part) for part in stream(paths)] == [2, 0, 4]


def test_labels_of_other_frames_are_refused(tmp_path):
    frames = real_frames()
    labels = labels_for(frames.select([1, 0, 2, 3, 4, 5]))
    with pytest.raises(LimbeckError, match=r"a\.h5: labels and frames are not the same"):
        write_frames(tmp_path / "a.h5", frames, stage="x", labels={"zeros": labels})
    assert list(tmp_path.iterdir()) == []


def test_a_label_set_that_is_not_there(tmp_path):
    frames = real_frames()
    write_labels(tmp_path / "a.h5", "emt", labels_for(frames))
    with pytest.raises(LimbeckError, match=r"a\.h5: no label set 'lj', it has \['emt'\]"):
        read_labels(tmp_path / "a.h5", "lj")
    write_frames(tmp_path / "b.h5", frames, stage="x")
    with pytest.raises(LimbeckError, match=r"b\.h5: no label set 'lj', it has \[\]"):
        read_labels(tmp_path / "b.h5", "lj")


READERS = [read_frames, read_header, lambda path: read_labels(path, "emt")]


def expect_error(path, message):
    for reader in READERS:
        with pytest.raises(LimbeckError, match=rf"{path.name}: {message}"):
            reader(path)


def test_a_missing_file(tmp_path):
    expect_error(tmp_path / "a.h5", "no such file")
    expect_error(tmp_path, "no such file")  # a folder is no file


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"3\nH2O\nO 0 0 0\n"])
def test_a_file_of_another_format(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    expect_error(tmp_path / "a.h5", "not a readable HDF5 file")


@pytest.mark.parametrize(
    "attrs",
    [
        {},
        {"format": b"limbeck-frames"},
        {"format": b"limbeck-frames", "version": 2},
        {"format": b"limbeck-frames", "version": b"new"},
        {"format": b"other", "version": 1},
        {"format": 7, "version": 1},
        {"format": b"\xff\xfe", "version": 1},
    ],
)
def test_hdf5_of_another_format(tmp_path, attrs):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs.update(attrs)
    expect_error(tmp_path / "a.h5", "expected format")


@pytest.mark.parametrize("kept", [0.01, 0.3, 0.7, 0.99, 0.9999])
def test_a_truncated_file(tmp_path, labelled, kept):
    frames, labels = labelled
    write_frames(tmp_path / "a.h5", frames, stage="x", labels={"emt": labels})
    raw = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "b.h5").write_bytes(raw[: int(kept * len(raw))])
    expect_error(tmp_path / "b.h5", "not a readable HDF5 file")


def test_arrays_that_do_not_fit_together(tmp_path):
    frames = real_frames()
    write_frames(tmp_path / "a.h5", frames, stage="x", labels={"emt": labels_for(frames)})
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["atoms/positions"], file["labels/emt/forces"]
        file["atoms/positions"] = frames.positions[:-1]
        file["labels/emt/forces"] = frames.positions[:-1]
    with pytest.raises(LimbeckError, match=r"a\.h5: .*positions has 28 rows, expected 29"):
        read_frames(tmp_path / "a.h5")
    with pytest.raises(LimbeckError, match=r"a\.h5: .*forces has 28 rows, expected 29"):
        read_labels(tmp_path / "a.h5", "emt")


def test_a_pickled_object_is_never_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    frames = real_frames()
    (tmp_path / "a.h5").write_bytes(pickle.dumps(Trap()))
    expect_error(tmp_path / "a.h5", "not a readable HDF5 file")
    write_frames(tmp_path / "b.h5", frames, stage="x")
    with h5py.File(tmp_path / "b.h5", "r+") as file:
        file["frames/extra/trap"] = np.void(pickle.dumps(Trap()))
    with pytest.raises(LimbeckError, match=r"b\.h5: frames/extra/trap is of type \|V\d+, expected"):
        read_frames(tmp_path / "b.h5")
    assert not (tmp_path / "sprung").exists()
    with h5py.File(tmp_path / "b.h5") as file:  # negative control: it was a live trap
        pickle.loads(file["frames/extra/trap"][()].tobytes())
    assert (tmp_path / "sprung").exists()


def flipped(raw, rng):
    position, bit = int(rng.integers(len(raw))), int(rng.integers(8))
    return raw[:position] + bytes([raw[position] ^ 1 << bit]) + raw[position + 1 :]


def test_flipped_bits_are_noticed(tmp_path, labelled):
    frames, labels = labelled
    path, rng, errors = tmp_path / "a.h5", np.random.default_rng(5), []
    write_frames(path, frames, stage="x", labels={"emt": labels})
    raw, whole = path.read_bytes(), content(frames, labels)
    for _ in range(500):
        path.write_bytes(flipped(raw, rng))
        try:
            found = content(read_frames(path), read_labels(path, "emt"))
        except LimbeckError as error:
            errors.append(str(error))
        else:
            assert found == whole  # the bit was in room that no object uses
    assert all(message.startswith(f"{path}: ") for message in errors)
    assert len(errors) > 400  # most of the file is content: 92 % of 5,410 flips were noticed


def test_without_checksums_flipped_bits_would_be_read(tmp_path):
    """Negative control: plain HDF5 hands damaged numbers out."""
    path, rng, unnoticed = tmp_path / "a.h5", np.random.default_rng(5), 0
    positions = np.random.default_rng(0).random((500, 3))
    with h5py.File(path, "w") as file:
        file["positions"] = positions
    raw = path.read_bytes()
    for _ in range(100):
        path.write_bytes(flipped(raw, rng))
        try:
            with h5py.File(path) as file:
                unnoticed += not np.array_equal(file["positions"][()], positions)
        except (OSError, KeyError, RuntimeError, ValueError):
            pass
    assert unnoticed > 50  # positions are 12 of its 14 kB


def test_extxyz_as_ase_reads_it(tmp_path):
    frames = real_frames()
    labels = label(EffectiveMedium(), frames, Views(), max_force=1e3)
    write_extxyz(tmp_path / "a.extxyz", Dataset(frames, labels))
    found = read(tmp_path / "a.extxyz", ":")
    assert len(found) == 6
    for b, atoms in enumerate(found):
        rows = frames.atoms_of(b)
        assert np.array_equal(atoms.numbers, frames.numbers[rows])
        assert atoms.pbc.all() == frames.periodic[b]
        assert atoms.info["id"] == frames.id[b].decode()
        assert atoms.info["group"] == frames.group[b].decode()
        # the format writes eight decimals
        np.testing.assert_allclose(atoms.positions, frames.positions[rows], atol=1e-8)
        np.testing.assert_allclose(atoms.get_forces(), labels.forces[rows], atol=1e-8)
        assert atoms.get_potential_energy() == pytest.approx(labels.energy[b], abs=1e-8)
        if frames.periodic[b]:
            np.testing.assert_allclose(atoms.get_stress(), labels.stress[b], atol=1e-8)
        else:
            assert "stress" not in atoms.calc.results


def test_the_sign_of_the_stress_is_that_of_ase(tmp_path):
    squeezed = bulk("Cu", a=3.4, cubic=True)  # equilibrium is 3.6
    frames = from_atoms([squeezed], groups=["Cu"], source="s")
    labels = label(EffectiveMedium(), frames, Views(), max_force=1e3)
    write_extxyz(tmp_path / "a.extxyz", Dataset(frames, labels))
    found = read(tmp_path / "a.extxyz")
    assert np.all(found.get_stress()[:3] < 0)  # ASE: compressed is negative
    # an oblique shear tells all six components and their order apart
    sheared = bulk("Cu", cubic=True)
    strain = np.array([[0.01, 0.02, 0.03], [0, -0.02, 0.04], [0, 0, 0.03]])
    sheared.set_cell(sheared.cell @ (np.eye(3) + strain), scale_atoms=True)
    frames = from_atoms([sheared], groups=["Cu"], source="s")
    labels = label(EffectiveMedium(), frames, Views(), max_force=1e3)
    write_extxyz(tmp_path / "b.extxyz", Dataset(frames, labels))
    sheared.calc = EMT()
    expected = sheared.get_stress()
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(read(tmp_path / "b.extxyz").get_stress(), expected, atol=1e-8)


def test_extxyz_of_unusual_names(tmp_path):
    names = ["fcc Cu", 'a"b', "x=1", "C#N", "CC(=O)[O-]", "é"]
    structures = [Atoms("H", [[i, 0, 0]]) for i in range(len(names))]
    frames = from_atoms(structures, groups=names, source="s")
    write_extxyz(tmp_path / "a.extxyz", Dataset(frames, labels_for(frames)))
    assert [a.info["group"] for a in read(tmp_path / "a.extxyz", ":")] == names


def test_extxyz_of_nothing(tmp_path):
    write_extxyz(tmp_path / "a.extxyz", Dataset(empty(), labels_for(empty())))
    assert (tmp_path / "a.extxyz").read_bytes() == b""


def test_a_full_disk_is_told_and_leaves_nothing_half_written(small_disk):
    rng = np.random.default_rng(0)
    atoms = Atoms("H" * 20_000, rng.normal(size=(20_000, 3)))  # 480 kB that do not compress
    frames = from_atoms([atoms], groups=["H"], source="s")
    path = small_disk / "0.h5"
    with pytest.raises(LimbeckError, match=r"0\.h5: not written, since no space is left"):
        write_frames(path, frames, stage="screen")
    labels = replace(unlabelled(frames), forces=frames.positions)
    with pytest.raises(LimbeckError, match=r"0\.h5: not written, since no space is left"):
        write_labels(path, "x", labels)
    assert list(small_disk.iterdir()) == []
    # negative control: what fits is written
    write_frames(path, frames.select([]), stage="screen")
    assert len(read_frames(path)) == 0


def test_h5py_alone_can_tell_what_an_array_is(tmp_path, labelled):
    """By the file's own words: frame 2, its atoms, forces and stress, in the units that it says."""
    frames, labels = labelled
    path = tmp_path / "x.h5"
    write_frames(path, frames, stage="s", labels={"emt": labels})
    with h5py.File(path) as file:
        said = {}
        file.visititems(
            lambda name, item: (
                said.update({name: {k: v.decode() for k, v in item.attrs.items()}})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
        assert all("layout" in words for words in said.values())
        assert said["labels/emt/stress"]["unit"] == "eV/Angstrom^3"
        assert said["labels/emt/stress"]["order"] == "xx yy zz yz xz xy"
        assert said["labels/emt/stress"]["sign"].startswith("positive under tension")
        assert said["labels/emt/forces"]["sign"] == "minus the gradient of the energy"
        assert said["labels/emt/forces_spread"]["meaning"] == "standard deviation over views"
        ragged = {name for name, words in said.items() if words["layout"].startswith("atoms of")}
        assert ragged >= {"atoms/numbers", "atoms/positions", "labels/emt/forces"}
        assert all(len(file[name]) == file["frames/n_atoms"][()].sum() for name in ragged)
        assert all(len(file[name]) == len(frames) for name in set(said) - ragged)
        start, end = file["frames/n_atoms"][:2].sum(), file["frames/n_atoms"][:3].sum()
        atoms = Atoms(
            file["atoms/numbers"][start:end],
            file["atoms/positions"][start:end],
            cell=file["frames/cell"][2],
            pbc=file["frames/pbc"][2],
        )
        stress, forces = file["labels/emt/stress"][2], file["labels/emt/forces"][start:end]
    assert atoms == frames.to_atoms()[2]
    atoms.calc = EMT()
    np.testing.assert_allclose(forces, atoms.get_forces(), atol=1e-8)  # mean of three views
    if atoms.pbc.all():
        np.testing.assert_allclose(stress, atoms.get_stress(), atol=1e-10)
