"""What follows from a config: which parts of it meet, and which files they make.

Opens no file but to hash those of the user. Paths are below the folder of the run.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from limbeck.check.content import content_of, files_of, is_glob
from limbeck.config import rounds
from limbeck.config.config import Config
from limbeck.config.sections.datasets import PARTS
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.known import KINDS
from limbeck.config.sections.sampling import MolecularDynamics, Phonons, Ramp
from limbeck.config.sections.sources import AnySource, StructureFile
from limbeck.config.sections.students import Distill
from limbeck.config.sections.warrant import FramesByViews

#: kinds of sources whose structures have no cell
ISOLATED = ("molecules", "clusters")


class TrainedStudent(NamedTuple):
    """One student that is trained: on which labels, and with which seed."""

    label_set: str
    student: str
    seed: int


def trained(config: Config) -> list[TrainedStudent]:
    """Every student of every entry of ``distill``, once each."""
    return trained_by(config.distill)


def trained_by(entries: Sequence[Distill]) -> list[TrainedStudent]:
    """Every student of these entries, once each."""
    found = [
        TrainedStudent(entry.labels, student, seed)
        for entry in entries
        for student in entry.students
        for seed in entry.seeds
    ]
    return list(dict.fromkeys(found))


def trained_in_rounds(config: Config) -> list[TrainedStudent]:
    """Every student of the rounds after the first."""
    return [
        TrainedStudent(each.learned, each.student, seed)
        for each in rounds.later_rounds(config)
        for seed in rounds.asked(config)[each.label_set, each.student].seeds
    ]


def arms(config: Config) -> list[str]:
    """Label sets that students learn from."""
    return list(dict.fromkeys(entry.labels for entry in config.distill))


def teachers(config: Config) -> list[str]:
    """Names of the potentials that are measured as teachers.

    Where not chosen, those of the label sets. One whose labels are the reference and nothing else,
    beside sets that something is made of, teaches nobody: its gaps would cost as much as all
    teachers' together, since references are large, and say nothing of what the run makes.
    """
    chosen = config.warrant.teachers
    if chosen is None:
        used = {*arms(config), *(n for d in config.delta.values() for n in (d.baseline, d.target))}
        sets = config.labels
        if used:
            sets = {n: s for n, s in sets.items() if n in used or n != config.warrant.reference}
        chosen = [made.potential for made in sets.values() if made.potential]
    return list(dict.fromkeys(chosen))


def from_files(config: Config) -> list[str]:
    """Label sets that come with a user's own files."""
    return [name for name, made in config.labels.items() if isinstance(made, FileLabels)]


def zeros_differ(config: Config, label_set: str = "", potential: str = "") -> bool:
    """Whether energies of a teacher, or of a student of a label set, have another zero for each
    element than those of the reference: a program's own and a foundation model's always do, and
    those of two potentials where it is known of both whose zeros they have. With neither, of any
    teacher."""
    reference, label_set = config.warrant.reference, rounds.label_set_of(label_set)
    if reference is None or reference == label_set:
        return False
    from_file = from_files(config)
    if reference in from_file or label_set in from_file:
        return True
    if not label_set and not potential:
        return any(zeros_differ(config, potential=name) for name in teachers(config))
    own, other = _zeros(config, reference, ""), _zeros(config, label_set, potential)
    return None not in (own, other) and own != other


def _zeros(config: Config, label_set: str, potential: str) -> str | None:
    """Whose zeros of energy a potential, or that of a label set, has; None where not known."""
    if label_set:
        made = config.labels[label_set]
        if isinstance(made, FileLabels):
            return None
        potential = made.potential
    section = config.potentials[potential]
    zeros = KINDS[section.model].zeros
    # methods and versions of one model are of data, or fits, of their own
    variant = getattr(section, "method", "") or getattr(section, "version", "")
    return f"{zeros} {variant}" if zeros and variant in ("GFN1-xTB", "r2scan") else zeros


def by_potentials(config: Config) -> list[str]:
    """Label sets that a potential makes."""
    return [name for name in config.labels if name not in from_files(config)]


