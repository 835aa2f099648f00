"""Rounds of training: which there are, and which files their jobs read.

A round is a label set in all but the config: its data set and its students stand beside those of
label sets, under a name that no label set can have, ``{label_set}.{student}.round2``. The first
round is that of the label set itself. Paths are below the folder of the run.
"""

from math import prod
from typing import Any, NamedTuple

from limbeck.config.config import Config
from limbeck.config.sections.datasets import PARTS, TESTS
from limbeck.config.sections.messages import validated
from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.config.sections.students import Rounds

#: Of ``choose: views``: frames that the teacher is asked about, over those that are chosen, and
#: calls for each.
POOL, POOL_VIEWS = 4, 2
#: ends the name of a round whose frames are drawn at random
RANDOM = "-random"


class Round(NamedTuple):
    """One round of one student of a label set.

    Attributes:
        number: from 1.
        random: its frames are drawn at random, and not chosen; of the first, false.
    """

    label_set: str
    student: str
    number: int
    random: bool = False

    @property
    def name(self) -> str:
        """In paths below ``rounds/``."""
        return f"{self.label_set}.{self.student}.round{self.number}{RANDOM * self.random}"

    @property
    def learned(self) -> str:
        """What its students learn from: the name of a data set."""
        return self.label_set if self.number == 1 else self.name

    @property
    def before(self) -> "Round":
        """The round whose data set is extended."""
        number = self.number - 1
        return self._replace(number=number, random=self.random and number > 1)

    @property
    def explored(self) -> "Round":
        """The round whose students make the frames that there are to choose from: both a choice and
        the draw it is compared with are of the same frames."""
        return self._replace(number=self.number - 1, random=False)


class Asked(NamedTuple):
    """What the config asks of the rounds of one student of a label set."""

    label_set: str
    student: str
    settings: Rounds
    seeds: list[int]

    @property
    def rounds(self) -> list[Round]:
        """All of them, the first among them."""
        first = Round(self.label_set, self.student, 1)
        arms = (False, True) if self.settings.compare_with_random else (False,)
        numbers = range(2, self.settings.count + 1)
        return [first, *(first._replace(number=n, random=r) for n in numbers for r in arms)]

    def models(self, each: Round) -> list[str]:
        """Models of all seeds of a round."""
        folder = f"students/{each.learned}/{each.student}"
        return [f"{folder}/seed{seed}/model" for seed in self.seeds]

    @property
    def compared(self) -> list[str]:
        """What the rounds are compared by, beside their trajectories."""
        found = [f"datasets/{self.label_set}/{part}.h5" for part in TESTS]
        for each in self.rounds:
            folder = f"rounds/{each.name}"
            found += [*self.models(each), f"datasets/{each.learned}/train.h5"]
            found += [f"{folder}/chosen.json"] * (each.number > 1)
            if self.settings.n_test_frames:
                found += [f"{folder}/own.h5", f"{folder}/own.labels.h5"]
        return found


def asked(config: Config) -> dict[tuple[str, str], Asked]:
    """What is asked of each label set and student that has rounds."""
    return {
        (entry.labels, student): Asked(entry.labels, student, entry.asked_rounds, entry.seeds)
        for entry in config.distill
        if entry.asked_rounds
        for student in entry.students
    }


def all_rounds(config: Config) -> list[Round]:
    """All rounds of a config, the first ones among them."""
    return [each for own in asked(config).values() for each in own.rounds]


def later_rounds(config: Config) -> list[Round]:
    """Those that have a data set of their own."""
    return [each for each in all_rounds(config) if each.number > 1]


def round_named(config: Config, name: str) -> Round:
    """The round of a name."""
    return next(each for each in all_rounds(config) if each.name == name)


def label_set_of(learned: str) -> str:
    """The label set of the config behind a data set: itself, or that of a round."""
    return learned.partition(".")[0]  # no name of a config has a dot


