"""Files that promise more than they hold, and structures that no later step can take."""

import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write

from jobs_of import generate_job
from limbeck.config.sections.screen import Screen
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, from_atoms
from limbeck.geometry import MAX_COORDINATE_A, shortest_ratio
from limbeck.molecules.bonds import find_bonds
from limbeck.potentials import open_potential
from limbeck.structures import elements_of, generate
from limbeck.structures.screening import screen

NACL = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
WATER = molecule("H2O")


def job(path, kind="file", **more):
    field = "smiles" if kind == "molecules" else "path"
    return generate_job(kind, {"seed": 1, "source": "mine", "shard": 0, "count": 100,
                               field: str(path)} | more)  # fmt: skip


def load(path):
    start = time.monotonic()
    found = generate(job(path))
    assert time.monotonic() - start < 3
    return found


@pytest.mark.parametrize("promised", [10**12, 10**14, 9])
def test_an_extxyz_that_promises_more_atoms_than_it_has(tmp_path, promised):
    path = tmp_path / "x.extxyz"
    write(path, NACL)
    with open(path, "a") as file:
        file.write(f"{promised}\nProperties=species:S:1:pos:R:3\nH 0 0 0\n")
    frames, rejected = load(path)
    assert len(frames) == 1
    assert [(r.frame, r.reason, r.value) for r in rejected] == [
        ("mine/1", "frame is not readable", f"{promised} atoms")
    ]
    assert elements_of(job(path).source) == {"Na", "Cl"}  # and does not wait for the others


def test_a_number_of_atoms_of_5000_digits(tmp_path):
    (tmp_path / "x.extxyz").write_text("1" * 5000 + "\n\nH 0 0 0\n")
    with pytest.raises(LimbeckError, match=r"x\.extxyz: .*line 1: expected the number") as caught:
        load(tmp_path / "x.extxyz")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("columns", ["foo:R:1000000000", "foo:R:x", '"foo:R:1000000000"'])
def test_columns_that_no_line_has(tmp_path, columns):
    path = tmp_path / "x.extxyz"
    path.write_text(
        f"1\nProperties=species:S:1:pos:R:3:{columns}\nH 0 0 0\n2\n\nH 0 0 0\nH 0 0 0.74\n"
    )
    frames, rejected = load(path)
    assert len(frames) == 1
    assert [r.reason for r in rejected] == ["frame is not readable"]


def cif(sites, symmetry):
    rng = np.random.default_rng(0)
    rows = [f"C{n} C {x:.5f} {y:.5f} {z:.5f}" for n, (x, y, z) in enumerate(rng.random((sites, 3)))]
    names = ("length_a 50", "length_b 50", "length_c 50", "angle_alpha 90", "angle_beta 90",
             "angle_gamma 90")  # fmt: skip
    atoms = ["label", "type_symbol", "fract_x", "fract_y", "fract_z"]
    return "\n".join([
        "data_x", *(f"_cell_{name}" for name in names), *symmetry,
        "loop_", *(f"_atom_site_{name}" for name in atoms), *rows, "",
    ])  # fmt: skip


OPERATIONS = ["loop_", "_symmetry_equiv_pos_as_xyz", *["'x,y,z'"] * 20_000]


@pytest.mark.parametrize(
    ("sites", "symmetry"),
    [
        (3000, ["_symmetry_Int_Tables_number 225"]),
        (3000, ["_space_group_name_H-M_alt 'F m -3 m'"]),
        (10, OPERATIONS),
    ],
)
def test_a_cif_that_would_grow_beyond_measure(tmp_path, sites, symmetry):
    text = cif(sites, symmetry) + cif(2, ["_symmetry_Int_Tables_number 1"])
    (tmp_path / "x.cif").write_text(text)
    frames, rejected = load(tmp_path / "x.cif")
    assert frames.n_atoms.tolist() == [2]  # the other block of the file
    assert [(r.reason, r.limit) for r in rejected] == [("too many atoms", 10_000)]


@pytest.mark.parametrize(
    "operation", ["__import__('os').mkdir('{}')", "x,y,__import__('os').mkdir('{}')", "x,y,[]*9**9"]
)
def test_an_operation_of_a_cif_is_no_code(tmp_path, operation):
    marker = tmp_path / "was-run"
    symmetry = ["loop_", "_symmetry_equiv_pos_as_xyz", f'"{operation.format(marker)}"']
    (tmp_path / "x.cif").write_text(cif(1, symmetry))
    _, rejected = load(tmp_path / "x.cif")
    assert [r.reason for r in rejected] == ["frame is not readable"]
    assert not marker.exists()