def labelled_sources(config: Config, label_set: str) -> list[StructureFile]:
    """Sources whose files have the labels of a label set; none of labels by a potential."""
    made = config.labels[label_set]
    if not isinstance(made, FileLabels):
        return []
    found = {n: s for n, s in config.sources.items() if isinstance(s, StructureFile)}
    return [found[name] for name in made.sources or found]


def reserves(config: Config) -> list[str]:
    """Sources whose structures others take as theirs (``generative_model``).

    Each structure is of one source: a reserve has none of its own, and "generated" is without it.
    """
    named = {source.generative_model for source in config.sources.values()}
    return [name for name in config.sources if name in named]


def takers(config: Config, reserve: str) -> list[str]:
    """Sources that take structures of a reserve."""
    asked = {n: s for n, s in config.sources.items() if s.generative_model == reserve}
    return [name for name, source in asked.items() if source.n_generative]


def reserve_files(config: Config, source: str, **wildcards: str) -> list[str]:
    """Structures that a source takes some of; none of one that makes all of its own."""
    own = config.sources[source]
    if own.generative_model is None or not own.n_generative:
        return []
    shards = range(config.sources[own.generative_model].shards)
    return [f"screened/{own.generative_model}/{i}.h5" for i in shards]


def is_isolated(source: AnySource) -> bool:
    """Whether the structures of a source have no cell; those of a file may have one or none."""
    return source.kind in ISOLATED


def sources_of(config: Config, name: str) -> list[str]:
    """Names of the sources behind a sampling, a subsystem, or "generated"."""
    if name == "generated":
        return [source for source in config.sources if source not in reserves(config)]
    if name in config.subsystems:
        origins = config.subsystems[name].of
        return list(dict.fromkeys(s for origin in origins for s in sources_of(config, origin)))
    return config.sampling[name].sources


def frame_files(config: Config, name: str, source: str, shard: int | str) -> list[str]:
    """Files of one shard of a sampling, a subsystem, or "generated"."""
    if name == "generated":
        return [f"screened/{source}/{shard}.h5"]
    if name in config.subsystems:
        return [
            f"subsystems/{name}/{origin}/{source}/{shard}.h5"
            for origin in config.subsystems[name].of
            if source in sources_of(config, origin)
        ]
    return [f"samples/{name}/{source}/{shard}.h5"]


def frames_of_slice(config: Config, slice: int | str) -> list[str]:
    """Files that one slice selects its frames from.

    Shard i of every source belongs to slice i modulo the number of slices.
    """
    return [
        path
        for name in config.select.include
        for source in sources_of(config, name)
        for shard in range(int(slice), config.sources[source].shards, config.select.slices)
        for path in frame_files(config, name, source, shard)
    ]


def sources_selected(config: Config) -> list[str]:
    """Sources that selected frames descend from."""
    return list(dict.fromkeys(s for n in config.select.include for s in sources_of(config, n)))


