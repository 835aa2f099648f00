"""Every format that ASE writes and reads: what is written comes back, packed or not."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write
from ase.io.formats import ioformats
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from jobs_of import generate_job
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures import elements_of, generate
from limbeck.structures.reading import read_file, read_files
from limbeck.structures.reading.formats import FORMATS, REFUSED

NACL = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
WATER = molecule("H2O")


def load(path, **more):
    base = {"seed": 1, "source": "mine", "shard": 0, "count": 100}
    return generate(generate_job("file", base | {"path": str(path)} | more))


BOTH = sorted(
    kind
    for kind, about in ioformats.items()
    if about.can_read and about.can_write and about.module_name.startswith("ase.io.")
)
#: what ASE's writers want to know besides the atoms
WANTED = {
    "espresso-in": {"pseudopotentials": {"Na": "Na.upf", "Cl": "Cl.upf"}},
    "mustem": {"keV": 300, "debye_waller_factors": {"Na": 0.6, "Cl": 0.5}},
    "prismatic": {"debye_waller_factors": {"Na": 0.6, "Cl": 0.5}},
}
#: formats without a cell, which hold molecules
OF_MOLECULES = {"mol", "sdf", "turbomole", "xyz"}
#: digits that a format has, Angstrom
COARSE = {"mol": 1e-4, "sdf": 1e-4, "proteindatabank": 1e-3, "cube": 1e-6, "sys": 1e-6,
          "struct": 1e-6, "mustem": 1e-5, "prismatic": 1e-5}  # fmt: skip


def distances(atoms):
    """Of all pairs, sorted: whatever the order of the atoms."""
    found = np.sort(atoms.get_all_distances(mic=bool(atoms.pbc.all())), axis=None)
    return np.sort(found)


def test_the_exceptions_are_those_that_are_listed():
    assert set(REFUSED) <= set(BOTH)
    assert set(BOTH) - set(REFUSED) <= set(FORMATS)


def test_the_recipes_list_all_formats(repository):
    page = (repository / "docs/recipes.md").read_text(encoding="utf-8")
    part = page.split("## Structures from a file")[1].split("\n## ")[0]
    by_name = {"extxyz": "extended XYZ", "xyz": "XYZ", "cif": "CIF", "vasp": "POSCAR",
               "vasp-out": "OUTCAR", "vasp-xml": "vasprun.xml"}  # fmt: skip
    for kind in {*FORMATS, *REFUSED} - {"jsonl"}:
        assert by_name.get(kind, f"`{kind}`") in part, kind


@pytest.mark.parametrize("kind", [kind for kind in BOTH if kind not in REFUSED])
def test_what_ase_writes_comes_back(tmp_path, kind):
    atoms = WATER if kind in OF_MOLECULES else NACL
    path = tmp_path / f"structure.{kind}"  # two of ASE's writers look at the name
    more = {"specorder": ["Na", "Cl"], "masses": True} if kind == "lammps-data" else {}
    write(path, atoms, format=kind, **WANTED.get(kind, {}), **more)
    frames, rejected = load(path, format=kind)
    assert rejected == []
    (found,) = frames.to_atoms()
    assert sorted(found.numbers) == sorted(atoms.numbers)
    assert found.pbc.all() == atoms.pbc.all()
    np.testing.assert_allclose(distances(found), distances(atoms), atol=COARSE.get(kind, 1e-7))


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_what_is_refused_says_why(tmp_path, kind):
    (tmp_path / "x").write_text("anything\n")
    with pytest.raises(LimbeckError, match=f"the format {kind} is not.*{REFUSED[kind]}"):
        load(tmp_path / "x", format=kind)


@pytest.mark.parametrize("kind", ["extxyz", "traj", "db", "json", "xyz", "vasp-xdatcar", "cif"])
def test_all_frames_of_a_file_are_read(tmp_path, kind):
    several = [bulk("Cu", a=3.6 + n / 100) for n in range(3)]
    if kind == "xyz":
        several = [WATER] * 3
    path = tmp_path / f"x.{kind}"
    write(path, several, format=kind)
    frames = read_file(path, kind=kind)
    assert [(f.number, f.alone) for f in frames] == [(0, False), (1, False), (2, False)]
    assert [f().get_volume() for f in frames if kind != "xyz"] == pytest.approx(
        [a.get_volume() for a in several if kind != "xyz"], rel=1e-4
    )


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, "": bytes}


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("name", ["x.extxyz", "x.cif", "POSCAR", "x.traj", "x.db", "x.json", "x"])
def test_packed_files_are_read_as_plain_ones(tmp_path, name, ending):
    kind = {"POSCAR": "vasp", "x": "extxyz"}.get(name)
    write(tmp_path / name, WATER if name == "x" else NACL, format=kind)
    path = tmp_path / f"{name}{ending}"
    path.write_bytes(PACKERS[ending]((tmp_path / name).read_bytes()))
    frames, rejected = load(path)
    assert (len(frames), rejected) == (1, [])
    assert frames.info_of(0)["file"] == path.name
    assert frames.info_of(0)["name"] == {"POSCAR": "POSCAR"}.get(name, "x")


def test_parts_that_were_packed_one_after_another(tmp_path):
    write(tmp_path / "x.extxyz", NACL)
    part = (tmp_path / "x.extxyz").read_bytes()
    for ending in (".gz", ".bz2", ".xz"):
        path = tmp_path / f"y.extxyz{ending}"
        path.write_bytes(PACKERS[ending](part) * 3)
        assert len(load(path)[0]) == 3
        path.write_bytes(PACKERS[ending](part)[:-20])
        with pytest.raises(LimbeckError, match=rf"y\.extxyz{ending}: "):
            load(path)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_a_file_that_unpacks_to_any_size_is_refused(tmp_path, ending):
    frame = b"2\n\nHe 0 0 0\nHe 0 0 3\n"
    path = tmp_path / f"x.xyz{ending}"
    path.write_bytes(PACKERS[ending](frame * 9_000) * 100)  # 20 MB in a few kB
    with pytest.raises(LimbeckError, match=r"unpacks to more than 16777216 bytes"):
        load(path)
    path.write_bytes(PACKERS[ending](frame * 1000))
    assert len(load(path, count=2000)[0]) == 1000


def test_a_zip_is_a_folder(tmp_path):
    """As generators publish: CIFs, or extended XYZ of several frames."""
    write(tmp_path / "a.cif", NACL)
    write(tmp_path / "b.extxyz", [WATER, WATER])
    with zipfile.ZipFile(tmp_path / "made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("gen/1.cif", "gen/0.cif", "../../out.cif"):
            archive.writestr(name, (tmp_path / "a.cif").read_bytes())
        archive.writestr("b.extxyz", (tmp_path / "b.extxyz").read_bytes())
        archive.writestr("b.extxyz.gz", gzip.compress((tmp_path / "b.extxyz").read_bytes()))
        archive.writestr("__MACOSX/._1.cif", b"\0")
        archive.writestr("notes.txt", b"made today")
    frames, rejected = load(tmp_path / "made.zip")
    infos = [frames.info_of(b) for b in range(len(frames))]
    assert [info["file"].removeprefix("made.zip/") for info in infos] == [
        "b.extxyz", "b.extxyz", "b.extxyz.gz", "b.extxyz.gz", "gen/0.cif", "gen/1.cif",
    ]  # fmt: skip
    assert infos[-1]["name"] == "gen/1"
    assert [(r.name, r.reason) for r in rejected] == [
        ("made.zip/notes.txt", "file is not readable")
    ]
    assert not (tmp_path / "out.cif").exists()


def test_a_zip_that_grows_beyond_measure_or_has_a_password(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(3):
            archive.writestr(f"{n}.xyz", b"1\n\nHe 0 0 0\n" * 600_000)
    with pytest.raises(LimbeckError, match=r"x\.zip: .*unpacks to more than"):
        load(tmp_path / "x.zip")
    packed = gzip.compress(b"500000\n\n" + b"He 0 0 0\n" * 500_000 + b"\n" * 3_000_000)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for n in range(3):  # of which each for itself would be let pass
            archive.writestr(f"{n}.xyz.gz", packed)
        archive.write(tmp_path / "x.zip", "zip.zip")
    frames = read_files(tmp_path / "z.zip")
    faults = {}
    for frame in frames[2:]:
        with pytest.raises(Refused) as caught:
            frame()
        faults[frame.file] = str(caught.value.value)
    assert "unpacks to more than" in faults["z.zip/2.xyz.gz"]
    assert "an archive in an archive" in faults["z.zip/zip.zip"]
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(LimbeckError, match=r"empty\.zip: .*no file in it"):
        load(tmp_path / "empty.zip")
    with zipfile.ZipFile(tmp_path / "y.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.xyz", b"1\n\nHe 0 0 0\n")
    with pytest.raises(LimbeckError, match=r"y\.zip: .*packed by method 14"):
        load(tmp_path / "y.zip")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_is_a_folder_and_leads_nowhere_else(tmp_path, pack):
    """As `tar czf made.tgz -C generated .` writes one, and as somebody may who means harm."""
    write(tmp_path / "a.cif", NACL)
    write(tmp_path / "secret.cif", WATER)
    inside = tmp_path / "in"
    inside.mkdir()
    with tarfile.open(tmp_path / "made.tar", "w") as archive:
        for name in ("./gen/1.cif", "./gen/0.cif", "../out.cif", "/tmp/../out.cif", "./.hidden"):
            archive.add(tmp_path / "a.cif", name)
        for name, kind in (("link.cif", tarfile.SYMTYPE), ("hard.cif", tarfile.LNKTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, str(tmp_path / "secret.cif")
            archive.addfile(link)
        pipe = tarfile.TarInfo("pipe.cif")
        pipe.type = tarfile.FIFOTYPE  # to read one is to wait for ever
        archive.addfile(pipe)
        archive.add(inside, "gen/folder")
    (inside / "made.tgz").write_bytes(pack((tmp_path / "made.tar").read_bytes()))
    frames, rejected = load(inside / "made.tgz")
    assert [frames.info_of(b)["file"] for b in range(len(frames))] == [
        "made.tgz/gen/0.cif", "made.tgz/gen/1.cif",
    ]  # fmt: skip
    assert {r.name for r in rejected} == {f"made.tgz/{n}.cif" for n in ("hard", "link", "pipe")}
    assert {r.reason for r in rejected} == {"file is not readable"}
    assert not list(tmp_path.rglob("out.cif"))


def test_a_tar_that_grows_beyond_measure_or_is_damaged(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        entry = tarfile.TarInfo("0.xyz")
        entry.size = 20_000_000
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    packed = tmp_path / "x.tar.gz"
    packed.write_bytes(gzip.compress((tmp_path / "x.tar").read_bytes()))
    with pytest.raises(LimbeckError, match=r"x\.tar\.gz: .*unpacks to more than 16777216 bytes"):
        load(packed)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("again.tar.gz", gzip.compress(tar_of("a.cif", b"data_a")))
    (frame,) = read_files(tmp_path / "x.zip")
    with pytest.raises(Refused) as caught:
        frame()
    assert "an archive in an archive" in str(caught.value.value)
    (tmp_path / "cut.tar").write_bytes(tar_of("a.cif", b"data_a" * 1000)[:3000])
    with pytest.raises(LimbeckError, match=r"cut\.tar: .*unexpected end of data"):
        load(tmp_path / "cut.tar")


def test_a_hole_that_a_tar_calls_a_file_is_not_filled(tmp_path):
    """The old way of GNU's tar: some hundred bytes that say that they are 10^11."""
    header = tarfile.TarInfo("a.xyz")
    header.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"%011o\0" % 8**11  # its real size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "x.tar").write_bytes(bytes(block) + bytes(1024))
    with pytest.raises(LimbeckError, match=r"x\.tar: .*unpacks to more than"):
        load(tmp_path / "x.tar")


