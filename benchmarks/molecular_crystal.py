"""CPU seconds of everything that samples a molecular crystal, by stage.

``OMP_NUM_THREADS=1 python benchmarks/molecular_crystal.py [urea.xyz]``

The crystal is relaxed at constant volume; 500 fs of dynamics at constant pressure in steps of 1 fs,
a frame every 25 fs; force constants; 20 frames along each mode at Gamma from 0.1 to 8 THz; clusters
of one to eight molecules of every frame. All of them get energies, forces and MACE descriptors. In
the supercells of 128 atoms an atom is 10 A or more from its nearest image.
"""

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from ase.io import read

from limbeck.config.config import Config
from limbeck.config.jobs import ExtractSubsystems, SampleFrames
from limbeck.config.load import resolve
from limbeck.frames import Frames, concatenate, from_atoms
from limbeck.molecules.subsystems import extract_subsystems
from limbeck.phonons.calculation import force_constants
from limbeck.phonons.record import write_crystal
from limbeck.potentials import open_potential
from limbeck.potentials.opening import opened
from limbeck.preparation.relaxation import relax
from limbeck.sampling import Sample, sample
from limbeck.sampling.annotate import annotate

CONFIG = Path("config/molecular_crystal.yaml")
KEEP = ["energy", "forces", "descriptors"]
CELL = {"supercell_radius_A": 10, "relax_input_cell": "none", "potential": "mace-urea"}
DYNAMICS = {
    "method": "md",
    "sources": ["urea"],
    "ensemble": "NPT",
    "time_total_fs": 500,
    "time_equilibration_fs": 0,
    "time_step_fs": 1,
    "sampling_interval_fs": 25,
    "keep": KEEP,
    **CELL,
}
PHONONS = {
    "method": "phonons",
    "sources": ["urea"],
    "force_constants": "urea",
    "draw": "mode_scan",
    "keep": KEEP,
}
CLUSTERS = {
    "of": ["md", "phonons"],
    "rule": "closest_to_central_molecule",
    "n_molecules": list(range(1, 9)),
    "potential": "mace-urea",
    "keep": KEEP,
}
SPENT: dict[str, float] = {}


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the CPU time of what is inside to :data:`SPENT`."""
    start = time.process_time()
    yield
    SPENT[name] = SPENT.get(name, 0.0) + time.process_time() - start


def resolved() -> Config:
    """The config of this benchmark, with the defaults for all else."""
    import yaml

    given = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    return resolve(
        {
            "run": "benchmark",
            "sources": given["sources"],
            "potentials": {"mace-urea": given["potentials"]["mace-urea"]},
            "force_constants": {"urea": {"sources": ["urea"], "imaginary_modes": "drop", **CELL}},
            "sampling": {"md": DYNAMICS, "phonons": PHONONS},
            "subsystems": {"clusters": CLUSTERS},
            "select": {"include": ["clusters"]},
            "warrant": {"teachers": ["mace-urea"]},
        }
    )


def of_urea(config: Config) -> dict[str, Any]:
    """What jobs of this benchmark have in common."""
    potential = config.potentials["mace-urea"]
    compute = {"device": "cpu", "threads": torch.get_num_threads()}
    return {"potential": potential, **compute, "seed": 1, "source": "urea", "shard": 0}


def force_constants_of(crystal: Frames, config: Config, folder: Path) -> None:
    """Force constants in the folder of the crystal."""
    potential = open_potential(config.potentials["mace-urea"])
    own = config.force_constants["urea"]
    (found,) = force_constants(crystal, potential, own, seed=1, name="urea")
    if found.reason:
        sys.exit(f"no force constants: {found.reason}")
    write_crystal(folder / crystal.id[0].decode(), found)


def clusters_of(made: Sample, config: Config, sampling: str) -> Frames:
    """Clusters of all frames of a sampling, with what the potential says of them."""
    own = config.subsystems["clusters"]
    job = ExtractSubsystems(sampling=sampling, subsystem=own, **of_urea(config))
    return annotate(extract_subsystems(made.frames, job).frames, opened(job), own.keep)


def main() -> None:
    """Print CPU seconds by stage, and the largest memory."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    config = resolved()
    path = sys.argv[1] if len(sys.argv) > 1 else config.sources["urea"].path
    start = from_atoms([read(path)], groups=["urea"], source="urea")
    potential = open_potential(config.potentials["mace-urea"])
    with stage("relaxation"):
        relaxed = relax(start, potential, "constant_volume", force_tolerance=0.001, steps=500)
    with stage("dynamics"):
        job = SampleFrames(sampling=config.sampling["md"], **of_urea(config))
        md = sample(relaxed.frames, job)
    with TemporaryDirectory() as folder:
        with stage("force constants"):
            force_constants_of(relaxed.frames, config, Path(folder))
        with stage("phonon frames"):
            own = config.sampling["phonons"]
            job = SampleFrames(sampling=own, force_constants=folder, **of_urea(config))
            modes = sample(relaxed.frames, job)
    with stage("clusters"):
        cut = concatenate([clusters_of(md, config, "md"), clusters_of(modes, config, "phonons")])
    print("| stage | CPU seconds |\n|---|---|")
    for name, seconds in {**SPENT, "all": sum(SPENT.values())}.items():
        print(f"| {name} | {seconds:.1f} |")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made = f"{len(md.frames)} frames of dynamics and {len(modes.frames)} along modes"
    print(f"\n{made}, of {md.frames.n_atoms[0]} atoms each;")
    print(f"{len(cut)} clusters of {len(cut.numbers)} atoms; largest memory {memory:.0f} MiB")


if __name__ == "__main__":
    main()
