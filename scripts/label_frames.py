"""Label the frames of one slice with a potential, averaged over views."""

import argparse
import logging
import time
from dataclasses import replace

import numpy as np

from limbeck import cli, storage
from limbeck.config.jobs import LabelFrames
from limbeck.config.written import ChosenViews, as_written
from limbeck.errors import LimbeckError
from limbeck.files import read_json
from limbeck.frames import Frames
from limbeck.labels import ISOLATED_ATOMS, Labels, counts_of
from limbeck.potentials.devices import DeviceLost, present
from limbeck.potentials.threads import use_threads

log = logging.getLogger(__name__)


def main() -> None:
    parser = cli.parser(__doc__, LabelFrames)
    parser.add_argument("--input", required=True, help="selected frames (.h5)")
    parser.add_argument(
        "--views", nargs="*", default=[], help="what choose_views decided (.json), for views: auto"
    )
    parser.add_argument("--store", help="folder of the label store; nothing is kept without")
    parser.add_argument("--batch-plans", help="folder of the batch plans; none without")
    parser.add_argument(
        "--attempts-left",
        type=int,
        default=0,
        help="with frames that have no answer, fail while there are attempts left to ask again",
    )
    parser.add_argument("--output", required=True, help="labels (.h5)")
    args = parser.parse_args()
    recipe, job = cli.recipe(args, args.input, *args.views), args.settings
    use_threads(job.threads)
    frames = storage.read_frames(args.input)
    device = present(job.device, job.lost_device)
    from limbeck.labelling.label import require_answers

    start = time.perf_counter()
    try:
        found = label_on(device, frames, args)
    except DeviceLost as error:
        if job.lost_device != "cpu":
            raise
        log.warning("%s; labelling all frames of this slice on the CPU", error)
        found = label_on("cpu", frames, args)
    if args.attempts_left > 0:
        require_answers(found, frames.names)
    settings = job.model_dump(mode="json")
    storage.write_labels(args.output, job.label_set.name, found, settings=settings, recipe=recipe)
    summary = ", ".join(f"{n} {meaning}" for meaning, n in counts_of(found.status).items() if n)
    log.info("%d frames in %.1f s: %s", len(frames), time.perf_counter() - start, summary or "none")


def label_on(device: str, frames: Frames, args: argparse.Namespace) -> Labels:
    """The labels of all frames, and in their attributes what they were made with."""
    from limbeck.averaging.views import views_of
    from limbeck.charges.surface import on_shells
    from limbeck.labelling.isolated_atoms import known_energies
    from limbeck.labelling.label import asked_for, label, provenance
    from limbeck.labelling.products import with_products
    from limbeck.labelling.store import LabelStore
    from limbeck.labelling.trained_on import trained_ids
    from limbeck.potentials import open_potential
    from limbeck.potentials.batch_plan import use_plan

    job: LabelFrames = args.settings
    views = views_of(job.label_set, *(chosen(path, job) for path in args.views))
    potential = open_potential(job.potential, device=device)
    if args.batch_plans and job.potential.batch_atoms is None:
        use_plan(potential, frames, args.batch_plans, threads=job.threads)
    own = job.label_set
    potential.ask_for(own.properties)
    if "esp" in own.properties:
        frames = on_shells(frames, own.esp_points.shells, own.esp_points.density_per_A2)
    store = LabelStore(args.store, potential, views, job.threads) if args.store else None
    found = label(
        potential,
        frames,
        views,
        max_force=own.max_force_eV_per_A,
        asked=asked_for(frames, job),
        trained_on=trained_ids(job.potential.trained_on),
        store=store,
    )
    if own.hessian_vectors:
        asked = (own.hessian_vectors, own.hessian_step_A)
        found = with_products(potential, frames, found, views, *asked, store)
    if store:
        log.info("%s: %d read, %d made", args.store, store.read_entries, store.made_entries)
    made_with = provenance(potential, views, own.name, job.threads)
    # what a fit of energies of atoms starts from, where compositions do not tell elements apart
    isolated = {ISOLATED_ATOMS: known_energies(potential, np.unique(frames.numbers))}
    return replace(found, attrs=made_with | found.attrs | isolated)


def chosen(path: str, job: LabelFrames) -> int | str:
    """What choose_views decided for this label set."""
    found = as_written(ChosenViews, read_json(path), path)
    expected = (job.label_set.name, job.potential.name)
    if (found.label_set, found.potential) != expected:
        raise LimbeckError(
            f"{path}: of the label set {found.label_set} by {found.potential}, expected "
            f"{' by '.join(expected)}; remove it and run again"
        )
    return found.views


if __name__ == "__main__":
    cli.run(main)
