"""Copies of the workflow, so that no test meets the results of a run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

#: all that Snakemake reads
PARTS = ("Snakefile", "config", "envs", "resources", "scripts", "slurm", "tests/config", "workflow")
#: and what make reads besides
MAKE = ("Makefile", "pyproject.toml", "requirements.lock")
Snakemake = Callable[..., subprocess.CompletedProcess[str]]


def copy_workflow(repository: Path, folder: Path) -> Path:
    """A copy of all that Snakemake reads."""
    for part in PARTS:
        source, target = repository / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copyfile(source, target)
    return folder


def copy_for_make(repository: Path, folder: Path) -> Path:
    """A copy in which make finds the environment of these tests, and installs nothing."""
    copy_workflow(repository, folder)
    for part in MAKE:
        shutil.copyfile(repository / part, folder / part)
    environment = folder / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        (environment / part.name).symlink_to(part)
    stamp = environment / ".ready"
    stamp.unlink(missing_ok=True)
    stamp.touch()  # younger than the files copied above
    return folder


def snakemake_in(workspace: Path) -> Snakemake:
    """Call Snakemake in the workspace: ``snakemake("-n", "--configfile", ...)``."""
    python = Path(sys.executable).parent

    def call(*arguments: object, path: str = "") -> subprocess.CompletedProcess[str]:
        search = os.pathsep.join(filter(None, [path, str(python), os.environ["PATH"]]))
        return subprocess.run(
            [str(python / "snakemake"), *map(str, arguments)],
            cwd=workspace,
            env=os.environ | {"PATH": search},
            capture_output=True,
            text=True,
            check=False,
        )

    return call