def dynamics_of(
    config: Config, label_set: str, student: str, field: str = "rounds"
) -> MolecularDynamics:
    """The settings of a student's dynamics.

    Args:
        field: of the rounds in the config, for errors.

    Raises:
        LimbeckError: they do not fit together, or there is no sampling to take them from.
    """
    own = asked(config)[label_set, student].settings
    base = config.sampling[sampling_of(config, own)]
    assert isinstance(base, MolecularDynamics)
    names = ("temperature_K", "time_total_fs", "sampling_interval_fs")
    given = {name: value for name in names if (value := getattr(own, name)) is not None}
    without: dict[str, Any] = {
        "supercell_radius_A": None,
        "supercell_matrix": None,
        "relax_input_cell": "none",
        "time_equilibration_fs": 0.0,
        "keep": [],
    }
    fields = base.model_dump() | without | given
    return validated(MolecularDynamics, fields, field)


def sampling_of(config: Config, own: Rounds) -> str:
    """Name of the dynamics whose settings a student's has; empty where there is none."""
    names = [own.sampling] if own.sampling else config.select.include
    found = (n for n in names if isinstance(config.sampling.get(n), MolecularDynamics))
    return next(found, "")


def most_frames(own: Rounds, dynamics: MolecularDynamics) -> int:
    """Frames that the dynamics of a round make where none is cut."""
    asked_for = (dynamics.temperature_K, dynamics.pressure_GPa if dynamics.moves_cell else 0.0)
    each = prod(len(value) if isinstance(value, list) else 1 for value in asked_for)
    return own.n_starts * each * (dynamics.steps // dynamics.interval)


# Files that jobs read; arguments are the wildcards of the job.


def models_of(config: Config, round: str) -> list[str]:
    """Models of all seeds of a round."""
    each = round_named(config, round)
    return asked(config)[each.label_set, each.student].models(each)


def starts_of(config: Config, round: str) -> list[str]:
    """Frames that its students' dynamics start from: of training, and to test on."""
    label_set = round_named(config, round).label_set
    return [f"datasets/{label_set}/{part}.h5" for part in ("train", "test_known")]


def candidates_of(config: Config, round: str) -> list[str]:
    """Frames that there are to choose from."""
    return [f"rounds/{round_named(config, round).explored.name}/candidates.h5"]


def choosers_of(config: Config, round: str) -> list[str]:
    """Models of the students that made them."""
    return models_of(config, round_named(config, round).explored.name)


def extended_train(config: Config, round: str) -> list[str]:
    """The training set that a round extends."""
    return extended(config, round)[:1]


def views_of(config: Config, round: str, **wildcards: str) -> list[str]:
    """What decided on the views of its labels; none where the config says them."""
    label_set = label_set_of(round)
    return [f"labels/{label_set}.views.json"] * (config.labels[label_set].views == "auto")


def extended(config: Config, round: str) -> list[str]:
    """The data set that a round extends, by part."""
    own = round_named(config, round)
    return [f"datasets/{own.before.learned}/{part}.h5" for part in PARTS]


def added(config: Config, round: str) -> list[str]:
    """The frames that a round adds, and their labels."""
    return [f"rounds/{round}/chosen.h5", f"rounds/{round}/chosen.labels.h5"]


def like(config: Config, label_set: str, student: str, seed: str) -> list[str]:
    """What the training of a round takes its number of steps from, that of the first; none of other
    students."""
    own = label_set_of(label_set)
    return [f"students/{own}/{student}/seed{seed}/training.json"] * (own != label_set)


def trajectories(config: Config, label_set: str, student: str) -> list[str]:
    """What became of the dynamics of every round."""
    found = asked(config)[label_set, student].rounds
    return [f"rounds/{each.name}/trajectories.csv" for each in found]


def compared(config: Config, label_set: str, student: str) -> list[str]:
    """What the rounds of a student are compared by, beside that."""
    return asked(config)[label_set, student].compared
