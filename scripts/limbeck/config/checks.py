"""What no section can say alone: names that refer to each other, files, elements, counts.

Every check takes a config whose sections are right, and gives one line for each error.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from limbeck.check.content import files_of, nothing_at
from limbeck.config.amounts import batch_errors
from limbeck.config.config import Config
from limbeck.config.plan import (
    arms,
    driver,
    file_of_study,
    from_files,
    generator_files,
    generators_used,
    has_curl,
    is_isolated,
    pilot_slices,
    potential_meets,
    reserves,
    samplings_used,
    sources_of,
    sources_selected,
    sources_used,
    takers,
    teachers,
)
from limbeck.config.rounds import dynamics_of, most_frames, sampling_of
from limbeck.config.sections.base import NamedSection, Section
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.force_constants import ForceConstants
from limbeck.config.sections.known import KINDS, NO_RADIUS
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.messages import dotted, one_of, shown
from limbeck.config.sections.potentials import Mace, Matgl, StudentFolder, Weights, keep_faults
from limbeck.config.sections.sampling import AnySampling, MolecularDynamics, Phonons
from limbeck.config.sections.sources import Clusters, Generated, Source, StructureFile, Surfaces
from limbeck.config.sections.students import (
    NO_COMPILER,
    Distill,
    Rounds,
    compiler,
    not_installed,
)
from limbeck.config.sections.studies import EngineStudy, Expectation, FramesByViews
from limbeck.config.sections.types import Names
from limbeck.errors import LimbeckError

Lines = Iterator[str]


#: of a generative model that wrote nothing
RUN_IT_FIRST = "run the generative model first"


def config_errors(config: Config) -> list[str]:
    """Everything wrong with a config whose sections are right, one line each."""
    # The other checks follow names, so that these have to be right first.
    checks = _CHECKS if config.sources else _WITHOUT_SOURCES
    found = list(_names(config)) or [line for check in checks for line in check(config)]
    return list(dict.fromkeys(found))  # entries of distill share what they need


def _names(config: Config) -> Lines:
    for name in config.subsystems:
        if name in config.sampling:
            yield f"subsystems.{name}: a sampling has this name, too, expected another"
    yield from _references(config, config)


def _references(config: Config, part: Any, *path: str) -> Lines:
    """Names that refer to what is not there, of a section and all in it."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if isinstance(value, NamedSection) and value.name != key:
                yield f"{dotted(*path, key)}.name: {value.name!r}, expected none, or {key!r}"
            yield from _references(config, value, *path, key)
    elif isinstance(part, list):
        for i, value in enumerate(part):
            yield from _references(config, value, *path, str(i))
    elif isinstance(part, Section):
        for field, info in type(part).model_fields.items():
            value = getattr(part, field)
            yield from _references(config, value, *path, field)
            for marked in _marks([info.annotation, *info.metadata]):
                allowed = [n for s in marked.sections for n in getattr(config, s, [s])]
                for name in value if isinstance(value, list) else [value] if value else []:
                    if name not in allowed:
                        yield f"{dotted(*path, field)}: {shown(name)}, {one_of(name, allowed)}"


def _marks(parts: Any) -> Iterator[Names]:
    """Every :class:`Names` inside a type."""
    for part in parts:
        if isinstance(part, Names):
            yield part
        yield from _marks(get_args(part))


def _purpose(config: Config) -> Lines:
    if not config.labels and not teachers(config) and not config.studies:
        yield (
            "labels: none, expected a label set, or potentials in warrant.teachers whose gaps are "
            "measured"
        )


def _only_studies(config: Config) -> Lines:
    """A run without sources has studies of other fields, and nothing that is made of frames."""
    if not config.engine_studies:
        yield "sources: none, expected a source, or studies of other fields than frames of atoms"
    for field in ("labels", "sampling", "distill", "delta"):
        if getattr(config, field):
            yield f"{field}: given, expected none: there are no sources to make frames of"
    if config.frames_study:
        text = f"of kind {config.frames_study.kind}, which needs sources, expected another"
        yield f"studies.{config.frames_study.name}: {text}"


