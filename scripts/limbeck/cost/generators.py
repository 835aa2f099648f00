"""What a job of a generative model needs: it follows from what it is asked for, at once and in all.

Nothing heavy is imported here: Snakemake reads it for every ``snakemake -n`` and every job.
"""

from collections.abc import Iterable
from math import ceil
from typing import NamedTuple

from limbeck.config.config import Config
from limbeck.config.sections.generators import AnyGenerator

#: MB of main memory: of libraries and weights, and of each structure of a batch where it is made.
#: Chosen with room to spare, not measured: with graphics cards most of it is in theirs.
BASE_MB = 8000
EACH_MB = {"cpu": 500, "cuda": 100}
#: minutes until a program begins: libraries, weights and a cold file system
START_MIN = 30
#: s that a structure takes where the gate has no bound
EACH_S = {"cpu": 600, "cuda": 10}
#: of what was asked for, at most so much is made: what is of no use is asked for again
MADE = 2


class Needs(NamedTuple):
    """Of a job: memory in MB, and minutes."""

    mb: int
    minutes: int


def needs_of(config: Config, names: Iterable[str]) -> Needs:
    """What each job of these generators needs at most, before the first has failed."""
    each = [_needs(config, config.generators[name]) for name in names]
    mb = max((needs.mb for needs in each), default=BASE_MB)
    return Needs(mb, max((needs.minutes for needs in each), default=START_MIN))


def _needs(config: Config, own: AnyGenerator) -> Needs:
    """Slower than the gate lets pass, a job need not end."""
    in_shard = ceil(own.count / own.shards)
    batch = min(own.batch_size, in_shard)
    seconds = config.gate.max_seconds_per_structure or EACH_S[config.device]
    mb = BASE_MB + EACH_MB[config.device] * batch
    return Needs(mb, START_MIN + ceil(MADE * in_shard * seconds / 60))
