"""Train one student on one data set with one seed."""

from pathlib import Path

from limbeck import cli, seeds
from limbeck.check.recipe import IN_FOLDER
from limbeck.config.jobs import TrainStudent
from limbeck.files import whole_folder, write_csv, write_json, write_sums
from limbeck.potentials.threads import use_threads


def main() -> None:
    parser = cli.parser(__doc__, TrainStudent)
    parser.add_argument("--train", required=True, help="training set (.h5)")
    parser.add_argument("--valid", required=True, help="validation set (.h5)")
    parser.add_argument("--output-folder", required=True, help="the seed's folder")
    args = parser.parse_args()
    recipe = cli.recipe(args, args.train, args.valid)
    job, folder = args.settings, Path(args.output_folder)
    use_threads(job.threads)
    import torch

    from limbeck.datasets.split import read_part
    from limbeck.students import architecture, loop, statistics

    training, validation = (read_part(path, job.label_set) for path in (args.train, args.valid))
    name = f"train_student/{job.student.name}"
    torch.manual_seed(seeds.torch_seed(job.seed, name))
    student = architecture(job.student.architecture).build(
        job.student.size,
        statistics.training_statistics(training),
        name=job.student.name,
        device=job.device,
    )
    rng = seeds.generator(job.seed, name)
    history = loop.train(student, training, validation, job.student, rng)
    with whole_folder(folder / "model") as temporary:
        student.save(temporary)
        write_json(temporary / IN_FOLDER, {"stage": "train_student"}, recipe=recipe)
        write_sums(temporary)  # its own, so that it may be opened before the rest is there
    write_csv(folder / "training.csv", loop.HISTORY_COLUMNS, history.rows)
    summary = loop.training_summary(student, training, validation, history)
    write_json(folder / "training.json", summary, recipe=recipe)


if __name__ == "__main__":
    cli.run(main)
