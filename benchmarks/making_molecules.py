"""How fast molecules are made beside bare RDKit, and how fast structures are screened.

The same molecules of up to 12 heavy atoms by turns: made by Limbeck from a list of SMILES with all
its checks, and by RDKit alone (ETKDGv3, one conformer, MMFF94); processor time, medians over the
rounds. Then screening, of those molecules and of urea as a crystal. Run it alone on the machine:
``OMP_NUM_THREADS=1 python benchmarks/making_molecules.py``
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
from ase.io import read  # noqa: E402
from rdkit import Chem, rdBase  # noqa: E402
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers  # noqa: E402

from limbeck.config.jobs import GenerateStructures  # noqa: E402
from limbeck.config.sections.screen import Screen  # noqa: E402
from limbeck.config.sections.sources import MoleculeSource  # noqa: E402
from limbeck.frames import Frames, from_atoms  # noqa: E402
from limbeck.structures import generate  # noqa: E402
from limbeck.structures.building.molecules.species import Limits  # noqa: E402
from limbeck.structures.building.molecules.templates import from_templates  # noqa: E402
from limbeck.structures.screening import screen  # noqa: E402


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--molecules", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    limits = Limits(n_heavy=(1, 12), charges=(0, 0))
    every = from_templates(limits, np.random.default_rng(0))
    per_second = rate(lambda: list(islice(every, args.molecules)), args.molecules)
    print(f"put together from templates, without conformers: {per_second:.0f} a second")
    # the same for both: molecules that MMFF94 has parameters for
    known = [s for s in islice(every, 2 * args.molecules) if has_parameters(s)][: args.molecules]
    job = job_of(known)
    ours, bare = [], []
    for _ in range(args.rounds):
        bare.append(rate(lambda: [alone(s) for s in known], len(known)))
        ours.append(rate(lambda: generate(job), len(known)))
    frames, rejected = generate(job)
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    print(f"{len(known)} molecules of a list: {len(frames)} made, {len(rejected)} refused")
    print(
        f"made: {statistics.median(ours):.0f} a second, bare RDKit "
        f"{statistics.median(bare):.0f}, ratio {statistics.median(ratios):.2f}"
    )
    urea = read(ROOT / "resources" / "crystals" / "urea.cif")
    crystals = []
    for seed in range(args.molecules):
        crystals.append(urea.copy())
        crystals[-1].rattle(0.02, seed=seed)
    groups = ["urea"] * len(crystals)
    for name, some in {
        "molecules": frames,
        "crystals of urea": from_atoms(crystals, groups=groups, source="s"),
    }.items():
        print(f"screened: {screened(some, args.rounds):.0f} {name} a second")


def rate(work: Callable[[], object], count: int) -> float:
    """So many a second of processor time."""
    start = time.process_time()
    work()
    return count / (time.process_time() - start)


def screened(frames: Frames, rounds: int) -> float:
    """Median rate."""
    return statistics.median(
        rate(lambda: screen(frames, Screen()), len(frames)) for _ in range(rounds)
    )


def job_of(smiles: list[str]) -> GenerateStructures:
    """One shard of a list."""
    with tempfile.NamedTemporaryFile("w", suffix=".smi", delete=False) as file:
        file.write("\n".join(smiles) + "\n")
    source = MoleculeSource(
        name="m", kind="molecules", count=len(smiles), smiles=file.name, n_heavy=[1, 12]
    )
    return GenerateStructures(seed=1, shard=0, source=source)


def has_parameters(smiles: str) -> bool:
    """Whether MMFF94 knows the molecule, and it can be embedded."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    return bool(rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol))


def alone(smiles: str) -> None:
    """What anybody does with RDKit."""
    with rdBase.BlockLogs():
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        parameters = rdDistGeom.ETKDGv3()
        parameters.randomSeed = 1
        if rdDistGeom.EmbedMolecule(mol, parameters) == 0:
            rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=5000)


if __name__ == "__main__":
    main()
