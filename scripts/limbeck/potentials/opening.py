"""Potentials opened for a job: on its threads, with the batches that are fast on this machine."""

from typing import TYPE_CHECKING, Any

from limbeck.config.jobs import AsksPotential, MayAskPotential
from limbeck.errors import LimbeckError
from limbeck.potentials.threads import use_threads

if TYPE_CHECKING:
    from limbeck.frames import Frames
    from limbeck.potentials.interface import Potential

Job = AsksPotential | MayAskPotential


def opened(job: Job) -> "Potential[Any]":
    """The potential that a job asks, on as many threads as it says.

    Raises:
        LimbeckError: it has none, or as :func:`limbeck.potentials.open_potential`.
    """
    if job.potential is None:
        raise LimbeckError("settings.potential: nothing, expected the potential that is asked")
    use_threads(job.threads)  # before anything imports torch
    from limbeck.potentials import open_potential

    return open_potential(job.potential, device=job.device)


def open_planned(job: Job, frames: "Frames") -> "Potential[Any]":
    """As :func:`opened`, in batches as they were measured to be fast on this machine.

    Args:
        frames: what it will be asked about.
    """
    from limbeck.potentials.batch_plan import use_plan

    potential = opened(job)
    if job.batch_plans and job.potential and job.potential.batch_atoms is None:
        use_plan(potential, frames, job.batch_plans, threads=job.threads)
    return potential