def _counts(config: Config) -> Lines:
    select = config.select
    used = {source for name in select.include for source in sources_of(config, name)}
    most = max(config.sources[source].shards for source in used)
    if select.slices > most:
        yield (
            f"select.slices: {select.slices}, expected at most {most}: no source of "
            "select.include has more shards, and a slice without one would be empty"
        )
    for name, labels in config.labels.items():
        if (labels.n_frames or 0) > select.count:
            text = f"expected at most select.count, {select.count}"
            yield f"labels.{name}.n_frames: {labels.n_frames}, {text}"


def _unused(config: Config) -> Lines:
    used = {*sources_used(config), *reserves(config)}
    for name in config.sources:
        if name not in used:
            yield (
                f"sources.{name}: nothing is made of it, expected it among the sources of a "
                'sampling in select.include (or "generated" there, for all), or no such source'
            )


def remarks(config: Config) -> Lines:
    """What is harmless, and perhaps not meant: parts of the config that the run does without."""
    used = {*_used(config, config)}
    of_rounds = {sampling_of(config, own) for own in _asked_rounds(config).values()}
    for name in config.sampling:
        if name not in samplings_used(config) and name not in of_rounds:
            yield f"sampling.{name}: neither select.include nor a subsystem takes its frames"
    for section in ("potentials", "students"):
        for name in getattr(config, section):
            if (section, name) not in used:
                yield f"{section}.{name}: nothing uses it"


def _used(config: Config, part: Any) -> Iterator[tuple[str, str]]:
    """Entries of sections that a section, or anything in it, names."""
    if isinstance(part, Mapping | list):
        for value in part.values() if isinstance(part, Mapping) else part:
            yield from _used(config, value)
    elif isinstance(part, Section):
        for field, info in type(part).model_fields.items():
            value = getattr(part, field)
            yield from _used(config, value)
            names = value if isinstance(value, list) else [value]
            for marked in _marks([info.annotation, *info.metadata]):
                yield from ((s, name) for s in marked.sections for name in names if name)


def _cells(config: Config) -> Lines:
    """Pressure and phonons where there is no cell."""
    asked: list[tuple[str, AnySampling | ForceConstants, str]] = [
        *(
            (f"sampling.{n}.ensemble", s, "NPT, expected NVT or NVE")
            for n, s in config.sampling.items()
            if isinstance(s, MolecularDynamics) and s.moves_cell
        ),
        *(
            (f"force_constants.{n}.sources", s, "phonons, expected sources of crystals")
            for n, s in config.force_constants.items()
        ),
    ]
    for field, section, text in asked:
        isolated = [s for s in section.sources if is_isolated(config.sources[s])]
        if isolated and not section.allow_empty:
            yield f"{field}: {text}: {', '.join(isolated)} has no cell"


def _generators(config: Config) -> Lines:
    """Files that are not there, and generators that nothing is made of."""
    used = generators_used(config)
    for name in config.generators:
        if name not in used:
            yield f"generators.{name}: nothing is made of it, expected a source that names it"
        for path in generator_files(config, name):
            if not files_of(path):
                yield f"generators.{name}.smiles: {path!r}, {nothing_at(path)}"


def _generative(config: Config) -> Lines:
    """Reserves that are none, or that are asked for structures of their own."""
    for name, source in config.sources.items():
        model = source.generative_model
        if model and config.sources[model].kind != "generated":
            kind = config.sources[model].kind
            text = f"of kind {kind}, expected a source of kind generated"
            yield f"sources.{name}.generative_model: {model!r}, {text}"
    asking = [(f"sampling.{n}", s.sources) for n, s in config.sampling.items()]
    asking += [(f"force_constants.{n}", s.sources) for n, s in config.force_constants.items()]
    for reserve in reserves(config):
        others = [n for n, s in config.sources.items() if s.generative_model == reserve]
        for field, sources in asking:
            if reserve in sources:
                yield (
                    f"{field}.sources: {reserve!r}, expected {' or '.join(others)}, whose "
                    "generative_model it is: each structure is of one source"
                )


