"""Labels: a potential's answers for frames, their spread over views, and a status for each."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limbeck import properties
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, Rows, atom_rows, offsets_of
from limbeck.properties import EFS, PROPERTIES, SPREAD, Predictions, Values, property_of
from limbeck.reasons import FAULTS, FIRST_FAULT, STATUS, Fault, Status

log = logging.getLogger(__name__)

#: attribute of labels: the potential's energies of isolated atoms that it knows, eV, by symbol
ISOLATED_ATOMS = "isolated_atoms_eV"
#: the same: products of the Hessian with vectors, see limbeck.labelling.products
HESSIAN = "hessian"


@dataclass(frozen=True, init=False)
class Labels(Predictions):
    """Answers for B frames with N atoms in all.

    Attributes:
        values: by property, see :class:`~limbeck.properties.Predictions`.
        id: bytes [B], ids of the frames.
        n_atoms: int32 [B].
        spreads: by property, float64 [B] or [N], in its unit: standard deviation over views, of a
            vector or tensor the root mean square over its components; NaN where there is one view.
            ``averaging.views.Views.spread_factor`` says what they are divided by.
        status: uint8 [B], codes of :func:`meanings`; 0 is good.
        attrs: what the labels were made with.
        n_points, points: int32 [B] and float64 [G,3], Angstrom: where ``values["esp"]`` is, as in
            :class:`~limbeck.frames.Frames`.
    """

    id: np.ndarray
    n_atoms: np.ndarray
    spreads: Values
    status: np.ndarray
    attrs: dict[str, Any]
    n_points: np.ndarray
    points: np.ndarray

    def __init__(
        self,
        id: np.ndarray,
        n_atoms: np.ndarray,
        status: np.ndarray,
        *,
        values: Mapping[str, np.ndarray] | None = None,
        spreads: Mapping[str, np.ndarray] | None = None,
        attrs: dict[str, Any] | None = None,
        n_points: np.ndarray | None = None,
        points: np.ndarray | None = None,
        **named: np.ndarray,
    ) -> None:
        """Take properties and spreads from the dictionaries, or by name.

        Args:
            named: a property, such as ``forces``, or its spread, such as ``forces_spread``. It
                replaces the entry in ``values`` or ``spreads``.
        """
        of_spreads = {n.removesuffix(SPREAD): v for n, v in named.items() if n.endswith(SPREAD)}
        of_values = {n: v for n, v in named.items() if not n.endswith(SPREAD)}
        super().__init__(values=values, **of_values)
        for name, value in (
            ("id", id),
            ("n_atoms", n_atoms),
            ("spreads", dict(spreads or {}) | of_spreads),
            ("status", status),
            ("attrs", attrs or {}),
            ("n_points", np.zeros(len(id), np.int32) if n_points is None else n_points),
            ("points", np.zeros((0, 3)) if points is None else points),
        ):
            # The class is frozen, and its own __init__ stands in for that of the dataclass.
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.id)

    @property
    def energy_spread(self) -> np.ndarray:
        """float64 [B], eV."""
        return self.spreads["energy"]

    @property
    def forces_spread(self) -> np.ndarray:
        """float64 [N], eV/Angstrom, of one component."""
        return self.spreads["forces"]

    @property
    def offsets(self) -> np.ndarray:
        """int64 [B+1]: atoms of frame b are ``offsets[b]:offsets[b + 1]``."""
        return offsets_of(self.n_atoms)

    @property
    def counts(self) -> Rows:
        """How many frames, atoms and points there are."""
        return Rows(len(self), int(self.n_atoms.sum()), len(self.points))

    def rows(self, index: np.ndarray) -> Rows:
        """Rows of the labels at ``index`` (integers), in that order."""
        points = atom_rows(offsets_of(self.n_points), index)
        return Rows(index, atom_rows(self.offsets, index), points)


def unlabelled(frames: Frames, names: Iterable[str] = EFS) -> Labels:
    """Labels that hold only NaN, with status 0, at the points that the frames have around them.

    Args:
        names: properties to have beside energy, forces and stress; those by point are left out
            where no frame has points.
    """
    # dict.fromkeys drops repeats and keeps the order.
    every = list(dict.fromkeys([*EFS, *names]))
    if not len(frames.points):
        every = [n for n in every if property_of(n).per != "point"]
    return Labels(
        id=frames.id,
        n_atoms=frames.n_atoms,
        values=properties.nothing(every, frames.counts),
        spreads={n: np.full(property_of(n).of(frames.counts), np.nan) for n in every},
        status=np.zeros(len(frames), dtype=np.uint8),
        n_points=frames.n_points,
        points=frames.points,
    )


def select_labels(labels: Labels, index: np.ndarray) -> Labels:
    """Labels of the frames at ``index`` (integers or a mask), in that order."""
    index = np.asarray(index)
    index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
    rows = labels.rows(index)
    return replace(
        labels,
        id=labels.id[index],
        n_atoms=labels.n_atoms[index],
        values=properties.select(labels.values, rows),
        spreads=properties.select(labels.spreads, rows),
        status=labels.status[index],
        n_points=labels.n_points[index],
        points=labels.points[rows.point],
    )


def labels_of(frames: Frames, labels: Labels) -> tuple[np.ndarray, Labels]:
    """Which frames have a good label (bool [B]), and the labels of these, in their order."""
    good = np.flatnonzero(labels.status == Status.GOOD)
    row_of = dict(zip(labels.id[good].tolist(), good.tolist(), strict=True))
    rows = np.array([row_of.get(i, -1) for i in frames.id.tolist()], dtype=np.int64)
    return rows >= 0, select_labels(labels, rows[rows >= 0])


def concatenate_labels(parts: Sequence[Labels]) -> Labels:
    """Labels of several files, end to end, with the attributes of the first part.

    Energies of isolated atoms among these, and counts of Hessian-vector products, are those of all
    parts. A property is kept if every part has it. The others are logged.

    Raises:
        LimbeckError: there are no parts.
    """
    if not parts:
        raise LimbeckError("no labels to put together, expected at least one file")
    parts = [_with_empty(part, parts) for part in parts]
    values = properties.concatenate_values([p.values for p in parts])
    dropped = sorted(set().union(*(p.values for p in parts)) - set(values))
    if dropped:
        log.warning("left out, since not all labels have them: %s", ", ".join(dropped))
    return Labels(
        id=np.concatenate([p.id for p in parts]),
        n_atoms=np.concatenate([p.n_atoms for p in parts]),
        values=values,
        spreads=properties.concatenate_values([p.spreads for p in parts]),
        status=np.concatenate([p.status for p in parts]),
        attrs=parts[0].attrs | _isolated_atoms(parts) | _hessian(parts),
        n_points=np.concatenate([p.n_points for p in parts]),
        points=np.concatenate([p.points for p in parts]),
    )


def _with_empty(part: Labels, parts: Sequence[Labels]) -> Labels:
    """Labels of no points have all properties of points that the others have: with no rows."""
    if len(part.points):
        return part
    none = {n: v[:0] for p in parts for n, v in p.values.items() if property_of(n).per == "point"}
    spreads = {n: np.zeros(0) for n in none}
    return replace(part, values=none | part.values, spreads=spreads | part.spreads)


def _isolated_atoms(parts: Sequence[Labels]) -> dict[str, dict[str, float]]:
    """Each slice asks about its own elements."""
    found: dict[str, float] = {}
    for part in reversed(parts):
        found |= part.attrs.get(ISOLATED_ATOMS, {})
    return {ISOLATED_ATOMS: dict(sorted(found.items()))} if found else {}


def _hessian(parts: Sequence[Labels]) -> dict[str, dict[str, Any]]:
    """Counts of products of all parts; the step is the first one's."""
    told = [part.attrs[HESSIAN] for part in parts if HESSIAN in part.attrs]
    if not told:
        return {}
    without = sum((Counter(each["without"]) for each in told), Counter[str]())
    made = sum(each["products"] for each in told)
    return {HESSIAN: told[0] | {"products": made, "without": dict(without)}}


