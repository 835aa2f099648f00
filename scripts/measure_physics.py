"""Measure what a teacher or a student makes of dynamics and crystals."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck import cli, storage
from limbeck.config.jobs import MeasurePhysics
from limbeck.datasets.split import split_as
from limbeck.files import read_json, write_json
from limbeck.potentials.threads import use_threads

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)


def main() -> None:
    parser = cli.parser(__doc__, MeasurePhysics)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument(
        "--structures", nargs="+", required=True, help="structures that the frames come from (.h5)"
    )
    parser.add_argument("--teacher", nargs="*", default=[], help="what its teacher's came to")
    parser.add_argument("--model", nargs="*", default=[], help="a student's folder")
    parser.add_argument("--output", type=Path, required=True, help="the figures (.json, .csv)")
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames, *args.structures, *args.teacher, *args.model)
    job = args.settings
    use_threads(job.threads)
    from limbeck.physics.figures import figure_rows, figures
    from limbeck.physics.measure import measure
    from limbeck.potentials.checkpoint import resumable
    from limbeck.warrant.gaps import structures_of
    from limbeck.warrant.tidy import write_table

    frames = storage.read_many(args.frames)
    parts = split_as(frames, job)
    # as the other bars: new chemistry, where a student may be worth nothing, only without known
    part = "test_known" if len(parts["test_known"]) else "test_new"
    frames = frames.select(parts[part])
    structures = structures_of(frames, storage.read_many(args.structures))
    teacher = read_json(args.teacher[0]) if args.teacher else None
    potential = opened(job, args.model)
    with resumable(args.output, recipe, device=job.device):
        checks = measure(
            potential,
            frames,
            structures,
            job.physics,
            seed=job.seed,
            teacher=teacher and teacher["checks"],
        )
    made = figures(checks, job.physics, teacher and teacher["checks"])
    names = {"model": job.name, "kind": "teacher" if job.potential else "student"}
    result: dict[str, Any] = names | {
        "set": part,
        "teacher": teacher["model"] if teacher else None,
        "about": potential.about.described(),
        "checks": checks,
        "figures": made,
    }
    write_json(args.output, result, recipe=recipe)
    subject, _, seed = job.name.partition("/seed")
    columns = {"subject": subject, "seed": seed, "kind": names["kind"], "set": part}
    write_table(args.output, figure_rows(made, **columns))
    for each in made:
        log.info("%(quantity)s %(condition)s: %(value)s %(unit)s %(lost)s%(failed)s", each)


def opened(job: MeasurePhysics, model: list[str]) -> "Potential[Any]":
    """The teacher of the job, or the student of a folder."""
    if job.potential is None:
        from limbeck.students.handover import open_student

        return open_student(model[0], device=job.device, name=job.name)
    from limbeck.potentials import open_potential

    return open_potential(job.potential, device=job.device)


if __name__ == "__main__":
    cli.run(main)