@pytest.mark.parametrize("counts", ["1000000000", "10 1000000000000", "1_000_000_000"])
@pytest.mark.parametrize("symbols", ["", "Na Cl\n"])
def test_a_poscar_that_promises_more_atoms_than_it_has(tmp_path, counts, symbols):
    cell = "1.0\n5 0 0\n0 5 0\n0 0 5\n"
    (tmp_path / "POSCAR").write_text(f"Na Cl\n{cell}{symbols}{counts}\nDirect\n0 0 0\n")
    with pytest.raises(LimbeckError, match=r"POSCAR: .*atoms, and it has \d lines"):
        load(tmp_path / "POSCAR")


XML = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY b "LONG"><!ENTITY c SYSTEM "file:///etc/passwd">
<!ENTITY d "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;">]>
<modeling><a>&e;&c;</a></modeling>
""".replace("LONG", "x" * 1000)


@pytest.mark.parametrize("name", ["vasprun.xml", "x.xml", "x.extxyz", "x.cif", "POSCAR", "x.json"])
def test_xml_is_not_read_under_any_name(tmp_path, name):
    (tmp_path / name).write_text(XML)
    with pytest.raises(LimbeckError, match=f"{name}: ") as caught:
        elements_of(job(tmp_path / name).source)
    assert "root:" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_a_structure(tmp_path):
    (tmp_path / "x.extxyz").write_text("")
    with pytest.raises(LimbeckError, match=r"x\.extxyz: "):
        load(tmp_path / "x.extxyz")


def test_smiles_without_end_are_refused(tmp_path):
    (tmp_path / "x.smi").write_text("C" * 100_000 + "\n" + "(" * 1900 + "\nC\n")
    frames, rejected = generate(job(tmp_path / "x.smi", "molecules", count=3))
    assert len(frames) == 1
    assert [r.reason for r in rejected] == ["SMILES does not parse"] * 2
    source = job(tmp_path / "x.smi", "molecules").source
    assert elements_of(source) == {"C", "H"}  # of the line that can be read
    (tmp_path / "x.smi").write_text("C" * 100_000 + "\n" + "(" * 1900 + "\n")
    with pytest.raises(LimbeckError) as caught:
        elements_of(source)
    assert all(len(line) < 300 + len(str(tmp_path)) for line in str(caught.value).splitlines())


def far(atoms, where):
    moved = atoms.copy()
    moved.positions[0] = where
    return moved


def with_numbers(atoms, number):
    changed = atoms.copy()
    changed.numbers[0] = number
    return changed


def with_cell(atoms, length):
    changed = atoms.copy()
    changed.cell[0, 0] = length
    return changed


BAD = {
    "isolated": (far(WATER, [1e6, 0, 0]), "coordinate too large, A", 1e6),
    "isolated, farther": (far(WATER, [0, -1e300, 0]), "coordinate too large, A", 1e300),
    "periodic": (far(NACL, [0, 0, 1e6]), "coordinate too large, A", 1e6),
    "cell": (with_cell(NACL, 1e9), "coordinate too large, A", 1e9),
    "not finite": (far(WATER, [np.inf, 0, 0]), "numbers that are not finite", 1),
    "Z of 200": (with_numbers(WATER, 200), "atomic number out of range", 200),
    "Z of -5": (with_numbers(NACL, -5), "atomic number out of range", -5),
    "Z of 300": (with_numbers(NACL, 300), "atomic number out of range", 300),
    "Z of 0": (with_numbers(WATER, 0), "atomic number out of range", 0),
}


def written(path, structures):
    """By number: ASE writes no symbol for elements that there are not."""
    with open(path, "w") as file:
        for atoms in structures:
            cell = f'Lattice="{" ".join(map(str, atoms.cell.array.ravel()))}" ' * bool(
                atoms.pbc.any()
            )
            file.write(f"{len(atoms)}\n{cell}Properties=Z:I:1:pos:R:3\n")
            for number, position in zip(atoms.numbers, atoms.positions, strict=True):
                file.write(f"{number} {position[0]!r} {position[1]!r} {position[2]!r}\n".replace(
                    "np.float64(", "").replace(")", ""))  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_structure_of_a_file_is_set_aside(tmp_path, name):
    atoms, reason, value = BAD[name]
    written(tmp_path / "x.extxyz", [WATER, atoms, NACL])
    frames, rejected = load(tmp_path / "x.extxyz")
    assert [frames.info_of(b)["number"] for b in range(len(frames))] == [0, 2]
    assert [(r.frame, r.reason, r.value) for r in rejected] == [("mine/1", reason, value)]
    assert elements_of(job(tmp_path / "x.extxyz").source) == {"H", "O", "Na", "Cl"}


@pytest.mark.parametrize("name", [n for n in BAD if n not in ("Z of -5", "Z of 300")])
def test_a_bad_frame_is_screened_out_and_others_stay(name):
    atoms, reason, value = BAD[name]
    frames = from_atoms([WATER, atoms, NACL], groups=["g"] * 3, source="s")
    # limits that let all through but what none may be
    loose = Screen(min_density_g_cm3=0.0, max_density_g_cm3=1e9, min_distance_ratio=0.0)
    kept, rejected = screen(frames, loose)
    assert kept.id.tolist() == frames.id[[0, 2]].tolist()
    assert [(r.reason, r.value) for r in rejected] == [(reason, value)]


def test_a_structure_at_the_bound_passes():
    edge = Atoms("Cu2", [[MAX_COORDINATE_A, 0, 0], [-MAX_COORDINATE_A, 0, 0]])
    kept, rejected = screen(from_atoms([edge], groups=["g"], source="s"), Screen())
    assert (len(kept), rejected) == (1, [])


@pytest.mark.parametrize("number", [-5, 256, 300])
def test_an_atomic_number_is_never_wrapped(number):
    with pytest.raises(LimbeckError, match=f"numbers {number}, expected 0 to 255"):
        from_atoms([with_numbers(WATER, number)], groups=["g"], source="s")


@pytest.mark.parametrize("name", ["charge", "spin"])
@pytest.mark.parametrize("value", [-129, 128, 10**20])
def test_charges_that_no_byte_holds(tmp_path, name, value):
    with pytest.raises(LimbeckError, match=f"structure 0 of s: {name} {value}, expected -128"):
        from_atoms([WATER], groups=["g"], source="s", **{f"{name}s": [value]})
    atoms = WATER.copy()
    atoms.info[name] = value if value < 2**60 else str(value)
    write(tmp_path / "x.extxyz", [atoms, WATER])
    frames, rejected = load(tmp_path / "x.extxyz")
    assert len(frames) == 1
    assert [r.reason for r in rejected] == ["charge or spin does not fit"]
    frame = from_atoms([WATER], groups=["g"], source="s")
    fields = {n: getattr(frame, n) for n in Frames.__dataclass_fields__}
    message = f"{name} {value}, expected -128" if value < 2**60 else f"{name}: .* expected int8"
    with pytest.raises(LimbeckError, match=f"frames: {message}"):
        Frames(**fields | {name: np.array([value])})


@pytest.mark.parametrize("atoms", [BAD["isolated"][0], BAD["periodic"][0], BAD["cell"][0]])
def test_no_search_for_neighbours_is_begun(atoms):
    """vesin ends the process by a signal, mace-torch takes 7 GB: of isolated atoms at 1e6 A."""
    arrays = atoms.numbers, atoms.positions, atoms.cell.array, bool(atoms.pbc.all())
    for search in (shortest_ratio, find_bonds):
        with pytest.raises(RuntimeError, match=r"(a position|the cell) at 1e\+0\d A, expected at"):
            search(*arrays)
    frames = from_atoms([atoms], groups=["g"], source="s")
    for model in ("lj", "emt"):
        potential = open_potential({"name": "p", "model": model})
        # sodium chloride is refused for its elements by emt, before anything is looked for
        words = r"frames to be evaluated: (a position|the cell) at|p does not know Na, Cl"
        with pytest.raises(LimbeckError, match=words):
            potential.predict(frames)


@pytest.mark.parametrize("cell", [np.zeros((3, 3)), np.diag([5.64, 5.64, 1e-9]), np.ones((3, 3))])
def test_a_flat_cell_passes_on_to_screening(tmp_path, cell):
    flat = NACL.copy()
    flat.cell[:] = cell
    written(tmp_path / "x.extxyz", [flat, NACL])
    frames, rejected = load(tmp_path / "x.extxyz")
    assert (len(frames), rejected) == (2, [])
    assert screen(frames, Screen())[1][0].reason == "degenerate cell: smallest height in A"
