"""Judge the labels of a label set; always succeeds, so that the verdict is there to read."""

import logging

from limbeck import cli, storage
from limbeck.config.jobs import JudgeLabels
from limbeck.config.written import Criterion
from limbeck.diversity.measure import Diversity
from limbeck.files import write_json
from limbeck.gate.criteria import criteria
from limbeck.gate.speed import seconds_per_structure
from limbeck.gate.verdict import extended, verdict


def main() -> None:
    parser = cli.parser(__doc__, JudgeLabels)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--labels", nargs="+", required=True, help="their labels (.h5)")
    parser.add_argument("--reference", nargs="*", default=[], help="whose bonds are as they should")
    parser.add_argument("--structures", nargs="*", default=[], help="what frames were made from")
    parser.add_argument("--results", help="folder of the run, which has the times of its jobs")
    parser.add_argument("--output", required=True, help="the verdict (.json)")
    args = parser.parse_args()
    read = [*args.frames, *args.labels, *args.reference, *args.structures]
    recipe, job = cli.recipe(args, *read), args.settings
    labels = (storage.read_labels(path, job.label_set) for path in args.labels)
    seen = Diversity(job.n_environments)
    frames = storage.stream(args.frames)
    found = verdict(frames, labels, job.min_good_fraction, args.labels, seen.add)
    diversity = seen.result(storage.stream(args.reference), storage.stream(args.structures))
    seconds = {}
    if args.results and job.sources:
        seconds = seconds_per_structure(
            args.results, job.label_set, args.labels, job.sources, job.generators
        )
    more = criteria(job, diversity, found["ranges"], seconds)
    found = extended(found, more, job.on_no_go, job.fallback, job.less_generative)
    found |= {"diversity": diversity, "seconds_per_structure": seconds}
    write_json(args.output, found, recipe=recipe)
    for criterion in found["criteria"]:
        logging.info("%s", Criterion(**criterion).line())


if __name__ == "__main__":
    cli.run(main)
