"""One cluster for all tests of this folder, and the folders that their runs start from."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slurm import cluster as clusters
from slurm import runs


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clusters.Cluster]:
    """A cluster that is up."""
    if reason := clusters.missing():
        pytest.skip(reason)
    # sockets have short names
    found = clusters.Cluster(tmp_path_factory.mktemp("slurm") / "c")
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def prepared(
    cluster: clusters.Cluster, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where structures are made and dynamics is not."""
    return runs.prepare(repository, tmp_path_factory.mktemp("prepared") / "run")


@pytest.fixture(scope="module")
def whole(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all that nothing disturbed, without a cluster."""
    folder = copy(prepared, tmp_path_factory.mktemp("whole") / "run")
    runs.local(folder, *runs.SAMPLES)
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A copy of what is prepared, for one test."""
    return copy(prepared, tmp_path / "run")


@pytest.fixture
def start(cluster: clusters.Cluster) -> Iterator[Callable[..., runs.Run]]:
    """Start runs; what is left of them, and of the queue, is ended after the test."""
    started: list[runs.Run] = []

    def begin(*arguments: object, **options: object) -> runs.Run:
        started.append(runs.Run(cluster, *arguments, **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for run in started:
        run.end()
    cluster.call("scancel", "--state=PENDING", "--user=root", check=False)
    cluster.call("scancel", "--user=root", check=False)


def copy(source: Path, target: Path) -> Path:
    """A copy with the times of its files."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    shutil.rmtree(target / "results/slurm_logs", ignore_errors=True)
    return target
