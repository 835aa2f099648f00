"""A study from its data to its results."""

import itertools
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.files import whole_file
from limbeck.studies import judge
from limbeck.studies.arms import KEPT, Arms, Log, Seed, split
from limbeck.studies.fit import as_settings
from limbeck.studies.study import PARTS, Data, Study

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What a study found.

    Attributes:
        results: as ``results.json``. answers: of each seed. test: what they are answers to.
        curves: rows of ``metrics.csv``: seed, arm, step, loss.
    """

    results: dict[str, Any]
    answers: dict[int, Seed]
    test: Data
    curves: list[tuple[int, str, int, float]]


def run_study(
    study: Study[Any], data: Data, device: str = "cpu", told: Log = lambda arm, step, loss: None
) -> Found:
    """Search, train, ask and judge.

    Args:
        told: is told of every curve, as ``seed1/arm``.

    Raises:
        LimbeckError: a part has no inputs, views do not fit, or a training diverged.
    """
    own = study.settings
    parts = split(study, data)
    trials = pilot(study, parts["pilot"], device) if own.pilot else []
    if trials:
        values: dict[str, Any] = next((t["values"] for t in trials if t["taken"]), {})
        training = as_settings(own.training, values)
        study = type(study)(own.model_copy(update={"training": training}))
    curves: list[tuple[int, str, int, float]] = []
    answers, seconds = {}, {}
    for seed in own.seeds:
        start = time.process_time()

        def note(arm: str, step: int, loss: float, seed: int = seed) -> None:
            curves.append((seed, arm, step, loss))
            told(f"seed{seed}/{arm}", step, loss)

        answers[seed] = Arms(study, parts, seed, device, note).run()
        seconds[seed] = time.process_time() - start
        log.info("%s, seed %d: %.0f CPU seconds", own.name, seed, seconds[seed])
    whole = own.views.test == "whole"
    found = judge.squares(list(answers.values()), parts["test"], whole=whole)
    results = {
        "name": own.name,
        "kind": own.kind,
        **_said(study),
        "settings": study.settings.model_dump(mode="json"),
        "n_by_part": {part: len(parts[part]) for part in PARTS},
        "n_test_views": len(next(iter(answers.values())).arms["teacher"].views),
        "whole_group": whole,
        "pilot": trials,
        "cpu_seconds": [round(s, 1) for s in seconds.values()],
        **judge.judge(found),
        "scores": _scores(study, list(answers.values()), parts["test"].truth),
    }
    return Found(results, answers, parts["test"], curves)


def _scores(study: Study[Any], seeds: list[Seed], truth: np.ndarray) -> dict[str, Any]:
    """Of each arm the further figure as given, in random views (their mean), and of the mean over
    views, by seed; nothing where the study has none."""
    if not study.score_name:
        return {}
    return {
        arm: {
            judge.GIVEN: [study.score(s.arms[arm].given, truth) for s in seeds],
            judge.RANDOM: [
                float(np.mean([study.score(view, truth) for view in s.arms[arm].views]))
                for s in seeds
            ],
            judge.MEAN: [study.score(s.arms[arm].views.mean(axis=0), truth) for s in seeds],
        }
        for arm in seeds[0].arms
    }


def _said(study: Study[Any]) -> dict[str, Any]:
    """What a study says of itself."""
    named = ("about", "symmetry", "noun", "independent", "unit", "answer", "simple", "score_name")
    published = [entry._asdict() for entry in study.published]
    return {name: getattr(study, name) for name in named} | {"published": published}


def pilot(study: Study[Any], data: Data, device: str = "cpu") -> list[dict[str, Any]]:
    """Every trial of the search: the teacher's error against the constant, and its share.

    It trains on three quarters of the pilot's inputs and looks at the rest. Of all trials within
    the bounds the first is taken, none where there is none: the study then runs as it was set, and
    the results say so.
    """
    asked = study.settings.pilot
    low, high = asked.error_of_constant
    trials: list[dict[str, Any]] = []
    halves = _pilot_parts(data)
    for values in itertools.product(*asked.grid.values()):
        chosen = dict(zip(asked.grid, values, strict=True))
        training = as_settings(study.settings.training, chosen)
        trial = type(study)(study.settings.model_copy(update={"training": training}))
        error, share = Arms(trial, halves, 0, device).teacher_alone()
        fits = low <= error <= high and share >= asked.share_at_least
        taken = fits and not any(t["taken"] for t in trials)
        trials.append(
            {"values": chosen, "error_of_constant": error, "share": share, "taken": taken}
        )
        log.info("pilot %s: error %.3g of the constant's, share %.3g", chosen, error, share)
    return trials


def _pilot_parts(data: Data) -> dict[str, Data]:
    """By cluster, three quarters to learn from and the rest to test on."""
    names, member_of = np.unique(data.cluster, return_inverse=True)
    learned = member_of % 4 != 3 if len(names) > 3 else np.arange(len(data)) % 4 != 3
    return {"teach": data.select(learned), "test": data.select(~learned)}


def write_answers(path: str | Path, found: Found, recipe: str = "") -> None:
    """``answers.h5``: truth, clusters, and for each seed and arm what it answers to the test inputs
    as given, to the first views of each, and on the mean over all."""
    import h5py

    with whole_file(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        if recipe:
            file.attrs["recipe"] = np.bytes_(recipe)
        file["truth"], file["cluster"] = found.test.truth, _plain(found.test.cluster)
        for seed, each in found.answers.items():
            for arm, answers in each.arms.items():
                group = file.create_group(f"seed{seed}/{arm.replace('/', '_')}")
                group["given"] = answers.given.astype(np.float32)
                group["views"] = answers.views[:KEPT].astype(np.float32)
                group["mean"] = answers.views.mean(axis=0).astype(np.float32)


def _plain(values: np.ndarray) -> np.ndarray:
    return np.char.encode(values, "utf-8") if values.dtype.kind == "U" else values
