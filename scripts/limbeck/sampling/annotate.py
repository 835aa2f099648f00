"""Store a potential's energy, forces and descriptors with the sampled frames."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from limbeck.config.sections.known import DESCRIBED
from limbeck.errors import LimbeckError
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.properties import property_of

if TYPE_CHECKING:
    from limbeck.frames import Frames
    from limbeck.potentials.interface import Potential


def annotate(frames: "Frames", potential: "Potential[Any]", names: Collection[str]) -> "Frames":
    """The frames with the properties ``names`` that ``potential`` predicts, in one pass.

    ``extra["energy"]`` is float64 [B] in eV, ``atom_extra["forces"]`` float64 [N,3] in
    eV/Angstrom, ``atom_extra["descriptors"]`` [N,D] without a unit, in the precision of the
    potential: features that no rotation, reflection or translation changes. A frame that the
    potential fails on has NaN.

    Args:
        names: which of them.

    Raises:
        LimbeckError: descriptors are asked for, and the potential has none.
    """
    described = "descriptors" in names
    if described and not potential.has_descriptors:
        raise LimbeckError(
            f"{potential.about.name}: a {potential.about.model} has no descriptors, expected a "
            f"potential of model {' or '.join(sorted(DESCRIBED))}"
        )
    found = predict_or_nan(potential, frames, descriptors=described)
    kept = {name: value for name, value in found.values.items() if name in names}
    of_atoms = {name: value for name, value in kept.items() if property_of(name).per_atom}
    of_frames = {name: value for name, value in kept.items() if name not in of_atoms}
    return replace(frames, extra=frames.extra | of_frames, atom_extra=frames.atom_extra | of_atoms)
