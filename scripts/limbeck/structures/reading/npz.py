"""Molecules in NumPy's archives (.npz), as data sets of PhysNet and DCMNet have them.

Arrays of n molecules, padded with zeros to the largest: ``R`` [n,A,3] positions, ``Z`` [n,A] atomic
numbers, ``N`` [n] atoms; where they are there ``E`` [n] energies, ``F`` [n,A,3] forces, ``Dxyz``
(or ``D``) [n,3] dipoles, ``Q`` [n] total charges (e), ``mono`` [n,A] charges of atoms (e); and of a
file of grids ``esp`` [n,G] potentials, ``vdw_surface`` [n,G,3] the points, and ``n_grid`` [n] how
many there are. Units are whatever the user says: a file has none.
"""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from ase import Atoms

from limbeck import reasons
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures.reading.unpack import most_bytes, too_large

#: what every file has, and how many axes
NEEDED = {"R": 3, "Z": 2, "N": 1}
#: more that is read where it is there: axes
MORE = {
    "E": (1, 2),
    "F": (3,),
    "Dxyz": (2,),
    "D": (2,),
    "Q": (1, 2),
    "mono": (2, 3),
    "esp": (2,),
    "vdw_surface": (3,),
    "n_grid": (1, 2),
}
#: names of the arrays of a grid; all or none
GRID = ("esp", "vdw_surface", "n_grid")
#: in the unit of the file: positions of two files of the same molecules differ by less
SAME = 1e-4


def frames_of_npz(path: Path, grids: str | Path | None = None) -> Iterator[Callable[[], Atoms]]:
    """Each molecule, still to be put together.

    Args:
        grids: a second file, of grids around the same molecules in the same order.

    Raises:
        LimbeckError: it is no such archive, arrays are missing or of other shapes, or the two
            files are of other molecules.
    """
    archive = Archive.read(path)
    other = Archive.read(Path(grids)) if grids else None
    if other:
        archive.check_same(other)
    for n in range(len(archive)):
        yield partial(_molecule, archive, other, n)