def _sizes(config: Config) -> Lines:
    for name, source in config.sources.items():
        sizes = source.sizes if isinstance(source, Clusters) else None
        if sizes and sizes[0] > config.screen.max_atoms:
            text = f"expected at most screen.max_atoms, {config.screen.max_atoms}"
            yield f"sources.{name}.sizes: {sizes}, {text}"


def _vacuum(config: Config) -> Lines:
    least = config.screen.min_vacuum_A
    for name, source in config.sources.items():
        if isinstance(source, Surfaces) and source.vacuum_A < least:
            text = f"expected screen.min_vacuum_A, {least:g}, or more: all slabs would be refused"
            yield f"sources.{name}.vacuum_A: {source.vacuum_A:g}, {text}"


def _files(config: Config) -> Lines:
    for part in ("sources", "potentials"):
        for name, section in getattr(config, part).items():
            for field in ("smiles", "path", "grids"):
                path = getattr(section, field, None)
                if path is None or (part == "potentials" and Path(path).exists()):
                    continue
                if part == "sources" and _idle(config, name):
                    continue
                if not files_of(path):
                    text = _fallback(config, name) if part == "sources" else ""
                    yield f"{part}.{name}.{field}: {path!r}, {nothing_at(path)}{text}"
                elif field in ("smiles", "grids") and Path(path).is_dir():
                    yield f"{part}.{name}.{field}: {path!r} is a folder, expected a file"


def _idle(config: Config, source: str) -> bool:
    """Whether it is a reserve of which nothing is asked."""
    return source in reserves(config) and not takers(config, source)


def _fallback(config: Config, source: str) -> str:
    """What can be done where a generative model has left nothing; nothing of other sources."""
    if config.sources[source].kind != "generated":
        return ""
    asking = takers(config, source)
    made = " and ".join(f"sources.{name}.generative_fraction" for name in asking)
    text = f"; {made} 0 makes all of them conventionally" if asking else ""
    return f": {RUN_IT_FIRST}{text}"


def _weights(config: Config) -> Lines:
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


def _elements(config: Config) -> Lines:
    for potential, field, source in potential_meets(config):
        known = config.potentials[potential].known_elements
        needed = _declared_elements(config.sources[source])
        missing = [e for e in needed if known is not None and e not in known]
        if missing:
            yield unserved(field, potential, source, missing)


def _properties(config: Config) -> Lines:
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


def _study(config: Config) -> Lines:
    if isinstance(config.frames_study, Expectation):
        yield from _expectation(config, config.frames_study)
    elif config.frames_study:
        yield from _frames_by_views(config, config.frames_study)
    of_frames = [n for n, s in config.studies.items() if not isinstance(s, EngineStudy)]
    for name in of_frames[1:]:
        text = f"of the run's own frames, as {of_frames[0]} is, expected at most one such study"
        yield f"studies.{name}: {text}"


def _studies(config: Config) -> Lines:
    """Files that are not there, and packages that curves are sent by."""
    for name, study in config.engine_studies.items():
        for path in file_of_study(config, name):
            if not Path(path).is_file():
                field = "path" if path == getattr(study, "path", None) else study.kind
                yield f"studies.{name}.{field}: {path!r}, {nothing_at(path)}"
        for line in not_installed(study.log_to):
            yield f"studies.{name}.log_to: {line}"


def _expectation(config: Config, study: Expectation) -> Lines:
    if config.warrant.reference is None:
        yield "warrant.reference: nothing, expected a label set: the study compares with it"
    if any(entry.seeds != config.distill[0].seeds for entry in config.distill):
        yield "distill: other seeds in other entries, expected the same: the study pairs them"
    arms = [entry.labels for entry in config.distill]
    for name in study.baselines:
        if name not in arms:
            text = f"{shown(name)}, expected labels of distill: {', '.join(arms)}"
            yield f"studies.{study.name}.baselines: {text}"


