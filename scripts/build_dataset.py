"""Put frames and labels together, split by group, as HDF5 and extended XYZ."""

import logging
from pathlib import Path

from limbeck import cli, storage
from limbeck.config.jobs import BuildDataset
from limbeck.datasets.atom_energies import complain, fit_atoms
from limbeck.datasets.export import write_parts
from limbeck.datasets.split import (
    build,
    empty_tests,
    in_training,
    split_as,
    split_counts,
    validated_by,
)
from limbeck.files import write_json, write_sums
from limbeck.gate.outliers import judged


def main() -> None:
    parser = cli.parser(__doc__, BuildDataset)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--labels", nargs="+", required=True, help="their labels (.h5)")
    parser.add_argument("--output-folder", required=True)
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames, *args.labels)
    job, folder = args.settings, Path(args.output_folder)
    label_set = job.label_set
    frames = storage.read_many(args.frames)
    labels = judged(frames, storage.read_many_labels(args.labels, label_set))
    indices = split_as(frames, job)
    parts = build(frames, labels, indices)
    made = {"stage": "build_dataset", "settings": job.model_dump(), "recipe": recipe}
    write_parts(folder, parts, label_set, **made)
    found = split_counts(frames, labels, parts)
    found["validated_by"] = validated_by(frames, indices)
    found["origins"] = job.origins
    if len(parts["train"]):
        fit = fit_atoms(parts["train"])
        complain(fit)
        found |= {"undetermined_elements": fit.undetermined, "energies_start_from": fit.start}
    write_json(folder / "counts.json", found, recipe=recipe)
    write_sums(folder)
    logging.info("%s", found)
    for sentence in empty_tests(job.dataset, parts):
        logging.warning("%s", sentence)
    if job.dataset.split_by == "group" and found["near_copies"]:
        logging.warning("%s", in_training(found["near_copies"]))


if __name__ == "__main__":
    cli.run(main)
