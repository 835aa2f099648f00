"""Two runs at once; configs edited while jobs are at work; scripts called by hand."""

import os
import shutil
import time
from functools import partial
from pathlib import Path

import bits
from faults.harness import Case, NotStruck, kind
from faults.kinds.goals import goal
from faults.kinds.heads import freeze, worse
from faults.outcomes import Verdict, follow, settle, some, wrong
from faults.runs import CONFIG, OTHER, PATIENCE, RUN, Finished, Job, files_of
from faults.strikes import IN_PLACE, Strike

CLUSTER = Path(__file__).parents[1] / "cluster"
#: (whether the first and the second are make, and not bare Snakemake)
PAIRS = ((True, True), (False, True), (True, False), (False, True), (False, False))


@kind("two runs at once", 5)
def two_runs(case: Case) -> Verdict:
    """A second ends at once with a message, whatever started it, and the first goes on."""
    first_is_make, second_is_make = PAIRS[case.number % len(PAIRS)]
    workspace = case.workspace
    place, call = case.draw([p for p in case.reference.cold.places if p.function not in IN_PLACE])
    workspace.remove(place.job)
    targets = goal(case.reference.cold, place.job)
    strike = Strike(place.job.script, place.function, "stop", call, words=place.job.words[1:])
    run = freeze(case, place.job, strike, *targets, make=first_is_make)
    names = {True: "make run", False: "snakemake"}
    case.place += f"; {names[first_is_make]}, then {names[second_is_make]}"
    second = workspace.call(*targets, make=second_is_make, patience=60)
    case.prove(f"two at once: {run.head.pid} at work, the second ended with {second.code}")
    run.job.resume()
    first = workspace.ended(run.call)
    if second.code == 0:
        return wrong("the second ran to its end beside the first")
    if "Finished jobid" in second.text or "rule " in second.text:
        return wrong(f"the second started jobs beside the first: {second.end}")
    if "Traceback" in second.text or not second.text.strip():
        return wrong(f"the second ended without a message: {second.end}")
    if first.code:
        return wrong(f"the first was disturbed: {first.message or first.end}")
    verdict = settle(workspace, *targets, struck=first)
    return Verdict(verdict.outcome, f"{verdict.why} the second: {second.text.strip()[-300:]}")


@kind("a config edited while remote jobs are at work", 6)
def edited(case: Case) -> Verdict:
    """One shard is made with another config: by a cluster's job, or as if by one."""
    if case.number % 3 == 0 and CLUSTER.is_dir():
        return _edited_on_a_cluster(case)
    cold, hot = case.reference.cold, case.reference.hot
    workspace = case.workspace
    md = cold.of("sample_md")
    job = md[case.number % len(md)]
    other = hot.job(job.outputs[0])
    targets = goal(cold, job)
    workspace.remove(*md)
    # both shards by Snakemake; then one anew as a job of the edited config would leave it
    workspace.call(*(j.outputs[0] for j in md))
    _put(case, other)
    case.place = f"{job.outputs[0]} of {OTHER[1]}"
    return settle(workspace, *targets)


def _put(case: Case, other: Job) -> None:
    """Have a job of the edited config replace the output of its like."""
    for name in other.outputs:
        case.workspace.path(name).unlink()
    done = case.workspace.by_hand(other.command)
    if done.code:
        raise NotStruck(f"{other.outputs[0]}: {done.message or done.end}")
    wrong_ones = bits.different(case.reference.hot.folder, case.workspace.folder, [*other.outputs])
    if wrong_ones:
        raise NotStruck(f"{wrong_ones}: not those of the edited config")
    case.late = True
    case.prove(f"{other.outputs[0]}: made with {OTHER[1]}")


