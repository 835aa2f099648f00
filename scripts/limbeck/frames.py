"""Frames: many structures as ragged arrays, atoms of all frames end to end."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from ase import Atoms

log = logging.getLogger(__name__)

ID_LENGTH = 32
GROUP_LENGTH = 64
#: Names of the total charge in an info line, and of the multiplicity 2S+1; the second ones are
#: those of MACE's files. ``spin`` is not among them, since programs mean either by it.
CHARGE_KEYS = ("charge", "total_charge")
MULTIPLICITY_KEYS = ("multiplicity", "total_spin", "spin_multiplicity")
#: what charges and spins of frames can be
INT8 = (-128, 127)

FRAME_DTYPES: dict[str, Any] = {
    # Fixed widths and no Python objects: HDF5 can then put a checksum on every chunk, which it
    # refuses for strings of variable length. "S" alone takes the length of the longest entry.
    "n_atoms": np.int32,
    "cell": np.float64,
    "pbc": np.bool_,
    "charge": np.int8,
    "spin": np.int8,
    "id": f"S{ID_LENGTH}",
    "parent": f"S{ID_LENGTH}",
    "root": f"S{ID_LENGTH}",
    "group": f"S{GROUP_LENGTH}",
    "source": "S",
    "sampling": "S",
    "seed": np.int64,
    "info": "S",
}
ATOM_DTYPES: dict[str, Any] = {"numbers": np.uint8, "positions": np.float64}
#: of points around isolated frames; what a structure is does not depend on them
POINT_DTYPES: dict[str, Any] = {"n_points": np.int32, "points": np.float64}
#: shapes of what one frame, or one atom, has; a single value where it is not here
ROW_SHAPES: dict[str, tuple[int, ...]] = {
    "cell": (3, 3),
    "pbc": (3,),
    "positions": (3,),
    "points": (3,),
}


class Rows(NamedTuple):
    """Rows of some frames, or how many there are, in arrays by frame, by atom and by point.

    A property's row of the table says which of the three it has, see ``Property.per``.
    """

    frame: Any
    atom: Any
    point: Any


@dataclass(frozen=True)
class Frames:
    """B structures with N atoms in all.

    Attributes:
        n_atoms: int32 [B].
        cell: float64 [B,3,3], Angstrom, rows are lattice vectors, zeros where isolated.
        pbc: bool [B,3], all true or all false in a frame.
        charge: int8 [B], e.
        spin: int8 [B], number of unpaired electrons.
        id, parent, root: bytes [B], see :func:`frame_id`; ``parent`` is empty for a root.
        group: bytes [B], the chemistry; splits of a data set go by it.
        source, sampling: bytes [B], names in the config.
        seed: int64 [B], seed of the job that made the frame.
        info: bytes [B], JSON.
        numbers: uint8 [N].
        positions: float64 [N,3], Angstrom.
        extra, atom_extra: optional arrays of first dimension B and N, by name.
        n_points: int32 [B], points around each frame where a potential is asked for its
            electrostatic potential; zeros where not given. Only isolated frames have any.
        points: float64 [G,3], Angstrom, of all frames end to end. They turn and shift with their
            frame, and are no part of its id.
    """

    n_atoms: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    charge: np.ndarray
    spin: np.ndarray
    id: np.ndarray
    parent: np.ndarray
    root: np.ndarray
    group: np.ndarray
    source: np.ndarray
    sampling: np.ndarray
    seed: np.ndarray
    info: np.ndarray
    numbers: np.ndarray
    positions: np.ndarray
    extra: dict[str, np.ndarray] = field(default_factory=dict)
    atom_extra: dict[str, np.ndarray] = field(default_factory=dict)
    n_points: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))

    # Checked once here, so that no later step has to ask whether rows and frames agree.
    def __post_init__(self) -> None:
        if not np.size(self.n_points) and not np.size(self.points):  # not given
            object.__setattr__(self, "n_points", np.zeros(len(self.n_atoms), np.int32))
        for name, dtype in (FRAME_DTYPES | ATOM_DTYPES | POINT_DTYPES).items():
            # The class is frozen; this is how a frozen dataclass may set its own fields.
            object.__setattr__(self, name, _as(name, getattr(self, name), dtype))
        for name in ("n_atoms", "n_points"):
            if (getattr(self, name) < 0).any():
                lowest = getattr(self, name).min()
                raise LimbeckError(f"frames: {name} {lowest}, expected none below 0")
        frames, atoms = len(self.n_atoms), int(self.n_atoms.sum())
        lengths = dict.fromkeys(ATOM_DTYPES, atoms) | {"points": int(self.n_points.sum())}
        for name in [*FRAME_DTYPES, *ATOM_DTYPES, *POINT_DTYPES]:
            shape = getattr(self, name).shape
            expected = (lengths.get(name, frames), *ROW_SHAPES.get(name, ()))
            if shape[:1] != expected[:1]:
                raise LimbeckError(
                    f"frames: {name} has {(*shape, 'no')[0]} rows, expected {expected[0]}"
                )
            if shape != expected:
                raise LimbeckError(f"frames: {name} has shape {shape}, expected {expected}")
        for rows, table in ((frames, self.extra), (atoms, self.atom_extra)):
            for name, values in table.items():
                if values.shape[:1] != (rows,):
                    raise LimbeckError(
                        f"frames: {name} has shape {values.shape}, expected {rows} rows"
                    )

        wrong = np.flatnonzero((self.n_points > 0) & self.pbc.any(axis=1))
        if len(wrong):
            raise LimbeckError(
                f"frames: frame {wrong[0]} is periodic and has points around it, which only "
                "isolated frames can have"
            )

    def __len__(self) -> int:
        return len(self.n_atoms)

    @property
    def offsets(self) -> np.ndarray:
        """int64 [B+1]: atoms of frame b are ``offsets[b]:offsets[b + 1]``."""
        return offsets_of(self.n_atoms)

    @property
    def frame_of_atom(self) -> np.ndarray:
        """int64 [N]: the frame each atom belongs to."""
        return np.repeat(np.arange(len(self)), self.n_atoms)

    @property
    def periodic(self) -> np.ndarray:
        """bool [B]: periodic in three directions, or isolated."""
        return np.asarray(self.pbc.all(axis=1))

    @property
    def point_offsets(self) -> np.ndarray:
        """int64 [B+1]: points of frame b are ``point_offsets[b]:point_offsets[b + 1]``."""
        return offsets_of(self.n_points)

    @property
    def frame_of_point(self) -> np.ndarray:
        """int64 [G]: the frame each point belongs to."""
        return np.repeat(np.arange(len(self)), self.n_points)

    def frame_of(self, per: Literal["atom", "point"]) -> np.ndarray:
        """int64 [N] or [G]: the frame each atom or point belongs to."""
        return self.frame_of_atom if per == "atom" else self.frame_of_point

    @property
    def counts(self) -> Rows:
        """How many frames, atoms and points there are."""
        return Rows(len(self), len(self.numbers), len(self.points))

    def rows(self, index: np.ndarray) -> Rows:
        """Rows of the frames at ``index`` (integers), in that order."""
        points = atom_rows(self.point_offsets, index)
        return Rows(index, atom_rows(self.offsets, index), points)

    def rows_of_one(self, frame: int) -> Rows:
        """Rows of one frame, each as a slice."""
        return Rows(slice(frame, frame + 1), self.atoms_of(frame), self.points_of(frame))

    def with_points(self, n_points: np.ndarray, points: np.ndarray) -> "Frames":
        """The same frames with other points around them; see the class for both."""
        return replace(self, n_points=n_points, points=points)

    def points_of(self, frame: int) -> slice:
        """Rows of the arrays by point that belong to one frame."""
        offsets = self.point_offsets
        return slice(int(offsets[frame]), int(offsets[frame + 1]))

    def atoms_of(self, frame: int) -> slice:
        """Rows of the per-atom arrays that belong to one frame."""
        offsets = self.offsets
        return slice(int(offsets[frame]), int(offsets[frame + 1]))

    def info_of(self, frame: int) -> dict[str, Any]:
        """The frame's info, parsed."""
        return json.loads(self.info[frame] or b"{}")

    @property
    def names(self) -> list[str]:
        """What the user's files or the sources call the structures; empty where they do not."""
        return [str(self.info_of(b).get("name", "")) for b in range(len(self))]

    def select(self, index: Sequence[int] | np.ndarray) -> "Frames":
        """Frames at ``index`` (integers or a mask), in that order."""
        index = _as_integers(index, len(self))
        rows = self.rows(index)
        values: dict[str, Any] = {name: getattr(self, name)[index] for name in FRAME_DTYPES}
        values |= {name: getattr(self, name)[rows.atom] for name in ATOM_DTYPES}
        values["extra"] = {k: v[index] for k, v in self.extra.items()}
        values["atom_extra"] = {k: v[rows.atom] for k, v in self.atom_extra.items()}
        values |= {"n_points": self.n_points[index], "points": self.points[rows.point]}
        return Frames(**values)

    def to_atoms(self) -> list["Atoms"]:
        """ASE structures, with ``id``, ``root``, ``group`` and the electrons in their ``info``."""
        from ase import Atoms

        offsets = self.offsets
        structures = []
        for b in range(len(self)):
            rows = slice(offsets[b], offsets[b + 1])
            atoms = Atoms(
                numbers=self.numbers[rows],
                positions=self.positions[rows],
                cell=self.cell[b],
                pbc=self.pbc[b],
            )
            atoms.info = {
                "id": self.id[b].decode(),
                "root": self.root[b].decode(),
                "group": self.group[b].decode(),
                "source": self.source[b].decode(),
                "sampling": self.sampling[b].decode(),
                "charge": int(self.charge[b]),
            }
            spin = int(self.spin[b])
            electrons = int(self.numbers[rows].sum(dtype=np.int64)) - int(self.charge[b])
            # Not as ``spin``, which other programs write as 2S+1. Zero is what nobody may have said
            # of a cell, and cannot be of an odd number of electrons, as in clusters of metals.
            if (electrons - spin) % 2 == 0 and (spin or not self.pbc[b].any()):
                atoms.info |= {"unpaired_electrons": spin, "multiplicity": spin + 1}
            structures.append(atoms)
        return structures


