"""What the rules share: the config, its wildcards, and what a job reads, is told and needs."""

import json
import re
from pathlib import Path

from limbeck.config import jobs, plan
from limbeck.config.load import resolve
from limbeck.errors import LimbeckError
from limbeck.sampling import METHODS, TRACED
from limbeck.structures import SOURCES

try:
    CONFIG = resolve(config)
except LimbeckError as error:
    sys.exit(f"The config is not valid:\n{error}")

RUN = f"results/{CONFIG.run}"
LOGS = f"{RUN}/logs"
BENCHMARKS = f"{RUN}/benchmarks"
ENVIRONMENT = "../../envs/limbeck.yaml"

# Snakemake gives a job's threads to OMP_NUM_THREADS, MKL_NUM_THREADS and their like. It may
# lower them where it has fewer cores; results depend on them to their last bits, so that the
# scripts are told as well.
THREADS = CONFIG.threads
SLICES = range(CONFIG.select.slices)

# What check_inputs looks at, and the file that says it found nothing wrong.
CHECKED = CONFIG.model_dump(mode="json", include=plan.CHECKED)
INPUTS = f"{RUN}/check_inputs.json"
INPUTS_AGAIN = f"{RUN}/check_inputs/{plan.digest(CHECKED)}.json"


def stale_inputs():
    """Another check_inputs, where the config has changed since the one that is there."""
    there = Path(INPUTS)
    if there.exists() and json.loads(there.read_text()).get("config") != CHECKED:
        return [INPUTS_AGAIN]
    return []


def one_of(names):
    """Regular expression of exactly these names; of nothing where there are none."""
    return "|".join(map(re.escape, map(str, names))) or "(?!)"


def slices(pattern):
    """``pattern`` for every slice; its other wildcards stay."""
    return expand(pattern, slice=SLICES, allow_missing=True)


def files(find):
    """Files of the run that ``find``, of limbeck.config.plan, names for a job's wildcards."""
    return lambda wildcards: [f"{RUN}/{path}" for path in find(CONFIG, **wildcards)]


def settings(kind):
    """What a job's script is told: ``kind``, of limbeck.config.jobs, for its wildcards."""
    return lambda wildcards: kind.of(CONFIG, **wildcards).text()


def needs(mb, minutes, gpu=False):
    """Memory in MB and time in minutes, which double with each attempt, and a GPU if it helps."""
    return {
        "mem_mb": lambda wildcards, attempt: mb * 2 ** (attempt - 1),
        "runtime": lambda wildcards, attempt: minutes * 2 ** (attempt - 1),
        **({"gpu": int(CONFIG.device == "cuda")} if gpu else {}),
    }


wildcard_constraints:
    source=one_of(CONFIG.sources),
    shard=one_of(range(max(source.shards for source in CONFIG.sources.values()))),
    sampling=one_of(["generated", *CONFIG.sampling]),
    subsystem=one_of(CONFIG.subsystems),
    force_constants=one_of(CONFIG.force_constants),
    slice=one_of(SLICES),
    label_set=one_of(CONFIG.labels),
    potential=one_of(CONFIG.potentials),
    delta=one_of(CONFIG.delta),
    student=one_of(CONFIG.students),
    seed=one_of({student.seed for student in plan.trained(CONFIG)}),
