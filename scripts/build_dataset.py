"""Put frames and labels together, split by group, as HDF5 and extended XYZ."""

import logging
from pathlib import Path

from limbeck import cli, datasets, storage
from limbeck.files import write_json


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--labels", nargs="+", required=True, help="their labels (.h5)")
    parser.add_argument("--output-folder", required=True)
    args = parser.parse_args()
    settings, folder = args.settings, Path(args.output_folder)
    label_set = settings["label_set"]
    frames = storage.read_many(args.frames)
    labels = datasets.concatenate_labels([storage.read_labels(p, label_set) for p in args.labels])
    parts = datasets.build(frames, labels, datasets.split_as(frames, settings))
    for part, data in parts.items():
        storage.write_frames(
            folder / f"{part}.h5",
            data.frames,
            stage="build_dataset",
            settings=settings,
            labels={label_set: data.labels},
        )
        storage.write_extxyz(folder / f"{part}.extxyz", data.frames, data.labels)
    counts = datasets.counts(frames, labels, parts)
    write_json(folder / "counts.json", counts)
    logging.info("%s", counts)


if __name__ == "__main__":
    cli.run(main)
