"""CIF: which operations count, what an occupancy that is not known is, one bad block of many."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.cell import Cell
from ase.data import covalent_radii
from ase.io import write
from ase.io.cif import parse_cif
from ase.spacegroup.spacegroup import parse_sitesym
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifParser, CifWriter

from jobs_of import generate_job
from limbeck.errors import LimbeckError
from limbeck.structures import generate
from limbeck.structures.reading import cif

CASES = Path("../shared/cases")
CELL = """_cell_length_a 7
_cell_length_b 8
_cell_length_c 9
_cell_angle_alpha 90
_cell_angle_beta 100
_cell_angle_gamma 90
"""
OPERATIONS = """loop_
_symmetry_equiv_pos_as_xyz
'x,y,z'
'1/2-x,1/2+y,1/2-z'
'-x,-y,-z'
'1/2+x,1/2-y,1/2+z'

"""
SITES = """loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
C1 C 0.1 0.2 0.3
C2 C 0.16 0.35 0.35
"""
SALT = """data_{}
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 Na 0 0 0 {}
Cl1 Cl 0.5 0.5 0.5 {}
"""


def load(path):
    base = {"seed": 1, "source": "mine", "shard": 0, "count": 100, "path": str(path)}
    return generate(generate_job("file", base))


def read(tmp_path, text):
    (tmp_path / "x.cif").write_text(text)
    return load(tmp_path / "x.cif")


def matches(found, text):
    """The same atoms as pymatgen reads, in whatever order."""
    (other,) = CifParser.from_str(text).parse_structures(primitive=False)
    rows = np.round(np.c_[found.numbers, found.get_scaled_positions() % 1 % 1], 4)
    theirs = np.round(np.c_[other.atomic_numbers, other.frac_coords % 1 % 1], 4)
    return sorted(map(tuple, rows % 1000)) == sorted(map(tuple, theirs % 1000))


NAMED = [
    "",
    "_symmetry_space_group_name_H-M 'P 21/n'\n",
    "_symmetry_space_group_name_H-M   'P2(1)/n'\n_symmetry_cell_setting monoclinic\n",
    "_symmetry_space_group_name_H-M 'P 1 21/n 1'\n_symmetry_Int_Tables_number 14\n",
    "_space_group_name_H-M_alt 'anything at all'\n",
    "_symmetry_Int_Tables_number 14\n_space_group_crystal_system monoclinic\n",
    "_symmetry_space_group_name_H-M ?\n_symmetry_Int_Tables_number ?\n",
    "_symmetry_space_group_name_H-M 'P 1'\n",  # as many programs write, beside all operations
    "_symmetry_space_group_setting 3\n",
]


@pytest.mark.parametrize("name", NAMED)
def test_operations_that_are_listed_decide(tmp_path, name):
    text = f"data_one\n{CELL}{name}{OPERATIONS}{SITES}"
    frames, rejected = read(tmp_path, text)
    assert rejected == []
    assert frames.n_atoms.tolist() == [8]
    assert matches(frames.to_atoms()[0], f"data_one\n{CELL}{OPERATIONS}{SITES}")


@pytest.mark.parametrize(
    "name",
    [
        "P 21/n",
        "P2(1)/n",
        "P2_1/n",
        "P 1 21/n 1",
        "P21/n",
        "P 1 2(1)/n 1",
    ],
)
def test_without_operations_the_name_does(tmp_path, name):
    """ASE refuses these names, and would go by the number to another setting."""
    number = "_symmetry_Int_Tables_number 14\n"
    text = f"data_one\n{CELL}{number}_symmetry_space_group_name_H-M '{name}'\n{SITES}"
    frames, rejected = read(tmp_path, text)
    assert (frames.n_atoms.tolist(), rejected) == ([8], [])
    assert matches(frames.to_atoms()[0], f"data_one\n{CELL}{OPERATIONS}{SITES}")


def test_the_axis_of_a_short_name_is_that_of_the_cell(tmp_path):
    """P 21/n is of the axis b, or of c where the angle is there."""
    angles = CELL.replace("beta 100", "beta 90").replace("gamma 90", "gamma 100")
    text = f"data_one\n{angles}_symmetry_space_group_name_H-M {{}}\n{SITES}"
    short, _ = read(tmp_path, text.format("'P 21/n'"))
    whole, _ = read(tmp_path, text.format("'P 1 1 21/n'"))
    assert short.n_atoms.tolist() == [8]
    assert short.id.tolist() == whole.id.tolist()
    _, rejected = read(tmp_path, text.format("'P 1 21/n 1'"))  # its axis is no axis of the cell
    assert [r.reason for r in rejected] == ["frame is not readable"]


@pytest.mark.parametrize("name", ["F d -3 m :2", "F d -3 m Z", "F d -3 m:2", "-F 4vw 2vw 3"])
def test_the_origin_may_stand_in_the_name(tmp_path, name):
    """Diamond about the second origin: atoms at an eighth, eight of them."""
    tag = "_space_group_name_Hall" if name[0] == "-" else "_symmetry_space_group_name_H-M"
    text = SALT.format("x", "1", "1").replace("Cl1 Cl 0.5 0.5 0.5 1\n", "")
    text = text.replace("Na1 Na 0 0 0", "C1 C 0.125 0.125 0.125")
    text = text.replace("_symmetry_space_group_name_H-M 'F m -3 m'", f"{tag} '{name}'")
    frames, rejected = read(tmp_path, text.replace("5.64", "3.57"))
    assert (frames.n_atoms.tolist(), rejected) == ([8], [])
    assert frames.to_atoms()[0].get_all_distances(mic=True)[0, 1:].min() == pytest.approx(
        3.57 * 3**0.5 / 4, abs=1e-9
    )


def test_a_name_that_nobody_knows_is_refused(tmp_path):
    frames, rejected = read(
        tmp_path, f"data_one\n{CELL}_symmetry_space_group_name_H-M 'Q 17'\n{SITES}"
    )
    assert len(frames) == 0
    assert [r.reason for r in rejected] == ["frame is not readable"]


@pytest.mark.parametrize(
    "group", ["Fm-3m", "P6_3/mmc", "R-3m", "I4_1/amd", "Pnma", "P2_1/c", "Fd-3m"]
)
@pytest.mark.parametrize("symprec", [None, 0.01])
def test_what_pymatgen_writes_is_read_as_pymatgen_reads_it(tmp_path, group, symprec):
    lattices = {"F": Lattice.cubic(6), "P6": Lattice.hexagonal(4, 7), "R": Lattice.hexagonal(4, 12),
                "I": Lattice.tetragonal(4, 9), "Pn": Lattice.orthorhombic(5, 6, 7),
                "P2": Lattice.monoclinic(5, 6, 7, 100)}  # fmt: skip
    lattice = next(value for start, value in lattices.items() if group.startswith(start))
    made = Structure.from_spacegroup(group, lattice, ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.25]])
    text = str(CifWriter(made, symprec=symprec))
    frames, rejected = read(tmp_path, text)
    assert rejected == []
    assert matches(frames.to_atoms()[0], text)


@pytest.mark.parametrize("unknown", ["?", ".", "1", "1.0", "1.000(3)"])
def test_an_occupancy_that_is_not_known_is_one(tmp_path, unknown):
    frames, rejected = read(tmp_path, SALT.format("x", unknown, unknown))
    assert (frames.n_atoms.tolist(), rejected) == ([8], [])
    assert frames.group.tolist() == [b"NaCl"]


def test_a_site_filled_in_part_is_refused_and_its_neighbours_stay(tmp_path):
    mixed = SALT.format("mixed", "0.5", "1") + "K1 K 0 0 0 0.5\n"
    text = SALT.format("one", "?", ".") + SALT.format("two", "0.5", "?") + mixed
    frames, rejected = read(tmp_path, text + SALT.format("four", "1", "1"))
    assert frames.names == ["one", "four"]
    assert [(r.name, r.reason) for r in rejected] == [
        ("x.cif, frame 1", "a site is partly occupied"),
        ("x.cif, frame 2", "a site is partly occupied"),
    ]


@pytest.mark.parametrize("name", ["P2(1)/n", "P 21/n"])
def test_so_is_one_of_a_group_that_ase_does_not_know(tmp_path, name):
    sites = SITES.replace("_fract_z\n", "_fract_z\n_atom_site_occupancy\n")
    sites = sites.replace("0.3\n", "0.3 0.5\n").replace("0.35\n", "0.35 1.0\n")
    text = f"data_one\n{CELL}_symmetry_space_group_name_H-M '{name}'\n{sites}"
    assert [r.reason for r in read(tmp_path, text)[1]] == ["a site is partly occupied"]


@pytest.mark.parametrize(
    "bad",
    [
        "data_bad\nloop_\n_atom_site_label\n_atom_site_fract_x\nC1 0.1 0.2\n",
        SALT.format("bad", "1", "1").replace("5.64", "long", 1),
        SALT.format("bad", "1", "1").replace("Na1 Na 0 0 0", "Na1 Na 0 0"),
        SALT.format("bad", "1", "1").replace("_cell_angle_beta 90", "_cell_angle_beta ?"),
        SALT.format("bad", "1", "1").replace("Cl1 Cl", "? ?"),
        SALT.format("bad", "half", "1"),
    ],
)
def test_a_bad_block_spoils_no_other(tmp_path, bad):
    text = SALT.format("one", "1", "1") + bad + SALT.format("two", "1", "1")
    frames, rejected = read(tmp_path, text)
    assert [frames.info_of(b)["frame_in_file"] for b in range(len(frames))] == [0, 2]
    assert [(r.frame, r.name) for r in rejected] == [("mine/1", "x.cif, frame 1")]


def test_text_between_semicolons_begins_no_block(tmp_path):
    note = "_audit_note\n;\ndata_of_another\n_atom_site_label\n;\n"
    text = "#\\#CIF_1.1\n\ndata_global\n_journal x\n" + SALT.format("one", "1", "1").replace(
        "loop_", f"{note}loop_", 1
    )
    frames, rejected = read(tmp_path, text.replace("\n", "\r\n"))
    assert (frames.names, rejected) == (["one"], [])


def test_the_block_is_the_name_where_it_tells_one(tmp_path):
    assert read(tmp_path, SALT.format("1000041", "1", "1"))[0].names == ["1000041"]
    assert read(tmp_path, SALT.format("NaCl", "1", "1"))[0].names == ["x"]  # the formula
    write(tmp_path / "y.cif", bulk("Cu"))  # data_image0
    assert load(tmp_path / "y.cif")[0].names == ["y"]


def test_a_file_without_atoms_stops_the_run(tmp_path):
    with pytest.raises(LimbeckError, match=r"x\.cif: .*no structure in it"):
        read(tmp_path, "data_x\n_cell_length_a 5\n")


@pytest.mark.parametrize("case", ["04-unknown-occupancy/question.cif",
                                  "09-cif-space-group-name/ops_noname.cif",
                                  "09-cif-space-group-name/ops_p21n.cif",
                                  "09-cif-space-group-name/ops_p21n_sp.cif"])  # fmt: skip
def test_the_cases(case):
    if not CASES.is_dir():
        pytest.skip("the folder shared/ is not beside the project")
    frames, rejected = load(CASES / case)
    assert (frames.n_atoms.tolist(), rejected) == ([8], [])


def of_table():
    import pymatgen.symmetry.groups as groups

    table = Path(groups.__file__).with_name("symm_ops.json")
    return [e for e in json.loads(table.read_bytes()) if e["short_h_m"]]


@pytest.mark.parametrize("field", ["hermann_mauguin", "hall"])
def test_every_setting_is_read_by_its_name_as_by_its_operations(field):
    """One in eight of them, in a cell that its operations keep."""
    general = SITES.replace("C1 C 0.1 0.2 0.3", "C1 C 0.1137 0.2413 0.3791").split("C2")[0]
    entries = {e[field].strip(): e for e in reversed(of_table())}
    for name, entry in list(entries.items())[::8]:
        turns = parse_sitesym(entry["symops"])[0]
        start = np.random.default_rng(0).random((3, 3)) + 3 * np.eye(3)
        metric = np.mean([t.T @ start @ start.T @ t for t in turns], axis=0)
        numbers = Cell(np.linalg.cholesky(metric)).cellpar()
        cell = "".join(
            f"_cell_{what} {number:.8f}\n" for what, number in zip(CELL_TAGS, numbers, strict=True)
        )
        rows = "".join(f"'{operation}'\n" for operation in entry["symops"])
        tag = "name_Hall" if field == "hall" else "name_H-M_alt"
        heads = (f"loop_\n_symmetry_equiv_pos_as_xyz\n{rows}", f'_space_group_{tag} "{name}"\n')
        listed, named = (positions(f"data_x\n{cell}{head}{general}") for head in heads)
        assert len(listed) == len(entry["symops"]), name
        np.testing.assert_allclose(named, listed, atol=1e-6, err_msg=name)


CELL_TAGS = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"]


def positions(text):
    """Fractional, sorted; away from the faces, where rounding decides on which side they are."""
    (block,) = parse_cif(BytesIO(text.encode()))
    found = cif._atoms(block).get_scaled_positions()
    return np.array(sorted(map(tuple, np.round((found + 1e-7) % 1, 6))))


CUBE = """data_x
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha {angle}
_cell_angle_beta {angle}
_cell_angle_gamma {angle}
{more}loop_
{heads}
{rows}
"""
P1 = "_space_group_name_H-M_alt 'P 1'\n"


def cube(rows, *, more=P1, heads=("label", "type_symbol"), a=4.2, angle=90):
    columns = "\n".join(f"_atom_site_{h}" for h in (*heads, "fract_x", "fract_y", "fract_z"))
    return CUBE.format(a=a, angle=angle, more=more, heads=columns, rows="\n".join(rows))


@pytest.mark.parametrize(
    ("first", "second", "formula"),
    [
        ("SI1 SI", "C1 C", "CSi"),
        ("NA1 NA", "CL1 CL", "ClNa"),
        ("HF1 HF", "C1 C", "CHf"),
        ("CO1 CO", "O1 O", "CoO"),
        ("Ni1 NI2+", "O1 O2-", "NiO"),
        ("ZN1 ZN", "S1 S", "SZn"),
    ],
)
def test_symbols_in_capitals_are_elements_of_two_letters(tmp_path, first, second, formula):
    """ASE reads silicon as sulphur, and sodium chloride as CN."""
    pair = Atoms(formula)  # of such symbols as these should be, at the distance of a bond
    a = covalent_radii[pair.numbers].sum() / np.sqrt(0.75)
    text = cube([f"{first} 0 0 0", f"{second} 0.5 0.5 0.5"], a=a)
    frames, rejected = read(tmp_path, text)
    assert rejected == []
    found = frames.to_atoms()[0]
    assert found.symbols.formula.format("hill") == formula
    (tmp_path / "y.cif").write_text(text)
    theirs = CifParser(tmp_path / "y.cif").parse_structures(primitive=False)[0]
    assert sorted(found.numbers) == sorted(s.specie.Z for s in theirs)


@pytest.mark.parametrize(
    ("formula", "symbol"), [("'CA O'", "Ca"), ("'C O'", "C"), ("'Ca1 O1'", "Ca")]
)
def test_the_formula_decides_what_a_label_in_capitals_is(tmp_path, formula, symbol):
    rows = ["CA1 0 0 0", "O1 0.5 0.5 0.5"]
    more = f"{P1}_chemical_formula_sum {formula}\n"
    frames, _ = read(tmp_path, cube(rows, more=more, heads=("label",), a=2.2))
    assert frames.to_atoms()[0].symbols[0] == symbol


def test_a_label_that_may_be_either_is_refused_by_name(tmp_path):
    frames, rejected = read(tmp_path, cube(["CA1 0 0 0", "O1 0.5 0.5 0.5"], heads=("label",)))
    assert len(frames) == 0
    assert "'CA1' may be Ca or C" in str(rejected[0].value)


def test_a_group_that_the_cell_does_not_have_multiplies_no_atoms(tmp_path):
    """Mercury on rhombohedral axes: R -3 m of hexagonal axes makes three atoms of one."""
    for more in ("_space_group_name_H-M_alt 'R -3 m'\n", "_space_group_IT_number 166\n"):
        frames, rejected = read(tmp_path, cube(["Hg1 Hg 0 0 0"], more=more, a=3.0, angle=70.5))
        assert len(frames) == 0 or frames.n_atoms.tolist() == [1], more
        assert all("does not fit" in str(r.value) for r in rejected)
    operations = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-y,x-y,z\n-x+y,-x,z\n"
    frames, rejected = read(tmp_path, cube(["Cu1 Cu 0.1 0.2 0.3"], more=operations))
    assert "do not fit lengths and angles" in str(rejected[0].value)


def test_a_list_without_the_identity_and_a_file_without_a_cell_are_refused(tmp_path):
    operations = "loop_\n_symmetry_equiv_pos_as_xyz\n-x,-y,z\n"
    _, rejected = read(tmp_path, cube(["Cu1 Cu 0.1 0.2 0.3"], more=operations))
    assert "have no x,y,z" in str(rejected[0].value)
    text = cube(["H1 H 0 0 0", "H2 H 0.4 0.4 0.4"]).replace("_cell_angle_beta 90\n", "")
    with pytest.raises(LimbeckError, match="three lengths and three angles"):
        _must(*read(tmp_path, text))


def _must(frames, rejected):
    if rejected:
        raise LimbeckError(str(rejected[0].value))


#: a cell of each system in which no two lengths or angles agree that need not
LENGTHS = {
    "cubic": (5, 5, 5, 90, 90, 90),
    "hexagonal": (5, 5, 8, 90, 90, 120),
    "tetragonal": (5, 5, 7, 90, 90, 90),
    "orthorhombic": (5, 6, 7, 90, 90, 90),
    "monoclinic": (5, 6, 7, 90, 100, 90),
}
#: a name as older files and other programs have it, and the short one of today
SPELLINGS = """
F m 3 m, F m -3 m, cubic       Fm3m, F m -3 m, cubic           F 4/m -3 2/m, F m -3 m, cubic
F d 3 m S, F d -3 m :1, cubic  F d 3 m Z, F d -3 m :2, cubic   I a 3 d, I a -3 d, cubic
P a 3, P a -3, cubic           P m 3 n, P m -3 n, cubic        P 42/n -3 2/m, P n -3 m, cubic
I 21/a -3, I a -3, cubic       R -3 2/c, R -3 c, hexagonal     P -3 1 2/m, P -3 1 m, hexagonal
P 63/m 2/m 2/c, P 63/m m c, hexagonal    P 42/m 21/n 2/m, P 42/m n m, tetragonal
I 41/a 2/m 2/d, I 41/a m d, tetragonal   P 21/n 21/m 21/a, P n m a, orthorhombic
C 2/m 2/c 21/a, C m c e, orthorhombic    C m c a, C m c e, orthorhombic
A b a 2, A e a 2, orthorhombic           P 1 21/c 1, P 21/c, monoclinic
C 1 2/c 1, C 2/c, monoclinic             P 1 21/n 1, P 21/n, monoclinic
"""
PAIRS = [
    tuple(part.strip() for part in entry.split(","))
    for entry in re.split(r"  +|\n", SPELLINGS.strip())
]


def one_site(name, system):
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    cell = "".join(f"_cell_{t} {v}\n" for t, v in zip(tags, LENGTHS[system], strict=True))
    group = f"_symmetry_space_group_name_H-M '{name}'\n"
    return f"data_x\n{cell}{group}{SITES.rpartition('C2')[0]}"


@pytest.mark.parametrize(("name", "modern", "system"), PAIRS)
def test_a_group_has_many_names(tmp_path, name, modern, system):
    made = []
    for n, each in enumerate((name, modern)):
        path = tmp_path / f"{n}.cif"
        path.write_text(one_site(each, system))
        (crystal,) = (frame() for frame in cif.frames_of_cif(path))
        scaled = np.round(crystal.get_scaled_positions() % 1, 6) % 1
        made.append(sorted(map(tuple, scaled)))
    assert made[0] == made[1]
    assert len(made[0]) >= 4


def test_a_name_that_is_none_stays_unknown(tmp_path):
    """Negative control."""
    (tmp_path / "a.cif").write_text(one_site("F m 3 q", "cubic"))
    (frame,) = cif.frames_of_cif(tmp_path / "a.cif")
    with pytest.raises(cif.Refused) as refused:
        frame()
    assert "the group is not known: fm3q" in refused.value.value


@pytest.mark.parametrize(
    "third", ["0.333333 0.666667", "0.3333 0.6667", "0.333 0.667", "0.33 0.67"]
)
@pytest.mark.parametrize(("group", "count"), [("P 63/m m c", 2), ("R -3 m", 6)])
def test_a_rounded_special_position_is_one_atom(tmp_path, caplog, third, group, count):
    """Magnesium, and the same in a group with more images; two digits of a third."""
    text = one_site(group, "hexagonal").replace("C1 C 0.1 0.2 0.3", f"Mg1 Mg {third} 0.25")
    (tmp_path / "mg.cif").write_text(text)
    job = {"seed": 1, "source": "mg", "shard": 0, "shards": 1, "count": 1}
    job |= {"path": str(tmp_path / "mg.cif"), "length_unit": "Angstrom"}  # wide, as it is meant
    job = generate_job("file", job)
    with caplog.at_level("INFO"):
        frames, rejected = generate(job)
    assert rejected == []
    assert frames.n_atoms.tolist() == [count]
    told = "1 with rounded special positions in its CIF, whose images were merged" in caplog.text
    assert told == (
        third in ("0.333 0.667", "0.33 0.67")
    )  # ASE merges what differs in the fourth digit by itself
    exact = one_site(group, "hexagonal").replace("C1 C 0.1 0.2 0.3", "Mg1 Mg 1/3 2/3 0.25")
    (tmp_path / "exact.cif").write_text(exact.replace("1/3 2/3", "0.33333333 0.66666667"))
    (crystal,) = (frame() for frame in cif.frames_of_cif(tmp_path / "exact.cif"))
    # the middle of the images is on the axis, to the digits of ASE's own merging
    there = np.sort(frames.to_atoms()[0].get_all_distances(mic=True).ravel())
    np.testing.assert_allclose(
        there, np.sort(crystal.get_all_distances(mic=True).ravel()), atol=2e-3
    )


def test_atoms_of_two_sites_are_not_merged(tmp_path):
    """Negative control: two sites in one place are an error of the file, and stay two atoms."""
    text = one_site("P 1 21/c 1", "monoclinic") + "C2 C 0.1 0.2 0.3\n"
    (tmp_path / "two.cif").write_text(text)
    (crystal,) = (frame() for frame in cif.frames_of_cif(tmp_path / "two.cif"))
    assert "merged_atoms" not in crystal.info
