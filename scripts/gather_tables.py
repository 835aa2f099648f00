"""Compare the students of all teachers of a study, by their frames and views."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import GatherTables
from limbeck.files import read_json, write_json

log = logging.getLogger("gather_tables")


def main() -> None:
    parser = cli.parser(__doc__, GatherTables)
    parser.add_argument("--tables", nargs="+", required=True, help="of each teacher (.json)")
    parser.add_argument("--output", type=Path, required=True, help="the comparison (.json, .csv)")
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.tables)
    from limbeck.studies.frames.table_results import results, table_rows
    from limbeck.studies.frames.table_words import answers
    from limbeck.warrant.tidy import write_table

    found = results([read_json(path) for path in args.tables])
    write_json(args.output, found, recipe=recipe)
    write_table(args.output, table_rows(found))
    for sentence in answers(found):
        log.info("%s", sentence)


if __name__ == "__main__":
    cli.run(main)
