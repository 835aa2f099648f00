"""Sources: where structures come from; a module for each kind, and a line in the union below."""

from typing import Annotated

from pydantic import Field

from limbeck.config.sections.sources.clusters import Clusters
from limbeck.config.sections.sources.crystals import Crystals
from limbeck.config.sections.sources.derivatives import Derivatives
from limbeck.config.sections.sources.files import StructureFile
from limbeck.config.sections.sources.generated import Generated
from limbeck.config.sections.sources.molecules import MoleculeSource
from limbeck.config.sections.sources.random_crystals import RandomCrystals
from limbeck.config.sections.sources.source import AnySource, Strained

__all__ = [
    "AnySource",
    "Clusters",
    "Crystals",
    "Derivatives",
    "Generated",
    "MoleculeSource",
    "RandomCrystals",
    "Source",
    "Strained",
    "StructureFile",
]

Source = Annotated[
    MoleculeSource | Crystals | RandomCrystals | Derivatives | Clusters | StructureFile | Generated,
    Field(discriminator="kind"),
]
