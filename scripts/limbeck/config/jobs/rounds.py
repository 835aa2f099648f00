"""Jobs of rounds of learning on a student's own dynamics."""

from typing import Self

from limbeck.config.config import Config
from limbeck.config.jobs.base import (
    ANY_YIELD,
    Compute,
    MayAskPotential,
    asking,
    computing,
    made_by_potential,
)
from limbeck.config.jobs.datasets import BuildDataset
from limbeck.config.jobs.labels import LabelFrames
from limbeck.config.rounds import (
    Asked,
    asked,
    dynamics_of,
    label_set_of,
    later_rounds,
    round_named,
)
from limbeck.config.sections import types as t
from limbeck.config.sections.base import Section
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.config.sections.students import Rounds


class ExploreRound(Compute):
    """Dynamics with the students of a round; ``n_starts`` is 0 where no round chooses from it."""

    seed: t.Whole
    round: str
    pair: str
    dynamics: MolecularDynamics
    n_starts: t.Whole
    n_test_starts: t.Whole
    n_test_frames: t.Whole

    @classmethod
    def of(cls, config: Config, round: str) -> Self:
        each = round_named(config, round)
        own = asked(config)[each.label_set, each.student].settings
        followed = any(each == later.explored for later in later_rounds(config))
        return cls(
            seed=config.seed,
            round=round,
            pair=f"{each.label_set}.{each.student}",
            dynamics=dynamics_of(config, each.label_set, each.student).model_copy(
                update={"sources": ["any"], **ANY_YIELD}
            ),
            n_starts=own.n_starts if followed else 0,
            n_test_starts=own.n_test_starts,
            n_test_frames=own.n_test_frames,
            **computing(config),
        )


class ChooseFrames(MayAskPotential):
    """Which frames of the dynamics a round adds, or their draw at random."""

    seed: t.Whole
    round: str
    rounds: Rounds
    random: bool
    label_set: LabelSet

    @classmethod
    def of(cls, config: Config, round: str) -> Self:
        each = round_named(config, round)
        own = asked(config)[each.label_set, each.student].settings
        label_set = made_by_potential(config, each.label_set)
        asks = own.choose == "views" and not each.random
        return cls(
            seed=config.seed,
            round=round,
            rounds=own.model_copy(update=_NOT_OF_A_CHOICE),
            random=each.random,
            label_set=label_set,
            **(computing(config) | (asking(config, label_set.potential) if asks else {})),
        )


#: of the settings of rounds, what changes no choice
_NOT_OF_A_CHOICE = {
    **dict.fromkeys(("sampling", "temperature_K", "time_total_fs", "sampling_interval_fs")),
    **dict.fromkeys(("n_test_starts", "n_test_frames"), 0),
    "count": 2,
    "compare_with_random": True,
    "n_starts": 1,
}


class LabelRound(LabelFrames):
    """Labels of frames of a round."""

    @classmethod
    def of(cls, config: Config, round: str, part: str) -> Self:  # type: ignore[override]
        label_set = made_by_potential(config, label_set_of(round))
        # nobody is asked for products on the frames that rounds are tested on
        learned = {} if part == "chosen" else {"hessian_vectors": 0}
        return cls(
            label_set=label_set.model_copy(update={"n_frames": None, "draw": 0, **learned}),
            lost_device=config.lost_device,
            slice=0,
            slices=1,
            **asking(config, label_set.potential, labels=True),
        )


class ExtendDataset(Section):
    """The data set of a round: that of the one before, and new frames to train on.

    Attributes:
        label_set: the new data set's; before: the extended one's; labels: the name under which
            the new labels stand.
    """

    label_set: str
    before: str
    labels: str

    @classmethod
    def of(cls, config: Config, round: str) -> Self:
        each = round_named(config, round)
        return cls(label_set=round, before=each.before.learned, labels=each.label_set)


def data_set(config: Config, label_set: str) -> BuildDataset | ExtendDataset:
    """The job that makes a data set: of a label set of the config, or of a round."""
    if label_set in config.labels:
        return BuildDataset.of(config, label_set)
    return ExtendDataset.of(config, label_set)


class CompareRounds(Compute):
    """What the students of all rounds are worth side by side."""

    label_set: str
    student: str
    rounds: Rounds
    seeds: list[t.Whole]

    @classmethod
    def of(cls, config: Config, label_set: str, student: str) -> Self:
        own = asked(config)[label_set, student]
        return cls(
            label_set=label_set,
            student=student,
            rounds=own.settings,
            seeds=own.seeds,
            **computing(config),
        )

    @property
    def asked(self) -> Asked:
        """The rounds, and their files."""
        return Asked(self.label_set, self.student, self.rounds, self.seeds)
