"""Students: small potentials to be trained, and on what."""

import os
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from shutil import which
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, SerializerFunctionWrapHandler, Tag, model_serializer

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection, Section
from limbeck.config.sections.known import NETWORKS, Network
from limbeck.config.sections.messages import shown
from limbeck.config.sections.sampling import Temperature

Architecture = Literal[
    "mace", "painn", "nep", "direct", "direct_conservative", "painn_distributed", "painn_cartesian"
]
#: they have charges, a dipole and an electrostatic potential
WITH_CHARGES = ("painn_distributed", "painn_cartesian")
Optimiser = Literal["adamw", "adam", "rmsprop", "muon"]
Loss = Literal["mixture", "mse", "huber", "l1"]
#: fields that ``hyperparameters: recommended`` fills in where they are not given
RECOMMENDED = ("epochs", "batch_size", "learning_rate")
#: fields that change what a size stands for, where an architecture can take them
SETTABLE = ("channels", "layers", "cutoff_A", "charges_per_atom")
#: fields that ``losses`` stands in the place of, or that are of errors which it has not
NOT_WITH_CHARGES = (
    *("loss", "huber_delta", "energy_weight", "late_energy_factor", "forces_weight"),
    *("hessian_weight", "hard_share", "spread_weight"),
)


class Losses(Section):
    """Weights of mean square errors in the loss of students with charges; 0 leaves one out. Where
    one is above 0, the labels need what it is of."""

    energy: t.NotNegative = 1.0
    """Weight of the mean square error of the energy of a frame, in 1/eV^2."""
    forces: t.NotNegative = 50.0
    """Weight of the mean square error of the components of the forces, in A^2/eV^2."""
    dipole: t.NotNegative = 25.0
    """Weight of the mean square error of the components of the dipole, in 1/(e A)^2."""
    esp: t.NotNegative = 1.0e4
    """Weight of the mean square error of the electrostatic potential at the points of the labels,
    in (e/Hartree)^2; 1 kcal/mol/e is 0.0016 Hartree/e."""
    monopole: t.NotNegative = 100.0
    """Weight of the mean square error of the charges of atoms, sums of their point charges, in
    1/e^2; MBIS charges where the labels have these, else their charges."""
    total_charge: t.NotNegative = 100.0
    """Weight of the mean square of what the charges of a frame are above its charge before that is
    taken off them all, in 1/e^2; what is left sums to the charge of the frame in any case."""


