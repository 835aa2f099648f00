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
    parser.add_argument("--test-known", required=True, help="test set of known chemistry (.h5)")
    parser.add_argument("--test-new", required=True, help="test set of new chemistry (.h5)")
    parser.add_argument(
        "--reference", nargs="*", default=[], help="labels to measure errors against"
    )
    parser.add_argument(
        "--teacher", nargs="*", default=[], help="what was measured of its teacher (.json)"
    )
    parser.add_argument("--output-folder", required=True, help="the seed's folder")
    args = parser.parse_args()
    job, folder = args.settings, Path(args.output_folder)
    summary_of_training = folder / "training.json"
    recipe = cli.recipe(
        *(args, args.model, summary_of_training, args.train),
        *(args.test_known, args.test_new, *args.reference, *args.teacher),
    )
    use_threads(job.threads)
    from ase.data import chemical_symbols

    from limbeck import storage
    from limbeck.datasets.split import read_part
    from limbeck.frames import concatenate
    from limbeck.labels import concatenate_labels
    from limbeck.potentials.interface import ignored
    from limbeck.potentials.repulsion.dimers import attracting_pairs
    from limbeck.students import card, evaluation, handover
    from limbeck.students.domain import read_domain
    from limbeck.warrant.floor import floor_of
    from limbeck.warrant.tidy import write_table

    label_set = job.label_set
    training, known, new = (
        read_part(path, label_set) for path in (args.train, args.test_known, args.test_new)
    )
    reference = None
    if args.reference:
        reference = storage.read_many_labels(args.reference, job.reference)
    student = handover.open_student(args.model, device=job.device)
    tests = {"test_known": known, "test_new": new}
    answers = {n: evaluation.answer(student, t.frames, t.labels) for n, t in tests.items()}
    found = evaluation.evaluate_all(answers, training, tests, reference, fit_zeros=job.fit_zeros)
    names = {"label_set": label_set, "student": job.student, "seed": job.seed}
    summary = as_written(Training, read_json(summary_of_training), summary_of_training)
    domain = read_domain(handover.model_folder(args.model))
    teacher = read_json(args.teacher[0]) if args.teacher else None
    more = {
        "n_parameters": summary.parameters,
        "attracting_pairs": attracting_pairs(student),
        "floor": floor_of(job.floor, teacher, known.labels.attrs["views"]),
        "charge_map": evaluation.charge_map(student, tests.values()),
        "far_from_data": {
            name: domain.share(student, test.frames) if domain else None
            for name, test in tests.items()
        },
    }
    metrics = names | more | found
    write_json(folder / "metrics.json", metrics, recipe=recipe)
    write_table(folder / "metrics.json", evaluation.metric_rows(metrics))
    elements = [chemical_symbols[z] for z in sorted(student.about.elements)]
    about = student.about
    text = card.card(
        names,
        summary.model_dump(),
        metrics,
        known.labels.attrs,
        elements,
        job.split_by,
        about=about,
        recipe=recipe,
        origins=job.origins,
        ignored=ignored(training.frames, about.conditions),
    )
    write_text(folder / "card.md", text)
    frames = concatenate([test.frames for test in tests.values()])
    asked = {"conservative": about.conservative, "charges": "esp" in about.properties}
    write_text(folder / "use_me.py", handover.use_me(frames, **asked))
    said = {n: evaluation.as_labels(answers[n], test.frames) for n, test in tests.items()}
    storage.write_frames(
        folder / "predictions.h5",
        frames,
        stage="evaluate_student",
        settings=job.model_dump(),
        recipe=recipe,
        labels={"student": concatenate_labels([*said.values()])},
    )
    write_sums(folder)  # of what train_student left there as well


if __name__ == "__main__":
    cli.run(main)
