"""Label sets of a user's own files: looked through as a whole, then read slice by slice."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms

from limbeck import seeds
from limbeck.config.jobs import CheckFileLabels, ReadLabels
from limbeck.config.sections.sources import StructureFile
from limbeck.config.written import LabelsOfFile
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.gate.checks import judge, judge_forces
from limbeck.labelling.esp_checks import Dipoles
from limbeck.labelling.file_checks import Check, Pairs
from limbeck.labelling.from_file import Found, keys_for, labels_of
from limbeck.labels import ISOLATED_ATOMS, Labels, unlabelled
from limbeck.properties import DIPOLE_ABOUT, property_of
from limbeck.reasons import Status
from limbeck.selection.fair import share
from limbeck.structures.reading import Frame
from limbeck.structures.shard import Refused
from limbeck.structures.sources.files import frames_of, id_of, in_angstrom, is_lone_atom

log = logging.getLogger(__name__)

#: place of a frame -> points around it and potentials there
Grids = dict[int, tuple[np.ndarray, np.ndarray]]
#: Angstrom: positions of a frame and of its file that differ by more are of another file
SAME_A = 1e-6


def survey(job: CheckFileLabels) -> dict[str, Any]:
    """Look through all frames that may have labels: under which keys, and do they fit together?

    Returns:
        As ``labels/{label_set}.file.json``, see docs/formats.md.

    Raises:
        LimbeckError: no frame has energies and forces, or the labels do not fit together and
            ``on_doubt`` is stop.
    """
    asked, found = job.label_set, Found()
    unreadable = 0
    for _, atoms in _frames(job):
        if atoms is None:
            unreadable += 1
        else:
            found.add(atoms)
    keys = keys_for(asked, found)
    log.info("%s: keys are %s", asked.name, ", ".join(f"{n}: {k}" for n, k in keys.items()))
    if found.differing and asked.energy_key is None:
        log.warning(
            "%d frames have energy and free_energy, up to %.3g eV/atom apart; %s is taken",
            *(found.differing, found.largest, keys["energy"]),
        )
    lacking: Counter[str] = Counter()
    wrong: list[str] = []
    lone: dict[str, float] = {}
    n_labelled, pairs, dipoles = 0, Pairs(found.n_frames), Dipoles()
    for frame, atoms in _frames(job):
        if atoms is None:
            continue
        try:
            labels = labels_of(atoms, asked, keys)
        except LimbeckError as error:
            wrong.append(f"{frame.where}: {error}")
            continue
        lacking.update(_lacks(atoms, labels, keys))
        if is_lone_atom(atoms) and "energy" in labels:
            symbol = atoms.get_chemical_symbols()[0]
            lone[symbol] = min(float(labels["energy"]), lone.get(symbol, np.inf))
        n_labelled += "energy" in labels and "forces" in labels
        pairs.add(atoms, labels)
        dipoles.add(atoms, labels)
    if not n_labelled:
        text = wrong[0] if wrong else "energy and forces are never in the same one"
        raise LimbeckError(f"labels.{asked.name}: none of {found.n_frames} frames: {text}")
    units = {source.length_unit or "Angstrom" for source in job.files}
    unit = units.pop() if len(units) == 1 else "Angstrom"
    checks = pairs.checks(asked, unit, virial="virial" in keys)
    if "esp" in keys:
        checks.append(dipoles.check(asked))
    _judge(job, checks)
    for text in wrong[:5]:
        log.warning("%s has no label: %s", asked.name, text)
    log.info("%s: %d of %d frames labelled", asked.name, n_labelled, found.n_frames)
    return {
        "label_set": asked.name,
        "keys": keys,
        "n_frames": found.n_frames,
        "n_unreadable": unreadable,
        "n_labelled": n_labelled,
        "n_malformed": len(wrong),
        "first_malformed": wrong[0] if wrong else None,
        "lacking": dict(lacking),
        "n_energies_differ": found.differing,
        "largest_difference_eV_per_atom": found.largest,
        ISOLATED_ATOMS: dict(sorted(lone.items())),
        "checks": [check.entry() for check in checks],
    }


def _frames(job: CheckFileLabels) -> Iterator[tuple[Frame, Atoms | None]]:
    """Every frame of all files, and its atoms; None for one that is not readable."""
    for source in job.files:
        for frame in frames_of(source):
            yield frame, _parsed(frame, source)


def _parsed(frame: Frame, source: StructureFile) -> Atoms | None:
    try:
        return in_angstrom(frame(), source)
    except Refused:  # set aside, with its reason, where structures are made
        return None


def _lacks(atoms: Atoms, labels: dict[str, Any], keys: dict[str, str]) -> Iterator[str]:
    """Properties that other frames have, and this one could have."""
    for name in ("stress" if name == "virial" else name for name in keys):
        if name not in labels and (name != "stress" or atoms.pbc.all()):
            yield name


def _judge(job: CheckFileLabels, checks: list[Check]) -> None:
    bad = [check for check in checks if check.verdict == "does not fit"]
    for check in checks:
        level = logging.WARNING if check in bad else logging.INFO
        log.log(level, "%s: %s: %s", check.name, check.verdict, check.text)
    if bad and job.label_set.on_doubt == "stop":
        lines = [f"labels.{job.label_set.name}: {check.name}: {check.text}" for check in bad]
        remedy = f"if they are right all the same: labels.{job.label_set.name}.on_doubt: warn"
        raise LimbeckError("\n".join([*lines, remedy]))


def read_labels(frames: Frames, job: ReadLabels, told: LabelsOfFile) -> Labels:
    """The labels of frames, from the files that these were read from.

    A frame that was made from one of a file has none; it keeps its place, with a status.

    Args:
        told: what :func:`survey` found.

    Raises:
        LimbeckError: a file is not the one that the frames were read from.
    """
    names = ["stress" if name == "virial" else name for name in told.keys]
    result = unlabelled(frames, names)
    grids: Grids = {}
    result.status[:] = Status.NOT_IN_FILE
    for source in job.files:
        _read_source(frames, source, job, told, result, grids)
    _read_by_id(frames, job, told, result, grids)
    if "esp" in told.keys:
        result = _with_grids(result, grids)
        frames = frames.with_points(result.n_points, result.points)
    _ask(frames, job, result)
    judge(frames, result, ("energy", "forces"))
    if job.label_set.max_force_eV_per_A is not None:
        judge_forces(frames, result, job.label_set.max_force_eV_per_A)
    return replace(result, attrs=_provenance(job, told))


def _read_source(
    frames: Frames,
    source: StructureFile,
    job: ReadLabels,
    told: LabelsOfFile,
    result: Labels,
    grids: "Grids",
) -> None:
    own = (frames.source == source.name.encode()) & (frames.sampling == b"generated")
    there = frames_of(source) if own.any() else []
    for b in np.flatnonzero(own).tolist():
        number = frames.info_of(b)["number"]
        atoms = _parsed(there[number], source) if number < len(there) else None
        if atoms is None or not _same(frames, b, atoms):
            raise LimbeckError(
                f"{source.path}: frame {number} is not the one that {source.name} was made from; "
                "the file has changed while the run was at work, run again"
            )
        try:
            labels = labels_of(atoms, job.label_set, told.keys)
        except LimbeckError:  # the survey has counted it
            continue
        _put(result, frames, b, labels, grids)


def _same(frames: Frames, b: int, atoms: Atoms) -> bool:
    rows = frames.atoms_of(b)
    return np.array_equal(frames.numbers[rows], atoms.numbers) and np.allclose(
        frames.positions[rows], atoms.positions, rtol=0, atol=SAME_A
    )


def _read_by_id(
    frames: Frames, job: ReadLabels, told: LabelsOfFile, result: Labels, grids: "Grids"
) -> None:
    """Labels of structures that stand in another source's file as well, and were taken from there:
    as where each of two methods has a file of its own."""
    ours = [source.name.encode() for source in job.files]
    others = (frames.sampling == b"generated") & ~np.isin(frames.source, ours)
    wanted = {frames.id[b].decode(): int(b) for b in np.flatnonzero(others)}
    for source in job.files if wanted else ():
        for frame in frames_of(source):
            with suppress(Refused, LimbeckError):
                b = wanted.get(id_of(frame, source))
                if b is not None:
                    found = labels_of(in_angstrom(frame(), source), job.label_set, told.keys)
                    _put(result, frames, b, found, grids)


def _put(result: Labels, frames: Frames, b: int, labels: dict[str, Any], grids: "Grids") -> None:
    """A frame without energy or forces keeps its status; the first label of a structure stands."""
    if result.status[b] == Status.GOOD or not {"energy", "forces"} <= labels.keys():
        return
    result.status[b] = Status.GOOD
    if "esp" in labels:
        grids[b] = labels["points"], labels["esp"]
    for name, value in labels.items():
        if (name == "stress" and not frames.periodic[b]) or name in ("esp", "points"):
            continue
        result.values[name][frames.atoms_of(b) if property_of(name).per_atom else b] = value


def _with_grids(result: Labels, grids: "Grids") -> Labels:
    """The labels, at the points of those frames that have any."""
    none = (np.zeros((0, 3)), np.zeros(0))
    each = [grids.get(b, none) for b in range(len(result))]
    counts = np.array([len(points) for points, _ in each], dtype=np.int32)
    points = np.concatenate([none[0], *(points for points, _ in each)])
    esp = np.concatenate([none[1], *(values for _, values in each)])
    return replace(
        result,
        n_points=counts,
        points=points,
        values=result.values | {"esp": esp},
        spreads=result.spreads | {"esp": np.full(len(esp), np.nan)},
    )


def _ask(frames: Frames, job: ReadLabels, result: Labels) -> None:
    """Of frames with labels no more than the slice's share of ``n_frames``; see label.asked_for."""
    if job.label_set.n_frames is None:
        return
    good = np.flatnonzero(result.status == Status.GOOD)
    draw = f"/{job.label_set.draw}" if job.label_set.draw else ""
    quota = share(job.label_set.n_frames, job.slice, job.slices)
    first = seeds.first_by_hash(frames.id[good], f"label{draw}", quota)
    result.status[np.setdiff1d(good, good[first])] = Status.NOT_ASKED


def _provenance(job: ReadLabels, told: LabelsOfFile) -> dict[str, Any]:
    asked = job.label_set
    return {
        "label_set": asked.name,
        "potential": asked.level_of_theory or "not said who made them",
        "model": "from " + ", ".join(source.path for source in job.files),
        "views": "as_given",
        **({"dipole_about": DIPOLE_ABOUT} if "dipole" in told.keys else {}),
        "dtype": "float64",
        "keys": told.keys,
        "licence": asked.licence or "Licence of the labels not given",
        "citation": asked.citation or "No citation given",
        ISOLATED_ATOMS: told.isolated_atoms_eV,
        "weights": "",
    }
