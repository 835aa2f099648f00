"""Surfaces: slabs by Miller indices and terminations, bare or with molecules on them."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, get_args

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from pymatgen.core import Structure as Crystal
from pymatgen.io.ase import AseAtomsAdaptor

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import StructureFile, Surfaces
from limbeck.config.sections.sources.crystals import PrototypeName
from limbeck.config.sections.sources.source import MOST_ATOMS
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.reasons import Refused
from limbeck.seeds import torch_seed
from limbeck.structures.building.adsorption import adsorbed, sites_of, stood_up, surface_atoms
from limbeck.structures.building.bodies import body, numbers_of
from limbeck.structures.building.slabs import (
    Cut,
    Miller,
    cuts,
    in_vacuum_of,
    miller_indices,
    planes,
)
from limbeck.structures.chemistry import chemistry
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Structure,
    check_sound,
    collect,
    number_generator,
    random_strain,
    refuse_repeat,
)
from limbeck.structures.sources.crystals import choose_entries, conventional_cell
from limbeck.structures.sources.files import frames_of, name_of

log = logging.getLogger(__name__)

#: Angstrom, where the config says neither a thickness nor a number of layers
THICKNESS_A = 6.0
#: faces whose slabs are kept in memory: structures of a shard go through the bulks in turn
MOST_FACES = 512


class Bulk(NamedTuple):
    """A crystal that is cut: its name, what its frames' info says of it, and how it is got."""

    name: str
    info: dict[str, Any]
    crystal: Callable[[], Crystal]


class Variant(NamedTuple):
    """What is made of one face of a crystal.

    Attributes:
        cut: which slab of the face, by its place in the list.
        upside_down: whether molecules are put on what was its lower face.
        adsorbate, kind, site, coverage: a molecule's SMILES, and where it goes; of a bare slab "",
            "", -1 and 0. Site -1 of a molecule: there is none of the kind.
    """

    cut: int
    upside_down: bool = False
    adsorbate: str = ""
    kind: str = ""
    site: int = -1
    coverage: float = 0.0


