"""Snakemake on a copy of the workflow, so that no test meets the results of a run."""

from pathlib import Path

import pytest

from workspaces import Snakemake, copy_workflow, snakemake_in


@pytest.fixture(scope="module")
def workspace(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all that Snakemake reads."""
    return copy_workflow(repository, tmp_path_factory.mktemp("limbeck"))


@pytest.fixture(scope="module")
def snakemake(workspace: Path) -> Snakemake:
    """Call Snakemake in the workspace: ``snakemake("-n", "--configfile", ...)``."""
    return snakemake_in(workspace)
