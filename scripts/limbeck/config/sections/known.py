"""What is known of elements and of each kind of model without loading it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Symbols of the elements, in the order of their atomic numbers, from 1.
SYMBOLS = tuple(
    """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br
    Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho
    Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es
    Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
    """.split()
)

# Those whose crystal is fcc, bcc or hcp in ASE's table: clusters are pieces of these.
CLOSE_PACKED = frozenset(
    """
    Li Be Ne Na Mg Al Ar K Ca Sc Ti V Cr Fe Co Ni Cu Zn Se Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd Te
    Xe Cs Ba La Ce Pr Nd Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Tl Pb Ac Th
    """.split()
)
# The 89 elements of the Materials Project, so of MPtrj (Deng et al., Nat. Mach. Intell. 5, 1031
# (2023)), Alexandria and OMat24, on which CHGNet and the Orb models of crystals were trained.
MPTRJ = frozenset(SYMBOLS[:94]) - {"Po", "At", "Rn", "Fr", "Ra"}
# The 83 elements of OMol25: hydrogen to bismuth (Levine et al., arXiv:2505.08762).
OMOL = frozenset(SYMBOLS[:83])
# Those that GFN1-xTB and GFN2-xTB have parameters for: hydrogen to radon.
XTB = frozenset(SYMBOLS[:86])
# Hydrogen to krypton: those that the def2 bases have all electrons of.
QUANTUM = frozenset(SYMBOLS[:36])
# Those without a van der Waals radius in ASE's table: no points can be put around them.
NO_RADIUS = frozenset({"Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co"})
# Those of ase.calculators.emt.
EMT = frozenset({"Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt", "H", "C", "N", "O"})

#: Orb's foundation models by their names in orb-models, and what tells them apart.
ORB_FOUNDATION = {
    "orb-v2": "second generation, forces predicted directly, 20 neighbours, MPtrj and Alexandria",
    "orb-mptraj-only-v2": "as orb-v2, of MPtrj alone",
    "orb-d3-v2": "as orb-v2, with D3 dispersion",
    "orb-d3-sm-v2": "as orb-d3-v2, smaller",
    "orb-d3-xs-v2": "as orb-d3-v2, smallest",
    "orb-v3-conservative-inf-omat": "forces are gradients, 120 neighbours, OMat24",
    "orb-v3-conservative-20-omat": "forces are gradients, 20 neighbours, OMat24",
    "orb-v3-direct-inf-omat": "forces predicted directly, 120 neighbours, OMat24",
    "orb-v3-direct-20-omat": "forces predicted directly, 20 neighbours, OMat24",
    "orb-v3-conservative-inf-mpa": "forces are gradients, 120 neighbours, MPtrj and Alexandria",
    "orb-v3-conservative-20-mpa": "forces are gradients, 20 neighbours, MPtrj and Alexandria",
    "orb-v3-direct-inf-mpa": "forces predicted directly, 120 neighbours, MPtrj and Alexandria",
    "orb-v3-direct-20-mpa": "forces predicted directly, 20 neighbours, MPtrj and Alexandria",
    "orb-v3-conservative-omol": "forces are gradients, molecules with charge and spin, no stress",
    "orb-v3-direct-omol": "forces predicted directly, molecules with charge and spin, no stress",
    "separate-d3-3layer": "D3 dispersion alone, to be added to another model",
    "separate-d3-5layer": "D3 dispersion alone, larger",
    "separate-d4-3layer": "D4 dispersion alone, to be added to another model",
    "separate-d4-5layer": "D4 dispersion alone, larger",
}

#: MACE's foundation models by their names in mace-torch; those of its mace_off begin with off-.
MACE_FOUNDATION = (
    "small", "medium", "large", "small-0b", "medium-0b", "small-0b2", "medium-0b2", "large-0b2",
    "medium-0b3", "medium-mpa-0", "small-omat-0", "medium-omat-0", "mace-matpes-pbe-0",
    "mace-matpes-r2scan-0", "mh-0", "mh-1", "off-small", "off-medium", "off-large",
)  # fmt: skip

#: whose models matgl downloads by their names alone, on Hugging Face
MATGL_OWNER = "materialyze"


@dataclass(frozen=True)
class Kind:
    """One kind of model.

    Attributes:
        about: one line for people.
        elements: symbols it knows; None where only its file tells, or where it takes any.
        batch_atoms: most atoms of a batch on a CPU, from measured speeds; larger is not always
            faster.
        from_file: its weights are a file that tells its elements.
        downloads: its library downloads its weights where no path is given.
        distributions: installed packages that its answers depend on, beside torch.
        equivariant: its forces turn with the frame by construction, so that no view differs from
            another.
        properties: what it answers beside energy, forces and stress, with every call or on request;
            empty where only its file tells.
        extra: of Limbeck's package, that its distributions are installed with.
        zeros: whose energies of atoms its own count from; None where not known. Those of another
            are up to thousands of eV an atom away.
    """

    about: str
    elements: frozenset[str] | None
    batch_atoms: int = 256
    from_file: bool = False
    downloads: bool = False
    distributions: tuple[str, ...] = ()
    equivariant: bool = True
    properties: tuple[str, ...] = ()
    extra: str = ""
    zeros: str | None = None


#: data of a foundation model -> whose zeros it has; those of dispersion alone are added to others
_ZEROS = {"omol": "OMol25", "omat": "OMat24", "mpa": "MPtrj", "v2": "MPtrj"}


def _zeros_of_orb(name: str) -> str | None:
    return _ZEROS.get(name.rpartition("-")[2])


KINDS: dict[str, Kind] = {
    "mace": Kind(
        "MACE: a .model file, a student's folder, or a foundation model by name",
        None,
        batch_atoms=256,
        from_file=True,
        downloads=True,
        distributions=("mace-torch", "e3nn"),
    ),
    "orb": Kind(
        "a small Orb, in the folder of a student",
        None,
        batch_atoms=512,
        from_file=True,
        distributions=("orb-models",),
        equivariant=False,
    ),
    "nep": Kind(
        "NEP, in the folder of a student", None, batch_atoms=512, from_file=True, distributions=()
    ),
    "painn": Kind(
        "PaiNN, in the folder of a student",
        None,
        batch_atoms=512,
        from_file=True,
        distributions=("graph-pes",),
    ),
    "chgnet": Kind(
        "CHGNet, with its weights in its package (0.3.0, 0.2.0, r2scan)",
        MPTRJ,
        batch_atoms=32,
        distributions=("chgnet",),
        zeros="MPtrj",
        properties=("magmoms",),
    ),
    "matgl": Kind(
        "matgl: M3GNet, TensorNet, CHGNet, QET, from a folder or by name",
        None,
        batch_atoms=128,
        from_file=True,
        downloads=True,
        distributions=("matgl",),
    ),
    "xtb": Kind(
        "GFN1-xTB and GFN2-xTB of tblite, for molecules; no weights",
        XTB,
        batch_atoms=64,
        distributions=("tblite",),
        zeros="xTB",
        properties=("charges", "dipole"),
    ),
    "pyscf": Kind(
        "Hartree-Fock, PBE and PBE0 of pyscf, for molecules; no weights",
        QUANTUM,
        batch_atoms=1,  # one molecule after another: what fails costs no other its time
        distributions=("pyscf",),
        properties=("charges", "mbis_charges", "dipole", "esp"),
        extra="quantum",
    ),
    **{
        name: Kind(
            f"Orb: {text}",
            OMOL if name.endswith("omol") else MPTRJ,
            batch_atoms=128,
            downloads=True,
            distributions=("orb-models",),
            equivariant=False,
            zeros=_zeros_of_orb(name),
        )
        for name, text in ORB_FOUNDATION.items()
    },
    "lj": Kind("Lennard-Jones, for tests", None, 1024, distributions=("vesin",), zeros="LJ"),
    "emt": Kind(
        "effective medium theory of ASE, for tests", EMT, 256, distributions=("ase",), zeros="EMT"
    ),
}


@dataclass(frozen=True)
class Network:
    """One architecture of students.

    Attributes:
        settable: fields of ``students.<name>`` that change what a size stands for.
        parameters: how many each size has, for data of ten elements.
        farthest: largest ``cutoff_A``, Angstrom; None where only the field's own limit holds.
        compiles: whether torch.compile takes it, for inference.
    """

    settable: frozenset[str] = frozenset()
    parameters: Mapping[str, int] = field(default_factory=dict)
    farthest: float | None = None
    compiles: bool = False


#: by architecture; of one that is not here nothing can be changed
NETWORKS: dict[str, Network] = {
    "direct": Network(
        frozenset({"channels", "layers"}),  # its attention vanishes at 6 Angstrom, whatever else
        {"tiny": 80_209, "small": 405_139, "medium": 1_122_261},
        compiles=True,
    ),
    "direct_conservative": Network(
        frozenset({"channels", "layers"}),
        {"tiny": 77_800, "small": 396_234, "medium": 1_102_764},
        compiles=True,
    ),
    "mace": Network(
        frozenset({"channels", "layers", "cutoff_A"}),
        {"tiny": 5_096, "small": 18_112, "medium": 67_952},
    ),
    "painn": Network(
        frozenset({"channels", "layers", "cutoff_A"}),
        {"tiny": 2_145, "small": 28_521, "medium": 153_725},
        compiles=True,
    ),
    "nep": Network(
        frozenset({"channels", "cutoff_A"}),
        {"tiny": 3_700, "small": 21_000, "medium": 48_000},
        # beyond this, dense matter has more neighbours than the 819 that GPUMD takes; a file that
        # says fewer than there are would stop it in the middle of a run
        farthest=9.9,
        compiles=True,
    ),
    "painn_distributed": Network(
        frozenset({"channels", "layers", "cutoff_A", "charges_per_atom"}),
        {"tiny": 2_303, "small": 29_903, "medium": 158_531},
        compiles=True,
    ),
    "painn_cartesian": Network(
        frozenset({"channels", "layers", "cutoff_A", "charges_per_atom"}),
        {"tiny": 2_333, "small": 30_005, "medium": 158_729},
        compiles=True,
    ),
}

#: kinds that give descriptors of atoms with their answers
DESCRIBED = frozenset({"mace", "nep", "painn"})
