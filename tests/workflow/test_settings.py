"""Settings travel in files that the head of a run writes as it starts."""

import json

import pytest

TINY = ("--configfile", "tests/config/tiny.yaml", "--cores", 1, "--show-failed-logs")
MADE = "results/tiny/structures/metals/0.h5"
CALL = (*TINY, "--", MADE)


@pytest.fixture(scope="module")
def settings(workspace):
    return workspace / "results/tiny/settings"


def test_without_hooks_a_job_says_in_a_line_what_it_lacks(snakemake, settings):
    assert snakemake("-n", *CALL).returncode == 0
    assert not settings.exists()  # a dry run writes nothing
    done = snakemake("--no-hooks", *CALL)
    assert done.returncode == 1
    (line,) = {line for line in done.stderr.splitlines() if line.startswith("error: ")}
    assert ".json: no such file; the head of a run writes it as it starts, which --no-hooks" in line
    assert "Traceback" not in done.stderr
    assert not settings.exists()


@pytest.mark.slow
def test_the_head_writes_what_its_jobs_are_told_and_no_more(snakemake, settings):
    done = snakemake(*CALL)
    assert done.returncode == 0, done.stderr
    told = [json.loads(path.read_text()) for path in settings.iterdir()]
    assert len(told) == 2  # check_inputs, and the one source
    assert [t["source"]["name"] for t in told if "source" in t] == ["metals"]
    assert "Nothing to be done" in "".join(snakemake(*CALL).stderr)


@pytest.mark.slow
def test_a_damaged_file_is_mended_by_the_same_command(snakemake, workspace, settings):
    assert snakemake(*CALL).returncode == 0  # by the test before, where the same worker ran it
    for path in settings.iterdir():
        path.write_text("{")
    (workspace / MADE).unlink()
    done = snakemake(*CALL)
    assert done.returncode == 0, done.stderr
    assert (workspace / MADE).is_file()
