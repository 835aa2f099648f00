"""What the schema cannot say of samplings, force constants and the frames selected from them."""

from collections.abc import Callable, Iterator
from typing import Any

from limbeck.config.plan import driver
from limbeck.config.words import shown
from limbeck.errors import LimbeckError
from limbeck.sampling.settings import check_dynamics, check_keep

Config = dict[str, Any]
Lines = Iterator[str]


def _times(config: Config) -> Lines:
    for name, sampling in config["sampling"].items():
        if sampling["method"] == "md":
            try:
                check_dynamics(sampling, f"sampling.{name}")
            except LimbeckError as error:
                yield str(error)


def _supercells(config: Config) -> Lines:
    for part in ("force_constants", "sampling"):
        for name, section in config[part].items():
            given = section.get("supercell_matrix")
            if given is not None and _determinant(given) <= 0:
                yield (
                    f"{part}.{name}.supercell_matrix: {shown(given)}, expected three whole numbers "
                    "above zero, or three rows of three with a positive determinant"
                )


def _determinant(given: list[Any]) -> int:
    """That of three numbers on a diagonal or of three rows; 0 of a mixture."""
    if all(isinstance(entry, int) for entry in given):
        return given[0] * given[1] * given[2] if min(given) > 0 else 0
    if any(isinstance(entry, int) for entry in given):
        return 0
    (a, b, c), (d, e, f), (g, h, i) = given
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _walks(config: Config) -> Lines:
    for name, sampling in config["sampling"].items():
        if sampling["method"] == "contour":
            least = sampling["n_frames"] * sampling["interval_steps"]
            if sampling["max_steps"] < least:
                yield (
                    f"sampling.{name}.max_steps: {sampling['max_steps']}, "
                    f"expected at least {least}, n_frames times interval_steps"
                )


def _phonons(config: Config) -> Lines:
    for name, sampling in config["sampling"].items():
        if sampling["method"] != "phonons":
            continue
        there = config["force_constants"][sampling["force_constants"]]["sources"]
        for source in sampling["sources"]:
            if source not in there:
                yield (
                    f"sampling.{name}.sources: {source!r}, expected sources of "
                    f"force_constants.{sampling['force_constants']}: {', '.join(there)}"
                )
        highest = sampling["freq_max_THz"]
        if highest is not None and highest <= sampling["freq_min_THz"]:
            yield (
                f"sampling.{name}.freq_max_THz: {highest:g}, expected more than freq_min_THz, "
                f"{sampling['freq_min_THz']:g}"
            )


def _kept(config: Config) -> Lines:
    for part in ("sampling", "subsystems"):
        for name, section in config[part].items():
            asked = driver(config, name) if part == "sampling" else section["potential"]
            potential = {"name": asked, **config["potentials"][asked]} if asked else None
            try:
                check_keep({**section, "potential": potential}, f"{part}.{name}")
            except LimbeckError as error:
                yield str(error)


def _spread(config: Config) -> Lines:
    select = config["select"]
    if not select["diversity"]:
        return
    if select["score"]:
        yield "select.diversity: given beside select.score, expected one of the two"
    for name in select["include"]:
        section = (config["sampling"] | config["subsystems"]).get(name, {})
        if "descriptors" not in section.get("keep", []):
            yield (
                f"select.diversity: frames of {name!r} have no descriptors, expected only "
                "samplings and subsystems in select.include with descriptors in their keep"
            )


SAMPLING_CHECKS: tuple[Callable[[Config], Lines], ...] = (
    _times,
    _supercells,
    _walks,
    _phonons,
    _kept,
    _spread,
)
