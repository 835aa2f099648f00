"""What potentials are opened from, and what they are asked that they cannot say."""

import re
from collections.abc import Iterator

from limbeck.config.config import Config
from limbeck.config.plan import (
    driver,
    potential_meets,
)
from limbeck.config.sections.known import KINDS, NO_RADIUS
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.potentials import Mace, Matgl, StudentFolder, Weights, keep_faults
from limbeck.config.sections.sources import Generated, Source


def _weights(config: Config) -> Iterator[str]:
    for name, potential in config.potentials.items():
        if not isinstance(potential, Weights | StudentFolder):
            continue
        field, path = f"potentials.{name}", potential.path
        named = potential.pretrained if isinstance(potential, Mace | Matgl) else None
        if isinstance(potential, Mace | Matgl) and (path is None) == (named is None):
            both = f"both {path} and {named}" if path else "nothing"
            yield f"{field}.path, {field}.pretrained: {both}, expected one of the two"
        elif potential.sha256 or (isinstance(potential, Mace) and potential.trust):
            continue
        elif isinstance(potential, Mace):
            remedy = " (or trust: true, to open a pickle, which can run code, without)"
            yield f"{field}.sha256: not given, expected that of {path or named}{remedy}"
        elif path:
            yield f"{field}.sha256: not given, expected that of {path}"


def _elements(config: Config) -> Iterator[str]:
    for potential, field, source in potential_meets(config):
        known = config.potentials[potential].known_elements
        needed = _declared_elements(config.sources[source])
        missing = [e for e in needed if known is not None and e not in known]
        if missing:
            yield unserved(field, potential, source, missing)


def _properties(config: Config) -> Iterator[str]:
    """What label sets ask for, and their potentials cannot say; points where no radius tells."""
    meets = list(potential_meets(config))
    for name, label_set in config.labels.items():
        if not isinstance(label_set, LabelSet) or not label_set.properties:
            continue
        field, kind = f"labels.{name}.properties", config.potentials[label_set.potential]
        known = KINDS[kind.model].properties
        lacking = [p for p in label_set.properties if p not in known]
        if lacking and not KINDS[kind.model].from_file:
            has = ", ".join(known) or "none"
            yield f"{field}: {', '.join(lacking)}, expected of {kind.name!r}, a {kind.model}: {has}"
        for _, where, source in meets if "esp" in label_set.properties else ():
            symbols = _declared_elements(config.sources[source])
            without = [s for s in symbols if s in NO_RADIUS]
            if where == f"labels.{name}.potential" and without:
                yield (
                    f"{field}: esp, and {', '.join(without)} of sources.{source} have no van der "
                    "Waals radius to put points at"
                )


def unserved(field: str, potential: str, source: str, missing: list[str]) -> str:
    """What is said of a potential that does not know all elements of a source."""
    return (
        f"{field}: {potential!r} does not know {', '.join(missing)} of sources.{source}, expected "
        "a potential that does"
    )


def _declared_elements(source: Source) -> list[str]:
    """Symbols that the config itself says a source is made of; more may come from its files.

    Those of a generative model are what it may have, and not what it has.
    """
    if isinstance(source, Generated):
        return []
    told = [getattr(source, field, None) or [] for field in ("compounds", "formulas")]
    formulas = " ".join(formula for some in told for formula in some)
    symbols = [*(getattr(source, "elements", None) or []), *re.findall("[A-Z][a-z]?", formulas)]
    return list(dict.fromkeys(symbols))


def _kept(config: Config) -> Iterator[str]:
    for part in ("sampling", "subsystems"):
        for name, section in getattr(config, part).items():
            asked = driver(config, name) if part == "sampling" else section.potential
            potential = config.potentials[asked] if asked else None
            for field, text in keep_faults(section.keep, potential):
                yield f"{part}.{name}.{field}: {text}"


CHECKS = (
    _weights,
    _elements,
    _properties,
    _kept,
)
