"""Students that are trained, and where they stand."""

from collections.abc import Sequence
from typing import NamedTuple

from limbeck.config import rounds
from limbeck.config.config import Config
from limbeck.config.sections.students import Distill


class TrainedStudent(NamedTuple):
    """One student that is trained: on which labels, and with which seed."""

    label_set: str
    student: str
    seed: int


def trained(config: Config) -> list[TrainedStudent]:
    """Every student of every entry of ``distill``, once each."""
    return trained_by(config.distill)


def trained_by(entries: Sequence[Distill]) -> list[TrainedStudent]:
    """Every student of these entries, once each."""
    found = [
        TrainedStudent(entry.labels, student, seed)
        for entry in entries
        for student in entry.students
        for seed in entry.seeds
    ]
    return list(dict.fromkeys(found))


def trained_in_rounds(config: Config) -> list[TrainedStudent]:
    """Every student of the rounds after the first."""
    return [
        TrainedStudent(each.learned, each.student, seed)
        for each in rounds.later_rounds(config)
        for seed in rounds.asked(config)[each.label_set, each.student].seeds
    ]


def arms(config: Config) -> list[str]:
    """Label sets that students learn from."""
    return list(dict.fromkeys(entry.labels for entry in config.distill))


def model_of_student(config: Config, label_set: str, student: str, seed: str) -> list[str]:
    """The model of one student and seed."""
    return [f"{student_folder(TrainedStudent(label_set, student, int(seed)))}/model"]


def student_folder(entry: TrainedStudent) -> str:
    """Where one student and what is known of it stand."""
    return f"students/{entry.label_set}/{entry.student}/seed{entry.seed}"


def models(config: Config, label_set: str = "", student: str = "", **wildcards: str) -> list[str]:
    """Models of all students, or of all seeds of one."""
    one = (label_set, student)
    return [f"{student_folder(e)}/model" for e in trained(config) if e[:2] == one or not student]
