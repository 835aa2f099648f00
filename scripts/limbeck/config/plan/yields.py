"""Parts of a run that have to make something, stage by stage."""

from typing import NamedTuple

from limbeck.config.config import Config
from limbeck.config.plan.frames import frame_files, samplings_used, sources_of, sources_used


class Part(NamedTuple):
    """What is made of one source: by itself, a sampling, a subsystem or force constants.

    Attributes:
        section: of the config.
        name: in the section.
        source: name of the source.
    """

    section: str
    name: str
    source: str


#: stages after which it is asked whether every part has made something
STAGES = ("structures", "frames")


def parts_of_stage(config: Config, stage: str) -> list[Part]:
    """The parts that are made in one of :data:`STAGES`."""
    if stage == "structures":
        return [Part("sources", name, name) for name in sources_used(config)]
    made: list[tuple[str, str, list[str]]] = [
        *(("force_constants", n, section.sources) for n, section in config.force_constants.items()),
        *(("sampling", n, sources_of(config, n)) for n in samplings_used(config)),
        *(("subsystems", n, sources_of(config, n)) for n in config.subsystems),
    ]
    return [Part(section, name, source) for section, name, of in made for source in of]


def frames_of_part(config: Config, part: Part) -> list[str]:
    """Files of the frames of a part; none of force constants, which are no frames."""
    if part.section == "force_constants":
        return []
    name = "generated" if part.section == "sources" else part.name
    shards = range(config.sources[part.source].shards)
    return [path for i in shards for path in frame_files(config, name, part.source, i)]


def tables_of_part(config: Config, part: Part) -> list[str]:
    """Tables that say what became of a part; of a source, what was not made, and refused."""
    shards = range(config.sources[part.source].shards)
    if part.section == "sources":
        folder, screened = f"structures/{part.source}", f"screened/{part.source}"
        tables = [f"{folder}/{i}.failed.csv" for i in shards]
        return tables + [f"{screened}/{i}.rejects.csv" for i in shards]
    if part.section == "force_constants":
        return [f"force_constants/{part.name}/{part.source}/{i}.csv" for i in shards]
    return [f"{path.removesuffix('.h5')}.csv" for path in frames_of_part(config, part)]


def frames_of_stage(config: Config, stage: str) -> list[str]:
    """Files of the frames of all parts of a stage."""
    parts = parts_of_stage(config, stage)
    return [path for part in parts for path in frames_of_part(config, part)]


def tables_of_stage(config: Config, stage: str) -> list[str]:
    """Tables of all parts of a stage."""
    parts = parts_of_stage(config, stage)
    return [path for part in parts for path in tables_of_part(config, part)]


def yields_judged(config: Config) -> list[str]:
    """What says that every part of each stage that there is has made something."""
    return [f"yields/{stage}.json" for stage in STAGES if parts_of_stage(config, stage)]
