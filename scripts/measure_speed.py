"""Measure the speed of teachers and students, in turn, on the same frames."""

import logging
from pathlib import Path

from limbeck import cli, storage
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads

FRAMES = 48  # enough to fill the largest batch with small structures


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--models", nargs="*", default=[], help="students' model folders")
    parser.add_argument("--output", required=True, help="the speeds (.json)")
    args = parser.parse_args()
    settings = args.settings
    use_threads(settings["threads"])
    from limbeck.potentials import open_potential
    from limbeck.potentials.speed import measure_speed
    from limbeck.students.handover import open_student
    from limbeck.warrant.gaps import choose

    frames = choose(storage.read_many(args.frames), FRAMES)
    device = settings["device"]
    models = [(open_potential(p, device=device), "teacher") for p in settings["potentials"]]
    for folder in args.models:
        seed, student, label_set = list(Path(folder).parents)[:3]
        name = f"{label_set.name}/{student.name}/{seed.name}"
        models.append((open_student(folder, device=device, name=name), "student"))
    speeds = [measure_speed(model, frames, kind=kind) for model, kind in models]
    write_json(args.output, {"models": speeds, "threads": settings["threads"], "device": device})
    for speed in speeds:
        logging.info("%(name)s: %(atoms_per_second).0f atoms/s", speed)


if __name__ == "__main__":
    cli.run(main)
