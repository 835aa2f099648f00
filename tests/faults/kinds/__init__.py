"""All kinds of faults; importing this fills the table of ``faults.harness``."""

from faults.kinds import damage, disks, heads, hostile, jobs, models, runs_at_once, structures

__all__ = ["damage", "disks", "heads", "hostile", "jobs", "models", "runs_at_once", "structures"]
