"""Point defects of a crystal: vacancies, substitutions and antisites, on whole sites.

What is changed is drawn apart from where: a formula is known before any site is.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from limbeck import reasons
from limbeck.reasons import Refused

Pair = tuple[str, str]


@dataclass(frozen=True)
class Defects:
    """How many of each kind; no atom is part of two.

    Attributes:
        vacancies: of each element.
        substitutions: of an element, by another.
        antisites: pairs of two elements that change places.
    """

    vacancies: Counter[str] = field(default_factory=Counter)
    substitutions: Counter[Pair] = field(default_factory=Counter)
    antisites: Counter[Pair] = field(default_factory=Counter)

    def formula_of(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Atoms of each element, of so many before."""
        left = Counter(counts) - self.vacancies
        for (old, new), count in self.substitutions.items():
            left[old] -= count
            left[new] += count
        return dict(+left)

    def told(self) -> dict[str, dict[str, int]]:
        """What was done, for the info of a structure; what was not is left out."""
        found = {
            "vacancies": dict(self.vacancies),
            "substitutions": {f"{a}->{b}": n for (a, b), n in self.substitutions.items()},
            "antisites": {f"{a}<->{b}": n for (a, b), n in self.antisites.items()},
        }
        return {kind: changed for kind, changed in found.items() if changed}


def draw_vacancies(
    free: Counter[str], number: int, among: Collection[str] | None, rng: np.random.Generator
) -> Counter[str]:
    """So many atoms of these elements, or of any; they are taken from ``free``.

    Raises:
        Refused: there are not so many, or none would be left.
    """
    found: Counter[str] = Counter()
    if number >= free.total():
        raise Refused(reasons.TOO_FEW_SITES, number, f"below {free.total()}")
    for _ in range(number):
        found[_take(free, free if among is None else among, rng)] += 1
    return found


def draw_substitutions(
    free: Counter[str], number: int, families: Sequence[Sequence[str]], rng: np.random.Generator
) -> Counter[Pair]:
    """So many atoms, each by another element of a family that has its own; taken from ``free``.

    Raises:
        Refused: there are not so many.
    """
    others = {
        old: sorted({new for family in families if old in family for new in family} - {old})
        for old in free
    }
    found: Counter[Pair] = Counter()
    for _ in range(number):
        old = _take(free, [symbol for symbol, news in others.items() if news], rng)
        found[old, str(rng.choice(others[old]))] += 1
    return found


def draw_antisites(free: Counter[str], number: int, rng: np.random.Generator) -> Counter[Pair]:
    """So many pairs of atoms of different elements; they are taken from ``free``.

    Raises:
        Refused: there are not so many.
    """
    found: Counter[Pair] = Counter()
    for _ in range(number):
        one = _take(free, free, rng)
        other = _take(free, [symbol for symbol in free if symbol != one], rng)
        found[min(one, other), max(one, other)] += 1
    return found


def _take(free: Counter[str], among: Collection[str], rng: np.random.Generator) -> str:
    """The element of one atom of these elements, each atom as likely as the next."""
    symbols = sorted(symbol for symbol in among if free[symbol] > 0)
    if not symbols:
        raise Refused(reasons.TOO_FEW_SITES, ", ".join(sorted(among)) or "none")
    weights = np.array([free[symbol] for symbol in symbols], dtype=float)
    chosen = str(rng.choice(symbols, p=weights / weights.sum()))
    free[chosen] -= 1
    return chosen


def with_defects(crystal: Atoms, defects: Defects, rng: np.random.Generator) -> Atoms:
    """The crystal with these defects on random sites."""
    symbols = np.array(crystal.get_chemical_symbols(), dtype="<U2")
    sites = {s: rng.permutation(np.flatnonzero(symbols == s)).tolist() for s in sorted({*symbols})}
    for (one, other), count in sorted(defects.antisites.items()):
        for _ in range(count):
            first, second = sites[one].pop(), sites[other].pop()
            symbols[first], symbols[second] = other, one
    for (old, new), count in sorted(defects.substitutions.items()):
        for _ in range(count):
            symbols[sites[old].pop()] = new
    gone = [sites[s].pop() for s, count in sorted(defects.vacancies.items()) for _ in range(count)]
    changed = crystal.copy()
    changed.set_chemical_symbols(symbols.tolist())
    del changed[gone]
    return changed
