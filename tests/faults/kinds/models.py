"""Potentials that raise, answer with nonsense, or never."""

import csv
from pathlib import Path

import h5py
import numpy as np

from faults.harness import Case, kind
from faults.kinds.goals import goal
from faults.outcomes import Verdict, follow, settle, wrong
from faults.runs import Job
from faults.strikes import EMT, LJ, Strike

SILENCE = 1  # min, of the config, and as few as it takes
HANGS = 180  # s after which nobody waits any longer for a job that takes five
#: of labels, and of dynamics: (what, property, value, at every call)
LABELS = (
    ("RuntimeError", "", 0.0, False),
    ("spoil", "stress", float("nan"), True),
    ("spoil", "energy", 1e30, True),
    ("RuntimeError", "", 0.0, True),
    ("spoil", "stress", 1e30, True),
    ("spoil", "forces", float("nan"), True),
    ("spoil", "energy", float("nan"), False),
)
DYNAMICS = (
    ("RuntimeError", "", 0.0, False),
    ("spoil", "forces", float("nan"), True),
    ("spoil", "energy", float("nan"), True),
    ("RuntimeError", "", 0.0, True),
)


@kind("a potential fails while it labels", 8)
def labelling(case: Case) -> Verdict:
    """Once, or always for the frames of one size."""
    action, property_, value, always = LABELS[case.number % len(LABELS)]
    cold = case.reference.cold
    # isolated frames have no stress; those of one atom are all periodic
    chosen = [
        job
        for job in cold.of("label_frames")
        if property_ != "stress" or 1 in _sizes(cold.folder / job.outputs[0])
    ]
    job = case.rng.choice(chosen)
    label_set = Path(job.outputs[0]).parent.name
    return _fails(case, job, label_set, action, property_, value, always)


def _fails(
    case: Case,
    job: Job,
    label_set: str,
    action: str,
    property_: str,
    value: float,
    always: bool,
) -> Verdict:
    workspace, cold = case.workspace, case.reference.cold
    workspace.remove(job)
    function = EMT if label_set == "emt" else LJ
    size = 1 if property_ == "stress" else case.rng.choice(_sizes(cold.folder / job.outputs[0]))
    place = next(p for p in cold.places if p.job == job and p.function == function)
    call = 1 if always else case.rng.randint(1, place.calls)
    case.late = not always and call > place.calls / 2
    case.place = f"{job.outputs[0]}: {action} {property_} {value:g}, " + (
        f"frames of {size} atoms" if always else f"call {call} of {place.calls}"
    )
    strike = Strike(
        job.script,
        function,
        action,
        call,
        words=job.words[1:],
        n_atoms=size if always else None,
        always=always,
        property=property_,
        value=value,
    )
    targets = goal(cold, job)
    struck = workspace.call(*targets, strikes=[strike])
    case.prove_strikes()
    if struck.code == 0 and workspace.differences(*targets):
        return _set_aside(case, job, label_set, size if always else None)
    if struck.code and struck.message and always:
        # it would fail for ever: the cause is gone only now, and a message says what to do
        if follow(workspace, struck.message) is None:
            return wrong(f"nobody can tell what to do: {struck.message}")
        healed = settle(workspace, *targets)
        return healed if healed.outcome == "wrong" else Verdict("person", struck.message)
    return settle(workspace, *targets, struck=struck)


def _sizes(labels: Path) -> list[int]:
    with h5py.File(labels) as file:
        return sorted(set(file["frames/n_atoms"][()].tolist()))


