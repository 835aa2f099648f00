"""Molecules from SMILES: known geometries, names, and what is set aside."""

import gzip

import numpy as np
import pytest
from ase.build import molecule

from jobs_of import generate_job
from limbeck.errors import LimbeckError
from limbeck.structures import generate
from limbeck.structures.building.molecules.conformers import embed
from limbeck.structures.chemistry import chemistry
from limbeck.structures.shard import Refused
from limbeck.structures.sources.molecules import REPEAT_RMSD_A, elements, read_smiles


@pytest.fixture
def settings(tmp_path):
    """Settings of one shard; ``lines`` become the SMILES file."""

    def build(*lines: str, **changed):
        path = tmp_path / "list.smi"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        base = {"seed": 1, "source": "mols", "shard": 0, "shards": 1, "count": len(lines)}
        return generate_job("molecules", base | {"smiles": str(path)} | changed)

    return build


def test_water_has_the_geometry_of_mmff(settings):
    frames, rejected = generate(settings("O water"))
    atoms = frames.to_atoms()[0]
    assert rejected == []
    assert atoms.get_chemical_symbols() == ["O", "H", "H"]
    # MMFF94's reference values for water: 0.969 A and 103.978 degrees, no other term acts
    assert atoms.get_distances(0, [1, 2]) == pytest.approx([0.969, 0.969], abs=1e-3)
    assert atoms.get_angle(1, 0, 2) == pytest.approx(103.98, abs=0.1)


def test_ethanol_is_grouped_by_its_formula_and_bonds(settings):
    frames, _ = generate(settings("CCO ethanol"))
    assert frames.group.tolist() == [chemistry(molecule("CH3CH2OH")).encode()]
    assert frames.info_of(0) == {
        "number": 0,
        "smiles": "CCO",
        "name": "ethanol",
        "force_field": "MMFF94",
    }
    assert not frames.pbc.any()


@pytest.mark.parametrize(
    ("smiles", "charge", "spin"),
    [("[CH3] methyl", 0, 1), ("[NH4+] ammonium", 1, 0), ("[O-]C=O formate", -1, 0)],
)
def test_charge_and_unpaired_electrons_come_from_the_smiles(settings, smiles, charge, spin):
    frames, _ = generate(settings(smiles))
    assert (frames.charge[0], frames.spin[0]) == (charge, spin)


def test_a_bad_smiles_is_set_aside_with_its_reason(settings):
    frames, rejected = generate(settings("O water", "C(C broken", "[Cu] copper", "C"))
    assert [frames.info_of(b)["name"] for b in range(len(frames))] == ["water", "C"]
    assert [(r.frame, r.reason, r.value) for r in rejected] == [
        ("mols/1", "SMILES does not parse", "C(C"),
        ("mols/2", "neither MMFF94 nor UFF has parameters", "[Cu]"),
    ]


def test_bad_lines_are_told_by_their_numbers_and_stop_nothing(settings, caplog):
    lines = ["# mine", "O water", *(f"C(C broken{n}" for n in range(25)), "C" * 3000]
    job = settings(*lines, count=28)
    assert elements(job.source) == {"H", "O"}
    told = [record.getMessage() for record in caplog.records]
    path = job.source.smiles
    assert told[0] == (f"{path}, line 3, broken0: RDKit cannot read the SMILES, and it is left out")
    assert len(told) == 21
    assert told[-1] == f"{path}: and 6 lines more"


def test_a_molecule_that_cannot_be_embedded_is_refused():
    # norbornane with its bridge on opposite faces of the ring: no such geometry exists
    with pytest.raises(Refused, match="no conformer found by ETKDGv3"):
        embed("C1C[C@H]2CC[C@H]1C2", seed=1)
    assert embed("C1C[C@H]2CC[C@@H]1C2", seed=1).mol.GetNumAtoms() == 19  # norbornane


def test_a_rigid_molecule_gives_one_conformer(settings):
    frames, rejected = generate(settings("O water", count=5))
    assert len(frames) == 1
    assert {r.reason for r in rejected} == {"repeats a conformer of smaller number: RMSD in A"}
    assert all(r.value < REPEAT_RMSD_A and r.limit == REPEAT_RMSD_A for r in rejected)


def test_ethanol_keeps_its_rotamers(settings):
    # anti, gauche plus and gauche minus are all the minima it has
    frames, _ = generate(settings("CCO ethanol", count=30))
    assert len(frames) == 3


def test_displaced_molecules_are_all_kept_and_move_as_asked(settings):
    still, _ = generate(settings("O water"))
    moved, rejected = generate(settings("O water", count=300, displacement_A=0.1))
    assert len(moved) == 300
    assert rejected == []
    assert len(set(moved.root.tolist())) == 300
    bond = np.array([a.get_distance(0, 1) for a in moved.to_atoms()])
    mean = still.to_atoms()[0].get_distance(0, 1)
    # A bond's length changes by sqrt(2) * 0.1 to first order; 300 samples know a standard
    # deviation to 1/sqrt(600) = 4 %, so 15 % is 3.7 of these.
    assert (bond - mean).std() == pytest.approx(2**0.5 * 0.1, rel=0.15)


@pytest.mark.parametrize("displacement", [0, 0.1])
def test_shards_move_no_structure(settings, displacement):
    lines = ("CCO ethanol", "CO methanol")
    whole, _ = generate(settings(*lines, count=12, displacement_A=displacement))
    parts = [
        generate(settings(*lines, count=12, displacement_A=displacement, shard=s, shards=3))
        for s in range(3)
    ]
    ids = [i for frames, _ in parts for i in frames.id.tolist()]
    assert sorted(ids) == sorted(whole.id.tolist())


def test_the_seed_matters(settings):
    one, _ = generate(settings("CCO ethanol", displacement_A=0.1))
    two, _ = generate(settings("CCO ethanol", displacement_A=0.1, seed=2))
    assert one.id[0] != two.id[0]


def test_an_empty_shard_is_valid(settings):
    job = settings("O water", count=2, shard=1, shards=2)
    one = job.source.model_copy(update={"count": 1})  # as a file that has fewer than are asked for
    frames, rejected = generate(job.model_copy(update={"source": one}))
    assert len(frames) == 0
    assert rejected == []


def test_comments_are_whole_lines_since_smiles_hold_hashes(tmp_path):
    path = tmp_path / "list.smi"
    path.write_text("# a comment\n\nC#N hydrogen cyanide\nC\n", encoding="utf-8")
    assert read_smiles(path) == [("C#N", "hydrogen cyanide", 3), ("C", "C", 4)]


def test_a_missing_or_empty_list_is_named(tmp_path):
    with pytest.raises(LimbeckError, match=r"none\.smi: no such file"):
        read_smiles(tmp_path / "none.smi")
    (tmp_path / "empty.smi").write_text("# nothing\n")
    with pytest.raises(LimbeckError, match=r"empty\.smi: no SMILES"):
        read_smiles(tmp_path / "empty.smi")


def test_the_list_of_the_demo_is_small_and_complete(settings):
    frames, rejected = generate(settings(smiles="resources/smiles/organics.smi", count=10))
    assert rejected == []
    assert len(set(frames.group.tolist())) == 10
    assert set(frames.numbers.tolist()) == {1, 6, 8}
    assert frames.n_atoms.max() <= 9


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_may_be_packed_and_have_a_mark(tmp_path, pack, code):
    (tmp_path / "x.smi").write_bytes(pack("C methane\r\nCCO\r\n".encode(code)))
    assert read_smiles(tmp_path / "x.smi") == [("C", "methane", 1), ("CCO", "CCO", 2)]
