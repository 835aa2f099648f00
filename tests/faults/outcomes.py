"""What became of an injection, and how that is told."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from faults.runs import RUN, Call, Finished, Workspace

Outcome = Literal[
    "equal bits",
    "healed",
    "person",
    "refused",
    "wrong",
    # no outcomes of an injection: it is drawn anew, or left out
    "not struck",
    "impossible here",
    "harness failed",
]
#: those that count, with what they mean
OUTCOMES: dict[str, str] = {
    "equal bits": "the same command ended with the bits of a run that nothing disturbed",
    "healed": "a message first, then right results by the same command; or what was bad was set "
    "aside and counted, and all else has equal bits",
    "person": "a message that names the file and what to do; done, results were right",
    "refused": "a hostile input was refused in a line, nothing of it was run, and all was right "
    "without it",
    "wrong": "other bits, a loss without a word, no message, or code that was run",
}
CALLS = 4  # of the same command, at most


@dataclass(frozen=True)
class Verdict:
    """The outcome of an injection, and the words that show why."""

    outcome: Outcome
    why: str = ""


def wrong(why: str) -> Verdict:
    return Verdict("wrong", why)


def settle(
    workspace: Workspace,
    *targets: str,
    struck: Call | None = None,
    again: Callable[[], Call] | None = None,
    undo: Callable[[], str] | None = None,
    right: Finished | None = None,
) -> Verdict:
    """Type the same command until it ends well, do what messages ask for, and judge.

    Args:
        targets: files up to which the run goes, and which are compared with all behind them.
        struck: the call in which the fault happened, where its words are to be judged as well.
        again: the command; Snakemake with these targets where not given.
        undo: what a person does about the fault once a message names it: takes the bad thing away;
            it returns the thing's name.
        right: the results that are right; those of the uninterrupted run where not given.
    """
    outcome: Outcome = "equal bits"
    told, last = "", ""
    for number in range(CALLS):
        if number or struck is None:
            call = again() if again else workspace.call(*targets)
        else:
            call = struck
        if call.code == 0:
            if differences := workspace.differences(*targets, right=right):
                return wrong(f"exit 0, but {some(differences)} [{told}]")
            return Verdict(outcome, told)
        if call.message is None:
            return wrong(f"no message: {call.end}")
        told, outcome = call.message, "healed" if outcome == "equal bits" else outcome
        # the same words twice: the same command does not heal it
        if call.message == last:
            done = follow(workspace, call.message, undo)
            if done is None:
                return wrong(f"nobody can tell what to do: {call.message}")
            outcome, told = "person", f"{call.message} [{done}]"
        last = call.message
    return wrong(f"{CALLS} calls did not do: {told}")


def follow(workspace: Workspace, message: str, undo: Callable[[], str] | None = None) -> str | None:
    """Do what a message asks for: a command that it prints, or a file that it names.

    Returns:
        What was done; None where the message does not say.
    """
    if printed := re.search(r"\brm (?:-\w+ )*((?:'?[\w./-]*results/[\w./-]+'?\s*)+)", message):
        names = [name.strip("'") for name in printed[1].split()]
    else:
        names = []
        if re.search(r"\b(?:remove|delete)\b", message, re.IGNORECASE):
            names = re.findall(r"results/[\w./-]*[\w-]", message)[:1]
    if names:
        for name in names:
            _remove(workspace, name)
        return f"removed {' '.join(names)}"
    if undo and (name := undo()):
        return f"took {name} away" if name in message else None
    return None


def _remove(workspace: Workspace, name: str) -> None:
    path = workspace.path(name[name.index("results/") :])
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(name.removeprefix(f"{RUN}/") for name in names[:3]) + more + " differ"
