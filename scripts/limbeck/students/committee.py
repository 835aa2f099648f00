"""Several seeds of a student as one: their mean answer, and how far they are apart."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.potentials.trainable import DESCRIPTION
from limbeck.students.calculator import StudentCalculator

if TYPE_CHECKING:
    from ase import Atoms

#: of a member's folder
SEED = re.compile(r"seed\d+")


def members_in(folder: Path) -> list[Path]:
    """The folders of the seeds in a student's folder; none where it is that of a seed or a model.

    Raises:
        LimbeckError: there is one seed alone.
    """
    found = seeds_in(folder)
    if len(found) == 1:
        raise LimbeckError(
            f"{folder}: a committee of one, {found[0].name}, expected two seeds or more; for this "
            f"one alone open {found[0]}"
        )
    return found


def seeds_in(folder: Path) -> list[Path]:
    """As :func:`members_in`, also where there is one alone."""
    if any((folder / part).is_file() for part in (DESCRIPTION, f"model/{DESCRIPTION}")):
        return []
    found = [
        path
        for path in folder.glob("seed*")
        if SEED.fullmatch(path.name) and (path / "model" / DESCRIPTION).is_file()
    ]
    return sorted(found, key=lambda path: int(path.name[4:]))


def seed_of(model: str | Path) -> int:
    """The seed of a student, from its folder ``.../seed{n}/model``.

    Raises:
        LimbeckError: the folder has another name.
    """
    name = Path(model).parent.name
    if not SEED.fullmatch(name):
        raise LimbeckError(f"--models: expected .../seed{{number}}/model, got {model}")
    return int(name.removeprefix("seed"))


def forces_spread(forces: np.ndarray) -> np.ndarray:
    """Standard deviation over members of the force vector of each atom: [M,N,3] -> [N]. The root of
    the sum of squared distances from the mean over M - 1."""
    return np.asarray(np.sqrt(forces.var(axis=0, ddof=1).sum(axis=-1)))


class CommitteeCalculator(StudentCalculator):
    """The mean of several seeds, and their spread as uncertainty.

    ``results`` have ``energy_spread`` (eV), ``forces_spread`` [n] (eV/Angstrom, of the vector of
    each atom) and, with a stress, ``stress_spread`` [6] (eV/Angstrom^3): standard deviations over
    the members. A spread is the part of the error that the seeds do not share: members that were
    trained on the same labels are wrong together where these are. ``far_from_data`` is the largest
    count of a member.
    """

    def __init__(self, members: Sequence[StudentCalculator], **options: Any) -> None:
        """``members``: two or more seeds of one student.

        Raises:
            LimbeckError: they are fewer, know other elements, or are other networks.
        """
        if len(members) < 2:
            raise LimbeckError(f"a committee of {len(members)}, expected two members or more")
        known = {member.potential.about.elements for member in members}
        if len(known) > 1:
            raise LimbeckError("members of a committee know other elements, expected the same")
        networks = [_network(member) for member in members]
        if len(set(networks)) > 1:
            named = zip(members, networks, strict=True)
            told = ", ".join(
                f"{member.potential.about.name} {network}" for member, network in named
            )
            raise LimbeckError(
                f"members of a committee are other networks: {told}; expected seeds of one student"
            )
        super().__init__(members[0].potential, **options)
        self.parameters["members"] = len(members)
        self.members = list(members)

    def calculate(
        self,
        atoms: "Atoms | None" = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fill ``results`` with means and spreads.

        Raises:
            LimbeckError: as the members do.
        """
        Calculator.calculate(self, atoms, properties, system_changes)
        for member in self.members:
            member.find(self.atoms, properties, system_changes)
        found = [member.results for member in self.members]
        counts = [results["far_from_data"] for results in found if "far_from_data" in results]
        shared = set.intersection(*(set(results) for results in found)) - {"far_from_data"}
        stacked = {name: np.stack([results[name] for results in found]) for name in shared}
        means = {name: values.mean(axis=0) for name, values in stacked.items()}
        self.results = {n: v if v.ndim else float(v) for n, v in means.items()}
        self.results["energy_spread"] = float(stacked["energy"].std(ddof=1))
        self.results["forces_spread"] = forces_spread(stacked["forces"])
        if "stress" in stacked:
            self.results["stress_spread"] = stacked["stress"].std(axis=0, ddof=1)
        if counts:
            self.results["far_from_data"] = max(counts)
        self.far = max((member.far for member in self.members), key=np.count_nonzero)
        self._tell_far()

    def _potential_at(self, frames: Frames) -> np.ndarray:
        """The mean of the members'."""
        return np.mean([member._potential_at(frames) for member in self.members], axis=0)

    @property
    def _called(self) -> str:
        return f"a committee of {len(self.members)}"


def _network(member: StudentCalculator) -> str:
    student = member.potential
    sizes = ", ".join(f"{name} {value}" for name, value in student.built_with.items())
    return f"{student.architecture}{' zbl' * student.zbl} ({sizes})"
