"""What the rules share: the resolved config, wildcards, and each rule's part of the settings."""

import hashlib
import json
import re
from pathlib import Path

from limbeck.config.load import resolve
from limbeck.errors import LimbeckError
from limbeck.config.plan import (
    checked,
    driver,
    force_constant_files,
    frames_of_slice,
    structures_selected,
    teachers,
    trained,
)
from limbeck.sampling import METHODS, TRACED
from limbeck.structures import SOURCES

try:
    config = resolve(config)
except LimbeckError as error:
    sys.exit(f"The config is not valid:\n{error}")

RUN = f"results/{config['run']}"
LOGS = f"{RUN}/logs"
BENCHMARKS = f"{RUN}/benchmarks"
ENVIRONMENT = "../../envs/limbeck.yaml"

# Snakemake gives a job's threads to OMP_NUM_THREADS, MKL_NUM_THREADS and their like. It may
# lower them where it has fewer cores; results depend on them to their last bits, so that the
# scripts are told as well.
THREADS = config["threads"]
COMPUTE = {"device": config["device"], "threads": THREADS}
GPUS = int(config["device"] == "cuda")
SLICES = range(config["select"]["slices"])
TEACHERS = teachers(config)
STUDENTS = trained(config)
SPLIT = {"seed": config["seed"], **config["dataset"]}


# What check_inputs looks at, and the file that says it found nothing wrong.
CHECKED = json.dumps(checked(config), sort_keys=True)
INPUTS = f"{RUN}/check_inputs.json"
INPUTS_AGAIN = (
    f"{RUN}/check_inputs/{hashlib.sha256(CHECKED.encode()).hexdigest()[:16]}.json"
)


def stale_inputs():
    """Another check_inputs, where the config has changed since the one that is there."""
    there = Path(INPUTS)
    if there.exists() and json.loads(there.read_text()).get("config") != json.loads(
        CHECKED
    ):
        return [INPUTS_AGAIN]
    return []


def one_of(names):
    """Regular expression of exactly these names; of nothing where there are none."""
    return "|".join(map(re.escape, map(str, names))) or "(?!)"


def of_kind(section, field, value):
    """Names of the entries of a section whose ``field`` is ``value``."""
    return [name for name, entry in config[section].items() if entry[field] == value]


def slices(pattern):
    """``pattern`` for every slice; its other wildcards stay."""
    return expand(pattern, slice=SLICES, allow_missing=True)


def memory(mb):
    """Memory in MB that doubles with each attempt."""
    return lambda wildcards, attempt: mb * 2 ** (attempt - 1)


def runtime(minutes):
    """Time limit in minutes that doubles with each attempt."""
    return lambda wildcards, attempt: minutes * 2 ** (attempt - 1)


def settings(**values):
    """A rule's part of the config, as its script takes it."""
    return json.dumps(values, sort_keys=True)


def potential(name):
    """A potential's section, with its name."""
    return {"name": name, **config["potentials"][name]}


def source_files(wildcards):
    """Files that a source is read from."""
    source = config["sources"][wildcards.source]
    return [source[field] for field in ("smiles", "path") if field in source]


def source_settings(wildcards):
    """A source's section, and which shard of it."""
    return settings(
        seed=config["seed"],
        source=wildcards.source,
        shard=int(wildcards.shard),
        **config["sources"][wildcards.source],
    )


def sampling_settings(wildcards):
    """A sampling's section without its sources, and which shard it works on."""
    section = dict(config["sampling"][wildcards.sampling])
    del section["sources"]
    driven_by = driver(config, wildcards.sampling)
    if driven_by:
        section |= {"potential": potential(driven_by), **COMPUTE}
    return settings(
        seed=config["seed"],
        sampling=wildcards.sampling,
        source=wildcards.source,
        shard=int(wildcards.shard),
        **section,
    )


def names(wildcards):
    """What a student is called, and the seed of its training."""
    return {
        "label_set": wildcards.label_set,
        "student": wildcards.student,
        "seed": int(wildcards.seed),
    }


def student_folders():
    """Folder of every student and seed."""
    return [
        f"{RUN}/students/{labels}/{name}/seed{seed}" for labels, name, seed in STUDENTS
    ]


def reference_files():
    """Labels that errors are measured against; none where the config names no reference."""
    reference = config["warrant"]["reference"]
    return slices(f"{RUN}/labels/{reference}/{{slice}}.h5") if reference else []


def gap_settings(**values):
    """Settings of a measured gap, of a teacher or of a student."""
    section = {
        k: v
        for k, v in config["warrant"].items()
        if k not in ("teachers", "n_quadrature_frames")
    }
    return settings(**values, **section, **SPLIT, **COMPUTE)


def with_tables(files):
    """Files of figures, each with the table beside it."""
    return [
        path.removesuffix(".json") + kind
        for path in files
        for kind in (".json", ".csv")
    ]


def everything():
    """What the report is made from."""
    students = {
        f"{RUN}/warrant/students/{labels}/{name}.json" for labels, name, _ in STUDENTS
    }
    measured = [
        *expand(f"{RUN}/warrant/teachers/{{potential}}.json", potential=TEACHERS),
        *[f"{folder}/metrics.json" for folder in student_folders()],
        *sorted(students),
        f"{RUN}/speed.json",
    ]
    return [
        *expand(f"{RUN}/gate/{{label_set}}.json", label_set=config["labels"]),
        *expand(
            f"{RUN}/datasets/{{label_set}}/counts.json", label_set=config["labels"]
        ),
        *with_tables(measured),
        *products(),
    ]


wildcard_constraints:
    source=one_of(config["sources"]),
    shard=one_of(range(max(source["shards"] for source in config["sources"].values()))),
    sampling=one_of(config["sampling"]),
    slice=one_of(SLICES),
    label_set=one_of(config["labels"]),
    potential=one_of(config["potentials"]),
    student=one_of(config["students"]),
    seed=one_of({seed for *_, seed in STUDENTS}),
