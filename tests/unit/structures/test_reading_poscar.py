"""POSCAR: what is wrong with one is told by its line."""

import pytest
from ase.build import bulk
from ase.io import read, write

from limbeck.reasons import Refused
from limbeck.structures.reading import read_files
from limbeck.structures.reading.poscar import fault

GOOD = """Si2
1.0
0.0 2.7 2.7
2.7 0.0 2.7
2.7 2.7 0.0
Si
2
Selective dynamics
Direct
0 0 0 T T F
0.25 0.25 0.25 T F T
"""


def cut(lines):
    return "".join(GOOD.splitlines(keepends=True)[:lines])


WRONG = {
    "no factor": (
        GOOD.replace("1.0", "one"),
        "line 2: expected a scaling factor, or three, got 'o",
    ),
    "vector": (GOOD.replace("2.7 0.0 2.7", "2.7 0.0"), "line 4: expected three numbers, a lattice"),
    "symbol": (GOOD.replace("\nSi\n", "\nXq\n"), "line 6: expected symbols of elements, got 'Xq'"),
    "count": (GOOD.replace("\n2\n", "\nx\n"), "line 7: expected numbers of atoms, one for each"),
    "word": (
        GOOD.replace("0.25 0.25", "0.25 D"),
        "line 11: expected three coordinates, of atom 2 of the file, got '0.25 D 0.25 T F T'",
    ),
    "cell alone": (cut(4), "it ends after line 4, expected three numbers, a lattice vector"),
    "cut": (cut(10), "it ends after line 10, expected three coordinates, of atom 2 of the file"),
    "no atoms": (cut(8), "it ends after line 8, expected Direct or Cartesian"),
    "too few": (
        GOOD.replace("\n2\n", "\n3\n"),
        "it ends after line 11, expected three coordinates, of atom 3 of the file",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_by_its_line(tmp_path, name):
    text, says = WRONG[name]
    (tmp_path / "POSCAR").write_text(text)
    (frame,) = read_files(tmp_path / "POSCAR")
    with pytest.raises(Refused) as refused:
        frame()
    assert refused.value.value.startswith(says)
    assert frame.where == "POSCAR"


def test_a_good_one_is_read_and_has_no_fault(tmp_path):
    (tmp_path / "POSCAR").write_text(GOOD)
    (frame,) = read_files(tmp_path / "POSCAR")
    assert len(frame()) == 2
    assert fault(GOOD.splitlines()) == ""
    # and as ASE and programs before VASP 5 write them
    for more in ({}, {"direct": True}, {"vasp5": False}):
        write(tmp_path / "CONTCAR", bulk("NaCl", "rocksalt", a=5.6), format="vasp", **more)
        assert fault((tmp_path / "CONTCAR").read_text().splitlines()) == ""
    assert read(tmp_path / "POSCAR", format="vasp") == frame()
