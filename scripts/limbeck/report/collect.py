"""Read ``results/{run}`` into plain tables. Says what is missing; draws and judges nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from limbeck.config.plan import teachers, trained
from limbeck.errors import LimbeckError
from limbeck.reasons import Status
from limbeck.report import counts
from limbeck.report.gap_kinds import kind_of
from limbeck.report.parity import Parity, parity
from limbeck.report.reading import read_csv, read_json
from limbeck.report.sampling_results import SamplingResults, sampling_results
from limbeck.storage import read_labels
from limbeck.warrant.statistics import Estimate, estimate_of

#: eV to meV
MILLI = 1000.0


@dataclass(frozen=True)
class Measured:
    """The warrant file of a teacher or of a student.

    Attributes:
        gaps: entries by the name of the gap, as the file has them.
        errors: errors against the reference, empty where there is none.
        about: what the potential is, empty where the file does not tell.
    """

    name: str
    gaps: dict[str, dict[str, Any]]
    errors: dict[str, Any]
    about: dict[str, Any]


@dataclass(frozen=True)
class Student:
    """One trained student, of one seed.

    Attributes:
        metrics: metrics.json.
        curve: training.csv.
        training: training.json.
        parity: student and labels on the test frames.
        loss: force error against the reference less that of the labels, meV/Angstrom, by root.
        gaps: entries by the name of the gap, over all seeds.
        own_gaps: gaps of this seed, the number that stands for each, meV/Angstrom; without an
            interval where there are several.
    """

    label_set: str
    name: str
    seed: int
    metrics: dict[str, Any]
    curve: pd.DataFrame
    training: dict[str, Any]
    parity: Parity
    loss: Estimate
    gaps: dict[str, dict[str, Any]]
    own_gaps: dict[str, Estimate]

    @property
    def title(self) -> str:
        """``{label_set}/{student}``, what speeds and gaps call it."""
        return f"{self.label_set}/{self.name}"


@dataclass(frozen=True)
class Run:
    """All that the report shows of a run.

    Attributes:
        structures: a row per source, a column per stage.
        samplings: a row per sampling and source: inputs, frames, cut, set_aside.
        refusals: stage, source, reason, count, example.
        labels: label_set, potential, views, frames (asked for), a column per status, passed,
            train, valid, test.
        spreads: label set of averaged views -> float [N], spread of an atom's force, meV/Angstrom.
        choices: label set of ``views: auto`` -> what decided on its views.
        certificates: teacher -> what its means over grids are worth; empty where not asked for.
        study: what the run's study found; None where it has none.
        sampled: what dynamics, phonons and clusters came to.
        speed: a row per model and batch: name, kind, batch_atoms, atoms_per_second, best.
        abouts: potential -> what it is, from the files it made; of some no more than a licence.
    """

    settings: dict[str, Any]
    folder: Path
    structures: pd.DataFrame
    samplings: pd.DataFrame
    refusals: pd.DataFrame
    labels: pd.DataFrame
    spreads: dict[str, np.ndarray]
    teachers: list[Measured]
    students: list[Student]
    choices: dict[str, dict[str, Any]]
    certificates: dict[str, dict[str, Any]]
    study: dict[str, Any] | None
    sampled: SamplingResults
    speed: pd.DataFrame
    abouts: dict[str, dict[str, Any]]

    @property
    def measured_students(self) -> list[Measured]:
        """Students, all seeds of one together."""
        return [Measured(t, g, {}, {}) for t, g in {s.title: s.gaps for s in self.students}.items()]

    @property
    def compared(self) -> list[Measured]:
        """Teachers with errors against the reference; not the reference itself."""
        reference = self.settings["warrant"]["reference"]
        itself = self.settings["labels"][reference]["potential"] if reference else None
        return [t for t in self.teachers if t.errors and t.name != itself]


def collect(results: str | Path, settings: dict[str, Any]) -> Run:
    """Everything of one run.

    Args:
        results: the folder ``results/{run}``.
        settings: the whole resolved config.

    Raises:
        LimbeckError: a file that the config promises is missing or not what it should be.
    """
    folder = Path(results)
    if not folder.is_dir():
        raise LimbeckError(f"{folder}: no such folder, expected the results of a run")
    measured = _teachers(folder, settings)
    return Run(
        settings=settings,
        folder=folder,
        structures=counts.structures(folder, settings),
        samplings=counts.samplings(folder, settings),
        refusals=counts.refusals(folder, settings),
        labels=counts.labels(folder, settings),
        spreads=_spreads(folder, settings),
        teachers=measured,
        students=_students(folder, settings),
        choices=_choices(folder, settings),
        certificates=_certificates(folder, settings),
        study=_study(folder, settings),
        sampled=sampling_results(folder, settings),
        speed=_speed(folder / "speed.json"),
        abouts=_abouts(folder, settings, measured),
    )


def _spreads(folder: Path, settings: dict[str, Any]) -> dict[str, np.ndarray]:
    spreads = {}
    for name in settings["labels"]:
        parts = [read_labels(p, name) for p in counts.label_files(folder, settings, name)]
        atoms = [p.forces_spread[np.repeat(p.status == Status.GOOD, p.n_atoms)] for p in parts]
        found = np.concatenate(atoms) * MILLI
        if np.isfinite(found).any():  # of one view alone there is none
            spreads[name] = found
    return spreads


def _choices(folder: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    names = [n for n, section in settings["labels"].items() if section.get("views") == "auto"]
    return {name: read_json(folder / f"labels/{name}.views.json") for name in names}


def _certificates(folder: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    names = teachers(settings) if settings["warrant"]["n_quadrature_frames"] else []
    return {name: read_json(folder / f"warrant/quadrature/{name}.json") for name in names}


def _abouts(
    folder: Path, settings: dict[str, Any], measured: list[Measured]
) -> dict[str, dict[str, Any]]:
    """What sampled, labelled, and was measured; what the last of these says counts."""
    found = counts.samplers(folder, settings)
    for name, label_set in settings["labels"].items():
        attrs = read_labels(counts.label_files(folder, settings, name)[0], name).attrs
        found.setdefault(label_set["potential"], attrs)
    return found | {t.name: t.about for t in measured if t.about}


def _study(folder: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    asked = settings["study"]
    return read_json(folder / f"studies/{asked['kind']}/results.json") if asked else None


def _teachers(folder: Path, settings: dict[str, Any]) -> list[Measured]:
    found = []
    for name in teachers(settings):
        value = read_json(folder / f"warrant/teachers/{name}.json")
        errors, about = value.get("errors") or {}, value.get("about") or {}
        found.append(Measured(name, _by_symmetry(value), errors, about))
    return found


def _by_symmetry(warrant: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {g["symmetry"]: g for g in warrant.get("gaps", [])}


def _seeds_by_title(settings: dict[str, Any]) -> dict[str, list[int]]:
    """``{label_set}/{student}`` -> its seeds, in the order in which gaps list them."""
    seeds: dict[str, list[int]] = {}
    for label_set, student, seed in trained(settings):
        seeds.setdefault(f"{label_set}/{student}", []).append(seed)
    return seeds


def _students(folder: Path, settings: dict[str, Any]) -> list[Student]:
    students = []
    for title, seeds in _seeds_by_title(settings).items():
        gaps = _by_symmetry(read_json(folder / f"warrant/students/{title}.json"))
        for place, seed in enumerate(seeds):
            own = {n: _of_seed(g.get(kind_of(n).part) or {}, place) for n, g in gaps.items()}
            students.append(_student(folder, settings, title, seed, gaps, own))
    return students


def _of_seed(part: dict[str, Any], place: int) -> Estimate:
    """One seed's gap: the file has an interval only for all of them together."""
    by_seed = part.get("by_seed")
    return Estimate(by_seed[place]) if by_seed else estimate_of(part)