def _as(name: str, values: Any, dtype: Any) -> np.ndarray:
    """An array of a dtype; numpy would let an atomic number of 300 become 44.

    Raises:
        LimbeckError: a whole number does not fit.
    """
    values = np.asarray(values)
    try:
        found = values.astype(dtype, copy=False)
    except (OverflowError, TypeError, ValueError) as error:
        raise LimbeckError(f"frames: {name}: {error}, expected {np.dtype(dtype)}") from error
    if found is not values and found.dtype.kind in "iu" and not np.array_equal(found, values):
        wrong = values[found != values].flat[0]
        limits = np.iinfo(found.dtype)
        raise LimbeckError(f"frames: {name} {wrong}, expected {limits.min} to {limits.max}")
    return found


def _as_integers(index: Sequence[int] | np.ndarray, length: int) -> np.ndarray:
    index = np.asarray(index)
    if index.dtype == bool:
        if len(index) != length:
            raise LimbeckError(f"frames: mask has {len(index)} entries, expected {length}")
        return np.flatnonzero(index)
    return index.astype(np.int64)


def offsets_of(counts: np.ndarray) -> np.ndarray:
    """Where each frame's rows begin, and the last one's end, from how many each has. int64 [B+1]"""
    # int64: the sum of int32 counts of many frames may not fit into 32 bits.
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def atom_rows(offsets: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Rows of the arrays by atom (or by point, with the offsets of these) of the frames at
    ``index``, in that order. int64 [N']."""
    counts = np.diff(offsets)[index]
    # Row = start of its frame + place within the frame, for all atoms in one array operation.
    starts = np.repeat(offsets[:-1][index], counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return (starts + within).astype(np.int64)


def frame_id(
    numbers: np.ndarray,
    positions: np.ndarray,
    cell: np.ndarray,
    pbc: np.ndarray,
    charge: int = 0,
    spin: int = 0,
) -> bytes:
    """Content address of a structure: 32 hex digits of a SHA-256 over its exact bits."""
    digest = hashlib.sha256()
    # Byte order and dtype are fixed, so that an id is the same on every machine.
    digest.update(np.ascontiguousarray(numbers, dtype=np.uint8).tobytes())
    digest.update((np.ascontiguousarray(positions, dtype="<f8") + 0.0).tobytes())  # -0 is 0
    digest.update((np.ascontiguousarray(cell, dtype="<f8") + 0.0).tobytes())
    digest.update(np.ascontiguousarray(pbc, dtype=np.bool_).tobytes())
    digest.update(np.array([charge, spin], dtype=np.int8).tobytes())
    return digest.hexdigest()[:ID_LENGTH].encode()


def frame_ids(frames: Frames) -> np.ndarray:
    """:func:`frame_id` of every frame, from their atoms. bytes [B].

    A hash of each frame's bytes, which are laid out for all frames at once: two microseconds a
    frame, most of them for the hash itself.
    """
    count, offsets = len(frames), frames.offsets.tolist()
    numbers = frames.numbers.tobytes()
    positions = (frames.positions.astype("<f8") + 0.0).tobytes()  # -0 is 0
    # what follows the atoms in frame_id: cell, periodicity, charge and spin
    cells = (frames.cell.astype("<f8") + 0.0).reshape(count, 9).view(np.uint8)
    small = [frames.pbc.view(np.uint8), frames.charge.view(np.uint8)[:, None]]
    last = np.concatenate([cells, *small, frames.spin.view(np.uint8)[:, None]], axis=1)
    size, rest = last.shape[1], last.tobytes()
    digests = b"".join(
        hashlib.sha256(
            numbers[start:end] + positions[24 * start : 24 * end] + rest[size * b : size * (b + 1)]
        ).digest()[: ID_LENGTH // 2]
        for b, (start, end) in enumerate(pairwise(offsets))
    )
    return np.frombuffer(digests.hex().encode(), dtype=f"S{ID_LENGTH}")


def group_name(name: str) -> bytes:
    """A group as it is stored: the name, or its hash where it is longer than 64 bytes."""
    encoded = name.encode()
    return encoded if len(encoded) <= GROUP_LENGTH else hashlib.sha256(encoded).hexdigest().encode()


def from_atoms(
    structures: Sequence["Atoms"],
    *,
    groups: Sequence[str],
    source: str,
    sampling: str = "generated",
    seed: int = 0,
    infos: Sequence[dict[str, Any]] | None = None,
    charges: Sequence[int] | None = None,
    spins: Sequence[int] | None = None,
) -> Frames:
    """Root frames from ASE structures.

    Args:
        structures: B structures, each isolated or periodic in three directions.
        groups: B names of the chemistry.
        infos: B dictionaries that JSON can hold.
        charges, spins: B integers; zero where not given.

    Raises:
        LimbeckError: a structure is periodic in one or two directions, or an atomic number,
            charge or spin does not fit into a byte.
    """
    infos = infos if infos is not None else [{} for _ in structures]
    charges = charges if charges is not None else [0] * len(structures)
    spins = spins if spins is not None else [0] * len(structures)
    ids, cells = [], []
    for b, atoms in enumerate(structures):
        pbc = np.asarray(atoms.pbc)
        if pbc.any() and not pbc.all():
            raise LimbeckError(
                f"structure {b} of {source}: periodic in {pbc.tolist()}, expected all or none "
                "(give a slab a periodic cell with vacuum)"
            )
        # ASE may keep a cell that is not periodic. It means nothing, and must not enter the id.
        cell = np.asarray(atoms.cell) if pbc.all() else np.zeros((3, 3))
        cells.append(cell)
        _check_small(charges[b], spins[b], f"structure {b} of {source}")
        ids.append(frame_id(atoms.numbers, atoms.positions, cell, pbc, charges[b], spins[b]))
    count = len(structures)
    return Frames(
        n_atoms=np.array([len(a) for a in structures], dtype=np.int32),
        cell=np.array(cells).reshape(count, 3, 3),
        pbc=np.array([np.asarray(a.pbc) for a in structures]).reshape(count, 3),
        charge=np.array(charges),
        spin=np.array(spins),
        id=np.array(ids, dtype=f"S{ID_LENGTH}"),
        parent=np.array([b""] * count, dtype=f"S{ID_LENGTH}"),
        # A structure that a source made is the root of its own family.
        root=np.array(ids, dtype=f"S{ID_LENGTH}"),
        group=np.array([group_name(g) for g in groups], dtype=f"S{GROUP_LENGTH}"),
        source=np.array([source.encode()] * count, dtype="S"),
        sampling=np.array([sampling.encode()] * count, dtype="S"),
        seed=np.full(count, seed),
        info=np.array([_json(i) for i in infos], dtype="S"),
        numbers=_stack([a.numbers for a in structures], (0,)),
        positions=_stack([a.positions for a in structures], (0, 3)),
    )


def _check_small(charge: int, spin: int, where: str) -> None:
    for name, value in (("charge", charge), ("spin", spin)):
        if not INT8[0] <= value <= INT8[1]:
            raise LimbeckError(f"{where}: {name} {value}, expected {INT8[0]} to {INT8[1]}")


def charge_and_spin(
    info: Mapping[str, Any], spin_is: str = "unpaired_electrons"
) -> tuple[int, int | None]:
    """What an info line says of the electrons: charge, e, and how many of them are unpaired.

    The charge stands under one of :data:`CHARGE_KEYS` and is zero where there is none. The spin
    stands under ``unpaired_electrons``, under one of :data:`MULTIPLICITY_KEYS`, or under ``spin``.

    Args:
        spin_is: what ``spin`` means: "unpaired_electrons", or "multiplicity", which is one more.

    Returns:
        The charge, and the number of unpaired electrons, None where nothing says it.

    Raises:
        LimbeckError: a value is no small integer, a multiplicity is below 1, or two disagree.
    """
    multiplicities = dict.fromkeys(MULTIPLICITY_KEYS, 1)
    own = {"unpaired_electrons": 0, "spin": int(spin_is == "multiplicity")}
    spin = _stated(info, own | multiplicities)
    if spin is not None and spin < 0:
        raise LimbeckError(f"{spin} unpaired electrons, expected at least 0 (a multiplicity of 1)")
    return _stated(info, dict.fromkeys(CHARGE_KEYS, 0)) or 0, spin


def _stated(info: Mapping[str, Any], names: Mapping[str, int]) -> int | None:
    """What stands under any of these names, less what each is to be lessened by."""
    given = {name: info[name] for name in names if info.get(name) is not None}
    values = {_small_integer(name, value) - names[name] for name, value in given.items()}
    if len(values) > 1:
        shown = ", ".join(f"{name} {value}" for name, value in given.items())
        raise LimbeckError(f"they contradict each other: {shown}")
    return next(iter(values), None)


def _small_integer(name: str, value: Any) -> int:
    try:
        # Charges may stand as 1.0 in a file, or as text; True is none, and a half electron may not
        # be cut to zero.
        number = float(str(value))
        if number.is_integer() and INT8[0] <= number <= INT8[1]:
            return int(number)
    except ValueError:
        pass
    limits = f"{INT8[0]} to {INT8[1]}"
    raise LimbeckError(f"{name} is not a small integer: {value!s:.80}, expected {limits}")


def spin_of(numbers: np.ndarray, charge: int, spin: int | None, *, periodic: bool) -> int:
    """Number of unpaired electrons of a structure, checked against how many electrons it has.

    Both are odd or both are even. Where nothing is said of the spin it is 0, or 1 for an isolated
    structure with an odd number of electrons. A periodic cell of a metal may have an odd number and
    none unpaired, so that 0 is right of any cell.

    Args:
        numbers: int [n], atomic numbers.
        spin: as it is given, None where it is not.

    Raises:
        LimbeckError: there are fewer electrons than that, or of the other parity.
    """
    electrons = int(np.sum(numbers, dtype=np.int64)) - charge
    if electrons < 0:
        raise LimbeckError(f"charge {charge} is more than there are electrons")
    if spin is None:
        return 0 if periodic else electrons % 2
    if spin > electrons or ((electrons - spin) % 2 and (spin or not periodic)):
        raise LimbeckError(
            f"spin is the number of unpaired electrons; {spin} does not fit {electrons} electrons"
        )
    return spin


def derive(
    parents: Frames,
    positions: np.ndarray,
    cell: np.ndarray,
    *,
    sampling: str,
    seed: int,
    infos: Sequence[dict[str, Any]] | None = None,
) -> Frames:
    """Children of ``parents``: the same atoms at other positions, with their ancestry.

    Args:
        parents: B frames; repeat them with ``select`` to have several children of one.
        positions: float64 [N,3], Angstrom.
        cell: float64 [B,3,3], Angstrom.
        infos: B dictionaries; their entries replace those of the parent's info.
    """
    offsets = parents.offsets
    ids, merged = [], []
    for b in range(len(parents)):
        rows = slice(offsets[b], offsets[b + 1])
        ids.append(
            frame_id(
                parents.numbers[rows],
                positions[rows],
                cell[b],
                parents.pbc[b],
                int(parents.charge[b]),
                int(parents.spin[b]),
            )
        )
        merged.append(_json(parents.info_of(b) | (dict(infos[b]) if infos else {})))
    count = len(parents)
    return replace(
        parents,
        positions=np.asarray(positions),
        cell=np.asarray(cell),
        id=np.array(ids, dtype=f"S{ID_LENGTH}"),
        parent=parents.id,
        sampling=np.array([sampling.encode()] * count, dtype="S"),
        seed=np.full(count, seed),
        info=np.array(merged, dtype="S"),
        # Energies, descriptors and the like are the parent's; they do not hold at other positions.
        # Points around it may lie within an atom here.
        extra={},
        atom_extra={},
        n_points=np.zeros(count, np.int32),
        points=np.zeros((0, 3)),
    )


def concatenate(parts: Sequence[Frames]) -> Frames:
    """All frames of ``parts``, in order.

    An optional array is kept if every part has it, in the same shape. So a sampling with energies
    and one without can be put together. The arrays that are left out are logged.
    """
    parts = list(parts)
    if not parts:
        return empty()
    values: dict[str, Any] = {}
    for f in fields(Frames):
        if f.name in ("extra", "atom_extra"):
            # A part without frames has no arrays to offer, and must not take them from the others.
            values[f.name] = _common([getattr(p, f.name) for p in parts if len(p)])
        else:
            values[f.name] = np.concatenate([getattr(p, f.name) for p in parts])
    return Frames(**values)


def _common(tables: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays that all tables have with the same shape beyond the first axis, end to end."""
    found, dropped = {}, []
    for name in sorted(set().union(*tables)):
        rows = [t[name] for t in tables if name in t]
        if len(rows) == len(tables) and len({r.shape[1:] for r in rows}) == 1:
            found[name] = np.concatenate(rows)
        else:
            dropped.append(name)
    if dropped:
        log.info("left out, since not all frames have them alike: %s", ", ".join(dropped))
    return found


def empty() -> Frames:
    """No frames: what a shard that kept nothing holds."""
    return from_atoms([], groups=[], source="")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _stack(parts: Sequence[np.ndarray], empty_shape: tuple[int, ...]) -> np.ndarray:
    return np.concatenate(parts) if len(parts) else np.zeros(empty_shape)
