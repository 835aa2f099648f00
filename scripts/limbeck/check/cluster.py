"""Jobs of a head that is gone, in the queue of SLURM.

The executor gives all jobs of a head one name, with a UUID in it, that no other head's have: by
this name and the user's own they are found, and nobody else's are.
"""

import os
import shutil
import subprocess
import sys
import time

from limbeck.errors import LimbeckError

#: s, between two looks at the queue: a controller has others to answer
EVERY = 3.0
#: s, until somebody is told; a job may take a minute to end, and a controller to come back
PATIENCE = 600.0


def cancel(name: str, *, every: float | None = None, patience: float = PATIENCE) -> int:
    """Cancel all jobs of a head that is dead, and wait until the queue holds none of them.

    Args:
        name: that the jobs of the head have.

    Returns:
        How many there were.

    Raises:
        LimbeckError: SLURM is not here or does not answer, or jobs do not end.
    """
    if not shutil.which("squeue"):
        raise LimbeckError(
            f"the run was started on SLURM, which is not here; where it is: scancel --name={name}"
        )
    every = EVERY if every is None else every
    end = time.monotonic() + patience
    found = left = _queued(name, every, end)
    if found:
        _say(f"{_jobs(found)} of the run that died still in the queue: cancelled")
    while left:
        # again, since the last call of sbatch may have outlived its head
        _call("scancel", f"--name={name}")
        if time.monotonic() > end:
            raise LimbeckError(
                f"jobs of the run that died do not end: {', '.join(left)}; nothing is started "
                f"beside them. Once squeue --name={name} shows none: the same command again"
            )
        time.sleep(every)
        left = _queued(name, every, end)
    if found:
        _say("none of them is left")
    return len(found)


def _queued(name: str, every: float, end: float) -> list[str]:
    """Ids and states of the jobs of a name that have not ended, once SLURM answers."""
    told = False
    while True:
        done = _call("squeue", f"--name={name}", "--noheader", "--format=%i %T")
        if done.returncode == 0:
            return sorted(line.strip() for line in done.stdout.splitlines() if line.strip())
        why = " ".join(done.stderr.split()) or f"squeue ended with {done.returncode}"
        if time.monotonic() > end:
            raise LimbeckError(
                f"whether jobs of the run that died are at work is not known: {why}; nothing is "
                "started beside them"
            )
        if not told:
            _say(f"SLURM does not answer ({why}): waiting")
            told = True
        time.sleep(every)


def _call(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program, f"--user={os.getuid()}", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"{program} took over 60 s")


def _jobs(found: list[str]) -> str:
    return "1 job" if len(found) == 1 else f"{len(found)} jobs"


def _say(text: str) -> None:
    print(f"SLURM: {text}.", file=sys.stderr, flush=True)
