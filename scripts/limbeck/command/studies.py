"""What studies there are: ``limbeck studies``."""

from typing import get_args

from limbeck.config.sections.studies import StudySettings
from limbeck.errors import LimbeckError
from limbeck.studies.frames import ABOUT
from limbeck.studies.registry import STUDIES, study_class


def print_studies() -> None:
    """Print a few lines about each; of one that is broken, why, and at the end that there is one.

    Raises:
        LimbeckError: a study is broken.
    """
    for kind, (about, symmetry, independent) in ABOUT.items():
        _tell(kind, about, symmetry, independent, "limbeck", "the frames and labels of a run")
    broken = []
    for kind in STUDIES:
        try:
            found = study_class(kind)
        except LimbeckError as error:
            broken.append(str(error))
            continue
        own = (found.about, found.symmetry, found.independent)
        _tell(kind, *own, environment_of(kind), found.needs)
    if broken:
        raise LimbeckError("\n".join(broken))


def environment_of(kind: str) -> str:
    """The environment in which the data of a kind are made."""
    members = get_args(get_args(StudySettings)[0])
    (settings,) = (m for m in members if kind in get_args(m.model_fields["kind"].annotation))
    return str(settings.environment)


def _tell(kind: str, about: str, symmetry: str, independent: str, where: str, needs: str) -> None:
    print(kind)
    told = {"asks": about, "symmetry": symmetry, "independent": independent}
    for name, text in (told | {"environment": where, "needs": needs}).items():
        print(f"  {name + ':':13} {text}")
