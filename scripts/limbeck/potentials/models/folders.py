"""Students as potentials: from the folder that one was saved in."""

import importlib
from typing import TYPE_CHECKING, Any

from limbeck.config.sections.potentials import StudentFolder
from limbeck.potentials.trainable import TrainablePotential, read_description
from limbeck.potentials.weights import checked_path

if TYPE_CHECKING:
    from limbeck.config.sections.potentials import Mace

#: kind of model -> architecture -> (module, class), those of this folder by the module's name
#: alone; the first is expected where it is another
KINDS: dict[str, dict[str, tuple[str, str]]] = {
    "orb": {
        "direct": ("orb", "OrbPotential"),
        "direct_conservative": ("orb", "ConservativeOrbPotential"),
    },
    "mace": {"mace": ("mace", "MacePotential")},
    "nep": {"nep": ("nep", "NepPotential")},
    "painn": {
        "painn": ("painn", "PainnPotential"),
        "painn_distributed": ("limbeck.charges.student", "DistributedPotential"),
        "painn_cartesian": ("limbeck.charges.student", "CartesianPotential"),
    },
}


def open_folder(settings: "StudentFolder | Mace", *, device: str) -> TrainablePotential[Any]:
    """A student, with its repulsion of near nuclei where it has one.

    Raises:
        LimbeckError: nothing there, another hash, another kind of student, or damaged weights.
    """
    folder = checked_path(settings)
    kinds = KINDS[settings.model]
    found = read_description(folder).get("architecture")
    module, cls = kinds[found] if found in kinds else next(iter(kinds.values()))
    where = module if "." in module else f"limbeck.potentials.models.{module}"
    kind = getattr(importlib.import_module(where), cls)
    student: TrainablePotential[Any] = kind.load(
        folder, name=settings.name, device=device, dtype=settings.dtype
    )
    if student.zbl:
        from limbeck.potentials.repulsion.student import WithZbl

        student = WithZbl(student)
    student.batch_atoms = settings.most_atoms
    return student
