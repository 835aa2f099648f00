"""Runs that faults are injected into: what a whole run left, and copies of it to break."""

import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import bits
from faults.strikes import FUNCTIONS, HOOKS, Strike
from workspaces import MAKE, PARTS, copy_for_make

CONFIG = "tests/config/faults.yaml"
RUN = "results/faults"
PATIENCE = 300  # s; a command that has not ended by then hangs
OTHER = ("temperature_K: 300", "temperature_K: 900")
#: up to where the run of the edited config goes
OTHER_TARGETS = (f"{RUN}/students/emt/direct-tiny/seed1/model", f"{RUN}/selected/1.h5")
#: what a message of the project looks like; or of Snakemake's, of an output that it may not remove
MESSAGES = re.compile(
    r"^(?:.*\s)?(?:error: |ERROR ).+|^The config is not valid:.*|^Another run is at work.*"
    r"|^OSError: \[Errno 30\] Read-only file system: '.+'",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Job:
    """A job of a run, as Snakemake remembers it."""

    rule: str
    outputs: tuple[str, ...]
    inputs: frozenset[str]
    command: str
    log: str

    @property
    def words(self) -> tuple[str, ...]:
        """What its Python is called with."""
        return tuple(shlex.split(self.command.split(" > ")[0])[1:])

    @property
    def script(self) -> str:
        return self.words[0]


@dataclass(frozen=True)
class Place:
    """A function that a job calls, and how often."""

    job: Job
    function: str
    calls: int


class Finished:
    """A folder in which a run has ended well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def jobs(self) -> list[Job]:
        """All jobs, from Snakemake's records."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for path in (self.folder / ".snakemake/metadata").rglob("*"):
            if path.is_file():
                record = json.loads(path.read_text())
                if not record.get("shellcmd"):
                    continue
                key = (record["rule"], record["shellcmd"])
                job = found.setdefault(key, record | {"outputs": []})
                job["outputs"].append(_decoded(path, self.folder))
        return [
            Job(r["rule"], tuple(sorted(r["outputs"])), frozenset(r["input"]), c, r["log"][0])
            for (_, c), r in sorted(found.items(), key=lambda item: sorted(item[1]["outputs"]))
        ]

    def job(self, output: str) -> Job:
        """The job that makes a file, or a folder that the file is in."""
        for job in self.jobs:
            if any(output == o or output.startswith(o + "/") for o in job.outputs):
                return job
        raise LookupError(f"no job makes {output}")

    def of(self, *rules: str) -> list[Job]:
        """Jobs of these rules."""
        return [job for job in self.jobs if job.rule in rules]

    def behind(self, outputs: Iterable[str]) -> list[Job]:
        """Jobs that make these files, and all that these need."""
        todo, found = list(outputs), {}
        while todo:
            try:
                job = self.job(todo.pop())
            except LookupError:  # a file of the repository
                continue
            if job.outputs not in found:
                found[job.outputs] = job
                todo.extend(job.inputs)
        return list(found.values())

    def after(self, jobs: Sequence[Job]) -> list[Job]:
        """These jobs, and all that need what they make."""
        found = list(jobs)
        for job in found:
            made = set(job.outputs)
            found.extend(j for j in self.jobs if j.inputs & made and j not in found)
        return found

    @cached_property
    def places(self) -> list[Place]:
        """Where jobs can be struck: counted in the run itself."""
        path = self.folder.parent / "calls.jsonl"
        by_words = {job.words: job for job in self.jobs}
        found: dict[tuple[tuple[str, ...], str], Place] = {}
        for line in map(json.loads, path.read_text().splitlines()):
            job = by_words.get(tuple(line["words"]))
            # how often the speed is measured is a matter of time
            if job and job.rule != "measure_speed":
                # the later count is right: labels were made once more, with batch plans there
                place = Place(job, line["function"], line["call"])
                found[job.outputs, line["function"]] = place
        return [found[key] for key in sorted(found) if found[key].calls]


def _decoded(path: Path, folder: Path) -> str:
    """The output whose record a file of .snakemake/metadata is."""
    encoded = "".join(path.relative_to(folder / ".snakemake/metadata").parts)
    return base64.b64decode(encoded.replace("@", "")).decode()


@dataclass(frozen=True)
class Reference:
    """A run that nothing interrupted, and one of the edited config up to its data sets."""

    cold: Finished
    hot: Finished

    @classmethod
    def make(cls, repository: Path, folder: Path, *targets: str) -> "Reference":
        """Make both in ``folder``, or take those that an earlier call has made there.

        Args:
            targets: how far the runs go; to their ends where none is given.
        """
        cold, hot, done = folder / "cold", folder / "hot", folder / "done"
        code = _digest(repository)
        if not done.exists() or done.read_text() != code:
            done.unlink(missing_ok=True)
            for old in (cold, hot):
                shutil.rmtree(old, ignore_errors=True)
            cold.mkdir(parents=True)
            copy_for_make(repository, cold)
            first = Workspace(cold, None)
            counting = [Strike("", f, "count", where=w, name=f) for f, w in FUNCTIONS.items()]
            _well(first.call(*targets, make=True, strikes=counting, patience=1800))
            subprocess.run(["cp", "-a", str(cold), str(hot)], check=True)
            other = Workspace(hot, cls(Finished(cold), Finished(cold)))
            # with batch plans there, labels ask less often than they did in the first run
            labels = Finished(cold).of("label_frames")
            other.remove(*labels)
            for job in labels:
                _well(other.by_hand(job.command, counting))
            with open(folder / "calls.jsonl", "w") as handle:
                for workspace in (first, other):
                    handle.write((workspace.private / "strikes.log").read_text())
            other.edit(*OTHER)
            _well(other.call(*(targets or OTHER_TARGETS), patience=1800))
            done.write_text(code)
        return cls(Finished(cold), Finished(hot))


def _digest(repository: Path) -> str:
    """What tells one state of the code from another, whose runs say nothing of it."""
    digest = hashlib.sha256()
    for part in (*PARTS, *MAKE):
        path = repository / part
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(repository)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _well(call: "Call") -> None:
    if call.code:
        raise RuntimeError(f"the reference run failed:\n{call.text[-3000:]}\n{call.said}")


@dataclass(frozen=True)
class Call:
    """A command that has ended.

    Attributes:
        text: what it said itself; ``said``: what its jobs wrote into their logs meanwhile.
    """

    code: int
    text: str
    said: str
    seconds: float

    @property
    def message(self) -> str | None:
        """The project's own words of what went wrong; None where there are none."""
        for text in (self.said, self.text):
            found = list(MESSAGES.finditer(text))
            if found:
                return text[found[-1].start() :].strip()[:2000]
        return None

    @property
    def end(self) -> str:
        """Its last words, where it has no message."""
        last = [line for line in (self.said or self.text).splitlines() if line.strip()][-1:]
        return f"exit {self.code}: {last[0][:200] if last else 'nothing said'}"


@dataclass
class Workspace:
    """A copy of a finished run, to be broken and mended.

    Attributes:
        folder: of the copy; beside it stands one for strikes and logs.
        reference: what right results are.
    """

    folder: Path
    reference: Reference | None
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def private(self) -> Path:
        path = self.folder.with_name(f"{self.folder.name}.private")
        path.mkdir(exist_ok=True)
        return path

    @classmethod
    def of(cls, reference: Reference, folder: Path) -> "Workspace":
        """A fresh copy of the uninterrupted run."""
        for old in (folder, folder.with_name(f"{folder.name}.private")):
            shutil.rmtree(old, ignore_errors=True)
        subprocess.run(["cp", "-a", str(reference.cold.folder), str(folder)], check=True)
        return cls(folder, reference)

    def path(self, name: str) -> Path:
        return self.folder / name

    def edit(self, old: str, new: str) -> None:
        """Change the config."""
        config = self.path(CONFIG)
        text = config.read_text()
        if old not in text:
            raise LookupError(f"{CONFIG}: has no {old!r}")
        config.write_text(text.replace(old, new))

    def remove(self, *jobs: Job, store: bool = True) -> None:
        """Remove what jobs made, and what was made of that; and the labels that are kept."""
        assert self.reference
        for job in self.reference.cold.after(jobs):
            for name in job.outputs:
                path = self.path(name)
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        if store:
            shutil.rmtree(self.path("results/label_store"), ignore_errors=True)

    def environment(self, strikes: Sequence[Strike] = ()) -> dict[str, str]:
        """Of commands in this folder; with strikes, the hook is armed with them."""
        python = os.pathsep.join([str(HOOKS), str(self.path("scripts"))])
        search = os.pathsep.join([str(self.path(".venv/bin")), os.environ["PATH"]])
        here = {"PYTHONPATH": python, "PATH": search, "OMP_NUM_THREADS": "1"}
        if strikes:
            plan = self.private / f"strikes{len(list(self.private.glob('strikes*.json')))}.json"
            plan.write_text(json.dumps([vars(strike) for strike in strikes]))
            here |= {"FAULTS_PLAN": str(plan), "FAULTS_LOG": str(self.private / "strikes.log")}
        return os.environ | here

    def strikes(self, name: str | None = None) -> list[dict[str, Any]]:
        """What has struck so far."""
        path = self.private / "strikes.log"
        lines = [json.loads(x) for x in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if name in (None, line["name"])]

    def command(self, *targets: str, make: bool = False, unlock: bool = False) -> list[str]:
        """The command of a run, as ``make run`` calls it, or that itself."""
        if make:
            # what make does not know it hands on
            return ["make", "run", f"CONFIG={CONFIG}", f"CORES={' '.join(['2', *targets])}"]
        words = ["snakemake", "--configfile", CONFIG, "--cores", "2", "--resources", "gpu=1"]
        return [*words, "--rerun-incomplete", "--", *targets]

    def start(
        self, *command: str, strikes: Sequence[Strike] = (), log: str = "call"
    ) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own; all sessions are ended by :meth:`end`."""
        with open(self.private / f"{log}{len(self.started)}.log", "wb") as handle:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(strikes),
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process.log = Path(handle.name)  # type: ignore[attr-defined]
        process.begin = time.time()  # type: ignore[attr-defined]
        self.started.append(process)
        return process

    def ended(self, process: subprocess.Popen[bytes], patience: float = PATIENCE) -> Call:
        """Wait for a command; one that hangs is killed, with the exit status of `timeout`."""
        try:
            code = process.wait(patience)
        except subprocess.TimeoutExpired:
            kill_session(process.pid)
            process.wait()
            code = 124
        began: float = process.begin  # type: ignore[attr-defined]
        text = process.log.read_text(errors="replace")  # type: ignore[attr-defined]
        return Call(code, text, self._said_since(began), time.time() - began)

    def _said_since(self, began: float) -> str:
        logs = [p for p in self.path(f"{RUN}/logs").rglob("*.log") if p.stat().st_mtime >= began]
        logs.sort(key=lambda p: p.stat().st_mtime)
        return "\n".join(p.read_text(errors="replace") for p in logs)

    def call(
        self,
        *targets: str,
        make: bool = False,
        strikes: Sequence[Strike] = (),
        patience: float = PATIENCE,
    ) -> Call:
        """The same command as ever, to its end."""
        return self.ended(self.start(*self.command(*targets, make=make), strikes=strikes), patience)

    def by_hand(
        self, command: str, strikes: Sequence[Strike] = (), patience: float = PATIENCE
    ) -> Call:
        """A job's own command line, typed by a person: what it says goes to the screen."""
        words = command.split(" > ")[0]
        self._give_settings(words)
        return self.ended(self.start("bash", "-c", f"exec {words}", strikes=strikes), patience)

    def _give_settings(self, words: str) -> None:
        """What a job of another config is told, which a person would have beside the command."""
        found = re.search(r"--settings (\S+/settings/\S+)", words)
        if self.reference is None or found is None or self.path(found[1]).exists():
            return
        for run in (self.reference.cold, self.reference.hot):
            if (run.folder / found[1]).exists():
                shutil.copyfile(run.folder / found[1], self.path(found[1]))
                return

    def differences(self, *targets: str, right: Finished | None = None) -> list[str]:
        """What is not as it should be behind ``targets``; of the whole run where none is named."""
        assert self.reference
        right = right or self.reference.cold
        jobs = right.behind(targets) if targets else right.jobs
        names = [n for job in jobs for o in job.outputs for n in files_of(right.folder, o)]
        wrong = bits.different(right.folder, self.folder, names)
        return wrong + [f"left over: {name}" for name in self.left_over()]

    def left_over(self) -> list[str]:
        """Half-made files and folders that nobody is at work on any more.

        What a job found damaged and moved aside is none: it said so.
        """
        known = {".snakemake_timestamp", ".lock"}
        hidden = (p for p in self.path("results").rglob(".*") if p.name not in known)
        found = (p for p in hidden if p.suffix != ".unfit")
        return sorted(p.relative_to(self.folder).as_posix() for p in found)

    def end(self) -> None:
        """Kill whatever is left of all that was started here."""
        for process in self.started:
            kill_session(process.pid)
            process.wait()
        for line in self.strikes():
            _kill_if_ours(line["pid"], self.folder)

    def discard(self) -> None:
        """End all, and remove the folder."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.private, ignore_errors=True)


def files_of(folder: Path, output: str) -> list[str]:
    path = folder / output
    return [f"{output}/{name}" for name in bits.files(path)] if path.is_dir() else [output]


def kill_session(leader: int) -> None:
    """Kill all processes of a session."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == leader:
                    os.kill(int(entry.name), 9)
            except (ProcessLookupError, PermissionError):
                pass


def _kill_if_ours(pid: int, folder: Path) -> None:
    """Kill a struck process that works in a folder of ours (its number may be another's by now)."""
    try:
        if Path(f"/proc/{pid}/cwd").resolve() == folder.resolve():
            os.kill(pid, 9)
    except (OSError, ProcessLookupError):
        pass
