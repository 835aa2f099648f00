"""Whether a formula can be neutral, by SMACT's oxidation states."""

from functools import cache

from pymatgen.core import Composition


def is_neutral(formula: str) -> bool:
    """Whether oxidation states of SMACT add up to zero, the more positive ones on what is less
    electronegative.

    They are those found in the ICSD, one for each element, so that mixed valence as in Fe3O4 is
    not neutral, nor is an alloy. An element alone is. SMACT has negative states of metals, too, as
    of Ti in MgAl2Ti4: here a metal is no anion.
    """
    composition = Composition(formula)
    anion = max(composition, key=lambda element: element.X)
    alone = len(composition) == 1
    return alone or (not anion.is_metal and _valid(composition.reduced_formula))


@cache
def _valid(formula: str) -> bool:
    from smact.screening import smact_validity  # two seconds

    return bool(smact_validity(formula, include_alloys=False))
