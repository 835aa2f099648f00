"""Compare the students of all rounds: their errors, and how far their dynamics get."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import CompareRounds
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads

log = logging.getLogger("compare_rounds")


def main() -> None:
    parser = cli.parser(__doc__, CompareRounds)
    parser.add_argument("--results", type=Path, required=True, help="folder of the run")
    parser.add_argument("--output", type=Path, required=True, help="the comparison (.json, .csv)")
    args = parser.parse_args()
    job = args.settings
    use_threads(job.threads)
    from limbeck.rounds.compare import compare, comparison_rows
    from limbeck.rounds.gathering import inputs_of, rounds_of, tests_of
    from limbeck.rounds.words import answers
    from limbeck.warrant.tidy import write_table

    recipe = cli.recipe(args, *inputs_of(args.results, job))
    found = compare(rounds_of(args.results, job), tests_of(args.results, job))
    found |= {name: getattr(job, name) for name in ("label_set", "student", "seeds")}
    write_json(args.output, found, recipe=recipe)
    write_table(args.output, comparison_rows(found, job.seeds))
    for sentence in answers(found):
        log.info("%s", sentence)


if __name__ == "__main__":
    cli.run(main)
