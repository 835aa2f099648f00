"""Molecules by MolDiff, in its environment: heavy atoms and their bonds.

Its device is cuda:7 if it is told none. Its seed is one of the config plus the letters of the
output folder, which has the same name in all calls. It may end well with no molecule, or with more
than were asked for; ``traj_i.sdf`` are ways to a molecule, and none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from generators import programs, rounds
from generators.structures import Structure, read_molfile

PROBE = "import torch, torch_geometric, easydict, rdkit, yaml, torch.utils.tensorboard"


class Program(NamedTuple):
    """The clone, the checkpoint, and that of the bond predictor, which guides it."""

    clone: Path
    checkpoint: Path
    bond_predictor: Path | None


def prepare(job: dict[str, Any]) -> tuple[Program, str]:
    """Find MolDiff and its weights."""
    own = job["generator"]
    clone = programs.repository(own, "scripts/sample_drug3d.py")
    programs.probe(PROBE, clone)
    checkpoint, bonds = programs.weights(own["weights"], own["sha256"]), None
    if own["bond_predictor"]:
        bonds = programs.weights(own["bond_predictor"], own["bond_predictor_sha256"])
    return Program(clone, checkpoint, bonds), programs.commit_of(clone)


def ask(asked: rounds.Ask, program: Program) -> dict[str, list[Structure | None]]:
    """Call it once. It is run in its clone, which it imports from and writes nothing into."""
    own, size = asked.settings, min(asked.settings["batch_size"], asked.total)
    config: dict[str, Any] = {"model": {"checkpoint": str(program.checkpoint)}}
    config["sample"] = {"seed": asked.seed, "batch_size": size, "num_mols": asked.total}
    config["sample"]["save_traj_prob"] = 0.0
    if program.bond_predictor:
        config["bond_predictor"] = str(program.bond_predictor)
        config["sample"]["guidance"] = ["uncertainty", own["guidance_factor"]]
    (asked.folder / "cfg.yml").write_text(json.dumps(config), encoding="utf-8")  # YAML, as it is
    # it imports from where it stands: links in the work folder keep the output there
    for part in ("models", "utils", "scripts"):
        (asked.folder / part).symlink_to(program.clone / part)
    words = ["scripts/sample_drug3d.py", "--outdir", "out", "--config", "cfg.yml"]
    words += ["--device", "cuda:0" if asked.device == "cuda" else "cpu"]
    words += ["--batch_size", str(size)]
    seeded: dict[str, Any] = {"seed": asked.seed, "threads": asked.threads}
    if own["n_heavy_atoms"]:
        seeded["sizes"] = own["n_heavy_atoms"]
    variables = dict(asked.variables, TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1")
    programs.call(words, asked.folder, variables, seeded)
    paths = programs.numbered(asked.folder, "out/*_SDF/*.sdf")
    return {"": [read_molfile(path.read_text(encoding="utf-8")) for path in paths]}


if __name__ == "__main__":
    rounds.main(__doc__, prepare, ask)
