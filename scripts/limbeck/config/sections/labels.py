"""Which frames are labelled, how, and when their labels are good enough."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection, Section
from limbeck.config.sections.known import KINDS
from limbeck.config.sections.messages import shown


class Score(Section):
    """Frames in an order by what a potential says of them."""

    potential: t.ToPotential
    """Name of the potential, as a rule the teacher."""
    views: t.AtLeastTwo = 3
    """Random rotations of every frame there is to select from, each a call of the potential."""
    prefer: Literal["low", "high"] = "low"
    """low takes the frames first on which the potential agrees with itself, high those on which it
    does not."""


class Diversity(Section):
    """Frames that are least alike."""

    by: Literal["farthest_point", "kmeans"]
    """farthest_point takes in turn the frame that is farthest from all taken before, and so the
    outermost ones; kmeans the frame in the middle of each of as many clusters, and so more of those
    where there are many."""


class Choice(Section):
    """How frames are chosen among all of the run, whatever slice they are of."""

    by: Literal["random", "farthest", "direct"]
    """random takes each frame with the same chance; farthest takes in turn the frame that is
    farthest from all taken before, and so the outermost ones; direct takes the middle of each of
    as many clusters (DIRECT sampling)."""
    descriptors: Literal["distances", "kept"] = "distances"
    """What frames are compared by; sorted distances to neighbours, which need no model, or kept for
    the descriptors of a potential, which every sampling of include has to keep."""
    per_cluster: t.Count = 1
    """Of direct; frames of each cluster, of which there are as many fewer."""
    keep_source_shares: bool = False
    """Whether each source has the share of the chosen frames that it has of all."""

    def faults(self) -> Iterator[Fault]:
        """What only clusters have."""
        if self.per_cluster > 1 and self.by != "direct":
            yield "per_cluster", f"{self.per_cluster} with by: {self.by}, expected by: direct"


class Batch(Section):
    """A part of the run that can be asked for by itself."""

    structures: dict[t.Name, t.Count] = Field(min_length=1)
    """Number of structures of each source that is in it; a multiple of those of one shard."""
    slices: t.Count = 1
    """Slices of this batch, among those of select.slices."""


#: to be labelled; a run of more would be cut into several
MOST_FRAMES = 10_000_000


class Select(Section):
    """Which frames are labelled."""

    include: t.Some[Annotated[str, t.Names(("generated", "sampling", "subsystems"))]] = Field(
        default=["generated"]
    )
    """Names of samplings and subsystems, and "generated" for the structures as the sources made
    them."""
    count: t.Count = 1000
    """Largest number of frames to label, split evenly over the slices."""
    slices: t.Count = 1
    """Number of slices the work is cut into from here on; shard i of every source belongs to slice
    i modulo this number, where there are no batches."""
    score: Score | None = None
    """How the frames of one root are put in order before the first of them are taken; by chance
    where not given, else by how far the forces of a potential depend on the frame's orientation."""
    diversity: Diversity | None = None
    """Take the frames of a sampling of a source that are least alike, by their descriptors; every
    sampling of include has to keep them. By chance, or by score, where not given."""
    choice: Choice | None = None
    """Choose count frames among all of the run at once. Where not given, each slice takes its part
    of count, in turn from every source, sampling and root."""

    batches: Annotated[list[Batch], Field(min_length=1)] | None = None
    """Parts that are made, labelled and judged one by one, as the targets batch_1, batch_2 and so
    on; each source gives them its shards in their order, until none is left. Where not given, shard
    i of every source belongs to slice i modulo slices."""

    def faults(self) -> Iterator[Fault]:
        """Too few frames for the slices, far too many, two ways to order them, or slices that are
        not those of the batches."""
        if self.batches and (both := sum(b.slices for b in self.batches)) != self.slices:
            yield "slices", f"{self.slices}, expected {both}, the sum over select.batches"
        if self.count > MOST_FRAMES:
            yield "count", f"{self.count}, expected at most {MOST_FRAMES}"
        if self.count < self.slices:
            slices = f"each of the {self.slices} slices of select.slices"
            yield "count", f"{self.count}, expected at least one frame for {slices}"
        if self.diversity and self.score:
            yield "diversity", "given beside select.score, expected one of the two"
        for field in ("score", "diversity"):
            if self.choice and getattr(self, field):
                yield "choice", f"given beside select.{field}, expected one of the two"


class Auto(Section):
    """How "auto" decides on the views."""

    n_frames: t.Count = 8
    """Frames of each source on which the rotation gap is measured beforehand."""
    views: t.AtLeastTwo = 12
    """Random rotations to average over where frames are scarce and the gap is not negligible."""
    scarce: Literal["calls", "frames"] = "calls"
    """What there is least of; calls where more frames can be made for less than the potential costs
    (each is then labelled in one random view), frames where there are no others to label."""
    student_error_meV_per_A: t.Positive = 20.0
    """Force error in meV/Angstrom that the student can hope to reach."""
    negligible_fraction: t.Positive = 1.0
    """A gap of the forces below this fraction of student_error_meV_per_A, no unit, is not averaged
    away even where frames are scarce; little of a label's noise passes into a student."""