def generate(source: Surfaces, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is cut from crystal ``n % len(crystals)``, and goes through its faces in turn.

    Round r of a face is its variant number r: its terminations, bare, and then with each molecule
    on each site. Slabs of a face are cut when the first of its structures is made.
    """
    if source.fixed_layers:
        log.warning(
            "%s: fixed_layers are listed in the info of frames; no sampling holds atoms still",
            source.name,
        )
    return collect(job, _Maker(source, job).structure)


def elements(source: Surfaces) -> frozenset[str]:
    """Symbols of the elements of all crystals and molecules.

    Raises:
        LimbeckError: as those of crystals and files, or a SMILES is wrong.
    """
    of_molecules = _elements_of_molecules(source)
    if source.path is None:
        return of_molecules | {s for e in _entries(source) for s in _symbols(e.formula)}
    found: set[str] = set()
    for n in range(len(frames_of(_file(source)))):
        try:
            found |= set(_from_file(source, n).get_chemical_symbols())
        except Refused:  # set aside when its shard is made
            continue
    if not found:
        raise LimbeckError(f"path: {source.path}: no crystal in it that can be cut")
    return of_molecules | found


def groups(source: Surfaces) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each structure: the chemistry of its crystal, whatever is on it."""
    of_molecules = _elements_of_molecules(source)
    made: list[tuple[str, frozenset[str]]] = []
    if source.path is None:
        for entry in _entries(source):
            atoms = Atoms(entry.formula, pbc=True)
            made.append((chemistry(atoms), frozenset(_symbols(entry.formula)) | of_molecules))
    else:
        for n in range(len(frames_of(_file(source)))):
            try:
                atoms = _from_file(source, n)
            except Refused:
                continue
            made.append((chemistry(atoms), frozenset(atoms.get_chemical_symbols()) | of_molecules))
    yield from (made[n % len(made)] for n in range(source.count if made else 0))


def _elements_of_molecules(source: Surfaces) -> frozenset[str]:
    numbers = [numbers_of("adsorbates", smiles) for smiles in source.adsorbates or ()]
    return frozenset(chemical_symbols[z] for own in numbers for z in own.tolist())


def _symbols(formula: str) -> set[str]:
    return set(Atoms(formula).get_chemical_symbols())


def _entries(source: Surfaces) -> list[Any]:
    prototypes = source.prototypes or list(get_args(PrototypeName))
    return choose_entries(prototypes, source.elements, source.compounds)


def _file(source: Surfaces) -> StructureFile:
    return StructureFile(kind="file", name=source.name, path=str(source.path), count=MOST_ATOMS)


def _from_file(source: Surfaces, n: int) -> Atoms:
    """Crystal n of the file.

    Raises:
        Refused: it cannot be read, or is no crystal.
    """
    atoms = frames_of(_file(source))[n]()
    check_sound(atoms)
    if not atoms.pbc.all() or len(atoms) == 0:
        raise Refused(reasons.NOT_A_CRYSTAL, str(atoms.pbc.tolist()))
    return atoms


def _bulks(source: Surfaces) -> list[Bulk]:
    if source.path is None:
        return [
            Bulk(
                f"{entry.formula}-{entry.prototype}",
                {"prototype": entry.prototype},
                lambda entry=entry: conventional_cell(entry),  # type: ignore[misc]
            )
            for entry in _entries(source)
        ]

    def read(n: int) -> Crystal:
        return AseAtomsAdaptor.get_structure(Atoms(_from_file(source, n)))

    return [
        Bulk(
            name_of(frame, Atoms()),
            {"file": frame.file, "frame_in_file": frame.number},
            lambda n=n: read(n),  # type: ignore[misc]
        )
        for n, frame in enumerate(frames_of(_file(source)))
    ]


class _Maker:
    """Makes structures of a shard, and keeps what it has cut."""

    def __init__(self, source: Surfaces, job: GenerateStructures) -> None:
        self.source, self.job = source, job
        self.bulks = _bulks(source)
        self.crystal = cache(lambda b: self.bulks[b].crystal())
        self.faces = cache(lambda b: miller_indices(self.crystal(b), source.max_miller))
        self.cuts = lru_cache(MOST_FACES)(self._cuts)
        self.sites = lru_cache(MOST_FACES)(self._sites)
        self.variants = lru_cache(MOST_FACES)(self._variants)

    def structure(self, n: int) -> Structure:
        """Structure number n.

        Raises:
            Refused: there is none, or not as it is asked for.
        """
        b, turn = n % len(self.bulks), n // len(self.bulks)
        faces = self.faces(b)
        face, turn = faces[turn % len(faces)], turn // len(faces)
        variants = self.variants(b, face)
        if not variants:
            kind = "symmetric" if self.source.symmetric else "not polar"
            raise Refused(reasons.NO_SLAB, _miller_text(face), kind)
        if self.source.strain == 0:
            refuse_repeat(turn, len(variants))
        variant = variants[turn % len(variants)]
        return self._made(n, b, face, variant)

    def _made(self, n: int, b: int, face: Miller, variant: Variant) -> Structure:
        cut = self.cuts(b, face)[variant.cut]
        rng = number_generator(self.job, n)
        strain = random_strain(rng, self.source.strain)
        unit = _strained(cut.faces[variant.upside_down], strain)
        atoms = unit.repeat([*self.source.supercell, 1])
        fixed = np.flatnonzero(planes(atoms.positions[:, 2]) < self.source.fixed_layers)
        info: dict[str, Any] = {"number": n, **self.bulks[b].info, "miller": list(face)}
        info |= {"termination": cut.termination, "upside_down": variant.upside_down}
        info |= {} if cut.polar is None else {"polar": cut.polar}
        on_it = ""
        if variant.adsorbate:
            atoms, more = self._with_molecules(b, face, unit, atoms, variant, rng, strain)
            info |= more
            on_it = f"+{variant.adsorbate}-{variant.kind}"
        self._check_size(len(atoms))
        name = f"{self.bulks[b].name}{_miller_text(face)}{on_it}"
        if self.source.fixed_layers:
            info["fixed_atoms"] = fixed.tolist()
        made, vacuum = in_vacuum_of(atoms, self.source.vacuum_A)
        group = chemistry(Atoms(self.crystal(b).atomic_numbers, pbc=True))
        return Structure(made, group, {**info, "name": name, **vacuum})

    def _with_molecules(
        self,
        b: int,
        face: Miller,
        unit: Atoms,
        slab: Atoms,
        variant: Variant,
        rng: np.random.Generator,
        strain: np.ndarray,
    ) -> tuple[Atoms, dict[str, Any]]:
        if variant.site < 0:
            raise Refused(reasons.NO_SITES, variant.kind, _miller_text(face))
        repeats = self.source.supercell
        sites, upper = self.sites(b, face, variant.cut, variant.upside_down)
        there = upper * repeats[0] * repeats[1]
        count = round(variant.coverage * there)
        if count == 0:
            raise Refused(reasons.NO_COVERAGE, there, variant.coverage)
        seed = torch_seed(self.job.seed, f"generate/{self.source.name}/{variant.adsorbate}")
        molecule = body(variant.adsorbate, seed % 2**31)
        molecules = [stood_up(molecule, rng) for _ in range(count)]
        site = sites[variant.kind][variant.site] @ _in_plane(strain)
        made = adsorbed(slab, molecules, site, unit.cell.array, repeats)
        return made, {
            "adsorbate": variant.adsorbate,
            "site": variant.kind,
            "site_number": variant.site,
            "n_adsorbates": count,
            "coverage": count / there,
        }

    def _check_size(self, size: int) -> None:
        least, most = self.source.n_atoms
        if size < least:
            raise Refused(reasons.TOO_FEW_ATOMS, size, least)
        if size > most:
            raise Refused(reasons.TOO_MANY_ATOMS, size, most)

    def _cuts(self, b: int, face: Miller) -> list[Cut]:
        source = self.source
        thickness = source.thickness_A or THICKNESS_A
        found = cuts(
            self.crystal(b),
            face,
            layers=source.layers,
            thickness=thickness,
            symmetric=source.symmetric,
        )
        return [c for c in found if source.polar or not c.polar][: source.terminations]

    def _sites(
        self, b: int, face: Miller, cut: int, upside_down: bool
    ) -> tuple[dict[str, list[np.ndarray]], int]:
        """Sites of a face in its smallest cell, and its number of atoms at the surface."""
        atoms = self.cuts(b, face)[cut].faces[upside_down]
        return sites_of(atoms), surface_atoms(atoms)

    def _variants(self, b: int, face: Miller) -> list[Variant]:
        """Bare slabs, then those with molecules; which sites there are is asked only if needed."""
        found = self.cuts(b, face)
        variants = [Variant(k) for k in range(len(found))]
        if not self.source.adsorbates:
            return variants
        return variants + [
            Variant(k, bool(side), smiles, kind, site, coverage)
            for k, cut in enumerate(found)
            for side in range(len(cut.faces))
            for kind, places in _wanted(self.source.sites, self.sites(b, face, k, bool(side))[0])
            for site in places
            for smiles in self.source.adsorbates
            for coverage in self.source.coverages
        ]


def _wanted(
    kinds: Sequence[str], sites: dict[str, list[np.ndarray]]
) -> Iterator[tuple[str, list[int]]]:
    """Numbers of the sites of each kind; -1 where there is none, which is refused later."""
    for kind in kinds:
        yield kind, list(range(len(sites[kind]))) or [-1]


def _miller_text(face: Miller) -> str:
    return f"({''.join(map(str, face))})"


def _in_plane(strain: np.ndarray) -> np.ndarray:
    """The part of a strain that leaves heights alone."""
    own = np.eye(3)
    own[:2, :2] = strain[:2, :2]
    return own


def _strained(atoms: Atoms, strain: np.ndarray) -> Atoms:
    made = atoms.copy()
    own = _in_plane(strain)
    made.positions = made.positions @ own
    made.set_cell(made.cell.array @ own, scale_atoms=False)
    return made
