"""Shells: the molecules, and their periodic images, around the centre of a frame.

There are four rules. Two of them take a number of molecules: those whose centres of mass are
nearest to that of the whole system, or to that of the central molecule. The other two take all
molecules whose smallest, or largest, interatomic distance to the central molecule is below a limit.
The central molecule is the one whose centre of mass is nearest to the origin. All distances are
between images; every image that can be near enough is looked at, whatever the shape of the cell.
"""

from dataclasses import dataclass

import numpy as np

from limbeck.molecules.images import chunks, covering_radius, image_count, images_within, nearest
from limbeck.molecules.tracking import Trajectory

BY_NUMBER = ("closest_to_center_of_mass", "closest_to_central_molecule")
BY_DISTANCE = ("max_min_distance_to_central_molecule", "max_max_distance_to_central_molecule")
#: Angstrom; distances that differ by less are equal: then the molecule that stands first is taken
SAME = 1e-6


@dataclass(frozen=True)
class Shell:
    """Molecules of one frame, ordered by the rule, the central one first.

    Attributes:
        molecule: int64 [k].
        shift: int64 [k,3], lattice vectors to be added to the whole molecule.
        value: float64 [k], Angstrom, the distance that the rule goes by.
    """

    molecule: np.ndarray
    shift: np.ndarray
    value: np.ndarray

    def first(self, count: int) -> "Shell":
        """The first molecules alone."""
        return Shell(self.molecule[:count], self.shift[:count], self.value[:count])


def shells(trajectory: Trajectory, rule: str, limit: float) -> list[Shell]:
    """The molecules within the largest limit, by frame.

    They may hold several images of a molecule: :func:`within` refuses these.

    Args:
        rule: one of :data:`BY_NUMBER` and :data:`BY_DISTANCE`.
        limit: a number of molecules, or a distance in Angstrom.
    """
    find = _by_number if rule in BY_NUMBER else _by_distance
    # only to bound the memory; the rules use radii of their own
    radius = covering_radius(trajectory.cell) + (limit if rule in BY_DISTANCE else 0.0)
    size = len(trajectory.graph) * image_count(trajectory.cell, radius)
    found: list[Shell] = []
    for part in chunks(len(trajectory.frames), size):
        found += find(trajectory.part(part), rule, limit)
    return found


def within(shell: Shell, rule: str, limit: float, count: int) -> Shell | str:
    """The molecules within one limit, or the reason why a frame of ``count`` cannot give them."""
    if rule in BY_NUMBER:
        if limit > count:
            return f"{int(limit)} molecules asked for, the frame has {count}"
        taken = shell.first(int(limit))
    else:
        taken = shell.first(int((shell.value < limit).sum()))
    twice = len(taken.molecule) - len(np.unique(taken.molecule))
    if twice:
        return f"cell too small for the shell: {twice} image(s) of molecules that are in it already"
    return taken


def followed(trajectory: Trajectory, shell: Shell) -> list[Shell]:
    """The molecules of the first frame's shell in all frames.

    Of each molecule the image is taken that stands, in fractions of the cell, nearest to where it
    stood in the first frame, seen from the central molecule. Values are those of the first frame.
    """
    vectors = trajectory.centres[:, shell.molecule] - trajectory.centres[:, shell.molecule[:1]]
    images = np.zeros((len(vectors), *shell.shift.shape), dtype=np.int64)
    if trajectory.periodic:
        fractions = vectors @ np.linalg.inv(trajectory.cell)
        there = fractions[0] + shell.shift - shell.shift[0]
        images = np.rint(there - fractions).astype(np.int64) + shell.shift[0]
    return [Shell(shell.molecule, shift, shell.value) for shift in images]


@dataclass(frozen=True)
class _Centre:
    """The point that distances are measured from, in each frame.

    Attributes:
        point: float64 [F,3], Angstrom: a centre of mass, of the system or of the central molecule.
        molecule, shift: int64 [F] and [F,3], the central molecule and its image.
    """

    point: np.ndarray
    molecule: np.ndarray
    shift: np.ndarray


def _centre(trajectory: Trajectory, rule: str) -> _Centre:
    of_system = rule == "closest_to_center_of_mass"
    point = _center_of_mass(trajectory) if of_system else np.zeros((len(trajectory.frames), 3))
    distance, shift = nearest(trajectory.centres - point[:, None], trajectory.cell)
    molecule, row = _first_of_equal(distance), np.arange(len(distance))
    image = shift[row, molecule]
    if not of_system:
        point = trajectory.centres[row, molecule] + _cartesian(image, trajectory.cell)
    return _Centre(point, molecule, image)


