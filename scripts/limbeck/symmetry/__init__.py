"""Symmetries a physical answer respects, by their name in the config."""

from limbeck.errors import LimbeckError
from limbeck.symmetry.cell_choice import CellChoice
from limbeck.symmetry.interface import Symmetry
from limbeck.symmetry.permutation import Permutation
from limbeck.symmetry.reflection import Reflection
from limbeck.symmetry.rotation import Rotation
from limbeck.symmetry.space_group import SpaceGroup
from limbeck.symmetry.supercell import Supercell
from limbeck.symmetry.translation import Translation

SYMMETRIES: dict[str, Symmetry] = {
    "rotation": Rotation(),
    "reflection": Reflection(),
    "translation": Translation(),
    "permutation": Permutation(),
    "supercell": Supercell(),
    "cell_choice": CellChoice(),
    "space_group": SpaceGroup(),
}


def symmetry_named(name: str) -> Symmetry:
    """The symmetry of that name.

    Raises:
        LimbeckError: there is none.
    """
    if name not in SYMMETRIES:
        raise LimbeckError(f"symmetry {name!r} is unknown, expected one of {sorted(SYMMETRIES)}")
    return SYMMETRIES[name]
