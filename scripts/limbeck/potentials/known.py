"""What is known of each kind of model without loading it: the plan is checked against this.

Nothing heavy is imported here, because ``snakemake -n`` reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Symbols of the elements, in the order of their atomic numbers, from 1.
SYMBOLS = tuple(
    """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br
    Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho
    Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es
    Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
    """.split()
)

# The 89 elements of MPtrj, on which CHGNet and orb-v2 were trained
# (Deng et al., Nat. Mach. Intell. 5, 1031 (2023)).
MPTRJ = frozenset(SYMBOLS[:94]) - {"Po", "At", "Rn", "Fr", "Ra"}
# Those of ase.calculators.emt.
EMT = frozenset({"Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt", "H", "C", "N", "O"})


@dataclass(frozen=True)
class Kind:
    """One kind of model.

    Attributes:
        about: one line for people.
        elements: symbols it knows; None where only its file tells, or where it takes any.
        from_file: its weights are a file of the user's.
    """

    about: str
    elements: frozenset[str] | None
    from_file: bool = False


KINDS: dict[str, Kind] = {
    "mace": Kind("a MACE .model file, or the folder of a student", None, from_file=True),
    "orb": Kind("a small Orb, in the folder of a student", None, from_file=True),
    "chgnet": Kind("CHGNet, with its weights in its package", MPTRJ),
    "orb-v2": Kind("orb-v2, downloaded or read from a file", MPTRJ),
    "lj": Kind("Lennard-Jones, for tests", None),
    "emt": Kind("effective medium theory of ASE, for tests", EMT),
}


def known_elements(potential: Mapping[str, Any]) -> frozenset[str] | None:
    """Symbols that a potential of the config knows, or None where the config does not tell."""
    declared = potential.get("elements")
    return frozenset(declared) if declared else KINDS[potential["model"]].elements
