"""The many-body expansion of a cluster's energy, from the energies of its fragments."""

from collections.abc import Iterable, Mapping
from math import comb
from typing import Any

import numpy as np

#: names of the first orders; later ones are ``4_body_eV`` and so on
WORDS = {1: "one", 2: "two", 3: "three"}


def n_body_terms(n_molecules: int, sums: np.ndarray) -> np.ndarray:
    """Terms of the expansion from sums over fragments. float64 [K], eV.

    The k-body term of a set of molecules is its energy less all terms of its subsets; summed over
    the sets of k among N molecules this is, by inclusion and exclusion,

        E_k = sum_j (-1)^(k-j) C(N-j, k-j) S_j,   S_j the energies of all fragments of j molecules

    (Richard, Lao and Herbert, J. Chem. Phys. 141, 014108 (2014)). With K = N the terms add up to
    the energy of the cluster.

    Args:
        n_molecules: N.
        sums: float64 [K], S_1 to S_K, eV.
    """
    orders = range(1, len(sums) + 1)
    # Exact integers (math.comb), turned into floats only at the end: terms alternate in sign and
    # nearly cancel.
    factors = [
        [(-1) ** (k - j) * comb(n_molecules - j, k - j) if j <= k else 0 for j in orders]
        for k in orders
    ]
    return np.array(factors, dtype=np.float64) @ sums


def columns(order: int) -> list[str]:
    """Columns of the table, for terms up to ``order``."""
    terms = [f"{WORDS.get(k, k)}_body_eV" for k in range(1, order + 1)]
    return ["cluster", "n_molecules", "energy_eV", *terms, "remainder_eV"]


def expand(
    fragments: Iterable[Mapping[str, Any]], energies: Mapping[str, float], order: int
) -> tuple[list[list[Any]], int]:
    """A row of :func:`columns` for each cluster, and how many clusters lack an energy.

    Args:
        fragments: rows of ``cluster``, ``n_molecules``, ``order`` and ``fragment``.
        energies: id of a cluster or a fragment -> eV; those without a good label are not in it.
        order: terms of so many molecules at most.
    """
    clusters: dict[str, tuple[int, dict[int, list[str]]]] = {}
    for row in fragments:
        _, by_order = clusters.setdefault(row["cluster"], (int(row["n_molecules"]), {}))
        by_order.setdefault(int(row["order"]), []).append(row["fragment"])
    rows, lacking = [], 0
    for cluster, (n_molecules, by_order) in clusters.items():
        needed = [cluster, *(f for ids in by_order.values() for f in ids)]
        if any(name not in energies for name in needed):
            lacking += 1
            continue
        sums = [sum(energies[f] for f in by_order[k]) for k in sorted(by_order)]
        terms = n_body_terms(n_molecules, np.array(sums)).tolist()
        remainder = energies[cluster] - sum(terms)
        missing = [""] * (order - len(terms))  # a dimer has no three-body term
        rows.append([cluster, n_molecules, energies[cluster], *terms, *missing, remainder])
    return rows, lacking
