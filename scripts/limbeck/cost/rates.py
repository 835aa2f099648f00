"""How fast models are: by the batch plans of this machine, else by the table that is shipped."""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from limbeck.config.config import Config
from limbeck.config.sections.potentials import Potential, Pyscf
from limbeck.config.sections.students import StudentSettings
from limbeck.errors import LimbeckError
from limbeck.files import read_json

#: printed by benchmarks/rates.py
TABLE = Path(__file__).parents[3] / "resources/rates.csv"
PLANS = Path("results/batch_plans")
#: atoms of the molecules that pyscf was timed on: its cost for an atom grows with them
SIZES_OF_MOLECULES = (3, 6, 9, 12)
#: sizes of batches of trainings that were timed
BATCHES = (1, 4, 16)
COLUMNS = ("model", "device", "periodic", "atoms_per_second", "spread", "machine")


class Rate(NamedTuple):
    """Atoms per second of one thread or one GPU, and where that was measured."""

    atoms_per_second: float
    where: str


class Model(NamedTuple):
    """Who is asked: a potential, a student, or a student in training."""

    role: str
    name: str

    def __str__(self) -> str:
        return f"the training of {self.name}" if self.role == "training" else self.name


def rate_of(config: Config, model: Model, *, periodic: bool, n_atoms: float = 0) -> Rate | None:
    """The rate of a model on the device of the config; None where nothing was measured.

    Args:
        n_atoms: of a frame in the mean, for those whose cost is not in proportion to it.
    """
    if model.role == "potential":
        potential = config.potentials[model.name]
        if isinstance(potential, Pyscf):
            return _of_molecules(potential, n_atoms, periodic)
        own = next(_planned(config, potential, periodic), None)
        return own or _shipped(identity(potential), config.device, periodic)
    return _shipped(of_student(model.role, config.students[model.name]), config.device, periodic)


def of_size(potential: Pyscf, n_atoms: int) -> str:
    """The same of pyscf, whose rate is one of a size of molecules."""
    return f"pyscf {potential.method}/{potential.basis}, molecules of {n_atoms}"


def _of_molecules(potential: Pyscf, n_atoms: float, periodic: bool) -> Rate | None:
    """The rate at the next larger size that was timed; beyond the largest, as the square of the
    size has it for an atom."""
    size = next((n for n in SIZES_OF_MOLECULES if n >= n_atoms), SIZES_OF_MOLECULES[-1])
    found = _shipped(of_size(potential, size), "cpu", periodic)
    if found is None or n_atoms <= size:
        return found
    return found._replace(atoms_per_second=found.atoms_per_second * (size / n_atoms) ** 2)


def identity(potential: Potential) -> str:
    """What tells a model from all others: the hash of its weights, or its kind and version."""
    hashed = getattr(potential, "sha256", None)
    return hashed or " ".join([potential.model, *_version(potential)])


def of_student(role: str, student: StudentSettings) -> str:
    """The same of a student: its network tells its speed, whatever it has learned; in training, the
    batches as well, of which those of the next smaller size that was measured stand for others."""
    network = " ".join([f"{role} {student.architecture} {student.size}", *_changed(student)])
    if role != "training":
        return network
    return f"{network}, batches of {max(n for n in BATCHES if n <= student.batch_size)}"


def _changed(student: StudentSettings) -> list[str]:
    return [f"{name} {value:g}" for name, value in student.changed.items()]


def _version(potential: Potential) -> list[str]:
    fields = ("pretrained", "version", "method")
    return [str(v) for field in fields if (v := getattr(potential, field, None))]


def _planned(config: Config, potential: Potential, periodic: bool) -> Iterator[Rate]:
    """What batch plans say: of a CPU those of this machine, of a GPU those there are, the slowest
    first, since it need not be the one that this is read on."""
    from limbeck.potentials.batch_plan import machine_name

    device, threads = config.device, config.threads
    machine = machine_name("cpu") if device == "cpu" else "*"
    kind = "periodic" if periodic else "isolated"
    found = []
    for path in PLANS.glob(f"{machine}-{threads}-threads/{potential.name}-*-{kind}.json"):
        try:
            plan = read_json(path)
        except LimbeckError:  # damaged: the job that uses it says so
            continue
        ladder = plan.get("ladder", [])
        if plan.get("device") == device and _is_of(plan, potential) and ladder:
            speed = max(row["atoms_per_second"] for row in ladder) / threads
            found.append(Rate(speed, f"batch plan {path.parent.name}"))
    yield from sorted(found)


def _is_of(plan: dict[str, object], potential: Potential) -> bool:
    weights = str(plan.get("weights"))
    hashed = getattr(potential, "sha256", None)
    told = [hashed] if hashed else _version(potential)
    return plan.get("potential") == potential.name and all(part in weights for part in told)


def _shipped(model: str, device: str, periodic: bool) -> Rate | None:
    found = _table().get((model, device, "yes" if periodic else "no"))
    return Rate(float(found["atoms_per_second"]), f"shipped: {found['machine']}") if found else None


@cache
def _table() -> dict[tuple[str, str, str], dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return {(row["model"], row["device"], row["periodic"]): row for row in rows}
