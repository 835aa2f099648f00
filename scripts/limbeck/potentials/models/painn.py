"""PaiNN, and what networks of graph-pes have in common: their weights are its own modules.

Schütt, Unke and Gastegger, "Equivariant message passing for the prediction of tensorial properties
and molecular spectra", ICML 2021, arXiv:2102.03150.
"""

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from ase.data import chemical_symbols
from pydantic import Field

from limbeck.config.sections.base import Section
from limbeck.potentials.models.edges import EdgeBatch, EdgePotential, voigt
from limbeck.potentials.trainable import Outputs, Statistics, about_new, predictions
from limbeck.properties import Predictions

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of torch, which deprecates how it compiles functions
    from graph_pes import AtomicGraph, GraphPESModel
    from graph_pes.models import AdditionModel, FixedOffset, PaiNN
    from graph_pes.models.painn import Interaction, Update
    from graph_pes.utils.nn import PerElementParameter

MODEL_FILE = "model.pt"  # what graph-pes itself reads: its command line, ASE, torch-sim, LAMMPS


class Answers(NamedTuple):
    """What a network makes of N atoms.

    Attributes:
        energies: [N], without offsets, eV.
        scalars: features [N,F]; None where that is not known.
        vectors: features [N,3,F] that turn with the frame; None where they are not asked for.
    """

    energies: torch.Tensor
    scalars: torch.Tensor | None = None
    vectors: torch.Tensor | None = None


