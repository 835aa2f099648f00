"""Files of a finished run that are damaged, deleted, or left over from the dead."""

import json
import os
import shlex
import shutil
import socket
import sys
import time
from functools import partial
from pathlib import Path

from faults.harness import Case, Impossible, NotStruck, kind
from faults.kinds.goals import goal
from faults.kinds.heads import wake
from faults.kinds.hostile import LOAD
from faults.outcomes import Verdict, settle, some, wrong
from faults.runs import PATIENCE, RUN, Job, files_of
from faults.strikes import IN_PLACE, Strike

#: what a user takes home, and who says whether it is whole
HOME = ("build_dataset", "build_delta_set", "train_student", "evaluate_student")
SUFFIXES = (".h5", ".json", ".h5", ".csv", ".h5", ".json")
PLANS = ('{"batch_atoms": 0}', '{"batch_atoms": -5}', '{"batch_atoms": "many"}', "[1, 2]", "")


def flip(path: Path, case: Case) -> str:
    """Flip a drawn bit, or cut the file at a drawn byte; its age stays."""
    before = path.read_bytes()
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    at = case.rng.randrange(len(before))
    if case.rng.random() < 0.3:
        after, what = before[:at], f"cut at byte {at} of {len(before)}"
    else:
        bit = case.rng.randrange(8)
        after = before[:at] + bytes([before[at] ^ 1 << bit]) + before[at + 1 :]
        what = f"bit {bit} of byte {at} of {len(before)} flipped"
    path.write_bytes(after)
    os.utime(path, ns=times)
    if path.read_bytes() == before:
        raise NotStruck(f"{path}: {what}")
    return what


@kind("a damaged stage file", 10)
def damaged(case: Case) -> Verdict:
    """A file between two jobs: read by the second, which is to be done anew."""
    cold, workspace = case.reference.cold, case.workspace
    suffix = SUFFIXES[case.number % len(SUFFIXES)]
    victims = [
        (name, reader)
        for reader in cold.jobs
        for name in sorted(reader.inputs)
        if name.startswith(RUN) and name.endswith(suffix)
        # the report reads what no one else does
        if reader.rule != "write_report" or suffix != ".h5"
    ]
    name, reader = case.rng.choice(victims)
    workspace.remove(reader)
    what = flip(workspace.path(name), case)
    case.place = f"{name}, read by {reader.rule}"
    case.prove(what)
    case.late = case.number % 2 == 1
    return settle(workspace, reader.outputs[0])


@kind("a damaged batch plan", 5)
def batch_plan(case: Case) -> Verdict:
    """Numbers that are none, or bits that are others: refused, or measured anew."""
    workspace, cold = case.workspace, case.reference.cold
    # the first slice has isolated and periodic frames, and reads both plans
    first = [job for job in cold.of("label_frames") if job.outputs[0].endswith("/0.h5")]
    job = case.rng.choice(first)
    workspace.remove(job)
    potential = Path(job.outputs[0]).parent.name.removesuffix("-k2")
    plans = sorted(workspace.path("results/batch_plans").rglob(f"{potential}-*.json"))
    path = case.rng.choice(plans)
    before = path.read_text()
    text = PLANS[case.number % len(PLANS)]
    if text.startswith("{"):
        path.write_text(json.dumps(json.loads(before) | json.loads(text)))
    elif text:
        path.write_text(text)
    else:
        flip(path, case)
    case.place = f"{path.relative_to(workspace.folder)}, for {job.outputs[0]}"
    damaged = path.read_bytes()
    case.prove(f"{before!r} became {damaged[:80]!r}")
    verdict = settle(workspace, *goal(cold, job))
    if verdict.outcome == "equal bits" and path.exists() and path.read_bytes() == damaged:
        return wrong(f"{path.name} was read without a word: {damaged[:80]!r}")
    return verdict


@kind("a damaged hand-over", 5)
def hand_over(case: Case) -> Verdict:
    """What users take home; `python -m limbeck.check` and load_student say whether it is whole."""
    workspace, cold = case.workspace, case.reference.cold
    jobs = cold.of(*HOME)
    job = jobs[case.number % len(jobs)]
    names = [n for n in files_of_job(case, job) if workspace.path(n).stat().st_size > 1]
    name = case.rng.choice([n for n in names if n.endswith((".extxyz", ".safetensors"))] or names)
    what = flip(workspace.path(name), case)
    case.place = name
    case.prove(what)
    folder = name.removeprefix(f"{RUN}/").split("/")
    taken = "/".join([RUN, *folder[: 4 if folder[0] == "students" else 2]])
    check = [f"{sys.executable} -m limbeck.check {taken}"]
    if name.endswith(".safetensors"):
        check.append(shlex.join([sys.executable, "-c", LOAD, taken]))
    said = ""
    for command in check:
        call = workspace.by_hand(command)
        said = " ".join(call.text.split())
        if call.code == 0:
            return wrong(f"{command}: nothing is wrong with it")
        if "Traceback" in call.text or name.split("/")[-1] not in call.text:
            return wrong(f"{command}: does not name it: {call.end}")
    verdict = settle(workspace, *job.outputs)
    if verdict.outcome == "equal bits":
        return Verdict("healed", said)
    if "remove" not in said:
        return wrong(f"nobody can tell what to do: {said}")
    workspace.path(name).unlink(missing_ok=True)
    # a folder that lacks a file is missed by the whole command alone
    verdict = settle(workspace, *(job.outputs if name in job.outputs else ()))
    return Verdict("person", said) if verdict.outcome == "equal bits" else verdict


