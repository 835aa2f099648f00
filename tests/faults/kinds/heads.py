"""Heads that are killed, and what their jobs do under the next one."""

import signal
import subprocess
from dataclasses import dataclass

import psutil

from faults.harness import Case, NotStruck, kind
from faults.kinds.goals import goal
from faults.outcomes import Verdict, settle, some, wrong
from faults.runs import OTHER, PATIENCE, Finished, Job
from faults.strikes import EMT, IN_PLACE, Strike
from processes import at_work, descendants, head_among, until

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGINT)
#: when an orphan publishes, with regard to the next run
MOMENTS = ("during", "after", "during", "before")
#: outcomes from good to bad: two steps of an injection count as the worse one
ORDER = ("equal bits", "healed", "person", "wrong")


@dataclass
class Frozen:
    """A run whose job has been stopped at a drawn call."""

    call: subprocess.Popen[bytes]
    head: psutil.Process
    job: psutil.Process


def freeze(case: Case, job: Job, strike: Strike, *targets: str, make: bool = True) -> Frozen:
    """Start a run, and wait until its job has stopped itself."""
    workspace = case.workspace
    call = workspace.start(*workspace.command(*targets, make=make), strikes=[strike])
    found = lambda: workspace.strikes(strike.name) or call.poll() is not None  # noqa: E731
    if until(found, "a strike", PATIENCE) is True:
        raise NotStruck(f"{case.place}: the run ended with {call.returncode}")
    pid = workspace.strikes(strike.name)[0]["pid"]
    stopped = psutil.Process(pid)
    until(lambda: stopped.status() == psutil.STATUS_STOPPED, "a frozen job", 10)
    head = head_among([psutil.Process(call.pid), *descendants(call.pid)])
    if head is None:
        raise NotStruck(f"{case.place}: no head")
    return Frozen(call, head, stopped)


def wake(process: psutil.Process) -> None:
    """Let a frozen job go on to its end."""
    if at_work(process):
        process.resume()
        until(lambda: not at_work(process), f"the end of {process.pid}", PATIENCE)


def worse(*verdicts: Verdict) -> Verdict:
    """The worst of several."""
    return max(verdicts, key=lambda v: ORDER.index(v.outcome))


def _behead(case: Case, run: Frozen, number: signal.Signals, *, thaw: bool) -> None:
    """Send a signal to a head that has a job at work, and wait for its end."""
    assert at_work(run.head)
    run.head.send_signal(number)
    if thaw:
        run.job.resume()
    code = run.call.wait(PATIENCE)
    orphan = "at work" if at_work(run.job) else "dead"
    case.prove(
        f"{number.name} to head {run.head.pid} at work; exit {code}, its job {run.job.pid} {orphan}"
    )


@kind("the head is killed", 8)
def killed(case: Case) -> Verdict:
    """By one of four signals; its job goes on at once, or meets the next head, or comes late."""
    found = [p for p in case.reference.cold.places if p.job.rule not in ("write_report",)]
    place, call = case.draw([p for p in found if p.function not in IN_PLACE])
    case.workspace.remove(place.job)
    targets = goal(case.reference.cold, place.job)
    strike = Strike(place.job.script, place.function, "stop", call, words=place.job.words[1:])
    run = freeze(case, place.job, strike, *targets)
    number = SIGNALS[case.number % len(SIGNALS)]
    dies = number in (signal.SIGKILL, signal.SIGHUP)  # else it waits for its jobs
    frozen = dies and case.number % 2 == 0
    _behead(case, run, number, thaw=not frozen)
    case.place += f", {number.name}, {'frozen' if frozen else 'at work'}"
    verdict = settle(
        case.workspace, *targets, again=lambda: case.workspace.call(*targets, make=True)
    )
    wake(run.job)
    if verdict.outcome != "wrong" and (late := case.workspace.differences(*targets)):
        return wrong(f"the late orphan changed results: {some(late)}")
    return verdict


@kind("an orphan under a new config", 6)
def new_config(case: Case) -> Verdict:
    """The old job publishes before, during, or after the run of the edited config."""
    cold, hot = case.reference.cold, case.reference.hot
    workspace = case.workspace
    places = [p for p in cold.places if p.job.rule == "sample_md"]
    place, call = case.draw(places)
    workspace.remove(place.job)
    targets = goal(cold, place.job)
    strike = Strike(place.job.script, place.function, "stop", call, words=place.job.words[1:])
    run = freeze(case, place.job, strike, *targets)
    number = (signal.SIGKILL, signal.SIGHUP)[case.number % 2]
    _behead(case, run, number, thaw=False)
    workspace.edit(*OTHER)
    case.prove(f"config: {OTHER[1]}")
    moment = MOMENTS[case.number % len(MOMENTS)]
    case.place += f", {number.name}, publishes {moment} the next run"
    verdicts = [_run_of_new_config(case, run, hot, place.job, targets, moment)]
    if verdicts[0].outcome != "wrong":
        workspace.edit(*reversed(OTHER))
        verdicts.append(_run_again(case, *targets))
    return worse(*verdicts)


def _run_of_new_config(
    case: Case, run: Frozen, hot: Finished, job: Job, targets: list[str], moment: str
) -> Verdict:
    workspace = case.workspace
    again = lambda: workspace.call(*targets, make=True)  # noqa: E731
    if moment == "before":
        run.job.resume()  # at work still when the next head begins, or just done
        verdict = settle(workspace, *targets, again=again, right=hot)
    elif moment == "during":
        twin = Strike(job.script, EMT, "stop", words=(job.outputs[0],), name="twin")
        second = freeze(case, job, twin, *targets)
        wake(run.job)
        second.job.resume()
        struck = workspace.ended(second.call)
        verdict = settle(workspace, *targets, struck=struck, again=again, right=hot)
    else:
        verdict = settle(workspace, *targets, again=again, right=hot)
        wake(run.job)
        if verdict.outcome != "wrong":
            verdict = worse(verdict, settle(workspace, *targets, again=again, right=hot))
    wake(run.job)
    return verdict


def _run_again(case: Case, *targets: str) -> Verdict:
    """The config is what it was, and so are the results."""
    verdict = settle(
        case.workspace, *targets, again=lambda: case.workspace.call(*targets, make=True)
    )
    return Verdict(verdict.outcome, f"after the config was set back: {verdict.why}")
