"""The properties that potentials predict: one row of a table for each.

Turning, permuting, repeating, selecting, storing, splitting, subtracting and exporting are loops
over this table: a new property is a row here, whoever makes it, and whoever uses it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase import units
from ase.units import GPa

from limbeck.errors import LimbeckError
from limbeck.frames import Rows
from limbeck.geometry import stress_to_voigt, voigt_to_stress

#: property -> values of B frames with N atoms in all
Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Property:
    """One row of the table.

    Attributes:
        per: what it has a row for, each frame, each atom, or each point around a frame
            (:attr:`limbeck.frames.Frames.points`).
        rank: of the tensor: 0 for a number, 1 for a vector [3], 2 for a symmetric tensor [6] in
            Voigt order xx yy zz yz xz xy.
        unit: as it is stored.
        extensive: that of a frame grows with the number of its atoms; a repeated cell has as much
            for each copy.
        parity: 1, or -1 for one that changes sign in a mirror beside what its rank does.
        gradient_of: what it is the derivative of, where the model is conservative.
        shown: its unit in figures and tables.
        factor: from ``unit`` to ``shown``.
        largest: in ``unit``, of an extensive one over the number of atoms: no component of an
            answer is larger, whatever the frame.
        ordinary: the same, below which a value is never far from all others of its source:
            frames may well be the only ones of their kind.
        found_in: frames that have one wherever the potential predicts it: "all", those that are
            "periodic" or "isolated", or "some". In other frames it may be NaN.
        by_atoms: figures are of the value over the number of atoms.
        several: each atom or frame has any number of them, as one more axis before that of the
            components.
    """

    per: Literal["frame", "atom", "point"]
    rank: int
    unit: str
    shown: str
    factor: float
    largest: float
    ordinary: float
    found_in: Literal["all", "periodic", "isolated", "some"] = "some"
    extensive: bool = False
    parity: int = 1
    gradient_of: str = ""
    by_atoms: bool = False
    several: bool = False

    @property
    def per_atom(self) -> bool:
        """It has a row for each atom."""
        return self.per == "atom"

    def of(self, rows: Rows) -> Any:
        """What rows, or numbers of rows, mean of this property: those by frame, atom or point."""
        return getattr(rows, self.per)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value of one atom or one frame."""
        return ((), (3,), (6,))[self.rank]