def _edited_on_a_cluster(case: Case) -> Verdict:
    """Bare Snakemake with the executor for SLURM, whose jobs read the config when they start."""
    cold = case.reference.cold
    workspace = case.workspace
    md = cold.of("sample_md")
    workspace.remove(*md)
    targets = goal(cold, md[0]) + goal(cold, md[1])
    hold = workspace.private / "hold"
    hold.write_text(f"shard={case.rng.randint(0, 1)}")
    search = os.pathsep.join([str(CLUSTER), workspace.environment()["PATH"]])
    words = ["env", f"FAULTS_CLUSTER={workspace.private}", f"PATH={search}"]
    words += _on_cluster(*targets)
    run = workspace.start(*words)
    held = workspace.private / "held"
    end = time.monotonic() + PATIENCE
    while not held.exists() and run.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    if not held.exists():
        raise NotStruck(f"no job was held: {workspace.ended(run, 1).end}")
    workspace.edit(*OTHER)
    hold.unlink()
    case.late = False
    case.place = f"{held.read_text().strip()} started after the edit"
    case.prove(f"config edited while the job waited: {OTHER[1]}")
    first = workspace.ended(run)
    verdicts = []
    if first.code == 0 and not workspace.differences(*targets):
        verdicts.append(Verdict("equal bits", "jobs kept to the config of their head"))
    elif first.code == 0:
        return wrong(f"exit 0, but {some(workspace.differences(*targets))}")
    workspace.edit(*reversed(OTHER))
    verdicts.append(settle(workspace, *targets))
    return worse(*verdicts)


def _on_cluster(*targets: str) -> list[str]:
    return [
        *("snakemake", "--configfile", CONFIG, "--profile", "slurm", "--jobs", "2"),
        *("--latency-wait", "5", "--retries", "0", "--rerun-incomplete"),
        *("--slurm-init-seconds-before-status-checks", "1", "--", *targets),
    ]


@kind("a script called twice by hand with other settings", 6)
def called_twice(case: Case) -> Verdict:
    """It writes what it was asked for, over what was there."""
    cold, hot, workspace = case.reference.cold, case.reference.hot, case.workspace
    changed = [
        job
        for job in hot.jobs
        if bits.different(cold.folder, hot.folder, _with_arrays(hot, job))
        and all(
            (hot.folder / name).exists()  # some jobs are of the run that it was copied from
            for name in (*job.outputs, *job.inputs)
            if name.startswith(RUN)
        )
    ]
    job = changed[case.number % len(changed)] if case.number < 2 else case.rng.choice(changed)
    for name in job.inputs:
        if name.startswith(RUN):
            _copy(hot.folder / name, workspace.path(name))
    case.place = f"{job.script} to {job.outputs[0]}"
    case.prove(f"{job.outputs[0]} is there with other bits")
    again = partial(workspace.by_hand, job.command)
    wanted = _files_of(hot, job)
    last = ""
    outcome = "equal bits"
    for _ in range(4):
        call = again()
        if call.code == 0:
            different = bits.different(hot.folder, workspace.folder, wanted)
            if different:
                return wrong(f"exit 0, but {some(different)}: the old ones stay")
            return Verdict(outcome, last)  # type: ignore[arg-type]
        if call.message is None:
            return wrong(f"no message: {call.end}")
        if call.message == last:
            if follow(workspace, call.message) is None:
                return wrong(f"nobody can tell what to do: {call.message}")
            outcome = "person"
        else:
            outcome = "healed" if outcome == "equal bits" else outcome
        last = call.message
    return wrong(f"four calls did not do: {last}")


def _files_of(run: Finished, job: Job) -> list[str]:
    return [name for output in job.outputs for name in files_of(run.folder, output)]


def _with_arrays(run: Finished, job: Job) -> list[str]:
    return [n for n in _files_of(run, job) if n.endswith((".h5", ".safetensors"))]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target)
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


@kind("something else in the place of an output", 5)
def in_the_place(case: Case) -> Verdict:
    """A dangling link, or a folder; of a script by hand, and of a run."""
    workspace, cold = case.workspace, case.reference.cold
    quick = ("screen_structures", "sample_rattle", "sample_md", "select_frames", "build_dataset")
    job = case.rng.choice(cold.of(*quick))
    workspace.remove(job)
    path = workspace.path(case.rng.choice(job.outputs))
    if case.number % 2:
        path.mkdir()
        (path / "notes.txt").write_text("mine")
    else:
        path.symlink_to(workspace.private / "nothing")
    what = "a folder" if case.number % 2 else "a dangling link"
    case.place = f"{path.relative_to(workspace.folder)} is {what}"
    case.prove(f"{path.name} before: {what}")

    def undo() -> str:
        path.rename(workspace.private / "moved")
        return path.name

    if case.number % 3 == 2:
        return settle(workspace, *goal(cold, job), undo=undo)
    again = partial(workspace.by_hand, job.command)
    return settle(workspace, *job.outputs, again=again, undo=undo)
