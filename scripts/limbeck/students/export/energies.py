"""Energies of students as modules that TorchScript compiles, all with one signature.

``forward(numbers, positions, cells, edges, unit_shifts, frame_of_atom)`` of atomic numbers int64
[N], positions [N,3] and lattice vectors [B,3,3] in Angstrom, int64 edges [2,E] from sender to
receiver, in how many lattice vectors the receiver is away [E,3], and the frame of each atom int64
[N], gives the energy of each atom [N], eV. Gradients flow to positions and cells.
"""

import copy
import math
import warnings
from typing import Any

import numpy as np
import torch
from ase.data import covalent_radii
from e3nn.util.jit import script

from limbeck.potentials.repulsion import zbl
from limbeck.potentials.trainable import TrainablePotential

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # importing it compiles functions as torch deprecates
    from graph_pes import AtomicGraph


class MaceEnergy(torch.nn.Module):
    """Of a MACE."""

    def __init__(self, student: TrainablePotential[Any]) -> None:
        super().__init__()
        module = copy.deepcopy(student.module).eval()
        numbers = module.get_buffer("atomic_numbers")
        place = torch.full((119,), -1, dtype=torch.long)
        place[numbers] = torch.arange(len(numbers))
        self.n_elements = len(numbers)
        self.place: torch.Tensor
        self.register_buffer("place", place)
        self.model = script(module)

    def forward(
        self,
        numbers: torch.Tensor,
        positions: torch.Tensor,
        cells: torch.Tensor,
        edges: torch.Tensor,
        unit_shifts: torch.Tensor,
        frame_of_atom: torch.Tensor,
    ) -> torch.Tensor:
        species = self.place[numbers]
        n_frames = len(cells)
        counts = torch.bincount(frame_of_atom, minlength=n_frames)
        pointers = torch.cat([torch.zeros_like(counts[:1]), counts.cumsum(0)])
        cell_of_edge = cells[frame_of_atom[edges[0]]]
        attributes = torch.nn.functional.one_hot(species, self.n_elements).to(positions.dtype)
        answers = self.model(
            {
                "positions": positions,
                "cell": cells.reshape(-1, 3),
                "edge_index": edges,
                "unit_shifts": unit_shifts,
                "shifts": torch.einsum("ei,eij->ej", unit_shifts, cell_of_edge),
                "node_attrs": attributes,
                "batch": frame_of_atom,
                "head": torch.zeros_like(counts),
                "ptr": pointers,
            },
            training=False,
            compute_force=False,
        )
        energies = answers["node_energy"]
        assert energies is not None  # as torch has to be told
        return energies


class GraphPesEnergy(torch.nn.Module):
    """Of a network of graph-pes."""

    def __init__(self, student: TrainablePotential[Any]) -> None:
        super().__init__()
        self.model = copy.deepcopy(student.module.get_submodule("model")).eval()
        self.cutoff = float(student.about.cutoff)

    def forward(
        self,
        numbers: torch.Tensor,
        positions: torch.Tensor,
        cells: torch.Tensor,
        edges: torch.Tensor,
        unit_shifts: torch.Tensor,
        frame_of_atom: torch.Tensor,
    ) -> torch.Tensor:
        counts = torch.bincount(frame_of_atom, minlength=len(cells))
        graph = AtomicGraph(
            Z=numbers,
            R=positions,
            cell=cells,
            neighbour_list=edges,
            neighbour_cell_offsets=unit_shifts,
            properties={},
            cutoff=self.cutoff,
            other={},
            batch=frame_of_atom,
            ptr=torch.cat([torch.zeros_like(counts[:1]), counts.cumsum(0)]),
        )
        return self.model(graph)["local_energies"].reshape(-1)


class WithRepulsion(torch.nn.Module):
    """Of a student with :mod:`limbeck.potentials.repulsion.zbl`: half of each pair to each end."""

    def __init__(self, energy: torch.nn.Module) -> None:
        super().__init__()
        self.energy = energy
        self.inner: torch.Tensor
        self.outer: torch.Tensor
        both = np.indices((len(covalent_radii),) * 2)
        for name, radii in zip(("inner", "outer"), zbl.radii_of(*both), strict=True):
            self.register_buffer(name, torch.as_tensor(radii))
        self.factors: list[float] = list(zbl.FACTORS)
        self.exponents: list[float] = list(zbl.EXPONENTS)
        self.screening, self.coulomb = zbl.SCREENING, zbl.COULOMB

    def forward(
        self,
        numbers: torch.Tensor,
        positions: torch.Tensor,
        cells: torch.Tensor,
        edges: torch.Tensor,
        unit_shifts: torch.Tensor,
        frame_of_atom: torch.Tensor,
    ) -> torch.Tensor:
        own = self.energy(numbers, positions, cells, edges, unit_shifts, frame_of_atom)
        first, second = edges[0], edges[1]
        shifts = torch.einsum("ei,eij->ej", unit_shifts, cells[frame_of_atom[first]])
        vectors = (positions[second] - positions[first] + shifts).double()
        distance = torch.linalg.vector_norm(vectors, dim=1)
        inner = self.inner[numbers[first], numbers[second]]
        outer = self.outer[numbers[first], numbers[second]]
        z, other = numbers[first].double(), numbers[second].double()
        length = self.screening / (z**0.23 + other**0.23)
        screen = torch.zeros_like(distance)
        for factor, exponent in zip(self.factors, self.exponents):  # noqa: B905  # for TorchScript
            screen = screen + factor * torch.exp(-exponent * distance / length)
        phase = ((distance - inner) / (outer - inner)).clamp(0, 1)
        switch = (1 + torch.cos(math.pi * phase)) / 2
        pair = self.coulomb * z * other / distance * screen * switch
        return own + torch.zeros_like(own).index_add(0, first, (pair / 2).to(own.dtype))
