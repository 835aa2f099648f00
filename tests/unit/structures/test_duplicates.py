"""Structures that are the same in another presentation are found, and others are not."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from rdkit import Chem
from rdkit.Chem import AllChem, rdMolTransforms
from scipy.spatial.transform import Rotation

from limbeck.config.sections.screen import Screen
from limbeck.frames import Frames, from_atoms
from limbeck.structures.duplicates.groups import Keys, find, keys_of, read
from limbeck.structures.duplicates.key import composition, key
from limbeck.structures.duplicates.match import One, same

#: A, as the config has it
LIMIT = 0.02
SALT = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
RNG = np.random.default_rng(0)


def frames_of(structures: list[Atoms], source: str = "s") -> Frames:
    infos = [{"number": n} for n in range(len(structures))]
    return from_atoms(structures, groups=[""] * len(structures), source=source, infos=infos)


def found(structures: list[Atoms], limit_A: float = LIMIT, **how) -> list[tuple[str, str]]:
    """Names of what is dropped and of what stays for it, all structures being of one source."""
    return across([structures], limit_A, **how)


def across(sources: list[list[Atoms]], limit_A: float = LIMIT, **how) -> list[tuple[str, str]]:
    """The same of the last source, after others that keep all of theirs."""
    files = [
        (Path(f"structures/{name}/0.h5"), frames_of(structures, name))
        for name, structures in zip("abc", sources, strict=False)
    ]
    keys = [keys_of([file]) for file in files]
    none = keys[-1].select(np.arange(0))

    def structures(asked: Keys) -> dict[bytes, One]:
        return read(asked, files, Screen())

    earlier = keys[0] if len(keys) > 1 else none
    dropped = find(keys[-1], earlier, structures, limit_A, **how)
    return [(one.frame, one.kept_frame) for one in dropped]


def turned(atoms: Atoms) -> Atoms:
    turn = Rotation.from_rotvec([0.3, -1.2, 0.7]).as_matrix()
    return Atoms(atoms.numbers, atoms.positions @ turn.T, cell=atoms.cell @ turn.T, pbc=atoms.pbc)


def shifted(atoms: Atoms) -> Atoms:
    """Beyond the faces of the cell, where atoms come in again on the other side."""
    moved = atoms.copy()
    moved.positions += [0.4, 1.3, -2.2]
    moved.wrap()
    return moved


def permuted(atoms: Atoms) -> Atoms:
    return atoms[RNG.permutation(len(atoms))]


def rattled(atoms: Atoms, amount_A: float = 0.01) -> Atoms:
    """Each atom by exactly this much, anywhere."""
    moved, steps = atoms.copy(), RNG.normal(size=(len(atoms), 3))
    moved.positions += amount_A * steps / np.linalg.norm(steps, axis=1)[:, None]
    return moved


def mirrored(atoms: Atoms) -> Atoms:
    other = atoms.copy()
    other.positions *= [1, 1, -1]
    other.set_cell(atoms.cell * [1, 1, -1])
    return other


def strained(atoms: Atoms, strain: float) -> Atoms:
    other = atoms.copy()
    other.set_cell(atoms.cell * (1 + strain), scale_atoms=True)
    return other


def molecule(smiles: str, seed: int = 1) -> Atoms:
    made = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(made, randomSeed=seed)
    AllChem.MMFFOptimizeMolecule(made, maxIters=2000)
    return _atoms(made)


def _atoms(made: Chem.Mol) -> Atoms:
    numbers = [atom.GetAtomicNum() for atom in made.GetAtoms()]
    return Atoms(numbers, made.GetConformer().GetPositions())


SAME = {
    "turned": turned,
    "shifted": shifted,
    "permuted": permuted,
    "primitive": lambda atoms: bulk("NaCl", "rocksalt", a=5.64),
    "other cell": lambda atoms: make_supercell(atoms, [[1, 1, 0], [0, 1, 1], [1, 0, 1]]),
    "doubled": lambda atoms: atoms.repeat((2, 1, 1)),
    "rattled": rattled,
    "rattled, doubled, turned": lambda atoms: turned(rattled(atoms.repeat((1, 1, 2)))),
    "mirrored": mirrored,
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_other_presentations_of_rock_salt_are_the_same(change):
    assert found([SALT, change(SALT)]) == [("a/1", "a/0")]


def quartz() -> Atoms:
    """Right-handed, of space group 154 where the left-handed is of 152; a crystal with a hand."""
    from ase.spacegroup import crystal

    cell = [4.9134, 4.9134, 5.4052, 90, 90, 120]
    places = [(0.4699, 0, 2 / 3), (0.4141, 0.2681, 0.7854)]
    return crystal("SiO", places, spacegroup=154, cellpar=cell)


def test_mirror_images_are_the_same():
    """Energies are the same and forces mirrored, which nothing is learned from twice."""
    left, right = alanine("C[C@@H](N)C(=O)O"), alanine("C[C@@H](N)C(=O)O", hand=-1.0)
    assert [Chem.FindMolChiralCenters(made)[0][1] for made in (left, right)] == ["R", "S"]
    assert found([_atoms(left), turned(permuted(_atoms(right)))]) == [("a/1", "a/0")]
    assert found([quartz(), mirrored(quartz())]) == [("a/1", "a/0")]


def alanine(smiles: str, hand: float = 1.0) -> Chem.Mol:
    made = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(made, randomSeed=1)
    made.GetConformer().SetPositions(made.GetConformer().GetPositions() * [1, 1, hand])
    Chem.AssignStereochemistryFrom3D(made)
    return made


def cobalt(stacking: str) -> Atoms:
    """Close packed with the same distance of neighbours, 2.5 A."""
    if stacking == "hcp":
        return bulk("Co", "hcp", a=2.5, c=2.5 * np.sqrt(8 / 3))
    return bulk("Co", "fcc", a=2.5 * np.sqrt(2))


def titania(name: str) -> Atoms:
    from ase.spacegroup import crystal

    if name == "rutile":
        cell, number, oxygen = [4.594, 4.594, 2.959, 90, 90, 90], 136, (0.3053, 0.3053, 0)
    else:
        cell, number, oxygen = [3.785, 3.785, 9.514, 90, 90, 90], 141, (0, 0, 0.2081)
    return crystal("TiO", [(0, 0, 0), oxygen], spacegroup=number, cellpar=cell)


def butane(dihedral_deg: float) -> Atoms:
    made = Chem.AddHs(Chem.MolFromSmiles("CCCC"))
    AllChem.EmbedMolecule(made, randomSeed=1)
    rdMolTransforms.SetDihedralDeg(made.GetConformer(), 0, 1, 2, 3, dihedral_deg)
    return _atoms(made)


def ethanol(dihedral_deg: float) -> Atoms:
    """Its heavy atoms are at the same places whatever the hydroxyl group does."""
    made = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    AllChem.EmbedMolecule(made, randomSeed=1)
    rdMolTransforms.SetDihedralDeg(made.GetConformer(), 0, 1, 2, 8, dihedral_deg)
    return _atoms(made)


def zinc_sulphide(name: str) -> Atoms:
    """Both with bonds of 2.34 A and ideal tetrahedra: they differ from the third shell on."""
    if name == "wurtzite":
        return bulk("ZnS", "wurtzite", a=3.821, c=3.821 * np.sqrt(8 / 3), u=3 / 8)
    return bulk("ZnS", "zincblende", a=3.821 * np.sqrt(2))


OTHERS = {
    "strained by 2 %": (SALT, strained(SALT, 0.02)),
    "strained by -2 %, another cell": (SALT, strained(SALT.repeat((1, 2, 1)), -0.02)),
    "sheared by 2 %": (SALT, SALT.copy()),
    "ZnS": (zinc_sulphide("zincblende"), zinc_sulphide("wurtzite")),
    "Co": (cobalt("fcc"), cobalt("hcp")),
    "TiO2": (titania("rutile"), titania("anatase")),
    "butane": (butane(180), butane(60)),
    "ethanol": (ethanol(180), ethanol(60)),
    "NaCl and KCl": (SALT, bulk("KCl", "rocksalt", a=5.64)),
    "rattled by 0.1 A": (SALT, rattled(SALT, 0.1)),
}
OTHERS["sheared by 2 %"][1].set_cell(
    SALT.cell @ np.array([[1, 0.02, 0], [0, 1, 0], [0, 0, 1]]), scale_atoms=True
)


@pytest.mark.parametrize("pair", OTHERS.values(), ids=OTHERS)
def test_other_structures_are_not(pair):
    assert found(list(pair)) == []


def test_conformers_are_themselves_however_they_stand():
    """The negative control of the molecules above."""
    for atoms in (butane(60), ethanol(60), molecule("c1ccccc1"), Atoms("CO", [[0] * 3, [0, 0, 1]])):
        assert found([atoms, turned(permuted(rattled(atoms)))]) == [("a/1", "a/0")]


def test_only_structures_of_one_composition_are_compared():
    charged = from_atoms([SALT, SALT], groups=["", ""], source="s", charges=[0, 4])
    frames = frames_of([SALT, SALT.repeat(2), bulk("KCl", "rocksalt", a=5.64)])
    names = [composition(frames, b) for b in range(3)]
    assert names[0] == names[1] != names[2]
    assert composition(charged, 0) != composition(charged, 1)
    water = frames_of([Atoms("OH2", np.eye(3)), Atoms("O2H4", RNG.random((6, 3)) * 5)])
    assert composition(water, 0) != composition(water, 1)  # a dimer is no water molecule


def test_what_has_no_sensible_key_is_like_nothing():
    flat = Atoms("Cu", cell=[3, 3, 1e-9], pbc=True)
    lone = Atoms("Ar", [[0, 0, 0]])
    frames = frames_of([flat, lone])
    assert [len(key(frames, b)) for b in range(2)] == [0, 0]
    assert found([lone, lone.copy()]) == []


def test_a_chain_of_small_steps_is_not_one_structure():
    """Each is within the limit of the next: those stay that are beyond it from all that stay."""
    chain = []
    for n in range(9):  # rock salt along a phonon, by 0.01 A root mean square a step
        atoms = SALT.repeat((1, 1, 2))
        atoms.positions[atoms.numbers == 11, 0] += 0.02 * n
        chain.append(turned(atoms) if n % 2 else atoms)
    stay = sorted(set(range(9)) - {int(d.split("/")[1]) for d, _ in found(chain)})
    assert stay[0] == 0
    assert 3 <= len(stay) <= 5
    frames = frames_of([chain[n] for n in stay])
    ones = [One(a.numbers, a.positions, np.array(a.cell)) for a in frames.to_atoms()]
    for n, one in enumerate(ones):
        assert not any(same(one, other, LIMIT) for other in ones[n + 1 :])


def test_displacements_of_one_crystal_in_a_file_all_stay():
    """As phonopy writes them: 0.01 A, the same cell, the same order; a copy of one is dropped."""
    displaced = [SALT.copy() for _ in range(4)]
    for n, atoms in enumerate(displaced[1:]):
        atoms.positions[n, 0] += 0.01
    assert len(found(displaced)) == 3  # but for that, they are the same within 0.02 A
    assert found(displaced, siblings="not_displaced") == []
    copies = [*displaced, turned(displaced[2]), displaced[0].copy()]
    names = [name for name, _ in found(copies, siblings="not_displaced")]
    assert names == ["a/4", "a/5"]
    assert found(copies, siblings="none") == []


def test_the_first_of_the_first_source_stays():
    sources = [[bulk("Cu"), SALT], [turned(SALT), bulk("Ag"), shifted(bulk("Cu").repeat(2))]]
    assert across(sources) == [("b/0", "a/1"), ("b/2", "a/0")]
    assert across(sources, siblings="none") == [("b/0", "a/1"), ("b/2", "a/0")]


def test_nothing_is_dropped_for_what_screening_refuses():
    """The first is too large for the screen, and its primitive cell has to stay."""
    large = bulk("NaCl", "rocksalt", a=5.64).repeat(7)  # 686 atoms, of 500
    assert found([large, SALT, turned(SALT)]) == [("a/2", "a/1")]


def test_the_length_is_what_it_is_said_to_be():
    """All atoms of one element against the other by d are apart by d/2, root mean square."""
    moved = SALT.copy()
    moved.positions[moved.numbers == 11, 0] += 0.03
    one, other = (One(a.numbers, a.positions, np.array(a.cell)) for a in (SALT, moved))
    assert same(one, other, 0.016)
    assert not same(one, other, 0.014)
    pair = [Atoms("N2", [[0, 0, 0], [0, 0, z]]) for z in (1.1, 1.13)]  # each atom by 0.015
    first, second = (One(a.numbers, a.positions, np.zeros((3, 3))) for a in pair)
    assert same(first, second, 0.016)
    assert not same(first, second, 0.014)
