"""Sources beside each other: molecules, copies and distances whose figures are known."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from limbeck.config.load import resolve
from limbeck.config.sections.screen import Compare, Screen
from limbeck.diversity import against
from limbeck.diversity.comparison import Made, compare, entropy, mean, share
from limbeck.diversity.molecules import NO_RING, groups_of, molecule_of, scaffold_of, smiles_of
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms

LIMIT_A = 0.02


def made(name, structures, **numbers):
    """A source that made these; of none was anything set aside, where not given."""
    frames = from_atoms(structures, groups=["g"] * len(structures), source=name)
    told = {"there": len(frames), "copies": 0, "failed": 0, "screen": Screen()} | numbers
    return Made(name=name, frames=frames, **told)


def figures(found, source):
    return {f["name"]: f["value"] for f in found.figures if f["source"] == source}


def turned(atoms, angle):
    """The same, turned, shifted and numbered anew."""
    result = atoms[::-1]
    result.rotate(angle, (1, 2, 3), rotate_cell=True)
    result.positions += (0.3, 1.2, -0.7)
    return result


# molecules


def of_smiles(smiles, seed=1):
    from rdkit import Chem
    from rdkit.Chem import AllChem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=seed)
    AllChem.MMFFOptimizeMolecule(mol)
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    return Atoms(numbers, mol.GetConformer().GetPositions())


def read(atoms, charge=0):
    return molecule_of(atoms.numbers, atoms.positions, charge)


@pytest.mark.parametrize("smiles", ["CCO", "CC(=O)Nc1ccccc1", "C[N+](=O)[O-]", "O=c1cc[nH]cc1"])
def test_bonds_are_found_from_positions(smiles):
    from rdkit import Chem

    expected = Chem.MolToSmiles(Chem.MolFromSmiles(smiles))
    assert smiles_of(read(of_smiles(smiles))) == expected


def test_what_is_no_molecule_of_usual_valences_is_none():
    water = molecule("H2O")
    two = water + Atoms(water.numbers, water.positions + 8.0)
    assert read(water) is not None
    assert read(two) is None
    assert read(molecule("CH3")) is None  # a radical
    assert read(Atoms("H3O", [*water.positions[1:], (0, 0, -0.9), water.positions[0]])) is None


def test_scaffolds_and_groups_of_named_molecules():
    anilide = read(of_smiles("CC(=O)Nc1ccccc1"))
    assert scaffold_of(anilide) == "c1ccccc1"
    assert {"amides", "benzene rings", "anilines"} <= set(groups_of(anilide))
    acid = read(of_smiles("CC(=O)O"))
    assert scaffold_of(acid) == NO_RING
    assert "carboxylic acids" in groups_of(acid)
    assert "amides" not in groups_of(acid)


# figures


def test_a_share_has_the_interval_of_wilson():
    # ten of ten: from n / (n + z^2) on
    found = share("valid", 10, 10)
    assert (found["value"], found["high"]) == (1.0, 1.0)
    assert found["low"] == pytest.approx(10 / (10 + 1.959964**2), abs=1e-5)
    assert share("valid", 0, 0)["value"] is None


def test_means_and_entropies_have_intervals():
    found = mean("atoms", np.array([1.0, 2.0, 3.0]))
    # Student's t of two degrees of freedom
    assert found["high"] == pytest.approx(2 + 4.30265 / 3**0.5, abs=1e-4)
    assert mean("atoms", np.array([3.0]))["low"] is None
    even = entropy([["C"], ["O"]] * 50)
    assert even["value"] == 1.0
    assert 0.9 < even["low"] < even["high"] <= 1.0


def test_sets_of_one_kind_are_no_farther_apart_than_noise():
    rng = np.random.default_rng(1)
    ours, theirs = ([[str(k)] for k in rng.integers(0, 4, 200)] for _ in range(2))
    same = against.of_kinds(ours, theirs)
    assert same.distance <= same.noise
    other = against.of_kinds(ours, [["another"]] * 200)
    assert other.distance == pytest.approx(1.0)
    numbers = against.of_numbers(rng.normal(10, 1, 200), rng.normal(12, 1, 200))
    assert numbers.distance == pytest.approx(2.0, abs=0.3)  # of means of 200, three errors
    assert numbers.distance > numbers.noise
    assert against.of_kinds(ours, []) is None


# sources


def test_copies_are_not_unique_whatever_they_look_like():
    """Salt is there three times: as it is, turned and renumbered, and as a primitive cell."""
    salt = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    others = [bulk("KCl", "rocksalt", a=6.3), bulk("Si"), bulk("NaCl", "cesiumchloride", a=3.4)]
    same = [salt, turned(salt, 40), bulk("NaCl", "rocksalt", a=5.6)]
    known = made("known", [bulk("Si"), bulk("Ge")])
    found = compare([made("model", [*same, *others])], known, LIMIT_A)
    told = figures(found, "model")
    assert told["valid"] == 1.0
    assert told["unique"] == pytest.approx(4 / 6)
    assert told["novel"] == pytest.approx(3 / 4)  # silicon is known
    assert told["space groups"] == 3
    assert told["with symmetry"] == 1.0
    assert "unique molecules" not in told
    (groups,) = [one for one in found.apart if one["name"] == "space groups"]
    assert groups["distance"] == pytest.approx(5 / 6)  # one of six has the reference's


def test_a_strained_crystal_is_another():
    salt, wide = (bulk("NaCl", "rocksalt", a=a) for a in (5.6, 5.6 * 1.02))
    found = compare([made("model", [salt, wide])], None, LIMIT_A)
    assert figures(found, "model")["unique"] == 1.0
    assert not found.apart
    assert "novel" not in figures(found, "model")


def test_what_was_set_aside_or_is_refused_is_not_valid_and_a_copy_is():
    """Of eight: two whose atoms overlap, one that could not be read, one copy to the last digit."""
    bad = [Atoms("C2", [(0, 0, 0), (0, 0, 0.1 * n)]) for n in (1, 2)]
    good = [molecule(name) for name in ("CH4", "C2H6", "H2O", "NH3")]
    source = made("model", [*good, *bad], copies=1, failed=1)
    told = figures(compare([source], None, LIMIT_A), "model")
    assert told["valid"] == pytest.approx(5 / 8)
    assert told["unique"] == pytest.approx(4 / 5)
    # of twice as many, half of what was set aside goes with the half that is looked at
    half = made("model", [*good, *bad], there=12, copies=2, failed=2)
    assert figures(compare([half], None, LIMIT_A), "model") == told


def test_molecules_are_told_by_their_smiles_and_crystals_have_none():
    conformers = [of_smiles("CCCCO", seed) for seed in (1, 2, 3)]
    mirror = Atoms(conformers[0].numbers, conformers[0].positions * (1, 1, -1))
    ring = of_smiles("Cc1ccccc1")
    reference = made("known", [of_smiles("CCCCO", 9), molecule("CH4")])
    found = compare([made("model", [*conformers, mirror, ring])], reference, LIMIT_A)
    told = figures(found, "model")
    assert told["unique"] <= 4 / 5  # a mirror image is the same
    assert told["one molecule of usual valences"] == 1.0
    assert told["unique molecules"] == pytest.approx(2 / 5)
    assert told["novel molecules"] == pytest.approx(1 / 2)
    assert told["scaffolds"] == 2
    assert told["heavy atoms"] == pytest.approx((4 * 5 + 7) / 5)
    kinds = {(one["sort"], one["kind"]): one["share"] for one in found.frequent}
    assert kinds["scaffold", NO_RING] == pytest.approx(4 / 5)
    assert kinds["functional group", "benzene rings"] == pytest.approx(1 / 5)
    assert "density" not in told


def test_an_empty_source_has_no_figures_and_does_no_harm():
    empty = made("model", [molecule("CH4")], there=0)
    none = Made("model", empty.frames.select([]), 0, 0, 3, Screen())
    found = compare([none, made("other", [molecule("CH4")])], made("known", [bulk("Si")]), LIMIT_A)
    told = figures(found, "model")
    assert told["valid"] is None or told["valid"] == 0
    assert told["unique"] is None


def test_one_source_beside_nothing_is_an_error():
    assert Compare(sources=["a"], reference="b").n_structures == 1000
    sources = {"a": {"kind": "crystals", "count": 1}}
    config = {"run": "x", "sources": sources, "potentials": {"lj": {"model": "lj"}}}
    config |= {"warrant": {"teachers": ["lj"]}, "compare": {"sources": ["a"]}}
    with pytest.raises(LimbeckError, match="expected two sources, or a reference beside one"):
        resolve(config)


@pytest.mark.slow  # numba compiles QUESTS for a minute
def test_environments_of_one_crystal_are_among_the_reference_and_others_are_not():
    silver, wide = (bulk("Ag", cubic=True, a=a) for a in (4.09, 4.4))
    sources = [made("same", [silver * (2, 2, 2)]), made("other", [wide * (2, 2, 2)])]
    found = compare(sources, made("known", [silver]), LIMIT_A, n_environments=60)
    told = {name: figures(found, name) for name in ("same", "other")}
    # nats: all atoms of a crystal of one site are alike
    assert told["same"]["entropy of environments"] == pytest.approx(0, abs=1e-6)
    assert told["same"]["environments of the reference"] == 1.0
    assert told["other"]["environments of the reference"] == 0.0
