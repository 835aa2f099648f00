"""Energies of single atoms by a potential, of every element among the selected frames."""

import logging

import numpy as np

from limbeck import cli, storage
from limbeck.config.jobs import EvaluateIsolatedAtoms
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads

log = logging.getLogger("isolated_atoms")


def main() -> None:
    """Read the elements of the frames, ask the potential, write."""
    parser = cli.parser(__doc__, EvaluateIsolatedAtoms)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames, .h5")
    parser.add_argument("--output", required=True, help="energies by element, .json")
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames)
    job = args.settings
    use_threads(job.threads)
    from limbeck.config.sections.known import SYMBOLS
    from limbeck.labelling.isolated_atoms import isolated_energies
    from limbeck.potentials.opening import opened

    parts = [np.unique(frames.numbers) for frames in storage.stream(args.frames)]
    elements = [SYMBOLS[z - 1] for z in np.unique(np.concatenate(parts)).tolist()]
    potential = opened(job)
    energies = isolated_energies(potential, elements)
    about = potential.about.described()
    found = {"potential": about["name"], "about": about, "energies_eV": energies}
    write_json(args.output, found, recipe=recipe)
    log.info("%s", energies)


if __name__ == "__main__":
    cli.run(main)
