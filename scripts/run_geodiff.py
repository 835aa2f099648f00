"""Conformers of molecules by GeoDiff, in its environment.

SMILES go in as a pickled list of its own. It skips the first 800 molecules and makes nothing of
fewer if it is not told otherwise; a molecule whose coordinates become NaN is missing from its
output; its seed is that of the training, in the file beside its checkpoint; it writes into the
folder of its model, of which each call has one of links; it loads a checkpoint where that was made.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from generators import programs, rounds
from generators.structures import Structure, read_molfile

PROBE = "import torch, torch_geometric, torch_scatter, easydict, rdkit, yaml"


class Program(NamedTuple):
    """The clone, and the checkpoint."""

    clone: Path
    checkpoint: Path


def prepare(job: dict[str, Any]) -> tuple[Program, str]:
    """Find GeoDiff and its weights."""
    own = job["generator"]
    clone = programs.repository(own, "test.py")
    programs.probe(PROBE, clone)
    checkpoint = programs.weights(own["weights"], own["sha256"])
    return Program(clone, checkpoint), programs.commit_of(clone)


def ask(asked: rounds.Ask, program: Program) -> dict[str, list[Structure | None]]:
    """Call it once for all SMILES of which as many conformers are wanted."""
    made: dict[str, list[Structure | None]] = {}
    failed = []
    for number, count in enumerate(sorted(set(asked.wanted.values()))):
        several = [smiles for smiles, n in asked.wanted.items() if n == count]
        folder = asked.folder / str(number)
        folder.mkdir()
        try:
            made.update(_conformers(asked, program, several, count, folder))
        except programs.Failed as error:
            failed.append(str(error))
    if failed and not any(made.values()):
        raise programs.Failed("; ".join(failed))
    return made


def _conformers(
    asked: rounds.Ask, program: Program, several: list[str], count: int, folder: Path
) -> dict[str, list[Structure | None]]:
    own, clone = asked.settings, program.clone
    known = _model(program.checkpoint, folder, asked.seed)
    data = list(_data(several, clone))
    if not data:
        raise programs.Failed("no SMILES that RDKit understands")
    with open(str(folder / "set.pkl"), "wb") as file:
        pickle.dump([entry for _, entry in data], file)
    words = [str(clone / "test.py"), str(known), "--test_set", str(folder / "set.pkl")]
    words += ["--start_idx", "0", "--end_idx", str(len(data)), "--num_confs", str(count)]
    words += ["--w_global", str(own["w_global"]), "--n_steps", str(own["steps"])]
    words += ["--device", asked.device]
    seeded: dict[str, Any] = {"seed": asked.seed, "threads": asked.threads}
    if asked.device == "cpu":
        seeded["map_location"] = "cpu"
    variables = dict(asked.variables, TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1")
    programs.call(words, folder, variables, seeded)
    made: dict[str, list[Structure | None]] = {}
    for path in (folder / "model").glob("sample_*/samples_all.pkl"):
        with open(str(path), "rb") as file:  # by this program, in a folder of this job alone
            results = pickle.load(file)
        for result in results:
            made.setdefault(result.smiles, []).extend(_structures(result, count))
    return made


def _model(checkpoint: Path, folder: Path, seed: int) -> Path:
    """The checkpoint in a folder of this call, whose settings have this seed."""
    import yaml

    model = folder / "model"
    (model / "checkpoints").mkdir(parents=True)
    settings = sorted(checkpoint.parent.parent.glob("*.yml"))
    if not settings:
        raise programs.Failed(f"{checkpoint.parent.parent}: no .yml there")
    found = yaml.safe_load(settings[0].read_text(encoding="utf-8"))
    found["train"]["seed"] = seed
    (model / settings[0].name).write_text(yaml.safe_dump(found), encoding="utf-8")
    link = model / "checkpoints" / checkpoint.name
    link.symlink_to(checkpoint)
    return link


def _data(several: list[str], clone: Path) -> Iterator[tuple[str, Any]]:
    """Each SMILES as the program reads it; nothing starts from its conformer."""
    if str(clone) not in sys.path:
        sys.path.insert(0, str(clone))
    from rdkit import Chem
    from rdkit.Chem import rdDepictor, rdDistGeom
    from utils.datasets import rdmol_to_data

    for smiles in several:
        mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            print(f"{smiles}: RDKit does not understand it", flush=True)
            continue
        mol = Chem.AddHs(mol)
        if rdDistGeom.EmbedMolecule(mol, randomSeed=1):
            rdDepictor.Compute2DCoords(mol)
        yield smiles, rdmol_to_data(mol, smiles=smiles)


def _structures(result: Any, count: int) -> list[Structure | None]:
    """The conformers of one molecule, [conformers x atoms, 3], Angstrom."""
    from rdkit import Chem

    rows = result.pos_gen.reshape(-1, result.rdmol.GetNumAtoms(), 3).tolist()
    found = []
    for positions in rows[:count]:
        mol = Chem.Mol(result.rdmol)
        conformer = mol.GetConformer()
        for i, row in enumerate(positions):
            conformer.SetAtomPosition(i, [float(x) for x in row])
        structure = read_molfile(Chem.MolToMolBlock(mol), result.smiles)
        # a molfile has four digits, and no NaN
        found.append(structure and structure._replace(positions=[tuple(row) for row in positions]))
    return found


if __name__ == "__main__":
    rounds.main(__doc__, prepare, ask)
