"""Choose the frames that a round adds, of those that the students made, or draw them at random."""

import logging
from pathlib import Path

from limbeck import cli, storage
from limbeck.config.jobs import ChooseFrames
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads

log = logging.getLogger("choose_frames")


def main() -> None:
    parser = cli.parser(__doc__, ChooseFrames)
    parser.add_argument("--candidates", required=True, help="frames to choose from (.h5)")
    parser.add_argument("--models", nargs="+", required=True, help="models that made them")
    parser.add_argument("--train", required=True, help="training set that is extended (.h5)")
    parser.add_argument("--batch-plans", help="folder of the batch plans; none without")
    parser.add_argument("--output", type=Path, required=True, help="the frames (.h5, .json)")
    args = parser.parse_args()
    recipe = cli.recipe(args, args.candidates, *args.models, args.train)
    job = args.settings.model_copy(update={"batch_plans": args.batch_plans})
    use_threads(job.threads)
    from limbeck.potentials.opening import open_planned
    from limbeck.rounds.choose import Member, choose
    from limbeck.students.domain import read_domain
    from limbeck.students.handover import open_seeds

    candidates = storage.read_frames(args.candidates)
    students = open_seeds(args.models, device=job.device).values()
    domains = [read_domain(Path(folder)) for folder in args.models]
    members = [Member(*both) for both in zip(students, domains, strict=True)]
    teacher = open_planned(job, candidates) if job.potential else None
    found = choose(candidates, storage.read_frames(args.train), members, job, teacher)
    settings = args.settings.model_dump(mode="json")
    storage.write_frames(
        args.output, found.frames, stage="choose_frames", settings=settings, recipe=recipe
    )
    write_json(args.output.with_suffix(".json"), found.about, recipe=recipe)
    log.info("%s", found.about)


if __name__ == "__main__":
    cli.run(main)