class StudentSettings(NamedSection):
    """A small potential to be trained."""

    architecture: Architecture
    """mace, painn and nep are equivariant and conservative, nep the fastest; direct predicts forces
    without either, and direct_conservative is the same network with forces that are gradients of
    its energy. painn_distributed is painn with point charges around its atoms, which make its
    charges, its dipole and its electrostatic potential; painn_cartesian is the same with places of
    these charges that do not turn with the molecule, a published design, for comparison."""
    size: Literal["tiny", "small", "medium"] = "small"
    """How large the network is; tiny for tests, medium the largest."""
    channels: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Width of the network, in place of that of its size."""
    layers: Annotated[int, Field(ge=1, le=64)] | None = None
    """Number of its message-passing layers, in place of that of its size."""
    cutoff_A: Annotated[float, Field(ge=1, le=20)] | None = None
    """Cut-off of each layer, in place of that of its size, Angstrom; that of direct and of
    direct_conservative is always 6, and that of nep at most 9.9, since GPUMD has no room for more
    neighbours."""
    charges_per_atom: Annotated[int, Field(ge=1, le=64)] | None = None
    """Number of point charges around each atom, in place of 3; painn_distributed and
    painn_cartesian alone have any."""
    zbl: bool = False
    """Add the ZBL repulsion of nuclei that are nearer than in any bond: all of it below 0.5 sums of
    their covalent radii, none above 0.8. Training then asks as well that no two elements attract
    each other below 0.7, where the data have nothing to say."""
    hyperparameters: Literal["recommended", "tuned", "given"] = "recommended"
    """Where epochs, batch_size and learning_rate come from where they do not stand here: a table by
    the size of the training set, the architecture and the optimiser (recommended); that table and
    a pilot over a few learning rates, judged on the validation frames (tuned); or the values below
    (given)."""
    epochs: t.Count = 100
    """Largest number of passes over the training frames, where steps is not given."""
    steps: t.Count | None = None
    """Number of steps of the optimiser, in place of epochs, so that sets of all sizes are trained
    alike; the student is then validated fifty times on the way, without patience."""
    patience: t.Count | None = None
    """Epochs without a better validation loss before the learning rate is let down to zero, within
    a third of the epochs so far, and training ends. Until then, and for three quarters of the
    epochs at most, the rate stays as it is. Not given, it falls as a cosine over all epochs."""
    batch_size: t.Count = 16
    """Frames in one step."""
    optimiser: Optimiser = "adamw"
    """What makes steps of gradients. muon moves matrices by orthogonal steps, and all other weights
    as adamw does, at the same rate."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001
    """Highest step size of the optimiser, no unit; it falls to zero as a cosine."""
    weight_decay: t.NotNegative = 1.0e-6
    """Weight decay of the optimiser, no unit."""
    average_decay: Annotated[float, Field(ge=0, lt=1)] = 0.995
    """What is kept is a moving average of the weights; each step leaves this share of it, or less
    where steps are so few that it would reach back beyond a fiftieth of them, no unit. 0 keeps the
    weights themselves."""
    gradient_clip: t.Positive = 10.0
    """Largest norm of the gradient of the loss, no unit."""
    loss: Loss = "mixture"
    """What an error costs: its square (mse), its length (l1), the one below huber_delta and the
    other above it (huber), or its square and 0.3 times its length (mixture)."""
    huber_delta: t.Positive = 1.0
    """Error from which on huber counts its length, in the units of the weights below."""
    energy_weight: t.NotNegative = 0.03
    """Weight in the loss of the error of the energy per atom, in units of its spread within the
    groups of the source in the training set."""
    late_energy_factor: t.Positive = 10.0
    """What energy_weight is multiplied by in the last quarter of the steps; forces come first,
    no unit."""
    forces_weight: t.NotNegative = 1.0
    """Weight in the loss of the error of the forces, in units of the root mean square of the force
    components of the source in the training set."""
    stress_weight: t.NotNegative = 0.1
    """Weight in the loss of the error of the stress, in units of the root mean square of the stress
    components of the training set."""
    hessian_weight: t.NotNegative = 0.0
    """Weight in the loss of the error of products of the Hessian with vectors, in units of the root
    mean square of their components of the source in the training set; the labels need
    hessian_vectors, and a step takes as much longer as there are displaced frames."""
    hard_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the loss of energies and forces that goes to the labels of warrant.reference, the
    rest to the teacher's, no unit; frames that have no label of the reference have the teacher's
    alone. Energies of the reference are brought to the teacher's zero for each element."""
    spread_weight: t.NotNegative = 0.0
    """How much less the force of an atom counts in the loss where the teacher's views disagree on
    it; its weight is 1 / (1 + spread_weight s^2), with the spread s in units of its root mean
    square over the source, no unit."""
    losses: Losses = Field(default_factory=Losses)
    """Weights in the loss of painn_distributed and painn_cartesian, in place of energy_weight and
    forces_weight; all errors are squared, and energies count alike from the first step to the last.
    """
    augment: bool = False
    """Turn every frame at random in every step; of use to a network that is not equivariant,
    as direct and direct_conservative."""
    log_to: t.Unique[Literal["tensorboard", "wandb"]] = Field(default=[])
    """Where the learning curve goes beside training.csv; these packages have to be installed.
    wandb keeps its files on this machine, unless WANDB_MODE says otherwise."""
    plot_every: t.Count | None = None
    """Draw the learning curve anew after so many epochs each, into {seed}-curves/training.png;
    never where not given."""

    inference: Literal["eager", "compile"] = "eager"
    """Whether the speed card also has the student as torch.compile makes it, with the time of the
    first calls and the steps after which that has come back. On a CPU, with a C++ compiler; not
    mace. A student at home is compiled with load_student(..., inference="compile")."""

    @property
    def chosen_by_user(self) -> set[str]:
        """Fields of :data:`RECOMMENDED` that no recommendation replaces."""
        by_default = self.hyperparameters == "given"
        return set(RECOMMENDED) if by_default else set(RECOMMENDED) & self.model_fields_set

    @model_serializer(mode="wrap")
    def _as_given(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what a recommendation is to fill in: read again, it is no field of the user."""
        left = set(RECOMMENDED) - self.chosen_by_user
        return {name: value for name, value in inner(self).items() if name not in left}

    @property
    def changed(self) -> dict[str, Any]:
        """What the network is built with in place of what its size stands for."""
        # those that are given: no field can be set to what "not given" is
        return {name: value for name in SETTABLE if (value := getattr(self, name))}

    def faults(self) -> Iterator[Fault]:
        network = NETWORKS.get(self.architecture, Network())
        settable = network.settable
        for name, value in self.changed.items():
            if name not in settable:
                others = ", ".join(n for n in SETTABLE if n in settable) or "its size alone"
                text = f"expected it not to be given: what {self.architecture} can take is {others}"
                yield name, f"{shown(value)}, {text}"
        if network.farthest and (self.cutoff_A or 0) > network.farthest:
            text = f"expected {network.farthest:g} at most for {self.architecture}"
            yield "cutoff_A", f"{shown(self.cutoff_A)}, {text}"
        if self.inference == "compile" and not network.compiles:
            others = ", ".join(name for name, n in NETWORKS.items() if n.compiles)
            text = f"expected eager for {self.architecture}: torch.compile takes {others} alone"
            yield "inference", f"'compile', {text}"
        yield from self._unused()
        yield from self._of_charges() if self.has_charges else self._without_charges()
        weights = (self.energy_weight, self.forces_weight, self.stress_weight, self.hessian_weight)
        if not any(weights):
            yield "forces_weight", "0, as all weights are; expected one above 0: nothing is learned"

    @property
    def has_charges(self) -> bool:
        """Whether it has charges, a dipole and an electrostatic potential."""
        return self.architecture in WITH_CHARGES

    def _of_charges(self) -> Iterator[Fault]:
        """What has no place in the loss of a student with charges."""
        for name in NOT_WITH_CHARGES:
            default, value = type(self).model_fields[name].default, getattr(self, name)
            if value != default:
                text = f"expected it not to be given for {self.architecture}, which has losses"
                yield name, f"{shown(value)}, {text}"
        if not any(self.losses.model_dump().values()):
            yield "losses", "all 0, expected one above 0: nothing is learned"

    def _without_charges(self) -> Iterator[Fault]:
        if self.losses != Losses():
            text = f"expected none for {self.architecture}: it has no charges"
            yield "losses", f"{shown(self.losses.model_dump())}, {text}"

    def _unused(self) -> Iterator[Fault]:
        """What stands there and would change nothing."""
        default = type(self).model_fields["huber_delta"].default
        if self.loss != "huber" and self.huber_delta != default:
            yield "huber_delta", f"{self.huber_delta:g}, expected none with loss {self.loss}"
        if self.steps and self.patience:
            yield "patience", f"{self.patience}, expected none with steps, which are all taken"
        if self.hard_share and not (self.energy_weight or self.forces_weight):
            text = "expected 0 where energies and forces have no weight: it is a share of these"
            yield "hard_share", f"{self.hard_share:g}, {text}"
        given = "epochs" in self.chosen_by_user and not self.steps
        if given and (self.plot_every or 0) > self.epochs:
            text = f"expected at most epochs, {self.epochs}, or nothing is drawn"
            yield "plot_every", f"{self.plot_every}, {text}"
        if self.hyperparameters == "tuned" and "learning_rate" in self.chosen_by_user:
            rate = f"{self.learning_rate:g}, expected none with hyperparameters tuned"
            yield "learning_rate", f"{rate}, which look for it"


def not_installed(packages: Iterable[str]) -> list[str]:
    """A line for each package of ``log_to`` that is not there."""
    return [
        f"{name} is not installed, expected it (pip install {name})"
        for name in packages
        if find_spec(name) is None
    ]


def compiler() -> str | None:
    """The path of the C++ compiler that torch.compile would call; None where there is none."""
    return which(os.environ.get("CXX", "g++"))


#: what is said where there is none
NO_COMPILER = "no C++ compiler, expected g++ on the path, or one named by CXX"


class Rounds(Section):
    """Frames of a student's own dynamics, chosen, labelled and learned from, round by round."""

    count: t.AtLeastTwo = 2
    """Number of rounds; the first is that of the label set itself, and each one after it has frames
    from the dynamics of the students of the one before."""
    n_frames: t.Count = 50
    """Frames that each round adds to the training set."""
    choose: Literal["committee", "descriptors", "views"] = "committee"
    """Which frames of the dynamics are labelled; those on whose forces the seeds disagree most
    (committee, two seeds or more), those with the atom that is farthest from the training set
    (descriptors), or those on which the teacher disagrees with itself over two views (views, which
    costs calls of the teacher for four times n_frames)."""
    compare_with_random: bool = True
    """Also train on as many frames of the same dynamics, drawn at random: at as many calls of the
    teacher, with choose: views on more frames."""
    sampling: Annotated[str, t.Names(("sampling",))] | None = None
    """Name of the molecular dynamics whose settings the students' dynamics has, but for its
    potential, its preparation of structures and its equilibration; the first of select.include
    where not given."""
    temperature_K: Temperature | None = None
    """In place of that of the sampling, in K."""
    time_total_fs: t.Positive | None = None
    """In place of that of the sampling, in fs; frames are taken from the beginning on."""
    sampling_interval_fs: t.Positive | None = None
    """In place of that of the sampling, in fs."""
    n_starts: t.Count = 20
    """Training structures that the dynamics of each round start from, one frame of each; as many as
    there are where these are fewer. The seeds of a student share them."""
    n_test_starts: t.Whole = 10
    """Structures of test_known that the dynamics of all rounds start from beside them; they tell
    how far each student gets, and nothing of them is trained on. 0 for none."""
    n_test_frames: t.Whole = 20
    """Frames of these, drawn at random and labelled, that each student is tested on."""
    max_force_eV_per_A: t.Positive = 50.0
    """A frame is set aside where a component of the mean force of the students is larger, in
    eV/Angstrom."""

    def faults(self) -> Iterator[Fault]:
        """Frames to be tested on that no dynamics makes."""
        if self.n_test_frames and not self.n_test_starts:
            text = "expected 0 with n_test_starts: 0, which makes no such frame"
            yield "n_test_frames", f"{self.n_test_frames}, {text}"


def _number_or_rounds(value: Any) -> str:
    return "rounds" if isinstance(value, dict | Rounds) else "number"


class Distill(Section):
    """Which students learn from a label set."""

    labels: t.ToLabelSet
    """Name of the label set that is learned from."""
    students: t.Some[Annotated[str, t.Names(("students",))]]
    """Names of the students to train."""
    seeds: t.Some[t.Whole] = Field(default=[1])
    """One student is trained for each of these random seeds."""
    rounds: Annotated[
        Annotated[t.Count, t.ToldAs("a whole number of 1 or more"), Tag("number")]
        | Annotated[Rounds, Tag("rounds")],
        Discriminator(_number_or_rounds),
    ] = 1
    """Number of rounds of training; 2 for one more on frames of the students' own dynamics, which
    the report compares with the first. A mapping has what is said of rounds."""

    @property
    def asked_rounds(self) -> Rounds | None:
        """What is asked of rounds; None where there is one alone."""
        if isinstance(self.rounds, Rounds):
            return self.rounds
        return Rounds(count=self.rounds) if self.rounds > 1 else None
