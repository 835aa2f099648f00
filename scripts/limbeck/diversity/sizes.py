"""How many atoms structures have: mean m, and coefficient of variation v = sqrt(<n^2> - m^2) / m.

v is 0 where all structures are alike in size. It has no unit, so that sets of small and of large
structures can be compared.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Sizes:
    """The sums that mean and variation are made of.

    Attributes:
        count: structures; total, squares: sums of their numbers of atoms, and of the squares.
        least, most: smallest and largest number of atoms.
    """

    count: int = 0
    total: int = 0
    squares: int = 0
    least: int = 0
    most: int = 0

    def add(self, n_atoms: np.ndarray) -> None:
        """Further structures, by their numbers of atoms; int [B]."""
        if not len(n_atoms):
            return
        n_atoms = n_atoms.astype(np.int64)  # squares do not fit into 32 bits
        self.least = min(self.least or int(n_atoms.min()), int(n_atoms.min()))
        self.most = max(self.most, int(n_atoms.max()))
        self.count += len(n_atoms)
        self.total += int(n_atoms.sum())
        self.squares += int((n_atoms**2).sum())

    @property
    def mean(self) -> float:
        """Atoms of a structure, in the mean; NaN of none."""
        return self.total / self.count if self.count else float("nan")

    @property
    def variation(self) -> float:
        """The coefficient of variation, no unit; NaN of no structure."""
        if not self.count:
            return float("nan")
        # whole numbers of any size: no digits are lost in the difference
        return (self.count * self.squares - self.total**2) ** 0.5 / self.total
