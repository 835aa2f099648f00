"""The head of a run: Snakemake's main process, which starts the jobs.

A head that is killed leaves jobs at work, on a cluster all of them. Its successor may have another
config: what the old jobs then make must not stand where the new ones put theirs. So each head has
an id, which its jobs inherit in their environment. A head that begins to run jobs writes its id
into ``results/{run}/head.json``; a job that finds the id of another one there, other than the one
that was there as its own head started, belongs to a head that was replaced.

On a cluster, the head writes the name of its jobs there as well, by which its successor cancels
them (:mod:`limbeck.check.cluster`).

Nothing is written while a Snakefile is read: a dry run, ``--lint`` or a job's own process
disturb nobody.
"""

import contextlib
import json
import os
import socket
import sys
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from limbeck.check import cluster
from limbeck.check.seal import parsed_json
from limbeck.errors import LimbeckError

#: in the environment of a job: the id of its head, and the one that was there before, if any
HEAD = "LIMBECK_HEAD"
#: in the environment of a job: the file that holds the id of the head that runs now
FILE = "LIMBECK_HEAD_FILE"
#: in the environment of a head that `make run` started, which holds a lock as long as it lives
LOCKED = "LIMBECK_LOCKED"
NAME = "head.json"


@dataclass(frozen=True)
class Process:
    """A process that can be told from all others, of other machines and containers too.

    Attributes:
        host: name of the machine, for people.
        place: see :func:`place`.
        pid: number of the process.
        started: seconds since the epoch, since numbers are used again.
    """

    host: str
    place: str
    pid: int
    started: float

    @classmethod
    def own(cls) -> "Process":
        import psutil  # comes with Snakemake, whose environment a head runs in

        pid = os.getpid()
        return cls(socket.gethostname(), place(), pid, psutil.Process(pid).create_time())

    @property
    def alive(self) -> bool | None:
        """Whether it is at work; None where that cannot be seen from here."""
        import psutil

        if self.place != place():
            return None
        try:
            # a tenth of a second: the kernel counts in hundredths
            return abs(psutil.Process(self.pid).create_time() - self.started) < 0.1
        except psutil.NoSuchProcess:
            return False


def place() -> str:
    """Where a process number means one process: a machine since it started, and a container of it.

    Neither need have a name of its own.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return socket.gethostname()


def announce(run: str | Path) -> None:
    """Give this process, a head, an id that its jobs inherit; nothing is written.

    Args:
        run: folder of the run.
    """
    file = Path(run) / NAME
    os.environ[HEAD] = f"{uuid.uuid4().hex} {_id_in(file)}"
    os.environ[FILE] = str(file)


def take_over(config: dict[str, Any], jobs: str = "") -> None:
    """Write this head's id and config, as it begins to run jobs.

    Args:
        jobs: the name that SLURM has for all jobs of this head; none where they run here.

    Raises:
        LimbeckError: another head of the same run is at work on this machine, jobs of one that is
            dead cannot be cancelled, or the file cannot be written.
    """
    file = Path(os.environ[FILE])
    other = process_in(file)
    if other and other != Process.own() and other.alive:
        raise LimbeckError(
            f"{file.parent}: another snakemake is at work on this run, process {other.pid}; "
            "wait for it, or end it"
        )
    _cancel_jobs_in(file)
    value = {
        "id": _own_id(),
        "jobs": jobs,
        "process": asdict(Process.own()),
        "locked": LOCKED in os.environ,
        "config": config,
    }
    # beside files.whole_file, which asks this module whether it may write
    temporary = file.with_suffix(f".{os.getpid()}.json")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise LimbeckError(f"{file}: not written: {error}") from error


def config_of_head() -> dict[str, Any] | None:
    """The config that the head of this job has: the file may have been edited since.

    None where there is no head, or it cannot be told.

    Raises:
        LimbeckError: the head was replaced.
    """
    if reason := replaced():
        raise LimbeckError(reason)
    found = _read(Path(os.environ[FILE])) if FILE in os.environ else {}
    own = found.get("id") == _own_id() and isinstance(found.get("config"), dict)
    return found["config"] if own else None


def replaced() -> str:
    """Why this job may not put its output in place; empty where it may.

    A script that a person calls has no head, and may.
    """
    if HEAD not in os.environ or FILE not in os.environ:
        return ""
    now = _id_in(Path(os.environ[FILE]))
    if not now or now in os.environ[HEAD].split():
        return ""
    return (
        "the run that started this job has ended, and another one has taken its place "
        f"({os.environ[FILE]})"
    )


def folder() -> Path | None:
    """The folder of the run that this job is of; None where it has no head."""
    return Path(os.environ[FILE]).parent if FILE in os.environ and HEAD in os.environ else None


def process_in(file: Path) -> Process | None:
    """The head that a file tells of; None where it tells of none."""
    try:
        return Process(**_read(file)["process"])
    except (KeyError, TypeError):
        return None


def _own_id() -> str:
    return os.environ.get(HEAD, "").split(" ")[0]


def _id_in(file: Path) -> str:
    return str(_read(file).get("id", ""))


def _read(file: Path) -> dict[str, Any]:
    try:
        value = parsed_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def locks_are_shared(folder: Path, mounts: str = "/proc/self/mounts") -> bool:
    """Whether a lock of ``flock`` is seen by other machines that have the folder, too.

    Some clusters mount their file systems so that it is not.
    """
    try:
        lines = [line.split() for line in Path(mounts).read_text(encoding="utf-8").splitlines()]
    except OSError:  # not Linux
        return True
    above = [str(folder.resolve()), *map(str, folder.resolve().parents)]
    found = [words for words in lines if len(words) > 3 and words[1] in above]
    options = set(max(found, key=lambda words: len(words[1]))[3].split(",")) if found else set()
    return not options & {"localflock", "nolock", "local_lock=flock", "local_lock=all"}


def _cancel_jobs_in(file: Path) -> None:
    """Cancel jobs of the head that a file tells of, which is dead, and wait for their end."""
    if name := _read(file).get("jobs"):
        cluster.cancel(str(name))


def _refuse_beside_another(results: Path) -> None:
    """End where another head is at work in this folder, or may be."""
    shared = locks_are_shared(results)
    for file in sorted(results.glob(f"*/{NAME}")):
        process, found = process_in(file), _read(file)
        if process and process.alive:
            sys.exit(f"Another run is at work: {file.parent}, process {process.pid}.")
        # One of another machine that had our lock is dead, or we would not have the lock.
        if process and process.alive is None and not (found.get("locked") and shared):
            cancelled = f"scancel --name={found['jobs']}; " if found.get("jobs") else ""
            sys.exit(
                f"A run of {file.parent} was started on {process.host}, process {process.pid}, "
                f"and did not end. If it is dead: {cancelled}rm {file}, and the same command again."
            )


def main() -> None:
    """Make way for a head of `make run`, which holds its lock, before it opens Snakemake's.

    Called with the folder of results and the name of the run. Exit status 1 where another head is
    at work, or may be. Else jobs that a dead head of this run left on a cluster are cancelled.
    """
    results, run = Path(sys.argv[1]), sys.argv[2]
    if any((results.parent / ".snakemake/locks").glob("*")):
        _refuse_beside_another(results)
    file = results / run / NAME
    process = process_in(file)
    if process and process.alive and _read(file).get("jobs"):  # a bare snakemake with --nolock
        sys.exit(f"Another run is at work: {file.parent}, process {process.pid}.")
    try:
        _cancel_jobs_in(file)
    except LimbeckError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
