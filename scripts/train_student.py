"""Train one student on one data set with one seed."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck import cli, seeds
from limbeck.check.recipe import IN_FOLDER
from limbeck.config.jobs import TrainStudent
from limbeck.config.written import Training, as_written
from limbeck.files import read_json, whole_folder, write_csv, write_json, write_sums
from limbeck.potentials.checkpoint import resumable
from limbeck.potentials.threads import use_threads

if TYPE_CHECKING:
    from limbeck.datasets.split import Dataset
    from limbeck.potentials.trainable import TrainablePotential
    from limbeck.students.loop import History


def main() -> None:
    parser = cli.parser(__doc__, TrainStudent)
    parser.add_argument("--train", required=True, help="training set (.h5)")
    parser.add_argument("--valid", required=True, help="validation set (.h5)")
    parser.add_argument(
        "--reference", nargs="*", default=[], help="labels for its hard_share (.h5)"
    )
    parser.add_argument(
        "--like", nargs="*", default=[], help="a training whose steps it is to have (.json)"
    )
    parser.add_argument("--output-folder", required=True, help="the seed's folder")
    args = parser.parse_args()
    recipe = cli.recipe(args, args.train, args.valid, *args.reference, *args.like)
    job, folder = args.settings, Path(args.output_folder)
    use_threads(job.threads)
    import torch

    from limbeck import storage
    from limbeck.datasets.hard import with_hard
    from limbeck.datasets.split import read_part
    from limbeck.students import hyperparameters, logs, loop, new_student, statistics

    training, validation = (read_part(path, job.label_set) for path in (args.train, args.valid))
    hard = None
    if args.reference:
        reference = storage.read_many_labels(args.reference, job.reference)
        training, validation, hard = with_hard(training, validation, reference)
    name = f"train_student/{job.student.name}"
    torch.manual_seed(seeds.torch_seed(job.seed, name))
    found = statistics.training_statistics(training)
    student = new_student(job.student, found, device=job.device)
    rng = seeds.generator(job.seed, name)
    # beside the folder: the model is an output, which Snakemake deletes when the job fails
    with resumable(folder, recipe, device=job.device):
        pilot_seed = seeds.torch_seed(job.seed, f"{name}/pilot")
        own = job.student
        for path in args.like:
            own = hyperparameters.alike(own, as_written(Training, read_json(path), path))
        settings, trials = hyperparameters.chosen(student, training, validation, own, pilot_seed)
        with logs.curves(settings.log_to, folder, settings.plot_every) as curve:
            history = loop.train(student, training, validation, settings, rng, curve)
        summary = loop.training_summary(student, training, validation, history)
        summary |= {"trials": [asdict(trial) for trial in trials], "hard": hard}
        student.shortest_ratio = statistics.shortest_ratio(training)
        write(student, training, validation, history, summary, folder, recipe)


def write(
    student: "TrainablePotential[Any]",
    training: "Dataset",
    validation: "Dataset",
    history: "History",
    summary: dict[str, Any],
    folder: Path,
    recipe: str,
) -> None:
    """Write the models of the best and of the last epoch, the curve and the summary."""
    from limbeck.students.domain import domain_of

    best = {name: value.clone() for name, value in student.module.state_dict().items()}
    for name, weights in (("last", history.last), ("model", best)):
        student.module.load_state_dict(weights)
        with whole_folder(folder / name) as temporary:
            student.save(temporary)
            domain_of(student, training.frames, validation.frames).save(temporary)
            write_json(temporary / IN_FOLDER, {"stage": "train_student"}, recipe=recipe)
            write_sums(temporary)  # its own, so that it may be opened before the rest is there
    write_csv(folder / "training.csv", history.columns, history.rows)
    write_json(folder / "training.json", summary, recipe=recipe)


if __name__ == "__main__":
    cli.run(main)
