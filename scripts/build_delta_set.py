"""Put frames and the difference of two label sets together, split, as HDF5 and for MACE."""

import logging
from pathlib import Path

from limbeck import cli, storage
from limbeck.config.jobs import BuildDeltaSet
from limbeck.config.written import AtomEnergies, as_written
from limbeck.datasets import delta
from limbeck.datasets.atom_energies import complain, fit_atoms
from limbeck.datasets.export import write_parts
from limbeck.datasets.split import build, split_as, split_counts
from limbeck.files import read_json, write_json, write_sums
from limbeck.gate.outliers import judged

log = logging.getLogger("build_delta_set")


def main() -> None:
    """Read frames and both labels, subtract, split as all data sets are, write."""
    parser = cli.parser(__doc__, BuildDeltaSet)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames, .h5")
    parser.add_argument("--baseline", nargs="+", required=True, help="labels, .h5")
    parser.add_argument("--target", nargs="+", required=True, help="labels, .h5")
    parser.add_argument(
        "--atoms", nargs="*", help="energies of single atoms, baseline and target, .json"
    )
    parser.add_argument("--output-folder", type=Path, required=True)
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames, *args.baseline, *args.target, *(args.atoms or []))
    job, folder = args.settings, args.output_folder

    frames = storage.read_many(args.frames)
    baseline, target = (
        judged(frames, storage.read_many_labels(paths, name))
        for name, paths in (
            (job.delta.baseline, args.baseline),
            (job.delta.target, args.target),
        )
    )
    labels = delta.difference(baseline, target)
    parts = build(frames, labels, split_as(frames, job))
    undetermined: list[str] = []
    if job.delta.atoms == "fit":
        fit = fit_atoms(parts["train"])
        atoms, undetermined = fit.energies, fit.undetermined
        complain(fit)
    else:
        of_baseline, of_target = (
            as_written(AtomEnergies, read_json(path), path).energies_eV for path in args.atoms
        )
        atoms = delta.less(of_target, of_baseline)
    found = split_counts(frames, labels, parts) | {
        "atom_energies_eV": atoms,
        "undetermined_elements": undetermined,
    }
    for part, data in parts.items():
        found[part] |= delta.sizes(data, atoms)
    made = {"stage": "build_delta_set", "settings": job.model_dump(), "recipe": recipe}
    write_parts(folder, parts, job.delta.name, single_atoms=atoms, **made)
    write_json(folder / "counts.json", found, recipe=recipe)
    write_sums(folder)
    log.info("%s", found)


if __name__ == "__main__":
    cli.run(main)
