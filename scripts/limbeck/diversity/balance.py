"""Whether a set has of each type what the plan asks for: b = sum_t min(p_t, q_t).

p are the shares found, q those of the plan. b is 1 where they are the same, and 0 where the set has
nothing of what was asked for; 1 - b is the share of the set that would have to be replaced (the
total variation distance).
"""

from collections.abc import Mapping


def balance(found: Mapping[str, float], asked: Mapping[str, float]) -> float:
    """The balance of numbers of structures by type against the plan's; NaN where one is empty.

    Args:
        found, asked: by type; in proportion to each other is enough.
    """
    have, want = sum(found.values()), sum(asked.values())
    if not have or not want:
        return float("nan")
    return sum(min(found.get(t, 0) / have, n / want) for t, n in asked.items())
