"""Read the labels of the frames of one slice from the files that these were read from."""

import logging

from limbeck import cli, storage
from limbeck.config.jobs import ReadLabels
from limbeck.config.written import LabelsOfFile, as_written
from limbeck.errors import LimbeckError
from limbeck.files import read_json
from limbeck.labels import counts_of

log = logging.getLogger(__name__)


def main() -> None:
    parser = cli.parser(__doc__, ReadLabels)
    parser.add_argument("--input", required=True, help="selected frames (.h5)")
    parser.add_argument("--found", required=True, help="what check_file_labels found (.json)")
    parser.add_argument("--output", required=True, help="labels (.h5)")
    args = parser.parse_args()
    recipe, job = cli.recipe(args, args.input, args.found), args.settings
    from limbeck.labelling.reading import read_labels

    told = as_written(LabelsOfFile, read_json(args.found), args.found)
    if told.label_set != job.label_set.name:
        raise LimbeckError(f"{args.found}: of {told.label_set}, expected {job.label_set.name}")
    found = read_labels(storage.read_frames(args.input), job, told)
    settings = job.model_dump(mode="json")
    storage.write_labels(args.output, job.label_set.name, found, settings=settings, recipe=recipe)
    summary = ", ".join(f"{n} {meaning}" for meaning, n in counts_of(found.status).items() if n)
    log.info("%d frames: %s", len(found), summary or "none")


if __name__ == "__main__":
    cli.run(main)
