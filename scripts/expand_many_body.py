"""One-body, two-body and further terms of the energies of clusters, by a label set."""

import csv
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from limbeck import cli, storage
from limbeck.check.sums import require, sums_path
from limbeck.config.jobs import ExpandManyBody
from limbeck.errors import LimbeckError
from limbeck.files import write_csv
from limbeck.molecules.many_body import columns, expand
from limbeck.molecules.subsystems import FRAGMENT_COLUMNS
from limbeck.reasons import Status

log = logging.getLogger("expand_many_body")


def read_fragments(paths: list[Path]) -> Iterator[dict[str, str]]:
    """Rows of the tables that extract_subsystems wrote.

    Raises:
        LimbeckError: a table is missing, not as it was written, or has a number out of range.
    """
    for path in paths:
        sums = sums_path(path.parent, path.name.removesuffix(".fragments.csv"))
        if sums.exists():  # a person may have moved the table
            require(sums, path.name)
        try:
            with open(path, newline="", encoding="utf-8") as handle:
                for number, row in enumerate(csv.DictReader(handle), start=1):
                    _check(row, f"{path}: row {number}")
                    yield row
        except (OSError, ValueError) as error:
            raise LimbeckError(f"{path}: not readable: {error}") from error


def _check(row: dict[str, str], where: str) -> None:
    lacking = [name for name in FRAGMENT_COLUMNS if not row.get(name)]
    if lacking:
        raise LimbeckError(f"{where}: no {lacking[0]}; remove it and run again")
    for name in ("n_molecules", "order"):
        if not re.fullmatch("[1-9][0-9]{0,3}", row[name]):
            raise LimbeckError(
                f"{where}: {name}: {row[name]!r}, expected a whole number of at least 1; remove "
                "it and run again"
            )


def main() -> None:
    """Read which cluster has which fragments, and their energies; write the terms."""
    parser = cli.parser(__doc__, ExpandManyBody)
    parser.add_argument("--fragments", type=Path, nargs="+", required=True, help="tables, .csv")
    parser.add_argument("--labels", type=Path, nargs="+", required=True, help="labels, .h5")
    parser.add_argument("--output", type=Path, required=True, help="a row for each cluster, .csv")
    args = parser.parse_args()
    cli.recipe(args, *args.fragments, *args.labels)  # the table has no header to keep it in
    order = args.settings.many_body_order

    energies: dict[str, float] = {}
    for path in args.labels:
        labels = storage.read_labels(path, args.settings.label_set)
        good = labels.status == Status.GOOD
        names = [name.decode() for name in labels.id[good].tolist()]
        energies.update(zip(names, labels.energy[good].tolist(), strict=True))
    rows, lacking = expand(read_fragments(args.fragments), energies, order)
    write_csv(args.output, columns(order), rows)
    log.info("%d clusters; %d more lack a label of theirs or of a fragment", len(rows), lacking)


if __name__ == "__main__":
    cli.run(main)
