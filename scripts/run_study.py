"""Train and ask the nets of a study of another field than frames of atoms, and judge."""

import logging
from contextlib import ExitStack
from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import RunStudy
from limbeck.files import write_csv, write_json
from limbeck.potentials.threads import use_threads

log = logging.getLogger("run_study")


def main() -> None:
    """Read the pairs; write results.json, answers.h5, metrics.csv, tile.png, and a GIF if asked."""
    parser = cli.parser(__doc__, RunStudy)
    parser.add_argument("--data", type=Path, required=True, help="the pairs (.h5)")
    parser.add_argument("--output-folder", type=Path, required=True, help="folder of the study")
    args = parser.parse_args()
    job, folder = args.settings, args.output_folder
    use_threads(job.threads)
    recipe = cli.recipe(args, args.data)
    from limbeck.students.logs import curves
    from limbeck.studies.registry import open_study
    from limbeck.studies.run import run_study, write_answers
    from limbeck.studies.study import read_data
    from limbeck.studies.tile import draw_gif, draw_tile
    from limbeck.studies.words import sentences

    with ExitStack() as stack:
        shown = stack.enter_context(curves(job.study.log_to, folder)) if job.study.log_to else None

        def told(arm: str, step: int, loss: float) -> None:
            if shown:
                shown.add({"epoch": step, arm: loss})

        found = run_study(open_study(job.study), read_data(args.data), job.device, told)
    write_csv(folder / "metrics.csv", ("seed", "arm", "step", "loss"), found.curves)
    write_answers(folder / "answers.h5", found, recipe)
    draw_tile(folder / "tile.png", found.results)
    if job.study.gif:
        draw_gif(folder / "tile.gif", [found.results])
    write_json(folder / "results.json", found.results, recipe=recipe)
    for sentence in sentences(found.results):
        log.info("%s", sentence)


if __name__ == "__main__":
    cli.run(main)
