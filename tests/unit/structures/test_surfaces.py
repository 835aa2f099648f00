"""Surfaces: known faces, their sites and terminations, molecules on them, and what is refused."""

import numpy as np
import pytest
from ase.build import fcc111, molecule
from ase.io import write

from jobs_of import generate_job
from limbeck import reasons
from limbeck.config.sections.screen import Screen
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.geometry import vacuum_axes
from limbeck.structures import elements_of, generate, groups_of
from limbeck.structures.building.adsorption import sites_of
from limbeck.structures.building.slabs import cuts, planes
from limbeck.structures.screening import narrowest_vacuum, screen
from limbeck.structures.sources.crystals import choose_entries, conventional_cell

CO = "[C-]#[O+]"


def job(**changed):
    base = {"seed": 1, "source": "slabs", "shard": 0, "shards": 1, "count": 3}
    return generate_job("surfaces", base | changed)


def make(**changed):
    return generate(job(**changed))


def cut(prototype, formula, face, **changed):
    (entry,) = choose_entries([prototype], None, [formula])
    asked = {"layers": 4, "thickness": 6.0, "symmetric": False} | changed
    return cuts(conventional_cell(entry), face, **asked)


def test_copper_111_is_that_of_ase():
    (found,) = cut("fcc", "Cu", (1, 1, 1))
    same = fcc111("Cu", (1, 1, 4), a=3.6146)
    assert len(found.atoms) == 4
    assert planes(found.atoms.positions[:, 2]).tolist() == [0, 1, 2, 3]
    # the same by hand: layers a / sqrt(3) apart, and an area of sqrt(3)/4 a^2
    assert np.diff(found.atoms.positions[:, 2]) == pytest.approx(3.6146 / 3**0.5, abs=1e-6)
    area = np.linalg.norm(np.cross(*found.atoms.cell.array[:2]))
    assert area == pytest.approx(np.linalg.norm(np.cross(*same.cell.array[:2])), abs=1e-6)
    assert found.polar is None


@pytest.mark.parametrize(
    ("face", "counts"),
    [
        ((1, 1, 1), (1, 1, 2)),  # hollows: fcc and hcp
        ((1, 0, 0), (1, 1, 1)),
        ((1, 1, 0), (1, 2, 1)),  # a short and a long bridge
    ],
)
def test_sites_of_copper(face, counts):
    found = sites_of(cut("fcc", "Cu", face)[0].atoms)
    assert tuple(len(found[kind]) for kind in ("top", "bridge", "hollow")) == counts


def test_an_odd_number_of_layers_is_kept_where_the_compound_stays():
    for layers in (3, 5):
        (found,) = cut("rocksalt", "NaCl", (1, 0, 0), layers=layers)
        assert planes(found.atoms.positions[:, 2]).max() + 1 == layers
    # negative control: planes of (111) are of one element each, so that three are no NaCl
    (found,) = cut("rocksalt", "NaCl", (1, 1, 1), layers=3)
    assert planes(found.atoms.positions[:, 2]).max() + 1 == 4


def test_rock_salt_100_is_neutral_and_111_is_polar():
    asked = {"compounds": ["NaCl"], "layers": 4}
    frames, rejected = make(**asked)
    assert rejected == []
    polar = {tuple(frames.info_of(b)["miller"]): frames.info_of(b)["polar"] for b in range(3)}
    assert polar == {(1, 0, 0): False, (1, 1, 0): False, (1, 1, 1): True}
    frames, rejected = make(**asked, polar=False)
    assert len(frames) == 2
    assert [r.reason for r in rejected] == [reasons.NO_SLAB]


def test_rock_salt_111_has_two_symmetric_terminations():
    found = cut("rocksalt", "NaCl", (1, 1, 1), layers=None, thickness=14.0, symmetric=True)
    tops = {each.atoms.get_chemical_symbols()[-1] for each in found}
    assert tops == {"Na", "Cl"}
    for each in found:
        assert each.atoms.get_chemical_symbols()[0] == each.atoms.get_chemical_symbols()[-1]
        assert each.polar is False


def test_a_frame_says_where_its_vacuum_and_its_fixed_atoms_are(caplog):
    asked = {"compounds": ["Cu"], "layers": 4, "supercell": [2, 2], "fixed_layers": 2}
    frames, _ = make(**asked, vacuum_A=12.0)
    assert "no sampling holds atoms still" in caplog.text
    for b in range(len(frames)):
        info, rows = frames.info_of(b), frames.atoms_of(b)
        heights = frames.positions[rows, 2]
        assert len(info["fixed_atoms"]) == 8
        free = np.delete(heights, info["fixed_atoms"])
        assert heights[info["fixed_atoms"]].max() < free.min() - 0.5
        width = narrowest_vacuum(frames.positions[rows], frames.cell[b], info["vacuum_axis"])
        assert width == pytest.approx(12.0, abs=1e-6)
        assert vacuum_axes(frames)[b].tolist() == [False, False, True]


