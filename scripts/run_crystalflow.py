"""Crystals by CrystalFlow, in its environment: of formulas, or of whatever it comes to.

It is run from a clone and has no seed. Of several formulas in one call it makes the first alone, so
that each has a call of its own; structures that pymatgen refuses leave gaps in the numbering; what
it makes without a formula it writes into the folder of its model, of which each call has one of
links. It counts the cores of the machine, which is told otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from generators import programs, rounds
from generators.structures import SYMBOLS, Structure, from_parameters, read_poscar

PROBE = "import lightning, hydra, torch_scatter, pymatgen, pyxtal, chemparse, p_tqdm"


class Program(NamedTuple):
    """The clone, and the folder of the model."""

    clone: Path
    model: Path


def prepare(job: dict[str, Any]) -> tuple[Program, str]:
    """Find CrystalFlow and its model."""
    own = job["generator"]
    clone = programs.repository(own, "scripts/sample.py")
    programs.probe(PROBE, clone)
    model = programs.weights(own["weights"], own["sha256"])
    return Program(clone, model), programs.commit_of(clone)


def ask(asked: rounds.Ask, program: Program) -> dict[str, list[Structure | None]]:
    """Call it once for each formula, or once for all."""
    # its scripts import its package, which need not be installed
    variables = dict(asked.variables, PYTHONPATH=str(program.clone))
    variables.update(PROJECT_ROOT=str(program.clone))
    variables.update(HYDRA_JOBS=str(asked.folder), WANDB_DIR=str(asked.folder))
    # torch from 2.6 on refuses its checkpoint, a pickle whose hash was compared
    variables.update(TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1")
    made: dict[str, list[Structure | None]] = {}
    failed: list[str] = []
    for number, (formula, count) in enumerate(asked.wanted.items()):
        folder = asked.folder / str(number)
        folder.mkdir()
        model = programs.private_copy(program.model, folder / "model")
        seeded: dict[str, Any] = {"seed": asked.seed + number, "threads": asked.threads}
        if asked.device == "cpu":
            seeded["map_location"] = "cpu"
        of = _of_formula if formula else _de_novo
        try:
            made[formula] = of(asked, program, model, count, formula, variables, seeded)
        except programs.Failed as error:  # one formula that cannot be made costs no other
            failed.append("{}: {}".format(formula or "de novo", error))
            print(failed[-1], flush=True)
    if failed and not any(made.values()):
        raise programs.Failed("; ".join(failed))
    return made


def _of_formula(
    asked: rounds.Ask,
    program: Program,
    model: Path,
    count: int,
    formula: str,
    variables: dict[str, str],
    seeded: dict[str, Any],
) -> list[Structure | None]:
    out = model.parent / "out"
    words = [str(program.clone / "scripts/sample.py"), "-m", str(model), "-d", str(out)]
    words += ["-f", formula, "-n", str(count), "-B", str(asked.settings["batch_size"])]
    words += ["-N", str(asked.settings["steps"])]
    words += ["--anneal_coords", "--anneal_slope", str(asked.settings["anneal_slope"])]
    programs.call(words, model.parent, variables, seeded)
    return [read_poscar(path, formula) for path in programs.numbered(out / "vasp", "*.vasp")]


def _de_novo(
    asked: rounds.Ask,
    program: Program,
    model: Path,
    count: int,
    formula: str,
    variables: dict[str, str],
    seeded: dict[str, Any],
) -> list[Structure | None]:
    own, size = asked.settings, min(asked.settings["batch_size"], count)
    words = [str(program.clone / "scripts/generation.py"), "-m", str(model)]
    words += ["--dataset", own["sizes_of"], "-B", str(size), "-S", str(-(-count // size))]
    words += ["-N", str(own["steps"]), "--label", "limbeck"]
    programs.call(words, model.parent, variables, seeded)
    out = model / "eval_gen_limbeck.pt"
    return list(_read(out)) if out.is_file() else []


def _read(path: Path) -> list[Structure | None]:
    """Structures of the file that the program wrote just now, in a folder of this job alone."""
    import torch

    found = torch.load(str(path), map_location="cpu", weights_only=False)
    rows: list[Structure | None] = []
    start = 0
    for number, n_atoms in enumerate(found["num_atoms"].tolist()):
        atoms = slice(start, start + n_atoms)
        start += n_atoms
        numbers = found["atom_types"][atoms].tolist()
        symbols = [SYMBOLS[z] if 0 < z < len(SYMBOLS) else "X" for z in numbers]
        lengths, angles = found["lengths"][number].tolist(), found["angles"][number].tolist()
        fractions = found["frac_coords"][atoms].tolist()
        cell, positions = from_parameters(lengths, angles, fractions)
        rows.append(Structure(symbols, positions, cell))
    return rows


if __name__ == "__main__":
    rounds.main(__doc__, prepare, ask)
