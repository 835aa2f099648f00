"""What the gate asks of a label set beside good labels: diversity, ranges and speed.

A criterion is judged where the config has its threshold. One whose measurement is missing is not
passed.
"""

from collections.abc import Iterator, Mapping
from math import isfinite, log2
from typing import Any

import numpy as np

from limbeck.config.jobs import JudgeLabels
from limbeck.config.plan import BATCH
from limbeck.config.written import Criterion, meets
from limbeck.diversity.balance import balance
from limbeck.diversity.composition import entropy

WHOLE = "the whole set"
#: dominance: criterion -> what it counts, the field of the config, and how it is told
_ONE = {
    "one_size": ("size", "max_one_size", "atoms in each"),
    "one_composition": ("composition", "max_one_composition", "the most frequent composition"),
    "one_root": ("root", "max_one_root", "the structure with the most copies"),
}


def criteria(
    job: JudgeLabels,
    diversity: Mapping[str, Any],
    ranges: Mapping[str, Mapping[str, list[float] | None]],
    seconds: Mapping[str, float | None],
) -> list[dict[str, Any]]:
    """The criteria that the config asks for, each with its verdict.

    Args:
        diversity: of :class:`limbeck.diversity.measure.Diversity`.
        ranges: of :func:`limbeck.gate.outliers.ranges`.
        seconds: for each structure, by source, see :mod:`limbeck.gate.speed`.
    """
    found = [
        # of a batch, which may be all of one source, its own faults alone
        *([] if job.part.startswith(BATCH) else _elements(job, diversity)),
        *_dominance(job, diversity),
        *_bonds(job, diversity),
        *_ranges(job, diversity, ranges),
        *_seconds(job, seconds),
        *(_whole(job, diversity) if job.part == "set" else []),
    ]
    return [c.model_copy(update={"advice": c.name in job.advice}).model_dump() for c in found]


def criterion(
    name: str,
    scope: str,
    value: float | None,
    threshold: float,
    words: str = "",
    *,
    at_most: bool = False,
    unit: str = "",
) -> Criterion:
    """A criterion, judged; a value that is not finite was not measured."""
    value = value if value is not None and isfinite(value) else None
    passed = meets(value, threshold, at_most=at_most)
    return Criterion(
        name=name,
        scope=scope,
        value=value,
        threshold=threshold,
        passed=passed,
        at_most=at_most,
        unit=unit,
        words=words,
    )


def _elements(job: JudgeLabels, diversity: Mapping[str, Any]) -> Iterator[Criterion]:
    asked, whole = job.elements or [], diversity["whole"]
    if job.min_entropy_fraction is not None:
        most = log2(len(asked))
        words = f"of the elements, an element once for each structure; the most is {most:.2f} bits"
        held = [whole["elements"].get(symbol, 0) for symbol in asked]
        value = entropy(np.array(held)) if whole["structures"] else None
        least = job.min_entropy_fraction * most
        yield criterion("element_entropy", _scope(job), value, least, words, unit="bits")
    if job.min_coverage is not None:
        missing = [symbol for symbol in asked if symbol not in whole["elements"]]
        words = f"without {', '.join(missing)}" if missing else "all elements of the plan"
        value = 1 - len(missing) / len(asked)
        yield criterion("coverage", _scope(job), value, job.min_coverage, words)


def _scope(job: JudgeLabels) -> str:
    return WHOLE if job.part == "set" else f"the {job.part}"


def _dominance(job: JudgeLabels, diversity: Mapping[str, Any]) -> Iterator[Criterion]:
    for source, of in _sources(diversity):
        one_of_all = 1 / max(of.get("structures", 0), 1)  # a single structure dominates nothing
        for name, (what, field, words) in _ONE.items():
            if (asked := getattr(job, field)) is not None:
                most = max(asked, one_of_all)
                one = of.get("dominance", {}).get(what, {})
                told = f"{one['most']}: {words}" if one.get("share") is not None else words
                yield criterion(name, source, one.get("share"), most, told, at_most=True)
        crystals = of.get("density_g_cm3") is not None or not of
        # strained cells are all triclinic, as displaced frames are
        crystals = crystals and source not in job.strained
        if job.max_one_space_group is not None and crystals:
            one = diversity["space_groups"].get(source, {})
            words = f"{one.get('most', 'space groups')}: of crystals as they were made"
            most = max(job.max_one_space_group, one_of_all)
            yield criterion("one_space_group", source, one.get("share"), most, words, at_most=True)


def _sources(diversity: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Sources with their figures; where there is none, that is missing as well."""
    return list(diversity["by_source"].items()) or [(WHOLE, {})]


def _bonds(job: JudgeLabels, diversity: Mapping[str, Any]) -> Iterator[Criterion]:
    most = job.max_bond_shift_A
    if most is None:
        return
    for source, _ in _sources(diversity):
        if source == job.reference:
            continue
        rows = diversity.get("distances", {}).get(source, [])
        bonds = [r for r in rows if r["kind"] == "bond"]
        # What noise alone could move by more than is allowed says nothing for or against.
        clear = [r for r in bonds if r["noise_A"] <= most]
        worst = max(clear, key=lambda r: r["distance_A"], default=None)
        words = f"bonds against those of {job.reference}"
        if worst:
            words += f", most of {worst['pair']}, noise {worst['noise_A']:.3f} A"
        if len(clear) < len(bonds):
            words += f"; {len(bonds) - len(clear)} pairs are too few to tell"
        value = worst["distance_A"] if worst else None
        yield criterion("bond_shift", source, value, most, words, at_most=True, unit="A")


def _ranges(
    job: JudgeLabels,
    diversity: Mapping[str, Any],
    ranges: Mapping[str, Mapping[str, list[float] | None]],
) -> Iterator[Criterion]:
    asked = (
        ("extreme_energy", "energy_eV_per_atom", job.max_energy_eV_per_atom, "eV/atom"),
        ("strongest_force", "force_eV_per_A", job.max_force_eV_per_A, "eV/A"),
    )
    for source, _ in _sources(diversity):
        for name, key, most, unit in asked:
            if most is not None:
                found = ranges.get(source, {}).get(key)
                value = max(abs(found[0]), abs(found[-1])) if found else None
                words = "among good labels"
                yield criterion(name, source, value, most, words, at_most=True, unit=unit)


def _seconds(job: JudgeLabels, seconds: Mapping[str, float | None]) -> Iterator[Criterion]:
    most = job.max_seconds_per_structure
    if most is None:
        return
    for scope, value in (seconds or {WHOLE: None}).items():
        words = "by the clock of the jobs"
        yield criterion("seconds_per_structure", scope, value, most, words, at_most=True, unit="s")


def _whole(job: JudgeLabels, diversity: Mapping[str, Any]) -> Iterator[Criterion]:
    whole = diversity["whole"]
    if job.min_balance is not None:
        found = {name: of["structures"] for name, of in diversity["by_source"].items()}
        value = balance(found, job.proportions or {})
        words = "share of the set that need not be replaced to have the plan's proportions"
        yield criterion("balance", WHOLE, value, job.min_balance, words)
    mean = whole["mean_atoms"]
    for least, at_most in ((job.min_mean_atoms, False), (job.max_mean_atoms, True)):
        if least is not None:
            yield criterion("mean_atoms", WHOLE, mean, least, at_most=at_most)
    if job.min_size_variation is not None:
        words = "standard deviation of the number of atoms over its mean"
        value = whole["size_variation"]
        yield criterion("size_variation", WHOLE, value, job.min_size_variation, words)
