"""Studies of other fields: in which environment their data are made, and what they leave."""

from limbeck.config.config import Config

#: the environment of Limbeck itself
OWN = "limbeck"


def environments_of_studies(config: Config) -> list[str]:
    """Files of ``envs/`` that data of studies are made in, without their endings."""
    return sorted({study.environment for study in config.engine_studies.values()})


def studies_in(config: Config, environment: str) -> list[str]:
    """Names of the studies whose data are made in an environment."""
    return [n for n, s in config.engine_studies.items() if s.environment == environment]


def script_of_study(config: Config, study: str) -> str:
    """The script that makes the data of a study, below ``scripts/``."""
    own = config.engine_studies[study]
    return "make_study_data.py" if own.environment == OWN else f"study_data/{own.kind}.py"


def file_of_study(config: Config, study: str) -> list[str]:
    """The file of the user that a study reads; none where it makes its data."""
    path = getattr(config.engine_studies[study], "path", None)
    return [path] if path else []


def study_files(config: Config) -> list[str]:
    """What studies of other fields leave."""
    names = ("results.json", "answers.h5", "tile.png", "metrics.csv")
    return [f"studies/{study}/{name}" for study in config.engine_studies for name in names]
