"""Make the data of a study of another field than frames of atoms, or read them from a file."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.check.recipe import digest
from limbeck.config.jobs import MakeStudyData

log = logging.getLogger("make_study_data")


def main() -> None:
    """Make the pairs, write data.h5."""
    parser = cli.parser(__doc__, MakeStudyData)
    parser.add_argument(
        "--recipe", help="what the file is made of; of the settings where not given"
    )
    parser.add_argument("--output", type=Path, required=True, help="the pairs (.h5)")
    args = parser.parse_args()
    from limbeck.seeds import generator
    from limbeck.studies.registry import open_study
    from limbeck.studies.study import write_data

    job = args.settings
    study = open_study(job.study)
    data = study.data(generator(job.seed, f"studies/{job.study.name}/data"))
    recipe = args.recipe or digest(job.text(), [])
    write_data(args.output, data, {"stage": "make_study_data", "recipe": recipe})
    log.info("%d %s", len(data), study.noun)


if __name__ == "__main__":
    cli.run(main)
