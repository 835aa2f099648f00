"""Limits of the time and memory of jobs, which follow from their work.

Nothing heavy is imported here: Snakemake reads it for every ``snakemake -n`` and every job.
"""

from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING

from limbeck.config.config import Config
from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.cost.estimate import Estimate

#: rules whose jobs ask models -> the least time limit of a job, in minutes; also where the speed of
#: a model is unknown
LEAST = {
    "calculate_force_constants": 240,
    "sample_contour": 240,
    "sample_md": 240,
    "sample_phonons": 240,
    "sample_rattle": 240,
    "sample_relax_path": 240,
    "extract_subsystems": 60,
    "select_frames": 60,
    "choose_views": 60,
    "label_frames": 240,
    "train_student": 480,
    "evaluate_student": 120,
    "measure_teacher_gap": 240,
    "certify_quadrature": 240,
    "measure_student_gap": 240,
    "measure_speed": 60,
    "measure_teacher_physics": 240,
    "measure_student_physics": 240,
    "explore_round": 240,
    "choose_frames": 60,
    "label_round": 240,
    "compare_rounds": 60,
    "compare_label_sets": 240,
    "fill_table": 480,
}


#: bytes of memory for each atom of the frames that a job holds. The most that was seen, between
#: jobs of 600 and of 12,000 frames of 43 atoms, was 320 (screening); the rest is for more labels.
ATOM_BYTES = 500
#: the same of a training, which keeps the graphs of so many atoms at most
#: (limbeck.students.batches.CACHED_ATOMS): 60 neighbours, with two numbers and a vector for each
GRAPH_BYTES, GRAPH_ATOMS = 2500, 2_000_000


class Limits:
    """Limits of the jobs of a config, from its estimate, made when the first is asked for.

    They depend on the config, the files it names and measured rates, and not on what is in the
    results: all jobs of one plan have theirs from the same numbers.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    def minutes(self, rule: str, name: str) -> int:
        """The time limit of a job; ``name`` is that of :class:`limbeck.cost.work.Job`."""
        return self._minutes.get((rule, name), LEAST[rule])

    def megabytes(self, rule: str, name: str) -> int:
        """Memory of a job for the frames that it holds, beside what it takes without any.

        Where the estimate has no such job, or does not say what it makes, these are all frames that
        are selected, or those of the source's shard that it screens.
        """
        atoms = self._atoms.get((rule, name), self._atoms.get(("", ""), 0.0))
        per_atom = ATOM_BYTES * atoms
        if rule == "train_student":
            per_atom += GRAPH_BYTES * min(atoms, GRAPH_ATOMS)
        return ceil(per_atom / 1e6)

    @cached_property
    def _estimate(self) -> "Estimate | None":
        from limbeck.cost.estimate import Estimate
        from limbeck.cost.work import Work

        found = Estimate(self._config, Work(self._config))
        try:
            found.work.jobs  # noqa: B018  a cached property
        except LimbeckError:  # a file that is not there: the job check_inputs says which
            return None
        return found

    @cached_property
    def _minutes(self) -> dict[tuple[str, str], int]:
        found = self._estimate
        jobs = found.work.jobs if found else []
        return {(j.rule, j.name): found.minutes(j) for j in jobs if found and j.rule in LEAST}

    @cached_property
    def _atoms(self) -> dict[tuple[str, str], float]:
        """Of the frames that a job makes; under no name, of all that are selected."""
        found = self._estimate
        if not found:
            return {}
        made = {(j.rule, j.name): j.made.atoms for j in found.work.jobs if j.made.atoms}
        shards = {("screen_structures", n): a for (r, n), a in made.items() if "generate_" in r}
        return {("", ""): found.work.selected.atoms, **made, **shards}
