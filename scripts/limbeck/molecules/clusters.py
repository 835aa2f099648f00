"""Clusters: molecules of a frame as an isolated frame that knows where it comes from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limbeck.frames import FRAME_DTYPES, Frames, atom_rows, frame_id
from limbeck.molecules.shells import Shell, extremes
from limbeck.molecules.tracking import Trajectory

#: decimals of distances and centres in a frame's info, Angstrom
DECIMALS = 6


@dataclass(frozen=True)
class Cluster:
    """Molecules of one frame of a trajectory.

    Attributes:
        frame: which.
        shell: the molecules, in their order.
        about: entries of its info, beside those that :func:`as_frames` adds.
    """

    frame: int
    shell: Shell
    about: dict[str, Any]


@dataclass(frozen=True)
class _Members:
    """The P molecules of all clusters, end to end.

    Attributes:
        cluster, frame, molecule: int64 [P].
        moved: float64 [P,3], Angstrom, what is added to the positions of the whole molecule.
        starts: int64, where each cluster begins.
        smallest, largest: float64 [P], Angstrom, interatomic, to the cluster's first molecule.
    """

    cluster: np.ndarray
    frame: np.ndarray
    molecule: np.ndarray
    moved: np.ndarray
    starts: np.ndarray
    smallest: np.ndarray
    largest: np.ndarray

    @classmethod
    def of(cls, trajectory: Trajectory, clusters: Sequence[Cluster]) -> "_Members":
        counts = np.array([len(c.shell.molecule) for c in clusters])
        cluster = np.repeat(np.arange(len(clusters)), counts)
        frame = np.array([c.frame for c in clusters])[cluster]
        molecule = np.concatenate([c.shell.molecule for c in clusters])
        shift = np.concatenate([c.shell.shift for c in clusters])
        starts = np.cumsum(counts) - counts
        first = starts[cluster]
        smallest, largest = extremes(
            trajectory, frame, (molecule[first], shift[first]), (molecule, shift)
        )
        itself = np.arange(len(cluster)) == first
        moved = np.einsum("pi,pij->pj", shift, trajectory.cell[frame])
        distances = (np.where(itself, 0.0, d) for d in (smallest, largest))
        return cls(cluster, frame, molecule, moved, starts, *distances)


def as_frames(
    trajectory: Trajectory,
    clusters: Sequence[Cluster],
    *,
    subsystem: str,
    seed: int,
    charges: Mapping[str, int],
) -> Frames:
    """Clusters as isolated frames, with atoms where they are in the crystal.

    The parent, and ``frame`` in the info, is the frame that a cluster was cut from. Root, group and
    source are those of that frame. ``/atoms/extra/molecule`` numbers the molecules from 0.
    The info has, by molecule, ``molecules`` (their numbers in the frame), ``formulas``,
    ``centres_of_mass_A``, ``min_distances_A`` and ``max_distances_A`` (interatomic, to the
    cluster's first molecule; 0 for itself), and ``charges`` (e) where they are given. Spin is the
    smallest that the number of electrons allows.

    Args:
        clusters: at least one.
        subsystem: what they are called in the config.
        charges: formula of a molecule -> its charge, e; of those that are not named it is 0.
    """
    parts = _Members.of(trajectory, clusters)
    graph, parents = trajectory.graph, trajectory.frames
    # Atoms sorted by molecule, so that molecules can be taken as frames are: by offsets.
    order, offsets = np.concatenate(graph.members), np.cumsum([0, *map(len, graph.members)])
    sizes = np.diff(offsets)[parts.molecule]
    atoms = order[atom_rows(offsets, parts.molecule)]
    part_of_atom = np.repeat(np.arange(len(sizes)), sizes)
    positions = trajectory.positions[parts.frame[part_of_atom], atoms] + parts.moved[part_of_atom]
    numbers = graph.numbers[atoms]
    n_atoms = np.add.reduceat(sizes, parts.starts)
    charge = np.add.reduceat(charges_of(trajectory, charges)[parts.molecule], parts.starts)
    # sum of the atomic numbers, less the charge
    electrons = np.add.reduceat(numbers, np.cumsum(n_atoms) - n_atoms) - charge
    frame = np.array([c.frame for c in clusters])
    own: dict[str, Any] = {
        "n_atoms": n_atoms,
        "cell": np.zeros((len(clusters), 3, 3)),
        "pbc": np.zeros((len(clusters), 3), dtype=bool),
        "charge": charge,
        # no unpaired electron, or one where their number is odd
        "spin": electrons % 2,
        "id": _ids(numbers, positions, n_atoms, charge, electrons % 2),
        "parent": parents.id[frame],
        "sampling": np.full(len(clusters), subsystem.encode()),
        "seed": np.full(len(clusters), seed),
        "info": _infos(trajectory, clusters, parts, charges),
    }
    inherited = {name: getattr(parents, name)[frame] for name in FRAME_DTYPES if name not in own}
    within = (np.arange(len(sizes)) - parts.starts[parts.cluster])[part_of_atom]
    molecule = {"molecule": within.astype(np.int32)}
    return Frames(**own, **inherited, numbers=numbers, positions=positions, atom_extra=molecule)


def charges_of(trajectory: Trajectory, charges: Mapping[str, int]) -> np.ndarray:
    """Charge of each molecule by its formula, 0 where that is not named. int64 [M], e."""
    formulas = trajectory.graph.formulas
    return np.array([charges.get(formula, 0) for formula in formulas], dtype=np.int64)


def _ids(
    numbers: np.ndarray,
    positions: np.ndarray,
    n_atoms: np.ndarray,
    charge: np.ndarray,
    spin: np.ndarray,
) -> list[bytes]:
    cell, pbc = np.zeros((3, 3)), np.zeros(3, dtype=bool)
    ends = np.cumsum(n_atoms).tolist()
    return [
        frame_id(numbers[end - n : end], positions[end - n : end], cell, pbc, q, s)
        for end, n, q, s in zip(ends, n_atoms.tolist(), charge.tolist(), spin.tolist(), strict=True)
    ]


def _infos(
    trajectory: Trajectory,
    clusters: Sequence[Cluster],
    parts: _Members,
    charges: Mapping[str, int],
) -> list[bytes]:
    graph, parents = trajectory.graph, trajectory.frames
    inherited = [parents.info_of(f) for f in range(len(parents))]
    centre = trajectory.centres[parts.frame, parts.molecule] + parts.moved
    columns: dict[str, list[Any]] = {
        "molecules": parts.molecule.tolist(),
        "formulas": [graph.formulas[m] for m in parts.molecule],
        "centres_of_mass_A": centre.round(DECIMALS).tolist(),
        "min_distances_A": parts.smallest.round(DECIMALS).tolist(),
        "max_distances_A": parts.largest.round(DECIMALS).tolist(),
    }
    if charges:
        columns["charges"] = charges_of(trajectory, charges)[parts.molecule].tolist()
    ends = [*parts.starts[1:].tolist(), len(parts.cluster)]
    infos = []
    for cluster, start, end in zip(clusters, parts.starts.tolist(), ends, strict=True):
        lists = {name: column[start:end] for name, column in columns.items()}
        frame = {"frame": parents.id[cluster.frame].decode()}
        info = inherited[cluster.frame] | cluster.about | frame | lists
        infos.append(json.dumps(info, sort_keys=True).encode())
    return infos