def _frames_by_views(config: Config, study: FramesByViews) -> Lines:
    if "results" in study.potentials:
        text = "'results', expected another name: all tables go by that one"
        yield f"studies.{study.name}.potentials: {text}"
    if study.reference in study.potentials and study.views != [1]:
        text = "expected another: a teacher is not measured against itself, but for views: [1]"
        yield f"studies.{study.name}.reference: {shown(study.reference)}, {text}"
    own = config.students[study.student]
    if own.steps is None:
        yield f"students.{study.student}.steps: not given, expected a number: the study needs it"
    for field in ("batch_size", "learning_rate"):
        if field not in own.chosen_by_user:
            text = "not given, expected a number: what is recommended changes with the frames"
            yield f"students.{study.student}.{field}: {text}"
    for field in ("hessian_weight", "hard_share"):
        if getattr(own, field):
            text = "expected 0: the study has neither products nor labels of a reference to learn"
            yield f"students.{study.student}.{field}: {getattr(own, field):g}, {text}"
    if config.dataset.split_by != "group":
        text = f"{shown(config.dataset.split_by)}, expected group: the study tests on unseen ones"
        yield f"dataset.split_by: {text}"


def _units_of_npz(config: Config, made: FileLabels, source: str) -> Lines:
    """Units that arrays of numbers do not tell, and files of other people contradict."""
    own = config.sources[source]
    if not (isinstance(own, StructureFile) and own.is_npz):
        return
    for field in ("energy_unit", "forces_unit", "dipole_unit"):
        if field not in made.model_fields_set:
            yield f"labels.{made.name}.{field}: not given, expected that of {own.path}"
    if own.length_unit is None:
        yield f"sources.{source}.length_unit: not given, expected that of R in {own.path}"
    if own.grids:
        for field in ("esp_unit", "points_unit"):
            if getattr(made, field) is None:
                yield f"labels.{made.name}.{field}: not given, expected that of {own.grids}"


def _file_labels(config: Config) -> Lines:
    """Labels from files: which files, and what can be done with them."""
    files = [name for name, s in config.sources.items() if isinstance(s, StructureFile)]
    for name, made in config.labels.items():
        if not isinstance(made, FileLabels):
            continue
        if not files:
            yield f"labels.{name}.from: 'file', expected a source of kind file that has the labels"
        for source in made.sources or []:
            if source not in files:
                kind, others = config.sources[source].kind, ", ".join(files) or "there is none"
                text = f"of kind {kind}, expected one of kind file: {others}"
                yield f"labels.{name}.sources: {source!r}, {text}"
        for source in made.sources or files:
            yield from _units_of_npz(config, made, source)
        if "generated" not in config.select.include:
            text = "expected generated among them: what samplings make of frames has no label"
            yield f"select.include: {', '.join(config.select.include)}, {text} in labels.{name}"
    for name, delta in config.delta.items():
        ours = [s for s in (delta.baseline, delta.target) if s in from_files(config)]
        if delta.atoms == "isolated" and ours:
            text = f"expected fit: {ours[0]!r} is from a file, and no potential that can be asked"
            yield f"delta.{name}.atoms: 'isolated', {text} about isolated atoms"
    if isinstance(config.frames_study, Expectation):
        for learned in [*arms(config), config.warrant.reference]:
            if learned in from_files(config):
                text = "expected labels of a potential, which the study asks about other views"
                yield f"studies.{config.frames_study.name}: {learned!r} is from a file, {text}"


def _learners(config: Config) -> Iterator[tuple[str, str, str]]:
    """Each student of each entry of ``distill``: the field of its labels, their name, its own."""
    for i, entry in enumerate(config.distill):
        for name in entry.students:
            yield f"distill.{i}.labels", entry.labels, name


