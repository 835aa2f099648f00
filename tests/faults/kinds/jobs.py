"""Jobs that are killed: at a drawn moment, or between writing a file and giving it its name."""

from functools import partial

from faults.harness import Case, kind
from faults.kinds.goals import goal
from faults.outcomes import Verdict, settle
from faults.runs import Job
from faults.strikes import IN_PLACE, Strike

SIGNALS = ("kill", "terminate", "kill", "interrupt", "kill", "hang up")


def struck_by_hand(case: Case, job: Job, strike: Strike) -> Verdict:
    """Strike a script that a person called, and call it again."""
    case.workspace.by_hand(job.command, [strike])
    case.prove_strikes()
    again = partial(case.workspace.by_hand, job.command)
    return settle(case.workspace, *job.outputs, again=again)


def struck_in_a_run(case: Case, job: Job, strike: Strike) -> Verdict:
    """Strike a job of a run, and type the same command."""
    targets = goal(case.reference.cold, job)
    case.workspace.call(*targets, strikes=[strike])
    case.prove_strikes()
    return settle(case.workspace, *targets)


@kind("a job is killed", 8)
def killed(case: Case) -> Verdict:
    """By one of four signals at a drawn call of a potential, of a student or of HDF5."""
    found = [p for p in case.reference.cold.places if p.function not in IN_PLACE]
    place, call = case.draw([p for p in found if p.job.rule != "write_report"])
    case.workspace.remove(place.job)
    action = SIGNALS[case.number % len(SIGNALS)]
    strike = Strike(place.job.script, place.function, action, call, words=place.job.words[1:])
    struck = struck_by_hand if case.number % 4 == 3 else struck_in_a_run
    return struck(case, place.job, strike)


@kind("a job is killed between writing and renaming", 9)
def killed_before_renaming(case: Case) -> Verdict:
    """Or right after: one of the job's files has its name and the next has not."""
    place, call = case.draw([p for p in case.reference.cold.places if p.function in IN_PLACE])
    case.workspace.remove(place.job)
    action = "kill after" if case.number % 3 == 2 else "kill"
    strike = Strike(
        place.job.script,
        place.function,
        action,
        call,
        words=place.job.words[1:],
        where=("results/faults",),
    )
    struck = struck_in_a_run if case.number % 3 == 1 else struck_by_hand
    return struck(case, place.job, strike)
