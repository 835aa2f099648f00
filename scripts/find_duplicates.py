"""Find structures of a source that are the same as one before them, of it or of another source."""

import logging
from pathlib import Path

import numpy as np

from limbeck import cli
from limbeck.config.jobs import FindDuplicates
from limbeck.storage import read_frames
from limbeck.structures.duplicates import groups, record

log = logging.getLogger("find_duplicates")


def main() -> None:
    """Read structures for their keys, and again those that may be alike; write what is dropped."""
    parser = cli.parser(__doc__, FindDuplicates)
    parser.add_argument(
        "--input", type=Path, nargs="*", required=True, help="structures to search, .h5"
    )
    parser.add_argument(
        "--before", type=Path, nargs="*", default=[], help="structures before them, .h5"
    )
    parser.add_argument(
        "--keys", type=Path, nargs="*", default=[], help="keys of what stays of those, .h5"
    )
    parser.add_argument("--output", type=Path, required=True, help="keys of those that stay, .h5")
    parser.add_argument("--table", type=Path, required=True, help="those that are dropped, .csv")
    args = parser.parse_args()
    recipe, job = cli.recipe(args, *args.input, *args.before, *args.keys), args.settings

    def structures(keys: groups.Keys) -> dict[bytes, groups.One]:
        files = set(keys.file.tolist())
        asked = [path for path in (*args.before, *args.input) if groups.file_of(path) in files]
        return groups.read(keys, ((path, read_frames(path)) for path in asked), job.screen)

    keys = groups.keys_of((path, read_frames(path)) for path in args.input)
    earlier = groups.joined([*map(record.read_keys, args.keys), keys.select(np.arange(0))])
    dropped = (
        []
        if job.all_stay
        else groups.find(keys, earlier, structures, job.distance_A, siblings=job.siblings)
    )
    gone = {one.frame.encode() for one in dropped}
    kept = keys.select(np.flatnonzero([i not in gone for i in keys.frame.tolist()]))
    record.write(args.output, kept, dropped, job.distance_A, job.model_dump(mode="json"), recipe)
    record.write_table(args.table, dropped)
    log.info("%d of %d structures are the same as an earlier one", len(dropped), len(keys))


if __name__ == "__main__":
    cli.run(main)
