"""What the schema cannot say of a config: names that refer to each other, files, elements, counts.

Every check takes a config that the schema has accepted, and gives one line for each error.
"""

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from limbeck.config.checks_sampling import SAMPLING_CHECKS
from limbeck.config.plan import potential_meets, sources_of, teachers
from limbeck.config.words import one_of, shown
from limbeck.potentials.known import known_elements

Config = dict[str, Any]
Lines = Iterator[str]


def errors(config: Config) -> list[str]:
    """Everything wrong with a config that fits the schema, one line each."""
    # The other checks follow names, so that these have to be right first.
    return list(_names(config)) or [line for check in CHECKS for line in check(config)]


def _names(config: Config) -> Lines:
    for name in config["subsystems"]:
        if name in config["sampling"]:
            yield f"subsystems.{name}: a sampling has this name, too, expected another"
    for field, value, allowed in _references(config):
        if value not in allowed:
            yield f"{field}: {shown(value)}, {one_of(value, allowed)}"


def _references(config: Config) -> Iterator[tuple[str, str, Collection[str]]]:
    """Every name that refers to something: its field, itself, what there is."""
    potentials, labels = config["potentials"], config["labels"]
    for name, sampling in config["sampling"].items():
        for source in sampling["sources"]:
            yield f"sampling.{name}.sources", source, config["sources"]
        if sampling.get("potential") is not None:
            yield f"sampling.{name}.potential", sampling["potential"], potentials
        if "force_constants" in sampling:
            yield (
                f"sampling.{name}.force_constants",
                sampling["force_constants"],
                config["force_constants"],
            )
    for name, section in config["force_constants"].items():
        yield f"force_constants.{name}.potential", section["potential"], potentials
        for source in section["sources"]:
            yield f"force_constants.{name}.sources", source, config["sources"]
    for sampling in config["select"]["include"]:
        yield (
            "select.include",
            sampling,
            ["generated", *config["sampling"], *config["subsystems"]],
        )
    yield from _references_of_subsystems(config)
    if config["select"]["score"]:
        yield "select.score.potential", config["select"]["score"]["potential"], potentials
    for name, label_set in labels.items():
        yield f"labels.{name}.potential", label_set["potential"], potentials
    for i, entry in enumerate(config["distill"]):
        yield f"distill.{i}.labels", entry["labels"], labels
        for student in entry["students"]:
            yield f"distill.{i}.students", student, config["students"]
    if config["warrant"]["reference"] is not None:
        yield "warrant.reference", config["warrant"]["reference"], labels
    for teacher in config["warrant"]["teachers"] or []:
        yield "warrant.teachers", teacher, potentials


def _references_of_subsystems(config: Config) -> Iterator[tuple[str, str, Collection[str]]]:
    for name, section in config["subsystems"].items():
        for origin in section["of"]:
            yield f"subsystems.{name}.of", origin, ["generated", *config["sampling"]]
        if section["potential"] is not None:
            yield f"subsystems.{name}.potential", section["potential"], config["potentials"]
    for name, section in config["delta"].items():
        for field in ("baseline", "target"):
            yield f"delta.{name}.{field}", section[field], config["labels"]


def _differences(config: Config) -> Lines:
    for name, section in config["delta"].items():
        if section["baseline"] == section["target"]:
            target = shown(section["target"])
            yield f"delta.{name}.target: {target}, expected another label set than baseline"


def _purpose(config: Config) -> Lines:
    if not config["labels"] and not teachers(config):
        yield (
            "labels: none, expected a label set, or potentials in warrant.teachers whose gaps are "
            "measured"
        )


def _counts(config: Config) -> Lines:
    for name, source in config["sources"].items():
        if source["shards"] > source["count"]:
            yield (
                f"sources.{name}.shards: {source['shards']}, "
                f"expected at most its count, {source['count']}"
            )
        low, high = source.get("sizes", (1, 1))
        if low > high:
            yield f"sources.{name}.sizes: [{low}, {high}], expected the smaller size first"


def _slices(config: Config) -> Lines:
    select = config["select"]
    if select["count"] < select["slices"]:
        yield (
            f"select.count: {select['count']}, expected at least one frame for each of "
            f"the {select['slices']} slices of select.slices"
        )
    used = {source for name in select["include"] for source in sources_of(config, name)}
    most = max(config["sources"][source]["shards"] for source in used)
    if select["slices"] > most:
        yield (
            f"select.slices: {select['slices']}, expected at most {most}: no source of "
            "select.include has more shards, and a slice without one would be empty"
        )