def test_a_slab_without_a_surface_is_refused_and_others_are_not():
    asked = {"compounds": ["Cu"], "layers": 4}
    thin, _ = make(**asked, vacuum_A=2.1)
    kept, rejected = screen(thin, Screen())
    assert len(kept) == 0
    assert {r.reason for r in rejected} == {reasons.NO_SURFACE}
    assert float(rejected[0].value) == pytest.approx(2.1, abs=1e-6)
    wide, _ = make(**asked)
    # moved along z until it goes over the edge of the cell: its vacuum is as wide
    moved = [atoms.copy() for atoms in wide.to_atoms()]
    for atoms in moved:
        atoms.positions[:, 2] += 11.0
        atoms.wrap()
    infos = [wide.info_of(b) for b in range(len(wide))]
    over = from_atoms(moved, groups=["Cu"] * 3, source="s", infos=infos)
    assert len(screen(wide, Screen())[0]) == len(screen(over, Screen())[0]) == 3


def test_carbon_monoxide_stands_on_its_carbon_at_the_coverage_asked():
    asked = {"compounds": ["Cu"], "layers": 3, "supercell": [2, 2], "adsorbates": [CO]}
    frames, rejected = make(**asked, coverages=[0.25], count=12)
    assert rejected == []
    assert len(screen(frames, Screen())[0]) == 12
    sites = [frames.info_of(b).get("site", "bare") for b in range(12)]
    assert sorted(set(sites)) == ["bare", "bridge", "hollow", "top"]
    for b in range(12):
        rows, info = frames.atoms_of(b), frames.info_of(b)
        if "site" not in info:
            continue
        numbers, positions = frames.numbers[rows], frames.positions[rows]
        assert info["coverage"] == 0.25
        assert numbers[-2:].tolist() == [6, 8]
        carbon, oxygen = positions[-2:]
        assert oxygen[2] - carbon[2] == pytest.approx(1.13, abs=0.05)  # upright; 1.128 A in the gas
        nearest = np.linalg.norm(positions[:-2] - carbon, axis=1).min()
        if info["site"] == "top":
            assert nearest == pytest.approx(0.76 + 1.32, abs=0.01)  # covalent radii


def test_what_does_not_fit_on_a_face_is_counted(monkeypatch):
    from limbeck.structures.sources import surfaces

    asked = {"compounds": ["Cu"], "layers": 3, "adsorbates": ["O"], "count": 6, "sites": ["top"]}
    _, rejected = make(**asked, coverages=[0.1])
    assert {r.reason for r in rejected} == {reasons.NO_COVERAGE}
    _, rejected = make(**asked, coverages=[1.0])  # one water molecule on each atom
    assert {r.reason for r in rejected} == {reasons.NO_ROOM}
    _, rejected = make(**asked, supercell=[2, 2], n_atoms=[13, 14])
    assert {r.reason for r in rejected} == {reasons.TOO_FEW_ATOMS, reasons.TOO_MANY_ATOMS}
    monkeypatch.setattr(surfaces, "sites_of", lambda atoms: {"top": []})
    _, rejected = make(**asked)
    assert {r.reason for r in rejected} == {reasons.NO_SITES}


def test_shards_move_no_structure():
    asked = {"compounds": ["Cu", "Ni"], "layers": 2, "strain": 0.02, "count": 7}
    whole, _ = make(**asked)
    parts = [make(**asked, shard=s, shards=3)[0].id.tolist() for s in range(3)]
    assert parts == [whole.id[s::3].tolist() for s in range(3)]


def test_without_strain_each_face_comes_once_and_groups_are_those_of_crystals():
    frames, rejected = make(compounds=["Cu"], layers=2, count=5)
    assert len(frames) == 3
    assert {r.reason for r in rejected} == {reasons.REPEATED}
    source = job(compounds=["Cu"], adsorbates=["O"]).source
    assert set(groups_of(source)) == {("Cu", frozenset({"Cu", "O", "H"}))}
    assert elements_of(source) == {"Cu", "O", "H"}


def test_crystals_of_a_file_are_cut_and_molecules_in_it_refused(tmp_path):
    (entry,) = choose_entries(["fcc"], None, ["Ag"])
    silver = conventional_cell(entry).to_ase_atoms()
    write(tmp_path / "in.extxyz", [silver, molecule("H2O")])
    asked = {"path": str(tmp_path / "in.extxyz"), "layers": 2, "count": 6}
    frames, rejected = make(**asked)
    assert frames.group.tolist() == [b"Ag"] * 3
    assert {r.reason for r in rejected} == {reasons.NOT_A_CRYSTAL}
    assert elements_of(job(**asked).source) == {"Ag"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"layers": 3, "thickness_A": 5.0}, "thickness_A: 5, expected either this or layers"),
        ({"n_atoms": [9, 4]}, "n_atoms: .* smaller number first"),
        ({"path": "a.cif", "compounds": ["Cu"]}, "compounds: expected none beside path"),
        ({"count": 0}, "count: 0, expected at least 1"),
        ({"compounds": ["CuNi"]}, r"compounds: \['CuNi'\] not known"),
        ({"layers": 1, "fixed_layers": 2}, "fixed_layers: 2, expected at most layers, 1"),
    ],
)
def test_wrong_settings_are_named(changed, message):
    with pytest.raises(LimbeckError, match=message):
        make(**changed)


@pytest.mark.parametrize(
    ("smiles", "message"),
    [("C(", "expected a SMILES that RDKit reads"), ("[OH-]", r"has charge -1, expected none")],
)
def test_wrong_molecules_are_told_before_anything_is_made(smiles, message):
    with pytest.raises(LimbeckError, match=message):
        elements_of(job(compounds=["Cu"], adsorbates=[smiles]).source)
