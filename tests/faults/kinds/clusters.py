"""What a cluster does to a run: nodes, queues, controllers, and file systems that come late."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.harness import Case, Impossible, NotStruck, kind
from faults.outcomes import Verdict, settle, wrong
from faults.runs import CONFIG, PATIENCE, RUN, Job
from faults.strikes import EMT, Strike
from processes import until
from slurm.cluster import Cluster, missing

FAKE = Path(__file__).parents[1] / "cluster"
#: s for which the controller is away: longer than five questions in vain, after which the executor
#: by itself forgets its jobs
AWAY = 60
#: what is purged: what was made long ago, what is kept between runs, all but what is taken home;
#: and the rule that was to run next
PURGED = (
    ("select_frames", f"{RUN}/structures", f"{RUN}/screened", f"{RUN}/samples"),
    (
        "label_frames",
        "results/batch_plans",
        "results/label_store",
        f"{RUN}/settings",
        f"{RUN}/logs",
    ),
    ("build_dataset", ".snakemake", f"{RUN}/samples", f"{RUN}/labels", f"{RUN}/selected"),
)


@contextmanager
def real(case: Case) -> Iterator[Cluster]:
    """A SLURM of one node."""
    if reason := missing():
        raise Impossible(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # sockets have short names
    cluster = Cluster(folder / "c")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        case.workspace.end()
        shutil.rmtree(folder, ignore_errors=True)


def words(search: str, environment: dict[str, str], *targets: str, **options: object) -> list[str]:
    """A run under the profile, quick to look at its jobs."""
    given = {"latency-wait": 15, "slurm-init-seconds-before-status-checks": 1} | {
        name.replace("_", "-"): value for name, value in options.items()
    }
    return [
        "env", *(f"{name}={value}" for name, value in (environment | {"PATH": search}).items()),
        "snakemake", "--profile", "slurm", "--configfile", CONFIG,
        *(word for name, value in given.items() for word in (f"--{name}", str(value))),
        "--", *targets,
    ]  # fmt: skip


def _job(case: Case) -> Job:
    """A job of dynamics, to be done anew."""
    md = case.reference.cold.of("sample_md")
    job = md[case.number % len(md)]
    case.workspace.remove(*md)
    return job


def _at_work(case: Case, cluster: Cluster, fault: Callable[[Cluster], None]) -> Verdict:
    """A job hangs at a drawn call; then something happens to the cluster, and it is mended."""
    job = _job(case)
    place, call = case.draw(
        [p for p in case.reference.cold.places if p.job == job and p.function == EMT]
    )
    strike = Strike(job.script, EMT, "hang", call, words=place.job.words[1:])
    target = job.outputs[0]
    search = os.pathsep.join([cluster.environment["PATH"], case.workspace.environment()["PATH"]])
    environment = {"SLURM_CONF": cluster.environment["SLURM_CONF"], "FAULTS_OFTEN": "1"}
    command = words(search, environment, target)
    run = case.workspace.start(*command, strikes=[strike])
    found = lambda: case.workspace.strikes() or run.poll() is not None  # noqa: E731
    if until(found, "a strike", PATIENCE) is True:
        raise NotStruck(f"the run ended: {case.workspace.ended(run).end}")
    fault(cluster)
    case.prove_strikes()
    ended = case.workspace.ended(run)
    if ended.code == 124:
        return wrong(f"the run does not end: {cluster.ended()} {ended.text[-800:]}")
    # the job, which the cluster knows, went on or was started again
    verdict = settle(case.workspace, target, struck=ended)
    if verdict.outcome in ("equal bits", "healed") and cluster.jobs():
        return wrong(f"left in the queue: {cluster.jobs()}")
    return verdict


@kind("a node is lost", 5)
def lost_node(case: Case) -> Verdict:
    """With all that runs on it, as when its power fails; it comes back later."""

    def lose(cluster: Cluster) -> None:
        cluster.stop_node()
        cluster.call("scontrol", "update", f"nodename={cluster.host}", "state=down", "reason=lost")
        case.prove(f"node down: {cluster.node()}, jobs {cluster.ended()}")
        cluster.start_node()

    with real(case) as cluster:
        return _at_work(case, cluster, lose)


@kind("a job is preempted", 5)
def preempted(case: Case) -> Verdict:
    """By one of a partition of higher priority, which takes the whole node, and puts it back."""

    def preempt(cluster: Cluster) -> None:
        urgent = cluster.call(
            "sbatch", "--parsable", "--partition=urgent", "--exclusive", "--mem=0",
            "--output=/dev/null", "--wrap=sleep 3",
        ).strip()  # fmt: skip
        until(lambda: cluster.ended().get(urgent) == "COMPLETED", "the urgent job", 60)
        text = cluster.call("scontrol", "show", "job")
        restarts = [word for word in text.split() if word.startswith("Restarts=")]
        if "Restarts=1" not in restarts:
            raise NotStruck(f"not preempted: {restarts}")
        case.prove(f"preempted: {restarts}")

    with real(case) as cluster:
        return _at_work(case, cluster, preempt)


@kind("the controller is away", 5)
def controller(case: Case) -> Verdict:
    """For a minute, in which the job ends, or is killed in vain."""

    def stop(cluster: Cluster) -> None:
        cluster.stop_controller()
        begin = time.monotonic()
        # the job that hangs is let go: it ends in the meantime
        for line in case.workspace.strikes():
            subprocess.run(["kill", "-9", str(line["pid"])], check=False)
        while time.monotonic() - begin < AWAY:
            time.sleep(0.2)
        cluster.start_controller()
        case.prove(f"no controller for {time.monotonic() - begin:.0f} s")

    with real(case) as cluster:
        return _at_work(case, cluster, stop)


@kind("a shared file system shows files late", 5)
def late_files(case: Case) -> Verdict:
    """What a job made is not seen where the head is, for less or more than the head waits."""
    job = _job(case)
    target = job.outputs[0]
    hidden, waits = (4, 15) if case.number % 2 == 0 else (8, 2)
    private = case.workspace.private
    (private / "late").write_text(f"{hidden}\n" + "\n".join(job.outputs) + "\n")
    search = os.pathsep.join([str(FAKE), case.workspace.environment()["PATH"]])
    command = words(search, {"FAULTS_CLUSTER": str(private)}, target, latency_wait=waits)
    case.place = f"{target}: seen after {hidden} s, the head waits {waits} s"
    ended = case.workspace.ended(case.workspace.start(*command))
    shown = (private / "shown").read_text() if (private / "shown").exists() else ""
    if not shown:
        raise NotStruck(f"nothing was late: {ended.end}")
    case.late = True
    case.prove(f"late: {shown.splitlines()}")
    return settle(case.workspace, target, struck=ended if ended.code == 0 else None)


@kind("a scratch folder is purged", 5)
def purged(case: Case) -> Verdict:
    """A site removes what is old, while a run waits to go on."""
    workspace, cold = case.workspace, case.reference.cold
    rule, *gone = PURGED[case.number % len(PURGED)]
    workspace.remove(job := case.rng.choice(cold.of(rule)), store=False)
    for name in gone:
        path = workspace.path(name)
        if path.is_dir():
            shutil.rmtree(path)
            case.prove(f"purged: {name}")
    case.place = f"{', '.join(gone)}, before {job.outputs[0]}"
    return settle(workspace, job.outputs[0])