def _spread(config: Config) -> Lines:
    for field, labels, name in _learners(config):
        label_set = config.labels[labels]
        if config.students[name].spread_weight and not label_set.has_spread:
            yield (
                f"{field}: {labels!r} is labelled with views: {shown(label_set.views)}, expected 2 "
                f"views or more, since students.{name}.spread_weight needs the spread over views"
            )


def _hessian(config: Config) -> Lines:
    for field, labels, name in _learners(config):
        if config.students[name].hessian_weight and not config.labels[labels].hessian_vectors:
            yield (
                f"{field}: {labels!r} has hessian_vectors: 0, expected 1 or more, since "
                f"students.{name}.hessian_weight needs products of the Hessian"
            )


def _hard(config: Config) -> Lines:
    reference = config.warrant.reference
    for field, labels, name in _learners(config):
        if not config.students[name].hard_share:
            continue
        share = f"students.{name}.hard_share"
        if reference is None:
            yield f"warrant.reference: nothing, expected a label set: {share} is of its labels"
        elif reference == labels:
            text = f"expected another than warrant.reference, which {share} is learned from"
            yield f"{field}: {shown(reference)}, {text}"


def _physics(config: Config) -> Lines:
    own = config.warrant.physics
    if own.checks and not config.distill:
        yield (
            f"warrant.physics.checks: {shown(own.checks)}, expected none: distill has no students "
            "whose physics could be measured"
        )


def _asked_rounds(config: Config) -> dict[int, Rounds]:
    return {i: own for i, entry in enumerate(config.distill) if (own := entry.asked_rounds)}


def _rounds(config: Config) -> Lines:
    """Rounds that cannot be: no one to label or choose, no dynamics, or nothing to test on."""
    seen: set[tuple[str, str]] = set()
    for i, own in _asked_rounds(config).items():
        entry, field = config.distill[i], f"distill.{i}.rounds"
        for student in entry.students:
            if (entry.labels, student) in seen:
                text = "expected its seeds in one entry"
                yield f"{field}: rounds of {entry.labels}/{student} a second time, {text}"
            seen.add((entry.labels, student))
        if entry.labels in from_files(config):
            text = "expected those of a potential, which can be asked about new frames"
            yield f"distill.{i}.labels: {entry.labels!r} is from a file, {text}, with rounds"
        if config.dataset.split_by == "frame":
            text = "expected group or root with rounds: they start from structures that no test has"
            yield f"dataset.split_by: 'frame', {text}"
        if own.n_test_starts and not config.dataset.test_known_fraction:
            text = "expected 0, since dataset.test_known_fraction is"
            yield f"{field}.n_test_starts: {own.n_test_starts}, {text}"
        yield from _choice(config, entry, own, field)
        yield from _own_dynamics(config, entry, own, field)


def _choice(config: Config, entry: Distill, own: Rounds, field: str) -> Lines:
    if own.choose == "committee" and len(entry.seeds) < 2:
        seeds = f"seeds: {entry.seeds}, expected two or more"
        yield f"{field}.choose: committee with {seeds}, or choose: descriptors"
    potential = config.labels[entry.labels].potential
    if own.choose != "views" or not potential:
        return
    if not has_curl(config, potential):
        text = "is equivariant, and says the same in all views; expected committee or descriptors"
        yield f"{field}.choose: views, but {potential} {text}"
    if config.labels[entry.labels].views == "auto":
        text = "expected a number, so that what the choice costs can be compared"
        yield f"labels.{entry.labels}.views: auto with choose: views in {field}, {text}"


def _own_dynamics(config: Config, entry: Distill, own: Rounds, field: str) -> Lines:
    if not sampling_of(config, own):
        named = f"{own.sampling!r} of another method" if own.sampling else "none in select.include"
        yield f"{field}.sampling: {named}, expected the name of a sampling with method: md"
        return
    try:
        dynamics = dynamics_of(config, entry.labels, entry.students[0], field)
    except LimbeckError as error:
        yield from str(error).splitlines()
        return
    most = most_frames(own, dynamics)
    if own.n_frames > most:
        text = f"expected at most {most}, all that the dynamics of n_starts structures make"
        yield f"{field}.n_frames: {own.n_frames}, {text}"


