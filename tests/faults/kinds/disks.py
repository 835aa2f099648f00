"""Disks that are full or read-only, and limits of memory and of open files."""

import os
import shutil
import subprocess

import bits
from faults.harness import Case, Impossible, NotStruck, kind
from faults.kinds.goals import goal
from faults.outcomes import Verdict, settle, some, wrong
from faults.runs import PATIENCE, Call
from faults.strikes import EMT, IN_PLACE, LJ, STUDENT, WRITES, Strike

STORE = "results/label_store"
FULL = "mount -t tmpfs -o size={size}k tmpfs {folder}"
READ_ONLY = "mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}"


def mounted(case: Case, mount: str, *targets: str) -> Call:
    """The same command where a folder is another disk, which is gone when the command has ended."""
    unshare = ("unshare", "--user", "--map-root-user", "--mount")
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        raise Impossible("unshare --user --mount")
    command = f'{mount} && echo mounted >&2 && exec "$@"'
    words = [*unshare, "bash", "-c", command, "_", *case.workspace.command(*targets)]
    call = case.workspace.ended(case.workspace.start(*words), PATIENCE)
    if not call.text.startswith("mounted"):
        raise Impossible(call.text[:200])
    return call


@kind("a disk is full or read-only", 7)
def disk(case: Case) -> Verdict:
    """Under a job's outputs: truly, or as the hook says it at a drawn write."""
    if case.number % 2:
        return _hooked(case)
    jobs = case.reference.cold.of("select_frames", "label_frames", "screen_structures")
    job = case.rng.choice([*jobs, *case.reference.cold.of("sample_md", "sample_rattle")])
    case.workspace.remove(job)
    case.late = True  # it writes at its end
    targets = goal(case.reference.cold, job)
    folder = os.path.dirname(job.outputs[0])
    full = case.number % 4 == 0
    mount = FULL.format(size=4, folder=folder) if full else READ_ONLY.format(folder=folder)
    case.place = f"{folder} {'full' if full else 'read-only'}"
    call = mounted(case, mount, *targets)
    if call.code == 0:
        raise NotStruck(case.place)
    case.prove(f"mounted: {mount}")
    return settle(case.workspace, *targets, struck=call)


def _hooked(case: Case) -> Verdict:
    place, call = case.draw([p for p in case.reference.cold.places if p.function == WRITES])
    case.workspace.remove(place.job)
    action = case.rng.choice(["ENOSPC", "EROFS", "EACCES", "EIO"])
    targets = goal(case.reference.cold, place.job)
    strike = Strike(place.job.script, WRITES, action, call, words=place.job.words[1:])
    struck = case.workspace.call(*targets, strikes=[strike])
    case.prove_strikes()
    case.place += f", {action}"
    return settle(case.workspace, *targets, struck=struck)


@kind("the label store is full or read-only", 5)
def label_store(case: Case) -> Verdict:
    """It is a cache: labels have equal bits without it."""
    job = case.rng.choice(case.reference.cold.of("label_frames"))
    case.workspace.remove(job)
    folder = case.workspace.path(STORE)
    folder.mkdir(parents=True, exist_ok=True)
    targets = goal(case.reference.cold, job)
    size = case.rng.choice([4, 32, 64])
    variants = [
        FULL.format(size=size, folder=STORE),
        READ_ONLY.format(folder=STORE),
        f"mount -t tmpfs -o size=64k,nr_inodes=2 tmpfs {STORE}",
    ]
    mount = variants[case.number % 3]
    case.place = f"{job.outputs[0]}: {mount.split(' && ')[0]}"
    call = mounted(case, mount, *targets)
    case.late = True
    case.prove(f"mounted: {mount}")
    if call.code:  # it stays full till someone makes room, and no run should wait for that
        return wrong(f"a cache stops the run: {call.message or call.end}")
    return settle(case.workspace, *targets, struck=call)


@kind("memory or open files run out", 7)
def limits(case: Case) -> Verdict:
    """Once: an error in a drawn call, or a limit of the process from there on."""
    heavy = [p for p in case.reference.cold.places if p.function not in IN_PLACE]
    asking = [p for p in heavy if p.function in (EMT, LJ, STUDENT)]
    variant = case.number % 4
    place, call = case.draw(asking if variant in (0, 1) else heavy)
    case.workspace.remove(place.job)
    action = ("MemoryError", "MemoryError", "limit memory", "limit files")[variant]
    value = case.rng.randint(0, 2**24) if action == "limit memory" else 0
    targets = goal(case.reference.cold, place.job)
    strike = Strike(
        place.job.script,
        place.function,
        action,
        call,
        words=place.job.words[1:],
        value=value,
        where=(),
    )
    struck = case.workspace.call(*targets, strikes=[strike])
    case.prove_strikes()
    case.place += f", {action}"
    # what is under a limit may die by a signal; an error has to be told
    told = struck if action == "MemoryError" or struck.code == 0 else None
    verdict = settle(case.workspace, *targets, struck=told)
    if verdict.outcome == "wrong" and "is halved" in struck.said and struck.code == 0:
        return _halved(case, targets)
    return verdict


def _halved(case: Case, targets: list[str]) -> Verdict:
    """A batch that was halved has other last bits, and its log says so: nothing else may differ."""
    different = case.workspace.differences(*targets)
    cold = case.reference.cold.folder
    far = [n for n in different if not bits.near(cold / n, case.workspace.path(n))]
    if far:
        return wrong(f"exit 0 after a batch was halved, but {some(far)} by more than last digits")
    return Verdict("healed", f"a batch was halved; last digits of {some(different)}")
