"""Bonds, pieces and lone atoms: what is sound passes, what is not is refused by its name."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.cluster import Icosahedron

from limbeck.config.sections.screen import Screen
from limbeck.frames import from_atoms
from limbeck.structures.distances import contact_too_near, too_near
from limbeck.structures.neighbours import Neighbours, all_apart, cutoff, no_contacts
from limbeck.structures.screening import screen
from molecular_crystals import benzene, ice, urea


def refused(atoms, info=None, charge=0, **limits):
    """Reason, value and limit; None where it passes."""
    infos, charges = [info or {}], [charge]
    frames = from_atoms([atoms], groups=["g"], source="s", infos=infos, charges=charges)
    rejected = screen(frames, Screen(**limits))[1]
    return (rejected[0].reason, rejected[0].value, rejected[0].limit) if rejected else None


def ring(symbol, radius, count, z=0.0, turn=0.0):
    angle = 2 * np.pi * np.arange(count) / count + turn
    where = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(count, z)], axis=1)
    return Atoms([symbol] * count, where)


def diborane():
    """Two bridging hydrogens, B-H 1.33 A; four at the ends (Bartell & Carroll 1965)."""
    bridges = Atoms("H2", [[0, 0, 0.98], [0, 0, -0.98]])
    ends = [[x * 1.46, y, 0] for x in (1, -1) for y in (1.04, -1.04)]
    return Atoms("B2", [[0.885, 0, 0], [-0.885, 0, 0]]) + bridges + Atoms("H4", ends)


def ferrocene():
    """Fe-C 2.05, C-C 1.43, C-H 1.08 A."""
    rings = [ring(s, r, 5, z) for z in (1.65, -1.65) for s, r in (("C", 1.217), ("H", 2.297))]
    return Atoms("Fe", [[0, 0, 0]]) + rings[0] + rings[1] + rings[2] + rings[3]


def carbonyl(metal, length):
    """An octahedral one, C-O 1.14 A."""
    ways = np.concatenate([np.eye(3), -np.eye(3)])
    return (
        Atoms(metal, [[0, 0, 0]]) + Atoms("C6", ways * length) + Atoms("O6", ways * (length + 1.14))
    )


def bipyramid(centre, around, flat, axial, other=None):
    """Three in the plane, two above and below."""
    ends = Atoms([other or around] * 2, [[0, 0, axial], [0, 0, -axial]])
    return Atoms(centre, [[0, 0, 0]]) + ring(around, flat, 3) + ends


SOUND = {
    "diborane": (diborane(), 0),
    "ferrocene": (ferrocene(), 0),
    "chromium hexacarbonyl": (carbonyl("Cr", 1.91), 0),
    "bifluoride": (Atoms("FHF", [[0, 0, -1.14], [0, 0, 0], [0, 0, 1.14]]), -1),
    "symmetric O-H-O as of ice X": (Atoms("OHO", [[0, 0, -1.1], [0, 0, 0], [0, 0, 1.1]]), -1),
    "transition state of F- and CH3F": (bipyramid("C", "H", 1.07, 1.85, "F"), -1),
    "methanium, CH5+": (bipyramid("C", "H", 1.1, 1.2), 1),
    "a cluster of copper": (Icosahedron("Cu", 3), 0),
    "neon far from methane": (molecule("CH4") + Atoms("Ne", [[0, 0, 9]]), 0),
    "two atoms far apart": (Atoms("H2", [[0, 0, 0], [0, 0, 8]]), 0),
    "chloride at water": (molecule("H2O") + Atoms("Cl", [[0, 2.5, -1.6]]), -1),
    "urea": (urea(), 0),
    "benzene": (benzene(), 0),
    "ice": (ice(), 0),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_exists_passes(name):
    atoms, charge = SOUND[name]
    assert refused(atoms, charge=charge) is None


@pytest.mark.parametrize(
    ("atoms", "what", "most"),
    [
        (bipyramid("C", "H", 1.1, 1.2), "C (atom 0): 5", 4),
        (Atoms("CHC", [[0, 0, -1.1], [0, 0, 0], [0, 0, 1.1]]), "H (atom 1): 2", 1),
        (bipyramid("N", "H", 1.0, 1.1), "N (atom 0): 5", 4),
        (Atoms("FF2", [[0, 0, 0], [0, 0, 1.3], [0, 1.3, 0]]), "F (atom 0): 2", 1),
    ],
)
def test_more_bonds_than_valence_are_refused(atoms, what, most):
    reason = "an atom with more bonds than its element has: neighbours as near as bonded"
    assert refused(atoms) == (reason, what, most)
    assert refused(atoms, any_bonds=True) is None


def test_a_molecule_that_fell_apart_is_told_by_its_smiles():
    water = molecule("H2O")
    water.set_distance(0, 1, 1.75, fix=0)  # 1.8 sums of radii
    reason = "molecule fell apart: fragments by bonds"
    assert refused(water, {"smiles": "O"}) == (reason, 2, 1)
    assert refused(water, {"n_fragments": 1}) == (reason, 2, 1)
    # nobody said that it was one molecule; or of two
    assert refused(water) is None
    assert refused(water, {"smiles": "[OH].[H]"}) is None
    assert refused(water, {"smiles": "O"}, any_bonds=True) is None
    # as long as at 3000 K: three standard deviations of 0.12 A
    hot = molecule("CH4")
    hot.set_distance(0, 1, 1.45, fix=0)
    assert refused(hot, {"smiles": "C"}) is None


def test_an_atom_out_of_reach_is_refused_where_there_are_others():
    apart = molecule("CH4")
    apart.positions[1] *= 8
    reason, value, limit = refused(apart)
    assert reason == "an atom that stands alone: A to its nearest neighbour"
    assert value > limit == pytest.approx(1.5 * (1.2 + 1.7))  # van der Waals radii of H and C
    assert refused(apart, lone_atoms=True) is None
    assert refused(molecule("CH4")) is None


@pytest.mark.parametrize("contact", [0.6, 1.0])
@pytest.mark.parametrize("deviation", [0.0, 0.3, 0.6])
def test_a_glance_lets_nothing_pass_that_is_refused(deviation, contact):
    """Structures from sound to torn; of each the slower rules have the last word."""
    cleared = judged = 0
    for seed, name in enumerate(["C2H6", "CH3CONH2", "C6H6", "CH3SH", "SiH4", "H2O", "urea"] * 5):
        atoms = urea() if name == "urea" else molecule(name)
        if name in ("H2O", "SiH4"):
            other = atoms.copy()
            other.translate([0, 0, 2.5])
            atoms += other
        atoms.rattle(deviation, seed=seed)
        own = atoms.numbers, atoms.positions, atoms.cell.array, bool(atoms.pbc.all())
        reach = cutoff(frozenset(atoms.numbers.tolist()), own[3], None, contact)
        near = Neighbours.of(*own, reach)
        pairs = [
            (all_apart(near, None), too_near(*own)),
            (no_contacts(near, contact), contact_too_near(*own, contact)),
        ]
        assert not any(clear and found for clear, found in pairs)
        cleared += all(clear for clear, _ in pairs)
        judged += any(found is not None for _, found in pairs)
    # both answers are there: untouched structures at the usual limit, and torn ones
    assert cleared > 0 or deviation or contact == 1.0
    assert judged > 0 or not deviation
