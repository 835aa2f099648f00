"""Potentials: models that give energy, forces and stress; open one with ``open_potential``."""

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from limbeck.config.sections.known import KINDS, ORB_FOUNDATION
from limbeck.config.sections.messages import validated
from limbeck.config.sections.potentials import AnyPotential
from limbeck.config.sections.potentials import Potential as PotentialSection
from limbeck.errors import LimbeckError
from limbeck.potentials.devices import present
from limbeck.potentials.heartbeat import awaited

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

#: kind of model -> (module of ``models/``, function) that opens it; imported when first asked for
OPENERS: dict[str, tuple[str, str]] = {
    "chgnet": ("chgnet", "ChgnetPotential"),
    "emt": ("toys", "open_emt"),
    "lj": ("toys", "open_lj"),
    "mace": ("mace_files", "open_mace"),
    "matgl": ("matgl", "open_matgl"),
    "nep": ("folders", "open_folder"),
    "orb": ("folders", "open_folder"),
    "painn": ("folders", "open_folder"),
    "pyscf": ("quantum.potential", "PyscfPotential"),
    "xtb": ("xtb", "XtbPotential"),
    **dict.fromkeys(ORB_FOUNDATION, ("orb_foundation", "open_foundation")),
}


def open_potential(
    potential: AnyPotential | Mapping[str, Any], *, device: str = "cpu"
) -> "Potential[Any]":
    """Open a potential of the config.

    Args:
        potential: its section of the config, as such or as a mapping with its ``name``.
        device: a torch device name.

    Raises:
        LimbeckError: the kind is unknown, a field is wrong, its weights are missing or not the
            right ones, or the device is not there.
    """
    if not isinstance(potential, AnyPotential):
        potential = validated(PotentialSection, potential, f"potentials.{potential.get('name')}")
    device = present(device, "stop")
    name, function = OPENERS[potential.model]
    extra = KINDS[potential.model].extra
    if extra and any(not find_spec(needed) for needed in KINDS[potential.model].distributions):
        raise LimbeckError(
            f"potentials.{potential.name}: model {potential.model} needs pip install .[{extra}]"
        )
    module = importlib.import_module(f"limbeck.potentials.models.{name}")
    with awaited():  # it may download
        return getattr(module, function)(potential, device=device)
