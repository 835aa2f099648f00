"""Choose the frames that are labelled among those of all slices, or of the pilot's."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np

from limbeck import cli
from limbeck.config.jobs import ChooseOverAll
from limbeck.selection.choice import choose
from limbeck.selection.points import points_of
from limbeck.storage import read_arrays, stream, write_arrays

log = logging.getLogger("choose_over_all")


def main() -> None:
    """Read all frames for their descriptors, file by file, choose, write ids."""
    parser = cli.parser(__doc__, ChooseOverAll)
    parser.add_argument(
        "--input", type=Path, nargs="*", required=True, help="frames of all slices, .h5"
    )
    parser.add_argument(
        "--before", type=Path, nargs="*", default=[], help="what earlier batches chose, .h5"
    )
    parser.add_argument("--output", type=Path, required=True, help="ids of those chosen, .h5")
    args = parser.parse_args()
    recipe, job = cli.recipe(args, *args.input, *args.before), args.settings
    given = [read_arrays(path, {"points": np.float32})["points"] for path in args.before]
    descriptors = None if job.choice.by == "random" else job.choice.descriptors
    with points_of(stream(args.input), descriptors) as points:
        found = np.concatenate(given) if given else None
        index = choose(points, job.choice, job.count, job.seed, found)
        values = points.values[index] if descriptors else points.values
        arrays = {"id": points.id[index], "points": np.array(values)}
    settings = job.model_dump(mode="json")
    write_arrays(args.output, arrays, stage="choose_over_all", settings=settings, recipe=recipe)
    log.info("%d of %d frames", len(index), len(points))
    for source, number in sorted(Counter(points.source[index].tolist()).items()):
        log.info("%s: %d", source.decode(), number)


if __name__ == "__main__":
    cli.run(main)