def tar_of(name, data):
    """A tar of one file."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def test_nothing_unpacked_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    write(tmp_path / "x.extxyz", NACL)
    packed = tmp_path / "x.extxyz.gz"
    packed.write_bytes(gzip.compress((tmp_path / "x.extxyz").read_bytes()))
    frames = read_file(packed)
    assert list((tmp_path / "temporary").iterdir())  # as long as there is a frame of it
    assert len(frames[0]()) == 8
    del frames
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("name", ["x.XYZ", "x.txt", "noending", "X.EXTXYZ.GZ", "POSCAR.GZ"])
def test_names_in_other_letters_or_of_nothing(tmp_path, name):
    write(tmp_path / "made", NACL, format="vasp" if "POSCAR" in name else "extxyz")
    data = (tmp_path / "made").read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("GZ") else data)
    frames, _ = load(tmp_path / name)
    assert frames.names == [name.split(".")[0]]


@pytest.mark.parametrize("name", ["postgres/x.extxyz", "mysql.extxyz", "x@1.cif", "a b.traj"])
def test_names_that_mean_something_to_ase(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    write(tmp_path / "any.cif", NACL)
    write(str(tmp_path / "made"), NACL, format={"cif": "cif", "traj": "traj"}.get(
        name.rsplit(".")[-1], "extxyz"))  # fmt: skip
    (tmp_path / "made").rename(tmp_path / name)
    assert len(load(tmp_path / name)[0]) == 1


def test_what_is_read_twice_is_in_one_unit(tmp_path):
    """To tell polymorphs apart, all frames are looked at once more."""
    nm = NACL.copy()
    nm.set_cell(nm.cell.array / 10, scale_atoms=True)
    write(tmp_path / "x.xsf", [nm, nm])
    frames, _ = load(tmp_path / "x.xsf", length_unit="nm", polymorphs="apart")
    np.testing.assert_allclose(frames.cell, [NACL.cell.array] * 2)


def test_an_sqlite_file_of_another_program_stays_as_it_is(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "x.db") as file:
        file.execute("create table mine (a)")
    file.close()
    before = (tmp_path / "x.db").read_bytes()
    with pytest.raises(LimbeckError, match="no database of ASE"):
        load(tmp_path / "x.db")
    assert (tmp_path / "x.db").read_bytes() == before


def test_a_database_gives_its_keys(tmp_path):
    from ase.db import connect

    with connect(tmp_path / "x.db") as file:
        file.write(NACL, material_id="mp-22862", group="salts")
        file.write(WATER, charge=-1)
    frames, rejected = load(tmp_path / "x.db")
    assert rejected == []
    assert frames.info_of(0)["name"] == "mp-22862"
    assert frames.group[0] == b"salts"


def test_xml_with_entities_is_refused(tmp_path):
    write(tmp_path / "x.xsd", NACL, format="xsd")
    text = (tmp_path / "x.xsd").read_text()
    assert len(load(tmp_path / "x.xsd", format="xsd")[0]) == 1
    (tmp_path / "x.xsd").write_text(text.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1))
    with pytest.raises(LimbeckError, match="entities of its own"):
        load(tmp_path / "x.xsd", format="xsd")


def test_folders_and_globs_are_read_in_the_order_of_their_names(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    several = [bulk("Cu", a=3.6 + n / 100) for n in range(4)]
    write(folder / "b.extxyz", several[:3])
    write(folder / "a.cif", NACL)
    write(folder / ".hidden.cif", NACL)
    (folder / "below").mkdir()
    write(folder / "below/c.extxyz", several[3])
    (folder / "notes.txt").write_text("what I did\n")
    (folder / "empty.cif").write_text("")

    def infos(frames):
        return [frames.info_of(b) for b in range(len(frames))]

    frames, rejected = load(folder)
    assert infos(frames) == [
        {"number": 0, "file": "a.cif", "frame_in_file": 0, "name": "a"},
        *({"number": n, "file": "b.extxyz", "frame_in_file": n - 1, "name": f"b-{n - 1}"}
          for n in (1, 2, 3)),
    ]  # fmt: skip
    assert [(r.frame, r.name, r.reason) for r in rejected] == [
        ("mine/4", "empty.cif", "file is not readable"),
        ("mine/5", "notes.txt", "file is not readable"),
    ]
    assert "empty.cif: it is empty" in str(rejected[0].value)
    found, rejected = load(f"{folder}/**/*.extxyz")
    assert [i["file"] for i in infos(found)] == ["b.extxyz"] * 3 + ["below/c.extxyz"]
    assert infos(found)[-1]["name"] == "below/c"
    assert rejected == []
    parts = [infos(load(folder, shard=s, shards=3, count=4)[0]) for s in range(3)]
    assert [[i["number"] for i in part] for part in parts] == [[0, 3], [1], [2]]


def test_a_folder_of_poscars_is_told_by_the_folders_of_each(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "POSCAR", NACL)
    frames, _ = load(f"{tmp_path}/*/POSCAR")
    assert [frames.info_of(b)["name"] for b in range(2)] == ["one/POSCAR", "two/POSCAR"]


def test_a_name_goes_before_the_glob_it_could_be(tmp_path):
    write(tmp_path / "x1.cif", NACL)
    write(tmp_path / "x[1].cif", WATER)
    assert [f.file for f in read_files(tmp_path / "x[1].cif")] == ["x[1].cif"]
    assert [f.file for f in read_files(tmp_path / "x?.cif")] == ["x1.cif"]


def test_nothing_found_is_said_before_the_first_job(tmp_path):
    def told(path, match):
        job = generate_job("file", {"seed": 1, "source": "mine", "shard": 0, "count": 9,
                                    "path": str(path)})  # fmt: skip
        with pytest.raises(LimbeckError, match=match):
            elements_of(job.source)

    (tmp_path / "empty").mkdir()
    told(tmp_path / "empty", r"empty: no file in this folder; those in folders below")
    told(tmp_path / "*.cif", r"\*\.cif: no file has a name like this")
    told(tmp_path / "none.cif", r"none\.cif: no such file")
    (tmp_path / "bad").mkdir()
    for name in ("a.cif", "b.txt"):
        (tmp_path / "bad" / name).write_text("nothing of a crystal\n")
    told(tmp_path / "bad", r"none of its 2 frames can be used \(2 file is not readable\).*a\.cif")


@pytest.mark.parametrize(
    ("info", "name"),
    [
        ({"material_id": "mp-149", "id": 7, "name": "Si"}, "mp-149"),
        ({"id": 7}, "7"),
        ({"name": "two  words\tof one\nline"}, "two words of one line"),
        ({"id": "0123456789abcdef0123456789abcdef", "name": "mp-149"}, "mp-149"),
        ({"name": True, "id": np.array([1, 2])}, "x"),
        ({"name": "n" * 1000}, "n" * 200),
        ({}, "x"),
    ],
)
def test_what_a_file_calls_a_structure_is_its_name(tmp_path, info, name):
    atoms = Atoms(NACL)
    atoms.info = info
    write(tmp_path / "x.traj", atoms)
    frames, _ = load(tmp_path / "x.traj")
    assert frames.names == [name]


def test_all_molecules_of_an_sdf_are_read_with_names_and_charges(tmp_path):
    blocks = []
    for name, smiles in {"acetate": "CC(=O)[O-]", "ammonium": "C[NH3+]", "methyl": "[CH3]"}.items():
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        rdDistGeom.EmbedMolecule(mol, randomSeed=1)
        mol.SetProp("_Name", name)
        blocks.append(Chem.MolToMolBlock(mol))
    (tmp_path / "x.sdf").write_text("".join(f"{block}$$$$\n" for block in blocks))
    frames, rejected = load(tmp_path / "x.sdf")
    assert rejected == []
    assert frames.names == ["acetate", "ammonium", "methyl"]
    assert frames.charge.tolist() == [-1, 1, 0]
    assert frames.spin.tolist() == [0, 0, 1]
    (tmp_path / "y.mol").write_text(blocks[0])
    assert load(tmp_path / "y.mol")[0].charge.tolist() == [-1]


def test_names_in_a_zip_in_a_folder_and_behind_a_dot_are_kept(tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    write(folder / "POSCAR.left", NACL, format="vasp")
    write(folder / "POSCAR.right", NACL, format="vasp")
    write(tmp_path / "a.cif", NACL)
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.write(tmp_path / "a.cif", "one/a.cif")
    frames, _ = load(folder)
    assert frames.names == ["POSCAR.left", "POSCAR.right", "one/a"]
