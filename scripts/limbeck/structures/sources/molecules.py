"""Molecules from SMILES: of a list, or put together; conformers of each."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from ase import Atoms
from rdkit import Chem
from rdkit.Chem import Descriptors

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import MoleculeSource
from limbeck.errors import LimbeckError, explained
from limbeck.frames import Frames
from limbeck.seeds import generator, torch_seed
from limbeck.structures.building.molecules.brics import from_fragments
from limbeck.structures.building.molecules.conformers import Conformer, embed, parse, rmsd_of
from limbeck.structures.building.molecules.species import ANY_CHARGE, ANY_SIZE, Limits, variants
from limbeck.structures.building.molecules.templates import from_templates, template_elements
from limbeck.structures.chemistry import chemistry_of_molecule
from limbeck.structures.reading.unpack import plain
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Refused,
    Structure,
    collect,
    electrons_of,
    number_generator,
)

log = logging.getLogger(__name__)

#: lines of a file that are no SMILES, told one by one
MOST_TOLD = 20
#: Angstrom, over all atoms. One minimum found twice agrees within some 0.02 (MMFF stops early on
#: flat torsions); two rotamers of a small molecule differ by 0.2 and more.
REPEAT_RMSD_A = 0.1


def generate(source: MoleculeSource, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is conformer ``n % conformers`` of molecule ``n // conformers``.

    Where ``conformers`` is not given that is one of each, and a list begins anew at its end.
    """
    molecules, limits = Molecules(source), Limits.of(source)
    each = source.conformers or 1
    # those that later numbers are compared with: of one molecule, or of all of a list that is gone
    # through again and again
    again = source.assemble == "none" and source.conformers is None
    keep = None if again and source.count > len(molecules) else each

    @lru_cache(maxsize=keep)
    def conformer(n: int) -> Conformer:
        name = f"generate/{source.name}/{n}/conformer"
        seed = torch_seed(job.seed, name) % 2**31  # RDKit takes a signed 32-bit integer
        return embed(molecules.of(n).smiles, seed)

    def make(n: int) -> Structure:
        line = molecules.of(n)
        if not limits.allow_molecule(parse(line.smiles)):
            raise Refused(reasons.OUTSIDE, line.smiles)
        if source.displacement_A == 0:
            _refuse_repeated(conformer, n, molecules.earlier(n))
        return _structure(source, job, n, conformer(n), line)

    return collect(job, make, name_of=molecules.name_of, together=each)


def elements(source: MoleculeSource) -> frozenset[str]:
    """Symbols of the elements of all molecules, hydrogens included.

    Lines of a list that are no SMILES are logged and left out.

    Raises:
        LimbeckError: there is no file, no line of it is a SMILES, or no molecule of it or of those
            that can be put together is within what the source asks for.
    """
    if source.assemble == "templates":
        found = template_elements(Limits.of(source))
    else:
        found = _elements_of_list(source)
    if source.assemble != "none":
        Molecules(source).of(0)
    return found


def _elements_of_list(source: MoleculeSource) -> frozenset[str]:
    found: set[str] = set()
    bad: list[str] = []
    limits = replace(Limits.of(source), charges=ANY_CHARGE)  # ions of what is within may be
    lines = read_smiles(_path(source))
    new = source.assemble != "none"
    for line in lines:
        try:
            mol = Chem.AddHs(parse(line.smiles))
            if new or limits.allow_molecule(mol):
                found |= {atom.GetSymbol() for atom in mol.GetAtoms()}
        except Refused:  # set aside when its shard is made
            bad.append(f"line {line.number}, {line.name:.80}")
    if len(bad) == len(lines):
        raise LimbeckError(f"{source.smiles}: RDKit can read no line of it, as {bad[0]}")
    for text in bad[:MOST_TOLD]:
        log.warning("%s, %s: RDKit cannot read the SMILES, and it is left out", source.smiles, text)
    if len(bad) > MOST_TOLD:
        log.warning("%s: and %d lines more", source.smiles, len(bad) - MOST_TOLD)
    if not found:
        raise LimbeckError(f"{source.smiles}: no molecule of it is {_asked(source)}")
    return frozenset(found & set(source.elements)) if source.elements else frozenset(found)