def _validation(config: Config) -> Lines:
    if config.distill and not config.dataset.valid_fraction:
        text = "expected more than 0: frames that are not trained on tell which weights are kept"
        yield f"dataset.valid_fraction: 0, {text}"


def _learning_curves(config: Config) -> Lines:
    for name, student in config.students.items():
        for line in not_installed(student.log_to):
            yield f"students.{name}.log_to: {line}"


def _compiled(config: Config) -> Lines:
    for name, student in config.students.items():
        if student.inference == "compile":
            if config.device != "cpu":
                text = "expected eager where device is cuda: it is not tested there"
                yield f"students.{name}.inference: 'compile', {text}"
            elif compiler() is None:
                yield f"students.{name}.inference: 'compile', {NO_COMPILER}"


def _phonons(config: Config) -> Lines:
    for name, sampling in config.sampling.items():
        if isinstance(sampling, Phonons):
            there = config.force_constants[sampling.force_constants].sources
            for source in sampling.sources:
                if source not in there:
                    text = f"force_constants.{sampling.force_constants}: {', '.join(there)}"
                    yield f"sampling.{name}.sources: {source!r}, expected sources of {text}"


def _kept(config: Config) -> Lines:
    for part in ("sampling", "subsystems"):
        for name, section in getattr(config, part).items():
            asked = driver(config, name) if part == "sampling" else section.potential
            potential = config.potentials[asked] if asked else None
            for field, text in keep_faults(section.keep, potential):
                yield f"{part}.{name}.{field}: {text}"


def _diversity(config: Config) -> Lines:
    kept = {name: s.keep for name, s in [*config.sampling.items(), *config.subsystems.items()]}
    choice = config.select.choice
    by_kept = choice is not None and choice.descriptors == "kept"
    field = "choice" if by_kept else "diversity"
    for name in config.select.include if config.select.diversity or by_kept else []:
        if "descriptors" not in kept.get(name, []):
            yield (
                f"select.{field}: frames of {name!r} have no descriptors, expected only "
                "samplings and subsystems in select.include with descriptors in their keep"
            )


def _gate(config: Config) -> Lines:
    gate, included = config.gate, sources_selected(config)
    for name in gate.proportions or {}:
        if name not in included:
            yield f"gate.proportions: {shown(name)}, {one_of(name, included)}"
    if gate.pilot and pilot_slices(config) >= config.select.slices:
        yield (
            f"gate.pilot: {gate.pilot}, expected fewer frames than all: it takes "
            f"{pilot_slices(config)} of {config.select.slices} slices (select.slices)"
        )
    if gate.fallback and not Path(gate.fallback).is_file():
        yield f"gate.fallback: {shown(gate.fallback)}, no such file, expected a config"


def _whole_set(config: Config) -> Lines:
    choice, pilot = config.select.choice, config.gate.pilot
    if choice and pilot and choice.by == "direct":
        yield (
            f"select.choice.by: direct chooses among all frames at once, and gate.pilot: {pilot} "
            "has some labelled before the others are made; expected one of the two, or by: "
            "farthest or random"
        )


_CHECKS: tuple[Callable[[Config], Lines], ...] = (
    _purpose,
    _counts,
    batch_errors,
    _unused,
    _cells,
    _generators,
    _generative,
    _sizes,
    _vacuum,
    _files,
    _weights,
    _elements,
    _properties,
    _study,
    _studies,
    _file_labels,
    _spread,
    _hessian,
    _hard,
    _physics,
    _rounds,
    _validation,
    _learning_curves,
    _compiled,
    _phonons,
    _kept,
    _diversity,
    _gate,
    _whole_set,
)
#: of a run that has nothing but studies of other fields
_WITHOUT_SOURCES: tuple[Callable[[Config], Lines], ...] = (_only_studies, _studies)