def _student(
    folder: Path,
    settings: dict[str, Any],
    title: str,
    seed: int,
    gaps: dict[str, dict[str, Any]],
    own_gaps: dict[str, Estimate],
) -> Student:
    label_set, name = title.split("/")
    own = folder / f"students/{title}/seed{seed}"
    reference = settings["warrant"]["reference"]
    reference_files = counts.label_files(folder, settings, reference) if reference else []
    points, loss = parity(
        folder / f"datasets/{label_set}",
        own / "predictions.h5",
        label_set,
        reference,
        reference_files,
    )
    return Student(
        label_set=label_set,
        name=name,
        seed=seed,
        metrics=read_json(own / "metrics.json")["test"],
        curve=read_csv(own / "training.csv", *CURVE),
        training=read_json(own / "training.json"),
        parity=points,
        loss=loss,
        gaps=gaps,
        own_gaps=own_gaps,
    )


CURVE = ("epoch", "train_loss", "valid_loss", "valid_forces_mae_meV_per_A")


def _speed(path: Path) -> pd.DataFrame:
    columns = ["name", "kind", "batch_atoms", "atoms_per_second", "best"]
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    rows = [
        {
            "name": model["name"],
            "kind": model["kind"],
            "batch_atoms": entry["batch_atoms"],
            "atoms_per_second": entry["atoms_per_second"],
            "best": entry["batch_atoms"] == model["best_batch_atoms"],
        }
        for model in read_json(path)["models"]
        if model["atoms_per_second"] is not None  # knows none of the elements
        for entry in model["by_batch"]
    ]
    return pd.DataFrame(rows, columns=columns)
