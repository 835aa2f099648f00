"""What jobs need: cores, memory, time and GPUs, and what a site makes of it (docs/cluster.md)."""

from math import inf

from limbeck.cost.limits import LEAST, Limits

LIMITS = Limits(CONFIG)

# Snakemake gives a job's threads to OMP_NUM_THREADS, MKL_NUM_THREADS and their like. It may
# lower them where it has fewer cores; results depend on them to their last bits, so that the
# scripts are told as well.
THREADS = CONFIG.threads

# What a profile says of its site, among its default-resources: on_gpu_X is the X of jobs that use a
# GPU, most_X what no job asks for more of, as it would wait for ever or be refused.
DEFAULTS = getattr(workflow.resource_settings.default_resources, "args", [])
SITE = {
    name: int(text) if text.isdecimal() else text.strip("'\"")
    for name, text in (each.split("=", 1) for each in DEFAULTS)
}
ON_GPU = {
    name.removeprefix("on_gpu_"): value
    for name, value in SITE.items()
    if name.startswith("on_gpu_")
}
# MB of a GPU's own memory: SLURM cannot be asked for it, but a site's constraint may stand for it.
GPU_MB = 16000


def needs(mb, minutes=None, gpu=False, asks=None):
    """Memory in MB and time in minutes, which double with each attempt, and a GPU if it helps.

    Args:
        mb: without any frames; for those of a job, the estimate adds some.
        asks: the rule, where its jobs ask models: their time follows from how much they ask.
    """
    gpu = gpu and CONFIG.device == "cuda"

    def of_site(name, wanted):
        least = ON_GPU.get(name, 0) if gpu else 0
        return min(max(wanted, least), SITE.get(f"most_{name}", inf))

    def memory(wildcards, attempt, rulename):
        frames = 0
        if workflow.is_main_process and workflow.non_local_exec:
            frames = LIMITS.megabytes(rulename, "/".join(wildcards))
        return of_site("mem_mb", (mb + frames) * 2 ** (attempt - 1))

    def runtime(wildcards, attempt):
        least = minutes if asks is None else LEAST[asks]
        # Only a cluster stops a job that takes longer.
        if asks and workflow.is_main_process and workflow.non_local_exec:
            least = LIMITS.minutes(asks, "/".join(wildcards))
        return of_site("runtime", least * 2 ** (attempt - 1))

    on_gpu = {"gpu": 1, "gpu_mem_mb": GPU_MB, **ON_GPU} if gpu else {"gpu": 0}
    return {**on_gpu, "mem_mb": memory, "runtime": runtime}


# Retries of a label job that failed, and of one in which frames have no answer. A rule's own
# number goes before that of --retries and of profiles, so that each attempt knows how many are left.
RETRIES = 2
