"""NEP: a neuroevolution potential of the fourth version, trained here by gradients.

Fan et al., "Neuroevolution machine learning potentials", Phys. Rev. B 104, 104309 (2021), and
"GPUMD: A package for constructing accurate machine-learned potentials and performing highly
efficient atomistic simulations", J. Chem. Phys. 157, 114801 (2022).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from vesin import NeighborList

from limbeck.config.sections.base import Section
from limbeck.frames import Frames
from limbeck.potentials.interface import About
from limbeck.potentials.models.nep.file import nep_txt
from limbeck.potentials.models.nep.network import Neighbours, NepNetwork
from limbeck.potentials.trainable import (
    Outputs,
    Statistics,
    TrainablePotential,
    about_new,
    predictions,
)
from limbeck.properties import Predictions

NEP_CITATION = "Fan et al., J. Chem. Phys. 157, 114801 (2022)"
ROWS, COLUMNS = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]  # of Voigt's order

MODEL_FILE = "nep.txt"  # what other programs read
#: most frames whose descriptors are looked at for their means and scales, and about their atoms
LOOKED_AT, ATOMS_LOOKED_AT = 256, 20_000

_SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"channels": 8, "cutoff": 4.0, "angular": 0.8, "functions": [3, 2], "basis": [5, 5]},
    "small": {"channels": 30, "cutoff": 5.0, "angular": 0.8, "functions": [6, 6], "basis": [8, 8]},
    "medium": {
        "channels": 64,
        "cutoff": 5.0,
        "angular": 1.0,
        "functions": [8, 8],
        "basis": [10, 10],
    },
}

Count = Annotated[int, Field(ge=1, le=20)]
Counts = Annotated[list[Count], Field(min_length=2, max_length=2)]


class Sizes(Section):
    """What a network is built with, as ``model.json`` has it; in Angstrom.

    ``channels`` are neurons, ``angular`` is the angular cut-off over the radial one, ``functions``
    of each atom and the ``basis`` functions they are made of are radial and angular ones.
    """

    channels: Annotated[int, Field(ge=1, le=4096)]
    cutoff: Annotated[float, Field(gt=0, le=50)]
    angular: Annotated[float, Field(gt=0, le=1)]
    functions: Counts
    basis: Counts


@dataclass(frozen=True)
class NepGraph:
    """One frame: species [n]; of each directed pair first and second atom [e], unit shifts [e,3]
    and the vector between them [e,3], Angstrom; cell [3,3]."""

    species: np.ndarray
    first: np.ndarray
    second: np.ndarray
    unit_shifts: np.ndarray
    vectors: np.ndarray
    cell: np.ndarray
    periodic: bool


@dataclass(frozen=True)
class NepBatch:
    """Several graphs, their N atoms in the order of their elements: as rows.

    Attributes:
        pairs: of the rows.
        second: int64 [E], rows; unit_shifts: [E,3].
        rows: int64 [N], the row of each atom; atoms: int64 [N], the atom of each row.
        frame_of_row: int64 [N]; frame_of_pair: int64 [E].
        cell: [B,3,3], Angstrom.
    """

    pairs: Neighbours
    second: torch.Tensor
    unit_shifts: torch.Tensor
    rows: torch.Tensor
    atoms: torch.Tensor
    frame_of_row: torch.Tensor
    frame_of_pair: torch.Tensor
    cell: torch.Tensor
    periodic: bool


class NepPotential(TrainablePotential[NepBatch]):
    """A NEP4, with a hidden layer for each element; its forces are gradients of its energy."""

    architecture: ClassVar[str] = "nep"
    settable: ClassVar[Mapping[str, str]] = {"channels": "channels", "cutoff_A": "cutoff"}
    section: ClassVar[type[Section]] = Sizes
    has_descriptors: ClassVar[bool] = True
    has_atom_energies: ClassVar[bool] = True
    can_move: ClassVar[bool] = True
    module: NepNetwork

    def __init__(
        self, module: NepNetwork, about: About, *, device: str, sizes: dict[str, Any]
    ) -> None:
        self.module = module.to(device)
        self.about = about
        self.device = torch.device(device)
        self.batch_atoms = 1024
        self.sizes = sizes
        self.dtype = module.offsets.dtype
        self._species = np.full(max(about.elements) + 1, -1)
        self._species[sorted(about.elements)] = np.arange(len(about.elements))

    @classmethod
    def build(
        cls, size: str, statistics: Statistics, *, name: str, device: str, **changed: Any
    ) -> "NepPotential":
        sizes = _SIZES[size] | cls.changes(changed)
        student = cls._empty(sizes, statistics.elements, name=name, device=device)
        energies = statistics.reference_energies + statistics.energy_mean
        student.module.offsets.copy_(torch.as_tensor(energies))
        # An atom whose energy changes by this much over an Angstrom has the forces of the set.
        student.module.unit.fill_(statistics.forces_rms)
        return student

    @classmethod
    def _empty(
        cls, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> "NepPotential":
        about = about_new("nep", elements, name=name, cutoff=sizes["cutoff"], citation=NEP_CITATION)
        network = NepNetwork(
            len(elements),
            cutoffs=(sizes["cutoff"], sizes["angular"] * sizes["cutoff"]),
            functions=sizes["functions"],
            basis=sizes["basis"],
            neurons=sizes["channels"],
        )
        return cls(network, about, device=device, sizes=sizes)

    def normalise(self, frames: Frames) -> None:
        most = max(min(LOOKED_AT, ATOMS_LOOKED_AT // int(frames.n_atoms.mean())), 1)
        few = np.unique(np.linspace(0, len(frames) - 1, most).astype(np.int64))
        graphs = self.graphs(frames.select(few))
        batch = self.collate(graphs)
        descriptors = self.outputs(batch, training=False, stress=False).features
        assert descriptors is not None  # outputs gives them
        species = batch.pairs.species.index_select(0, batch.rows)
        self.module.normalise(descriptors, species)

    def matrices(self) -> list[tuple[torch.nn.Parameter, list[torch.Tensor]]]:
        """Those of the hidden layers, one for each element."""
        return [(self.module.inner, list(self.module.inner.unbind()))]

    def graphs(self, frames: Frames) -> list[NepGraph]:
        return self._graphs(frames, self.about.cutoff)

    def _graphs(self, frames: Frames, reach: float) -> list[NepGraph]:
        # One thread, so that the order of the pairs, and with it the last bits, repeats.
        search = NeighborList(cutoff=reach, full_list=True, n_threads=1)
        found = []
        for b in range(len(frames)):
            rows, periodic = frames.atoms_of(b), bool(frames.periodic[b])
            first, second, shifts, vectors = search.compute(
                frames.positions[rows], frames.cell[b], periodic, "ijSD"
            )
            species = self._species[frames.numbers[rows]]
            found.append(
                NepGraph(species, first, second, shifts, vectors, frames.cell[b], periodic)
            )
        return found

    def collate(self, graphs: Sequence[NepGraph]) -> NepBatch:
        return self._collate(graphs, 0.0)

    def _collate(self, graphs: Sequence[NepGraph], skin: float) -> NepBatch:
        n_atoms = np.array([len(g.species) for g in graphs])
        n_pairs = np.array([len(g.first) for g in graphs])
        species = np.concatenate([g.species for g in graphs])
        atoms = np.argsort(species, kind="stable")
        rows = np.empty_like(atoms)
        rows[atoms] = np.arange(len(atoms))
        frame = np.repeat(np.arange(len(graphs)), n_atoms)
        start = np.repeat(np.cumsum(n_atoms) - n_atoms, n_pairs)
        first, second = (
            rows[np.concatenate([getattr(g, end) for g in graphs]).astype(np.int64) + start]
            for end in ("first", "second")
        )
        vectors = np.concatenate([g.vectors for g in graphs])
        order, runs, near = self._runs(species[atoms], first, second, vectors, skin)
        first = first[order]
        place, width = _places(first, len(atoms))
        inner_place, inner_width = _places(first[:near], len(atoms))
        shifts = np.concatenate([g.unit_shifts for g in graphs])[order]
        kinds = len(self.about.elements)
        pairs = Neighbours(
            vectors=self._floats(vectors[order]),
            first=self._whole(first),
            species=self._whole(species[atoms]),
            per_species=tuple(np.bincount(species, minlength=kinds).tolist()),
            inner_blocks=tuple(run for run in runs if run[2] <= near),
            outer_blocks=tuple(run for run in runs if run[2] > near),
            place=self._whole(place),
            width=width,
            inner_place=self._whole(inner_place),
            inner_width=inner_width,
        )
        return NepBatch(
            pairs=pairs,
            second=self._whole(second[order]),
            unit_shifts=self._floats(shifts),
            rows=self._whole(rows),
            atoms=self._whole(atoms),
            frame_of_row=self._whole(frame[atoms]),
            frame_of_pair=self._whole(frame[atoms][first]),
            cell=self._floats(np.stack([g.cell for g in graphs])),
            periodic=graphs[0].periodic,
        )

    def _runs(
        self,
        species: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        vectors: np.ndarray,
        skin: float,
    ) -> tuple[np.ndarray, list[tuple[int, int, int]], int]:
        """The order of pairs that puts those within the angular cut-off first, and each kind of
        pair together; the kind, start and stop of each run; how many are within."""
        reach = self.module.cutoffs[1] + skin
        outer = np.einsum("pi,pi->p", vectors, vectors) >= reach**2
        kinds = len(self.about.elements)
        kind = species[first] * kinds + species[second] + outer * kinds**2
        order = np.argsort(kind, kind="stable")
        stops = np.cumsum(np.bincount(kind, minlength=2 * kinds**2)).tolist()
        starts = [0, *stops[:-1]]
        runs = [
            (number % kinds**2, start, stop)
            for number, (start, stop) in enumerate(zip(starts, stops, strict=True))
            if stop > start
        ]
        return order, runs, int(len(outer) - outer.sum())

    def _floats(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)

    def _whole(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values, dtype=torch.int64, device=self.device)

    def prepare_wide(self, frames: Frames, skin: float) -> NepBatch:
        """Like :meth:`prepare`, with neighbours up to the cut-offs plus ``skin`` (Angstrom)."""
        frames = self.ready(frames)
        return self._collate(self._graphs(frames, self.about.cutoff + skin), skin)

    def moved(self, wide: NepBatch, positions: torch.Tensor, cell: torch.Tensor) -> NepBatch:
        """A wide batch with moved atoms; pairs that are not near count as zero.

        Args:
            wide: from :meth:`prepare_wide`; stays as it is.
            positions: [N,3], Angstrom, near to what they were, not wrapped.
            cell: [B,3,3], Angstrom, rows are vectors; not looked at where isolated.
        """
        at = positions[wide.atoms]
        vectors = at[wide.second] - at[wide.pairs.first]
        if wide.periodic:
            shifts = wide.unit_shifts.to(cell).unsqueeze(2) * cell[wide.frame_of_pair]
            vectors = vectors + shifts.sum(1)
            wide = replace(wide, cell=cell.to(self.dtype))
        # in single precision differences come after, so that digits are left for them
        return replace(wide, pairs=replace(wide.pairs, vectors=vectors.to(self.dtype)))

    def rotate(self, batch: NepBatch, matrices: np.ndarray) -> NepBatch:
        q = self._floats(matrices)
        vectors = torch.einsum("eij,ej->ei", q[batch.frame_of_pair], batch.pairs.vectors)
        cell = torch.einsum("bij,bkj->bki", q, batch.cell)
        return replace(batch, pairs=replace(batch.pairs, vectors=vectors), cell=cell)

    def outputs(self, batch: NepBatch, *, training: bool, stress: bool) -> Outputs:
        if not training:
            with torch.no_grad():
                return self._outputs(batch, stress=stress)
        return self._outputs(batch, stress=stress)

    def _outputs(self, batch: NepBatch, *, stress: bool) -> Outputs:
        answers, count = self.module(batch.pairs), len(batch.atoms)
        pulls = answers.pulls
        forces = pulls.new_zeros(count, 3).index_add(0, batch.pairs.first, pulls)
        forces = forces.index_add(0, batch.second, pulls, alpha=-1)
        frames = len(batch.cell)
        energy = pulls.new_zeros(frames).index_add(0, batch.frame_of_row, answers.energies)
        return Outputs(
            energy=energy,
            forces=forces.index_select(0, batch.rows),
            stress=_stress(batch, pulls) if stress else None,
            features=answers.descriptors.index_select(0, batch.rows),
            atom_energies=answers.energies.index_select(0, batch.rows),
        )

    def evaluate_described(self, batch: NepBatch) -> Predictions:
        answers = self._answers(batch)
        assert answers.features is not None  # outputs gives them
        values = predictions(answers).values
        return Predictions(values=values, descriptors=answers.features.cpu().numpy())

    def save(self, folder: Path) -> None:
        super().save(folder)
        text = nep_txt(self.module, sorted(self.about.elements), zbl=self.zbl)
        (folder / MODEL_FILE).write_text(text)

    def is_periodic(self, batch: NepBatch) -> bool:
        return batch.periodic


def _stress(batch: NepBatch, pulls: torch.Tensor) -> torch.Tensor:
    """[B,6], slope of the energy by strain over the volume: pulls times vectors, symmetric."""
    vectors = batch.pairs.vectors
    both = pulls[:, ROWS] * vectors[:, COLUMNS] + pulls[:, COLUMNS] * vectors[:, ROWS]
    sums = both.new_zeros(len(batch.cell), 6).index_add(0, batch.frame_of_pair, both)
    return sums / (2 * torch.linalg.det(batch.cell).abs().unsqueeze(1))


def _places(first: np.ndarray, count: int) -> tuple[np.ndarray, int]:
    """Where each pair stands in a table with a row for each of ``count`` atoms, and its width."""
    per_row = np.bincount(first, minlength=count)
    width = max(int(per_row.max(initial=0)), 1)
    order = np.argsort(first, kind="stable")
    start = np.repeat(np.cumsum(per_row) - per_row, per_row)
    place = np.empty_like(order)
    place[order] = first[order] * width + np.arange(len(first)) - start
    return place, width
