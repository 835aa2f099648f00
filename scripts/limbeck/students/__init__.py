"""Students: small networks that learn the labels. Architectures by their name in the config."""

import importlib
from typing import TYPE_CHECKING, Any

from limbeck.config.sections.students import StudentSettings

if TYPE_CHECKING:
    from limbeck.potentials.trainable import Statistics, TrainablePotential

#: architecture -> (module, class); imported when first asked for
ARCHITECTURES: dict[str, tuple[str, str]] = {
    "direct": ("limbeck.potentials.models.orb", "OrbPotential"),
    "direct_conservative": ("limbeck.potentials.models.orb", "ConservativeOrbPotential"),
    "mace": ("limbeck.potentials.models.mace", "MacePotential"),
    "nep": ("limbeck.potentials.models.nep", "NepPotential"),
    "painn": ("limbeck.potentials.models.painn", "PainnPotential"),
    "painn_cartesian": ("limbeck.charges.student", "CartesianPotential"),
    "painn_distributed": ("limbeck.charges.student", "DistributedPotential"),
}


def architecture(name: str) -> "type[TrainablePotential[Any]]":
    """The class of that architecture."""
    module, cls = ARCHITECTURES[name]
    return getattr(importlib.import_module(module), cls)


def new_student(
    settings: StudentSettings, statistics: "Statistics", *, device: str
) -> "TrainablePotential[Any]":
    """A student as the config has it, with random weights from torch's global generator."""
    student = architecture(settings.architecture).build(
        settings.size, statistics, name=settings.name, device=device, **settings.changed
    )
    return with_repulsion(student) if settings.zbl else student


def with_repulsion(student: "TrainablePotential[Any]") -> "TrainablePotential[Any]":
    """The student with the repulsion of near nuclei."""
    from limbeck.potentials.repulsion.student import WithZbl

    return WithZbl(student)
