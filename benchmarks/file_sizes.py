"""What a frame takes as frames, labels and entries of the store: bytes, memory and time.

Random frames of the plan's mean size (100 atoms) and of small ones, with energies, forces and
stresses of one label set with its spread; what ``docs/scale.md`` is reckoned from. Time is that of
the processor; memory is that of all arrays of frames and labels. An entry of the store is what one
view of as many frames as fit takes. ``OMP_NUM_THREADS=1 python benchmarks/file_sizes.py``
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from limbeck.frames import Frames, from_atoms  # noqa: E402
from limbeck.labelling.label import ENTRY_EVALUATIONS  # noqa: E402
from limbeck.labels import Labels  # noqa: E402
from limbeck.storage import read_frames, read_labels, write_entry, write_frames  # noqa: E402


def frames_of(n: int, atoms: int) -> Frames:
    """Frames without meaning: positions that no filter packs."""
    rng = np.random.default_rng(1)
    made = [
        Atoms(
            numbers=rng.integers(1, 30, atoms),
            positions=rng.uniform(0, 12, (atoms, 3)),
            cell=np.diag(rng.uniform(11, 13, 3)),
            pbc=True,
        )
        for _ in range(n)
    ]
    return from_atoms(made, groups=[f"g{i % 100}" for i in range(n)], source="random")


def labels_of(frames: Frames) -> Labels:
    """Random ones, as a potential with twelve views has them."""
    rng = np.random.default_rng(2)
    n, atoms = len(frames), int(frames.n_atoms.sum())
    values = {
        "energy": rng.normal(size=n),
        "forces": rng.normal(size=(atoms, 3)),
        "stress": rng.normal(size=(n, 6)),
        "energy_spread": rng.uniform(size=n),
        "forces_spread": rng.uniform(size=atoms),
    }
    status = np.zeros(n, np.uint8)
    return Labels(frames.id, frames.n_atoms, status, **values)


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def in_memory(frames: Frames, labels: Labels) -> int:
    """Bytes of all arrays."""
    own = [*vars(frames).values(), labels.id, labels.n_atoms, labels.status]
    own += [*labels.values.values(), *labels.spreads.values()]
    return sum(each.nbytes for each in own if isinstance(each, np.ndarray))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--atoms", type=int, nargs="+", default=[20, 100])
    args = parser.parse_args()
    print("atoms; kB of frames and of labels; us to write and to read both; kB in memory;")
    print("kB of an entry of the store, with one view and with twelve; ms to write and to read it")
    for atoms in args.atoms:
        frames = frames_of(args.frames, atoms)
        labels = labels_of(frames)
        with tempfile.TemporaryDirectory() as name:
            alone, both = Path(name, "alone.h5"), Path(name, "both.h5")
            write_frames(alone, frames, stage="select_frames")
            write = timed(
                lambda path=both, f=frames, own=labels: write_frames(
                    path, f, stage="label_frames", labels={"teacher": own}
                )
            )
            read = timed(lambda path=both: (read_frames(path), read_labels(path, "teacher")))
            of_frames = alone.stat().st_size
            of_labels = both.stat().st_size - of_frames
            entry = Path(name, "entry.h5")
            own = labels_of(frames.select([0]))
            write_entry(entry, "entry", own)
            of_entry = [entry.stat().st_size / 1e3]
            own = labels_of(frames.select(np.arange(ENTRY_EVALUATIONS // atoms)))
            entry = Path(name, "larger.h5")
            times = [
                timed(lambda e=entry, own=own: write_entry(e, "entry", own)),
                timed(lambda e=entry: read_labels(e, "entry")),
            ]
            of_entry.insert(0, entry.stat().st_size / 1e3)
        n = args.frames
        memory = in_memory(frames, labels)
        each = [of_frames / n / 1e3, of_labels / n / 1e3, 1e6 * write / n, 1e6 * read / n]
        each += [memory / n / 1e3, *of_entry, 1e3 * times[0], 1e3 * times[1]]
        print(f"{atoms:5d}", *(f"{value:9.2f}" for value in each))


if __name__ == "__main__":
    main()
