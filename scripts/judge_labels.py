"""Judge the labels of a label set; always succeeds, so that the verdict is there to read."""

import logging

from limbeck import cli, storage
from limbeck.config.jobs import JudgeLabels
from limbeck.files import write_json
from limbeck.gate.verdict import verdict


def main() -> None:
    parser = cli.parser(__doc__, JudgeLabels)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--labels", nargs="+", required=True, help="their labels (.h5)")
    parser.add_argument("--output", required=True, help="the verdict (.json)")
    args = parser.parse_args()
    recipe, job = cli.recipe(args, *args.frames, *args.labels), args.settings
    labels = (storage.read_labels(path, job.label_set) for path in args.labels)
    found = verdict(storage.stream(args.frames), labels, job.min_good_fraction, args.labels)
    write_json(args.output, found, recipe=recipe)
    for criterion in found["criteria"]:
        logging.info("%(name)s of %(scope)s: %(value)s, at least %(threshold)s", criterion)


if __name__ == "__main__":
    cli.run(main)
