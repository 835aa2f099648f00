"""Potentials: models that give energy, forces and stress; open one with ``open_potential``."""

import importlib
from typing import TYPE_CHECKING, Any

from limbeck.errors import LimbeckError
from limbeck.potentials.devices import present
from limbeck.potentials.known import ORB_FOUNDATION

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

#: kind of model -> (module of ``models/``, function) that opens it; imported when first asked for
OPENERS: dict[str, tuple[str, str]] = {
    "chgnet": ("chgnet", "ChgnetPotential"),
    "emt": ("toys", "open_emt"),
    "lj": ("toys", "open_lj"),
    "mace": ("mace_files", "open_mace"),
    "matgl": ("matgl", "open_matgl"),
    "orb": ("orb", "open_small"),
    "xtb": ("xtb", "XtbPotential"),
    **dict.fromkeys(ORB_FOUNDATION, ("orb_foundation", "open_foundation")),
}

#: upper bound of atoms in a batch on a CPU, from measured speeds (larger is not always faster)
BATCH_ATOMS = {
    "chgnet": 32,
    "emt": 256,
    "lj": 1024,
    "mace": 256,
    "matgl": 128,
    "orb": 512,
    "xtb": 64,
}
BATCH_ATOMS |= dict.fromkeys(ORB_FOUNDATION, 128)

DEFAULTS: dict[str, Any] = {
    "path": None,
    "sha256": None,
    "dtype": "float32",
    "version": "0.3.0",
    "method": "GFN2-xTB",
}


def open_potential(settings: dict[str, Any], *, device: str = "cpu") -> "Potential[Any]":
    """Open a potential of the config.

    Args:
        settings: its section of the config, with its ``name``.
        device: a torch device name.

    Raises:
        LimbeckError: the kind is unknown, its weights are missing or not the right ones, or the
            device is not there.
    """
    device = present(device, "stop")
    model = settings["model"]
    if model not in OPENERS:
        raise LimbeckError(
            f"potentials.{settings['name']}.model: {model!r}, expected one of {sorted(OPENERS)}"
        )
    # None in the config means the default.
    given = {k: v for k, v in settings.items() if v is not None}
    full = {**DEFAULTS, "batch_atoms": BATCH_ATOMS.get(model, 256), **given}
    name, function = OPENERS[model]
    module = importlib.import_module(f"limbeck.potentials.models.{name}")
    return getattr(module, function)(full, device=device)
