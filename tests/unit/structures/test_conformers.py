"""Salts, hydrates and what MMFF94 does not know: fragments apart, relaxed together, or refused."""

import time

import numpy as np
import pytest
from rdkit import Chem
from scipy.spatial.distance import cdist

from jobs_of import generate_job
from limbeck.structures import generate
from limbeck.structures.building.molecules.conformers import APART_A, _embed_apart, embed, rmsd_of
from limbeck.structures.distances import contact_too_near, too_near
from limbeck.structures.shard import Refused


def between(mol):
    """Smallest distance of atoms of two fragments, Angstrom."""
    positions = mol.GetConformer().GetPositions()
    parts = [positions[list(part)] for part in Chem.GetMolFrags(mol)]
    return min(cdist(a, b).min() for i, a in enumerate(parts) for b in parts[:i])


def passes(mol):
    atoms = np.array([a.GetAtomicNum() for a in mol.GetAtoms()])
    where = (atoms, np.array(mol.GetConformer().GetPositions()), np.zeros((3, 3)), False)
    return too_near(*where, None) is None and contact_too_near(*where, 0.6) is None


# Distances that crystals and gas-phase pairs have are within these bounds: hydrogen bonds 1.5 to
# 2.1, ions at the sum of their radii (NaCl 2.36 as a molecule, 2.82 in the crystal).
@pytest.mark.parametrize(
    ("smiles", "field", "low", "high"),
    [
        ("[Na+].[Cl-]", "MMFF94", 2.3, 2.9),
        ("O.O.O", "MMFF94", 1.6, 2.1),
        (".".join(["O"] * 12), "MMFF94", 1.5, 2.1),
        ("N.N", "MMFF94", 1.8, 2.5),
        ("CC(=O)O.O", "MMFF94", 1.5, 2.1),
        ("CC(=O)[O-].[K+]", "MMFF94", 2.3, 2.9),
        ("C[n+]1ccn(CCCC)c1.[Cl-]", "MMFF94", 2.4, 3.1),
        ("C[NH+](C)CCOC(c1ccccc1)c1ccccc1.[Cl-]", "MMFF94", 1.7, 3.1),
        ("CN(C)CCOC(c1ccccc1)c1ccccc1.Cl", "UFF", 1.8, 3.5),
        ("C[n+]1ccn(CC)c1.O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", "MMFF94", 2.0, 3.0),
        ("C[n+]1ccn(CC)c1.F[B-](F)(F)F", "UFF", 2.2, 3.4),
        ("[K+].[K+].[O-]C([O-])=O", "UFF", 2.4, 3.3),
        ("[Cl-].[Cl-].[Ca+2].O.O", "MMFF94", 1.5, 2.6),
    ],
)
def test_fragments_touch_and_do_not_overlap(smiles, field, low, high):
    for seed in (1, 2):
        made = embed(smiles, seed)
        assert made.force_field == field
        assert low < between(made.mol) < high
        assert passes(made.mol)


def test_fragments_start_apart_and_by_their_seed():
    def start(seed):
        mol = Chem.AddHs(Chem.MolFromSmiles("O.O.CCO"))
        _embed_apart(mol, Chem.GetMolFrags(mol), seed, "")
        return mol

    # moved in steps of a sixteenth of that
    assert APART_A <= between(start(1)) < APART_A * 1.2
    first, again, other = (s.GetConformer().GetPositions() for s in (start(1), start(1), start(2)))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1


@pytest.mark.parametrize(
    ("smiles", "why"),
    [
        ("[NH4+].[NH4+]", "fragments fly apart"),
        ("[Ar].O", "neither MMFF94 nor UFF has parameters"),
        ("CCCC[N+](CCCC)(CCCC)CCCC.F[P-](F)(F)(F)(F)F", "not bonded as near as bonded"),
        ("FP(F)(F)(F)F", "not bonded as near as bonded"),  # UFF has four neighbours of P in mind
    ],
)
def test_what_cannot_be_put_together_is_refused_by_name(smiles, why):
    with pytest.raises(Refused, match=why):
        embed(smiles, 1)


@pytest.mark.parametrize("smiles", ["OB(O)c1ccccc1", "C[Se]C", "C[Sn](C)(C)C", "CO[O]"])
def test_uff_stands_in_and_the_record_says_so(tmp_path, smiles):
    (tmp_path / "x.smi").write_text(f"{smiles}\nCCO\n")
    base = {"seed": 1, "source": "m", "shard": 0, "shards": 1, "count": 2}
    frames, rejected = generate(generate_job("molecules", base | {"smiles": f"{tmp_path}/x.smi"}))
    assert rejected == []
    assert [frames.info_of(b)["force_field"] for b in range(2)] == ["UFF", "MMFF94"]


def test_alike_fragments_may_change_places():
    """Two waters in one minimum, found twice with their names exchanged, are one conformer."""
    made = embed("O.O", 1)
    swapped = Chem.RenumberAtoms(made.mol, [1, 0, 4, 5, 2, 3])
    # the same geometry up to rounding; as the atoms stand, they are Angstrom apart
    assert rmsd_of(made, made._replace(mol=swapped)) < 1e-3


def test_charges_of_fragments_attract_in_uff():
    """CsCl as a molecule is 2.9 A long; without charges UFF has the atoms' contact, 4.2 A."""
    made = embed("[Cs+].[Cl-]", 1)
    assert made.force_field == "UFF"
    assert between(made.mol) == pytest.approx(2.9, abs=0.2)


def test_a_stereoisomer_that_cannot_be_is_soon_given_up():
    """Trans-bridged norbornane: RDKit's own bound, ten starts for each atom, takes seconds."""
    start = time.process_time()
    for smiles in ("CC(=O)O[C@@]1(C(C)C)C[C@H]2CC[C@H]1C2", "CC(=O)N[C@]12CC[C@@H](C[C@H]1C#N)C2"):
        with pytest.raises(Refused, match="no conformer found"):
            embed(smiles, 1)
    assert time.process_time() - start < 4  # 1.3 s where it was measured; 9 s without a bound


def test_morphine_is_made_whatever_the_seed():
    smiles = "CN1CC[C@]23[C@@H]4[C@H]1CC5=C2C(=C(C=C5)O)O[C@H]3[C@H](C=C4)O"
    assert {embed(smiles, seed).force_field for seed in range(5)} == {"MMFF94"}
