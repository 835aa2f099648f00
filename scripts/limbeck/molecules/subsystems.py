"""Finite subsystems: clusters of molecules cut out of frames, and fragments of these clusters."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from limbeck.check.progress import each
from limbeck.config.jobs import ExtractSubsystems
from limbeck.config.sections.subsystems import ByDistance, Subsystem
from limbeck.frames import Frames, concatenate, empty
from limbeck.molecules.clusters import Cluster, as_frames, charges_of
from limbeck.molecules.shells import Shell, followed, shells, within
from limbeck.molecules.tracking import Tracked, Trajectory, track, trajectories

log = logging.getLogger(__name__)

CLUSTER_COLUMNS = (
    "frame",
    "parent",
    "n_molecules",
    "distance_A",
    "n_atoms",
    "id",
    "composition",
    "min_distance_A",
    "max_distance_A",
    "reason",
)
FRAGMENT_COLUMNS = ("cluster", "n_molecules", "order", "fragment")
#: reasons that the log lists; the summary has all
_SHOWN = 5
#: by frame, and in it by limit: the molecules, or why there are none
Choices = list[list[Shell | str]]


@dataclass(frozen=True)
class Subsystems:
    """Clusters and fragments cut out of the frames of a shard.

    Attributes:
        frames: clusters and fragments, isolated, each once.
        rows: one of :data:`COLUMNS` for each frame and each number or distance asked for, with the
            cluster's id, or the reason why there is none.
        fragments: one of :data:`FRAGMENT_COLUMNS` for each fragment of each cluster, the cluster
            itself among them where the order is high enough.
    """

    frames: Frames
    rows: list[list[Any]]
    fragments: list[list[Any]]


def extract_subsystems(frames: Frames, job: ExtractSubsystems) -> Subsystems:
    """Clusters of molecules of every frame, by one of four rules (:mod:`limbeck.molecules.shells`).

    Frames of one parent are one trajectory: a frame in which other atoms are bonded than in most of
    them is set aside with that reason.
    """
    own, parts, rows, fragments = job.subsystem, [], [], []
    whole = trajectories(frames)
    for index in each(whole, "clusters", "frames", len(frames), amount=len):
        tracked = track(frames, index, factor=own.bond_factor)
        choices = _choose(tracked.trajectory, own) if tracked.trajectory else []
        cut = _cut(choices, own, job.sampling)
        made = _made(tracked.trajectory, cut.clusters, job)
        parts.append(made)
        rows += _rows(frames, tracked, choices, cut, made, own)
        fragments += _fragment_rows(cut, made)
    _warn(rows)
    return Subsystems(concatenate(parts), rows, fragments)


def _made(trajectory: Trajectory | None, clusters: list[Cluster], job: ExtractSubsystems) -> Frames:
    if trajectory is None or not clusters:
        return empty()
    own = job.subsystem
    return as_frames(trajectory, clusters, subsystem=own.name, seed=job.seed, charges=own.charges)


def _choose(trajectory: Trajectory, own: Subsystem) -> Choices:
    """The molecules of every cluster asked for, or why it cannot be built."""
    rule, limits = own.rule, own.limits
    if own.detect_molecules_in == "first":
        (first,) = shells(trajectory.part(slice(0, 1)), rule, limits[-1])
        found = followed(trajectory, first)
    else:
        found = shells(trajectory, rule, limits[-1])
    count = len(trajectory.graph)
    choices: Choices = [[within(s, rule, limit, count) for limit in limits] for s in found]
    for f, reason in enumerate(_unknown_charges(trajectory, own.charges)):
        if reason:
            choices[f] = [reason] * len(limits)
    if own.assert_identical_composition:
        _set_other_compositions_aside(trajectory, choices)
    return choices


def _unknown_charges(trajectory: Trajectory, charges: Mapping[str, int]) -> list[str]:
    """By frame: why the charges of its molecules are not known; empty where they are."""
    total = int(charges_of(trajectory, charges).sum())
    return [
        "" if q == total else f"charges of its molecules add up to {total}, expected its own, {q}"
        for q in trajectory.frames.charge.tolist()
    ]


def _set_other_compositions_aside(trajectory: Trajectory, choices: Choices) -> None:
    """Put a reason in place of each cluster that is not made of what the first one is made of."""
    for limit in range(len(choices[0])):
        expected = ""
        for row in choices:
            shell = row[limit]
            if isinstance(shell, Shell):
                found = _composition([trajectory.graph.formulas[m] for m in shell.molecule])
                expected = expected or found
                if found != expected:
                    row[limit] = f"composition {found}, in the first frame {expected}"


def _composition(formulas: Sequence[str]) -> str:
    """Composition of a cluster in molecules, such as ``1 CH4N2O + 2 H2O``."""
    return " + ".join(f"{count} {formula}" for formula, count in sorted(Counter(formulas).items()))


@dataclass
class _Cut:
    """Clusters and fragments of one trajectory, each once.

    Attributes:
        clusters: as they will be frames.
        place: frame, molecules and their images -> place in ``clusters``.
        parts: (place of a cluster, places of its fragments).
    """

    clusters: list[Cluster] = field(default_factory=list)
    place: dict[tuple[Any, ...], int] = field(default_factory=dict)
    parts: list[tuple[int, list[int]]] = field(default_factory=list)

    def add(self, frame: int, shell: Shell, about: dict[str, Any]) -> int:
        """Place of a cluster, which is new or there already."""
        # The same molecules with the same images, in the same order, are the same structure.
        key = (frame, *shell.molecule.tolist(), *shell.shift.ravel().tolist())
        if key not in self.place:
            self.place[key] = len(self.clusters)
            self.clusters.append(Cluster(frame, shell, about))
        return self.place[key]


def _cut(choices: Choices, own: Subsystem, sampling: str) -> _Cut:
    """The clusters of all frames, then the fragments that are no such cluster."""
    cut, order = _Cut(), own.many_body_order or 0
    rule, origin = own.rule, {"cut_from": sampling}
    name = "distance_A" if isinstance(own, ByDistance) else "n_molecules"
    for f, row in enumerate(choices):
        for limit, shell in zip(own.limits, row, strict=True):
            if isinstance(shell, Shell):
                cut.add(f, shell, {**origin, "rule": rule, name: limit})
    # a copy of the list, since fragments are appended to it on the way
    for whole, cluster in enumerate(list(cut.clusters) if order else []):
        shell, places = cluster.shell, []
        for size in range(1, min(order, len(shell.molecule)) + 1):
            for rows in map(list, combinations(range(len(shell.molecule)), size)):
                part = Shell(shell.molecule[rows], shell.shift[rows], shell.value[rows])
                places.append(cut.add(cluster.frame, part, {**origin, "fragment_order": size}))
        cut.parts.append((whole, places))
    return cut


def _fragment_rows(cut: _Cut, made: Frames) -> list[list[Any]]:
    ids = [name.decode() for name in made.id.tolist()]
    sizes = [len(cluster.shell.molecule) for cluster in cut.clusters]
    return [
        [ids[whole], sizes[whole], sizes[part], ids[part]]
        for whole, places in cut.parts
        for part in places
    ]


def _rows(
    frames: Frames,
    tracked: Tracked,
    choices: Choices,
    cut: _Cut,
    made: Frames,
    own: Subsystem,
) -> list[list[Any]]:
    """The summary of one trajectory."""
    limits, found = own.limits, iter(enumerate(choices))
    by_distance = isinstance(own, ByDistance)
    rows = []
    for b, reason in zip(tracked.index.tolist(), tracked.reasons, strict=True):
        f, row = next(found) if not reason else (-1, [reason] * len(limits))
        start = [frames.id[b].decode(), frames.parent[b].decode()]
        for limit, shell in zip(limits, row, strict=True):
            if isinstance(shell, str):
                asked = ["", limit] if by_distance else [limit, ""]
                rows.append([*start, *asked, "", "", "", "", "", shell])
            else:
                size = [len(shell.molecule), limit if by_distance else ""]
                rows.append([*start, *size, *_described(made, cut.add(f, shell, {})), ""])
    return rows


def _described(made: Frames, place: int) -> list[Any]:
    """n_atoms, id, composition, and the smallest and largest distance to the first molecule."""
    info = made.info_of(place)
    return [
        int(made.n_atoms[place]),
        made.id[place].decode(),
        _composition(info["formulas"]),
        min(info["min_distances_A"][1:], default=""),
        max(info["max_distances_A"][1:], default=""),
    ]


def _warn(rows: list[list[Any]]) -> None:
    reasons = Counter(row[-1] for row in rows if row[-1])
    if reasons:
        log.warning("%d of %d clusters not built", reasons.total(), len(rows))
    for reason, count in reasons.most_common(_SHOWN):
        log.warning("%d times: %s", count, reason)