# New rows go to the end: the codes of a label's status count them, see limbeck.labels.
PROPERTIES: dict[str, Property] = {
    "energy": Property(
        per="frame",
        rank=0,
        unit="eV",
        shown="meV/atom",
        factor=1e3,
        # Uranium with all its electrons has -7.6e5 eV. An atom is bound by less than 10 eV, and
        # ionised by less than 20, but for helium and neon.
        largest=1e6,
        ordinary=20.0,
        found_in="all",
        extensive=True,
        by_atoms=True,
    ),
    "forces": Property(
        per="atom",
        rank=1,
        unit="eV/Angstrom",
        shown="meV/A",
        factor=1e3,
        # Protons 0.005 A apart repel each other with 6e5. A C-H bond at the screen's limit, 0.75 A,
        # has 22, and C-C at 1.14 A 29 (GFN2-xTB): such frames may be the only ones of their kind.
        largest=1e6,
        ordinary=30.0,
        found_in="all",
        gradient_of="energy",
    ),
    # ASE's sign: positive under tension, so that pressure is minus a third of the trace.
    "stress": Property(
        per="frame",
        rank=2,
        unit="eV/Angstrom^3",
        shown="GPa",
        # ASE's GPa is 1 GPa in eV/Angstrom^3.
        factor=1 / GPa,
        # 16 TPa, and 400 GPa, which is more than in the middle of the Earth
        largest=100.0,
        ordinary=2.5,
        found_in="periodic",
        gradient_of="energy",
    ),
    "charges": Property(
        per="atom",
        rank=0,
        unit="e",
        shown="e",
        factor=1.0,
        # No nucleus has more; formal charges end at 9, partial ones far below.
        largest=100.0,
        ordinary=5.0,
        found_in="isolated",  # xTB has none of crystals
    ),
    # About the centre of nuclear charge: of an ion it is another one about another point.
    "dipole": Property(
        per="frame",
        rank=1,
        unit="e Angstrom",
        shown="D",
        factor=1 / units.Debye,
        largest=1e6,
        ordinary=100.0,
        found_in="isolated",
        extensive=True,
    ),
    "magmoms": Property(
        per="atom",
        rank=0,
        unit="Bohr magneton",
        shown="mmuB",
        factor=1e3,
        # An atom alone has at most 10.6 (Dy, Ho), one of a d metal about 5.
        largest=100.0,
        ordinary=12.0,
        found_in="all",
    ),
    # a vector of features for each atom that no rotation changes, on request
    "descriptors": Property(
        per="atom",
        rank=0,
        unit="",
        shown="",
        factor=1.0,
        largest=np.inf,
        ordinary=np.inf,
        several=True,
    ),
    # Random directions in the coordinates of a frame, and the products of its Hessian with them,
    # see limbeck.averaging.displaced; both zero where there is no product. No potential says them.
    "hessian_directions": Property(
        per="atom",
        rank=1,
        unit="",
        shown="",
        factor=1.0,
        largest=np.inf,
        ordinary=np.inf,
        several=True,
    ),
    "hessian_products": Property(
        per="atom",
        rank=1,
        unit="eV/Angstrom^2",
        shown="eV/A^2",
        factor=1.0,
        # the label's forces are judged; what a step makes of them beyond that has no product
        largest=np.inf,
        ordinary=np.inf,
        several=True,
    ),
    # Of minimal-basis iterative stockholders: they reproduce multipoles far better than charges
    # from the basis, and are what charges are held to beside an electrostatic potential.
    "mbis_charges": Property(
        per="atom",
        rank=0,
        unit="e",
        shown="e",
        factor=1.0,
        largest=100.0,
        ordinary=5.0,
        found_in="isolated",
    ),
    # Electrostatic potential of nuclei and electrons at points around a molecule: the energy of a
    # positive unit charge there. A volt times e is an eV.
    "esp": Property(
        per="point",
        rank=0,
        unit="V",
        shown="kcal/mol/e",
        factor=units.mol / units.kcal,
        # An unscreened uranium nucleus at 1 Angstrom makes 1.3e3 V; around molecules, where nothing
        # is nearer than a van der Waals radius, an ion makes about 10 V.
        largest=1e4,
        ordinary=30.0,
        found_in="some",
    ),
}

#: the point that dipoles are about, see limbeck.geometry.centres_of_nuclear_charge
DIPOLE_ABOUT = "centre of nuclear charge"
#: what nearly every potential predicts
EFS = ("energy", "forces", "stress")
#: properties of a label set with directions, and the products of each frame's Hessian with them
DIRECTIONS, PRODUCTS = "hessian_directions", "hessian_products"
#: ends the name of a property's spread over views
SPREAD = "_spread"


def property_of(name: str) -> Property:
    """The row of a property.

    Raises:
        LimbeckError: there is none of that name.
    """
    if name not in PROPERTIES:
        raise LimbeckError(f"property {name!r}: expected one of {', '.join(PROPERTIES)}")
    return PROPERTIES[name]


@dataclass(frozen=True, init=False)
class Predictions:
    """Answers for B frames with N atoms in all.

    Attributes:
        values: by property. ``energy`` float64 [B] eV, ``forces`` float64 [N,3] eV/Angstrom and
            ``stress`` float64 [B,6] eV/Angstrom^3 (ASE's sign; NaN where the frame is isolated or
            the potential predicts none) are always there, others where the potential has them; NaN
            where a frame has none.
    """

    values: Values

    def __init__(
        self,
        energy: np.ndarray | None = None,
        forces: np.ndarray | None = None,
        stress: np.ndarray | None = None,
        *,
        values: Mapping[str, np.ndarray] | None = None,
        **more: np.ndarray,
    ) -> None:
        """Take properties from ``values``, or by name; a name replaces the entry in ``values``."""
        named = {"energy": energy, "forces": forces, "stress": stress, **more}
        given = {name: v for name, v in named.items() if v is not None}
        # The class is frozen.
        object.__setattr__(self, "values", dict(values or {}) | given)

    @property
    def energy(self) -> np.ndarray:
        """float64 [B], eV."""
        return self.values["energy"]

    @property
    def forces(self) -> np.ndarray:
        """float64 [N,3], eV/Angstrom."""
        return self.values["forces"]

    @property
    def stress(self) -> np.ndarray:
        """float64 [B,6], eV/Angstrom^3, Voigt."""
        return self.values["stress"]


