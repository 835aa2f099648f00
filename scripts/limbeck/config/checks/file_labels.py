"""Labels from files: which files, in which units, and what can be done with them."""

from collections.abc import Iterator

from limbeck.config.config import Config
from limbeck.config.plan import (
    arms,
    from_files,
)
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.sources import StructureFile
from limbeck.config.sections.studies import Expectation


def _units_of_npz(config: Config, made: FileLabels, source: str) -> Iterator[str]:
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


def _file_labels(config: Config) -> Iterator[str]:
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


CHECKS = (_file_labels,)