@dataclass(frozen=True)
class Archive:
    """The arrays of one file that are known here, by name."""

    name: str
    arrays: dict[str, np.ndarray]

    @classmethod
    def read(cls, path: Path) -> "Archive":
        """Read all arrays that are known, and look at their shapes."""
        try:
            with zipfile.ZipFile(path) as whole:
                size = sum(member.file_size for member in whole.infolist())
            if size > (most := most_bytes(path)):
                raise LimbeckError(f"{path.name}: {too_large(most)}: split it if you trust it")
            with np.load(path, allow_pickle=False) as file:
                arrays = {n: file[n] for n in (*NEEDED, *MORE) if n in file.files}
        # memory is asked for by what an array claims to hold, before it is read
        except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError, MemoryError) as error:
            raise LimbeckError(f"{path.name}: no archive of NumPy's arrays: {error}") from error
        found = cls(path.name, arrays)
        found.check()
        return found

    def __len__(self) -> int:
        return len(self.arrays["N"])

    def check(self) -> None:
        """Raise LimbeckError where arrays are missing, or do not belong together."""
        missing = [name for name in NEEDED if name not in self.arrays]
        if missing:
            raise LimbeckError(
                f"{self.name}: no {', '.join(missing)}, expected R, Z and N; it has "
                f"{', '.join(self.arrays) or 'none that is known here'}"
            )
        grid = [name for name in GRID if name in self.arrays]
        if grid and len(grid) < len(GRID):
            raise LimbeckError(f"{self.name}: {', '.join(grid)}, expected all of {', '.join(GRID)}")
        if grid and self.arrays["esp"].shape != self.arrays["vdw_surface"].shape[:2]:
            shapes = [self.arrays[name].shape for name in GRID[:2]]
            raise LimbeckError(f"{self.name}: esp {shapes[0]} and vdw_surface {shapes[1]}")
        for name, array in self.arrays.items():
            axes = (NEEDED[name],) if name in NEEDED else MORE[name]
            if array.ndim not in axes or len(array) != len(self) or array.dtype.kind not in "iuf":
                raise LimbeckError(
                    f"{self.name}: {name} is {array.dtype} {array.shape}, expected numbers for "
                    f"each of {len(self)} molecules, {' or '.join(map(str, axes))} axes"
                )
            if name in ("Z", "R", "F", "mono") and array.shape[1] != self.arrays["R"].shape[1]:
                text = f"{array.shape[1]} atoms, R has {self.arrays['R'].shape[1]}"
                raise LimbeckError(f"{self.name}: {name} is for {text}")

    def check_same(self, other: "Archive") -> None:
        """Raise LimbeckError where a file of grids is not of the same molecules."""
        if "esp" not in other.arrays:
            raise LimbeckError(f"{other.name}: no esp, expected a file of grids")
        if len(self) != len(other):
            text = f"{len(other)} molecules, {self.name} has {len(self)}"
            raise LimbeckError(f"{other.name}: {text}")
        for n in range(len(self)):
            mine, theirs = self.place(n), other.place(n)
            if not np.array_equal(mine[0], theirs[0]):
                text = f"molecule {n} is of other atoms than in {self.name}"
                raise LimbeckError(f"{other.name}: {text}")
            away = float(np.abs(mine[1] - theirs[1]).max(initial=0.0))
            if not away < SAME:
                raise LimbeckError(
                    f"{other.name}: R of molecule {n} differs from that in {self.name} by up to "
                    f"{away:.3g}, expected the same; grids are never moved to fit"
                )

    def place(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Z and R of one molecule, without what they are padded with."""
        real = self.arrays["Z"][n] > 0
        return self.arrays["Z"][n][real], self.arrays["R"][n][real]

    @cached_property
    def counts(self) -> np.ndarray:
        """Points of each grid, int [n]."""
        return self.arrays["n_grid"].reshape(len(self), -1)[:, 0].astype(int)


def _molecule(archive: Archive, grids: Archive | None, n: int) -> Atoms:
    arrays = archive.arrays
    count = int(arrays["N"][n])
    numbers = arrays["Z"][n]
    if count != (numbers > 0).sum() or (numbers[:count] <= 0).any():
        real = int((numbers > 0).sum())
        raise Refused(reasons.UNREADABLE, f"N is {count}, and Z has {real} atoms")
    atoms = Atoms(numbers[:count].astype(int), arrays["R"][n][:count].astype(float))
    for key in ("E", "Q"):
        if key in arrays:
            atoms.info[{"Q": "charge"}.get(key, key)] = float(arrays[key][n].reshape(-1)[0])
    for key in ("Dxyz", "D"):
        if key in arrays:
            atoms.info[key] = arrays[key][n].astype(float)
    if "F" in arrays:
        atoms.arrays["F"] = _of_atoms("F", arrays["F"][n], count)
    for each in filter(None, (archive, grids)):  # charges often stand with the grids
        if "mono" in each.arrays:
            charges = each.arrays["mono"][n]
            atoms.arrays["mono"] = _of_atoms("mono", charges.reshape(len(charges)), count)
    if "esp" in (grids or archive).arrays:
        _put_grid(atoms, grids or archive, n)
    return atoms


def _of_atoms(name: str, values: np.ndarray, count: int) -> np.ndarray:
    """Values of the atoms, without those of what only fills the array, which have to be zero."""
    largest = np.abs(values[count:]).max(initial=0.0)
    if largest > 0:
        text = f"{name} of an atom that only fills the array is {largest:.3g}, expected 0"
        raise Refused(reasons.UNREADABLE, text)
    return values[:count].astype(float)


def _put_grid(atoms: Atoms, archive: Archive, n: int) -> None:
    points, room = archive.counts[n], archive.arrays["esp"].shape[1]
    if not 0 <= points <= room:
        raise Refused(reasons.UNREADABLE, f"n_grid is {points}, expected 0 to {room}")
    atoms.info["esp"] = archive.arrays["esp"][n][:points].astype(float)
    atoms.info["vdw_surface"] = archive.arrays["vdw_surface"][n][:points].astype(float)
