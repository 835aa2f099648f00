"""Read what ``snakemake -n`` prints."""

import re

from limbeck.config.config import Config
from limbeck.config.recipes import Recipes
from limbeck.config.settings_files import SettingsFiles


def jobs(output: str) -> dict[str, int]:
    """Rule -> number of jobs, from the table of a plan."""
    table = output.split("Job stats:")[1].split("\ntotal")[0]
    return {name: int(count) for name, count in re.findall(r"(?m)^(\w+) +(\d+)$", table)}


def told(config: Config, made: str, command: str = "") -> str:
    """What the job that makes a file below the run is told, as JSON.

    Args:
        command: the job's command line, in which the name of this file has to stand.
    """
    job = Recipes(config).job_of(made)
    assert job is not None, made
    path = SettingsFiles(f"results/{config.run}").path(job[0])
    assert not command or f"--settings {path} " in command, command
    return job[0]
