"""What each round was worth: errors on the same frames, on the students' own, and how far they get.

Errors are mean absolute ones, pooled over seeds. Intervals are over roots, since all frames of the
students' dynamics come from a few structures: they speak for structures like these. Of two rounds
on the same frames the difference is paired by root.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from limbeck.datasets.split import Dataset
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential
from limbeck.reasons import Status
from limbeck.rounds.explore import OWN
from limbeck.rounds.extend import joined
from limbeck.rounds.words import ALL_DYNAMICS, OWN_DYNAMICS
from limbeck.warrant.on_frames import MEV, per_frame
from limbeck.warrant.statistics import Estimate, entry_of, pool, ratio
from limbeck.warrant.tidy import Row, rows

#: quantity -> unit
UNITS = {"forces": "meV/A", "energy": "meV/atom"}


@dataclass(frozen=True)
class RoundData:
    """What is known of a round.

    Attributes:
        name, number, random: as of :class:`limbeck.config.rounds.Round`.
        students: one for each seed.
        own: labelled frames of their own dynamics from test structures; None where not asked for.
        trajectories: the table of their dynamics.
        train_frames: frames that they learned from.
        steps: of the optimiser, of each seed.
        choice: what stands in ``chosen.json``; empty of the first.
        calls: of the teacher, for a label.
    """

    name: str
    number: int
    random: bool
    students: Sequence[Potential[Any]]
    own: Dataset | None
    trajectories: pd.DataFrame
    train_frames: int
    steps: list[int]
    choice: Mapping[str, Any]
    calls: int


def compare(found: Sequence[RoundData], tests: Mapping[str, Dataset]) -> dict[str, Any]:
    """All rounds side by side, as in ``rounds/{label_set}.{student}.json``.

    Args:
        found: round by round, the first at first.
        tests: the test sets, by name.
    """
    own = [each.own for each in found if each.own is not None]
    shared = {**tests, **({ALL_DYNAMICS: _once(joined(own))} if own else {})}
    shared = {name: good for name, test in shared.items() if len(good := _good(test))}
    sums = [
        {name: error_sums(each.students, test) for name, test in shared.items()} for each in found
    ]
    told = []
    for each, of_each in zip(found, sums, strict=True):
        errors = {name: _figures(of_each[name], test) for name, test in shared.items()}
        if each.own is not None and len(good := _good(each.own)):
            errors[OWN_DYNAMICS] = _figures(error_sums(each.students, good), good)
        told.append(_about(each, found) | {"errors": errors})
    differences = [
        {
            "round": later.name,
            "less": earlier.name,
            "errors": {
                name: _figures(_less(sums[i][name], sums[j][name]), test, signed=True)
                for name, test in shared.items()
            },
        }
        for i, later in enumerate(found)
        for j, earlier in enumerate(found)
        if _is_compared(later, earlier)
    ]
    return {"rounds": told, "differences": differences}


def _is_compared(later: RoundData, earlier: RoundData) -> bool:
    """A round is compared with the first, and a choice with the draw of its number."""
    drawn = later.number == earlier.number and earlier.random and not later.random
    return drawn or (later.number > 1 and earlier.number == 1)


def _about(each: RoundData, found: Sequence[RoundData]) -> dict[str, Any]:
    line = [
        other for other in found if 1 < other.number <= each.number and other.random == each.random
    ]
    new = sum(other.choice["chosen"] for other in line)
    scoring = sum(other.choice["scoring_calls"] for other in line)
    return {
        "round": each.name,
        "number": each.number,
        "random": each.random,
        "train_frames": each.train_frames,
        "new_labels": new,
        "bad_labels": found[0].train_frames + new - each.train_frames,
        "teacher_calls": new * each.calls + scoring,
        "steps": each.steps,
        "choice": dict(each.choice),
        "dynamics": survival(each.trajectories),
    }


def survival(trajectories: pd.DataFrame) -> dict[str, Any]:
    """Of the dynamics from test structures: how many trajectories there are, how many were cut and
    why, and the share that ended whole. Beside it the numbers of those from training structures."""
    mine = trajectories["part"] == OWN
    own, others = trajectories[mine], trajectories[~mine]
    cut = own["cut"] != ""
    return {
        "trajectories": len(own),
        "cut": int(cut.sum()),
        "reasons": own["cut"][cut].value_counts().to_dict(),
        "whole": entry_of(_share(~cut.to_numpy(), own["root"].to_numpy()), ""),
        "of_training": {"trajectories": len(others), "cut": int((others["cut"] != "").sum())},
    }


def _share(these: np.ndarray, roots: np.ndarray) -> Estimate:
    """The share of true values, bool [M], with its 95 % interval over roots [M].

    Where all are alike a bootstrap has no width, and the interval is that of Clopper and Pearson
    (Biometrika 26, 404 (1934)), with each root as one trial.
    """
    if not len(these):
        return Estimate(np.nan)
    if these.all() or not these.any():
        possible = 1 - 0.025 ** (1 / len(np.unique(roots)))
        return Estimate(1.0, 1 - possible, 1.0) if these.all() else Estimate(0.0, 0.0, possible)
    found = ratio(these.astype(float), np.ones(len(these)), roots)
    return Estimate(found.value, found.low, min(found.high, 1.0))


def error_sums(students: Sequence[Potential[Any]], test: Dataset) -> dict[str, np.ndarray]:
    """Absolute errors summed over the components of each frame, [S,B] by quantity; NaN where a
    student has no answer."""
    energy, forces = [], []
    for student in students:
        said = predict_or_nan(student, test.frames)
        energy.append(np.abs(said.energy - test.labels.energy) / test.frames.n_atoms)
        forces.append(per_frame(np.abs(said.forces - test.labels.forces), test.frames))
    return {"energy": np.stack(energy), "forces": np.stack(forces)}


def _less(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Differences of the means over seeds, [1,B]: a seed of two rounds is no pair."""
    return {name: (one[name].mean(axis=0) - other[name].mean(axis=0))[None] for name in one}


