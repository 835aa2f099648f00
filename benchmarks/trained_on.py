"""Labels of orb-demo on what it was trained on and on what it never saw, against CHGNet.

Displaced frames (``rattled`` of config/demo_models.yaml) of structures in its list and of others of
that run: mean absolute errors of the forces as given, in one random view, and of the mean of 12,
and by how much the last differs from the first, with its interval over groups. Five minutes:
``OMP_NUM_THREADS=1 python benchmarks/trained_on.py``
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
os.chdir(ROOT)

import numpy as np  # noqa: E402

from limbeck.averaging.views import Views  # noqa: E402
from limbeck.config.config import Config  # noqa: E402
from limbeck.config.jobs import GenerateStructures, SampleFrames  # noqa: E402
from limbeck.config.load import load  # noqa: E402
from limbeck.frames import Frames, concatenate  # noqa: E402
from limbeck.labelling.label import label  # noqa: E402
from limbeck.labelling.trained_on import trained_ids, was_trained_on  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.sampling import sample  # noqa: E402
from limbeck.structures import generate  # noqa: E402
from limbeck.warrant.on_frames import drawn_together  # noqa: E402
from limbeck.warrant.statistics import ratio  # noqa: E402

SAMPLING, VIEWS = "rattled", 12


def main() -> None:
    """Make the frames, label them, print a row for each source and kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100, help="most of each kind and source")
    args = parser.parse_args()
    made = load("config/demo_models.yaml")
    section = load("config/config.yaml").potentials["orb-demo"]
    teacher = open_potential(section)
    reference = open_potential({"name": "chgnet", "model": "chgnet"})
    listed = trained_ids(section.trained_on)
    print("| frames | number | groups | as given | one view | mean of 12 | mean less as given |")
    print("|---|---|---|---|---|---|---|")
    for source in made.sources:
        frames = displaced(made, source)
        own = was_trained_on(frames, listed)
        for name, of_kind in (("trained on", own), ("never seen", ~own)):
            some = np.flatnonzero(of_kind)
            rng = np.random.default_rng(0)
            some = np.sort(rng.choice(some, min(args.frames, len(some)), replace=False))
            chosen = frames.select(some)
            right = label(reference, chosen, Views()).forces
            given, one, mean = (
                np.abs(label(teacher, chosen, views).forces - right).mean(axis=1) * 1e3
                for views in (Views(), Views(1), Views(VIEWS))
            )
            together, ones = drawn_together(chosen), np.ones(len(mean))
            of_atoms = together[chosen.frame_of_atom]
            change = ratio(mean - given, ones, of_atoms, signed=True).text()
            print(
                f"| {source}, {name} | {len(chosen)} | {len(np.unique(together))} "
                f"| {given.mean():.1f} | {one.mean():.1f} | {mean.mean():.1f} | {change} |",
                flush=True,
            )


def displaced(made: Config, source: str) -> Frames:
    """Frames of one source, of all its shards."""
    parts = []
    for shard in map(str, range(made.sources[source].shards)):
        structures, _ = generate(GenerateStructures.of(made, source=source, shard=shard))
        job = SampleFrames.of(made, sampling=SAMPLING, source=source, shard=shard)
        parts.append(sample(structures, job).frames)
    return concatenate(parts)


if __name__ == "__main__":
    main()
