"""All kinds of faults; importing this fills the table of ``faults.harness``."""

from faults.kinds import (
    clusters,
    damage,
    disks,
    heads,
    hostile,
    jobs,
    models,
    runs_at_once,
    structures,
)

__all__ = [
    "clusters",
    "damage",
    "disks",
    "heads",
    "hostile",
    "jobs",
    "models",
    "runs_at_once",
    "structures",
]
