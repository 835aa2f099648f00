"""Tables of a study of frames by views, made up from a formula."""

from collections.abc import Callable
from typing import Any

import numpy as np

GROUPS, DRAWS = 12, 3
NUMBERS, VIEWS = (60, 360, 1440), (1, 4, 12)


def table(
    potential: str,
    error: Callable[[int, int], float],
    scatter: Callable[[], np.ndarray] = lambda: np.ones((DRAWS, GROUPS)),
) -> dict[str, Any]:
    """One as fill_table.py writes it.

    Args:
        error: of a student of so many frames and views, eV/Angstrom.
        scatter: factors of the error of one cell, [D,G].
    """
    components = np.arange(1, GROUPS + 1) * 300
    cells: list[dict[str, Any]] = []
    for number in NUMBERS:
        for views in VIEWS:
            sums = error(number, views) * scatter() * components
            cells += [
                {"draw": draw, "n_frames": number, "views": views, "error": 0.0}
                | {"as_given": own.tolist(), "random": own.tolist(), "training_frames": number}
                | {"best_round": 40, "seconds": 30.0, "cpu_seconds": 29.0}
                for draw, own in enumerate(sums, start=1)
            ]
    return {
        "kind": "frames_by_views",
        "potential": potential,
        "reference": "emt",
        "student": {"name": "mace-tiny", "steps": 800},
        "n_frames": list(NUMBERS),
        "views": list(VIEWS),
        "draws": DRAWS,
        "n_pool": 2880,
        "n_test_frames": 400,
        "test_groups": [f"Cu{n}" for n in range(GROUPS)],
        "components": components.tolist(),
        "constant": (0.5 * components).tolist(),
        "timed": "orb-demo",
        "seconds_per_frame": [0.015, 0.05, 0.15],
        "labels": [
            {"draw": draw, "views": views, "error": 500 / views**0.5, "gap": 700.0}
            for draw in range(1, DRAWS + 1)
            for views in VIEWS
        ],
        "cells": cells,
    }