class AnyLabelSet(NamedSection):
    """What all label sets have."""

    n_frames: t.Count | None = None
    """Label only so many of the selected frames, the first by a hash of their ids and of draw; all
    where not given. Those of a smaller number are among those of a larger of the same draw."""
    draw: t.Whole = 0
    """Which of the selected frames are the first n_frames; another number takes others, so that it
    can be seen how much an error owes to the frames that happened to be labelled."""
    max_force_eV_per_A: t.Positive | None = None
    """Largest component of a force, in eV/Angstrom; a frame with a larger one is not used. Where
    not given, the limit follows the source; too much is more than 30 that is also 20 robust
    standard deviations above the median of the largest components of its frames."""


#: what a label set can ask for beside energy and forces
OnRequest = Literal["charges", "mbis_charges", "dipole", "esp"]


class Points(Section):
    """Points around molecules where electrostatic potentials are asked for."""

    shells: list[Annotated[float, Field(ge=1.0, le=10)]] = Field(
        default=[1.4, 1.6, 1.8, 2.0], min_length=1
    )
    """Distances from the atoms in units of their van der Waals radii (Bondi); those of Merz and
    Kollman."""
    density_per_A2: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Points on a square Angstrom of each shell."""


class LabelSet(AnyLabelSet):
    """A choice of potential and views."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: Literal["potential"] = Field(default="potential", alias="from")
    """Who labels; a potential of the config, or the file that a frame was read from, which then has
    energies and forces of your own, such as those of a DFT program. Frames that were made from
    those of the file have none."""
    potential: t.ToPotential
    """Name of the potential that labels, the teacher."""
    views: Annotated[
        Literal["as_given", "auto"] | t.Count | None,
        t.ToldAs("as_given, auto, or a whole number of 1 or more"),
    ] = None
    """as_given labels each frame as it is given; a number labels it with the average over that many
    random rotations; auto measures on a few frames whether averaging is worth it. Where neither
    views nor quadrature is given, 1 for potentials that are not equivariant by construction (the
    price of as_given, and never worse: errors of one orientation do not pile up), as_given for the
    others."""
    quadrature: Literal["tetrahedral", "octahedral", "icosahedral", "product"] | None = None
    """A grid of rotations in place of views, which fixes their number; tetrahedral 12, octahedral
    24, icosahedral 60, product as its order says. It is turned at random for each frame."""
    quadrature_order: Literal[3, 5, 7, 9, 11] | None = None
    """Of quadrature product alone; the angular momentum up to which its mean is exact, with 24, 84,
    208, 380 or 600 rotations."""
    reflections: bool = False
    """Average over mirror images as well; random views are mirrored with probability 1/2, a grid
    has twice as many views."""
    auto: Auto = Auto()
    """How "auto" decides on the views."""
    properties: t.Unique[OnRequest] = Field(default=[])
    """What is labelled beside energy and forces, where the potential has it on request, as pyscf;
    charges are Mulliken's, mbis_charges those of minimal-basis iterative stockholders, dipole is
    about the centre of nuclear charge, esp the electrostatic potential at the points of esp_points.
    xtb has charges and dipole with every label."""
    esp_points: Points = Points()
    """Where esp is asked for."""
    hessian_vectors: Annotated[int, Field(ge=0, le=100)] = 0
    """Random directions of each frame along which the products of its Hessian are labelled, too, by
    central differences of forces in the same views; each takes two more calls a view."""
    hessian_step_A: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    """How far atoms are moved for these differences, root mean square over a frame, Angstrom."""

    @property
    def labelled_by(self) -> str:
        """Who labels, for people."""
        return self.potential

    @property
    def has_spread(self) -> bool:
        """Whether each label is surely a mean over several views, so that it has a spread."""
        return self.quadrature is not None or (isinstance(self.views, int) and self.views > 1)

    @property
    def calls_of_a_view(self) -> int:
        """Calls of the potential for one view of one frame: of it, and of those displaced."""
        return 1 + 2 * self.hessian_vectors

    def faults(self) -> Iterator[Fault]:
        """Views that say two things, or half of one."""
        grid, order, views = self.quadrature, self.quadrature_order, self.views
        if grid and views is not None:
            text = f"expected none beside quadrature: {grid}, which fixes their number"
            yield "views", f"{shown(views)}, {text}"
        if (grid == "product") != (order is not None):
            text = "expected a number with product, and with it alone"
            yield "quadrature_order", f"{shown(order)} with quadrature: {shown(grid)}, {text}"
        if self.reflections and views == "as_given":
            yield "reflections", "True, expected views or a grid that can be mirrored"
        default = type(self).model_fields["hessian_step_A"].default
        if self.esp_points != Points() and "esp" not in self.properties:
            yield "esp_points", "given, expected none without esp among properties"
        if not self.hessian_vectors and self.hessian_step_A != default:
            yield (
                "hessian_step_A",
                f"{self.hessian_step_A:g}, expected none without hessian_vectors",
            )


