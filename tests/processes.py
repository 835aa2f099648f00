"""Heads (Snakemake's main processes), the jobs that they start, and what both are doing."""

import time
from collections.abc import Callable
from typing import Any

import psutil


def descendants(pid: int) -> list[psutil.Process]:
    """Children of a process, their children, and so on."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def command(process: psutil.Process) -> list[str]:
    """Its command line, empty where it has none, or one word only."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return []
    return words if len(words) > 1 else []


def head_among(processes: list[psutil.Process]) -> psutil.Process | None:
    """Snakemake's main process (not the call that unlocks)."""
    for process in processes:
        words = command(process)
        if "--rerun-incomplete" in words and words[1].endswith("/snakemake"):
            return process
    return None


def is_job(process: psutil.Process) -> bool:
    """Whether it is a script of the pipeline."""
    words = command(process)
    return bool(words) and words[1].startswith("scripts/") and words[1].endswith(".py")


def status(process: psutil.Process) -> str:
    """What it does; dead where it is no more."""
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return psutil.STATUS_DEAD


def at_work(process: psutil.Process) -> bool:
    """Whether it is alive, frozen or not."""
    return status(process) not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def until(condition: Callable[[], Any], what: str, patience: float) -> Any:
    """Wait for something to be true, and return it.

    Raises:
        TimeoutError: it did not become true within ``patience`` seconds.
    """
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"waited {patience:g} s in vain for {what}")
