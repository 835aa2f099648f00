"""Why something was refused, failed, cut or left out: one vocabulary for tables and the report.

A reason is a short sentence that stands in summaries, in counts and on the page as it is. One with
a number in it (``f"not relaxed in {steps} steps"``) is put together where the number is known. What
a label's status is, is kept as a code as well, since labels are arrays.
"""

from enum import IntEnum

# What a potential cannot do.
UNKNOWN_ELEMENT = "element unknown to the potential"
FAILED = "the potential failed on the frame"
NOT_CONVERGED = "the potential's own iteration did not converge"
NOT_FINITE = "energy or forces not finite"
NO_GOOD_ANSWER = "the model failed, or its answer is not finite"

# Structures that are not made, or refused.
UNREADABLE = "frame is not readable"
UNREADABLE_FILE = "file is not readable"
EMPTY = "frame has no atoms"
NO_PERIOD = "periodic along a direction without a lattice vector"
ELECTRONS = "charge or spin does not fit"
SINGLE_ATOM = "a single atom in vacuum: for the energy of its element alone"
PARTLY_OCCUPIED = "a site is partly occupied"
BAD_SMILES = "SMILES does not parse"
NO_CONFORMER = "no conformer found by ETKDGv3"
NO_FORCE_FIELD = "neither MMFF94 nor UFF has parameters"
OUTSIDE = "outside of the elements, sizes or charges that the source is to have"
NO_MORE = "no more molecules can be put together: how many there are"
FOLDED = "atoms that are not bonded as near as bonded: distance over sum of covalent radii"
FLY_APART = "fragments fly apart: A to the nearest other"
NO_RADIUS = "no radius to predict a volume from"
GROUP_CANNOT_HOLD = "the space group has no sites for the composition"
GAVE_UP = "PyXtal found no crystal without short distances: attempts"
NO_COMPOSITION = "no composition of so many atoms, neutral where asked, of those that were drawn"
MOLECULE_CHARGED = "a charged or open-shell molecule: its crystal is not neutral"
NO_CELL_OF_SIZE = "no supercell has so many atoms"
TOO_FEW_SITES = "fewer atoms of the elements than are to be changed"
REPEATED = "repeats a structure of smaller number"
REPEATED_CONFORMER = "repeats a conformer of smaller number: RMSD in A"
NOT_ALLOWED = "an element that the source does not allow"
OTHER_SIZE = "number of atoms that the source does not allow"
CUT_OFF = "other atoms than its own formula has: half-written?"
NO_HYDROGENS = "no place found for the hydrogens that it lacks"
NO_FIT = "does not fit into its box: smallest distance over the one asked for"
NO_SLAB = "no such slab of the crystal"
NOT_A_CRYSTAL = "not periodic in three directions: surfaces are of crystals"
NO_SITES = "the slab has no site of this kind"
NO_COVERAGE = "coverage of less than one molecule on the slab: atoms of its surface"
NO_ROOM = "no other site of the kind far enough: A to the nearest molecule"
NO_SURFACE = "slab without a surface: A of vacuum between it and its image"
TOO_FEW_ATOMS = "too few atoms"
NO_ATOMS = "no atoms"
TOO_MANY_ATOMS = "too many atoms"
NO_ELEMENT = "atomic number out of range"
BAD_NUMBERS = "numbers that are not finite"
TOO_FAR_OUT = "coordinate too large, A"
FLAT_CELL = "degenerate cell: smallest height in A"
TOO_THIN = "density too low, g/cm3"
TOO_DENSE = "density too high, g/cm3"
TOO_CLOSE = "atoms too close: distance over sum of covalent radii"
CONTACT_TOO_CLOSE = "molecules too close: distance over sum of van der Waals radii"
FELL_APART = "molecule fell apart: fragments by bonds"
STANDS_ALONE = "an atom that stands alone: A to its nearest neighbour"
CROWDED = "an atom with more bonds than its element has: neighbours as near as bonded"
DUPLICATE = "duplicate of an earlier frame"
SAME_STRUCTURE = "the same structure as an earlier one: distances differ by, A"

