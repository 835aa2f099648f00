"""Physics of toys in place of a teacher and its students, for tests of what follows from it."""

from pathlib import Path
from typing import Any

from ase.build import bulk

from argon import ARGON, tetrahedron
from limbeck.config.config import Config
from limbeck.config.plan import physics_students, physics_teachers, student_folder
from limbeck.config.sections.messages import validated
from limbeck.files import write_json
from limbeck.frames import from_atoms
from limbeck.physics.figures import figure_rows, figures
from limbeck.physics.measure import measure
from limbeck.potentials.models.toys import LennardJones
from limbeck.properties import Predictions
from limbeck.warrant.tidy import write_table

#: ``warrant.physics`` of a config
PHYSICS: dict[str, Any] = {
    "checks": ["nve", "nvt", "structure", "phonons", "equation_of_state", "symmetry_kept"],
    "n_structures": 2,
    "max_atoms": 8,
    "supercell_radius_A": None,
    "nve_ps": 0.2,
    "nve_time_steps_fs": [2.0],
    "nvt_ps": 0.8,
    "nvt_time_step_fs": 8.0,
    "temperatures_K": [100.0],
    "phonon_supercell_radius_A": 5.0,
    "relax_steps": 200,
    "symmetry_force_tolerances_eV_per_A": [0.01],
}


def stiffened(potential: Any, factor: float) -> Any:
    """A potential with all its springs ``factor`` times as stiff."""
    evaluate = potential.evaluate

    def scaled(batch: Any) -> Predictions:
        return Predictions(values={k: factor * v for k, v in evaluate(batch).values.items()})

    potential.evaluate = scaled
    return potential


def write_physics(folder: Path, settings: dict[str, Any], factor: float = 0.81) -> None:
    """A crystal and a cluster, by the Lennard-Jones potential as the teacher of all, and by springs
    that are ``factor`` times as stiff as every student."""
    config = validated(Config, settings)
    own = config.warrant.physics
    cell = bulk("Ar", "fcc", a=ARGON * 2**0.5, cubic=True)
    structures = from_atoms([cell, tetrahedron()], groups=["a", "b"], source="s")
    its = measure(LennardJones(), structures, structures, own, seed=1)
    for name in physics_teachers(config):
        _write(folder / f"physics/teachers/{name}.json", name, None, its, figures(its, own))
    softer = stiffened(LennardJones(), factor)
    mine = measure(softer, structures, structures, own, seed=1, teacher=its)
    for entry in physics_students(config):
        potential = config.labels[entry.label_set].potential
        title = f"{entry.label_set}/{entry.student}/seed{entry.seed}"
        path = folder / f"physics/{student_folder(entry)}.json"
        _write(path, title, potential, mine, figures(mine, own, its))


def _write(
    path: Path, name: str, teacher: str | None, checks: dict[str, Any], made: list[dict[str, Any]]
) -> None:
    write_json(path, {"model": name, "teacher": teacher, "checks": checks, "figures": made})
    write_table(path, figure_rows(made, subject=name))
