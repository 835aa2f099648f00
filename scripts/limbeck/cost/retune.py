"""Measure the batch plans of a config's potentials anew: ``python -m limbeck.cost.retune CONFIG``.

On a few structures of its sources. Labels and trajectories made afterwards may differ in their last
bits from those made before.
"""

import argparse
import logging

from limbeck.config.load import load_with_sources
from limbeck.config.plan import sources_used
from limbeck.cost.rates import PLANS
from limbeck.cost.sizes import size_of
from limbeck.errors import LimbeckError


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m limbeck.cost.retune", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("config", help="config file (.yaml)")
    try:
        retune(parser.parse_args().config)
    except LimbeckError as error:
        print(error)
        return 1
    return 0


def retune(path: str) -> None:
    """Measure the plans of all potentials of a config file; what was measured is logged.

    Raises:
        LimbeckError: the config is wrong, or a potential cannot be opened.
    """
    config = load_with_sources(path)
    from limbeck.frames import concatenate
    from limbeck.potentials import open_potential
    from limbeck.potentials.batch_plan import measure_anew
    from limbeck.potentials.threads import use_threads

    use_threads(config.threads)
    frames = concatenate([size_of(config, name).sample for name in sources_used(config)])
    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    for section in config.potentials.values():
        potential = open_potential(section, device=config.device)
        measure_anew(potential, frames, PLANS, threads=config.threads)


if __name__ == "__main__":
    raise SystemExit(main())
