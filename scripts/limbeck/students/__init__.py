"""Students: small networks that learn the labels. Architectures by their name in the config."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck.potentials.trainable import TrainablePotential

#: architecture -> (module, class); imported when first asked for
ARCHITECTURES: dict[str, tuple[str, str]] = {
    "direct": ("limbeck.potentials.models.orb", "OrbPotential"),
    "mace": ("limbeck.potentials.models.mace", "MacePotential"),
}


def architecture(name: str) -> "type[TrainablePotential[Any]]":
    """The class of that architecture."""
    module, cls = ARCHITECTURES[name]
    return getattr(importlib.import_module(module), cls)
