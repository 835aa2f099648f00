"""Training batches: graphs are made once, and collated anew in every epoch; how many there are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, count, islice
from typing import Any

import numpy as np
import torch

from limbeck.averaging.displaced import lines_of, product
from limbeck.config.sections.students import StudentSettings
from limbeck.datasets.split import Dataset
from limbeck.frames import Rows, atom_rows, concatenate
from limbeck.geometry import near_origin, voigt_to_stress
from limbeck.potentials.trainable import Outputs, TrainablePotential
from limbeck.properties import DIRECTIONS, PRODUCTS, property_of, select
from limbeck.students.statistics import Scales

#: beyond so many atoms graphs are made anew in every epoch, since they no longer fit in memory
CACHED_ATOMS = 2_000_000
#: validations on the way of a budget in steps
ROUNDS = 50


@dataclass(frozen=True)
class Displaced:
    """Products of the Hessian along P lines through the frames of a batch.

    Behind these frames stand P in the batch that are moved ahead along the lines, and P moved back.

    Attributes:
        frame: int64 [P], which frame of the batch each is made of.
        n_atoms: [P], M in all.
        products: [M,3], eV/Angstrom^2.
        scale: [M,1], eV/Angstrom^2, the unit in which an error of a product counts.
        step: Angstrom.
    """

    frame: torch.Tensor
    n_atoms: torch.Tensor
    products: torch.Tensor
    scale: torch.Tensor
    step: float

    def turned(self, q: torch.Tensor) -> "Displaced":
        """The products of the frames turned by orthogonal matrices [B,3,3]."""
        per_atom = q[self.frame].repeat_interleave(self.n_atoms, dim=0)
        return replace(self, products=torch.einsum("nij,nj->ni", per_atom, self.products))


@dataclass(frozen=True)
class Targets:
    """Labels of a batch on the device.

    Attributes:
        values: by property; energy [B] and forces [N,3] always, others where some frames have them,
            NaN in the rest. Tensors of rank 2, as the stress, are [B,3,3].
        known: by property that not all rows have, as a stress: int64, the rows that have it.
        energy_scale: [B], eV/atom, the unit in which an error of the energy per atom counts.
        forces_scale: [N,1], eV/Angstrom, the unit in which a force error of the atom counts.
        forces_weight: [N,1], no unit, how much it counts; None where all count the same.
        n_atoms: [B].
        displaced: products of the Hessian; None where these are not learned.
        hard: energy and forces of a reference, where it has none those of ``values``; None where
            these are not learned.
    """

    values: dict[str, torch.Tensor]
    energy_scale: torch.Tensor
    forces_scale: torch.Tensor
    forces_weight: torch.Tensor | None
    n_atoms: torch.Tensor
    known: dict[str, torch.Tensor] = field(default_factory=dict)
    displaced: Displaced | None = None
    hard: dict[str, torch.Tensor] | None = None

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.n_atoms)

    @property
    def atoms(self) -> int:
        """Atoms of the batch, those of displaced frames among them."""
        moved = 0 if self.displaced is None else 2 * len(self.displaced.products)
        return len(self.values["forces"]) + moved

    def of_batch(self, matrices: np.ndarray) -> np.ndarray:
        """Matrices [B,3,3] of the frames, and after them those of the displaced ones."""
        if self.displaced is None:
            return matrices
        moved = matrices[self.displaced.frame.cpu().numpy()]
        return np.concatenate([matrices, moved, moved])

    def turned(self, matrices: np.ndarray) -> "Targets":
        """The labels of the frames turned by orthogonal matrices [B,3,3]."""
        like = self.values["forces"]
        q = torch.as_tensor(matrices, dtype=like.dtype, device=like.device)
        return replace(
            self,
            values=self._turned(self.values, q),
            displaced=self.displaced and self.displaced.turned(q),
            hard=self.hard and self._turned(self.hard, q),
        )

    def _turned(self, values: dict[str, torch.Tensor], q: torch.Tensor) -> dict[str, torch.Tensor]:
        per_atom = q.repeat_interleave(self.n_atoms, dim=0)
        turned = {}
        for name, value in values.items():
            of = property_of(name)
            turn = per_atom if of.per_atom else q
            if of.rank == 1:
                value = torch.einsum("nij,nj->ni", turn, value)
            elif of.rank == 2:
                value = turn @ value @ turn.transpose(1, 2)
            # the sign of the determinant, as in properties.turned_back
            if of.parity < 0:
                value = value * torch.linalg.det(turn).sign().view(-1, *[1] * (value.ndim - 1))
            turned[name] = value
        return turned


def answers_of(
    student: TrainablePotential[Any], batch: Any, targets: Targets, *, training: bool
) -> Outputs:
    """A student's answers for the frames of a batch, and its products along their lines [M,3].

    Products are differences of its own forces over the same step as in the labels: what a finite
    step leaves out of both is the same, and students of any architecture have them.
    """
    found = student.outputs(batch, training=training, stress="stress" in targets.values)
    if targets.displaced is None:
        return found
    atoms, frames = len(targets.values["forces"]), len(targets)
    ahead, behind = found.forces[atoms:].chunk(2)
    rows = Rows(frames, atoms, None)  # moved frames have no points around them
    own = {n: v[: property_of(n).of(rows)] for n, v in found.values.items()}
    products = {PRODUCTS: product(ahead, behind, targets.displaced.step)}
    return Outputs(**own, **products, sites=found.sites and found.sites.first(frames, atoms))


class Batches:
    """A data set as batches of a student. Isolated and periodic frames never share one."""

    def __init__(
        self,
        student: TrainablePotential[Any],
        data: Dataset,
        batch_size: int,
        scales: Scales,
        forces_weights: np.ndarray | None = None,
    ) -> None:
        """See :class:`Targets`.

        Args:
            scales: of the training set; 1 for a source that it lacks. Where they have products of
                the Hessian, these are targets, too.
            forces_weights: [N], by atom.
        """
        self.student = student
        self._forces_weight = None if forces_weights is None else forces_weights[:, None]
        sources = data.frames.source.tolist()
        of_forces = [scales.forces.get(source, 1.0) for source in sources]
        self._energy_scale = np.array([scales.energy.get(source, 1.0) for source in sources])
        self._forces_scale = np.repeat(of_forces, data.frames.n_atoms)[:, None]  # [N,1]
        self.data = data
        self.batch_size = batch_size
        self.periodic = data.frames.periodic
        self._standing: dict[str, Any] = {}
        self._found: dict[str, Any] | None = None
        self._lines = lines_of(data.frames, data.labels) if scales.products else None
        of_products = [scales.products.get(source, 1.0) for source in sources]
        self._products_scale = np.array(of_products)
        #: the frames, all that are moved ahead, and all that are moved back
        self._all = data.frames
        if self._lines:
            self._all = concatenate([data.frames, self._lines.ahead, self._lines.behind])
        cached = len(self._all.numbers) <= CACHED_ATOMS
        self._graphs = student.graphs(near_origin(self._all)) if cached else None

    @property
    def n_lines(self) -> int:
        """Products that are targets."""
        return len(self._lines) if self._lines else 0

    @property
    def per_epoch(self) -> int:
        """Batches that hold every frame once."""
        return sum(1 for _ in self._cut(np.arange(len(self.data))))

    def in_order(self) -> Iterator[tuple[Any, Targets]]:
        """Every frame once, in a fixed order."""
        for index in self._cut(np.arange(len(self.data))):
            yield self._batch(index)

    def targets_in_order(self) -> Iterator[tuple[np.ndarray, Targets]]:
        """The labels alone, and which frames they are of."""
        for index in self._cut(np.arange(len(self.data))):
            yield index, self._targets(index)

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[Any, Targets]]:
        """Every frame once, in random batches; the rest of them after :meth:`stand`."""
        found, self._found = self._found, None
        if found:
            rng.bit_generator.state = found["shuffled_by"]
        by = rng.bit_generator.state
        # Shuffled twice: the frames in the batches, and then the batches, so that periodic ones do
        # not all come first.
        cuts = list(self._cut(rng.permutation(len(self.data))))
        order = rng.permutation(len(cuts))
        if found:
            rng.bit_generator.state = found["generator"]
        for done in range(found["done"] if found else 0, len(order)):
            self._standing = {"shuffled_by": by, "done": done + 1}
            yield self._batch(cuts[order[done]])

    def standing(self, rng: np.random.Generator) -> dict[str, Any]:
        """How many batches were given since they were shuffled, for check-points."""
        return self._standing | {"generator": rng.bit_generator.state}

    def stand(self, found: dict[str, Any]) -> None:
        """Let the next :meth:`shuffled` go on from where another one stood."""
        self._found = found

    def _cut(self, order: np.ndarray) -> Iterator[np.ndarray]:
        # Potentials take batches of one periodicity only.
        for kind in (True, False):
            members = order[self.periodic[order] == kind]
            for start in range(0, len(members), self.batch_size):
                yield members[start : start + self.batch_size]

    def _batch(self, index: np.ndarray) -> tuple[Any, Targets]:
        members = index
        if self._lines:
            ahead = len(self.data) + self._through(index)
            members = np.concatenate([index, ahead, ahead + len(self._lines)])
        if self._graphs is None:
            graphs = self.student.graphs(near_origin(self._all.select(members)))
        else:
            graphs = [self._graphs[i] for i in members]
        return self.student.collate(graphs), self._targets(index)

    def _through(self, index: np.ndarray) -> np.ndarray:
        """Which lines go through these frames. int64 [P]"""
        assert self._lines is not None
        return np.flatnonzero(np.isin(self._lines.frame, index))

    def _targets(self, index: np.ndarray) -> Targets:
        labels, device = self.data.labels, self.student.device
        dtype = next(self.student.module.parameters()).dtype

        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(values, dtype=dtype, device=device)

        rows = self.data.frames.rows(index)
        lines = (DIRECTIONS, PRODUCTS)
        values = select({n: v for n, v in labels.values.items() if n not in lines}, rows)
        hard = None if self.data.hard is None else select(self.data.hard, rows)
        has = {n: _known(n, v) for n, v in values.items()}
        weight = self._forces_weight
        return Targets(
            values={n: tensor(_tensors(n, v)) for n, v in values.items() if has[n].any()},
            energy_scale=tensor(self._energy_scale[index]),
            forces_scale=tensor(self._forces_scale[rows.atom]),
            forces_weight=None if weight is None else tensor(weight[rows.atom]),
            n_atoms=torch.as_tensor(
                self.data.frames.n_atoms[index], dtype=torch.long, device=device
            ),
            known={
                n: torch.as_tensor(np.flatnonzero(rows_of), device=device)
                for n, rows_of in has.items()
                if rows_of.any() and not rows_of.all()
            },
            displaced=self._displaced(index, tensor),
            hard=None if hard is None else {n: tensor(v) for n, v in hard.items()},
        )

    def _displaced(
        self, index: np.ndarray, tensor: Callable[[np.ndarray], torch.Tensor]
    ) -> Displaced | None:
        """The products of these frames, each a tensor on the device."""
        lines, device = self._lines, self.student.device
        if lines is None:
            return None
        which = self._through(index)
        frame, n_atoms = lines.frame[which], lines.ahead.n_atoms[which]
        place = np.zeros(len(self.data), dtype=np.int64)
        place[index] = np.arange(len(index))
        return Displaced(
            frame=torch.as_tensor(place[frame], device=device),
            n_atoms=torch.as_tensor(n_atoms, dtype=torch.long, device=device),
            products=tensor(lines.products[atom_rows(lines.ahead.offsets, which)]),
            scale=tensor(np.repeat(self._products_scale[frame], n_atoms)[:, None]),
            step=lines.step,
        )


def _known(name: str, values: np.ndarray) -> np.ndarray:
    """Which rows are targets: of energy and forces all, of others those that are numbers. bool."""
    if name in ("energy", "forces"):
        return np.ones(len(values), dtype=bool)
    return np.isfinite(values).all(axis=tuple(range(1, values.ndim)))


def _tensors(name: str, values: np.ndarray) -> np.ndarray:
    """Values with tensors of rank 2 as 3x3 matrices instead of Voigt vectors."""
    return voigt_to_stress(values) if property_of(name).rank == 2 else values


#: the batches of one of them
Round = Iterator[tuple[Any, Targets]]


class Rounds:
    """The batches of a training, cut into rounds that each end with a validation.

    A budget in epochs has a round for each pass over the frames. A budget in steps has
    :data:`ROUNDS` of them, however few the frames: sets of all sizes get the same number of steps
    and of validations. Patience would take steps from some of them, and is not used then.

    Attributes:
        steps: of the whole budget.
        per_round: steps of a round, of a budget in epochs.
        count: rounds of the whole budget; it may be lowered on the way.
        patience: rounds without a better validation before training stops.
    """

    def __init__(self, batches: Batches, settings: StudentSettings) -> None:
        self._batches = batches
        self.per_round = batches.per_epoch
        self._by_steps = settings.steps is not None
        if settings.steps is not None:
            self.steps: int = settings.steps
            self.count: int = min(ROUNDS, self.steps)
            self.patience: int = self.count
        else:
            self.steps = settings.epochs * self.per_round
            self.count, self.patience = settings.epochs, settings.patience or settings.epochs

    def __call__(self, rng: np.random.Generator, start: int = 0, done: int = 0) -> Iterator[Round]:
        """The batches of each round; a round has to be used up before the next.

        Args:
            start, done: rounds that are over, and steps that were made in the next one, where
                the batches go on from where they stood.
        """
        if self._by_steps:
            endless = chain.from_iterable(self._batches.shuffled(rng) for _ in count())
            # Rounds differ by one step at most, and add up to the budget.
            lengths = np.diff(np.arange(self.count + 1) * self.steps // self.count)[start:]
            for number, length in enumerate(lengths.tolist()):
                yield islice(endless, length if number else length - done)
        else:
            numbers = count(start)
            while next(numbers) < self.count:
                yield self._batches.shuffled(rng)
