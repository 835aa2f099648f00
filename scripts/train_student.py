"""Train one student on one data set with one seed."""

from pathlib import Path

from limbeck import cli, seeds
from limbeck.files import whole_folder, write_csv, write_json
from limbeck.potentials.threads import use_threads


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("--train", required=True, help="training set (.h5)")
    parser.add_argument("--valid", required=True, help="validation set (.h5)")
    parser.add_argument("--output-folder", required=True, help="the seed's folder")
    args = parser.parse_args()
    settings, folder = args.settings, Path(args.output_folder)
    use_threads(settings["threads"])
    import torch

    from limbeck.datasets.split import read_part
    from limbeck.students import architecture, loop, statistics

    training, validation = (
        read_part(path, settings["label_set"]) for path in (args.train, args.valid)
    )
    name = f"train_student/{settings['student']}"
    torch.manual_seed(seeds.torch_seed(settings["seed"], name))
    student = architecture(settings["architecture"]).build(
        settings["size"],
        statistics.measure(training),
        name=settings["student"],
        device=settings["device"],
    )
    rng = seeds.generator(settings["seed"], name)
    history = loop.train(student, training, validation, settings, rng)
    with whole_folder(folder / "model") as temporary:
        student.save(temporary)
    write_csv(folder / "training.csv", loop.COLUMNS, history.rows)
    write_json(folder / "training.json", loop.summary(student, training, validation, history))


if __name__ == "__main__":
    cli.run(main)
