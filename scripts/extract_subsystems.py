"""Cut clusters of molecules out of the frames of a shard."""

import logging
from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import ExtractSubsystems
from limbeck.files import write_csv, write_sums
from limbeck.molecules.subsystems import CLUSTER_COLUMNS, FRAGMENT_COLUMNS, extract_subsystems
from limbeck.storage import read_frames, write_frames

log = logging.getLogger("extract_subsystems")


def main() -> None:
    """Read frames, cut clusters out of them, write these, a summary and a table of fragments."""
    parser = cli.parser(__doc__, ExtractSubsystems)
    parser.add_argument("--input", type=Path, required=True, help="frames, .h5")
    parser.add_argument("--output", type=Path, required=True, help="clusters, .h5")
    parser.add_argument(
        "--summary", type=Path, required=True, help="a row for each cluster asked for, .csv"
    )
    parser.add_argument(
        "--fragments", type=Path, required=True, help="which cluster has which fragments, .csv"
    )
    args = parser.parse_args()
    recipe, job = cli.recipe(args, args.input), args.settings
    frames = read_frames(args.input)
    found = extract_subsystems(frames, job)
    clusters = found.frames
    if job.subsystem.keep:
        from limbeck.potentials.opening import opened
        from limbeck.sampling.annotate import annotate

        clusters = annotate(clusters, opened(job), job.subsystem.keep)
    write_csv(args.summary, CLUSTER_COLUMNS, found.rows)
    write_csv(args.fragments, FRAGMENT_COLUMNS, found.fragments)
    settings = job.model_dump()
    write_frames(
        args.output, clusters, stage="extract_subsystems", settings=settings, recipe=recipe
    )
    write_sums(args.output.parent, args.output.stem)
    log.info("%d clusters and fragments of %d frames", len(clusters), len(frames))


if __name__ == "__main__":
    cli.run(main)
