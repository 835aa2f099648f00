"""How fast the conventional sources of a plan are made and screened, at two sizes.

Every shard of every source of the config is made and screened as its job does it, for two values
of ``scale``; processor time of one core for each structure that is left, by source and in all, and
the time per structure at the larger size over that at the smaller, which is 1 where nothing grows
faster than the set. Sources of files and of generative models are left out: they are read. Labels
are not made. ``OMP_NUM_THREADS=1 python benchmarks/plan.py config/hybrid_5k_no_generative.yaml``
"""

import argparse
import logging
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from limbeck.config.amounts import scaled  # noqa: E402
from limbeck.config.config import Config  # noqa: E402
from limbeck.config.jobs import GenerateStructures  # noqa: E402
from limbeck.config.sections.messages import validated  # noqa: E402
from limbeck.config.text import read_yaml  # noqa: E402
from limbeck.structures import generate  # noqa: E402
from limbeck.structures.screening import screen  # noqa: E402

READ = ("file", "generated")


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--scales", type=float, nargs=2, default=[0.02, 0.05])
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    run(args.config, 0.002)  # loads libraries
    measured = [run(args.config, scale) for scale in args.scales]
    columns = f"{'asked':>6} {'left':>6} {'s each':>8}"
    print(f"{'source':<24} {columns}   {columns}   ratio")
    for name in [*measured[0], "all"]:
        rows = [total(found) if name == "all" else found[name] for found in measured]
        each = [seconds / max(left, 1) for _, left, seconds in rows]
        cells = (
            f"{asked:6d} {left:6d} {s:8.4f}" for (asked, left, _), s in zip(rows, each, strict=True)
        )
        print(f"{name:<24} {'   '.join(cells)}   {each[1] / each[0]:.2f}")
    _, left, seconds = total(measured[1])
    print(f"120,000 structures: {120_000 * seconds / left / 3600:.1f} hours of one core")


def run(path: Path, scale: float) -> dict[str, tuple[int, int, float]]:
    """Source -> structures asked for, left, and seconds of processor time."""
    whole = validated(Config, read_yaml(path))
    config = scaled(whole.model_copy(update={"scale": scale}))
    found = {}
    for name, source in config.sources.items():
        if source.kind in READ:
            continue
        # without a generative model all of it is made here
        own = source.model_copy(update={"generative_fraction": 0.0, "generative_model": None})
        start, left = time.process_time(), 0
        for shard in range(source.shards):
            job = GenerateStructures(seed=config.seed, shard=shard, source=own)
            left += len(screen(generate(job)[0], config.screen)[0])
        found[name] = (source.count, left, time.process_time() - start)
    return found


def total(found: dict[str, tuple[int, int, float]]) -> tuple[int, int, float]:
    """Of all sources."""
    asked, left, seconds = zip(*found.values(), strict=True)
    return sum(asked), sum(left), sum(seconds)


if __name__ == "__main__":
    main()
