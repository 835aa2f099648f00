"""An energy of :mod:`limbeck.students.export.energies` as a model of metatomic.

In a module of its own: it needs metatomic, which is installed for an export alone. TorchScript
reads the annotations as they stand, so that these are of ``typing``.
"""

from collections.abc import Sequence
from typing import Dict, List, Optional  # noqa: UP035

import torch
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import (
    AtomisticModel,
    ModelCapabilities,
    ModelMetadata,
    ModelOutput,
    NeighborListOptions,
    System,
)


class _Model(torch.nn.Module):
    """What metatomic asks: which neighbours are wanted, and energies of systems."""

    def __init__(self, energy: torch.nn.Module, cutoff: float) -> None:
        super().__init__()
        self.energy = energy
        self.neighbours = NeighborListOptions(cutoff=cutoff, full_list=True, strict=True)

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:  # noqa: UP006
        return [self.neighbours]

    def forward(
        self,
        systems: List[System],  # noqa: UP006
        outputs: Dict[str, ModelOutput],  # noqa: UP006
        selected_atoms: Optional[Labels] = None,  # noqa: UP045
    ) -> Dict[str, TensorMap]:  # noqa: UP006
        numbers: List[torch.Tensor] = []  # noqa: UP006
        positions: List[torch.Tensor] = []  # noqa: UP006
        cells: List[torch.Tensor] = []  # noqa: UP006
        edges: List[torch.Tensor] = []  # noqa: UP006
        shifts: List[torch.Tensor] = []  # noqa: UP006
        frames: List[torch.Tensor] = []  # noqa: UP006
        places: List[torch.Tensor] = []  # noqa: UP006
        start = 0
        for b, system in enumerate(systems):
            pairs = system.get_neighbor_list(self.neighbours).samples.values
            count = len(system.positions)
            own = torch.arange(count, device=pairs.device)
            numbers.append(system.types.to(torch.long))
            positions.append(system.positions)
            cells.append(system.cell)
            edges.append(pairs[:, :2].T.to(torch.long) + start)
            shifts.append(pairs[:, 2:].to(system.positions.dtype))
            frames.append(torch.full_like(own, b))
            places.append(own)
            start += count
        frame = torch.cat(frames)
        of_atom = self.energy(
            torch.cat(numbers),
            torch.cat(positions),
            torch.stack(cells),
            torch.cat(edges, dim=1),
            torch.cat(shifts),
            frame,
        )
        result: Dict[str, TensorMap] = {}  # noqa: UP006
        if "energy" not in outputs:
            return result
        if selected_atoms is not None:
            wanted = selected_atoms.values.to(torch.long)
            mask = torch.zeros_like(frame, dtype=torch.bool)
            for row in range(len(wanted)):
                mask |= (frame == wanted[row, 0]) & (torch.cat(places) == wanted[row, 1])
        else:
            mask = torch.ones_like(frame, dtype=torch.bool)
        if outputs["energy"].sample_kind == "atom":
            values = of_atom[mask].reshape(-1, 1)
            names = ["system", "atom"]
            samples = torch.stack([frame[mask], torch.cat(places)[mask]], dim=1)
        else:
            kept = torch.where(mask, of_atom, torch.zeros_like(of_atom))
            zeros = torch.zeros(len(systems), dtype=of_atom.dtype, device=of_atom.device)
            values = zeros.index_add(0, frame, kept).reshape(-1, 1)
            names = ["system"]
            samples = torch.arange(len(systems), device=frame.device).reshape(-1, 1)
        one = torch.zeros((1, 1), dtype=torch.long, device=frame.device)
        components = torch.jit.annotate(List[Labels], [])  # noqa: UP006
        block = TensorBlock(values, Labels(names, samples), components, Labels("energy", one))
        result["energy"] = TensorMap(Labels("_", one), [block])
        return result


def atomistic_model(
    energy: torch.nn.Module,
    *,
    name: str,
    elements: Sequence[int],
    cutoff: float,
    layers: int,
    dtype: str,
) -> AtomisticModel:
    """A model that metatomic can save.

    Args:
        energy: of :mod:`limbeck.students.export.energies`.
        layers: messages are passed so many times.
        dtype: "float32" or "float64".
    """
    capabilities = ModelCapabilities(
        outputs={"energy": ModelOutput(unit="eV", sample_kind="atom")},
        atomic_types=list(elements),
        interaction_range=cutoff * layers,
        length_unit="Angstrom",
        supported_devices=["cpu", "cuda"],
        dtype=dtype,
    )
    model = _Model(energy, cutoff).eval()
    return AtomisticModel(model, ModelMetadata(name=name), capabilities)