def nothing(names: Iterable[str], counts: Rows) -> Values:
    """Arrays of the right shapes, filled with NaN.

    Args:
        counts: of all frames, as :attr:`limbeck.frames.Frames.counts`.
    """
    return {name: _nan(property_of(name), counts) for name in names}


def _nan(of: Property, counts: Rows) -> np.ndarray:
    return np.full((of.of(counts), *of.shape), np.nan)


def select(values: Mapping[str, np.ndarray], rows: Rows) -> Values:
    """The values of some of the frames, at rows of :meth:`limbeck.frames.Frames.rows`."""
    return {n: v[property_of(n).of(rows)] for n, v in values.items()}


def put(whole: Values, part: Mapping[str, np.ndarray], rows: Rows, counts: Rows) -> None:
    """Write the values of some frames into those of all; what ``whole`` lacks is made, with NaN.

    Args:
        rows: of the frames ``part`` is of, as :meth:`limbeck.frames.Frames.rows`.
        counts: of all frames.
    """
    for name, values in part.items():
        of = property_of(name)
        if name not in whole:
            whole[name] = np.full((of.of(counts), *values.shape[1:]), np.nan, dtype=values.dtype)
        whole[name][of.of(rows)] = values


def concatenate_values(parts: Sequence[Mapping[str, np.ndarray]]) -> Values:
    """Values of several sets of frames, end to end; only properties that all of them have."""
    return {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
        if all(name in part for part in parts)
    }


def turned_back(
    values: Mapping[str, np.ndarray], matrices: np.ndarray, n_atoms: np.ndarray
) -> Values:
    """Values of turned frames, in the original orientation: a, Q^T v, or Q^T S Q by rank.

    Args:
        matrices: float64 [B,3,3], orthogonal; frame b was turned by r -> Q_b r.
        n_atoms: int [B].
    """
    per_atom = np.repeat(matrices, n_atoms, axis=0)  # [N,3,3]; by point there are numbers alone
    found: Values = {}
    for name, value in values.items():
        of = property_of(name)
        q = per_atom if of.per_atom else matrices
        if of.rank == 1:
            # the transposed index: Q^T v, the inverse of v -> Q v
            value = np.einsum("nji,n...j->n...i", q, value)
        elif of.rank == 2:  # a frame's NaN stay in its own row
            tensors = voigt_to_stress(value)
            # Through the full tensor: a rotation in Voigt form would need factors of 2 off the
            # diagonal.
            value = stress_to_voigt(np.einsum("bki,bkl,blj->bij", q, tensors, q))
        if of.parity < 0:
            # A pseudoscalar or axial vector gets the sign of det Q beside the turn.
            value = value * np.sign(np.linalg.det(q)).reshape(-1, *[1] * (value.ndim - 1))
        found[name] = value
    return found


def of_atoms(values: Mapping[str, np.ndarray], rows: Any) -> Values:
    """The same values, with per-atom arrays taken at ``rows`` (an index or a slice)."""
    return {n: v[rows] if property_of(n).per_atom else v for n, v in values.items()}


def components(name: str, values: np.ndarray) -> np.ndarray:
    """All components of a tensor side by side: [...] -> [...,1], [...,3], or [...,9].

    A symmetric tensor is written with all nine components. The sum of their squares does not
    change under rotation; that of the six Voigt components does.
    """
    rank = property_of(name).rank
    if rank == 0:
        return values[..., None]
    if rank == 1:
        return values
    tensors = voigt_to_stress(values)
    return tensors.reshape(*tensors.shape[:-2], 9)


def of_one(values: Mapping[str, np.ndarray], rows: Rows) -> dict[str, Any]:
    """The values of one frame, a number or an array each; those not finite are left out.

    Args:
        rows: the number of the frame, and slices of the arrays by atom and by point.
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        of = property_of(name)
        own = value[of.of(rows)]
        if np.isfinite(own).all():
            found[name] = own if of.per != "frame" or of.rank else float(own)
    return found
