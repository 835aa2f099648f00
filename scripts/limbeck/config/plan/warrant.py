"""What is measured of teachers and of students, and on what."""

from collections.abc import Iterator
from typing import Any, Literal

from limbeck.config import rounds
from limbeck.config.config import Config
from limbeck.config.plan.frames import samplings_used, sources_of, structures_selected
from limbeck.config.plan.labels import from_files, reference_labels
from limbeck.config.plan.students import TrainedStudent, arms, models, trained
from limbeck.config.plan.studies import data_of_study
from limbeck.config.sections.datasets import PARTS
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.known import KINDS
from limbeck.config.sections.sampling import Ramp
from limbeck.config.sections.studies import Expectation, FramesByViews


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
    if isinstance(study := config.frames_study, FramesByViews):
        field = f"studies.{study.name}"
        for source in included:
            yield from ((name, f"{field}.potentials", source) for name in study.potentials)
            yield study.reference, f"{field}.reference", source


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


def structures_of_gaps(config: Config, **wildcards: str) -> list[str]:
    """Structures as their sources made them: a space group is measured on these."""
    asked = "space_group" in config.warrant.symmetries
    return structures_selected(config) if asked else []


def datasets_of_study(config: Config, **wildcards: str) -> list[str]:
    """Data sets that a study of label sets reads: what students learned from, and the
    reference's."""
    names = dict.fromkeys(filter(None, [*arms(config), config.warrant.reference]))
    return [f"datasets/{name}/{part}.h5" for name in names for part in PARTS]


def tables_of_study(config: Config, **wildcards: str) -> list[str]:
    """A table for each teacher of a study of frames by views; none of any other."""
    study = config.frames_study
    if not isinstance(study, FramesByViews):
        return []
    return [f"studies/{study.name}/{name}.json" for name in study.potentials]


def read_by_study(config: Config, study: str) -> list[str]:
    """What the results of a study are made of."""
    own = config.studies[study]
    if isinstance(own, Expectation):
        return [*datasets_of_study(config), *models(config)]
    if isinstance(own, FramesByViews):
        return tables_of_study(config)
    return data_of_study(config, study)