def _set_aside(case: Case, job: Job, label_set: str, size: int | None) -> Verdict:
    """Whether the frames that failed have a status, are counted, and all others equal bits."""
    name = job.outputs[0]
    with (
        h5py.File(case.reference.cold.folder / name) as right,
        h5py.File(case.workspace.path(name)) as found,
    ):
        status = found[f"labels/{label_set}/status"][()]
        if size is not None and not (status[found["frames/n_atoms"][()] == size] > 0).all():
            return wrong(f"{name}: frames that failed have no status: {status.tolist()}")
        if not status.any():
            return wrong(f"{name}: other bits, and every frame is good")
        good = status == 0
        rows = np.repeat(good, found["frames/n_atoms"][()])
        for array in found[f"labels/{label_set}"]:
            a, b = (f[f"labels/{label_set}/{array}"][()] for f in (right, found))
            keep = good if len(a) == len(good) else rows
            if a[keep].tobytes() != b[keep].tobytes():
                return wrong(f"{name}: {array} of other frames differs")
    if size is None:
        return wrong(f"{name}: a passing failure is final: {int(status.astype(bool).sum())} frames")
    counted = f"{int(status.astype(bool).sum())} frames set aside, with status {set(status)}"
    return Verdict("healed", counted)


@kind("a potential fails while it drives dynamics", 6)
def dynamics(case: Case) -> Verdict:
    """Once, or always for the structures of one size: the others move as ever."""
    action, property_, value, always = DYNAMICS[case.number % len(DYNAMICS)]
    workspace, cold = case.workspace, case.reference.cold
    job = case.rng.choice(cold.of("sample_md"))
    workspace.remove(job)
    frames = next(name for name in job.outputs if name.endswith(".h5"))
    size = case.rng.choice(_sizes(cold.folder / frames))
    place = next(p for p in cold.places if p.job == job and p.function == EMT)
    call = case.rng.randint(place.calls // 2, place.calls)
    case.late = call > place.calls / 2
    case.place = f"{frames}: {action} {property_} {value:g}, {size} atoms, from call {call}"
    strike = Strike(
        job.script,
        EMT,
        action,
        call,
        words=job.words[1:],
        n_atoms=size,
        always=always,
        property=property_,
        value=value,
    )
    targets = goal(cold, job)
    struck = workspace.call(*targets, strikes=[strike])
    case.prove_strikes()
    if struck.code == 0 and always:
        return _others_move_as_ever(case, frames, size)
    if struck.code and always:
        if struck.message is None:
            return wrong(f"no message: {struck.end}")
        healed = settle(workspace, *targets)
        return healed if healed.outcome == "wrong" else Verdict("healed", struck.message)
    return settle(workspace, *targets, struck=struck)


def _others_move_as_ever(case: Case, frames: str, size: int) -> Verdict:
    with (
        h5py.File(case.reference.cold.folder / frames) as right,
        h5py.File(case.workspace.path(frames)) as found,
    ):
        moved = [_positions(file, lambda n: n != size) for file in (right, found)]
    if moved[0] != moved[1]:
        return wrong(f"{frames}: trajectories of other structures differ")
    with open(case.workspace.path(frames).with_suffix(".csv"), newline="") as table:
        rows = list(csv.DictReader(table))
    cut = [row for row in rows if any("cut" in key and value for key, value in row.items())]
    if not cut:
        return wrong(f"{frames}: nothing says that trajectories were cut: {rows[:1]}")
    return Verdict("healed", f"{len(cut)} trajectories cut, others equal")


def _positions(file: h5py.File, chosen) -> bytes:
    n_atoms = file["frames/n_atoms"][()]
    return file["atoms/positions"][()][np.repeat(chosen(n_atoms), n_atoms)].tobytes()


@kind("a potential hangs", 5)
def hanging(case: Case) -> Verdict:
    """For ever, once: while it labels, or drives dynamics."""
    workspace, cold = case.workspace, case.reference.cold
    places = [p for p in cold.places if p.job.rule in ("label_frames", "sample_md")]
    place, call = case.draw([p for p in places if p.function in (EMT, LJ)])
    workspace.remove(place.job)
    workspace.edit("seed: 7\n", f"seed: 7\nmax_silence_min: {SILENCE}\n")
    strike = Strike(place.job.script, place.function, "hang", call, words=place.job.words[1:])
    targets = goal(cold, place.job)
    struck = workspace.call(*targets, strikes=[strike], patience=HANGS)
    case.prove_strikes()
    if struck.code == 124:
        return wrong(f"hung for {HANGS} s, and nothing ended it")
    return settle(workspace, *targets, struck=struck)
