"""Choose the views of a label set with views: auto, from the gap on a few frames."""

import logging

from limbeck import cli, storage
from limbeck.config.jobs import ChooseViews
from limbeck.files import write_json
from limbeck.potentials.devices import present
from limbeck.potentials.threads import use_threads

log = logging.getLogger(__name__)


def main() -> None:
    parser = cli.parser(__doc__, ChooseViews)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--output", required=True, help="the choice (.json, .csv)")
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames)
    job = args.settings
    use_threads(job.threads)
    from limbeck.potentials import open_potential
    from limbeck.warrant.choose_views import choice_rows, choose_views
    from limbeck.warrant.tidy import write_table

    device = present(job.device, job.lost_device)
    potential = open_potential(job.potential, device=device)
    found = choose_views(potential, storage.read_many(args.frames), job.label_set)
    write_json(args.output, found, recipe=recipe)
    write_table(args.output, choice_rows(found))
    log.info("%s", found["reason"])


if __name__ == "__main__":
    cli.run(main)
