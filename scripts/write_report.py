"""Write the report of a run: one page in HTML, its figures as PNG, its numbers as CSV."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.config.config import Config
from limbeck.files import write_sums
from limbeck.report.run.folder import open_run
from limbeck.report.sections import write_report


def main() -> None:
    """Read the command line and the results, write the page."""
    parser = cli.parser(__doc__, Config)
    parser.add_argument("--results", type=Path, required=True, help="folder results/{run}")
    parser.add_argument("--output-folder", type=Path, required=True, help="folder of the report")
    args = parser.parse_args()
    write_report(open_run(args.results, args.settings), args.output_folder)
    write_sums(args.output_folder)
    logging.info("report: %s", args.output_folder / "index.html")


if __name__ == "__main__":
    cli.run(main)