def _center_of_mass(trajectory: Trajectory) -> np.ndarray:
    """Centre of mass of the system, molecules wrapped by their own. float64 [F,3], Angstrom."""
    graph, centres = trajectory.graph, trajectory.centres
    masses = np.array([graph.masses[atoms].sum() for atoms in graph.members])
    if trajectory.periodic:
        fractions = centres @ np.linalg.inv(trajectory.cell)
        # what stands on a face but for rounding stands on the lower one
        centres = centres - np.floor(fractions + SAME) @ trajectory.cell
    return np.einsum("m,fmi->fi", masses, centres) / masses.sum()


def _first_of_equal(distance: np.ndarray) -> np.ndarray:
    """Index of the smallest entry of each row; the first of equal ones. int64 [F]."""
    return (distance < distance.min(axis=1, keepdims=True) + SAME).argmax(axis=1)


def _cartesian(shift: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Lattice vectors [P,3] of the cells [P,3,3], Angstrom."""
    return np.einsum("pi,pij->pj", shift, cell)


def _by_number(trajectory: Trajectory, rule: str, limit: float) -> list[Shell]:
    vectors = trajectory.centres - _centre(trajectory, rule).point[:, None]
    found = images_within(vectors, trajectory.cell, covering_radius(trajectory.cell))
    frames, molecules, images = found.distance.shape
    flat = found.distance.reshape(frames, -1)
    # one more than there are molecules is enough to see that one comes twice
    count = min(int(limit), molecules + 1, molecules * images)
    # with all that equal the last one, so that which of these is taken depends on their order alone
    last = np.partition(flat, count - 1, axis=1)[:, count - 1 : count] + SAME
    frame, column = np.nonzero(flat <= last)
    molecule = column // images
    shift = found.shift(frame, molecule, column % images)
    by_frame = _by_frame(frames, frame, molecule, shift, flat[frame, column])
    return [shell.first(count) for shell in by_frame]


def _by_distance(trajectory: Trajectory, rule: str, limit: float) -> list[Shell]:
    centre, centres = _centre(trajectory, rule), trajectory.centres
    # Two centres are no farther apart than the farthest two atoms, and farther than the nearest two
    # by at most the extent of both molecules.
    atoms = trajectory.positions[:, padded_members(trajectory)]
    extent = np.linalg.norm(atoms - centres[:, :, None], axis=-1).max()
    radius = limit + (2 * extent if rule == BY_DISTANCE[0] else 0.0)
    found = images_within(centres - centre.point[:, None], trajectory.cell, radius)
    frame, molecule, image = np.nonzero(found.distance <= radius)
    shift = found.shift(frame, molecule, image)
    central, its_shift = centre.molecule[frame], centre.shift[frame]
    smallest, largest = extremes(trajectory, frame, (central, its_shift), (molecule, shift))
    itself = (molecule == central) & (shift == its_shift).all(axis=1)
    # A molecule to itself: its largest distance would be its own extent.
    value = np.where(itself, 0.0, smallest if rule == BY_DISTANCE[0] else largest)
    near = value < limit
    return _by_frame(len(centres), frame[near], molecule[near], shift[near], value[near])


def _by_frame(
    frames: int, frame: np.ndarray, molecule: np.ndarray, shift: np.ndarray, value: np.ndarray
) -> list[Shell]:
    """A shell of each frame, by value; of equal ones the molecule, then the image that is first."""
    # Rounded to SAME, so that distances equal but for rounding are ordered by molecule and image.
    order = np.lexsort([*shift.T[::-1], molecule, np.rint(value / SAME), frame])
    ends = np.cumsum(np.bincount(frame, minlength=frames))
    return [Shell(molecule[rows], shift[rows], value[rows]) for rows in np.split(order, ends[:-1])]


def extremes(
    trajectory: Trajectory,
    frame: np.ndarray,
    one: tuple[np.ndarray, np.ndarray],
    other: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest interatomic distance of P pairs of molecules. float64 [P], Angstrom.

    Args:
        frame: int64 [P].
        one, other: molecules int64 [P] and their lattice vectors int64 [P,3].
    """
    padded = padded_members(trajectory)
    smallest, largest = np.empty(len(frame)), np.empty(len(frame))
    for p in chunks(len(frame), padded.shape[1] ** 2):
        first, second = (
            trajectory.positions[frame[p, None], padded[molecule[p]]]
            + _cartesian(shift[p], trajectory.cell[frame[p]])[:, None]
            for molecule, shift in (one, other)
        )
        distance = np.linalg.norm(first[:, :, None] - second[:, None], axis=-1)
        smallest[p], largest[p] = distance.min(axis=(1, 2)), distance.max(axis=(1, 2))
    return smallest, largest


def padded_members(trajectory: Trajectory) -> np.ndarray:
    """Atoms of each molecule, its first one again to fill the row. int64 [M,A]."""
    members = trajectory.graph.members
    longest = max(map(len, members))
    # An atom that is there already changes neither the smallest nor the largest distance.
    return np.array([[*atoms, *[atoms[0]] * (longest - len(atoms))] for atoms in members])
