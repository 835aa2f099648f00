"""Crystals by MatterGen, in its environment.

It has no seed (its issue 256): it gets one of its own where the installed version takes ``--seed``,
or else the generators of random numbers are seeded before it begins. Its CIFs pass through files in
/tmp that all jobs of a machine share, its extended XYZ does not. Properties that are asked for are
ignored at its default guidance of 0, which the config does not allow.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from generators import programs, rounds
from generators.structures import Structure, read_extxyz

PROBE = (
    "import inspect, mattergen.scripts.generate as g;"
    "print('seed' in inspect.signature(g.main).parameters)"
)


class Program(NamedTuple):
    """The installed MatterGen: its command, whether that takes a seed, the option of its weights,
    and its clone, if there is one."""

    command: str
    takes_seed: bool
    weights: str
    clone: Path


def prepare(job: dict[str, Any]) -> tuple[Program, str]:
    """Find MatterGen and its weights."""
    folder = str(Path(sys.executable).parent)
    takes_seed = programs.probe(PROBE) == "True"
    command = shutil.which("mattergen-generate", path=folder)
    if command is None:
        raise programs.Stop(f"{folder}: no mattergen-generate there")
    clone = Path(sys.prefix, "share", "mattergen")
    return Program(command, takes_seed, _weights(job), clone), programs.commit_of(clone)


def _weights(job: dict[str, Any]) -> str:
    """The option that says which: those at a path, or those that `snakemake fetch_weights` got.

    It could download them itself, but what is in a pickle is run, and none would compare it.
    """
    own, fetched = job["generator"], job["fetched"]
    if own["sha256"]:
        return "--model_path={}".format(programs.weights(own["weights"], own["sha256"]))
    for name, sha256 in fetched["files"].items():
        programs.weights("{}/{}".format(fetched["folder"], name), sha256)
    return "--model_path={}".format(Path(fetched["folder"]).absolute())


def ask(asked: rounds.Ask, program: Program) -> dict[str, list[Structure | None]]:
    """Call it once, for whole batches."""
    own, size = asked.settings, min(asked.settings["batch_size"], asked.total)
    words = [program.command, str(asked.folder), program.weights]
    words += [f"--batch_size={size}", f"--num_batches={-(-asked.total // size)}"]
    words += ["--record_trajectories=False"]
    if (program.clone / "sampling_conf").is_dir():  # a package without its clone lacks it
        words += ["--sampling_config_path={}".format(program.clone / "sampling_conf")]
    if asked.conditions:
        properties = repr(asked.conditions).replace(" ", "")  # as python-fire reads it
        words += [f"--properties_to_condition_on={properties}"]
        words += ["--diffusion_guidance_factor={}".format(own["guidance_factor"])]
    if own["steps"]:
        words += ['--sampling_config_overrides=["sampler_partial.N={}"]'.format(own["steps"])]
    if program.takes_seed:
        words += [f"--seed={asked.seed}"]
    seeded = {"seed": asked.seed, "threads": asked.threads}
    programs.call(words, asked.folder, asked.variables, seeded)
    made = asked.folder / "generated_crystals.extxyz"
    return {"": list(read_extxyz(made)) if made.is_file() else []}


if __name__ == "__main__":
    rounds.main(__doc__, prepare, ask)
