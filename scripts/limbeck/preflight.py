"""What can only be checked by opening files: SMILES, hashes, elements of file models."""

import logging
from collections.abc import Iterator
from typing import Any

from limbeck.errors import LimbeckError
from limbeck.plan import potential_meets
from limbeck.potentials.known import KINDS, SYMBOLS, known_elements

log = logging.getLogger(__name__)

Config = dict[str, Any]


def preflight(config: Config) -> dict[str, dict[str, Any]]:
    """Check the files that a resolved config names.

    Args:
        config: sources, sampling, select, labels, potentials and warrant of it.

    Returns:
        "config": what was checked; "sources" and "potentials": name -> symbols of its elements,
        sorted by atomic number. Potentials that take any element are left out.

    Raises:
        LimbeckError: something is wrong; one line for each error.
    """
    errors: list[str] = []
    sources = {name: _source(config, name, errors) for name in config["sources"]}
    potentials = {name: _potential(config, name, errors) for name in config["potentials"]}
    errors += _unserved(config, sources, potentials)
    if errors:
        raise LimbeckError("\n".join(dict.fromkeys(errors)))
    return {
        "config": config,
        "sources": {name: _sorted(elements) for name, elements in sources.items()},
        "potentials": {name: _sorted(e) for name, e in potentials.items() if e is not None},
    }


def _source(config: Config, name: str, errors: list[str]) -> frozenset[str]:
    """Symbols of the elements that a source is made of."""
    source = config["sources"][name]
    read = {"rdkit": _smiles, "pymatgen": _crystals, "ase": _clusters, "file": _file}
    try:
        return read[source["kind"]](source)
    except LimbeckError as error:
        errors += [f"sources.{name}: {line}" for line in str(error).splitlines()]
        return frozenset()


def _smiles(source: Config) -> frozenset[str]:
    from rdkit import Chem, rdBase

    from limbeck.structures.molecules import read_smiles

    elements: set[str] = set()
    bad: list[str] = []
    with rdBase.BlockLogs():
        for smiles, name in read_smiles(source["smiles"]):
            molecule = Chem.MolFromSmiles(smiles)
            if molecule is None:
                bad.append(f"{source['smiles']}: {name}: RDKit cannot read the SMILES {smiles!r}")
            else:
                elements |= {atom.GetSymbol() for atom in Chem.AddHs(molecule).GetAtoms()}
    if bad:
        raise LimbeckError("\n".join(bad))
    return frozenset(elements)


def _crystals(source: Config) -> frozenset[str]:
    from pymatgen.core import Composition

    from limbeck.structures.crystals import choose

    entries = choose(source["prototypes"], source["elements"], source["compounds"])
    return frozenset(e.symbol for entry in entries for e in Composition(entry.formula))


def _clusters(source: Config) -> frozenset[str]:
    return frozenset(source["elements"])


def _file(source: Config) -> frozenset[str]:
    from ase.io import iread

    from limbeck.structures.files import read_file

    read_file(source["path"])  # says in one line what is wrong with the file as a whole
    elements: set[str] = set()
    try:
        for atoms in iread(source["path"]):
            elements |= set(atoms.get_chemical_symbols())
    except Exception as error:  # a bad frame is refused when its shard is made, not here
        log.warning("%s: elements behind a bad frame are not checked: %s", source["path"], error)
    return frozenset(elements)


def _potential(config: Config, name: str, errors: list[str]) -> frozenset[str] | None:
    """Symbols that a potential knows; None where they are not limited."""
    settings = {"name": name, **config["potentials"][name]}
    declared = known_elements(settings)
    try:
        if not KINDS[settings["model"]].from_file:
            _check_hash(settings)
            return declared
        found = _elements_of_file(settings)
    except LimbeckError as error:
        errors.append(str(error))
        return declared
    wrong = (declared or frozenset()) - found
    if wrong:
        errors.append(
            f"potentials.{name}.elements: {', '.join(_sorted(wrong))} not known to "
            f"{settings['path']}, expected some of {', '.join(_sorted(found))}"
        )
    return found


def _check_hash(settings: Config) -> None:
    from limbeck.potentials.weights import checked_path

    if settings.get("path"):
        checked_path(settings)


def _elements_of_file(settings: Config) -> frozenset[str]:
    from limbeck.potentials import open_potential

    numbers = open_potential(settings).about.elements
    return frozenset(SYMBOLS[z - 1] for z in numbers)


def _unserved(
    config: Config,
    sources: dict[str, frozenset[str]],
    potentials: dict[str, frozenset[str] | None],
) -> Iterator[str]:
    for potential, field, source in potential_meets(config):
        known = potentials[potential]
        missing = sources[source] - known if known is not None else None
        if missing:
            yield (
                f"{field}: {potential!r} does not know {', '.join(_sorted(missing))} of "
                f"sources.{source}, expected a potential that does"
            )


def _sorted(elements: frozenset[str]) -> list[str]:
    return sorted(elements, key=SYMBOLS.index)
