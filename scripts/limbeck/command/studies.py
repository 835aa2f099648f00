"""What studies there are, and what those of a run found: ``limbeck studies``."""

from pathlib import Path
from typing import get_args

from limbeck.check.seal import read_sealed
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


def draw_studies(run: Path, picture: Path) -> None:
    """Draw all studies of other fields that a run has finished into one picture.

    Args:
        run: its folder of results.
        picture: PNG, or a GIF in which the number of views grows.

    Raises:
        LimbeckError: there is none, or the picture would be of another kind.
    """
    from limbeck.studies.tile import draw_gif, draw_tiles

    # a study of the run's own frames leaves results.json as well, and no answers.h5
    found = sorted(path.parent for path in run.glob("studies/*/answers.h5"))
    if not found:
        raise LimbeckError(
            f"{run}: no results of a study of another field, expected results/{{run}}"
        )
    if picture.suffix not in (".png", ".gif"):
        raise LimbeckError(f"{picture}: expected a file that ends in .png or .gif")
    all_results = [read_sealed(folder / "results.json") for folder in found]
    (draw_gif if picture.suffix == ".gif" else draw_tiles)(picture, all_results)
    print(f"{picture}: {', '.join(folder.name for folder in found)}")


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