def groups(source: MoleculeSource) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each conformer, of molecules that can be read."""
    molecules, limits = Molecules(source), Limits.of(source)

    @cache
    def found(smiles: str) -> tuple[str, frozenset[str]] | None:
        try:
            mol = Chem.AddHs(parse(smiles))
        except Refused:
            return None
        if not limits.allow_molecule(mol):
            return None
        return chemistry_of_molecule(mol), frozenset(a.GetSymbol() for a in mol.GetAtoms())

    for n in range(source.count):
        try:
            own = found(molecules.of(n).smiles)
        except Refused:  # there are no more molecules
            return
        if own is not None:
            yield own


class Line(NamedTuple):
    """One molecule: a line of a list of SMILES, or what was made of it.

    Attributes:
        name: as the list has it; the SMILES where it has none.
        number: of the line, or of a new molecule.
    """

    smiles: str
    name: str
    number: int


class Molecules:
    """The molecules of a source, in one order; new ones are made when they are asked for."""

    def __init__(self, source: MoleculeSource) -> None:
        """Opens the list, where there is one.

        Raises:
            LimbeckError: as :func:`read_smiles`.
        """
        self._source = source
        self._each = source.conformers or 1
        self._found: list[Line] = []
        self._more: Iterator[Line] = iter(())
        if source.assemble == "none" and not source.has_variants:
            self._found = read_smiles(_path(source))
        else:
            self._more = _made(source)

    def __len__(self) -> int:
        """Number of molecules that are known by now."""
        return len(self._found)

    def of(self, n: int) -> Line:
        """The molecule of structure n.

        Raises:
            Refused: there are fewer molecules, or it has all its conformers.
            LimbeckError: none can be put together at all.
        """
        place = n // self._each
        while place >= len(self._found):
            more = next(self._more, None)
            if more is None:
                place = self._again(place)
                break
            self._found.append(more)
        return self._found[place]

    def _again(self, place: int) -> int:
        """Where a list that has begun anew stands."""
        count = len(self._found)
        if self._source.assemble != "none":
            if not count:
                raise LimbeckError(_none_made(self._source))
            raise Refused(reasons.NO_MORE, count, place + 1)
        if self._source.conformers:
            raise Refused(reasons.REPEATED, place, count - 1)
        return place % count

    def earlier(self, n: int) -> range:
        """Smaller numbers of conformers of the same molecule."""
        if self._source.conformers:
            return range(n - n % self._each, n)
        return range(n % len(self), n, len(self)) if n >= len(self) else range(0)

    def name_of(self, n: int) -> str:
        """What the user calls the molecule of structure n; empty where there is none."""
        try:
            return self.of(n).name
        except Refused:
            return ""


def _made(source: MoleculeSource) -> Iterator[Line]:
    """New molecules, or those of a list, each with its variants."""
    limits = Limits.of(source)
    seen: set[str] = set()
    for line in _assembled(source, limits) if source.assemble != "none" else _lines(source):
        try:
            every = variants(parse(line.smiles), source, limits) if source.has_variants else ()
            own = [s for s in every if s not in seen] if source.has_variants else [line.smiles]
        except Refused:  # set aside under its number
            own = [line.smiles]
        seen.update(own)
        for smiles in own:
            if source.assemble == "none" or limits.allow_molecule(parse(smiles)):
                yield line._replace(smiles=smiles)


def _assembled(source: MoleculeSource, limits: Limits) -> Iterator[Line]:
    rng = generator(source.assembly_seed, f"assemble/{source.name}")
    if source.ions:  # made of neutral ones
        least, most = limits.charges
        limits = replace(limits, charges=(min(least, 0), max(most, 0)))
    if source.assemble == "templates":
        found = from_templates(limits, rng)
    else:
        found = from_fragments(list(_readable(source)), limits, rng)
    for n, smiles in enumerate(found):
        yield Line(smiles, smiles, n)


def _readable(source: MoleculeSource) -> Iterator[str]:
    """Canonical SMILES of the list."""
    for line in _lines(source):
        with suppress(Refused):
            yield Chem.MolToSmiles(parse(line.smiles))


def _lines(source: MoleculeSource) -> list[Line]:
    return read_smiles(_path(source))


def _path(source: MoleculeSource) -> str:
    if source.smiles is None:
        raise LimbeckError("smiles: not given, expected the path of a list of SMILES")
    return source.smiles


def _none_made(source: MoleculeSource) -> str:
    if source.assemble == "templates":
        return f"assemble: no molecule of the templates is {_asked(source)}"
    cut = "is none of the list large enough for a bond that BRICS cuts?"
    return f"assemble: of fragments comes no new molecule {_asked(source)}; {cut}"


def _asked(source: MoleculeSource) -> str:
    """What a source wants of its molecules, for an error."""
    limits = Limits.of(source)
    parts = [f"of {', '.join(source.elements)}"] if source.elements else []
    parts += [f"of {limits.n_heavy[0]} to {limits.n_heavy[1]} heavy atoms"] * (
        limits.n_heavy != ANY_SIZE
    )
    parts += [f"of {limits.n_atoms[0]} to {limits.n_atoms[1]} atoms"] * (limits.n_atoms != ANY_SIZE)
    parts += [f"with a charge of {limits.charges[0]} to {limits.charges[1]}"] * (
        limits.charges != ANY_CHARGE
    )
    hint = "" if "H" in (source.elements or "H") else " (hydrogen has to be named as well)"
    return " and ".join(parts) + hint


def read_smiles(path: str | Path) -> list[Line]:
    """Every line that has a SMILES, or should have.

    The file may be packed, or have a byte-order mark, as those of a source of structures. Only a
    line that begins with ``#`` is a comment: inside one, # is a triple bond.

    Raises:
        LimbeckError: the file is missing or holds no line.
    """
    if not Path(path).is_file():
        raise LimbeckError(f"{path}: no such file, expected one 'SMILES name' per line")
    with explained(f"{path}: no text"):
        file, _unpacked = plain(Path(path))  # which stays as long as it has a name
        lines = [line.split(maxsplit=1) for line in file.read_text("utf-8").splitlines()]
    found = [
        Line(words[0], words[-1].strip(), number)
        for number, words in enumerate(lines, start=1)
        if words and not words[0].startswith("#")
    ]
    if not found:
        raise LimbeckError(f"{path}: no SMILES in it, expected one 'SMILES name' per line")
    return found


def _refuse_repeated(conformer: Callable[[int], Conformer], n: int, numbers: Iterable[int]) -> None:
    """Compare with conformers of smaller numbers, made anew where another shard has them."""
    own = conformer(n)
    for earlier in numbers:
        try:
            rmsd = rmsd_of(own, conformer(earlier))
        except Refused:  # that one was not made itself
            continue
        if rmsd < REPEAT_RMSD_A:
            raise Refused(reasons.REPEATED_CONFORMER, rmsd, REPEAT_RMSD_A)


def _structure(
    source: MoleculeSource,
    job: GenerateStructures,
    n: int,
    conformer: Conformer,
    line: Line,
) -> Structure:
    mol = conformer.mol
    atoms = Atoms([a.GetAtomicNum() for a in mol.GetAtoms()], mol.GetConformer().GetPositions())
    if source.displacement_A > 0:
        rng = number_generator(job, n)
        atoms.positions += rng.normal(0.0, source.displacement_A, atoms.positions.shape)
    # unpaired electrons, as written in the SMILES
    atoms.info = {"charge": Chem.GetFormalCharge(mol)}
    atoms.info["unpaired_electrons"] = Descriptors.NumRadicalElectrons(mol)
    charge, spin, _ = electrons_of(atoms)
    info = {
        "number": n,
        "smiles": line.smiles,
        "name": line.name,
        "force_field": conformer.force_field,
    }
    if source.assemble != "none":
        info["made_by"] = source.assemble
    return Structure(atoms, chemistry_of_molecule(mol), info, charge, spin)
