"""What a study of frames by views found, from the tables of all its teachers.

Labels of several views are compared with labels of one view: of the same frames, of as many frames
as cost the same number of calls, and of as many as take the same time. How good a student of one
view is between two numbers of frames is read off the straight line between them, in logarithms.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.studies.crossed import Crossed, Statistic, crossed, estimate
from limbeck.warrant.statistics import Estimate, entry_of, estimate_of
from limbeck.warrant.tidy import Row, rows

Entry = dict[str, Any]

MEV = 1e3
#: how a student is asked: the frames as given, or in random views
ASKED = ("as_given", "random")
#: what is equal for the labels of K views and those of one that they are compared with
EQUAL = ("frames", "calls", "time")


def results(tables: Sequence[Mapping[str, Any]]) -> Entry:
    """``studies/frames_by_views/results.json``.

    Raises:
        LimbeckError: the tables are not of one study.
    """
    first = tables[0]
    shared = ("reference", "student", "n_frames", "views", "draws", "test_groups", "timed")
    for table in tables:
        if any(table[key] != first[key] for key in shared):
            names = f"{first['potential']} and {table['potential']}"
            raise LimbeckError(f"study: the tables of {names} are not of one study")
    times = np.array([table["seconds_per_frame"] for table in tables])
    cost = (times / times[:, :1]).mean(axis=0)
    return {
        "kind": first["kind"],
        **{key: first[key] for key in shared},
        "n_test_frames": first["n_test_frames"],
        "n_groups": len(first["test_groups"]),
        "cost_of_views": dict(zip(map(str, first["views"]), cost.tolist(), strict=True)),
        "teachers": [_teacher(table, cost) for table in tables],
    }


def _teacher(table: Mapping[str, Any], cost: np.ndarray) -> Entry:
    numbers, views = table["n_frames"], table["views"]
    weights = np.array(table["components"], dtype=float)
    found = {asked: crossed(_sums(table, asked), weights) for asked in ASKED}
    constant = np.repeat(np.array(table["constant"])[None, None], table["draws"], axis=1)
    labels = {k: [e for e in table["labels"] if e["views"] == k] for k in views}
    pairs = list(_pairs(numbers, views, cost))
    return {
        "potential": table["potential"],
        "gap": _gap(table),
        "labels": {str(k): _mean([e["error"] for e in own]) for k, own in labels.items()},
        "constant": _entry(crossed(constant, weights), lambda cells: cells[..., 0]),
        "seconds": float(sum(cell["seconds"] for cell in table["cells"])),
        "cpu_seconds": float(sum(cell["cpu_seconds"] for cell in table["cells"])),
        "cells": [
            {
                "n_frames": number,
                "views": k,
                "calls": number * k,
                **{asked: _cell(table, found[asked], asked, number, k) for asked in ASKED},
                "best_round": _mean([c["best_round"] for c in _of(table, number, k)]),
            }
            for number in numbers
            for k in views
        ],
        "learning": [
            {"views": k, **{asked: _learning(table, found[asked], k) for asked in ASKED}}
            for k in (views if len(numbers) > 1 else ())
        ],
        "comparisons": [
            {**pair, **{asked: _less(table, found[asked], pair) for asked in ASKED}}
            for pair in pairs
        ],
        "overall": {
            equal: {asked: _overall(table, found[asked], own) for asked in ASKED}
            for equal in EQUAL
            if (own := [pair for pair in pairs if pair["equal"] == equal])
        },
    }


def _sums(table: Mapping[str, Any], asked: str) -> np.ndarray:
    """Sums of absolute errors by cell, draw and group. [C,D,G]"""
    by_draw = [
        [cell[asked] for cell in sorted(_of(table, number, k), key=lambda cell: cell["draw"])]
        for number in table["n_frames"]
        for k in table["views"]
    ]
    return np.array(by_draw)


def _of(table: Mapping[str, Any], number: int, views: int) -> list[Entry]:
    return [c for c in table["cells"] if (c["n_frames"], c["views"]) == (number, views)]


def _gap(table: Mapping[str, Any]) -> float | None:
    """Of the teacher; None where all labels are of one view, which shows none."""
    known = [e["gap"] for e in table["labels"] if e["gap"] is not None]
    return _mean(known) if known else None


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _entry(found: Crossed, statistic: Statistic, **signed: bool) -> Entry:
    return entry_of(estimate(found, statistic, **signed).times(MEV), "meV/A")


def _cell(table: Mapping[str, Any], found: Crossed, asked: str, number: int, views: int) -> Entry:
    place = _place(table, number, views)
    components = sum(table["components"])
    own = sorted(_of(table, number, views), key=lambda cell: cell["draw"])
    by_draw = [MEV * sum(cell[asked]) / components for cell in own]
    return {"forces": _entry(found, lambda cells: cells[..., place]) | {"by_seed": by_draw}}


def _place(table: Mapping[str, Any], number: int, views: int) -> int:
    return int(table["n_frames"].index(number) * len(table["views"]) + table["views"].index(views))


def _pairs(numbers: Sequence[int], views: Sequence[int], cost: np.ndarray) -> Iterator[Entry]:
    """What labels of several views are compared with: labels of one view of so many frames. None
    where that is more than the study has."""
    for equal in EQUAL:
        for number in numbers:
            for k, price in zip(views[1:], cost[1:], strict=True):
                factor = {"frames": 1.0, "calls": float(k), "time": float(price)}[equal]
                if number * factor <= numbers[-1]:
                    against = number * factor
                    yield {"equal": equal, "n_frames": number, "views": k, "against": against}


def _errors(
    table: Mapping[str, Any], pair: Mapping[str, Any], cells: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the labels of several views, and of those of one view, from [...,C]. [...] each"""
    single = [_place(table, number, 1) for number in table["n_frames"]]
    averaged = cells[..., _place(table, pair["n_frames"], pair["views"])]
    return averaged, _between(cells[..., single], table["n_frames"], pair["against"])


