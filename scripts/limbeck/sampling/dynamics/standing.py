"""Where an integrator stands between two steps, for check-points.

All that moves is in the tensors of the state, of the integrator and of its thermostats and cells,
and in how many random numbers were drawn. They are found by looking at all attributes, so that no
integrator can forget one of its own.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch_sim.integrators.md import NoseHooverChain

from limbeck.sampling.dynamics.streams import Draws


def standing(thing: Any) -> dict[str, Any]:
    """Tensors, numbers of draws, and the same of the parts of a thing, by attribute."""
    found: dict[str, Any] = {}
    for name, value in vars(thing).items():
        if isinstance(value, torch.Tensor):
            found[name] = value
        elif isinstance(value, Draws):
            found[name] = value.made
    return found | {name: standing(part) for name, part in _parts(thing)}


def stand(thing: Any, found: dict[str, Any]) -> None:
    """Put a thing where another one, built in the same way, stood."""
    parts = dict(_parts(thing))
    for name, value in found.items():
        if name in parts:
            stand(parts[name], value)
        elif isinstance(value, torch.Tensor):
            setattr(thing, name, value.to(getattr(thing, name).device))
        else:
            getattr(thing, name).made = value


def _parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """Attributes that move themselves: chains, and what this package defines."""
    here = __name__.rpartition(".")[0]
    for name, value in vars(thing).items():
        if isinstance(value, Draws):
            continue
        if isinstance(value, NoseHooverChain) or type(value).__module__.startswith(here):
            yield name, value
