"""Students that give charges, a dipole and an electrostatic potential beside energy and forces.

One PaiNN for all of it, as in PhysNet (Unke and Meuwly, J. Chem. Theory Comput. 15, 3678 (2019),
without its long-range terms), and a head that puts a few point charges around each atom.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from limbeck.charges.heads import Cartesian, Distributed, conserved
from limbeck.charges.sites import potential_of_frames
from limbeck.config.sections.base import Section
from limbeck.frames import Frames
from limbeck.potentials.models.edges import EdgeBatch
from limbeck.potentials.models.painn import Answers, PainnPotential, PainnSizes
from limbeck.potentials.trainable import Sites, TrainablePotential
from limbeck.properties import EFS

#: what a head reads its places off is capped here, Angstrom: within the cores, and far within the
#: nearest points that an ESP is asked for at
FARTHEST = 0.5


class ChargesSizes(PainnSizes):
    """What such a student is built with, as ``model.json`` has it; Angstrom."""

    sites: Annotated[int, Field(ge=1, le=64)]
    farthest_site: Annotated[float, Field(gt=0, le=5)] = FARTHEST


class ChargesPotential(PainnPotential):
    """A PaiNN with point charges around its atoms.

    ``charges`` [N] are sums of an atom's sites; theirs is the ``dipole`` [B,3], about the centre of
    nuclear charge, and the ``esp`` [G] at the points that frames have around them. Periodic frames
    have charges alone. The charge of a frame is read, and is what its charges sum to. No
    electrostatics of the charges is added to the energy.
    """

    head: ClassVar[type[Distributed | Cartesian]]
    settable: ClassVar[Mapping[str, str]] = {
        **PainnPotential.settable,
        "charges_per_atom": "sites",
    }
    of_size: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        name: {**sizes, "sites": 3, "farthest_site": FARTHEST}
        for name, sizes in PainnPotential.of_size.items()
    }
    section: ClassVar[type[Section]] = ChargesSizes

    def __init__(
        self, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> None:
        super().__init__(sizes, elements, name=name, device=device)
        channels = sizes["channels"]
        self._head = self.head(channels, sizes["sites"], sizes["farthest_site"]).to(device)
        # how atoms of an ion are told apart from those of a molecule
        self._of_charge = torch.nn.Parameter(torch.zeros(channels, device=device))
        self.module.head, self.module.of_charge = self._head, self._of_charge
        self.about = replace(
            self.about,
            properties=(*EFS, "charges", "dipole", "esp"),
            equivariant=self.head.equivariant,
            conditions=("charge",),
        )

    @staticmethod
    def network(sizes: Mapping[str, Any]) -> Any:
        known = PainnSizes.model_fields
        return PainnPotential.network({name: sizes[name] for name in known})

    def embedded(self, batch: EdgeBatch) -> torch.Tensor:
        charge = batch.charge[batch.frame_of_atom].unsqueeze(1)
        return charge * self._of_charge

    def further(self, batch: EdgeBatch, answers: Answers) -> dict[str, Any]:
        """Charges, dipole, ESP and sites."""
        raw, vectors = self._head(answers.scalars, answers.vectors)
        charges, excess = conserved(raw, batch.charge, batch.frame_of_atom)
        around_centre = batch.positions - self._centres(batch)[batch.frame_of_atom]
        moments = (charges.unsqueeze(2) * (around_centre.unsqueeze(1) + vectors)).sum(dim=1)
        dipole = moments.new_zeros(len(batch.charge), 3).index_add(0, batch.frame_of_atom, moments)
        found: dict[str, Any] = {
            "charges": charges.sum(dim=1),
            "dipole": torch.full_like(dipole, torch.nan) if batch.periodic else dipole,
            "sites": Sites(charges, vectors, excess),
        }
        if batch.around is None:
            return found
        around = batch.around
        places = around.positions.unsqueeze(1) + vectors.double()
        esp = potential_of_frames(
            *(around.points, around.frame_of_point, places, charges.double(), batch.pointers)
        )
        return found | {"esp": esp}

    def _centres(self, batch: EdgeBatch) -> torch.Tensor:
        """Centres of nuclear charge, [B,3], Angstrom."""
        numbers = batch.species.to(batch.positions).unsqueeze(1)
        zero = numbers.new_zeros(len(batch.charge), 1)
        sums = zero.expand(-1, 3).index_add(0, batch.frame_of_atom, numbers * batch.positions)
        return sums / zero.index_add(0, batch.frame_of_atom, numbers)

    def sites(self, frames: Frames) -> tuple[np.ndarray, np.ndarray]:
        """Point charges [N,n], e, and their places [N,n,3], Angstrom, of frames of one batch."""
        found = self._answers(self.prepare(frames)).sites
        assert found is not None
        charges, vectors = (v.detach().cpu().double() for v in (found.charges, found.vectors))
        return charges.numpy(), frames.positions[:, None] + vectors.numpy()

    def save(self, folder: Path) -> None:
        # graph-pes would read the energy alone, and know nothing of charged frames
        TrainablePotential.save(self, folder)


class DistributedPotential(ChargesPotential):
    """A PaiNN with point charges around its atoms, whose places turn with the molecule."""

    architecture: ClassVar[str] = "painn_distributed"
    head: ClassVar[type[Distributed | Cartesian]] = Distributed
    needs_vectors: ClassVar[bool] = True


class CartesianPotential(ChargesPotential):
    """A PaiNN with point charges around its atoms, whose places stay as the molecule turns."""

    architecture: ClassVar[str] = "painn_cartesian"
    head: ClassVar[type[Distributed | Cartesian]] = Cartesian
