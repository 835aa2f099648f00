"""Conformers from SMILES: ETKDGv3, relaxed with MMFF94 or UFF (all of RDKit).

Several fragments in one SMILES, as a salt or a hydrate has them, are embedded one by one, put some
way apart in random directions, and relaxed together with the forces between them. RDKit embeds
them on one another.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from ase.data import covalent_radii
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolAlign
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from limbeck import reasons
from limbeck.structures.shard import Refused

#: kcal/mol. Conformers farther apart in energy are not the same, and need no alignment.
REPEAT_ENERGY = 0.1
#: Symmetry-equivalent orders of atoms that are tried; they explode with the hydrogens.
MAX_MATCHES = 10_000
#: of a relaxation; clusters of fragments roll on each other for long
MAX_STEPS, MAX_STEPS_OF_FRAGMENTS = 5000, 50_000
#: Starts of ETKDGv3 for one conformer of a molecule with a stereocentre that two rings share.
#: Morphine, strychnine and cholesterol take ten at most, taxol up to 100; a stereoisomer that
#: cannot be, as half of those of norbornane, fails late in each start, and took seconds with
#: RDKit's own ten for each atom. Others fail early, and tetrabutylammonium needs up to 450.
MAX_STARTS_OF_FUSED = 100
#: letters; molecules here have up to some hundred atoms, and a conformer takes the cube of the time
MAX_SMILES = 2000
#: Angstrom between the atoms of fragments when they are put together: beyond any bond or contact,
#: so that nothing is pushed through anything, and within reach of the forces.
APART_A = 4.0
#: Angstrom. Fragments that hold together come nearer than this; alike ions part for good.
TOGETHER_A = 6.0
#: energy of two unit charges at one Angstrom, kcal/mol
COULOMB = 332.0637

#: atoms of each
Fragments = Sequence[tuple[int, ...]]


class Conformer(NamedTuple):
    """A molecule with one relaxed conformer, its energy in kcal/mol, and what relaxed it."""

    mol: Chem.Mol
    energy: float
    force_field: str


def parse(smiles: str) -> Chem.Mol:
    """Molecule without explicit hydrogens.

    Raises:
        Refused: RDKit cannot read it.
    """
    if len(smiles) > MAX_SMILES:
        raise Refused(reasons.BAD_SMILES, f"{len(smiles)} letters", MAX_SMILES)
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        raise Refused(reasons.BAD_SMILES, smiles)
    return mol


def embed(smiles: str, seed: int) -> Conformer:
    """One conformer with hydrogens, in a minimum of MMFF94, or of UFF where that has no parameters.

    Args:
        smiles: of one molecule, or of several fragments.
        seed: of the conformers, and of where fragments are put.

    Raises:
        Refused: it does not parse or embed, neither force field knows it, it does not converge, or
            fragments fly apart.
    """
    mol = Chem.AddHs(parse(smiles))
    with rdBase.BlockLogs():
        fragments = Chem.GetMolFrags(mol)
        if len(fragments) == 1:
            _embed(mol, seed, smiles)
        else:
            _embed_apart(mol, fragments, seed, smiles)
        conformer = _relaxed(mol, fragments, smiles)
    _check_unfolded(mol, fragments)
    _check_together(mol, fragments)
    return conformer


def rmsd_of(own: Conformer, other: Conformer) -> float:
    """Angstrom over all atoms, the best of all symmetry-equivalent orders.

    These exchange alike fragments, too. Infinite where the energies tell the two apart.
    """
    if abs(own.energy - other.energy) > REPEAT_ENERGY:
        return float("inf")
    probe = Chem.Mol(own.mol)  # a copy: the alignment moves it
    return rdMolAlign.GetBestRMS(probe, other.mol, maxMatches=MAX_MATCHES)


def _embed(mol: Chem.Mol, seed: int, smiles: str) -> np.ndarray:
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed  # type: ignore[assignment]  # RDKit's stub is wrong
    if _has_fused_stereocentre(mol):
        parameters.maxIterations = MAX_STARTS_OF_FUSED  # type: ignore[assignment]
    if rdDistGeom.EmbedMolecule(mol, parameters) != 0:
        raise Refused(reasons.NO_CONFORMER, smiles)
    return np.array(mol.GetConformer().GetPositions())


def _has_fused_stereocentre(mol: Chem.Mol) -> bool:
    rings = mol.GetRingInfo()
    return any(
        rings.NumAtomRings(atom.GetIdx()) > 1
        and atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED
        for atom in mol.GetAtoms()
    )


def _embed_apart(mol: Chem.Mol, fragments: Fragments, seed: int, smiles: str) -> None:
    """Give ``mol`` a conformer in which its fragments are :data:`APART_A` from the next."""
    rng = np.random.default_rng(seed)
    positions = np.zeros((mol.GetNumAtoms(), 3))
    placed: list[int] = []
    parts = Chem.GetMolFrags(mol, asMols=True)
    # the largest first, and the others around it
    for n in sorted(range(len(parts)), key=lambda n: (-len(fragments[n]), n)):
        own = _embed(parts[n], (seed + n) % 2**31, smiles)
        own = Rotation.random(random_state=rng).apply(own - own.mean(axis=0))
        direction = rng.normal(size=3)
        positions[list(fragments[n])] = _outwards(own, positions[placed], direction)
        placed += fragments[n]
    conformer = Chem.Conformer(len(positions))
    conformer.SetPositions(positions)
    mol.AddConformer(conformer)


def _outwards(own: np.ndarray, placed: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """A fragment moved along a direction until it is :data:`APART_A` from what is placed."""
    step = direction / np.linalg.norm(direction) * APART_A / 16
    while len(placed) and cdist(own, placed).min() < APART_A:
        own = own + step
    return own


def _relaxed(mol: Chem.Mol, fragments: Fragments, smiles: str) -> Conformer:
    """Move ``mol`` into a minimum, with the forces between fragments."""
    steps = MAX_STEPS if len(fragments) == 1 else MAX_STEPS_OF_FRAGMENTS
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        name = "MMFF94"
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(
            mol, properties, ignoreInterfragInteractions=False
        )
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
        name = "UFF"
        field = rdForceFieldHelpers.UFFGetMoleculeForceField(mol, ignoreInterfragInteractions=False)
    else:
        raise Refused(reasons.NO_FORCE_FIELD, smiles)
    field.Initialize()
    # RDKit returns 0 when it has converged.
    converged = field.Minimize(maxIts=steps) == 0
    energy = field.CalcEnergy()
    if name == "UFF" and len(fragments) > 1:
        converged, energy = _attract(field, mol, fragments, steps)
    if not converged:
        raise Refused(f"{name} has not converged in {steps} steps", smiles)
    return Conformer(mol, energy, name)


def _attract(field: Any, mol: Chem.Mol, fragments: Fragments, steps: int) -> tuple[bool, float]:
    """Relax with Coulomb forces between the formal charges of fragments, which UFF has not.

    Returns:
        Whether it converged, and the energy, kcal/mol.
    """
    charges = np.array([float(atom.GetFormalCharge()) for atom in mol.GetAtoms()])
    fragment_of = np.empty(len(charges), dtype=int)
    for n, members in enumerate(fragments):
        fragment_of[list(members)] = n
    first, second = np.nonzero(np.triu(fragment_of[:, None] != fragment_of))
    strength = COULOMB * charges[first] * charges[second]
    first, second, strength = (x[strength != 0] for x in (first, second, strength))

    def energy(flat: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = np.array(field.CalcGrad(flat.tolist())).reshape(-1, 3)
        apart = flat.reshape(-1, 3)[first] - flat.reshape(-1, 3)[second]
        length = np.linalg.norm(apart, axis=1)
        pull = (strength / length**3)[:, None] * apart
        np.add.at(gradient, first, -pull)
        np.add.at(gradient, second, pull)
        return field.CalcEnergy(flat.tolist()) + float((strength / length).sum()), gradient.ravel()

    conformer = mol.GetConformer()
    start = np.array(conformer.GetPositions()).ravel()
    found = minimize(energy, start, jac=True, method="L-BFGS-B", options={"maxiter": steps})
    conformer.SetPositions(found.x.reshape(-1, 3))
    return bool(found.success), float(found.fun)


def _check_unfolded(mol: Chem.Mol, fragments: Fragments) -> None:
    """Refuse what lies on itself: UFF takes an atom with six neighbours for a tetrahedron."""
    positions = np.array(mol.GetConformer().GetPositions())
    radii = covalent_radii[[atom.GetAtomicNum() for atom in mol.GetAtoms()]]
    ratio = cdist(positions, positions) / (radii[:, None] + radii)
    ratio[np.diag_indices(len(ratio))] = np.inf
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        ratio[ends] = ratio[ends[::-1]] = np.inf
    nearest = min(float(ratio[np.ix_(own, own)].min()) for own in fragments)
    if nearest < 1:
        raise Refused(reasons.FOLDED, nearest, 1)


def _check_together(mol: Chem.Mol, fragments: Fragments) -> None:
    """Refuse what the force field drove apart: it is no structure of all its fragments."""
    positions = mol.GetConformer().GetPositions()
    every = set(range(len(positions)))
    for own in fragments if len(fragments) > 1 else ():
        others = sorted(every - set(own))
        nearest = float(cdist(positions[list(own)], positions[others]).min())
        if nearest > TOGETHER_A:
            raise Refused(reasons.FLY_APART, nearest, TOGETHER_A)
