"""Potentials opened for a job: on its threads, with the batches that are fast on this machine."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from limbeck.potentials.threads import use_threads

if TYPE_CHECKING:
    from limbeck.frames import Frames
    from limbeck.potentials.interface import Potential


def opened(settings: Mapping[str, Any]) -> "Potential[Any]":
    """The potential of the settings, on as many threads as they say."""
    use_threads(settings["threads"])  # before anything imports torch
    from limbeck.potentials import open_potential

    return open_potential(settings["potential"], device=settings["device"])


def open_planned(settings: Mapping[str, Any], frames: "Frames") -> "Potential[Any]":
    """The potential of a sampling, in batches as they were measured to be fast on this machine.

    Args:
        settings: potential, device, threads; ``batch_plans`` is the folder of the batch plans,
            where there is one.
        frames: what it will be asked about.
    """
    from limbeck.potentials.batch_plan import use_plan

    potential = opened(settings)
    if settings.get("batch_plans") and settings["potential"].get("batch_atoms") is None:
        use_plan(potential, frames, settings["batch_plans"], threads=settings["threads"])
    return potential