def default_views(label_set: dict[str, Any], potential: Mapping[str, Any]) -> dict[str, Any]:
    """A label set as it stands in the config, with its kind and views where it names none.

    Args:
        potential: as it stands in the config; empty where there is none of that name.
    """
    label_set = {"from": "potential", **label_set}
    told = label_set.get("views") is not None or label_set.get("quadrature") is not None
    if told or label_set["from"] != "potential":
        return label_set
    known = KINDS.get(str(potential.get("model")))
    equivariant = known and known.equivariant and not potential.get("lab_frame_error")
    return {**label_set, "views": "as_given" if equivariant else 1}


#: what the gate can ask
Criteria = Literal[
    "good_label_fraction",
    "element_entropy",
    "coverage",
    "one_size",
    "one_composition",
    "one_space_group",
    "one_root",
    "seconds_per_structure",
    "bond_shift",
    "extreme_energy",
    "strongest_force",
    "balance",
    "mean_atoms",
    "size_variation",
]
_Share = Annotated[float, Field(ge=0, le=1)]


class Gate(Section):
    """When the labels are good enough to go on. What is null is not asked."""

    min_good_fraction: _Share = 0.95
    """Smallest fraction of frames with a good label, no unit; below it the run stops."""
    elements: t.Some[t.Element] | None = None
    """Elements that the plan asks for, what coverage and the largest entropy are of."""
    min_entropy_fraction: _Share | None = None
    """Smallest Shannon entropy of the elements, over the largest that so many elements allow, no
    unit; an element counts once for each structure that holds it."""
    min_coverage: _Share | None = None
    """Smallest share of elements that is in any structure, no unit."""
    max_one_size: _Share | None = None
    """Largest share of a source's frames with one number of atoms, no unit."""
    max_one_composition: _Share | None = None
    """Largest share of a source's frames with one composition, no unit."""
    max_one_space_group: _Share | None = None
    """Largest share of a source's crystals, as they were made, with one space group, no unit; not
    asked of sources with strain, which leaves no symmetry."""
    max_one_root: _Share | None = None
    """Largest share of a source's frames that descend from one structure, no unit."""
    max_seconds_per_structure: t.Positive | None = None
    """Longest time in seconds that a source may take for a structure, by the clock of its jobs, and
    the labels for a frame."""
    reference: t.ToSource | None = None
    """Source whose bond lengths those of the other sources are compared with."""
    max_bond_shift_A: t.Positive | None = None
    """Largest distance of the bond lengths of a pair of elements from those of reference, in
    Angstrom; Wasserstein's, of pairs whose noise level is below it."""
    max_energy_eV_per_atom: t.Positive | None = None
    """Largest distance of a good label's energy from the median of its source, in eV/atom, after
    what the elements account for."""
    max_force_eV_per_A: t.Positive | None = None
    """Largest component of a force among good labels, in eV/Angstrom."""
    proportions: dict[t.Name, t.Positive] | None = None
    """Share of each source in the set that the plan asks for, in any unit; their count where not
    given."""
    min_balance: _Share | None = None
    """Smallest share of the whole set, no unit, that need not be replaced for it to have those
    proportions."""
    min_mean_atoms: t.Positive | None = None
    """Smallest mean number of atoms of the whole set."""
    max_mean_atoms: t.Positive | None = None
    """Largest mean number of atoms of the whole set."""
    min_size_variation: t.NotNegative | None = None
    """Smallest coefficient of variation of the number of atoms of the whole set, no unit."""
    advice: t.Unique[Criteria] = Field(default=["mean_atoms", "size_variation"])
    """Criteria that are told and stop nothing."""
    n_environments: Annotated[int, Field(ge=0, le=20_000)] = 0
    """Local environments whose information entropy is measured; its cost grows with their
    square. 0 for none."""
    pilot: t.Count | None = None
    """Frames that are made, labelled and judged before any others; as many whole slices as have so
    many. All slices at once where not given."""
    on_no_go: Literal["stop", "continue"] = "stop"
    """stop ends the run at the gate; continue goes on, and the report says so."""
    fallback: t.UserPath | None = None
    """Config that is ready to go on with where this one does not pass; told by the message."""

    def faults(self) -> Iterator[Fault]:
        """Criteria that lack what they are measured by."""
        for field in ("min_entropy_fraction", "min_coverage"):
            if getattr(self, field) is not None and self.elements is None:
                yield "elements", f"not given, expected the elements that {field} is of"
        if self.max_bond_shift_A is not None and self.reference is None:
            yield "reference", "not given, expected the source that max_bond_shift_A is from"
        low, high = self.min_mean_atoms, self.max_mean_atoms
        if low is not None and high is not None and low > high:
            yield "min_mean_atoms", f"{low:g}, expected at most max_mean_atoms, {high:g}"