def pilot_slices(config: Config) -> int:
    """How many slices, the first ones, are the pilot; 0 where the config asks for none."""
    if not config.gate.pilot or not config.labels:
        return 0
    select = config.select
    return min(-(-config.gate.pilot * select.slices // select.count), select.slices)


def shards_judged(config: Config, source: str, part: str) -> list[int]:
    """Shards of a source that the pilot, or the whole set, is made from."""
    slices = config.select.slices
    first = pilot_slices(config) if part == "pilot" else slices
    return [i for i in range(config.sources[source].shards) if i % slices < first]


def slices_judged(config: Config, part: str) -> range:
    """Slices of the pilot, or of the whole set."""
    return range(pilot_slices(config) if part == "pilot" else config.select.slices)


def frames_judged(config: Config, part: str) -> list[str]:
    """Selected frames of the pilot, or of the whole set."""
    return [f"selected/{i}.h5" for i in slices_judged(config, part)]


def labels_judged(config: Config, label_set: str, part: str) -> list[str]:
    """Labels of the same."""
    return [f"labels/{label_set}/{i}.h5" for i in slices_judged(config, part)]


def reference_of_gate(config: Config, part: str) -> list[str]:
    """Structures whose bond lengths are the reference; none where the gate asks for none."""
    source = config.gate.reference
    shards = shards_judged(config, source, part) if source else []
    return [f"screened/{source}/{i}.h5" for i in shards]


def structures_of_gate(config: Config, part: str) -> list[str]:
    """Structures whose space groups are judged; none where the gate does not ask for them."""
    if config.gate.max_one_space_group is None:
        return []
    sources = sources_selected(config)
    return [f"screened/{s}/{i}.h5" for s in sources for i in shards_judged(config, s, part)]


def pilots_before_source(config: Config, source: str, shard: str) -> list[str]:
    """What says that the pilot of each label set passed; none for a shard of the pilot itself."""
    own = int(shard) in shards_judged(config, source, "pilot") or not pilot_slices(config)
    return [] if own else [f"gate/{name}.pilot.passed" for name in config.labels]


def pilot_before_labels(config: Config, label_set: str, slice: str) -> list[str]:
    """What says that the pilot of a label set passed; none for a slice of the pilot itself."""
    pilot = pilot_slices(config)
    return [f"gate/{label_set}.pilot.passed"] if pilot and int(slice) >= pilot else []


def yields_before(config: Config, slice: str) -> list[str]:
    """What a slice waits for; a slice of the pilot for none, since what it says is of all."""
    return [] if int(slice) < pilot_slices(config) else yields_judged(config)


def frames_to_choose_views(config: Config, label_set: str) -> list[str]:
    """Frames on which it is measured whether averaging is worth it; with a pilot, its own."""
    return frames_judged(config, "pilot" if pilot_slices(config) else "set")


def batches(config: Config) -> list[range]:
    """Slices whose frames are chosen together: all, or those of the pilot and then the others."""
    first = pilot_slices(config) or config.select.slices
    found = [range(first), range(first, config.select.slices)]
    return [batch for batch in found if batch]


def frames_of_batch(config: Config, batch: int | str) -> list[str]:
    """Files that the frames of a batch are chosen from."""
    return [path for i in batches(config)[int(batch)] for path in frames_of_slice(config, i)]


def batches_before(config: Config, batch: int | str) -> list[str]:
    """What earlier batches chose."""
    return [f"choices/{i}.h5" for i in range(int(batch))]


def choice_of_frames(config: Config, slice: int | str) -> list[str]:
    """What says which frames of a batch are taken; none where each slice takes its own."""
    found = [i for i, batch in enumerate(batches(config)) if int(slice) in batch]
    return [f"choices/{i}.h5" for i in found] if config.select.choice else []


def yields_before_batch(config: Config, batch: int | str) -> list[str]:
    """What a choice waits for, as its slices do."""
    return yields_before(config, str(batches(config)[int(batch)][0]))


def _shards(config: Config, names: list[str]) -> Iterator[tuple[str, int]]:
    """Each source behind samplings or subsystems, with each of its shards."""
    for source in dict.fromkeys(s for name in names for s in sources_of(config, name)):
        for shard in range(config.sources[source].shards):
            yield source, shard


def structures_selected(config: Config) -> list[str]:
    """Files of the structures that selected frames descend from."""
    return [
        f"screened/{source}/{shard}.h5" for source, shard in _shards(config, config.select.include)
    ]


def subsystem_files(config: Config) -> list[str]:
    """Files of all clusters."""
    return [
        path
        for name in config.subsystems
        for source, shard in _shards(config, [name])
        for path in frame_files(config, name, source, shard)
    ]


def force_constant_files(config: Config) -> list[str]:
    """Tables of all force constants."""
    return [
        f"force_constants/{name}/{source}/{shard}.csv"
        for name, section in config.force_constants.items()
        for source in section.sources
        for shard in range(config.sources[source].shards)
    ]


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


def sources_used(config: Config) -> list[str]:
    """Sources that something is made of: frames to be labelled, clusters, force constants."""
    names = [*config.select.include, *config.subsystems]
    of_frames = (source for name in names for source in sources_of(config, name))
    of_constants = (s for section in config.force_constants.values() for s in section.sources)
    compared = [config.gate.reference] if config.gate.reference else []
    return list(dict.fromkeys([*of_frames, *of_constants, *compared]))


def reserves_used(config: Config) -> list[str]:
    """Reserves that a source which something is made of takes structures from."""
    used = set(sources_used(config))
    return [name for name in reserves(config) if used & set(takers(config, name))]


def origins(config: Config) -> dict[str, dict[str, str]]:
    """Licence and citation of the structures of each source that is used and has either."""
    found = {}
    for name in [*sources_used(config), *reserves_used(config)]:
        told = {f: getattr(config.sources[name], f, None) for f in ("licence", "citation")}
        if any(told.values()):
            found[name] = {field: text or "" for field, text in told.items()}
    return found


def samplings_used(config: Config) -> list[str]:
    """Samplings whose frames are selected or cut."""
    origins = (origin for section in config.subsystems.values() for origin in section.of)
    return [n for n in dict.fromkeys([*config.select.include, *origins]) if n in config.sampling]


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


def driver(config: Config, sampling: str) -> str | None:
    """Name of the potential that a sampling asks; None where it asks none."""
    section = config.sampling[sampling]
    if isinstance(section, Phonons):  # its force constants are there already
        return config.force_constants[section.force_constants].potential if section.keep else None
    return getattr(section, "potential", None)


def potential_meets(config: Config) -> Iterator[tuple[str, str, str]]:
    """Each potential, the field that uses it, and a source all of whose structures it has to know.

    A teacher whose gaps are measured and no more is not among them: it is measured on the frames
    that it knows, and the others are counted.
    """
    uses: list[tuple[str | None, str, list[str]]] = []
    for name, sampling in config.sampling.items():
        asked = getattr(sampling, "potential", None)
        uses.append((asked, f"sampling.{name}", sampling.sources))
    for name, constants in config.force_constants.items():
        uses.append((constants.potential, f"force_constants.{name}", constants.sources))
    for name, subsystem in config.subsystems.items():
        uses.append((subsystem.potential, f"subsystems.{name}", sources_of(config, name)))
    included = list(
        dict.fromkeys(s for name in config.select.include for s in sources_of(config, name))
    )
    for name, label_set in config.labels.items():
        uses.append((label_set.potential, f"labels.{name}", included))
    if config.select.score:
        uses.append((config.select.score.potential, "select.score", included))
    for potential, field, sources in uses:
        if potential:
            yield from ((potential, f"{field}.potential", source) for source in sources)
    if isinstance(config.study, FramesByViews):
        for source in included:
            yield from ((name, "study.potentials", source) for name in config.study.potentials)
            yield config.study.reference, "study.reference", source


#: sections that the job check_inputs looks at
CHECKED = {
    *("sources", "potentials", "force_constants", "sampling", "subsystems"),
    *("run", "select", "labels", "warrant", "duplicates"),
}


def digest(value: Any) -> str:
    """A short name for what JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def of_kind(sections: Mapping[str, Any], field: str, value: str) -> list[str]:
    """Names of the entries whose ``field`` is ``value``."""
    return [name for name, section in sections.items() if getattr(section, field) == value]


# Files that jobs read; arguments are the wildcards of the job.


def source_files(config: Config, source: str) -> list[str]:
    """Files of the user that a source is read from; these are not below the run.

    All that are in a folder or of a glob; none where there are none, of which `check_inputs` says
    more than Snakemake. Those with names that Snakemake takes for patterns are left out: their
    content counts all the same.
    """
    found: list[str] = []
    for path in _paths(config, source):
        several = is_glob(path) or Path(path).is_dir()
        found += [str(file) for file in files_of(path)] if several else [path]
    return [path for path in found if path.isprintable() and not set(path) & set("{}")]


def _paths(config: Config, source: str) -> list[str]:
    section = config.sources[source]
    paths = (getattr(section, field, None) for field in ("smiles", "path"))
    return [path for path in paths if path is not None]


def source_content(config: Config, source: str) -> str:
    """A hash of all files that a source is read from; see :mod:`limbeck.check.content`."""
    return content_of(_paths(config, source))


def labelled_content(config: Config, label_set: str) -> str:
    """A hash of the files that have the labels of a label set."""
    sources = labelled_sources(config, label_set)
    return content_of([path for source in sources for path in _paths(config, source.name)])


def trained_on_content(config: Config, label_set: str) -> str:
    """A hash of what says which frames the potential of a label set was trained on."""
    potential = config.labels[label_set].potential
    return content_of((config.potentials[potential].trained_on or []) if potential else [])


def content(config: Config) -> dict[str, str]:
    """A hash of the files of each source."""
    return {source: source_content(config, source) for source in config.sources}


def _uses(config: Config, source: str) -> set[tuple[str, str]]:
    """What is made of a source: force constants, samplings, clusters, and itself."""
    names = [*config.select.include, *samplings_used(config), *config.subsystems]
    found = {("frames", name) for name in names if source in sources_of(config, name)}
    constants = config.force_constants.items()
    return found | {("force_constants", n) for n, section in constants if source in section.sources}


def compared_sources(config: Config, source: str) -> list[str]:
    """Sources before this one of which all is made that is made of it: what they have in common
    need not be made twice."""
    used = sources_used(config)
    before = list(config.sources)[: list(config.sources).index(source)]
    asked = _uses(config, source)
    return [name for name in before if name in used and asked <= _uses(config, name)]


def all_stay(config: Config, source: str) -> bool:
    """Whether no structure of a source is dropped as a duplicate: as asked for, or since its file
    has labels, which somebody has paid for."""
    labelled = (s.name for name in from_files(config) for s in labelled_sources(config, name))
    return source in {*config.duplicates.keep_all_of, *labelled}


def _structures(config: Config, sources: Sequence[str]) -> list[str]:
    return [
        f"structures/{name}/{i}.h5" for name in sources for i in range(config.sources[name].shards)
    ]


def structures_compared(config: Config, source: str) -> list[str]:
    """Files of the structures that are compared, those of the source last."""
    return _structures(config, [*compared_sources(config, source), source])


def keys_compared(config: Config, source: str) -> list[str]:
    """Keys of what the sources before keep."""
    return [f"duplicates/{name}.h5" for name in compared_sources(config, source)]


def duplicates_of(config: Config, source: str, shard: int | str) -> list[str]:
    """What says which structures of a source are duplicates; none where none are looked for."""
    return [f"duplicates/{source}.h5"] if config.duplicates.distance_A else []


def force_constants_of(config: Config, sampling: str, source: str, shard: str) -> list[str]:
    """Folder of the force constants that a sampling follows; none where it follows none."""
    section = config.sampling[sampling]
    follows = section.force_constants if isinstance(section, Phonons) else None
    return [f"force_constants/{follows}/{source}/{shard}"] if follows else []


def frames_to_cut(
    config: Config, subsystem: str, sampling: str, source: str, shard: str
) -> list[str]:
    """Frames that clusters are cut out of."""
    return frame_files(config, sampling, source, shard)


def fragment_tables(config: Config, subsystem: str, label_set: str) -> list[str]:
    """Which cluster of a subsystem has which fragments."""
    return [
        f"{path.removesuffix('.h5')}.fragments.csv"
        for path in subsystem_files(config)
        if path.split("/")[1] == subsystem
    ]


def choices_of_views(config: Config, label_set: str, slice: str) -> list[str]:
    """What decided on the views of a label set; none where the config says them."""
    automatic = config.labels[label_set].views == "auto"
    return [f"labels/{label_set}.views.json"] if automatic else []


def checks_of_file_labels(config: Config, label_set: str, slice: str) -> list[str]:
    """What was found in the files that have the labels; none of labels by a potential."""
    return [f"labels/{label_set}.file.json"] if label_set in from_files(config) else []


def all_checks_of_file_labels(config: Config, **wildcards: str) -> list[str]:
    """What no work should start before: labels of one's own that are wrong."""
    return [f"labels/{label_set}.file.json" for label_set in from_files(config)]


def labelled_files(config: Config, label_set: str) -> list[str]:
    """Files of the user that have the labels of a label set; these are not below the run."""
    return [
        path
        for source in labelled_sources(config, label_set)
        for path in source_files(config, source.name)
    ]


def label_files(config: Config, label_set: str | None) -> list[str]:
    """Labels of every slice; none of no label set."""
    return [f"labels/{label_set}/{i}.h5" for i in range(config.select.slices)] if label_set else []


def baseline_labels(config: Config, delta: str) -> list[str]:
    """Labels that a difference takes off."""
    return label_files(config, config.delta[delta].baseline)


def target_labels(config: Config, delta: str) -> list[str]:
    """Labels that a difference takes others off from."""
    return label_files(config, config.delta[delta].target)


def gates_of_difference(config: Config, delta: str) -> list[str]:
    """What says that both label sets are good enough."""
    section = config.delta[delta]
    return [f"gate/{name}.passed" for name in (section.baseline, section.target)]


def isolated_atoms(config: Config, delta: str) -> list[str]:
    """Energies of isolated atoms by both potentials; none where they are fitted."""
    section = config.delta[delta]
    names = (section.baseline, section.target) if section.atoms == "isolated" else ()
    return [f"atoms/{name}.json" for name in names]


def reference_labels(config: Config, **wildcards: str) -> list[str]:
    """Labels that errors are measured against; none where the config names no reference."""
    return label_files(config, config.warrant.reference)


def hard_labels(config: Config, label_set: str, student: str, seed: str | int) -> list[str]:
    """Labels of the reference that a student learns from beside its own; none of most."""
    return reference_labels(config) if config.students[student].hard_share else []


def reference_of_teacher(config: Config, potential: str) -> list[str]:
    """As :func:`reference_labels`; none of the potential that made them."""
    reference = config.warrant.reference
    itself = reference and config.labels[reference].potential == potential
    return [] if itself else reference_labels(config)


def has_curl(config: Config, potential: str) -> bool:
    """Whether forces of a potential may be no gradient; its weights tell whether they are."""
    section = config.potentials[potential]
    return not KINDS[section.model].equivariant or bool(getattr(section, "lab_frame_error", 0))


def floor_under(config: Config, label_set: str) -> Literal["none", "measured", "unknown"]:
    """What is known of the floor under students of a label set; unknown where no potential made the
    labels, it is not measured, or no floor is asked for."""
    potential = config.labels[rounds.label_set_of(label_set)].potential
    if potential and not has_curl(config, potential):
        return "none"
    asked = config.warrant.n_floor_frames and potential in teachers(config)
    return "measured" if asked else "unknown"


def teacher_of_student(config: Config, label_set: str, **wildcards: str) -> list[str]:
    """What was measured of the potential that a student learns from, with the floor under it; none
    where there is no such floor."""
    measured = floor_under(config, label_set) == "measured"
    potential = config.labels[rounds.label_set_of(label_set)].potential
    return [f"warrant/teachers/{potential}.json"] if measured else []


def physics_students(config: Config) -> list[TrainedStudent]:
    """Students whose physics is measured."""
    own, found = config.warrant.physics, trained(config)
    if not own.checks:
        return []
    if own.seeds == "all":
        return found
    first: dict[tuple[str, str], TrainedStudent] = {}
    for entry in found:
        first.setdefault(entry[:2], entry)
    return list(first.values())


def physics_teachers(config: Config) -> list[str]:
    """Potentials whose physics that of students is compared with."""
    learned = (config.labels[entry.label_set].potential for entry in physics_students(config))
    return list(dict.fromkeys(name for name in learned if name))


def physics_of_teacher(config: Config, label_set: str, **wildcards: str) -> list[str]:
    """The physics of the potential that a student learns from; none of labels from a file."""
    potential = config.labels[label_set].potential
    return [f"physics/teachers/{potential}.json"] if potential else []


def physics_temperatures(config: Config) -> list[float]:
    """Of dynamics of students, in K: those of the config, or 300 and the highest of any
    sampling."""
    if (given := config.warrant.physics.temperatures_K) is not None:
        return given
    used = (config.sampling[name] for name in samplings_used(config))
    hottest = max(map(_hottest, used), default=0.0)
    return [300.0, hottest] if hottest > 300 else [300.0]


def _hottest(sampling: Any) -> float:
    """The highest temperature of a sampling, K; 0 of one that has none."""
    asked = getattr(sampling, "temperature_K", 0.0)
    if isinstance(asked, Ramp):
        return float(max(asked.start, asked.end))
    return float(max(asked) if isinstance(asked, list) else asked or 0.0)


def structures_of_physics(config: Config, **wildcards: str) -> list[str]:
    """Structures as their sources made them, from which crystals are taken."""
    return structures_selected(config)


def model_of_student(config: Config, label_set: str, student: str, seed: str) -> list[str]:
    """The model of one student and seed."""
    return [f"{student_folder(TrainedStudent(label_set, student, int(seed)))}/model"]


def structures_of_gaps(config: Config, **wildcards: str) -> list[str]:
    """Structures as their sources made them: a space group is measured on these."""
    asked = "space_group" in config.warrant.symmetries
    return structures_selected(config) if asked else []


def student_folder(entry: TrainedStudent) -> str:
    """Where one student and what is known of it stand."""
    return f"students/{entry.label_set}/{entry.student}/seed{entry.seed}"


def models(config: Config, label_set: str = "", student: str = "") -> list[str]:
    """Models of all students, or of all seeds of one."""
    one = (label_set, student)
    return [f"{student_folder(e)}/model" for e in trained(config) if e[:2] == one or not student]


def datasets_of_study(config: Config, **wildcards: str) -> list[str]:
    """Data sets that the study reads: what students learned from, and the reference's."""
    names = dict.fromkeys(filter(None, [*arms(config), config.warrant.reference]))
    return [f"datasets/{name}/{part}.h5" for name in names for part in PARTS]


def tables_of_study(config: Config, **wildcards: str) -> list[str]:
    """A table for each teacher of a study of frames by views; none of any other."""
    study = config.study
    names = study.potentials if isinstance(study, FramesByViews) else []
    return [f"studies/frames_by_views/{name}.json" for name in names]


def results(config: Config) -> list[str]:
    """What the report is made from: every file that it reads, and all that a run ends in."""
    labels = list(config.labels)
    students = [student_folder(entry) for entry in trained(config)]
    found = [
        *_frames_made(config),
        *(path for name in labels for path in label_files(config, name)),
        *(f"labels/{n}.views.json" for n in labels if config.labels[n].views == "auto"),
        *all_checks_of_file_labels(config),
        *yields_judged(config),
        *(f"gate/{name}.json" for name in labels),
        *(f"gate/{name}.pilot.json" for name in labels if pilot_slices(config)),
        *(f"datasets/{n}/{part}" for n in labels for part in (*_parts("h5"), "counts.json")),
        *(f"{path}.{kind}" for path in _measured(config) for kind in ("json", "csv")),
        *(f"{path}/{name}" for path in students for name in _LEARNED),
        *(f"{path}.{kind}" for path in _compared(config) for kind in ("json", "csv")),
        *force_constant_files(config),
        *_phonon_folders(config),
        *(f"{path}.{kind}" for path in _clusters(config) for kind in ("h5", "csv")),
        *(
            f"many_body/{name}/{label_set}.csv"
            for name, subsystem in config.subsystems.items()
            if subsystem.many_body_order and name in config.select.include
            for label_set in labels
            if label_set not in from_files(config)
        ),
        *(f"delta/{name}/counts.json" for name in config.delta),
        *(path for path in handed_over(config) if path.endswith("SHA256SUMS")),
    ]
    found.remove("report/SHA256SUMS")
    return list(dict.fromkeys(found))


#: of a student, what the report reads beside its figures
_LEARNED = ("training.csv", "training.json", "predictions.h5")
#: and what its user takes home
_STUDENT = ("metrics.json", "metrics.csv", "card.md", "use_me.py", "SHA256SUMS")


def handed_over(config: Config) -> list[str]:
    """What a user takes home: files and folders that a run makes again where they are gone."""
    sets = [*(f"datasets/{n}" for n in config.labels), *(f"delta/{n}" for n in config.delta)]
    sets += [f"datasets/{each.learned}" for each in rounds.later_rounds(config)]
    in_set = [*_parts("h5"), *_parts("extxyz"), "counts.json", "SHA256SUMS"]
    students = [student_folder(e) for e in (*trained(config), *trained_in_rounds(config))]
    of_shard = [*_clusters(config), *_phonon_folders(config)]
    return [
        *folders_with_sums(config),
        *(f"report/{name}" for name in ("index.html", "dataset.md", "SHA256SUMS")),
        *(f"{path}/{name}" for path in sets for name in in_set),
        *(f"{path}/{name}" for path in students for name in (*_STUDENT, *_LEARNED)),
        *(f"{path}.{kind}" for path in _clusters(config) for kind in ("h5", "fragments.csv")),
        *(f"{path}.{kind}" for path in of_shard for kind in ("csv", "SHA256SUMS")),
    ]


def folders_with_sums(config: Config) -> dict[str, str]:
    """Folders that a job makes as a whole, and the SHA256SUMS that say what is in each."""
    report = {f"report/{name}": "report/SHA256SUMS" for name in ("figures", "tables")}
    every = (*trained(config), *trained_in_rounds(config))
    both = [f"{student_folder(e)}/{name}" for e in every for name in ("model", "last")]
    students = {path: f"{path}/SHA256SUMS" for path in both}
    return report | students | {path: f"{path}.SHA256SUMS" for path in _phonon_folders(config)}


def _parts(kind: str) -> list[str]:
    return [f"{part}.{kind}" for part in PARTS]


def _compared(config: Config) -> list[str]:
    """Comparisons of rounds, each a JSON file and a table beside it; without their endings."""
    return [f"rounds/{label_set}.{student}" for label_set, student in rounds.asked(config)]


def _clusters(config: Config) -> list[str]:
    """Files of clusters and those beside them, without their endings."""
    return [path.removesuffix(".h5") for path in subsystem_files(config)]


def _phonon_folders(config: Config) -> list[str]:
    """Folders of force constants."""
    return [path.removesuffix(".csv") for path in force_constant_files(config)]


def _frames_made(config: Config) -> Iterator[str]:
    """Structures, samplings and selected frames, with what became of the others."""
    for source in [*sources_used(config), *reserves_used(config)]:
        for shard in range(config.sources[source].shards):
            yield from (f"structures/{source}/{shard}.{kind}" for kind in ("h5", "failed.csv"))
            yield from (f"screened/{source}/{shard}.{kind}" for kind in ("h5", "rejects.csv"))
    for name in samplings_used(config):
        traced = isinstance(config.sampling[name], MolecularDynamics)
        for source, shard in _shards(config, [name]):
            path = f"samples/{name}/{source}/{shard}"
            yield from (f"{path}.h5", f"{path}.csv")
            yield from [f"{path}.trace.csv"] * traced
    yield from (f"selected/{i}.h5" for i in range(config.select.slices))


def _measured(config: Config) -> list[str]:
    """Measurements, each a JSON file and a table beside it; without their endings."""
    students, warrant = trained(config), config.warrant
    certified = teachers(config) if warrant.n_quadrature_frames else []
    return [
        *(f"warrant/teachers/{name}" for name in teachers(config)),
        *(f"{student_folder(entry)}/metrics" for entry in students),
        *sorted({f"warrant/students/{e.label_set}/{e.student}" for e in students}),
        *(f"physics/teachers/{name}" for name in physics_teachers(config)),
        *(f"physics/{student_folder(entry)}" for entry in physics_students(config)),
        "speed",
        *([f"studies/{config.study.kind}/results"] if config.study else []),
        *(f"warrant/quadrature/{name}" for name in certified),
    ]
