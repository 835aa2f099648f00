"""Compare what students learned from label sets that cost the same number of teacher calls."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import CompareLabelSets
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads

log = logging.getLogger("compare_label_sets")


def main() -> None:
    parser = cli.parser(__doc__, CompareLabelSets)
    parser.add_argument("--results", type=Path, required=True, help="folder of the run")
    parser.add_argument("--output", type=Path, required=True, help="the comparison (.json, .csv)")
    arguments = parser.parse_args()
    use_threads(arguments.settings.threads)
    from limbeck.studies.frames.expectation import study_rows
    from limbeck.studies.frames.gathering import inputs_of, study
    from limbeck.studies.frames.words import answers
    from limbeck.warrant.tidy import write_table

    recipe = cli.recipe(arguments, *inputs_of(arguments.results, arguments.settings))
    found = study(arguments.results, arguments.settings)
    write_json(arguments.output, found, recipe=recipe)
    write_table(arguments.output, study_rows(found))
    for sentence in answers(found):
        log.info("%s", sentence)


if __name__ == "__main__":
    cli.run(main)
