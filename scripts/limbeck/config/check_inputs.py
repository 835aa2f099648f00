"""What can only be checked by opening files: SMILES, hashes, elements of file models."""

from collections.abc import Iterator
from typing import Any

from limbeck.config.plan import potential_meets
from limbeck.errors import LimbeckError
from limbeck.potentials.known import KINDS, SYMBOLS, known_elements
from limbeck.structures import elements_of

Config = dict[str, Any]


def check_inputs(config: Config) -> dict[str, dict[str, Any]]:
    """Check the files that a resolved config names.

    Args:
        config: the sections of it that :func:`limbeck.config.plan.checked` names.

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
    try:
        return elements_of(config["sources"][name])
    except LimbeckError as error:
        errors += [f"sources.{name}: {line}" for line in str(error).splitlines()]
        return frozenset()


def _potential(config: Config, name: str, errors: list[str]) -> frozenset[str] | None:
    """Symbols that a potential knows; None where they are not limited."""
    settings = {"name": name, **config["potentials"][name]}
    declared = known_elements(settings)
    try:
        if not KINDS[settings["model"]].from_file:
            _check_weights(settings)
            return declared
        found = _elements_of_file(settings)
    except LimbeckError as error:
        errors.append(str(error))
        return declared
    wrong = (declared or frozenset()) - found
    if wrong:
        errors.append(
            f"potentials.{name}.elements: {', '.join(_sorted(wrong))} not known to "
            f"{settings['path'] or settings['pretrained']}, expected some of "
            f"{', '.join(_sorted(found))}"
        )
    return found


def _check_weights(settings: Config) -> None:
    """Find, or download, the weights of a kind whose elements are known, and check their hash."""
    if KINDS[settings["model"]].downloads:
        from limbeck.potentials.models.orb_foundation import weights_file

        weights_file(settings)


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
