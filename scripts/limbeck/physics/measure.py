"""All that a config asks of one model, in the form in which it stands in the file."""

import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from limbeck.check.progress import each
from limbeck.config.sections.warrant import Physics
from limbeck.frames import Frames
from limbeck.physics import crystals as crystal
from limbeck.physics import motion
from limbeck.physics.starts import Starts, of_crystals, of_dynamics
from limbeck.potentials.evaluation import attempt
from limbeck.potentials.interface import Potential, tell_ignored
from limbeck.preparation.relaxation import Relaxed

log = logging.getLogger(__name__)

#: checks that begin with starts of dynamics; the others with crystals
OF_DYNAMICS = ("nve", "nvt")


def measure(
    potential: Potential[Any],
    frames: Frames,
    structures: Frames,
    own: Physics,
    *,
    seed: int,
    teacher: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a model makes of dynamics and crystals, a row for each structure.

    Args:
        frames: test frames, which dynamics start from.
        structures: those that they descend from, as their sources made them.
        own: with its ``temperatures_K``.
        seed: of the run. A model and its teacher have the same first velocities.
        teacher: what was measured of the model's teacher: phonons are those of its cells.

    Returns:
        For each check ``rows`` (a row with a ``reason`` was set aside for it), the number of
        structures ``offered``, those ``left_out``, and ``failed``: why there are no rows at all.
    """
    tell_ignored(frames, potential.about.name, potential.about.conditions)
    starts = of_dynamics(frames, potential, own)
    crystals = of_crystals(structures, potential, own)

    @cache
    def at_rest() -> Relaxed:
        return crystal.at_rest(crystals.frames, potential, own)

    def phonons() -> list[dict[str, Any]]:
        cells = (teacher or {}).get("phonons", {}).get("rows")
        if cells is None:
            cells = crystal.cells_of_phonons(crystals.frames, at_rest(), potential, own)
        return crystal.phonons(_bare(cells), potential)

    ask: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "nve": lambda: motion.keep_energy(starts.frames, potential, own, seed=seed),
        "nvt": lambda: motion.last(
            starts.frames, potential, own, own.temperatures_K or [motion.NVE_K], seed
        ),
        "phonons": phonons,
        "equation_of_state": lambda: crystal.equations_of_state(
            crystals.frames, at_rest(), potential, own
        ),
        "symmetry_kept": lambda: crystal.symmetries(crystals.frames, potential, own),
    }
    wanted = [name for name in ask if name in own.checks or (name == "nvt" and own.moves)]
    found = {}
    for name in each(wanted, "physics", "checks"):
        found[name] = _guarded(
            name, ask[name], potential, starts if name in OF_DYNAMICS else crystals
        )
    return found


#: of a cell of phonons, what tells another model which displacements to look at
CELL = "id formula n_atoms reason cell_A positions_A numbers supercell supercell_atoms".split()


def _bare(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: cell[key] for key in CELL if key in cell} for cell in cells]


def _guarded(
    name: str,
    ask: Callable[[], list[dict[str, Any]]],
    potential: Potential[Any],
    starts: Starts,
) -> dict[str, Any]:
    """One check; whatever it raises is why it has no rows."""
    made: dict[str, Any] = {"rows": [], "left_out": starts.left_out, "offered": starts.offered}
    if not len(starts.frames):
        return made | {"failed": "no structure that fits"}
    rows, error, _ = attempt(potential, ask)
    if rows is None:
        log.warning("%s: not measured: %s", name, error)
        return made | {"failed": f"{type(error).__name__}: {error}"}
    return made | {"rows": rows, "failed": ""}
