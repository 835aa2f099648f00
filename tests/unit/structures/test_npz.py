"""Molecules and grids in NumPy's archives: what is read of them, and what is not believed."""

import zipfile

import numpy as np
import pytest
from ase.build import molecule

from limbeck.config.sections.messages import validated
from limbeck.config.sections.sources import StructureFile
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures.reading import read_files
from limbeck.structures.reading.npz import frames_of_npz
from limbeck.structures.sources.files import frames_of

MOLECULES = ("H2O", "CO2", "CH3OH")
ROOM = 8


def arrays(**changed):
    """The two files of the reference's data, with the numbers that are given in place of others."""
    count = len(MOLECULES)
    found = {"R": np.zeros((count, ROOM, 3)), "Z": np.zeros((count, ROOM), int)}
    found |= {"N": np.zeros(count, int), "F": np.zeros((count, ROOM, 3))}
    for n, name in enumerate(MOLECULES):
        atoms = molecule(name)
        found["N"][n] = len(atoms)
        found["R"][n, : len(atoms)], found["Z"][n, : len(atoms)] = atoms.positions, atoms.numbers
        found["F"][n, : len(atoms)] = n + 1
    found |= {"E": np.arange(3.0), "Dxyz": np.ones((count, 3)), "mono": 0.1 * (found["Z"] > 0)}
    found |= {"n_grid": np.array([[5], [7], [0]]), "esp": np.full((count, 7), 0.01)}
    found["vdw_surface"] = np.full((count, 7, 3), 9.0)
    return found | changed


def written(tmp_path, **changed):
    found = arrays(**changed)
    one = {n: v for n, v in found.items() if n in ("R", "Z", "N", "E", "F", "Dxyz")}
    other = {n: v for n, v in found.items() if n not in ("E", "F", "Dxyz")}
    np.savez(tmp_path / "train.npz", **one)
    np.savez_compressed(tmp_path / "grids.npz", **other)
    return tmp_path / "train.npz", tmp_path / "grids.npz"


def test_two_files_are_one_molecule_after_another_without_padding(tmp_path):
    one, other = written(tmp_path)
    source = StructureFile(kind="file", name="s", path=str(one), grids=str(other), count=10)
    frames = [frame() for frame in frames_of(source)]
    assert [str(a.symbols)[:2] for a in frames] == ["OH", "CO", "CO"]
    assert [len(a) for a in frames] == [3, 3, 6]
    assert [a.info["E"] for a in frames] == [0, 1, 2]
    assert [len(a.info["esp"]) for a in frames] == [5, 7, 0]
    assert frames[1].info["vdw_surface"].shape == (7, 3)
    np.testing.assert_array_equal(frames[2].arrays["F"], np.full((6, 3), 3.0))
    np.testing.assert_array_equal(frames[2].arrays["mono"], np.full(6, 0.1))
    # one file alone is not taken for a zip of structures
    assert len(read_files(one)) == 3
    assert len(read_files(one, most=2)) == 2
    assert "esp" not in read_files(one)[0]().info


def test_one_file_may_hold_all(tmp_path):
    np.savez(tmp_path / "all.npz", **arrays(Q=np.array([0, 0, 1])))
    found = [parse() for parse in frames_of_npz(tmp_path / "all.npz")]
    assert [a.info["charge"] for a in found] == [0, 0, 1]
    assert len(found[0].info["esp"]) == 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"N": np.array([3, 3, 5])}, "N is 5, and Z has 6 atoms"),
        ({"F": np.ones((3, ROOM, 3))}, "F of an atom that only fills the array is 1"),
        ({"mono": np.full((3, ROOM), 0.2)}, "mono of an atom that only fills the array is 0.2"),
        ({"n_grid": np.array([5, 7, 8])}, "n_grid is 8, expected 0 to 7"),
    ],
)
def test_a_bad_molecule_is_set_aside_by_itself(tmp_path, changed, message):
    one, other = written(tmp_path, **changed)
    parse = list(frames_of_npz(one, other))
    with pytest.raises(Refused) as refused:
        parse[2]()
    assert message in str(refused.value.value)
    if "N" in changed or "n_grid" in changed:
        assert len(parse[0]()) == 3


def test_grids_of_other_places_are_not_moved_to_fit(tmp_path):
    one, _ = written(tmp_path)
    found = arrays()
    found["R"] = found["R"] / 0.529177
    np.savez(tmp_path / "grids.npz", **found)
    with pytest.raises(LimbeckError, match=r"grids\.npz: R of molecule 0 differs .* never moved"):
        list(frames_of_npz(one, tmp_path / "grids.npz"))
    found = arrays()
    found["Z"][1, 0] = 14
    np.savez(tmp_path / "grids.npz", **found)
    with pytest.raises(LimbeckError, match=r"grids\.npz: molecule 1 is of other atoms"):
        list(frames_of_npz(one, tmp_path / "grids.npz"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Z": np.zeros((3, 4), int)}, r"Z is for 4 atoms, R has 8"),
        ({"R": np.zeros((3, ROOM))}, r"R is float64 \(3, 8\), expected numbers"),
        ({"E": np.zeros(2)}, r"E is float64 \(2,\), expected numbers for each of 3 molecules"),
        ({"N": np.array(["3", "3", "6"])}, r"N is <U1 \(3,\), expected numbers"),
    ],
)
def test_arrays_of_other_shapes_are_refused_whole(tmp_path, changed, message):
    one, _ = written(tmp_path, **changed)
    with pytest.raises(LimbeckError, match=rf"train\.npz: .*{message}"):
        read_files(one)


def test_what_is_no_such_archive_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    for name, given in (("x", {"x": np.zeros(2)}), ("R", {"R": np.zeros((2, 3, 3))})):
        np.savez(path, **given)
        expected = r"no R, Z, N, expected" if name == "x" else r"no Z, N, expected R, Z and N"
        with pytest.raises(LimbeckError, match=rf"a\.npz: .*{expected}"):
            read_files(path)
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(LimbeckError, match=r"a\.npz: .*not a zip file"):
        read_files(path)
    np.savez(path, **arrays(N=np.array([1, {}, "x"], dtype=object)))  # a pickle
    with pytest.raises(LimbeckError, match=r"a\.npz: .*Object arrays cannot be loaded"):
        read_files(path)
    with zipfile.ZipFile(path, "w") as whole:
        whole.writestr("N.npy", b"nothing")
    with pytest.raises(LimbeckError, match=r"a\.npz: "):
        read_files(path)


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path):
    """As all packed files are; and arrays that claim what no memory holds."""
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **arrays(), zeros=np.zeros(3_000_000))  # 24 MB of 30 kB
    with pytest.raises(LimbeckError, match=r"a\.npz: unpacks to more than 16777216 bytes"):
        read_files(path)
    with zipfile.ZipFile(path, "w") as whole, whole.open("R.npy", "w") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**15, 1, 3)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(LimbeckError, match=r"a\.npz: no archive of NumPy's arrays: Unable to"):
        next(frames_of_npz(path))


def test_grids_are_of_archives_alone():
    source = {"kind": "file", "name": "s", "path": "a.xyz", "grids": "g.npz", "count": 1}
    with pytest.raises(LimbeckError, match=r"expected none but of an \.npz archive, not a\.xyz"):
        validated(StructureFile, source, "sources.s")
