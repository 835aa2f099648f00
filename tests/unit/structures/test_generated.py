"""What a generative model wrote: nothing of it is trusted, and what is set aside says why."""

import gzip
import json
import zipfile
from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write
from pymatgen.io.ase import AseAtomsAdaptor
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from jobs_of import generate_job
from limbeck import reasons
from limbeck.structures import elements_of, generate, groups_of
from limbeck.structures.sources.generated import HYDROGENS

COPPER, SALT = bulk("Cu", cubic=True), bulk("NaCl", "rocksalt", a=5.64, cubic=True)


def load(path, **changed):
    base = {"seed": 1, "source": "model", "shard": 0, "count": 100}
    return generate(generate_job("generated", base | {"path": str(path)} | changed))


def refused(path, **changed):
    return Counter(row.reason for row in load(path, **changed)[1])


def changed(atoms, **arrays):
    copy = atoms.copy()
    for name, (place, value) in arrays.items():
        getattr(copy, name)[place] = value
    return copy


def cif(atoms):
    return AseAtomsAdaptor.get_structure(atoms).to(fmt="cif")


def test_every_format_of_a_folder_is_read(tmp_path):
    write(tmp_path / "a.extxyz", COPPER)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        file.writestr("gen_0.cif", cif(SALT))
    listed = [AseAtomsAdaptor.get_structure(bulk("Si", cubic=True)).as_dict()]
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(json.dumps(listed).encode()))
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    (tmp_path / "d.sdf").write_text(Chem.MolToMolBlock(mol) + "$$$$\n")
    frames, rejected = load(tmp_path, model="Some model 1.0")
    assert rejected == []
    assert [g.decode().split("-")[0] for g in frames.group] == ["Cu", "NaCl", "Si", "C2H6O"]
    assert {frames.info_of(b)["generative_model"] for b in range(4)} == {"Some model 1.0"}


def test_each_fault_of_a_structure_is_refused_with_its_own_reason(tmp_path):
    far = changed(COPPER, positions=((0, 0), np.nan))
    heavy = changed(COPPER, numbers=(0, 95))
    dummy = changed(COPPER, numbers=(0, 0))
    write(
        tmp_path / "x.extxyz", [COPPER, far, heavy, dummy, SALT, COPPER.repeat((2, 1, 1)), COPPER]
    )
    found = refused(tmp_path / "x.extxyz", elements=["Cu", "Am"], n_atoms=[2, 4])
    assert found == {
        reasons.BAD_NUMBERS: 1,
        reasons.NO_ELEMENT: 2,
        reasons.NOT_ALLOWED: 1,
        reasons.OTHER_SIZE: 1,
        reasons.REPEATED: 1,
    }
    # without the limits of the source, the salt and the large cell are structures like others
    assert len(load(tmp_path / "x.extxyz")[0]) == 3


@pytest.mark.parametrize("shards", [1, 3])
def test_a_copy_is_one_whatever_the_shards(tmp_path, shards):
    write(tmp_path / "x.extxyz", [COPPER, SALT, COPPER, SALT, COPPER])
    parts = [load(tmp_path, shards=shards, shard=shard) for shard in range(shards)]
    kept = sorted(f.info_of(b)["number"] for f, _ in parts for b in range(len(f)))
    assert kept == [0, 1]
    assert sum(len(rows) for _, rows in parts) == 3


def half_xyz(path):
    write(path / "x.extxyz", [COPPER, SALT])
    lines = (path / "x.extxyz").read_text().splitlines()
    (path / "x.extxyz").write_text("\n".join(lines[:-2]))


def half_sdf(path):
    block = Chem.MolToMolBlock(Chem.AddHs(Chem.MolFromSmiles("[Ne]")))
    (path / "x.sdf").write_text(f"{block}$$$$\n{block[:-12]}")


def half_cif(path):
    write(path / "a.extxyz", COPPER)
    # between two atoms: what is there is a crystal like any other, but not that of its formula
    (path / "x.cif").write_text("\n".join(cif(SALT).splitlines()[:-2]) + "\n")


def half_json(path):
    text = json.dumps([AseAtomsAdaptor.get_structure(SALT).as_dict()])
    write(path / "a.extxyz", COPPER)
    (path / "x.json").write_text(text[:-40])


def half_gzip(path):
    write(path / "a.extxyz", COPPER)
    write(path / "b.extxyz", SALT)
    packed = gzip.compress((path / "b.extxyz").read_bytes())
    (path / "b.extxyz").unlink()
    (path / "b.extxyz.gz").write_bytes(packed[:-20])


HALVES = {
    half_xyz: reasons.UNREADABLE,
    half_sdf: reasons.UNREADABLE,
    half_cif: reasons.CUT_OFF,
    half_json: reasons.UNREADABLE_FILE,
    half_gzip: reasons.UNREADABLE_FILE,
}