# Structures that cannot be prepared or sampled.
CHARGED = "charged or open-shell cell: its supercell is not defined"
ISOLATED = "isolated: phonons are of crystals"
WITH_VACUUM = "slab or wire: neither pressure nor phonons across vacuum"
NO_CELL = "isolated: no pressure without a cell"
LONE_ATOM = "one atom: nothing to sample"
NO_FORCE_CONSTANTS = "no force constants"
NO_SYMMETRY = "no symmetry but the identity"

# Relaxations and trajectories that are cut.
RUNAWAY = "cell runs away in relaxation"
TOO_NEAR = "two atoms too near"
TOO_FAST = "an atom would move too far in one step"
TOO_HOT = "temperature"
TOO_HIGH = "energy rise"
BOND_BROKEN = "a bond broke"
CELL_CHANGED = "the cell sheared, collapsed or grew"
CELL_TOO_FAST = "the cell would be strained too far in one step"
NO_FORCE = "no force to follow"  # all atoms are beyond the cut-off of each other
NOT_REACHED = "energy target not reached"

# Frames of students' dynamics that are not labelled.
STRONG_FORCE = "a force of the students beyond max_force_eV_per_A"

# Trajectories whose temperature is in doubt.
NOT_EQUILIBRATED = "not equilibrated for ten thermostat times"
OFF_TARGET = "the mean temperature is not the one asked for"
OFF_TARGET_TOGETHER = "the mean temperature of all of the shard is not the one asked for"

# Frames that have no product of a Hessian with a vector.
NOT_SMOOTH = "forces are not smooth along the step"
ONLY_TRANSLATIONS = "one atom: its Hessian says nothing"

# Frames that a measurement leaves out.
UNSUITED = "the symmetry has nothing to act on"
NO_REFERENCE = "no good label of the reference"


class Refused(Exception):
    """One structure cannot be made: its reason, what was found, what was allowed."""

    def __init__(self, reason: str, value: float | str = "", limit: float | str = "") -> None:
        super().__init__(reason)
        self.reason, self.value, self.limit = reason, value, limit


class Status(IntEnum):
    """Codes of :attr:`limbeck.labels.Labels.status`, beside those of
    :func:`limbeck.labels.status_of`.

    They stand in files: none is ever given another meaning.
    """

    GOOD = 0
    NOT_FINITE = 1  # of predictions, and of labels made before a status named the property
    TOO_STRONG = 2
    UNKNOWN_ELEMENT = 3
    FAILED = 4
    TOO_LARGE = 5
    NOT_ASKED = 6
    TRAINED_ON = 7
    NOT_IN_FILE = 8
    NOT_CONVERGED = 9


#: what a code means; also written into the attributes of every label file
STATUS: dict[int, str] = {
    Status.GOOD: "good",
    Status.NOT_FINITE: "not finite",
    Status.TOO_STRONG: "force beyond the limit",
    Status.UNKNOWN_ELEMENT: UNKNOWN_ELEMENT,
    Status.FAILED: FAILED,
    Status.TOO_LARGE: "too large for the device",
    Status.NOT_ASKED: "not asked for",
    Status.TRAINED_ON: "the potential was trained on it",
    Status.NOT_IN_FILE: "no label in the file",
    Status.NOT_CONVERGED: NOT_CONVERGED,
}
#: of frames that no answer was wanted for, or can be had: nothing is wrong with them
NOT_WANTED = (Status.NOT_ASKED, Status.TRAINED_ON, Status.NOT_IN_FILE)


class Fault(IntEnum):
    """What may be wrong with a property in a label; ``limbeck.labels.status_of`` has its codes."""

    NOT_FINITE = 0
    IMPOSSIBLE = 1
    OUTLIER = 2


#: what a fault of a property means, after its name
FAULTS: dict[Fault, str] = {
    Fault.NOT_FINITE: "not finite",
    Fault.IMPOSSIBLE: "larger than physics allows",
    Fault.OUTLIER: "far from all others of its source",
}
#: code of the first fault of the first property; below are those of :class:`Status`
FIRST_FAULT = 16
