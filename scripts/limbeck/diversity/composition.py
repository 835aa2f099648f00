"""Which elements a set of structures is made of, and how evenly.

An element counts once for each structure that holds it, however many of its atoms there are: c_e
structures hold element e, p_e = c_e / sum_f c_f, and the entropy is H = -sum_e p_e log2 p_e, in
bits. Of E elements it is log2 E where as many structures hold each of them, and less otherwise
(Shannon, Bell Syst. Tech. J. 27, 379 (1948)).
"""

from collections.abc import Collection
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize_scalar

from limbeck.frames import Frames

#: places for atomic numbers, of which 0 stays empty
ELEMENTS = 119


def holders(frames: Frames) -> np.ndarray:
    """Number of frames that hold each element. int64 [119], by atomic number.

    Of several shards it is the sum.
    """
    # a frame and an element in one number, each of which counts once
    pairs = np.unique(frames.frame_of_atom * ELEMENTS + frames.numbers)
    return np.bincount(pairs % ELEMENTS, minlength=ELEMENTS)


def entropy(counts: np.ndarray) -> float:
    """Shannon entropy of counts, or of anything in proportion to them, in bits; 0 of nothing."""
    counts = np.asarray(counts, dtype=float)
    if counts.sum() <= 0:
        return 0.0
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # not -0 of one element


def coverage(counts: np.ndarray, asked: Collection[int]) -> float:
    """Share of the elements asked for that at least one structure holds.

    Args:
        counts: of :func:`holders`.
        asked: atomic numbers.
    """
    return sum(counts[z] > 0 for z in asked) / len(asked)


def expected(numbers: np.ndarray, shares: np.ndarray) -> float:
    """The entropy of a plan, before it is run: that of sum_s n_s q_se over its elements, bits.

    Args:
        numbers: [S], structures of each source; proportions are as good.
        shares: [S,E], of a source's structures that hold each element, from 0 to 1; a small sample
            of each source tells them.
    """
    return entropy(np.asarray(numbers, dtype=float) @ np.asarray(shares, dtype=float))


def attainable(numbers: np.ndarray, least: np.ndarray, most: np.ndarray) -> float:
    """The largest entropy that a plan's proportions allow, bits.

    Element e is held by a_e = sum_s n_s q_se structures, where q_se may be anything from ``least``
    (1 for carbon in hydrocarbons) to ``most`` (0 for elements that a source does not have). The
    entropy is quasiconcave in a, so that its maximum in this box is where all a_e that are at no
    bound are alike: a_e = min(max(t, low_e), high_e), and one number t is sought. What goes with
    what in a structure is not asked, so that the best set may have less.

    Args:
        numbers: [S], structures of each source; proportions are as good.
        least, most: [S,E], between which the share of a source's structures with an element is.
    """
    numbers = np.asarray(numbers, dtype=float) / np.sum(numbers)
    low, high = numbers @ np.asarray(least, float), numbers @ np.asarray(most, float)
    # between two neighbouring bounds nothing changes its kind, and there is one maximum
    bounds = np.unique([*low, *high])
    found = [entropy(np.clip(t, low, high)) for t in bounds]
    for left, right in pairwise(bounds):
        best = minimize_scalar(
            lambda t: -entropy(np.clip(t, low, high)), bounds=(left, right), method="bounded"
        )
        found.append(-float(best.fun))
    return max(found)
