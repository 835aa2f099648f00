"""What follows from a resolved config: which parts of it meet. Opens no file."""

from collections.abc import Iterator
from typing import Any, NamedTuple

Config = dict[str, Any]


class Trained(NamedTuple):
    """One student that is trained: on which labels, and with which seed."""

    label_set: str
    student: str
    seed: int


def trained(config: Config) -> list[Trained]:
    """Every student of every entry of ``distill``, once each."""
    found = [
        Trained(entry["labels"], student, seed)
        for entry in config["distill"]
        for student in entry["students"]
        for seed in entry["seeds"]
    ]
    return list(dict.fromkeys(found))


def teachers(config: Config) -> list[str]:
    """Names of the potentials that are measured as teachers."""
    chosen = config["warrant"]["teachers"]
    if chosen is None:
        chosen = [label_set["potential"] for label_set in config["labels"].values()]
    return list(dict.fromkeys(chosen))


def sources_of(config: Config, name: str) -> list[str]:
    """Names of the sources behind a sampling, a subsystem, or "generated"."""
    if name == "generated":
        return list(config["sources"])
    if name in config["subsystems"]:
        origins = config["subsystems"][name]["of"]
        return list(dict.fromkeys(s for origin in origins for s in sources_of(config, origin)))
    return config["sampling"][name]["sources"]


def frames_of(config: Config, name: str, source: str, shard: int) -> list[str]:
    """Files, below the run's folder, of one shard of a sampling, a subsystem, or "generated"."""
    if name == "generated":
        return [f"screened/{source}/{shard}.h5"]
    if name in config["subsystems"]:
        return [
            f"subsystems/{name}/{origin}/{source}/{shard}.h5"
            for origin in config["subsystems"][name]["of"]
            if source in sources_of(config, origin)
        ]
    return [f"samples/{name}/{source}/{shard}.h5"]


def frames_of_slice(config: Config, number: int) -> list[str]:
    """Files, below the run's folder, that one slice selects its frames from.

    Shard i of every source belongs to slice i modulo the number of slices.
    """
    return [
        path
        for name in config["select"]["include"]
        for source in sources_of(config, name)
        for shard in range(number, config["sources"][source]["shards"], config["select"]["slices"])
        for path in frames_of(config, name, source, shard)
    ]


def subsystem_files(config: Config) -> list[str]:
    """Files, below the run's folder, of all clusters."""
    return [
        path
        for name in config["subsystems"]
        for source in sources_of(config, name)
        for shard in range(config["sources"][source]["shards"])
        for path in frames_of(config, name, source, shard)
    ]


def structures_selected(config: Config) -> list[str]:
    """Files, below the run's folder, of the structures that selected frames descend from."""
    sources = [s for name in config["select"]["include"] for s in sources_of(config, name)]
    return [
        f"screened/{source}/{shard}.h5"
        for source in dict.fromkeys(sources)
        for shard in range(config["sources"][source]["shards"])
    ]


def checked(config: Config) -> Config:
    """The sections that the check_inputs job looks at."""
    names = (
        "sources",
        "potentials",
        "force_constants",
        "sampling",
        "subsystems",
        "select",
        "labels",
        "warrant",
    )
    return {name: config[name] for name in names}


def driver(config: Config, sampling: str) -> str | None:
    """Name of the potential that a sampling asks; None where it asks none."""
    section = config["sampling"][sampling]
    if section["method"] == "phonons":  # its force constants are there already
        source = config["force_constants"][section["force_constants"]]
        return source["potential"] if section["keep"] else None
    return section.get("potential")


def force_constant_files(config: Config) -> list[str]:
    """Files, below the run's folder, of the tables of all force constants."""
    return [
        f"force_constants/{name}/{source}/{shard}.csv"
        for name, section in config["force_constants"].items()
        for source in section["sources"]
        for shard in range(config["sources"][source]["shards"])
    ]


def potential_meets(config: Config) -> Iterator[tuple[str, str, str]]:
    """Each potential, the field that uses it, and a source all of whose structures it has to know.

    A teacher whose gaps are measured and no more is not among them: it is measured on the frames
    that it knows, and the others are counted.
    """
    for name, sampling in config["sampling"].items():
        if sampling.get("potential"):
            for source in sampling["sources"]:
                yield sampling["potential"], f"sampling.{name}.potential", source
    for name, section in config["force_constants"].items():
        for source in section["sources"]:
            yield section["potential"], f"force_constants.{name}.potential", source
    for name, section in config["subsystems"].items():
        if section["potential"]:
            for source in sources_of(config, name):
                yield section["potential"], f"subsystems.{name}.potential", source
    included = [s for name in config["select"]["include"] for s in sources_of(config, name)]
    uses = {f"labels.{name}.potential": ls["potential"] for name, ls in config["labels"].items()}
    if config["select"]["score"]:
        uses["select.score.potential"] = config["select"]["score"]["potential"]
    for field, potential in uses.items():
        for source in dict.fromkeys(included):
            yield potential, field, source
