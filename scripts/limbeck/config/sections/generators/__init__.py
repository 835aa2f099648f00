"""Generators: generative models that are run for structures; a class for each program."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection
from limbeck.config.sections.generators.weights import ABOUT, MATTERGEN, About
from limbeck.config.sections.known import SYMBOLS
from limbeck.config.sections.messages import one_of, shown
from limbeck.config.sections.potentials import Sha256

__all__ = ["ABOUT", "AnyGenerator", "CrystalFlow", "Generator", "GeoDiff", "MatterGen", "MolDiff"]

if TYPE_CHECKING:
    Property: TypeAlias = str
else:
    _ASKED = {name for asked, *_ in MATTERGEN.values() for name in asked}
    Property = Literal[tuple(sorted(_ASKED - {"chemical_system", "space_group"}))]


class AnyGenerator(NamedSection):
    """What all programs have."""

    program: str
    """The generative model; docs/generators.md says how each gets its environment and weights."""
    count: t.Count
    """Number of structures that are asked for, over all shards; more are never handed on, fewer
    where max_rounds are not enough."""
    shards: t.Count = 1
    """Number of jobs that this is cut into."""
    batch_size: t.Count = 16
    """Structures that are made at once; the memory of the graphics card limits it, and what is made
    depends on it."""
    max_rounds: t.Count = 3
    """How often the program is asked, at most; what is of no use is asked for again with another
    seed."""
    seed: t.Whole | None = None
    """Where its random numbers start; not given, those of the run."""
    elements: t.Some[t.Element] | None = None
    """Symbols of the elements that a structure may have, any where not given; what has others is
    refused and asked for again, and the share that is lost so is in the report. The sources that
    take from it have the same limits where they have none."""
    python: t.UserPath | None = None
    """Path of a Python in whose environment the program is; not given, the one of
    envs/{program}.yaml, with --use-conda, or of the run."""
    repository: t.UserPath | None = None
    """Path of a clone of the program, of those that are run from one; not given, the one that its
    environment has."""
    if_missing: Literal["stop", "skip"] = "stop"
    """What happens where the program or its weights are not there; stop with an error, or go on
    without it."""

    @property
    def about(self) -> About:
        """What is known of the program."""
        return ABOUT[self.program]

    @property
    def declared_elements(self) -> list[str] | None:
        """Symbols of the elements that what it makes may have; None for any."""
        return self.elements

    def faults(self) -> Iterator[Fault]:
        """More shards than structures."""
        if self.shards > self.count:
            yield "shards", f"{self.shards}, expected at most its count, {self.count}"


class MatterGen(AnyGenerator):
    """Crystals of up to 20 atoms, of any elements or of what they are to be."""

    program: Literal["mattergen"]
    weights: t.UserPath = "mattergen_base"
    """Name of its weights, which `snakemake fetch_weights` gets, or path of a folder with
    config.yaml and checkpoints/last.ckpt."""
    sha256: Sha256 | None = None
    """SHA-256 of the folder of weights, needed with a path (`limbeck hash FOLDER` prints it)."""
    chemical_system: t.Some[t.Element] | None = None
    """Symbols of the elements of every crystal, all of them in each."""
    space_group: Annotated[int, Field(ge=1, le=230)] | None = None
    """Number of the space group that is asked for; crystals come near it."""
    properties: dict[Property, float] = Field(default={})
    """Properties that are asked for; dft_band_gap in eV, dft_mag_density in Bohr magnetons per
    cubic Angstrom, ml_bulk_modulus in GPa, energy_above_hull in eV/atom, hhi_score without unit."""
    guidance_factor: t.Positive = 2.0
    """How strongly it is drawn to what is asked for; at 0, its own default, it would ignore it."""
    steps: t.Count | None = None
    """Steps of the sampler, where not given, its own 1000; as many as the weights were trained
    with."""

    @property
    def conditions(self) -> dict[str, Any]:
        """All that is asked for, as the program calls it."""
        asked: dict[str, Any] = dict(self.properties)
        if self.chemical_system:
            asked["chemical_system"] = "-".join(self.chemical_system)
        if self.space_group:
            asked["space_group"] = self.space_group
        return dict(sorted(asked.items()))

    @property
    def declared_elements(self) -> list[str] | None:
        """Those of the chemical system, where it has one."""
        return self.elements or self.chemical_system

    def faults(self) -> Iterator[Fault]:
        """Weights that are none, or that cannot be asked for what is asked."""
        yield from super().faults()
        if self.weights in MATTERGEN:
            able = MATTERGEN[self.weights][0]
            if self.conditions and set(self.conditions) != set(able):
                fits = [
                    name for name, (own, *_) in MATTERGEN.items() if {*own} == {*self.conditions}
                ]
                told = f"expected {' or '.join(fits)}" if fits else "no weights can be asked so"
                text = f"cannot be asked for {', '.join(self.conditions)}; {told}"
                yield "weights", f"{shown(self.weights)} {text}"
        elif "/" not in self.weights:
            yield "weights", f"{shown(self.weights)}, {one_of(self.weights, MATTERGEN)}, or a path"
        elif not self.sha256:
            yield "sha256", f"not given, expected that of {self.weights}"


class _FromFile(AnyGenerator):
    """A program that is run with weights at a path."""

    weights: t.UserPath
    """Path of its weights; for crystalflow a folder, for moldiff and geodiff a .pt file, which has
    checkpoints as its folder and a .yml beside that for geodiff."""
    sha256: Sha256
    """SHA-256 of the weights (`limbeck hash PATH` prints it); they are pickles, which can run any
    code."""


class CrystalFlow(_FromFile):
    """Crystals of formulas, or of sizes as in a data set."""

    program: Literal["crystalflow"]
    formulas: t.Some[t.Plain] | None = None
    """What is in a cell, as Na4Cl4, in turn; weights for crystal structure prediction. Not given,
    anything is made, by weights for de novo generation."""
    sizes_of: Literal["mp_20", "carbon_24", "perov_5", "alex_20", "alex_mp_20"] = "mp_20"
    """Data set whose numbers of atoms are drawn where there are no formulas."""
    steps: t.Count = 100
    """Steps of the integration."""
    anneal_slope: t.NotNegative = 5.0
    """How fast coordinates settle, with formulas."""

    @property
    def declared_elements(self) -> list[str] | None:
        """Those of the formulas, where it has some."""
        found = {e for formula in self.formulas or [] for e in _counts(formula)}
        return self.elements or sorted(found) or None

    def faults(self) -> Iterator[Fault]:
        """Formulas that are none, or of other elements than are allowed."""
        yield from super().faults()
        for formula in self.formulas or []:
            found = _counts(formula)
            if not found:
                yield "formulas", f"{shown(formula)}, expected what is in a cell, as Na4Cl4"
            elif others := [e for e in found if self.elements and e not in self.elements]:
                yield "formulas", f"{shown(formula)}: {', '.join(others)} is not among elements"


class MolDiff(_FromFile):
    """Drug-like molecules, to which hydrogens are added."""

    program: Literal["moldiff"]
    n_heavy_atoms: t.Bounds | None = None
    """Smallest and largest number of heavy atoms, drawn evenly; not given, 25 with a standard
    deviation of 6, as in GEOM-Drugs."""
    bond_predictor: t.UserPath | None = None
    """Path of the weights that guide its bonds."""
    bond_predictor_sha256: Sha256 | None = None
    """SHA-256 of these."""
    guidance_factor: t.Positive = 1e-4
    """How strongly they guide."""

    def faults(self) -> Iterator[Fault]:
        """Half of what guides."""
        yield from super().faults()
        if (self.bond_predictor is None) != (self.bond_predictor_sha256 is None):
            yield "bond_predictor_sha256", "expected it with bond_predictor, and not without"


class GeoDiff(_FromFile):
    """Conformers of molecules; for drug-sized ones ETKDG with clustering is as good
    (arXiv 2302.07061)."""

    program: Literal["geodiff"]
    smiles: t.UserPath
    """Path of a text file with one "SMILES name" per line, taken in turn."""
    w_global: t.NotNegative = 0.3
    """Weight of forces between atoms that are far apart in the graph of bonds; 0.3 for qm9_default,
    1 for drugs_default."""
    steps: t.Count = 5000
    """Steps of the sampler, at most as many as the weights were trained with."""


def _counts(formula: str) -> dict[str, int]:
    """Element -> number in a formula; empty where it is none of whole numbers."""
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", formula)
    if "".join(e + n for e, n in parts) != formula or any(e not in SYMBOLS for e, _ in parts):
        return {}
    found: dict[str, int] = {}
    for element, number in parts:
        found[element] = found.get(element, 0) + int(number or 1)
    return found if all(found.values()) else {}


def filled(source: dict[str, Any], generator: dict[str, Any]) -> dict[str, Any]:
    """A source of a config, still to be validated, with what follows from its generator."""
    about = ABOUT.get(str(generator.get("program")))
    told: dict[str, Any] = {"elements": generator.get("elements")}
    if about:
        told |= {"model": about.title, "licence": about.licence, "citation": about.citation}
    formulas = generator.get("formulas") or []
    of_formulas = {e for f in formulas if isinstance(f, str) for e in _counts(f)}
    told["elements"] = told["elements"] or generator.get("chemical_system") or sorted(of_formulas)
    return {**{name: value for name, value in told.items() if value}, **source}


Generator = Annotated[
    MatterGen | CrystalFlow | MolDiff | GeoDiff,
    Field(discriminator="program"),
]