class Weights(torch.nn.Module):
    """A model of graph-pes whose state is tensors alone: its own has a version beside them."""

    def __init__(self, model: AdditionModel) -> None:
        super().__init__()
        self.model = model

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        found = super().state_dict(*args, **kwargs)
        return {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        own = super().state_dict()
        versions = {n: value for n, value in own.items() if not isinstance(value, torch.Tensor)}
        return super().load_state_dict({**state_dict, **versions}, strict, assign)


class GraphPesPotential(EdgePotential):
    """A network of graph-pes; forces and stress are gradients of its energy.

    A subclass names its class in :meth:`network`, and the sizes that it is built with. What it
    answers is the sum of two models of graph-pes: ``offset``, an energy for each element that
    stays as it is, and ``many_body``.
    """

    has_atom_energies: ClassVar[bool] = True
    settable: ClassVar[Mapping[str, str]] = {
        "channels": "channels",
        "layers": "layers",
        "cutoff_A": "cutoff",
    }
    #: what each size is built with
    of_size: ClassVar[Mapping[str, Mapping[str, Any]]]
    citation: ClassVar[str]
    module: Weights

    def __init__(
        self, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> None:
        self.sizes = sizes
        zeros = dict.fromkeys((chemical_symbols[z] for z in elements), 0.0)
        model = AdditionModel(offset=FixedOffset(**zeros), many_body=self.network(sizes))
        self.module = Weights(model).to(device)
        self.device, self.batch_atoms = torch.device(device), 512
        self.dtype = torch.float32
        self.about = about_new(
            self.architecture,
            elements,
            name=name,
            cutoff=sizes["cutoff"],
            citation=f"{self.citation}, in graph-pes",
        )
        self._species = {z: z for z in elements}  # graph-pes has tables of all elements
        for table in self._tables():
            table.register_elements(elements)
        # As the offsets, not trained: an optimiser takes steps of one length, whatever the unit of
        # a weight, and this one has that of the energy.
        self.many_body.scaler.per_element_scaling.requires_grad_(False)

    @staticmethod
    @abstractmethod
    def network(sizes: Mapping[str, Any]) -> GraphPESModel:
        """A new network with random weights; it has a ``scaler``, as all of graph-pes do."""

    @classmethod
    def build(
        cls, size: str, statistics: Statistics, *, name: str, device: str, **changed: Any
    ) -> "GraphPesPotential":
        sizes = {**cls.of_size[size], **cls.changes(changed)}
        student = cls(sizes, statistics.elements, name=name, device=device)
        offsets = statistics.reference_energies + statistics.energy_mean
        with torch.no_grad():
            student.offsets[statistics.elements, 0] = torch.as_tensor(offsets).to(student.offsets)
            student.many_body.scaler.per_element_scaling.fill_(statistics.forces_rms)
        return student

    @classmethod
    def _empty(
        cls, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> "GraphPesPotential":
        return cls(sizes, elements, name=name, device=device)

    @property
    def many_body(self) -> GraphPESModel:
        """The network without the offsets of elements."""
        return self.module.model["many_body"]

    @property
    def offsets(self) -> torch.Tensor:
        """Energy of an atom of each atomic number, [Z,1], eV."""
        return self.module.model["offset"]._offsets

    def _tables(self) -> list[PerElementParameter]:
        """Weights with a row for every element there is."""
        return [p for p in self.module.parameters() if isinstance(p, PerElementParameter)]

    @property
    def parameters(self) -> int:
        """Without those of elements that it does not know."""
        tables = [p for p in self._tables() if p.requires_grad]
        others = sum(p[0].numel() * (len(p) - len(self._species)) for p in tables)
        return super().parameters - others

    def many_body_energies(self, batch: EdgeBatch, vectors: torch.Tensor) -> Answers:
        """Energies of atoms without offsets, and features where the network's are known.

        Args:
            vectors: [E,3] from receivers to senders, Angstrom; gradients flow to them.
        """
        sender, receiver = batch.edges
        count = len(batch.pointers) - 1
        graph = AtomicGraph(
            Z=batch.species,
            # Vectors of a graph are R_j - R_i + offsets @ cell: so they are those that are given,
            # and one gradient by them has forces and stress.
            R=torch.zeros_like(batch.positions),
            cell=torch.eye(3, dtype=self.dtype, device=self.device).expand(count, 3, 3),
            neighbour_list=torch.stack([receiver, sender]),
            neighbour_cell_offsets=vectors,
            properties={},
            cutoff=self.about.cutoff,
            other={},
            batch=batch.frame_of_atom,
            ptr=batch.pointers,
        )
        return Answers(self.many_body(graph)["local_energies"].reshape(len(batch.species)))

    def further(self, batch: EdgeBatch, answers: Answers) -> dict[str, Any]:
        """What a subclass reads off the features for :class:`Outputs`; here nothing."""
        return {}

    def outputs(self, batch: EdgeBatch, *, training: bool, stress: bool) -> Outputs:
        vectors = -batch.vectors.detach()  # from receiver to sender, as graph-pes has them
        vectors.requires_grad_()
        found = self.many_body_energies(batch, vectors)
        by_atom = found.energies + self.offsets[batch.species].squeeze(1)
        count, atoms = len(batch.pointers) - 1, len(batch.species)
        energy = by_atom.new_zeros(count).index_add(0, batch.frame_of_atom, by_atom)
        (slope,) = torch.autograd.grad(
            energy.sum(), vectors, create_graph=training, materialize_grads=True
        )
        sender, receiver = batch.edges
        forces = slope.new_zeros(atoms, 3).index_add(0, receiver, slope)
        forces = forces.index_add(0, sender, slope, alpha=-1)
        more = self.further(batch, found)
        known: dict[str, Any] = {"features": found.scalars, "atom_energies": by_atom}
        if not stress:
            return Outputs(energy, forces, **known, **more)
        products = vectors.detach().unsqueeze(2) * slope.unsqueeze(1)
        frame = batch.frame_of_atom[receiver]
        virial = slope.new_zeros(count, 3, 3).index_add(0, frame, products)
        volume = torch.linalg.det(batch.cell).abs().view(-1, 1, 1)
        return Outputs(energy, forces, voigt(virial / volume), **known, **more)

    def save(self, folder: Path) -> None:
        super().save(folder)
        if self.zbl:  # of which the network alone knows nothing: it would be another potential
            return
        # A pickle, as all models of graph-pes; Limbeck itself reads the safetensors beside it.
        torch.save(self.module.model, folder / MODEL_FILE)


class PainnSizes(Section):
    """What a PaiNN is built with, as ``model.json`` has it; Angstrom."""

    channels: Annotated[int, Field(ge=1, le=4096)]
    layers: Annotated[int, Field(ge=1, le=64)]
    cutoff: Annotated[float, Field(gt=0, le=50)]
    radial_features: Annotated[int, Field(ge=1, le=1024)]


class PainnPotential(GraphPesPotential):
    """An equivariant PaiNN; forces and stress are gradients of its energy."""

    architecture: ClassVar[str] = "painn"
    has_descriptors: ClassVar[bool] = True
    #: whether somebody reads the vectors of the last layer
    needs_vectors: ClassVar[bool] = False
    of_size: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {"channels": 8, "layers": 2, "cutoff": 4.0, "radial_features": 8},
        "small": {"channels": 32, "layers": 2, "cutoff": 5.0, "radial_features": 20},
        "medium": {"channels": 64, "layers": 3, "cutoff": 5.0, "radial_features": 20},
    }
    section: ClassVar[type[Section]] = PainnSizes
    citation: ClassVar[str] = "Schütt et al., arXiv:2102.03150 (2021)"

    @staticmethod
    def network(sizes: Mapping[str, Any]) -> PaiNN:
        return PaiNN(**sizes)

    def many_body_energies(self, batch: EdgeBatch, vectors: torch.Tensor) -> Answers:
        """As graph-pes has them, to rounding, in half of the time; features are the scalars."""
        network = self.many_body
        start = network.z_embedding(batch.species) + self.embedded(batch)
        scalars, states = painn_features(
            network, start, batch.edges, vectors, vectors_too=self.needs_vectors
        )
        scale = network.scaler.per_element_scaling[batch.species]
        return Answers((network.read_out(scalars) * scale).squeeze(1), scalars, states)

    def embedded(self, batch: EdgeBatch) -> torch.Tensor | float:
        """What atoms are told beside their element, [N,D]; here nothing."""
        return 0.0

    def _compile(self) -> None:
        # all but the gradient, which autograd takes through what was compiled
        part = torch.compile(self.many_body_energies, dynamic=True)
        self.many_body_energies = part  # type: ignore[method-assign]

    def evaluate_described(self, batch: EdgeBatch) -> Predictions:
        """Descriptors are the scalars of the last layer."""
        answers = self._answers(batch)
        assert answers.features is not None  # many_body_energies gives them
        scalars = answers.features.detach().cpu().numpy()
        return Predictions(values=predictions(answers).values, descriptors=scalars)


def painn_features(
    network: PaiNN,
    scalars: torch.Tensor,
    edges: torch.Tensor,
    vectors: torch.Tensor,
    *,
    vectors_too: bool = False,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Scalars of the last layer [N,D], as ``PaiNN.forward`` has them (figure 2 of the paper), and
    its vectors [N,3,D] where they are asked for.

    The same sums, less what is multiplied by nothing: the first layer has no vectors to pass on,
    and those of the last may be read by nobody. What belongs to a sender is multiplied once for
    each atom, not for each edge, and vectors stand as [N,3,D], so that channels are next to each
    other.

    Args:
        scalars: [N,D], of the elements. edges: int64 [2,E], senders and receivers.
        vectors: [E,3], from receivers to senders, Angstrom.
    """
    distances = vectors.norm(dim=1, keepdim=True)  # [E,1]
    directions = (vectors / distances).unsqueeze(2)  # [E,3,1]
    states = None
    last = len(network.updates) - 1
    for layer, (interact, update) in enumerate(
        zip(network.interactions, network.updates, strict=True)
    ):
        scalars, states = _interacted(interact, scalars, states, edges, distances, directions)
        read = vectors_too or layer < last
        scalars, states = _updated(update, scalars, states, vectors_too=read)
    return scalars, states if vectors_too else None


def _interacted(
    block: Interaction,
    scalars: torch.Tensor,
    states: torch.Tensor | None,
    edges: torch.Tensor,
    distances: torch.Tensor,
    directions: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scalars [N,D] and vectors [N,3,D] with the messages of neighbours; ``states`` None: zeros."""
    sender, receiver = edges
    width = scalars.shape[1]
    parts = 2 if states is None else 3
    filters = _filters(block.filter_generator, distances, parts * width).split(width, dim=1)
    own = block.Phi(scalars)
    sent = own[:, : 2 * width].index_select(0, sender)
    to_scalars, along = sent.split(width, dim=1)
    message = directions * (filters[1] * along).unsqueeze(1)  # [E,3,D]
    if states is not None:
        passed = (own[:, 2 * width :].unsqueeze(1) * states).index_select(0, sender)
        message = torch.addcmul(message, passed, filters[2].unsqueeze(1))
    sums = torch.zeros_like(scalars).index_add(0, receiver, filters[0] * to_scalars)
    vectors = message.new_zeros(len(scalars), 3, width).index_add(0, receiver, message)
    return scalars + sums, vectors if states is None else states + vectors


def _filters(generator: Any, distances: torch.Tensor, width: int) -> torch.Tensor:
    """The first ``width`` columns of the filters of edges, [E,width]."""
    (bessel, linear), envelope = generator.components
    x = distances / envelope.cutoff
    a, b, c = envelope.coefficients
    fade = 1 + x.pow(envelope.p) * (a + x * (b + x * c))
    fade = torch.where(x <= 1, fade, 0.0)
    radial = torch.sin(distances * bessel.frequencies) * (bessel.pre_factor * fade / distances)
    return torch.addmm(fade * linear.bias[:width], radial, linear.weight[:width].T)


def _updated(
    block: Update, scalars: torch.Tensor, states: torch.Tensor, *, vectors_too: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scalars and vectors of each atom mixed; vectors stay as they are where nobody reads them."""
    u, v = (states @ part._linear.weight.T for part in (block.U, block.V))
    norms = torch.sqrt((v * v).sum(dim=1) + 1e-8)  # as graph-pes has it
    mixed = block.mlp(torch.cat([scalars, norms], dim=1))
    to_vectors, plain, product = mixed.split(scalars.shape[1], dim=1)
    scalars = scalars + plain + product * (u * v).sum(dim=1)
    return scalars, states + u * to_vectors.unsqueeze(1) if vectors_too else states
