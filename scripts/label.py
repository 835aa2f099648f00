"""Label the frames of one slice with a potential, averaged over views."""

import logging
import time
from dataclasses import replace

import numpy as np

from limbeck import cli, labels, storage
from limbeck.threads import use_threads


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("--input", required=True, help="selected frames (.h5)")
    parser.add_argument("--output", required=True, help="labels (.h5)")
    args = parser.parse_args()
    settings = args.settings
    use_threads(settings["threads"])
    from limbeck.potentials import open_potential

    frames = storage.read_frames(args.input)
    potential = open_potential(settings["potential"], device=settings["device"])
    start = time.perf_counter()
    found = labels.label(
        potential,
        frames,
        views=settings["views"],
        max_force=settings["max_force_eV_per_A"],
    )
    seconds = time.perf_counter() - start
    attrs = labels.provenance(potential, settings)
    storage.write_labels(args.output, settings["label_set"], replace(found, attrs=attrs))
    counts = np.bincount(found.status, minlength=len(labels.STATUS))
    summary = ", ".join(f"{n} {labels.STATUS[i]}" for i, n in enumerate(counts) if n)
    logging.info("%d frames in %.1f s: %s", len(frames), seconds, summary or "none")


if __name__ == "__main__":
    cli.run(main)
