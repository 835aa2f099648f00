"""What the rules share: the config, its wildcards, and what a job reads and is told."""

import json
import os
import re
from pathlib import Path

from limbeck.check import cluster, head
from limbeck.check.sums import is_whole
from limbeck.config import checks, environments, jobs, plan, rounds
from limbeck.config.load import resolve
from limbeck.config.recipes import Recipes
from limbeck.config.sections.generators import ABOUT
from limbeck.config.settings_files import SettingsFiles
from limbeck.config.text import check_config
from limbeck.errors import LimbeckError
from limbeck.files import read_json
from limbeck.potentials import checkpoint, heartbeat
from limbeck.sampling import METHODS, TRACED
from limbeck.structures import SOURCES, check_sizes

try:
    # The config file may have been edited since the head of a job read it.
    given = (None if workflow.is_main_process else head.config_of_head()) or config
except LimbeckError as error:
    sys.exit(f"This job is not run: {error}")
try:
    if workflow.is_main_process:
        for path in workflow.overwrite_configfiles or ["config/config.yaml"]:
            check_config(path)
    CONFIG = resolve(given)
    if workflow.is_main_process:
        check_sizes(CONFIG.sources.values())
except LimbeckError as error:
    sys.exit(f"The config is not valid:\n{error}")
if workflow.is_main_process:
    for remark in checks.remarks(CONFIG):
        logger.warning(f"The config: {remark}.")

RUN = f"results/{CONFIG.run}"
RECIPES = Recipes(CONFIG)
SETTINGS = SettingsFiles(RUN)


def look_after_jobs():
    """See to it that the executor forgets no job; the name that it gives to all jobs of this head.

    SLURM's makes the name when it is made itself, and an option can only put a prefix before it.
    It is empty where jobs run here.
    """
    if workflow.local_exec:
        return ""
    executor = workflow.scheduler._executor
    cluster.keep_track(executor)
    name = getattr(executor, "run_uuid", "")
    if not name:
        logger.warning(
            "How the executor names its jobs is not known: if this process dies, cancel them yourself."
        )
    return name


if workflow.is_main_process:
    head.announce(RUN)

    # Not while this file is read: a dry run or --lint must disturb nobody. And not by a remote job,
    # which is a Snakemake of its own.
    onstart:
        try:
            head.take_over(config, look_after_jobs())
            SETTINGS.write(told(workflow.dag.needrun_jobs()))
        except LimbeckError as error:
            sys.exit(str(error))


# With --directory results are made elsewhere than where the scripts are.
SCRIPTS = (
    "scripts"
    if Path.cwd().samefile(workflow.basedir)
    else f"{workflow.basedir}/scripts"
)
LOGS = f"{RUN}/logs"
BENCHMARKS = f"{RUN}/benchmarks"
ENVIRONMENT = "../../envs/limbeck.yaml"

SLICES = range(CONFIG.select.slices)

# By the environment and not by the settings, since no result depends on them.
os.environ[heartbeat.VARIABLE] = f"{CONFIG.max_silence_min:g}"
os.environ[checkpoint.VARIABLE] = f"{CONFIG.checkpoint_min:g}"

# What check_inputs looks at, and the file that says it found nothing wrong.
CHECKED = CONFIG.model_dump(mode="json", include=plan.CHECKED)
INPUTS = f"{RUN}/check_inputs.json"
INPUTS_AGAIN = f"{RUN}/check_inputs/{{checked}}.json"


def stale_inputs(wildcards):
    """Another check_inputs, where the config or a source's files have changed since the one that is
    there."""
    now = {"config": CHECKED, "content": plan.content(CONFIG)}
    try:
        seen = read_json(INPUTS) if Path(INPUTS).exists() else now
    except LimbeckError:  # damaged: looked at anew, as a config that has changed
        seen = {}
    same = all(seen.get(part) == now[part] for part in now)
    return [] if same else [INPUTS_AGAIN.format(checked=plan.digest(now))]


def handed_over(wildcards):
    """What a user takes home.

    Snakemake sees whether a folder is there, not what is in it: the job of one that lacks a file
    is forced to run again.
    """
    for folder, sums in plan.folders_with_sums(CONFIG).items():
        if Path(RUN, folder).is_dir() and not is_whole(Path(RUN, sums)):
            workflow.dag.forcefiles.add(f"{RUN}/{folder}")
    return [f"{RUN}/{path}" for path in plan.handed_over(CONFIG)]


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
    return lambda wildcards: SETTINGS.path(kind.of(CONFIG, **wildcards).text())


def told(found):
    """Files of the settings of these jobs; ``all`` is told nothing."""
    return [job.params.settings for job in found if "settings" in job.params.keys()]


def recipes(*names):
    """What the inputs of these names have to be made of, in this order: limbeck.check.recipe."""

    def of(wildcards, input):
        found = [input[name] for name in names]
        paths = [p for f in found for p in ([f] if isinstance(f, str) else f)]
        return [RECIPES.of(path.removeprefix(f"{RUN}/")) for path in paths]

    # Snakemake keeps no record of params that are made from the input: none of them reruns a job.
    return of


# What students learn from: label sets, and the data sets of rounds.
LEARNED = [*CONFIG.labels, *(each.name for each in rounds.later_rounds(CONFIG))]

# Labels, and the students trained on them, are what a run is for, and a training is its longest job:
# of the jobs that are ready, these go before measurements of teachers. (Snakemake's default is 0.)
LEARNING = 10


wildcard_constraints:
    source=one_of(CONFIG.sources),
    shard=one_of(
        range(max((source.shards for source in CONFIG.sources.values()), default=0))
    ),
    sampling=one_of(["generated", *CONFIG.sampling]),
    subsystem=one_of(CONFIG.subsystems),
    force_constants=one_of(CONFIG.force_constants),
    stage=one_of(plan.STAGES),
    part=one_of(["pilot", *plan.batch_names(CONFIG)]),
    slice=one_of(SLICES),
    batch=one_of(plan.batches(CONFIG)),
    label_set=one_of(CONFIG.labels),
    potential=one_of(CONFIG.potentials),
    delta=one_of(CONFIG.delta),
    round=one_of(each.name for each in rounds.all_rounds(CONFIG)),
    student=one_of(CONFIG.students),
    seed=one_of({student.seed for student in plan.trained(CONFIG)}),


def judged(paths):
    """Files of the run that a verdict is of."""
    return [f"{RUN}/{path}" for path in paths]
