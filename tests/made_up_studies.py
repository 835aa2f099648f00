"""Answers of a study that cost nothing: shares and gains of a known size are planted in them."""

import numpy as np

from limbeck.studies.arms import Answers, Seed
from limbeck.studies.judge import AVERAGED, OWN, squares
from limbeck.studies.study import Data

UNITS, VIEWS, SEEDS = 200, 8, 3
#: how much of the error students, and the rest, have in common on one input
COMMON = 0.5


def answers_of(rng, truth, error, share):
    """Answers of a given mean square error in a random view, of which a share is spread."""
    n = len(truth)
    # units differ: some are hard, as they are in every real set
    hard = np.sqrt(rng.gamma(2, 0.5, (n, 1)))
    fixed = rng.normal(size=(n, 1)) * np.sqrt((1 - share) * error) * hard
    spread = rng.normal(size=(VIEWS, n, 1)) * np.sqrt(share * error) * hard
    given = truth + fixed + rng.normal(size=(n, 1)) * np.sqrt(share * error) * hard
    return Answers(given, truth + fixed + spread)


def made_up(seed, share, *, gain=0.0, seeds=SEEDS, changes=None):
    """A study of answers that cost nothing: the truth has variance 1.

    gain: what averaged labels make the student's error smaller by, of 0.1.
    """
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(UNITS, 1))
    shared = rng.normal(size=(UNITS, 1))  # what all students get wrong alike
    found = []
    for _ in range(seeds):
        one = Seed()
        one.arms["constant"] = Answers(np.zeros_like(truth), np.zeros((VIEWS, UNITS, 1)))
        one.arms["teacher"] = answers_of(rng, truth, 0.05, share)
        for arm, error in ((OWN, 0.1), (AVERAGED, 0.1 - gain), ("student/truth/views", 0.1)):
            made = answers_of(rng, truth, (1 - COMMON) * error, 0.1)
            both = shared * np.sqrt(COMMON * error)
            one.arms[arm] = Answers(made.given + both, made.views + both)
        for arm, answers in (changes or {}).items():
            one.arms[arm] = answers(rng, truth)
        found.append(one)
    test = Data({}, truth, np.arange(UNITS))
    return squares(found, test, whole=False)
