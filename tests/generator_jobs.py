"""Scripts of generators, run as a rule runs them, in the environments of stand-ins."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stand_ins
from limbeck.check.seal import read_sealed
from limbeck.config.jobs import RunGenerator
from limbeck.config.load import resolve

SCRIPTS = Path(__file__).parents[1] / "scripts"


def config_of(**generator: Any) -> dict[str, Any]:
    """A config with one generator, ``g``."""
    return {
        "run": "t",
        "generators": {"g": generator},
        "sources": {"made": {"kind": "generated", "generator": "g", "count": 100}},
        "potentials": {"lj": {"model": "lj"}},
        "labels": {"lj": {"potential": "lj"}},
        "select": {"include": ["generated"], "count": 10},
        "dataset": {"split_by": "frame"},
    }


@dataclass
class Done:
    """What a script left.

    Attributes:
        status, log: of the process.
        folder: with what it wrote.
    """

    status: int
    log: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        """What became of it."""
        return read_sealed(self.folder / "made.json")

    @property
    def path(self) -> Path:
        """The file of the structures."""
        return next(self.folder.glob("structures.*"))

    @property
    def kept(self) -> bytes:
        """The structures, as they are written."""
        return self.path.read_bytes()


def run(folder: Path, python: Path | str, *faults: str, shard: int = 0, **generator: Any) -> Done:
    """Run the script of a generator of the config in this folder; paths start there."""
    folder.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        config = resolve(config_of(**generator))
        job = RunGenerator.of(config, generator="g", shard=str(shard))
    finally:
        os.chdir(before)
    out = folder / str(shard)
    out.mkdir(exist_ok=True)
    (folder / "job.json").write_text(job.text())
    kind = "sdf" if config.generators["g"].about.molecules else "extxyz"
    words = [python, SCRIPTS / f"run_{generator['program']}.py", "--settings", "job.json"]
    words += ["--recipe", "0" * 16, "--structures", out / f"structures.{kind}"]
    done = subprocess.run(
        [*map(str, words), "--output", str(out / "made.json")],
        cwd=folder,
        env=stand_ins.with_faults(*faults),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, out)


def calls(python: Path) -> list[dict[str, Any]]:
    """How the stand-in of an environment was called."""
    path = python.parents[1] / "calls.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]
