"""What can only be checked by opening files: SMILES, hashes, elements of file models."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from limbeck.config.checks import unserved
from limbeck.config.config import Config
from limbeck.config.plan import CHECKED, content, potential_meets, reserves, takers
from limbeck.config.sections.known import SYMBOLS
from limbeck.config.sections.potentials import AnyPotential
from limbeck.config.sections.sources import AnySource
from limbeck.errors import LimbeckError

Elements = Collection[str] | None


def check_inputs(
    config: Config,
    of_source: Callable[[AnySource], Elements],
    of_weights: Callable[[AnyPotential], Elements],
) -> dict[str, Any]:
    """Check the files that a config names.

    Args:
        of_source: opens a source's files; symbols of the elements that it is made of.
        of_weights: opens a potential's weights where they are a file, and checks their hash;
            symbols of the elements that they know, None where they do not tell.

    Returns:
        "config": what was checked; "content": a hash of the files of each source; "sources" and
        "potentials": name -> symbols of its elements, sorted by atomic number. Potentials that take
        any element are left out.

    Raises:
        LimbeckError: something is wrong; one line for each error.
    """
    errors: list[str] = []
    sources, potentials = {}, {}
    idle = {name for name in reserves(config) if not takers(config, name)}
    for name, source in config.sources.items():
        found = None if name in idle else _told(of_source, source, errors, f"sources.{name}: ")
        sources[name] = found or []
    for name in reserves(config):
        for taker in takers(config, name):
            sources[taker] = {*sources[taker], *sources[name]}
    for name, potential in config.potentials.items():
        found = _told(of_weights, potential, errors)
        errors += _untrue(potential, found)
        potentials[name] = potential.known_elements if found is None else found
    errors += _unserved(config, sources, potentials)
    if errors:
        raise LimbeckError("\n".join(dict.fromkeys(errors)))
    return {
        "config": config.model_dump(mode="json", include=CHECKED),
        "content": content(config),
        "sources": {name: _sorted(elements) for name, elements in sources.items()},
        "potentials": {name: _sorted(e) for name, e in potentials.items() if e is not None},
    }


def _told(
    elements_of: Callable[[Any], Elements], section: Any, errors: list[str], where: str = ""
) -> Elements:
    """What the files of a section tell; None, and a line for each error, where they cannot."""
    try:
        return elements_of(section)
    except LimbeckError as error:
        errors += [f"{where}{line}" for line in str(error).splitlines()]
        return None


def _untrue(potential: AnyPotential, found: Elements) -> Iterator[str]:
    """Elements that the config declares and the weights do not know."""
    wrong = set(potential.known_elements or ()) - set(found or ()) if found is not None else set()
    if wrong:
        yield (
            f"potentials.{potential.name}.elements: {', '.join(_sorted(wrong))} not known to its "
            f"weights, expected some of {', '.join(_sorted(found or ()))}"
        )


def _unserved(
    config: Config, sources: Mapping[str, Collection[str]], potentials: Mapping[str, Elements]
) -> Iterator[str]:
    for potential, field, source in potential_meets(config):
        known = potentials[potential]
        missing = set(sources[source]) - set(known) if known is not None else set()
        if missing:
            yield unserved(field, potential, source, _sorted(missing))


def _sorted(elements: Collection[str]) -> list[str]:
    return sorted(elements, key=SYMBOLS.index)