def _figures(sums: dict[str, np.ndarray], test: Dataset, *, signed: bool = False) -> dict[str, Any]:
    """Figures of the frames that every student answers, and their counts."""
    known = np.isfinite(sums["forces"]).all(axis=0) & np.isfinite(sums["energy"]).all(axis=0)
    frames = test.frames.select(known)
    weights = {"forces": 3.0 * frames.n_atoms, "energy": np.ones(len(frames))}
    figures = {
        name: pool(sums[name][:, known], weights[name], frames.root, signed=signed)
        .times(MEV)
        .entry(unit)
        for name, unit in UNITS.items()
    }
    counts = {
        "n_frames": len(frames),
        "n_roots": len(np.unique(frames.root)),
        "n_groups": len(np.unique(frames.group)),
        "n_left_out": int((~known).sum()),
    }
    return counts | figures


def _good(test: Dataset) -> Dataset:
    return test.select(test.labels.status == Status.GOOD)


def _once(test: Dataset) -> Dataset:
    """Each frame once: students that have learned the same go the same way."""
    return test.select(np.sort(np.unique(test.frames.id, return_index=True)[1]))


def comparison_rows(found: Mapping[str, Any], seeds: Sequence[int]) -> Iterator[Row]:
    """The tidy table: a row for each error, for each difference, and for each share of whole
    trajectories."""
    for each in found["rounds"]:
        names = {"subject": each["round"], "kind": "student"}
        for name, errors in each["errors"].items():
            yield from rows(errors, _naming, seeds=seeds, set=name, **names)
        whole = {"whole": each["dynamics"]["whole"]}
        yield from rows(whole, lambda _: ("trajectories", "whole"), set=OWN_DYNAMICS, **names)
    for each in found["differences"]:
        names = {"subject": f"{each['round']} less {each['less']}", "kind": "difference"}
        for name, errors in each["errors"].items():
            yield from rows(errors, _naming, set=name, **names)


def _naming(quantity: str) -> tuple[str, str]:
    return quantity, "mae"
