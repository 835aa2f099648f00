"""Evaluate one student on the test frames, and write what its user takes home."""

from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import EvaluateStudent
from limbeck.config.written import Training, as_written
from limbeck.files import read_json, write_json, write_sums, write_text
from limbeck.potentials.threads import use_threads


def main() -> None:
    parser = cli.parser(__doc__, EvaluateStudent)
    parser.add_argument("--model", required=True, help="the student's model folder")
    parser.add_argument("--train", required=True, help="training set (.h5)")
    parser.add_argument("--test", required=True, help="test set (.h5)")
    parser.add_argument(
        "--reference", nargs="*", default=[], help="labels to measure errors against"
    )
    parser.add_argument("--output-folder", required=True, help="the seed's folder")
    args = parser.parse_args()
    job, folder = args.settings, Path(args.output_folder)
    summary_of_training = folder / "training.json"
    recipe = cli.recipe(
        args, args.model, summary_of_training, args.train, args.test, *args.reference
    )
    use_threads(job.threads)
    from ase.data import chemical_symbols

    from limbeck import storage
    from limbeck.datasets.split import read_part
    from limbeck.students import card, evaluation, handover
    from limbeck.warrant.tidy import write_table

    label_set = job.label_set
    training, test = (read_part(p, label_set) for p in (args.train, args.test))
    reference = None
    if args.reference:
        reference = storage.read_many_labels(args.reference, job.reference)
    student = handover.open_student(args.model, device=job.device)
    answers = evaluation.answer(student, test.frames)
    found = evaluation.evaluate(answers, training, test, reference, fit_zeros=job.fit_zeros)
    names = {"label_set": label_set, "student": job.student, "seed": job.seed}
    summary = as_written(Training, read_json(summary_of_training), summary_of_training)
    metrics = names | {"n_parameters": summary.parameters, "test": found}
    write_json(folder / "metrics.json", metrics, recipe=recipe)
    write_table(folder / "metrics.json", evaluation.metric_rows(metrics))
    elements = [chemical_symbols[z] for z in sorted(student.about.elements)]
    conservative = student.about.conservative
    text = card.card(
        names,
        summary.model_dump(),
        found,
        test.labels.attrs,
        elements,
        job.split_by,
        conservative=conservative,
    )
    write_text(folder / "card.md", text)
    write_text(folder / "use_me.py", handover.use_me(test.frames, conservative=conservative))
    storage.write_frames(
        folder / "predictions.h5",
        test.frames,
        stage="evaluate_student",
        settings=job.model_dump(),
        recipe=recipe,
        labels={"student": evaluation.as_labels(answers, test.frames)},
    )
    write_sums(folder)  # of what train_student left there as well


if __name__ == "__main__":
    cli.run(main)