@pytest.mark.parametrize("half", HALVES)
def test_what_is_half_written_is_set_aside_and_counted(tmp_path, half):
    half(tmp_path)
    kept, rejected = load(tmp_path)
    assert [row.reason for row in rejected] in (
        [HALVES[half]],
        [HALVES[half], reasons.SINGLE_ATOM],
        [reasons.SINGLE_ATOM, HALVES[half]],
    )
    assert len(kept) == (half is not half_sdf)


def test_a_whole_crystal_passes_the_check_that_refuses_half_of_it(tmp_path):
    (tmp_path / "x.cif").write_text(cif(SALT))
    assert load(tmp_path)[1] == []


def test_the_only_file_that_cannot_be_read_stops_nothing(tmp_path):
    """As where a model was stopped: its source has no structure, and others fall back."""
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 and no more")
    frames, (row,) = load(tmp_path / "x.zip")
    assert len(frames) == 0
    assert row.reason == reasons.UNREADABLE_FILE
    source = generate_job("generated", {"seed": 1, "source": "model", "shard": 0, "count": 9,
                                        "path": str(tmp_path / "x.zip")}).source  # fmt: skip
    assert elements_of(source) == frozenset()
    assert list(groups_of(source)) == []


def test_a_pickle_is_never_opened(tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    for name in ("x.pkl", "x.pt", "x.traj", "x.json", "x.npz"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    frames, rejected = load(tmp_path)
    assert len(frames) == 0
    assert len(rejected) == 5
    assert not (tmp_path / "written").exists()


def test_names_in_a_zip_lead_nowhere(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.cif").write_text(cif(SALT))
    link = zipfile.ZipInfo("link.cif")
    link.external_attr = 0o120777 << 16  # a symbolic link, as unzip would make it
    with zipfile.ZipFile(inside / "x.zip", "w") as file:
        file.writestr("../out.cif", cif(SALT))
        file.writestr("in/x.cif", cif(COPPER))
        file.writestr(link, str(tmp_path / "secret.cif"))
    frames, rejected = load(inside)
    assert [g.decode() for g in frames.group] == ["Cu"]
    assert [row.reason for row in rejected] == [reasons.UNREADABLE_FILE]
    assert not (tmp_path / "out.cif").exists()


def heavy_atoms(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    return mol, Chem.RemoveHs(mol)


def test_heavy_atoms_get_their_hydrogens_and_stay_where_they_are(tmp_path, caplog):
    _, heavy = heavy_atoms("CC(=O)[O-]")
    (tmp_path / "x.sdf").write_text(Chem.MolToMolBlock(heavy) + "$$$$\n")
    with caplog.at_level("INFO"):
        frames, rejected = load(tmp_path)
    assert rejected == []
    assert HYDROGENS in caplog.text
    assert Counter(frames.numbers.tolist()) == {6: 2, 8: 2, 1: 3}
    assert frames.charge.tolist() == [-1]
    # a MOL file has four decimals
    np.testing.assert_allclose(frames.positions[:4], heavy.GetConformer().GetPositions(), atol=1e-4)
    lengths = np.linalg.norm(frames.positions[4:] - frames.positions[0], axis=1)
    np.testing.assert_allclose(lengths, 1.09, atol=0.05)  # C-H bonds, as RDKit has them


def test_explicit_hydrogens_are_left_alone(tmp_path, caplog):
    whole, _ = heavy_atoms("C[CH2]")  # a radical has as many as it has
    (tmp_path / "x.sdf").write_text(Chem.MolToMolBlock(whole) + "$$$$\n")
    with caplog.at_level("INFO"):
        frames, _ = load(tmp_path)
    assert len(frames.numbers) == 7
    assert HYDROGENS not in caplog.text


def test_a_molecule_without_hydrogens_of_its_own_gets_none(tmp_path):
    carbon_dioxide = Chem.MolFromSmiles("O=C=O")
    rdDistGeom.EmbedMolecule(carbon_dioxide, randomSeed=1)
    (tmp_path / "x.sdf").write_text(Chem.MolToMolBlock(carbon_dioxide) + "$$$$\n")
    assert load(tmp_path)[0].numbers.tolist() == [8, 6, 8]


def test_its_groups_are_those_of_its_structures(tmp_path):
    water = molecule("H2O")
    water.info["group"] = "trust me"
    write(tmp_path / "x.extxyz", [COPPER, water, changed(COPPER, numbers=(0, 95))])
    source = generate_job("generated", {"seed": 1, "source": "model", "shard": 0, "count": 9,
                                        "path": str(tmp_path)}).source  # fmt: skip
    frames, _ = load(tmp_path)
    assert [group for group, _ in groups_of(source)] == [g.decode() for g in frames.group]
    assert elements_of(source) == {"Cu", "H", "O"}
    assert isinstance(water, Atoms)