def _less(table: Mapping[str, Any], found: Crossed, pair: Mapping[str, Any]) -> Entry:
    """Error of the labels of several views less that of one view."""

    def less(cells: np.ndarray) -> np.ndarray:
        averaged, single = _errors(table, pair, cells)
        return averaged - single

    return {"forces": _entry(found, less, signed=True)}


def _overall(table: Mapping[str, Any], found: Crossed, pairs: Sequence[Mapping[str, Any]]) -> Entry:
    """By what share averaging raises the error, mean over pairs: one figure to judge by, since of
    many intervals some miss zero by chance."""

    def share(cells: np.ndarray) -> np.ndarray:
        both = [_errors(table, pair, cells) for pair in pairs]
        return np.mean([averaged / single - 1 for averaged, single in both], axis=0)

    return {"forces": entry_of(estimate(found, share, signed=True), "")}


def _learning(table: Mapping[str, Any], found: Crossed, views: int) -> Entry:
    """Share by which the error changes when the number of frames doubles, at the end of a curve:
    between its two largest numbers."""
    last, before = (_place(table, number, views) for number in table["n_frames"][:-3:-1])
    doublings = np.log2(table["n_frames"][-1] / table["n_frames"][-2])

    def share(cells: np.ndarray) -> np.ndarray:
        return (cells[..., last] / cells[..., before]) ** (1 / doublings) - 1

    return {"forces": entry_of(estimate(found, share, signed=True), "")}


def _between(errors: np.ndarray, numbers: Sequence[int], wanted: float) -> np.ndarray:
    """Error for a number of frames between others: linear in the logarithms. [...,N] -> [...]"""
    known = np.log(numbers)
    right = int(np.clip(np.searchsorted(known, np.log(wanted)), 1, max(len(known) - 1, 1)))
    if len(known) == 1:
        return errors[..., 0]
    share = (np.log(wanted) - known[right - 1]) / (known[right] - known[right - 1])
    both = np.log(errors[..., right - 1]), np.log(errors[..., right])
    return np.exp((1 - share) * both[0] + share * both[1])


def table_rows(study: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of ``studies/frames_by_views/results.json``; a seed is a draw."""
    counts = {"n_frames": study["n_test_frames"]}
    draws = range(1, study["draws"] + 1)
    for teacher in study["teachers"]:
        for cell in teacher["cells"]:
            names = {"subject": cell_name(teacher, cell), "kind": "student", "set": "test"}
            figures = {asked: cell[asked] for asked in ASKED}
            yield from rows(figures | counts, _names, seeds=draws, **names)
        for pair in teacher["comparisons"]:
            names = {"subject": pair_name(teacher, pair), "kind": "difference", "set": "test"}
            figures = {asked: pair[asked] for asked in ASKED}
            yield from rows(figures | counts, _names, seeds=(), **names)
        for end in teacher["learning"]:
            names = {"subject": f"{teacher['potential']}/{end['views']} views"}
            names |= {"kind": "difference", "set": "test"}
            figures = {asked: end[asked] for asked in ASKED}
            yield from rows(figures | counts, _names_of_learning, seeds=(), **names)
        for equal, overall in teacher["overall"].items():
            names = {"subject": teacher["potential"], "kind": "difference", "set": "test"}
            yield from rows({equal: overall} | counts, _names_of_overall, seeds=(), **names)


def cell_name(teacher: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
    """A cell in a table: teacher, frames and views."""
    return f"{teacher['potential']}/{cell['n_frames']}x{cell['views']}"


def pair_name(teacher: Mapping[str, Any], pair: Mapping[str, Any]) -> str:
    """Which is less which, and what is equal."""
    return f"{cell_name(teacher, pair)} less {pair['against']:.0f}x1 at equal {pair['equal']}"


def _names(kind: str, quantity: str) -> tuple[str, str]:
    return quantity, f"mae_{kind}"


def _names_of_overall(equal: str, asked: str, quantity: str) -> tuple[str, str]:
    return quantity, f"relative_mae_{asked}_at_equal_{equal}"


def _names_of_learning(asked: str, quantity: str) -> tuple[str, str]:
    return quantity, f"relative_mae_{asked}_per_doubling"


def forces_of(entry: Mapping[str, Any]) -> Estimate:
    """The figure of a cell or a comparison that is told first: in random views, since nobody knows
    the orientation in which a student is asked."""
    return estimate_of(entry["random"]["forces"])
