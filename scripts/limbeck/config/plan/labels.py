"""Label sets: who makes them, and what waits for them."""

from limbeck.check.content import content_of
from limbeck.config.config import Config
from limbeck.config.plan.sources import paths_of, source_files
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.sources import StructureFile


def from_files(config: Config) -> list[str]:
    """Label sets that come with a user's own files."""
    return [name for name, made in config.labels.items() if isinstance(made, FileLabels)]


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


def labelled_content(config: Config, label_set: str) -> str:
    """A hash of the files that have the labels of a label set."""
    sources = labelled_sources(config, label_set)
    return content_of([path for source in sources for path in paths_of(config, source.name)])


def trained_on_content(config: Config, label_set: str) -> str:
    """A hash of what says which frames the potential of a label set was trained on."""
    potential = config.labels[label_set].potential
    return content_of((config.potentials[potential].trained_on or []) if potential else [])


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
