"""How often intervals over groups and draws hold the truth, and how wide they are.

    PYTHONPATH=scripts python benchmarks/crossed.py

Two cells of 3 draws, tested on 12 groups of unequal size. Their errors share what makes a group
hard (log-normal, so that few groups have much of it); their difference varies with the group,
with the draw, and with both. Beside it, Student's t interval over the means of the groups, which
knows nothing of draws.
"""

import numpy as np
from scipy.stats import t as student_t

from limbeck.studies.crossed import crossed, estimate

TRIALS, GROUPS, DRAWS = 2000, 12, 3
#: standard deviation of the difference that comes with the group, the draw, and both; mean error 1
CASES = {
    "groups alone": (0.10, 0.0, 0.0),
    "draws alone": (0.0, 0.10, 0.0),
    "both alike": (0.10, 0.05, 0.0),
    "both at once": (0.0, 0.0, 0.10),
    "all three": (0.10, 0.05, 0.10),
}
TRUTH = 0.05


def errors(
    rng: np.random.Generator, case: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Sums [2,D,G] and weights [G] of one trial."""
    weights = rng.integers(100, 1000, GROUPS).astype(float)
    hard = np.exp(rng.normal(0, 0.5, GROUPS))
    hard /= np.exp(0.125)  # the mean of exp(0.5 z)
    of_group, of_draw, of_both = case
    # a group that is twice as hard varies twice as much
    differs = hard * (
        rng.normal(TRUTH, of_group, GROUPS)
        + rng.normal(0, of_draw, (DRAWS, 1))
        + rng.normal(0, of_both, (DRAWS, GROUPS))
    )
    first = np.tile(hard, (DRAWS, 1))
    return np.stack([first, first + differs]) * weights, weights


def less(cells: np.ndarray) -> np.ndarray:
    """The second cell less the first."""
    return cells[..., 1] - cells[..., 0]


def main() -> None:
    print(f"{'varies':14s} {'held':>6s} {'width over that of t over groups':>34s} {'t held':>8s}")
    for name, case in CASES.items():
        rng = np.random.default_rng(0)
        held, held_t, widths = 0, 0, []
        for _ in range(TRIALS):
            sums, weights = errors(rng, case)
            found = estimate(crossed(sums, weights), less, signed=True)
            held += found.low <= TRUTH <= found.high
            means = less(np.moveaxis(sums, 0, -1)).mean(axis=0) / weights
            half = student_t.ppf(0.975, GROUPS - 1) * means.std(ddof=1) / np.sqrt(GROUPS)
            held_t += abs(means.mean() - TRUTH) <= half
            widths.append((found.high - found.low) / (2 * half))
        print(f"{name:14s} {held / TRIALS:6.1%} {np.median(widths):34.2f} {held_t / TRIALS:8.1%}")


if __name__ == "__main__":
    main()
