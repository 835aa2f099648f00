"""Add the labelled frames of a round to the training set of the round before."""

import logging
from pathlib import Path

from limbeck import cli, storage
from limbeck.config.jobs import ExtendDataset
from limbeck.config.sections.datasets import PARTS
from limbeck.datasets.atom_energies import complain, fit_atoms
from limbeck.datasets.export import write_parts
from limbeck.datasets.split import Dataset, read_part, split_counts
from limbeck.files import write_json, write_sums
from limbeck.rounds.extend import extended, joined


def main() -> None:
    parser = cli.parser(__doc__, ExtendDataset)
    parser.add_argument("--parts", nargs=len(PARTS), required=True, help="the data set (.h5)")
    parser.add_argument("--frames", required=True, help="new frames (.h5)")
    parser.add_argument("--labels", required=True, help="their labels (.h5)")
    parser.add_argument("--output-folder", type=Path, required=True)
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.parts, args.frames, args.labels)
    job, folder = args.settings, args.output_folder
    old = {name: read_part(path, job.before) for name, path in zip(PARTS, args.parts, strict=True)}
    new = Dataset(storage.read_frames(args.frames), storage.read_labels(args.labels, job.labels))
    parts, new = extended(old, new)
    made = {"stage": "extend_dataset", "settings": job.model_dump(), "recipe": recipe}
    write_parts(folder, parts, job.label_set, **made)
    whole = joined([*old.values(), new])
    found = split_counts(whole.frames, whole.labels, parts)
    fit = fit_atoms(parts["train"])
    complain(fit)
    found |= {"undetermined_elements": fit.undetermined, "energies_start_from": fit.start}
    write_json(folder / "counts.json", found, recipe=recipe)
    write_sums(folder)
    logging.info("%s", found)


if __name__ == "__main__":
    cli.run(main)
