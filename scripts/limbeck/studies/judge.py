"""What a study says: the share first, then paired differences, then words that follow from them.

By the identity (mean square error in a random view) = (square error of the mean over views) +
(spread over views), the *share*, spread over error, is what a teacher can win by averaging over all
views, and so a bound on what labels that are averaged can be better by. All figures are ratios of
sums of squares, with intervals over what was drawn independently and over seeds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from limbeck.studies.arms import Answers, Seed, square
from limbeck.studies.crossed import crossed, estimate
from limbeck.studies.study import Data
from limbeck.warrant.statistics import Estimate, cluster_sums, entry_of, ratio, spread

#: a mean square spread below this share of the constant's error is one of rounding: a relative
#: difference of 3e-5 between views, where float32 nets have some 1e-6
ROUNDING = 1e-9
#: a random view whose error is larger by more than this is out of what the teacher has seen, if
#: its average is worse than the answer as given, too
OUT = 0.25
#: one word for each thing that can come out, in the order in which they go before each other
WORDS = {
    "void": "the answer does not change with the view: there is nothing to average",
    "views out of distribution": "the teacher does worse in other views than as given, even "
    "averaged: they are not like what it learned from",
    "worse than the constant": "the teacher, or a student of its labels, is no better than the "
    "mean of the training answers",
    "canonical form is better": "bringing inputs into one form beats averaging, at one call",
    "an equivariant net is better": "a net that has the symmetry by construction beats averaging",
    "helps": "a student of averaged labels is better than one of the teacher's own",
    "harms": "a student of averaged labels is worse than one of the teacher's own",
    "undecided": "averaged labels may help or harm: the interval holds zero",
}
OWN, AVERAGED = "student/own/views", "student/averaged/views"
#: figures of the first less the second, each arm in random views
PAIRS = (
    (AVERAGED, OWN),
    ("student/averaged/given", "student/own/given"),
    (AVERAGED, "student/each"),
    (AVERAGED, "student/more"),
    (AVERAGED, "student/truth/views"),
    (AVERAGED, "teacher"),
    ("augmented", AVERAGED),
    ("canonical", AVERAGED),
    ("reference", AVERAGED),
    ("simple", AVERAGED),
)
#: of an arm: how it is asked
GIVEN, RANDOM, GAP, MEAN = "given", "random", "gap", "mean"
Sums = dict[str, dict[str, np.ndarray]]  # arm -> measure -> [S,N]


@dataclass(frozen=True)
class Squares:
    """Squared errors of all arms on N test inputs, for S seeds.

    Attributes:
        sums: arm -> measure -> sums over components, [S,N]. Measures: ``given``, ``random`` (mean
            over views of the error), ``mean`` (error of the mean over all test views), ``gap``
            (spread over views), and ``mean/K`` of K views.
        components: of each answer. clusters: [N].
        labels: name -> mean over the inputs of learning, [S].
        costs: arm -> teacher calls and inputs learned from.
    """

    sums: Sums
    components: int
    clusters: np.ndarray
    labels: dict[str, np.ndarray]
    costs: dict[str, tuple[int, int]]


def squares(seeds: list[Seed], test: Data, *, whole: bool) -> Squares:
    """The squared errors of what was answered.

    Args:
        whole: whether the views are all there are, so that their spread is exact.
    """
    arms = list(seeds[0].arms)
    each = {
        arm: [errors(seed.arms[arm], test.truth, whole=whole) for seed in seeds] for arm in arms
    }
    sums = {a: {m: np.stack([one[m] for one in each[a]]) for m in each[a][0]} for a in arms}
    components = int(np.prod(test.truth.shape[1:]))
    labels = {
        name: np.array([seed.labels[name].mean() / components for seed in seeds])
        for name in seeds[0].labels
    }
    costs = {a: (seeds[0].arms[a].calls, seeds[0].arms[a].n_learned) for a in arms}
    return Squares(sums, components, test.cluster, labels, costs)


def errors(answers: Answers, truth: np.ndarray, *, whole: bool) -> dict[str, np.ndarray]:
    """Of one arm and seed: sums of squares over components, [N] each."""
    views = answers.views
    found = {
        GIVEN: square(answers.given - truth),
        RANDOM: np.mean([square(view - truth) for view in views], axis=0),
        MEAN: square(views.mean(axis=0) - truth),
        GAP: spread(views, whole=whole).reshape(len(truth), -1).sum(axis=1),
    }
    k = 1
    while k < len(views):
        groups = views[: len(views) // k * k].reshape(-1, k, *views.shape[1:]).mean(axis=1)
        found[f"{MEAN}/{k}"] = np.mean([square(group - truth) for group in groups], axis=0)
        k *= 2
    return found | {f"{MEAN}/{len(views)}": found[MEAN]}


def judge(found: Squares) -> dict[str, Any]:
    """Figures, differences and words, as they stand in ``results.json``."""
    figures = Figures(found)
    words = verdict(figures)
    return {
        "n_inputs": len(found.clusters),
        "n_independent": len(np.unique(found.clusters)),
        "n_seeds": figures.n_seeds,
        "share": entry_of(figures.share("teacher"), ""),
        "constant": figures.entry("constant", GIVEN),
        "arms": {arm: _arm(figures, arm) for arm in found.sums if arm != "constant"},
        "labels": {
            name: {"mean_square_error": float(values.mean()), "by_seed": values.tolist()}
            for name, values in found.labels.items()
        },
        "differences": [
            {"arm": a, "less": b, **entry_of(figures.less(a, b), "")}
            for a, b in PAIRS
            if a in found.sums and b in found.sums
        ],
        "words": words,
        "verdict": words[0],
    }


def _arm(figures: "Figures", arm: str) -> dict[str, Any]:
    sums = figures.found.sums[arm]
    calls, learned = figures.found.costs[arm]
    return {
        **{name: figures.entry(arm, name) for name in (GIVEN, RANDOM, MEAN, GAP)},
        "share": entry_of(figures.share(arm), ""),
        "by_views": {m.split("/")[1]: figures.entry(arm, m) for m in sums if "/" in m},
        "teacher_calls": calls,
        "n_learned": learned,
    }


class Figures:
    """Figures with intervals: mean square errors as shares of the constant's, which has 1."""

    def __init__(self, found: Squares) -> None:
        """Sums by cluster are made once."""
        self.found = found
        self.n_seeds = len(next(iter(found.sums["constant"].values())))
        self.constant = found.sums["constant"][GIVEN]

    def entry(self, arm: str, measure: str) -> dict[str, Any]:
        """A mean square error over the constant's, and itself, in the answer's unit squared."""
        sums = self.found.sums[arm][measure]
        value = sums.mean() / self.found.components
        by_seed = {"by_seed": self._by_seed(sums)} if self.n_seeds > 1 else {}
        relative = entry_of(self._ratio(sums, self.constant), "")
        return {**relative, **by_seed, "mean_square": float(value)}

    def _by_seed(self, sums: np.ndarray) -> list[float]:
        values: list[float] = (sums.sum(axis=1) / self.constant.sum(axis=1)).tolist()
        return values

    def share(self, arm: str) -> Estimate:
        """Spread over mean square error in a random view."""
        sums = self.found.sums[arm]
        return self._ratio(sums[GAP], sums[RANDOM])

    def less(self, a: str, b: str, first: str = RANDOM, second: str = RANDOM) -> Estimate:
        """The error of an arm less that of another on the same inputs, over the constant's."""
        sums = self.found.sums
        return self._ratio(sums[a][first] - sums[b][second], self.constant, signed=True)

    def _ratio(self, sums: np.ndarray, weights: np.ndarray, *, signed: bool = False) -> Estimate:
        """Of sums [S,N], with an interval over clusters, and over seeds where there are several."""
        clusters = self.found.clusters
        if self.n_seeds == 1:
            return ratio(sums[0], weights[0], clusters, signed=signed)
        cells = np.stack([cluster_rows(clusters, each) for each in (sums, weights)])  # [2,S,G]
        ones = np.ones(cells.shape[-1])
        return estimate(crossed(cells, ones), lambda v: v[..., 0] / v[..., 1], signed=signed)


