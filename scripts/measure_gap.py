"""Measure the warrant gap of a teacher or a student on the test frames, and its errors."""

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck import cli, storage
from limbeck.config.jobs import MeasureGap
from limbeck.datasets.split import split_as, tests
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limbeck.datasets.zeros import Zeros
    from limbeck.frames import Frames
    from limbeck.labels import Labels
    from limbeck.potentials.interface import Potential
    from limbeck.warrant.tidy import Row


def main() -> None:
    parser = cli.parser(__doc__, MeasureGap)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument(
        "--structures", nargs="*", default=[], help="structures that the frames come from (.h5)"
    )
    parser.add_argument(
        "--reference", nargs="*", default=[], help="labels to measure errors against"
    )
    parser.add_argument("--models", nargs="*", default=[], help="a student's folders, one a seed")
    parser.add_argument("--output", required=True, help="the gaps (.json, .csv)")
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames, *args.structures, *args.reference, *args.models)
    job = args.settings
    asked = job.warrant
    use_threads(job.threads)
    from limbeck.averaging.turns import scans, to_be_turned
    from limbeck.charges.surface import on_shells
    from limbeck.config.sections.labels import Points
    from limbeck.warrant.accuracy import measure_errors
    from limbeck.warrant.floor import measure_floor
    from limbeck.warrant.gaps import ON_STRUCTURES, choose, measure_gaps, structures_of
    from limbeck.warrant.tidy import write_table

    every = frames = storage.read_many(args.frames)
    parts = split_as(frames, job) if asked.subset == "test" else {}
    if parts:
        frames = frames.select(tests(parts))
    of_all = np.arange(len(every))
    to_turn = to_be_turned(every, parts.get("test_known", of_all), parts.get("test_new", of_all))
    structures = None
    if args.structures:
        structures = structures_of(frames, storage.read_many(args.structures))
        structures = choose(structures, asked.n_frames)
    frames = choose(frames, asked.n_frames)
    potentials = open_all(job, args.models)
    if "esp" in potentials[0].about.properties:
        frames = on_shells(frames, Points().shells, Points().density_per_A2)
    result: dict[str, Any] = {
        "model": job.name,
        "kind": "teacher" if job.potential else "student",
        "about": potentials[0].about.described(),
        "gaps": measure_gaps(potentials, frames, asked.symmetries, asked.views, structures),
    }
    if args.reference:
        reference = storage.read_many_labels(args.reference, asked.reference)
        zeros = fitted_zeros(potentials, every, frames, reference) if job.fit_zeros else None
        on_scale = [each.taken_off for each in zeros] if zeros else None
        result["errors"] = measure_errors(potentials, frames, reference, asked.reference, on_scale)
        result["errors"]["zeros"] = [each.entry() for each in zeros or []]
    if asked.scan:
        result["scan"] = scans(potentials[0], to_turn)
    if asked.n_floor_frames and not potentials[0].about.conservative:
        result["floor"] = measure_floor(potentials[0], frames, asked.n_floor_frames)
    write_json(args.output, result, recipe=recipe)
    measured_on = {ON_STRUCTURES: "structures"} if args.structures else {}
    write_table(args.output, rows_of(result, asked.subset, measured_on, args.models))
    for gap in result["gaps"]:
        log.info("%s: %s", gap["symmetry"], gap.get("work") or gap["forces"])


def fitted_zeros(
    potentials: "list[Potential[Any]]", every: "Frames", measured: "Frames", reference: "Labels"
) -> "list[Zeros]":
    """For each potential how far the energies of the reference are above its own, by element.

    Fitted on other frames than those that are measured, where there are any with a label.
    """
    from limbeck.datasets.zeros import MOST_FRAMES, enough_elements, fit_zeros, fitted_on
    from limbeck.labels import labels_of
    from limbeck.potentials.evaluation import predict_or_nan
    from limbeck.warrant.gaps import choose
    from limbeck.warrant.on_frames import known_frames

    usable = every.select(labels_of(every, reference)[0] & known_frames(potentials, every))
    same = np.isin(usable.id, measured.id)
    if not len(usable):
        return []
    others = choose(usable.select(~same), MOST_FRAMES)
    frames = enough_elements(choose(usable.select(same), MOST_FRAMES), others)
    found = []
    for potential in potentials:
        energy = predict_or_nan(potential, frames).energy
        there = np.isfinite(energy)
        part = frames.select(there)
        labels = labels_of(part, reference)[1]
        found.append(fit_zeros(part, energy[there], labels, fitted_on(measured, part)))
    return found


def rows_of(
    result: dict[str, Any], subset: str, measured_on: dict[str, str], models: list[str]
) -> "Iterator[Row]":
    """The tidy table; ``measured_on``: gaps of other frames than the subset's."""
    from limbeck.students.committee import seed_of
    from limbeck.warrant.accuracy import error_rows
    from limbeck.warrant.floor import floor_rows
    from limbeck.warrant.gaps import gap_rows

    names = {"subject": result["model"], "kind": result["kind"]}
    names |= {"seeds": [seed_of(folder) for folder in models]}
    for gap in result["gaps"]:
        yield from gap_rows(gap, set=measured_on.get(gap["symmetry"], subset), **names)
    yield from error_rows(result.get("errors", {}), set=subset, **names)
    yield from floor_rows(result.get("floor", {}), set=subset, **names)


def open_all(job: MeasureGap, models: list[str]) -> "list[Potential[Any]]":
    """The teacher of the job, or the student of each folder."""
    if job.potential is None:
        from limbeck.students.handover import open_student

        return [open_student(folder, device=job.device) for folder in models]
    from limbeck.potentials import open_potential

    return [open_potential(job.potential, device=job.device)]


if __name__ == "__main__":
    cli.run(main)
