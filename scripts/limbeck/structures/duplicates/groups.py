"""Which structures of a source are the same as an earlier one: of it, or of another source.

Only the keys of what stays are written, so that those that come later need not look at structures
that are like none of theirs.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from limbeck.check.progress import each
from limbeck.config.sections.screen import Screen
from limbeck.frames import Frames
from limbeck.structures.duplicates.key import composition, key
from limbeck.structures.duplicates.match import One, same
from limbeck.structures.screening import name_of, passing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keys:
    """What is known of B structures without looking at their atoms.

    Attributes:
        id: bytes [B].
        frame: bytes [B], ``source/number``.
        file: bytes [B], ``source/shard``, where it stands.
        composition: bytes [B], see :func:`~.key.composition`.
        size: int32 [B], length of each key.
        values: float32, the keys end to end; Angstrom.
    """

    id: np.ndarray
    frame: np.ndarray
    file: np.ndarray
    composition: np.ndarray
    size: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.id)

    def select(self, index: np.ndarray) -> "Keys":
        """The structures at ``index``, in that order."""
        ends = np.cumsum(self.size)
        parts = [self.values[ends[i] - self.size[i] : ends[i]] for i in index]
        names = ("id", "frame", "file", "composition", "size")
        kept = {name: getattr(self, name)[index] for name in names}
        return Keys(**kept, values=np.concatenate([*parts, np.zeros(0, np.float32)]))

    def rows(self) -> list[np.ndarray]:
        """The key of each structure."""
        return np.split(self.values, np.cumsum(self.size))[:-1]


def joined(parts: Sequence[Keys]) -> Keys:
    """All of them, in order."""
    names = Keys.__dataclass_fields__
    return Keys(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


@dataclass(frozen=True)
class Dropped:
    """A structure that is the same as another.

    Attributes:
        frame, id: of it.
        difference_A: the largest between both keys, see :func:`~.key.key`.
        kept_frame, kept_id: of the one that stays.
    """

    frame: str
    id: str
    difference_A: float
    kept_frame: str
    kept_id: str


def file_of(path: Path) -> bytes:
    """What tells a file of structures from those of other sources and shards."""
    return f"{path.parent.name}/{path.stem}".encode()


def keys_of(parts: Iterable[tuple[Path, Frames]]) -> Keys:
    """Keys of the structures of a source, in the order of their numbers.

    Args:
        parts: each file with its frames.
    """
    columns: dict[str, list[bytes]] = {n: [] for n in ("id", "frame", "file", "composition")}
    numbers, found = [], []
    for path, frames in parts:
        file = file_of(path)
        for b in each(range(len(frames)), f"keys of {file.decode()}", "structures"):
            columns["id"].append(frames.id[b])
            columns["frame"].append(name_of(frames, b).encode())
            columns["file"].append(file)
            columns["composition"].append(composition(frames, b))
            numbers.append(int(frames.info_of(b).get("number", b)))
            found.append(key(frames, b))
    keys = Keys(
        **{name: np.array(values, dtype="S") for name, values in columns.items()},
        size=np.array([len(k) for k in found], dtype=np.int32),
        values=np.concatenate([*found, np.zeros(0, np.float32)]).astype(np.float32),
    )
    return keys.select(np.argsort(numbers, kind="stable"))


class Alike:
    """Structures whose keys are near each other's.

    Args:
        keys: of all structures, earlier ones first.
        limit_A: the length within which two are the same. Keys differ by up to twice as much.
    """

    def __init__(self, keys: Keys, limit_A: float) -> None:
        self._radius = 2 * limit_A
        self._place: dict[int, tuple[cKDTree, np.ndarray]] = {}
        rows = keys.rows()
        groups: dict[bytes, list[int]] = defaultdict(list)
        for n in np.flatnonzero(keys.size).tolist():
            groups[keys.composition[n]].append(n)
        for members in (np.array(group) for group in groups.values() if len(group) > 1):
            points = np.array([rows[n] for n in members])
            tree = cKDTree(points)
            near = tree.query_ball_point(points, self._radius, p=np.inf, return_length=True)
            self._place |= {int(n): (tree, members) for n in members[near > 1]}
        self._rows = rows

    @property
    def members(self) -> list[int]:
        """All that have a key near theirs."""
        return list(self._place)

    def before(self, n: int) -> list[int]:
        """Structures before this one whose keys are near its, in order."""
        if n not in self._place:
            return []
        tree, members = self._place[n]
        found = members[tree.query_ball_point(self._rows[n], self._radius, p=np.inf)]
        return sorted(found[found < n].tolist())

    def difference(self, m: int, n: int) -> float:
        """The largest between two keys; Angstrom."""
        return float(np.abs(self._rows[m] - self._rows[n]).max())


def find(
    own: Keys,
    earlier: Keys,
    structures: Callable[[Keys], dict[bytes, One]],
    limit_A: float,
    *,
    siblings: str = "all",
) -> list[Dropped]:
    """The structures of a source that are the same as one that stays.

    Each is compared with those that stay, and with no others: of a chain of which each is within
    the limit of the next, such as slow steps of a trajectory, those stay that are farther than
    the limit from all before them that do.

    Args:
        own: of the source, in order; earlier: of what stays of those before, its own among them.
        structures: the atoms of what has these keys, by id; what later steps would refuse is left
            out, and is the same as nothing.
        siblings: which structures of the source are compared with each other: "all"; those
            "not_displaced" from one another, since two with the same atoms in the same order and
            the same cell may be steps of one trajectory or displacements of one crystal; "none".
    """
    keys = joined([earlier, own])
    alike = Alike(keys, limit_A)
    there = structures(keys.select(np.array(sorted(alike.members), dtype=np.int64)))
    first, gone = len(earlier), set[int]()
    sources = [frame.rpartition(b"/")[0] for frame in keys.frame.tolist()]
    dropped: list[Dropped] = []
    for n in each(range(first, len(keys)), "comparison", "structures"):
        for m in alike.before(n):
            one, other = there.get(keys.id[n]), there.get(keys.id[m])
            if one is None or other is None or m in gone:
                continue
            if sources[m] == sources[n] and _related(one, other, siblings):
                continue
            if same(other, one, limit_A):
                gone.add(n)
                one.forget()  # nothing is compared with it any more
                frame, own_id = keys.frame[n].decode(), keys.id[n].decode()
                stays = keys.frame[m].decode(), keys.id[m].decode()
                dropped.append(Dropped(frame, own_id, alike.difference(m, n), *stays))
                break
    return dropped


def _related(one: One, other: One, siblings: str) -> bool:
    """Whether two structures of one source are left as they are."""
    return siblings == "none" or (siblings == "not_displaced" and one.displaced_from(other))


def read(keys: Keys, parts: Iterable[tuple[Path, Frames]], limits: Screen) -> dict[bytes, One]:
    """The atoms of what has these keys, by id; without those that screening refuses."""
    wanted = defaultdict(set)
    for file, frame_id in zip(keys.file.tolist(), keys.id.tolist(), strict=True):
        wanted[file].add(frame_id)
    found = {}
    for path, frames in parts:
        own = frames.select(np.array([i in wanted[file_of(path)] for i in frames.id.tolist()]))
        for b in np.flatnonzero(passing(own, limits)).tolist():
            rows = own.atoms_of(b)
            found[own.id[b]] = One(own.numbers[rows], own.positions[rows], own.cell[b])
    return found