def calls_of_a_label(made_with: Mapping[str, Any]) -> int:
    """Evaluations behind one label, from the attributes of labels: each view of the frame, and of
    those that are displaced for products of its Hessian."""
    views = made_with.get("views", 1)
    displaced = 2 * made_with.get(HESSIAN, {}).get("vectors", 0)
    return (int(views) if views != "as_given" else 1) * (1 + displaced)


def put_labels(whole: Labels, part: Labels, index: np.ndarray) -> None:
    """Write the labels of the frames at ``index`` into those of all."""
    rows, counts = whole.rows(index), whole.counts
    properties.put(whole.values, part.values, rows, counts)
    properties.put(whole.spreads, part.spreads, rows, counts)
    whole.status[index] = part.status


def status_of(name: str, fault: Fault) -> int:
    """The status of a label whose property of that name is at fault."""
    return FIRST_FAULT + len(Fault) * list(PROPERTIES).index(name) + fault


def meanings() -> dict[int, str]:
    """What each code of a status means."""
    return STATUS | {
        status_of(name, fault): f"{name} {meaning}"
        for name in PROPERTIES
        for fault, meaning in FAULTS.items()
    }


def unanswered(status: np.ndarray) -> np.ndarray:
    """Which frames have no answer, or none that can be: another try may give one. bool [B]."""
    no_answer = [Status.NOT_FINITE, Status.FAILED, Status.TOO_LARGE]
    faults = [
        status_of(name, fault)
        for name in PROPERTIES
        for fault in (Fault.NOT_FINITE, Fault.IMPOSSIBLE)
    ]
    return np.isin(status, [*no_answer, *faults])


def counts_of(status: np.ndarray) -> dict[str, int]:
    """How many labels have each status, by its meaning; of faults of properties those there are."""
    codes, numbers = np.unique(status, return_counts=True)
    counts = dict(zip(codes.tolist(), numbers.tolist(), strict=True))
    return {
        meaning: counts.get(code, 0)
        for code, meaning in meanings().items()
        if code in STATUS or code in counts
    }
