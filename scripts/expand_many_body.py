"""One-body, two-body and further terms of the energies of clusters, by a label set."""

import csv
import logging
from collections.abc import Iterator
from pathlib import Path

from limbeck import cli, storage
from limbeck.config.jobs import ExpandManyBody
from limbeck.errors import LimbeckError
from limbeck.files import write_csv
from limbeck.molecules.many_body import columns, expand
from limbeck.reasons import Status

log = logging.getLogger("expand_many_body")


def read_fragments(paths: list[Path]) -> Iterator[dict[str, str]]:
    """Rows of the tables that extract_subsystems wrote."""
    for path in paths:
        try:
            with open(path, newline="", encoding="utf-8") as handle:
                yield from csv.DictReader(handle)
        except OSError as error:
            raise LimbeckError(f"{path}: not readable: {error}") from error


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
