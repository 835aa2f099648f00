"""Studies of other fields: in which environment their data are made, and what they leave."""

from limbeck.config.config import Config
from limbeck.config.environments import file_of, python_of
from limbeck.config.sections.studies import ElsewhereStudy, TextSettings

#: the environment of Limbeck itself
OWN = "limbeck"
#: what an encoder's folder has to have
ENCODER = ("config.json", "model.safetensors")


def environments_of_studies(config: Config) -> list[str]:
    """Files of ``envs/`` that data of studies are made in, without their endings."""
    return sorted({study.made_in for study in config.engine_studies.values()})


def studies_in(config: Config, environment: str) -> list[str]:
    """Names of the studies whose data are made in an environment, and not those of another."""
    studies = config.engine_studies.items()
    return [n for n, s in studies if s.made_in == environment and maker_of_data(config, n) == n]


def maker_of_data(config: Config, study: str) -> str:
    """The first study that has the same data, which are made once: mostly the study itself.

    Data that Limbeck makes itself depend on the name of the study, too, and cost little.
    """
    own = config.engine_studies[study]
    if own.made_in == OWN:
        return study
    wanted = own.of_data().model_copy(update={"name": ""})
    same = (
        name
        for name, other in config.engine_studies.items()
        if other.of_data().model_copy(update={"name": ""}) == wanted
    )
    return next(same)


def data_of_study(config: Config, study: str) -> list[str]:
    """The one file of the data of a study, which several may share."""
    return [f"studies/{maker_of_data(config, study)}/data.h5"]


def script_of_study(config: Config, study: str) -> str:
    """The script that makes the data of a study, below ``scripts/``."""
    own = config.engine_studies[study]
    return "make_study_data.py" if own.made_in == OWN else f"study_data/{own.kind}.py"


def file_of_study(config: Config, study: str) -> list[str]:
    """The files of the user that a study reads; none where it makes its data."""
    own = config.engine_studies[study]
    found = [getattr(own, "path", None)]
    if isinstance(own, TextSettings):
        found += [f"{own.encoder.path}/{name}" for name in ENCODER]
        found += [own.debian.packages, own.debian.translation] if own.debian else []
    return [path for path in found if path]


def python_of_study(config: Config, study: str) -> str:
    """What the data of a study are made with: the Python that it names, or its environment's."""
    own = config.engine_studies[study]
    return python_of(own) if isinstance(own, ElsewhereStudy) and own.made_in != OWN else "python"


def environment_of_studies(config: Config, environment: str) -> str:
    """The file of an environment, for a rule; Limbeck's where all of its studies name a Python."""
    studies = (config.engine_studies[name] for name in studies_in(config, environment))
    return file_of(environment, [s for s in studies if isinstance(s, ElsewhereStudy)])


def study_files(config: Config) -> list[str]:
    """What studies of other fields leave."""
    names = ("results.json", "answers.h5", "tile.png", "metrics.csv")
    return [f"studies/{study}/{name}" for study in config.engine_studies for name in names]
