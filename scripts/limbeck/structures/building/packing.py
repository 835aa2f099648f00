"""Random packings: rigid molecules or atoms, put anywhere and pushed apart until none overlap.

The push is a soft repulsion, the square of by how much two atoms are nearer than their limit, which
L-BFGS takes to zero by moving and turning whole molecules.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation
from vesin import NeighborList

from limbeck import reasons
from limbeck.reasons import Refused
from limbeck.structures.distances import OF_HYDROGEN, van_der_waals_radii

#: In sums of van der Waals radii, of atoms of different molecules; with hydrogen,
#: :data:`OF_HYDROGEN` of it: 2.6 A for O and O, 1.7 A for H and O, as in hydrogen bonds.
CONTACT = 0.85
#: Volume of the spheres of atoms over that of the box: random packings of them jam at 0.64,
#: metals melt at some 0.46.
FILLING = 0.46
#: Smallest and largest distance that atoms of a melt are pushed to, in sums of covalent radii.
LEAST_SPREAD, MOST_SPREAD = 0.8, 2.0
#: Part of the limit that has to be reached: the last tenth of a dense box takes most of the time.
REACHED = 0.9
#: starts from other random places; rounds of each, and steps of a round
ATTEMPTS, ROUNDS, STEPS = 3, 8, 60
#: A round that has brought the nearest pair no farther apart than this is the last of its attempt.
STUCK = 0.005


@dataclass(frozen=True)
class Body:
    """A rigid molecule, or an atom: numbers [n] and positions [n,3] about its centre, Angstrom."""

    numbers: np.ndarray
    positions: np.ndarray


def contact_limits() -> np.ndarray:
    """How near atoms of two molecules are let, Angstrom, by atomic numbers. float64 [Z,Z]."""
    radii = van_der_waals_radii()
    hydrogen = np.arange(len(radii)) == 1
    part = np.where(hydrogen[:, None] | hydrogen, OF_HYDROGEN * CONTACT, CONTACT)
    return np.asarray(part * (radii[:, None] + radii))


def melt_limits(numbers: np.ndarray, volume: float) -> np.ndarray:
    """How near atoms of a melt are let, Angstrom [Z,Z]: as far apart as its density has them.

    Args:
        numbers: [n], of all atoms.
        volume: of the box, Angstrom^3.
    """
    spheres = 4 / 3 * np.pi * float((covalent_radii[numbers] ** 3).sum())
    spread = np.clip((FILLING * volume / spheres) ** (1 / 3), LEAST_SPREAD, MOST_SPREAD)
    return np.asarray(spread * (covalent_radii[:, None] + covalent_radii))


def pack(
    bodies: Sequence[Body],
    limits: np.ndarray,
    rng: np.random.Generator,
    *,
    cell: np.ndarray | None = None,
    radius: float = np.inf,
) -> np.ndarray:
    """Bodies at random places, turned at random, none nearer to another than :data:`REACHED`.

    Args:
        limits: Angstrom [Z,Z], by atomic numbers.
        cell: lattice vectors of a periodic box, Angstrom [3,3]; none for a ball.
        radius: of the ball around the origin that holds the atoms, Angstrom.

    Returns:
        float64 [n,3], Angstrom, each body whole, one after another.

    Raises:
        Refused: they do not fit, in :data:`ATTEMPTS` attempts.
    """
    packing = _Packing(bodies, limits, cell, radius)
    best = 0.0
    for _ in range(ATTEMPTS):
        positions, nearest = packing.settled(rng)
        if nearest >= REACHED:
            return positions
        best = max(best, nearest)
    raise Refused(reasons.NO_FIT, best, REACHED)


class _Packing:
    def __init__(
        self,
        bodies: Sequence[Body],
        limits: np.ndarray,
        cell: np.ndarray | None,
        radius: float,
    ) -> None:
        self.own = np.concatenate([body.positions for body in bodies])  # [n,3], about the centres
        self.body = np.repeat(np.arange(len(bodies)), [len(b.numbers) for b in bodies])
        self.count = len(bodies)
        self.numbers = np.concatenate([body.numbers for body in bodies])
        self.limits = limits
        self.cell, self.radius = cell, radius
        there = np.unique(self.numbers)
        # vesin cuts space into boxes of the cut-off, at least 1 A
        self.cutoff = max(float(limits[np.ix_(there, there)].max()), 1.0) * 1.001
        self.single = len(self.numbers) == self.count

    def settled(self, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Positions after one attempt, and the smallest distance in units of its limit."""
        centres, turned = self._start(rng)
        before = 0.0
        for _ in range(ROUNDS):
            start = np.concatenate([centres, np.zeros((self.count, 3))]).ravel()
            found = minimize(
                self._energy, start, (turned,), "L-BFGS-B", jac=True, options={"maxiter": STEPS}
            )
            centres, turns = found.x.reshape(2, -1, 3)
            turned = self._turn(turned, turns)
            nearest = self._nearest(centres[self.body] + turned)
            if nearest >= REACHED or nearest < before + STUCK:
                break
            before = nearest
        return centres[self.body] + turned, nearest

    def _start(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if self.cell is not None:
            centres = rng.random((self.count, 3)) @ self.cell
        else:
            way = rng.normal(size=(self.count, 3))
            way /= np.linalg.norm(way, axis=1)[:, None]
            centres = way * self.radius * rng.random((self.count, 1)) ** (1 / 3)
        turns = Rotation.random(self.count, rng=rng).as_rotvec()
        return centres, self._turn(self.own, turns)

    def _turn(self, positions: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Each body turned by its own rotation vector [count,3]."""
        if self.single:
            return positions
        return np.asarray(Rotation.from_rotvec(turns[self.body]).apply(positions))

    def _pairs(self, positions: np.ndarray) -> tuple[np.ndarray, ...]:
        """Atoms of different bodies, images among them: first, second, way, distance, limit."""
        first, second, shift, way, distance = NeighborList(
            cutoff=self.cutoff, full_list=False
        ).compute(
            points=positions,
            box=np.zeros((3, 3)) if self.cell is None else self.cell,
            periodic=self.cell is not None,
            quantities="ijSDd",
        )
        first, second = first.astype(np.int64), second.astype(np.int64)
        limit = self.limits[self.numbers[first], self.numbers[second]]
        apart = (self.body[first] != self.body[second]) | shift.any(axis=1)
        near = apart & (distance < limit)
        return first[near], second[near], way[near], distance[near], limit[near]

    def _nearest(self, positions: np.ndarray) -> float:
        *_, distance, limit = self._pairs(positions)
        return float((distance / limit).min(initial=1.0))

    def _energy(self, flat: np.ndarray, start: np.ndarray) -> tuple[float, np.ndarray]:
        """Repulsion, and its gradient by centres and rotation vectors."""
        centres, turns = flat.reshape(2, -1, 3)
        turned = self._turn(start, turns)
        positions = centres[self.body] + turned
        first, second, way, distance, limit = self._pairs(positions)
        overlap = limit - distance
        pull = (overlap / np.maximum(distance, 1e-6))[:, None] * way  # from first to second
        gradient = np.zeros_like(positions)
        np.add.at(gradient, first, pull)
        np.add.at(gradient, second, -pull)
        energy = float((overlap**2).sum()) / 2
        if self.cell is None:
            length = np.linalg.norm(positions, axis=1)
            outside = np.maximum(length - self.radius, 0.0)
            energy += float((outside**2).sum()) / 2
            gradient += (outside / np.maximum(length, 1e-6))[:, None] * positions
        return energy, np.concatenate(
            [self._sums(gradient), self._by_turns(turns, np.cross(turned, gradient))]
        ).ravel()

    def _sums(self, of_atoms: np.ndarray) -> np.ndarray:
        """Sums over the atoms of each body. [count,3]"""
        found = np.zeros((self.count, 3))
        np.add.at(found, self.body, of_atoms)
        return found

    def _by_turns(self, turns: np.ndarray, torques: np.ndarray) -> np.ndarray:
        """Gradient by rotation vectors w: J(w)^T times the torque.

        A change of w turns by J(w) dw, J = 1 + (1 - cos t)/t^2 [w] + (t - sin t)/t^3 [w]^2, where
        t = \\|w\\| and [w] x = w cross x (the left Jacobian of SO(3)).
        """
        if self.single:
            return np.zeros((self.count, 3))
        torque = self._sums(torques)
        angle = np.linalg.norm(turns, axis=1)[:, None]
        small = angle < 1e-4
        safe = np.where(small, 1.0, angle)
        one = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
        two = np.where(small, 1 / 6, (safe - np.sin(safe)) / safe**3)
        across = np.cross(turns, torque)
        # [w] is antisymmetric: its transpose changes the sign of the first power alone
        return np.asarray(torque - one * across + two * np.cross(turns, across))
