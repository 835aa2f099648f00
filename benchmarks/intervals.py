"""How often do intervals hold the truth, and how wide are they? Over groups, and over roots.

    python benchmarks/intervals.py

Errors of frames are drawn as they are found: a level for each compound, and near-copies of it for
each of its roots. The truth is the mean over all compounds there are. The intervals are nominal
95 %; their mean width is given over that of Student's t interval of the same group means, which
counts each group alike whatever its size. One core, about five minutes.
"""

import numpy as np
from scipy import stats

from limbeck.warrant.statistics import ratio

TRIALS = 1000
#: compounds, roots of each
SIZES = [(5, 4), (6, 4), (9, 4), (20, 4), (40, 4), (6, 20)]
#: intraclass correlation of force errors of an equivariant student: 360, 354, 437, 365 meV/A on the
#: four roots of NaF
ICC = 0.86


def normal(rng, n_roots):
    """Errors of mean 1 and standard deviation 0.3, most of it between compounds."""
    level = np.sqrt(ICC) * rng.standard_normal(len(n_roots))
    own = [np.sqrt(1 - ICC) * rng.standard_normal(n) for n in n_roots]
    return [1 + 0.3 * (group + roots) for group, roots in zip(level, own, strict=True)]


def log_normal(spread):
    """Mean squares of mean 1, whose logarithm spreads by so much between compounds."""

    def draw(rng, n_roots):
        level = np.exp(spread * rng.standard_normal(len(n_roots)) - spread**2 / 2)
        own = [np.exp(0.2 * rng.standard_normal(n) - 0.02) for n in n_roots]
        return [group * roots for group, roots in zip(level, own, strict=True)]

    return draw


DRAWN = {
    "normal, ICC 0.86": normal,
    "log-normal, 0.5": log_normal(0.5),
    "log-normal, 1.0": log_normal(1.0),
}


def trial(rng, draw, groups, roots, unequal):
    """Hits over groups and over roots, and both widths over Student's."""
    n_roots = rng.integers(1, 2 * roots, groups) if unequal else np.full(groups, roots)
    errors = draw(rng, n_roots)
    values, group = np.concatenate(errors), np.repeat(np.arange(groups), n_roots)
    means = np.array([each.mean() for each in errors])
    student = 2 * stats.t.ppf(0.975, groups - 1) * means.std(ddof=1) / np.sqrt(groups)
    found = [ratio(values, np.ones(len(values)), of) for of in (group, np.arange(len(values)))]
    hits = [each.low <= 1 <= each.high for each in found]
    return [*hits, *(each.high - each.low for each in found), student]


def main():
    """Print a table."""
    print("| errors | groups | roots of each | over groups | width | over roots |")
    print("|---|---|---|---|---|---|")
    for name, draw in DRAWN.items():
        for groups, roots in SIZES:
            for unequal in (False, True):
                rng = np.random.default_rng(0)
                found = [trial(rng, draw, groups, roots, unequal) for _ in range(TRIALS)]
                by_group, by_root, width, _, student = np.mean(found, axis=0)
                size = f"1 to {2 * roots - 1}" if unequal else f"{roots}"
                cells = (f"{by_group:.0%}", f"{width / student:.2f}", f"{by_root:.0%}")
                print("|", " | ".join([name, str(groups), size, *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
