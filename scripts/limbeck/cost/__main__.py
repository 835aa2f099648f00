"""What the run of a config will cost: ``python -m limbeck.cost config/mine.yaml``."""

import argparse
import logging
from pathlib import Path

from limbeck.config.load import load_with_sources
from limbeck.cost.estimate import Estimate
from limbeck.cost.work import Work
from limbeck.errors import LimbeckError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m limbeck.cost", description=__doc__)
    parser.add_argument("config", help="config file (.yaml)")
    parser.add_argument("--line", action="store_true", help="one line, and none of a wrong config")
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # a few structures are made again when the run makes all
    try:
        config = load_with_sources(args.config)
        found = Estimate(config, Work(config, Path("results") / config.run), args.config)
        print(found.line() if args.line else found.text(), flush=True)
    except LimbeckError as error:
        if not args.line:  # else Snakemake says what is wrong
            print(error)
        return int(not args.line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
