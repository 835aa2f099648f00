"""Random crystals of a space group: PyXtal, seeded, bounded and silent."""

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from ase import Atoms
from ase.spacegroup import Spacegroup

from limbeck import reasons
from limbeck.reasons import Refused
from limbeck.structures.distances import too_near

#: space groups there are
GROUPS = 230
#: Angstrom; nearer are images of one atom, by a centring of the lattice
SAME_A = 1e-2
#: Times that PyXtal puts all atoms into one random cell after another before that counts as one
#: attempt. It takes one or two where there is room; left alone, it goes on for 400 (of molecules,
#: 1,200), minutes in a cubic group.
MOST_TRIES = 20


@dataclass(frozen=True)
class Limits:
    """What a crystal is asked for.

    Attributes:
        volume_factor: on PyXtal's volume.
        distance_factor: on PyXtal's shortest distances.
        attempts: until a crystal is given up.
    """

    volume_factor: float
    distance_factor: float
    attempts: int


def group_for(
    allowed: Sequence[int] | None,
    holds: Callable[[int], bool],
    what: str,
    turn: int,
    rng: np.random.Generator,
) -> int:
    """The space group of a structure: in turn of those allowed, or a random one of all that fit.

    Args:
        holds: whether a group has sites for what is put into it.
        what: is put into it, for the message.

    Raises:
        Refused: the group whose turn it is has no sites for it.
    """
    if allowed is None:
        order = (int(number) for number in rng.permutation(GROUPS) + 1)
        number = next((number for number in order if holds(number)), 0)
    else:
        number = allowed[turn % len(allowed)]
    if number == 0 or not holds(number):
        raise Refused(reasons.GROUP_CANNOT_HOLD, what, number or "all")
    return number


def holds_atoms(number: int, counts: Sequence[int]) -> bool:
    """Whether a space group has sites for so many atoms of each element in a primitive cell."""
    group = _group(number)
    fits, _ = group.check_compatible([count * group.cellsize() for count in counts])
    return bool(fits)


def molecules_held(number: int, bounds: Sequence[int]) -> list[int]:
    """How many molecules on general positions a primitive cell may have, within these bounds."""
    group = _group(number)
    step = len(group[0]) // group.cellsize()
    return [count for count in range(step, bounds[1] + 1, step) if count >= bounds[0]]


def crystal_of_atoms(
    number: int, counts: dict[str, int], limits: Limits, rng: np.random.Generator
) -> Atoms:
    """A primitive cell with so many atoms of each element on random sites of a space group.

    Raises:
        Refused: PyXtal finds none.
    """
    return _tried(number, list(counts), list(counts.values()), limits, rng, molecular=False)


def crystal_of_molecules(
    number: int, molecule: Atoms, count: int, limits: Limits, rng: np.random.Generator
) -> Atoms:
    """A primitive cell with so many copies of a rigid molecule, turned and placed at random.

    Raises:
        Refused: PyXtal finds none.
    """
    from pymatgen.core import Molecule

    with _silence():
        from pyxtal.molecule import pyxtal_molecule

        from limbeck.structures.building.crystals.swift import tolerances

        rigid = pyxtal_molecule(
            Molecule(molecule.get_chemical_symbols(), molecule.positions),
            symmetrize=False,
            tm=tolerances("molecular", limits.distance_factor),
            random_state=rng,
        )
    return _tried(number, [rigid], [count], limits, rng, molecular=True)


def _tried(
    number: int,
    species: Sequence[Any],
    counts: Sequence[int],
    limits: Limits,
    rng: np.random.Generator,
    *,
    molecular: bool,
) -> Atoms:
    with _silence():
        from pyxtal import pyxtal  # ten seconds

        for _ in range(limits.attempts):
            crystal = pyxtal(molecular=molecular)
            try:
                filled = _filled(
                    number,
                    species,
                    counts,
                    limits,
                    int(rng.integers(2**31)),
                    molecular=molecular,
                )
                sites = "mol_sites" if molecular else "atom_sites"
                for name in ("valid", "dim", "PBC", "lattice", sites):
                    setattr(crystal, name, getattr(filled, name))
                whole = crystal.to_ase(resort=False)
            except Exception:  # whatever it meets where it gives up
                continue
            atoms = _primitive(whole, number)
            complete = len(atoms) * _group(number).cellsize() == len(whole)
            if complete and not too_near(atoms.numbers, atoms.positions, atoms.cell.array, True):
                return atoms
    raise Refused(reasons.GAVE_UP, limits.attempts, f"space group {number}")


def _filled(
    number: int,
    species: Sequence[Any],
    counts: Sequence[int],
    limits: Limits,
    seed: int,
    *,
    molecular: bool,
) -> Any:
    """PyXtal's random crystal, of its own class, with an end to its tries.

    Raises:
        Exception: of PyXtal, or that tries have ended.
    """
    from pyxtal.crystal import random_crystal
    from pyxtal.molecular_crystal import molecular_crystal

    from limbeck.structures.building.crystals.swift import tolerances

    kind: Any = molecular_crystal if molecular else random_crystal

    class Bounded(kind):  # type: ignore[misc]
        tries = 0

        def _set_coords(self) -> Any:
            self.tries += 1
            if self.tries > MOST_TRIES:
                raise RuntimeError(f"no crystal in {MOST_TRIES} tries")
            return super()._set_coords()

    nearest = tolerances("molecular" if molecular else "atomic", limits.distance_factor)
    return Bounded(
        3,
        _group(number),
        list(species),
        list(counts),
        limits.volume_factor,
        conventional=False,
        tm=nearest,
        random_state=seed,
    )


def _primitive(conventional: Atoms, number: int) -> Atoms:
    """One primitive cell of a conventional one, as the centring of its group says."""
    cell = Spacegroup(number).scaled_primitive_cell @ conventional.cell.array
    scaled = conventional.positions @ np.linalg.inv(cell)
    apart = scaled[:, None] - scaled
    apart = np.linalg.norm((apart - np.round(apart)) @ cell, axis=-1)
    first = (apart < SAME_A).argmax(axis=1) == np.arange(len(scaled))
    return Atoms(conventional.numbers[first], conventional.positions[first], cell=cell, pbc=True)


@cache
def _group(number: int) -> Any:
    """A tenth of a second each."""
    with _silence():
        from limbeck.structures.building.crystals.swift import swift_group

        return swift_group(number)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep PyXtal's prints and warnings, and those of what it imports, out of the log."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
