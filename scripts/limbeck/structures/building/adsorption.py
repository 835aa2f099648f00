"""Molecules on a slab: the sites of its face, and how low a molecule comes on each."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from pymatgen.analysis.adsorption import AdsorbateSiteFinder
from pymatgen.core import Lattice
from pymatgen.core import Structure as Crystal
from scipy.spatial.transform import Rotation

from limbeck import reasons
from limbeck.reasons import Refused
from limbeck.structures.building.packing import Body

#: pymatgen's names of sites
ITS_NAMES = {"top": "ontop", "bridge": "bridge", "hollow": "hollow"}
#: Angstrom above the slab while its sites are sought
SEEKING_VACUUM_A = 15.0
#: In sums of covalent radii: the atom that binds comes down to a bond, the others stay above it.
BOND, NO_BOND = 1.0, 1.3
#: Angstrom. Atoms of the surface that are as near to a site as the nearest are around it.
AROUND_A = 0.1
#: Angstrom between the nearest atoms of two molecules on a slab, at least
APART_A = 1.8


def surface_atoms(atoms: Atoms) -> int:
    """Number of atoms that pymatgen takes for those of the upper face."""
    return len(_finder(atoms).surface_sites)


def sites_of(atoms: Atoms) -> dict[str, list[np.ndarray]]:
    """Sites of the upper face that no symmetry makes the same: kind -> positions, Angstrom.

    Args:
        atoms: a slab in the smallest cell of its face, without a lattice vector across.
    """
    finder = _finder(atoms)
    found = finder.find_adsorption_sites(distance=0.0, positions=tuple(ITS_NAMES.values()))
    own: dict[str, list[np.ndarray]] = {kind: [] for kind in ITS_NAMES}
    upper = np.array([site.coords for site in finder.surface_sites])
    for kind, its in ITS_NAMES.items():
        for site in np.array(found[its]).reshape(-1, 3):
            # A square has its middle on the diagonal of two triangles, where pymatgen sees a
            # bridge.
            square = kind == "bridge" and _around(site, upper, atoms.cell.array) > 2
            own["hollow" if square else kind].append(site)
    return own


def _finder(atoms: Atoms) -> AdsorbateSiteFinder:
    cell = atoms.cell.array.copy()
    cell[2] = [0.0, 0.0, np.ptp(atoms.positions[:, 2]) + SEEKING_VACUUM_A]
    slab = Crystal(
        Lattice(cell), atoms.get_chemical_symbols(), atoms.positions, coords_are_cartesian=True
    )
    return AdsorbateSiteFinder(slab, mi_vec=[0.0, 0.0, 1.0])


def _around(site: np.ndarray, upper: np.ndarray, cell: np.ndarray) -> int:
    """Number of atoms of the surface that are nearest to a site, seen from above."""
    shifts = np.array([[i, j, 0] for i in range(-2, 3) for j in range(-2, 3)]) @ cell
    images = (upper[:, None] + shifts).reshape(-1, 3)[:, :2]
    distance = np.linalg.norm(images - site[:2], axis=1)
    return int((distance < distance.min() + AROUND_A).sum())


def stood_up(molecule: Body, rng: np.random.Generator) -> Body:
    """With its first atom at the origin and the rest above it, turned about z at random."""
    from_first = molecule.positions - molecule.positions[0]
    up = from_first.mean(axis=0)
    if np.linalg.norm(up) > 1e-3:
        from_first = Rotation.align_vectors([[0, 0, 1]], [up])[0].apply(from_first)
    turn = Rotation.from_rotvec([0, 0, rng.uniform(0, 2 * np.pi)])
    return Body(molecule.numbers, np.asarray(turn.apply(from_first)))


def adsorbed(
    slab: Atoms,
    molecules: Sequence[Body],
    site: np.ndarray,
    unit: np.ndarray,
    repeats: Sequence[int],
) -> Atoms:
    """A slab with molecules on sites that are the same but for a lattice vector of the face.

    Each molecule goes where it is farthest from those that are there.

    Args:
        slab: in its supercell, Angstrom.
        molecules: stood up, see :func:`stood_up`.
        site: of the smallest cell, [3], Angstrom.
        unit: lattice vectors of the smallest cell, [3,3], Angstrom.
        repeats: of the smallest cell along its vectors.

    Raises:
        Refused: two molecules would be nearer than :data:`APART_A`.
    """
    steps = np.array([[i, j, 0] for i in range(repeats[0]) for j in range(repeats[1])])
    free = site + steps @ unit
    images = np.array([[i, j, 0] for i in (-1, 0, 1) for j in (-1, 0, 1)]) @ slab.cell.array
    places = [0]
    while len(places) < min(len(molecules), len(free)):
        way = free[:, None, None] - free[places][None, :, None] - images
        nearest = np.linalg.norm(way, axis=-1).min(axis=(1, 2))
        places.append(int(nearest.round(6).argmax()))
    if len(places) < len(molecules):
        raise Refused(reasons.NO_ROOM, 0.0, APART_A)
    made = slab.copy()
    positions = []
    for place, molecule in zip(places, molecules, strict=True):
        height = _lowest(slab, molecule, free[place][:2], images)
        positions.append(molecule.positions + np.append(free[place][:2], height))
    _check_apart(positions, images)
    for molecule, own in zip(molecules, positions, strict=True):
        made += Atoms(molecule.numbers, own)
    return made


def _lowest(slab: Atoms, molecule: Body, place: np.ndarray, images: np.ndarray) -> float:
    """Height of a molecule's first atom when one of its atoms touches the slab, Angstrom."""
    below = (slab.positions[:, None] + images).reshape(-1, 3)
    radii = np.repeat(covalent_radii[slab.numbers], len(images))
    part = np.full(len(molecule.numbers), NO_BOND)
    part[0] = BOND
    touch = part[:, None] * (covalent_radii[molecule.numbers][:, None] + radii)
    aside = molecule.positions[:, None, :2] + place - below[:, :2]
    left = touch**2 - (aside**2).sum(axis=-1)
    heights = below[:, 2] - molecule.positions[:, None, 2] + np.sqrt(np.maximum(left, 0.0))
    return float(heights[left > 0].max(initial=slab.positions[:, 2].max()))


def _check_apart(positions: Sequence[np.ndarray], images: np.ndarray) -> None:
    """Images of one and the same molecule count as well."""
    for first, one in enumerate(positions):
        for second, other in enumerate(positions[: first + 1]):
            shifts = images if first != second else images[np.abs(images).sum(axis=1) > 0]
            way = one[:, None, None] - other[None, :, None] - shifts
            nearest = float(np.linalg.norm(way, axis=-1).min())
            if nearest < APART_A:
                raise Refused(reasons.NO_ROOM, nearest, APART_A)
