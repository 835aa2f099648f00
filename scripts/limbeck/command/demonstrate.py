"""``limbeck demonstrate``: what a turn and a shift do to a model's answer for one structure."""

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from limbeck.averaging.demonstration import Change, axis_of, rotations, scan, shifted, turned
from limbeck.command.gaps import opened, structures
from limbeck.errors import LimbeckError
from limbeck.files import whole_file
from limbeck.frames import Frames
from limbeck.potentials.interface import Potential
from limbeck.report.page.atoms import draw_forces
from limbeck.report.page.figure import ORANGE
from limbeck.report.sections import TEMPLATES

STYLE = TEMPLATES / "figures.mplstyle"
#: percent; a change below this is drawn as nothing, since rounding is
LEAST = 0.1


def demonstrate(asked: argparse.Namespace) -> None:
    """Ask, print what changed, and draw; ``asked`` is of :func:`limbeck.command.parser`.

    Raises:
        LimbeckError: the model, the file, the frame, the axis or the picture's path is no good, or
            the model has no answer for the frame.
    """
    axis = axis_of(asked.axis)
    picture = Path(asked.output)
    if picture.suffix not in (".png", ".pdf", ".svg"):
        raise LimbeckError(f"{picture}: expected a name that ends in .png, .pdf or .svg")
    frame = _frame(asked)
    potential = opened(asked)
    matrices = rotations(axis, np.array([asked.angle_deg]))
    answers, (turn,) = turned(potential, frame, matrices)
    _, (shift,) = shifted(potential, frame, np.array([asked.shift_A], dtype=float))
    print(f"{asked.model} on {frame.group[0].decode()}, {frame.n_atoms[0]} atoms\n")
    print(f"{'':40}{'energy, meV/atom':>18}{'forces, meV/A':>15}{'largest':>10}{'relative':>10}")
    shifts = ", ".join(f"{v:g}" for v in asked.shift_A)
    print(_row(f"turned by {asked.angle_deg:g} degrees about {asked.axis}", turn))
    print(_row(f"shifted by {shifts} A", shift))
    print(
        "\nWhat changed, once the answer was turned back: of the energy, the root mean square of a"
        "\nforce component, the largest change on one atom, and the second over the root mean"
        f"\nsquare of the force components ({turn.size:.3g} meV/A). Zero, but for rounding, where a"
        "\nmodel keeps the symmetry."
    )
    table = scan(potential, frame, axis, asked.step_deg)
    with mpl.rc_context(fname=STYLE), whole_file(picture) as temporary:
        canvas = drawn(potential, frame, answers.forces, table, asked)
        canvas.savefig(temporary, format=picture.suffix[1:])
    print(f"\nThe forces before and after, and a turn through 360 degrees: {picture}")


def _frame(asked: argparse.Namespace) -> Frames:
    found, refused = structures(asked)
    if not len(found):
        raise LimbeckError("\n".join([f"{asked.file}: no structure of it can be used", *refused]))
    if asked.frame >= len(found):
        raise LimbeckError(f"--frame {asked.frame}: {asked.file} has 0 to {len(found) - 1}")
    return found.select(np.array([asked.frame]))


def _row(what: str, change: Change) -> str:
    share = f"{100 * change.forces / change.size:.2g} %" if change.size else "-"
    numbers = f"{change.energy:>18.3g}{change.forces:>15.3g}{change.largest:>10.3g}"
    return f"{what:40}{numbers}{share:>10}"


def drawn(
    potential: Potential[Any],
    frame: Frames,
    after: np.ndarray,
    table: pd.DataFrame,
    asked: argparse.Namespace,
) -> Canvas:
    """Forces before and after a turn on the atoms, and what changes through 360 degrees.

    Args:
        after: float64 [n,3], eV/Angstrom, forces of the turned frame, turned back.
        table: of :func:`limbeck.averaging.demonstration.scan`.
    """
    canvas = Canvas(figsize=(9.6, 4.2))
    left = canvas.add_subplot(1, 2, 1, projection="3d")
    (atoms,) = frame.to_atoms()
    forces = {"as given": potential.predict(frame).forces, "turned": after}
    longest = draw_forces(left, atoms, forces)
    left.legend(loc="upper left", title=f"longest: {1000 * longest:,.0f} meV/Å")
    left.set_title(f"Forces as given, and turned by {asked.angle_deg:g}°")
    right = canvas.add_subplot(1, 2, 2)
    percent = 100 * table["relative"]
    right.plot(table["angle_deg"], percent, color=ORANGE)
    right.set(
        xlabel=f"Angle about {asked.axis}, degrees", ylabel="Percent of their root mean square"
    )
    right.set_xticks(range(0, 361, 90))
    right.set_ylim(0, max(LEAST, 1.1 * percent.max(skipna=True)))
    right.set_title("Change of the forces through 360 degrees")
    return canvas
