"""Structures from files: what is read, how it is grouped, what is set aside."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write
from rdkit import Chem

from jobs_of import generate_job
from limbeck.config.sections.sources import StructureFile
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate
from limbeck.structures import elements_of, generate
from limbeck.structures.chemistry import chemistry_of_molecule

NACL = bulk("NaCl", "rocksalt", a=5.64, cubic=True)


def load(path, **changed):
    base = {"seed": 1, "source": "mine", "shard": 0, "shards": 1, "count": 100}
    return generate(generate_job("file", base | {"path": str(path)} | changed))


@pytest.mark.parametrize("name", ["x.extxyz", "x.cif", "POSCAR"])
def test_a_crystal_comes_back_from_each_format(tmp_path, name):
    write(tmp_path / name, NACL)
    frames, rejected = load(tmp_path / name)
    assert rejected == []
    assert frames.n_atoms.tolist() == [8]
    assert frames.pbc.all()
    assert frames.group.tolist() == [b"NaCl"]
    # CIF writes six digits of the fractional coordinates
    assert frames.to_atoms()[0].get_distance(0, 1, mic=True) == pytest.approx(2.82, abs=1e-4)
    stem = name.split(".")[0]
    assert frames.info_of(0) == {"number": 0, "file": name, "frame_in_file": 0, "name": stem}


def test_a_molecule_has_the_group_of_the_rdkit_source(tmp_path):
    write(tmp_path / "x.extxyz", molecule("CH3CH2OH"))
    frames, _ = load(tmp_path / "x.extxyz")
    ethanol = chemistry_of_molecule(Chem.AddHs(Chem.MolFromSmiles("CCO")))
    assert frames.group.tolist() == [ethanol.encode()]
    assert not frames.pbc.any()


def test_a_metal_cluster_is_grouped_by_formula(tmp_path):
    """Its bonds come and go as it moves, and would tell copies of it apart."""
    dimer = Atoms("Cu2", positions=[[0, 0, 0], [0, 0, 2.2]])
    apart = Atoms("Cu2", positions=[[0, 0, 0], [0, 0, 6.0]])
    write(tmp_path / "x.extxyz", [dimer, apart])
    assert load(tmp_path / "x.extxyz")[0].group.tolist() == [b"cluster-Cu2", b"cluster-Cu2"]


@pytest.mark.parametrize("shards", [1, 3])
def test_polymorphs_are_together_unless_told_apart(tmp_path, shards):
    rng = np.random.default_rng(0)
    zincblende, wurtzite = bulk("ZnS", "zincblende", a=5.41), bulk("ZnS", "wurtzite", a=3.82)
    squeezed = bulk("ZnS", "zincblende", a=5.0, cubic=True)  # the same in another cell
    squeezed.rattle(0.005, rng=rng)
    wurtzite.rattle(0.005, rng=rng)
    write(tmp_path / "x.extxyz", [zincblende, wurtzite, squeezed, NACL])

    def groups(**changed):
        parts = [
            load(tmp_path / "x.extxyz", shards=shards, shard=shard, **changed)[0]
            for shard in range(shards)
        ]
        both = concatenate(parts)
        numbers = [both.info_of(b)["number"] for b in range(len(both))]
        return both.group[np.argsort(numbers)].tolist()

    assert groups() == [b"ZnS", b"ZnS", b"ZnS", b"NaCl"]
    assert groups(polymorphs="apart") == [b"ZnS-1", b"ZnS-2", b"ZnS-1", b"NaCl-1"]


def test_group_charge_and_spin_of_the_file_are_taken(tmp_path):
    atoms = molecule("CH3")
    atoms.info |= {"charge": -1, "spin": 2, "group": "my-own"}
    write(tmp_path / "x.extxyz", atoms)
    frames, _ = load(tmp_path / "x.extxyz")
    assert (frames.charge[0], frames.spin[0], frames.group[0]) == (-1, 2, b"my-own")


def test_a_bad_frame_spoils_no_other(tmp_path):
    path = tmp_path / "x.extxyz"
    write(path, [NACL, NACL, NACL])
    lines = path.read_text().splitlines()
    lines[13] = "Na not a number 0.0"  # in the second frame of ten lines each
    path.write_text("\n".join(lines) + "\n")
    frames, rejected = load(path)
    assert [frames.info_of(b)["number"] for b in range(len(frames))] == [0, 2]
    assert [(r.frame, r.reason) for r in rejected] == [("mine/1", "frame is not readable")]
    assert rejected[0].value  # what ASE said


def test_a_file_that_ends_inside_a_frame_loses_that_frame(tmp_path):
    path = tmp_path / "x.extxyz"
    write(path, [NACL, NACL])
    path.write_text("\n".join(path.read_text().splitlines()[:-3]) + "\n")
    frames, rejected = load(path)
    assert len(frames) == 1
    assert [r.frame for r in rejected] == ["mine/1"]


def test_bad_charges_are_refused_with_reasons(tmp_path):
    ion = molecule("H2O")
    ion.info["charge"] = 0.5
    write(tmp_path / "x.extxyz", [ion, NACL])
    frames, rejected = load(tmp_path / "x.extxyz")
    assert len(frames) == 1
    assert [r.reason for r in rejected] == ["charge or spin does not fit"]
    assert rejected[0].value == "charge is not a small integer: 0.5, expected -128 to 127"


def test_partial_occupancy_is_refused(tmp_path):
    write(tmp_path / "x.cif", NACL)
    text = (tmp_path / "x.cif").read_text()
    assert load(tmp_path / "x.cif")[1] == []  # the same file as written is fine
    (tmp_path / "x.cif").write_text(text.replace(" 1.0000", " 0.5000", 1))
    frames, rejected = load(tmp_path / "x.cif")
    assert len(frames) == 0
    assert [r.reason for r in rejected] == ["a site is partly occupied"]


def test_coordinates_that_are_not_finite_are_refused(tmp_path):
    broken = NACL.copy()
    broken.positions[0] = np.nan
    write(tmp_path / "x.extxyz", [broken, NACL])
    frames, rejected = load(tmp_path / "x.extxyz")
    assert len(frames) == 1
    assert [(r.reason, r.value) for r in rejected] == [("numbers that are not finite", 3)]


def test_count_bounds_the_frames_and_shards_share_them(tmp_path):
    write(tmp_path / "x.extxyz", [bulk("Cu", a=3.5 + 0.01 * i) for i in range(7)])
    path = tmp_path / "x.extxyz"
    assert len(load(path, count=5)[0]) == 5
    whole = load(path)[0].id.tolist()
    assert [load(path, shard=s, shards=2)[0].id.tolist() for s in range(2)] == [
        whole[0::2],
        whole[1::2],
    ]


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(LimbeckError, match=r"none\.extxyz: no such file"):
        load(tmp_path / "none.extxyz")
    (tmp_path / "x.extxyz").write_text("eight\n\nNa 0 0 0\n")
    with pytest.raises(LimbeckError, match=r"x\.extxyz: .*line 1: expected the number of atoms"):
        load(tmp_path / "x.extxyz")
    (tmp_path / "x.cif").write_text("nothing of a crystal\n")
    with pytest.raises(LimbeckError, match=r"x\.cif: "):
        load(tmp_path / "x.cif")


MOLECULES = [molecule(name) for name in ("H2O", "CH4", "CH3OH", "C6H6", "NH3")]
CRYSTALS = [NACL, bulk("Cu"), bulk("Si"), bulk("Ar", "fcc", a=5.3), bulk("Cs"), bulk("Na")]


def in_unit(structures, angstrom):
    """The same, its lengths in a unit of so many Angstrom."""
    return [
        Atoms(a.numbers, a.positions / angstrom, cell=a.cell.array / angstrom, pbc=a.pbc)
        for a in structures
    ]


@pytest.mark.parametrize(("unit", "angstrom"), [("nm", 10.0), ("Bohr", 0.529177210903)])
@pytest.mark.parametrize("structures", [MOLECULES, CRYSTALS, [*MOLECULES, *CRYSTALS]])
def test_a_source_in_another_unit_is_stopped_and_read_where_it_is_said(
    tmp_path, unit, angstrom, structures
):
    write(tmp_path / "x.extxyz", in_unit(structures, angstrom))
    with pytest.raises(LimbeckError, match=rf"x\.extxyz: looks like {unit}.*source mine.*median"):
        load(tmp_path / "x.extxyz")
    told = {"kind": "file", "name": "mine", "count": 100, "path": str(tmp_path / "x.extxyz")}
    with pytest.raises(LimbeckError, match=f"looks like {unit}"):  # before the first job
        elements_of(StructureFile(**told))
    frames, rejected = load(tmp_path / "x.extxyz", length_unit=unit)
    assert rejected == []
    whole = np.concatenate([a.positions for a in structures])
    # extended XYZ has eight digits behind the point, of nm here
    np.testing.assert_allclose(frames.positions, whole, atol=1e-7)
    assert elements_of(StructureFile(**told, length_unit=unit)) >= {"Na"} or structures is MOLECULES


def test_what_is_rare_is_no_other_unit(tmp_path):
    """One bad frame among good ones, a dissociation curve, and what the user says."""
    bad = in_unit(MOLECULES[:1], 10.0)
    write(tmp_path / "one.extxyz", [*MOLECULES, *bad])
    curve = [Atoms("N2", [[0, 0, 0], [0, 0, 0.8 + 0.1 * i]]) for i in range(30)]
    write(tmp_path / "curve.extxyz", curve)
    for name, count in {"one": 6, "curve": 30}.items():
        assert len(load(tmp_path / f"{name}.extxyz")[0]) == count
    wide = in_unit(MOLECULES, 0.529)
    write(tmp_path / "wide.extxyz", wide)
    frames, _ = load(tmp_path / "wide.extxyz", length_unit="Angstrom")
    assert len(frames) == len(wide)


def test_every_shard_of_a_file_says_the_same_of_its_unit(tmp_path):
    write(tmp_path / "x.extxyz", [*in_unit(MOLECULES, 10.0), molecule("H2O")])
    for shard in range(6):
        with pytest.raises(LimbeckError, match="looks like nm"):
            load(tmp_path / "x.extxyz", shard=shard, shards=6)


def test_single_atoms_in_vacuum_are_no_structures(tmp_path):
    """They stand in MACE's files for the energies of elements; a crystal of one atom is another."""
    single = Atoms("Ar")
    single.info["config_type"] = "IsolatedAtom"
    write(tmp_path / "x.extxyz", [single, Atoms("C"), *MOLECULES, bulk("Cu")])
    frames, rejected = load(tmp_path / "x.extxyz")
    assert len(frames) == len(MOLECULES) + 1
    assert [r.value for r in rejected] == ["Ar", "C"]
