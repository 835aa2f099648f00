"""What labels and gaps cost, against the bare model and against an ASE user's loop.

On 500 frames of the demo's chemistry (molecules, rocksalts of 8 atoms, copper clusters of 4 to 13),
displaced. Same frames, same model, one thread; each pair of calls in turn, several rounds; prints
the median ratio and its range. Run it alone on the machine:
``OMP_NUM_THREADS=1 python benchmarks/labelling.py chgnet orb-demo``
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
from batches_against_ase import loop  # noqa: E402
from turns import header, ratios, row, seconds  # noqa: E402

from limbeck import storage  # noqa: E402
from limbeck.averaging.views import Views  # noqa: E402
from limbeck.config.config import Config  # noqa: E402
from limbeck.config.jobs import GenerateStructures  # noqa: E402
from limbeck.config.load import load  # noqa: E402
from limbeck.frames import Frames, concatenate, derive  # noqa: E402
from limbeck.labelling.label import label  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.potentials.batch_plan import use_plan  # noqa: E402
from limbeck.structures import generate  # noqa: E402
from limbeck.warrant.gaps import measure_gaps  # noqa: E402

FRAMES = 500
GAP_FRAMES, GAP_VIEWS = 200, 8
VIEWS = 12


def mixed(config: Config, kinds: tuple[str, ...]) -> Frames:
    """500 displaced frames of the demo's sources, in a mixed order."""
    parts = []
    for source in config.sources.values():
        if source.kind in kinds:
            whole = source.model_copy(update={"shards": 1})
            parts.append(generate(GenerateStructures(seed=1, shard=0, source=whole))[0])
    roots = concatenate(parts)
    rng = np.random.default_rng(1)
    parents = roots.select(rng.integers(len(roots), size=FRAMES))
    moved = parents.positions + rng.normal(0, 0.05, parents.positions.shape)
    return derive(parents, moved, parents.cell, sampling="rattled", seed=1)


def bare(potential: Any, frames: Frames) -> None:
    """The model and its neighbour lists, batch by batch, and nothing else."""
    for index in potential.batches(frames):
        potential.evaluate(potential.prepare(frames.select(index)))


def labelled(potential: Any, frames: Frames, views: Views) -> None:
    """Labels as ``scripts/label_frames.py`` makes them, from file to file."""
    with tempfile.TemporaryDirectory() as folder:
        storage.write_frames(Path(folder) / "frames.h5", frames, stage="benchmark")
        read = storage.read_frames(Path(folder) / "frames.h5")
        found = label(potential, read, views, max_force=100.0)
        storage.write_labels(Path(folder) / "labels.h5", "benchmark", found)


def files(potential: Any, frames: Frames) -> float:
    """Seconds to write labels and to read them."""
    found = label(potential, frames, Views(), max_force=100.0)
    with tempfile.TemporaryDirectory() as folder:

        def there_and_back() -> None:
            storage.write_labels(Path(folder) / "labels.h5", "benchmark", found)
            storage.read_labels(Path(folder) / "labels.h5", "benchmark")

        return seconds(there_and_back)


def measure(name: str, config: Config, rounds: int) -> None:
    """The rows of one potential."""
    potential = open_potential(config.potentials[name])
    # CHGNet's own calculator knows crystals alone
    kinds = ("pymatgen",) if potential.about.model == "chgnet" else ("rdkit", "pymatgen", "ase")
    frames = mixed(config, kinds)
    with tempfile.TemporaryDirectory() as plans:
        use_plan(potential, frames, plans, threads=1)
    few = frames.select(np.arange(GAP_FRAMES))
    every_view = few.select(np.repeat(np.arange(GAP_FRAMES), GAP_VIEWS))

    def own() -> None:
        labelled(potential, frames, Views())

    def model() -> None:
        bare(potential, frames)

    row(f"{name}: ASE loop / labels", ratios(lambda: loop(potential, frames), own, rounds), "1.1")
    row(f"{name}: bare model / labels", ratios(model, own, rounds), "0.9")
    many = ratios(lambda: labelled(potential, frames, Views(random=VIEWS)), own, rounds)
    row(f"{name}: {VIEWS} views / one view", many, f"< {VIEWS}")
    gap = ratios(
        lambda: measure_gaps([potential], few, ["rotation"], GAP_VIEWS),
        lambda: bare(potential, every_view),
        rounds,
    )
    row(f"{name}: rotation gap / its {len(every_view)} evaluations", gap, "< 1.2")
    share = [files(potential, frames) / seconds(own) for _ in range(rounds)]
    row(f"{name}: writing and reading labels / labels", share, "< 0.03")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potentials", nargs="+", help="names of config/config.yaml")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    config = load(ROOT / "config" / "config.yaml")
    header()
    for name in args.potentials:
        measure(name, config, args.rounds)


if __name__ == "__main__":
    main()
