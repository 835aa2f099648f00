"""Which studies there are. Nothing is imported before a study is opened."""

import importlib
from typing import TYPE_CHECKING, Any

from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.studies.study import Study

#: kind in the config -> module and class
STUDIES = {
    "pde": ("limbeck.studies.kinds.pde", "Pde"),
    "kepler": ("limbeck.studies.kinds.kepler", "Kepler"),
    "linear": ("limbeck.studies.kinds.linear", "Linear"),
    "ode": ("limbeck.studies.kinds.ode", "Ode"),
    "integral": ("limbeck.studies.kinds.integral", "Integral"),
    "eigen": ("limbeck.studies.kinds.eigen", "Eigen"),
    "jets": ("limbeck.studies.kinds.jets", "Jets"),
    "text": ("limbeck.studies.kinds.text", "Text"),
}
#: what a study has to say of itself
_SAID = ("about", "symmetry", "noun", "independent")


def study_class(kind: str) -> "type[Study[Any]]":
    """The class of a kind.

    Raises:
        LimbeckError: there is none of this kind, or its module is broken.
    """
    if kind not in STUDIES:
        raise LimbeckError(f"studies: kind {kind!r}, expected one of {', '.join(STUDIES)}")
    from limbeck.studies.study import Study

    module, name = STUDIES[kind]
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise LimbeckError(f"the study {kind} is broken: {module}.{name}: {error!r}") from error
    missing = [field for field in _SAID if not hasattr(found, field)]
    missing += sorted(getattr(found, "__abstractmethods__", ()))
    if not (isinstance(found, type) and issubclass(found, Study)) or missing:
        text = f"it lacks {', '.join(missing)}" if missing else "it is no Study"
        raise LimbeckError(f"the study {kind} is broken: {module}.{name}: {text}")
    return found


def open_study(settings: Any) -> "Study[Any]":
    """The study that a section of ``studies`` asks for.

    Raises:
        LimbeckError: as of :func:`study_class`.
    """
    return study_class(settings.kind)(settings)
