"""Read what ``snakemake -n`` prints."""

import re


def jobs(output: str) -> dict[str, int]:
    """Rule -> number of jobs, from the table of a plan."""
    table = output.split("Job stats:")[1].split("\ntotal")[0]
    return {name: int(count) for name, count in re.findall(r"(?m)^(\w+) +(\d+)$", table)}
