"""Time limits of jobs, which follow from their work.

Nothing heavy is imported here: Snakemake reads it for every ``snakemake -n`` and every job.
"""

from functools import cached_property

from limbeck.config.config import Config
from limbeck.errors import LimbeckError

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
    "run_study": 240,
    "fill_table": 480,
}


class Limits:
    """Time limits of the jobs of a config, from its estimate, made when the first is asked for.

    They depend on the config, the files it names and measured rates, and not on what is in the
    results: all jobs of one plan have theirs from the same numbers.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    def minutes(self, rule: str, name: str) -> int:
        """The limit of a job; ``name`` is that of :class:`limbeck.cost.work.Job`."""
        return self._all.get((rule, name), LEAST[rule])

    @cached_property
    def _all(self) -> dict[tuple[str, str], int]:
        from limbeck.cost.estimate import Estimate
        from limbeck.cost.work import Work

        found = Estimate(self._config, Work(self._config))
        try:
            return {
                (job.rule, job.name): found.minutes(job)
                for job in found.work.jobs
                if job.rule in LEAST
            }
        except LimbeckError:  # a file that is not there: the job check_inputs says which
            return {}