def _label_sets(config: Config) -> Lines:
    for name, section in config["labels"].items():
        grid, order, views = (
            section["quadrature"],
            section["quadrature_order"],
            section.get("views"),
        )
        if grid and views is not None:
            yield (
                f"labels.{name}.views: {shown(views)}, expected none beside quadrature: {grid}, "
                "which fixes their number"
            )
        if (grid == "product") != (order is not None):
            yield (
                f"labels.{name}.quadrature_order: {shown(order)} with quadrature: {shown(grid)}, "
                "expected a number with product, and with it alone"
            )
        if section["reflections"] and views == "as_given":
            yield f"labels.{name}.reflections: True, expected views or a grid that can be mirrored"
        if (section["n_frames"] or 0) > config["select"]["count"]:
            yield (
                f"labels.{name}.n_frames: {section['n_frames']}, expected at most select.count, "
                f"{config['select']['count']}"
            )


def _fractions(config: Config) -> Lines:
    dataset = config["dataset"]
    total = dataset["valid_fraction"] + dataset["test_fraction"]
    if total >= 1:
        yield (
            f"dataset.valid_fraction and dataset.test_fraction: {total:g} together, "
            "expected less than 1, so that frames are left to train on"
        )


def _files(config: Config) -> Lines:
    for section in ("sources", "potentials"):
        for name, entry in config[section].items():
            for field in ("smiles", "path"):
                path = entry.get(field)
                if path is not None and not Path(path).exists():
                    yield f"{section}.{name}.{field}: {path!r}, no such file"


def _weights(config: Config) -> Lines:
    for name, potential in config["potentials"].items():
        field, path = f"potentials.{name}", potential.get("path")
        pretrained = potential.get("pretrained")
        if "pretrained" in potential and (path is None) == (pretrained is None):
            both = "nothing" if path is None else f"both {path} and {pretrained}"
            yield f"{field}.path, {field}.pretrained: {both}, expected one of the two"
        elif (path or pretrained) and not potential["sha256"]:
            yield from _unhashed(potential, field)


def _unhashed(potential: Config, field: str) -> Lines:
    """Every path needs its hash, and so does a pickle wherever it comes from."""
    path = potential["path"]
    if potential["model"] == "mace" and not potential["trust"]:
        yield (
            f"{field}.sha256: not given, expected that of {path or potential['pretrained']} (or "
            "trust: true, to open a pickle, which can run code, without)"
        )
    elif potential["model"] != "mace" and path:
        yield f"{field}.sha256: not given, expected that of {path}"


def _elements(config: Config) -> Lines:
    for potential, field, source in potential_meets(config):
        known = known_elements(config["potentials"][potential])
        needed = _declared_elements(config["sources"][source])
        missing = [e for e in needed if known is not None and e not in known]
        if missing:
            yield (
                f"{field}: {potential!r} does not know {', '.join(missing)} of "
                f"sources.{source}, expected a potential that does"
            )


def _declared_elements(source: Config) -> list[str]:
    """Symbols that the config itself says a source is made of; more may come from its files."""
    formulas = " ".join(source.get("compounds") or [])
    symbols = [*(source.get("elements") or []), *re.findall("[A-Z][a-z]?", formulas)]
    return list(dict.fromkeys(symbols))


def _study(config: Config) -> Lines:
    study, entries = config["study"], config["distill"]
    if study is None:
        return
    if config["warrant"]["reference"] is None:
        yield "warrant.reference: nothing, expected a label set: the study compares with it"
    if any(entry["seeds"] != entries[0]["seeds"] for entry in entries):
        yield "distill: other seeds in other entries, expected the same: the study pairs them"
    arms = [entry["labels"] for entry in entries]
    for name in study["baselines"]:
        if name not in arms:
            yield f"study.baselines: {shown(name)}, expected labels of distill: {', '.join(arms)}"


CHECKS: tuple[Callable[[Config], Lines], ...] = (
    _purpose,
    _counts,
    _slices,
    _label_sets,
    _fractions,
    _files,
    _weights,
    _elements,
    _study,
    _differences,
    *SAMPLING_CHECKS,
)
