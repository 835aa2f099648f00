"""Sources: where structures come from; a module for each kind, and a line in the union below."""

from typing import Annotated

from pydantic import Field

from limbeck.config.sections.sources.clusters import Clusters
from limbeck.config.sections.sources.crystals import Crystals
from limbeck.config.sections.sources.derivatives import Derivatives
from limbeck.config.sections.sources.disordered import Disordered
from limbeck.config.sections.sources.files import StructureFile
from limbeck.config.sections.sources.generated import Generated
from limbeck.config.sections.sources.molecules import MoleculeSource
from limbeck.config.sections.sources.random_crystals import RandomCrystals
from limbeck.config.sections.sources.source import AnySource, Strained
from limbeck.config.sections.sources.surfaces import Surfaces

__all__ = [
    "AnySource",
    "Clusters",
    "Crystals",
    "Derivatives",
    "Disordered",
    "Generated",
    "MoleculeSource",
    "RandomCrystals",
    "Source",
    "Strained",
    "StructureFile",
    "Surfaces",
]

Source = Annotated[
    MoleculeSource
    | Crystals
    | RandomCrystals
    | Derivatives
    | Clusters
    | Surfaces
    | Disordered
    | StructureFile
    | Generated,
    Field(discriminator="kind"),
]
