"""Run the dynamics of a round: its students, from training structures and from ones to test on."""

from pathlib import Path

from limbeck import cli, storage
from limbeck.config.jobs import ExploreRound
from limbeck.files import write_csv
from limbeck.potentials.threads import use_threads


def main() -> None:
    parser = cli.parser(__doc__, ExploreRound)
    parser.add_argument("--train", required=True, help="training set of the label set (.h5)")
    parser.add_argument("--test", required=True, help="test set of known chemistry (.h5)")
    parser.add_argument("--models", nargs="+", required=True, help="the round's models, one a seed")
    parser.add_argument("--output-folder", type=Path, required=True, help="the round's folder")
    args = parser.parse_args()
    recipe = cli.recipe(args, args.train, args.test, *args.models)
    job, folder = args.settings, args.output_folder
    use_threads(job.threads)
    from limbeck.potentials.checkpoint import resumable
    from limbeck.rounds.explore import COLUMNS, explore
    from limbeck.students.handover import open_seeds

    students = open_seeds(args.models, device=job.device)
    training, test = storage.read_frames(args.train), storage.read_frames(args.test)
    with resumable(folder / "candidates.h5", recipe, device=job.device):
        found = explore(students, training, test, job)
        for name, frames in (("candidates", found.candidates), ("own", found.own)):
            storage.write_frames(
                folder / f"{name}.h5",
                frames,
                stage="explore_round",
                settings=job.model_dump(mode="json"),
                recipe=recipe,
            )
        write_csv(folder / "trajectories.csv", COLUMNS, found.rows)


if __name__ == "__main__":
    cli.run(main)
