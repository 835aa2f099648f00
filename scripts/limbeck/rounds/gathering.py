"""What rounds are compared by, read from the folder of a run."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from limbeck.config.jobs import CompareRounds
from limbeck.config.rounds import Round
from limbeck.config.sections.datasets import TESTS
from limbeck.config.written import Training, as_written
from limbeck.datasets.split import Dataset, read_part
from limbeck.errors import Unfit
from limbeck.files import read_json
from limbeck.labels import calls_of_a_label
from limbeck.rounds.compare import RoundData
from limbeck.rounds.explore import COLUMNS
from limbeck.storage import read_frames, read_labels
from limbeck.students.handover import open_seeds


def inputs_of(folder: Path, job: CompareRounds) -> list[Path]:
    """The files that carry a recipe, in the order of the rule's."""
    return [folder / path for path in job.asked.compared]


def tests_of(folder: Path, job: CompareRounds) -> dict[str, Dataset]:
    """The test sets, by name; all rounds have the same."""
    path = folder / "datasets" / job.label_set
    return {part: read_part(str(path / f"{part}.h5"), job.label_set) for part in TESTS}


def rounds_of(folder: Path, job: CompareRounds) -> list[RoundData]:
    """All rounds, the first at first.

    Raises:
        LimbeckError: a file is missing, damaged, or not what it should be.
    """
    return [_read(folder, each, job) for each in job.asked.rounds]


def _read(folder: Path, each: Round, job: CompareRounds) -> RoundData:
    own = folder / "rounds" / each.name
    models = [str(folder / path) for path in job.asked.models(each)]
    train = read_part(str(folder / "datasets" / each.learned / "train.h5"), each.learned)
    tested = None
    if job.rounds.n_test_frames:
        labels = read_labels(own / "own.labels.h5", job.label_set)
        tested = Dataset(read_frames(own / "own.h5"), labels)
    return RoundData(
        name=each.name,
        number=each.number,
        random=each.random,
        students=list(open_seeds(models, device=job.device).values()),
        own=tested,
        trajectories=_trajectories(own / "trajectories.csv"),
        train_frames=len(train),
        steps=list(_steps(models)),
        choice=read_json(own / "chosen.json") if each.number > 1 else {},
        calls=calls_of_a_label(train.labels.attrs),
    )


def _steps(models: list[str]) -> Iterator[int]:
    for model in models:
        path = Path(model).parent / "training.json"
        yield as_written(Training, read_json(path), path).steps


def _trajectories(path: Path) -> pd.DataFrame:
    try:
        found = pd.read_csv(path, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise Unfit(path, f"not readable as CSV: {error}") from error
    if list(found.columns) != list(COLUMNS):
        raise Unfit(path, f"expected the columns {list(COLUMNS)}, got {list(found.columns)}")
    return found
