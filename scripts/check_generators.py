"""Say of each generator of a run whether it is ready for use.

That is: as many labelled as were asked for, each in less than the time that the gate allows. The
status is 1 where one is not, or none is there.
"""

import sys
from collections import Counter
from pathlib import Path

from limbeck import cli
from limbeck.config import plan
from limbeck.config.config import Config
from limbeck.files import read_json
from limbeck.labels import labels_of
from limbeck.storage import read_many, read_many_labels


def labelled(config: Config, results: Path) -> Counter[str]:
    """Frames with a good label, by source."""
    slices = range(config.select.slices)
    frames = read_many([results / f"selected/{i}.h5" for i in slices])
    (label_set,) = config.labels
    labels = read_many_labels([results / f"labels/{label_set}/{i}.h5" for i in slices], label_set)
    good, _ = labels_of(frames, labels)
    return Counter(frames.source[good].astype(str).tolist())


def verdict(config: Config, results: Path, source: str, good: int) -> tuple[bool | None, str]:
    """Whether the generator of a source is ready, None where it is not there; and a line on it."""
    name = plan.generator_of(config, source) or ""
    made = [read_json(results / path) for path in plan.generated_files(config, source)]
    if missing := next((each["missing"] for each in made if each["missing"]), None):
        return None, f"{name}: not there: {missing}"
    asked, kept = sum(each["asked"] for each in made), sum(each["kept"] for each in made)
    seconds = sum(each["seconds"] for each in made) / kept
    most = config.gate.max_seconds_per_structure or float("inf")
    ready = good == asked and seconds <= most
    text = f"{good} of {asked} labelled ({kept} of use), {seconds:.2f} s each"
    return ready, f"{name}: {'ready' if ready else 'NOT ready'}: {text}"


def main() -> None:
    """Read what a run left, say it, and end with the verdict."""
    args = cli.parser(__doc__, Config).parse_args()
    config, results = args.settings, Path("results", args.settings.run)
    good = labelled(config, results)
    found = [
        verdict(config, results, source, good[source])
        for source in config.sources
        if plan.generator_of(config, source)
    ]
    print("\n".join(line for _, line in found))
    there = [ready for ready, _ in found if ready is not None]
    if not there:
        sys.exit("No generator is there.")
    sys.exit(not all(there))


if __name__ == "__main__":
    cli.run(main)
