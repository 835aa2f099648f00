"""All that a run ends in."""

from collections.abc import Iterator

from limbeck.config import rounds
from limbeck.config.config import Config
from limbeck.config.plan.batches import pilot_slices
from limbeck.config.plan.frames import (
    force_constant_files,
    reserves_used,
    samplings_used,
    shards_of,
    sources_used,
    subsystem_files,
)
from limbeck.config.plan.labels import all_checks_of_file_labels, from_files, label_files
from limbeck.config.plan.sources import generator_shards
from limbeck.config.plan.students import student_folder, trained, trained_in_rounds
from limbeck.config.plan.studies import study_files
from limbeck.config.plan.warrant import physics_students, physics_teachers, teachers
from limbeck.config.plan.yields import yields_judged
from limbeck.config.sections.datasets import PARTS
from limbeck.config.sections.sampling import MolecularDynamics


def results(config: Config) -> list[str]:
    """What the report is made from: every file that it reads, and all that a run ends in."""
    if not config.sources:
        return study_files(config)
    labels = list(config.labels)
    students = [student_folder(entry) for entry in trained(config)]
    found = [
        *(f"generators/{n}/{i}/made.json" for n, i in generator_shards(config)),
        *_frames_made(config),
        *(path for name in labels for path in label_files(config, name)),
        *(f"labels/{n}.views.json" for n in labels if config.labels[n].views == "auto"),
        *all_checks_of_file_labels(config),
        *yields_judged(config),
        *(["comparison.json"] if config.compare else []),
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
        *study_files(config),
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
        for source, shard in shards_of(config, [name]):
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
        *([f"studies/{config.frames_study.name}/results"] if config.frames_study else []),
        *(f"warrant/quadrature/{name}" for name in certified),
    ]
