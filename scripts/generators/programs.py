"""How a program is called: whether it is there, with which seed, and where it may write."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: longest time that an import takes, s: of a cold file system of a cluster
PATIENCE_S = 600


class Stop(Exception):
    """The job cannot be done: a message for its user."""


class Failed(Exception):
    """A call of the program made nothing: why."""


def environment(threads: int, device: str, folder: Path, **more: str) -> dict[str, str]:
    """Variables of a program: its threads, its device, a folder of its own for temporary files.

    Programs take a graphics card if they see one. What the caller's Python imports is left out.
    """
    names = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
    found = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    found.update({f"{name}_NUM_THREADS": str(threads) for name in names})
    found.update(TMPDIR=str(folder), PYTHONNOUSERSITE="1", PYTHONHASHSEED="0", **more)
    if device == "cpu":
        found["CUDA_VISIBLE_DEVICES"] = ""
    return found


def probe(code: str, where: Path | None = None) -> str:
    """What a line of Python prints, in this environment.

    Raises:
        Stop: it fails, as where a package is not there.
    """
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=variables,
        cwd=None if where is None else str(where),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Stop(f"{sys.executable} cannot run it: {last}")
    return (done.stdout.strip().splitlines() or [""])[-1]


def call(
    words: Sequence[str], folder: Path, variables: dict[str, str], seeded: dict | None = None
) -> None:
    """Run a Python program in a folder; what it says goes to the log of the job.

    Args:
        words: the program and its arguments.
        seeded: options of :mod:`generators.seeded`, where it has no seed of its own.

    Raises:
        Failed: it ends with an error.
    """
    before = [] if seeded is None else [str(HERE / "seeded.py"), json.dumps(seeded)]
    command = [sys.executable, *before, *words]
    print("+ {}".format(" ".join(command)), flush=True)
    done = subprocess.run(command, cwd=str(folder), env=variables, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failed(f"the program ended with status {done.returncode}")


def repository(settings: dict[str, Any], script: str) -> Path:
    """The clone of a program that is run from one; ``script`` is in it.

    Raises:
        Stop: it is not there.
    """
    given = settings.get("repository")
    installed = Path(sys.prefix, "share", settings["program"])
    found = Path(given).absolute() if given else installed
    if not (found / script).is_file():
        where = "of its field repository" if given else "where its environment is to have it"
        raise Stop(f"{found}: no {script} there, {where}")
    return found


def commit_of(folder: Path) -> str:
    """The commit of a clone; empty where it tells none."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:  # no git here
        return ""
    return done.stdout.strip()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder, as ``limbeck hash`` prints it."""
    if path.is_dir():
        parts = [p for p in sorted(path.rglob("*")) if p.is_file()]
        lines = [f"{p.relative_to(path).as_posix()} {sha256_of(p)}\n" for p in parts]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    found = hashlib.sha256()
    with open(str(path), "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def weights(path: str, sha256: str | None) -> Path:
    """The weights, which are those that they are to be: they are pickles, and run what is in them.

    Raises:
        Stop: they are not there, or others.
    """
    found = Path(path).absolute()
    if not found.exists():
        raise Stop(
            f"{path}: no weights there; `snakemake fetch_weights` gets them, or says "
            "where they are (docs/generators.md)"
        )
    now = sha256_of(found)
    if sha256 is None or now != sha256:
        raise Stop(f"{path}: its SHA-256 is {now}, expected {sha256}")
    return found


def private_copy(folder: Path, to: Path) -> Path:
    """A folder of links to the files of another: what a program writes there harms none."""
    for part in sorted(folder.rglob("*")):
        if part.is_file():
            link = to / part.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(part.resolve())
    return to


def numbered(folder: Path, pattern: str) -> list[Path]:
    """Files with numbers as names, in the order of these, whatever numbers there are."""
    return sorted((p for p in folder.glob(pattern) if p.stem.isdigit()), key=lambda p: int(p.stem))
