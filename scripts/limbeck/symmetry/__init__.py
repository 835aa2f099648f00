"""Symmetries a physical answer respects, by their name in the config."""

from limbeck.errors import LimbeckError
from limbeck.symmetry.interface import Symmetry
from limbeck.symmetry.reflection import Reflection
from limbeck.symmetry.rotation import Rotation

SYMMETRIES: dict[str, Symmetry] = {
    "rotation": Rotation(),
    "reflection": Reflection(),
}


def symmetry_named(name: str) -> Symmetry:
    """The symmetry of that name.

    Raises:
        LimbeckError: there is none.
    """
    if name not in SYMMETRIES:
        raise LimbeckError(f"symmetry {name!r} is unknown, expected one of {sorted(SYMMETRIES)}")
    return SYMMETRIES[name]
