"""Measure how far the mean over each grid of views is from the mean over all rotations."""

import logging

from limbeck import cli, storage
from limbeck.config.jobs import CertifyQuadrature
from limbeck.files import write_json
from limbeck.potentials.threads import use_threads

log = logging.getLogger(__name__)


def main() -> None:
    parser = cli.parser(__doc__, CertifyQuadrature)
    parser.add_argument("--frames", nargs="+", required=True, help="selected frames (.h5)")
    parser.add_argument("--output", required=True, help="the certificate (.json, .csv)")
    args = parser.parse_args()
    recipe = cli.recipe(args, *args.frames)
    job = args.settings
    use_threads(job.threads)
    from limbeck.potentials.opening import opened
    from limbeck.warrant.gaps import choose
    from limbeck.warrant.grids import certificate_rows, certify
    from limbeck.warrant.tidy import write_table

    frames = choose(storage.read_many(args.frames), job.n_frames)
    potential = opened(job)
    found = certify(potential, frames)
    write_json(args.output, found, recipe=recipe)
    write_table(args.output, certificate_rows(found, set="selected"))
    for row in found["rules"]:
        log.info("%(n_views)d views (%(views)s): forces %(error)s", row)


if __name__ == "__main__":
    cli.run(main)