def files_of_job(case: Case, job: Job) -> list[str]:
    """All files that a job made."""
    folder = case.workspace.folder
    return [name for output in job.outputs for name in files_of(folder, output)]


@kind("parts of a finished run deleted", 8)
def deleted(case: Case) -> Verdict:
    """What users take home; or the report, and something that it reads."""
    workspace, cold = case.workspace, case.reference.cold
    report = next(iter(cold.of("write_report")), cold.jobs[0])
    taken = [*cold.of(*HOME), *cold.of("extract_subsystems", "calculate_force_constants")]
    read = [job for job in cold.jobs if report.inputs & {*job.outputs} and job not in taken]
    job = case.rng.choice(read if case.number % 2 else taken)
    gone = [*job.outputs] if case.number % 4 > 1 else [case.rng.choice(job.outputs)]
    if job in read:
        gone += report.outputs
    for name in gone:
        path = workspace.path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    case.place = f"{gone[0]} and {len(gone) - 1} more"
    case.prove(f"deleted: {gone[0]}")
    case.late = True
    if case.number % 4 == 1:
        return settle(workspace, again=partial(workspace.call, make=True))
    # what the whole command would make; then only that, since the rest takes a minute
    plan = workspace.ended(workspace.start(*workspace.command()[:-1], "-n"))
    if job.rule not in plan.text or "Nothing to be done" in plan.text:
        return wrong(f"the same command does not make {gone[0]} anew")
    return settle(workspace, *(name for name in gone if name not in report.outputs))


@kind("temporary files left over", 8)
def left_over(case: Case) -> Verdict:
    """Of a dead process here, or in another container or host; of a live one beside it."""
    variants = (_of_the_dead, _of_the_living, _of_another_container, _of_another_host)
    return variants[case.number % len(variants)](case)


def _killed_at_renaming(case: Case, action: str) -> tuple[Job, Strike]:
    """A job that leaves a temporary file or folder: it is killed, or stopped, beside its name."""
    places = [p for p in case.reference.cold.places if p.function in IN_PLACE]
    # reports have dozens of figures, and inputs that take long to make
    place, call = case.draw([p for p in places if p.job.rule != "write_report"])
    case.workspace.remove(place.job)
    strike = Strike(
        place.job.script,
        place.function,
        action,
        call,
        words=place.job.words[1:],
        where=("results/faults",),
    )
    return place.job, strike


def _of_the_dead(case: Case) -> Verdict:
    job, strike = _killed_at_renaming(case, "kill")
    case.workspace.by_hand(job.command, [strike])
    case.prove_strikes()
    if not case.workspace.left_over():
        raise NotStruck("nothing is left over")
    case.prove(f"left over: {case.workspace.left_over()[0]}")
    targets = goal(case.reference.cold, job)
    return settle(case.workspace, *targets)


def _of_the_living(case: Case) -> Verdict:
    """Two of one job at work: the file of the one that is stopped stays till it goes on."""
    job, strike = _killed_at_renaming(case, "stop")
    return _meets_a_living(case, job, strike, ())


def _of_another_container(case: Case) -> Verdict:
    """The same host name, another table of processes: its numbers mean nothing here."""
    import subprocess

    unshare = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        raise Impossible(" ".join(unshare))
    job, strike = _killed_at_renaming(case, "stop")
    return _meets_a_living(case, job, strike, unshare)


def _meets_a_living(case: Case, job: Job, strike: Strike, prefix: tuple[str, ...]) -> Verdict:
    import psutil

    workspace = case.workspace
    words = job.command.split(" > ")[0]
    process = workspace.start(*prefix, "bash", "-c", f"{words}; exit $?", strikes=[strike])
    end = time.monotonic() + PATIENCE
    while not workspace.strikes() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    case.prove_strikes()
    stopped = None
    while stopped is None and time.monotonic() < end:
        below = psutil.Process(process.pid).children(recursive=True)
        stopped = next((p for p in below if p.status() == psutil.STATUS_STOPPED), None)
        time.sleep(0.05)
    if stopped is None or not workspace.left_over():
        raise NotStruck("no living process has a temporary file")
    case.prove(f"a living one has {workspace.left_over()[0]}")
    case.place += f", a twin in {'another container' if prefix else 'this table of processes'}"
    beside = workspace.by_hand(job.command)
    if beside.code:
        return wrong(f"the second failed beside the living: {beside.message or beside.end}")
    wake(stopped)
    first = workspace.ended(process)
    if first.code:
        return wrong(f"the living one was disturbed: {first.message or first.end}")
    return settle(workspace, *goal(case.reference.cold, job))


def _of_another_host(case: Case) -> Verdict:
    """A file of long ago and one of now, of a host that cannot be asked: neither does harm."""
    job, strike = _killed_at_renaming(case, "kill")
    workspace = case.workspace
    workspace.by_hand(job.command, [strike])
    case.prove_strikes()
    names = workspace.left_over()
    if not names:
        raise NotStruck("nothing is left over")
    old = workspace.path(names[0])
    away = old.with_name(old.name.replace(socket.gethostname(), "elsewhere"))
    old.rename(away)
    if case.number % 8 >= 4:
        month = time.time() - 30 * 86400
        os.utime(away, (month, month))
    case.prove(f"left over: {away.name}")
    call = workspace.call(*goal(case.reference.cold, job))
    if call.code:
        return wrong(call.message or call.end)
    # young files of hosts that cannot be asked may be at work
    away.unlink(missing_ok=True)
    differences = workspace.differences(*goal(case.reference.cold, job))
    return wrong(f"exit 0, but {some(differences)}") if differences else Verdict("equal bits")
