"""The graph, scheduling and bookkeeping of a plan, with stubs for jobs: benchmarks/scale.py."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def scale(repository, *words):
    """What it prints, and its status."""
    command = [sys.executable, "benchmarks/scale.py", *words]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout), done.returncode


def test_the_plan_of_120_000_structures_is_made_in_seconds(repository):
    found, status = scale(repository, "config/hybrid_120k.yaml", "--plan")
    assert status == 0
    assert 200 < found["jobs"] < 2000
    assert found["plan"]["MB"] < 250
    assert found["plan"]["cpu_s"] < 5  # the wall's depends on what else runs


def test_nothing_is_lost_if_jobs_die(repository):
    found, status = scale(repository, "tests/config/tiny.yaml", "--kill", "0.1")
    assert status == 0
    assert found["calls_killed"] > 0
    assert found["calls"] == found["jobs"] + found["calls_killed"]
    assert 2 <= found["most_calls"] <= 3


def test_it_notices_what_is_lost(repository):
    """Every call dies: the first job is called thrice, and that is the end."""
    found, status = scale(repository, "tests/config/tiny.yaml", "--kill", "1")
    assert status == 1
    assert found["most_calls"] == 3
    assert found["jobs_lost"] > 0
