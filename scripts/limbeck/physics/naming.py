"""How a structure is called in the files and on the page."""

from typing import Any

from ase.symbols import Symbols

from limbeck.frames import Frames


def formula(frames: Frames, b: int) -> str:
    """The formula of one frame, in Hill's order."""
    return str(Symbols(frames.numbers[frames.atoms_of(b)]).formula.convert("hill"))


def named(frames: Frames, b: int) -> dict[str, Any]:
    """What tells one frame from others."""
    return {
        "id": frames.id[b].decode(),
        "formula": formula(frames, b),
        "n_atoms": int(frames.n_atoms[b]),
    }