def cluster_rows(clusters: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Sums of each row [S,N] over the members of each cluster, [S,G]."""
    return np.stack(cluster_sums(clusters, *sums))


def verdict(figures: Figures) -> list[str]:
    """Words of :data:`WORDS` that apply, in their order; the last says what averaging did."""
    sums = figures.found.sums
    if sums["teacher"][GAP].sum() <= ROUNDING * figures.constant.sum():
        return ["void"]
    words = []
    given, random = (sums["teacher"][name].sum() for name in (GIVEN, RANDOM))
    if random > (1 + OUT) * given and figures.less("teacher", "teacher", MEAN, GIVEN).sign > 0:
        words.append("views out of distribution")
    asked = (("teacher", GIVEN), (OWN, RANDOM), (AVERAGED, RANDOM))
    if any(figures.less(arm, "constant", name, GIVEN).sign >= 0 for arm, name in asked):
        words.append("worse than the constant")
    for arm, word in (
        ("canonical", "canonical form is better"),
        ("reference", "an equivariant net is better"),
    ):
        rivals = (("teacher", MEAN), (AVERAGED, RANDOM))
        if arm in sums and all(figures.less(arm, b, RANDOM, m).sign < 0 for b, m in rivals):
            words.append(word)
    sign = figures.less(AVERAGED, OWN).sign
    return [*words, {-1: "helps", 1: "harms", 0: "undecided"}[sign]]
