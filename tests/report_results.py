"""A small results folder with made-up numbers, in the formats that the rules write."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from in_process import script_named
from jobs_of import split_job
from limbeck.config.config import Config
from limbeck.config.sections.messages import validated
from limbeck.datasets.split import Dataset, split_as
from limbeck.files import write_csv, write_json
from limbeck.frames import Frames, concatenate, derive, from_atoms
from limbeck.labels import Labels, counts_of, select_labels
from limbeck.potentials.speed import speed_ups
from limbeck.reasons import OFF_TARGET
from limbeck.report.run.folder import Run, open_run
from limbeck.storage import write_frames, write_labels
from limbeck.students.evaluation import metric_rows
from limbeck.studies.frames.expectation import study_rows
from limbeck.studies.frames.table_results import results, table_rows
from limbeck.timing.card import card_rows
from limbeck.warrant.grids import certificate_rows
from limbeck.warrant.tidy import write_table
from study_tables import table

SETTINGS: dict[str, Any] = {
    "run": "made-up",
    "seed": 1,
    "device": "cpu",
    "threads": 1,
    "sources": {
        "organics": {"kind": "molecules", "count": 12, "shards": 1, "smiles": "some.smi"},
        "rocksalts": {"kind": "crystals", "count": 16, "shards": 2, "elements": ["Na", "Cl"]},
    },
    "potentials": {
        "mace-demo": {"model": "mace", "path": "mace-demo.model", "sha256": "a" * 64},
        "orb-demo": {"model": "orb", "path": "orb-demo", "sha256": "b" * 64},
        "chgnet": {"model": "chgnet"},
    },
    "sampling": {
        "md-300": {
            "method": "md",
            "sources": ["organics", "rocksalts"],
            "potential": "mace-demo",
            "ensemble": "NVT",
            "temperature_K": 300,
            "time_equilibration_fs": 100,
        },
        "rattled": {"method": "rattle", "sources": ["rocksalts"], "n_frames": 2},
    },
    "force_constants": {},
    "subsystems": {},
    "delta": {},
    "select": {"include": ["md-300", "rattled"], "count": 200, "slices": 2},
    "labels": {
        "orb-demo-k12": {"potential": "orb-demo", "views": "auto"},
        "chgnet": {"potential": "chgnet", "views": "as_given"},
    },
    "dataset": {"valid_fraction": 0.2, "test_known_fraction": 0.3, "split_by": "root"},
    "students": {
        "mace-small": {"architecture": "mace"},
        "direct-small": {"architecture": "direct"},
    },
    "distill": [
        {"labels": "orb-demo-k12", "students": ["mace-small", "direct-small"], "seeds": [1]}
    ],
    "warrant": {
        "symmetries": ["rotation", "reflection", "conservativity", "consistency"],
        "n_frames": 200,
        "views": 8,
        "reference": "chgnet",
        "teachers": ["orb-demo", "chgnet"],
        "n_quadrature_frames": 6,
    },
    "studies": {},
}
#: A name that must stay text on the page.
HOSTILE = "<script>alert('C1=CC=CC=C1')</script>"


NINE = (
    "rotation reflection translation permutation supercell cell_choice space_group conservativity "
    "consistency"
).split()
ABOUT = {
    "model": "some",
    "elements": [1, 6, 11, 17],
    "cutoff": 6.0,
    "max_neighbours": None,
    "properties": ["energy", "forces", "stress"],
    "conservative": False,
    "equivariant": False,
    "dtype": "float32",
    "licence": "MIT",
    "citation": "A. Author, Journal 1, 2 (2026).",
    "weights": "c" * 64,
}
#: name, rotation gap, work around loops; meV/Angstrom
TEACHERS = (("orb-demo", 41.0, 30.0), ("chgnet", 0.02, 0.01))


def only_gaps() -> dict[str, Any]:
    """Settings of a run that measures gaps, and labels and trains nothing."""
    settings = deepcopy(SETTINGS)
    settings |= {"labels": {}, "students": {}, "distill": []}
    teachers = [name for name, *_ in TEACHERS]
    settings["warrant"] |= {"reference": None, "symmetries": NINE, "teachers": teachers}
    return settings


def without_students() -> dict[str, Any]:
    """Settings of a run that only labels: no students, no truth, no symmetries."""
    settings = deepcopy(SETTINGS)
    settings["distill"] = []
    settings["warrant"] |= {"reference": None, "symmetries": []}
    return settings


def opened(results: str | Path, settings: dict[str, Any]) -> Run:
    """The run of a folder, as the report sees it."""
    return open_run(results, validated(Config, settings))


def build(
    folder: Path, settings: dict[str, Any] = SETTINGS, gain: float = 10.0, student_gap: float = 0.01
) -> Path:
    """Write a results folder.

    Args:
        gain: of averaging, meV/Angstrom, with an interval of 5 to either side.
        student_gap: rotation gap of the students, meV/Angstrom.
    """
    rng, symmetries = np.random.default_rng(0), settings["warrant"]["symmetries"]
    samples = [_source(folder, settings, name, rng) for name in settings["sources"]]
    frames = concatenate(samples)
    for i in range(settings["select"]["slices"]):
        part = frames.select(np.arange(i, len(frames), settings["select"]["slices"]))
        write_frames(folder / f"selected/{i}.h5", part, stage="select_frames")
    truth = _truth(frames, rng)
    labels = {"chgnet": truth, "orb-demo-k12": _noisy(truth, 0.08, rng)}
    parts = split_as(frames, split_job(settings["dataset"] | {"seed": settings["seed"]}))
    for name in settings["labels"]:
        _label_set(folder, settings, name, labels[name])
        _dataset(folder, name, Dataset(frames, labels[name]), parts)
        if settings["labels"][name]["views"] == "auto":
            write_json(folder / f"labels/{name}.views.json", CHOICE)
    for entry in settings["distill"]:
        whole = Dataset(frames, labels[entry["labels"]])
        for student in entry["students"]:
            _student(
                folder, settings, entry["labels"], student, whole.select(parts["test_known"]), rng
            )
            title = f"{entry['labels']}/{student}"
            gaps = gaps_of(symmetries, settings["sources"], student_gap)
            value = {"model": title, "kind": "student", "gaps": gaps}
            write_gaps(folder / f"warrant/students/{title}.json", value, entry["seeds"])
    for name, size, work in TEACHERS:
        gaps = gaps_of(symmetries, settings["sources"], size, work)
        value = {"model": name, "kind": "teacher", "about": ABOUT, "gaps": gaps}
        value |= {"errors": _errors(gain)} if settings["warrant"]["reference"] else {}
        write_gaps(folder / f"warrant/teachers/{name}.json", value)
        path, certificate = folder / f"warrant/quadrature/{name}.json", _certificate(name, size)
        write_json(path, certificate)
        write_table(path, certificate_rows(certificate, set="selected"))
    speeds = _speeds(settings)
    card = card_of(speeds)
    write_json(folder / "speed.json", {"models": speeds, "card": card})
    script = script_named("measure_speed")
    of_models = chain.from_iterable(map(script.speed_rows, speeds))
    of_ratios = map(script.ratio_row, speed_ups(speeds))
    write_table(folder / "speed.json", chain(of_models, of_ratios, card_rows(card)))
    write_json(folder / "check_inputs.json", {"sources": {}, "potentials": {}})
    return folder


def write_gaps(path: Path, value: dict[str, Any], seeds: Sequence[int] = ()) -> None:
    """A warrant file and its table, as measure_gap.py writes them."""
    write_json(path, value)
    models = [f"seed{seed}/model" for seed in seeds]
    write_table(path, script_named("measure_gap").rows_of(value, "test", {}, models))


def write_study(folder: Path) -> None:
    """The results of the made-up study."""
    path = folder / "studies/expectation/results.json"
    write_json(path, STUDY)
    write_table(path, study_rows(STUDY))


def write_study_table(folder: Path) -> None:
    """Results of a made-up study of frames by views: two teachers, one of them without noise."""
    rng = np.random.default_rng(0)

    def scatter() -> np.ndarray:
        return np.exp(rng.normal(0, 0.02, (3, 12)))

    found = results(
        [
            table("emt-10", lambda n, k: n**-0.5, scatter),
            table("emt-100", lambda n, k: (n * k) ** -0.5, scatter),
        ]
    )
    path = folder / "studies/frames_by_views/results.json"
    write_json(path, found)
    write_table(path, table_rows(found))


def _source(folder: Path, settings: dict[str, Any], name: str, rng: np.random.Generator) -> Frames:
    """Structures, screened structures and samples of one source; returns the samples."""
    source, parts = settings["sources"][name], []
    for shard in range(source["shards"]):
        count = source["count"] // source["shards"]
        atoms = [_atoms(name, rng) for _ in range(count)]
        groups = [f"{name}-{shard}-{n % 6}" for n in range(count)]
        made = from_atoms(atoms, groups=groups, source=name)
        kept = made.select(np.arange(1, count))
        write_frames(folder / f"structures/{name}/{shard}.h5", made, stage="generate")
        write_frames(folder / f"screened/{name}/{shard}.h5", kept, stage="screen")
        columns = ("number", "name", "reason")
        _csv(
            folder / f"structures/{name}/{shard}.failed.csv", columns, [(0, HOSTILE, "no 3D shape")]
        )
        rejected = [(0, "12e45", "atoms too near")]
        _csv(folder / f"screened/{name}/{shard}.rejects.csv", columns, rejected)
        for sampling, section in settings["sampling"].items():
            if name in section["sources"]:
                parts.append(_sample(folder, sampling, section, name, shard, kept, rng))
    return concatenate(parts)


def _atoms(source: str, rng: np.random.Generator) -> Atoms:
    if source == "organics":
        return Atoms("CH4", positions=rng.normal(scale=1.2, size=(5, 3)))
    positions = np.array([[0, 0, 0], [2.8, 0, 0]]) + rng.normal(scale=0.05, size=(2, 3))
    return Atoms("NaCl", positions=positions, cell=np.eye(3) * 5.6, pbc=True)


def _sample(
    folder: Path,
    sampling: str,
    section: dict[str, Any],
    source: str,
    shard: int,
    parents: Frames,
    rng: np.random.Generator,
) -> Frames:
    """Two children of every parent, and the summary."""
    twice = parents.select(np.repeat(np.arange(len(parents)), 2))
    moved = twice.positions + rng.normal(scale=0.05, size=twice.positions.shape)
    children = derive(twice, moved, twice.cell, sampling=sampling, seed=1)
    ids = [i.decode() for i in parents.id]
    path = folder / f"samples/{sampling}/{source}/{shard}"
    if section["method"] == "md":
        columns = (
            "id trajectory n_atoms frames target_K temperature_K temperature_error_K density_g_cm3 "
            "energy_drift_eV_per_atom_per_ps total_energy_drift_eV_per_atom_per_ps doubt cut "
            "cut_time_fs"
        ).split()
        rows: list[Any] = [
            (i, 0, 5, 2, 300, rng.normal(300, 40), 40, "", 1e-3, 2e-3, doubt, cut, "")
            for i, doubt, cut in _marked(ids)
        ]
        _trace(path.with_suffix(".trace.csv"), ids, rng)
    else:
        columns = ["id", "n_atoms", "frames", "set_aside", "drawn_again"]
        rows = [(i, 2, 2, 0, 0) for i in ids]
    _csv(path.with_suffix(".csv"), columns, rows)
    about = {"licence": "BSD", "citation": "", "weights": ""}
    settings = {"about": about} if section["method"] == "md" else None
    write_frames(path.with_suffix(".h5"), children, stage="sample", settings=settings)
    return children


def _marked(ids: list[str]) -> Iterator[tuple[str, str, str]]:
    """The first trajectory is cut, and the second not as warm as it should be."""
    for n, i in enumerate(ids):
        yield i, OFF_TARGET if n == 1 else "", "too hot" if n == 0 else ""


def _trace(path: Path, ids: list[str], rng: np.random.Generator) -> None:
    """Trajectories of 5 atoms at 300 K, equilibrated from the start; the first ends at 50 fs."""
    columns = (
        "id trajectory time_fs temperature_K target_K energy_eV_per_atom pressure_GPa density_g_cm3"
    ).split()
    spread = 300 * np.sqrt(2 / 12)  # of the canonical ensemble, 12 degrees of freedom
    rows = [
        (i, 0, time, rng.normal(300, spread), 300.0, -3 + 0.01 * rng.normal(), "", "")
        for n, i in enumerate(ids)
        for time in np.arange(0.0, 100.0 if n == 0 else 501.0, 50.0)
    ]
    _csv(path, columns, rows)


def _truth(frames: Frames, rng: np.random.Generator) -> Labels:
    atoms = len(frames.numbers)
    energy = np.bincount(frames.frame_of_atom, weights=-0.1 * frames.numbers.astype(float))
    return Labels(
        id=frames.id,
        n_atoms=frames.n_atoms,
        energy=energy + 0.2 * frames.n_atoms * rng.normal(size=len(frames)),
        forces=rng.normal(size=(atoms, 3)),
        stress=np.full((len(frames), 6), np.nan),
        energy_spread=np.full(len(frames), np.nan),
        forces_spread=np.full(atoms, np.nan),
        status=np.zeros(len(frames), dtype=np.uint8),
        attrs={
            "licence": "MIT",
            "citation": "A. Author, Journal 1, 2 (2026).",
            **_views("as_given"),
        },
    )


def _noisy(labels: Labels, size: float, rng: np.random.Generator) -> Labels:
    """The same with errors; the first frame has a bad label, the second was not asked for."""
    status = labels.status.copy()
    status[:2] = 2, 6
    return replace(
        labels,
        energy=labels.energy + size * rng.normal(size=len(labels)),
        forces=labels.forces + size * rng.normal(size=labels.forces.shape),
        forces_spread=size / 2 * rng.lognormal(sigma=0.5, size=len(labels.forces)),
        status=status,
        attrs=labels.attrs | _views(12),
    )


def _views(views: int | str) -> dict[str, Any]:
    """What labels say of the views they are averages over."""
    return {
        "views": views,
        "quadrature": None,
        "quadrature_order": None,
        "reflections": False,
        "weights": "chgnet==0.4.2 0.3.0",
        "potential": "chgnet",
        "model": "chgnet",
    }


VERDICT = {
    "go": True,
    "criteria": [
        {
            "name": "good_label_fraction",
            "scope": "all",
            "value": 1.0,
            "threshold": 0.95,
            "passed": True,
        }
    ],
    "status": {"good": 40},
}
TRAINING = {
    "architecture": "mace",
    "network": "MACE.",
    "parameters": 12345,
    "train_frames": 30,
    "valid_frames": 4,
    "epochs": 20,
    "best_epoch": 20,
    "steps": 100,
    "minutes": 1.5,
    "cpu_minutes": 2.0,
}


def _label_set(folder: Path, settings: dict[str, Any], name: str, labels: Labels) -> None:
    shards = settings["select"]["slices"]
    for i in range(shards):
        part = select_labels(labels, np.arange(i, len(labels), shards))
        write_labels(folder / f"labels/{name}/{i}.h5", name, part)
    verdict = VERDICT | {"status": counts_of(labels.status)}
    write_json(folder / f"gate/{name}.json", verdict)


def _dataset(folder: Path, label_set: str, whole: Dataset, parts: dict[str, np.ndarray]) -> None:
    for part, index in parts.items():
        chosen = whole.select(index)
        path = folder / f"datasets/{label_set}/{part}.h5"
        labels = {label_set: chosen.labels}
        write_frames(path, chosen.frames, stage="build_dataset", labels=labels)
    told = {"near_copies": [], "validated_by": {"rocksalts": "root", "organics": "group"}}
    told |= {"undetermined_elements": ["H", "C"] if label_set == "chgnet" else []}
    write_json(folder / f"datasets/{label_set}/counts.json", told)


def _student(
    folder: Path,
    settings: dict[str, Any],
    label_set: str,
    student: str,
    test: Dataset,
    rng: np.random.Generator,
) -> None:
    for seed in settings["distill"][0]["seeds"]:
        own = folder / f"students/{label_set}/{student}/seed{seed}"
        answers = {"student": _noisy(test.labels, 0.05, rng)}
        write_frames(own / "predictions.h5", test.frames, stage="evaluate_student", labels=answers)
        columns = (
            "epoch seconds learning_rate train_loss valid_loss valid_energy_mae_meV_per_atom "
            "valid_forces_mae_meV_per_A"
        ).split()
        rows = [(e, 2.0 * e, 0.01, 3 / e, 4 / e, 90 / e, 800 / e + 40) for e in range(1, 21)]
        _csv(own / "training.csv", columns, rows)
        write_json(own / "training.json", TRAINING)
        metrics = _metrics(settings, label_set, student, seed)
        write_json(own / "metrics.json", metrics)
        write_table(own / "metrics.json", metric_rows(metrics))


def _metrics(settings: dict[str, Any], label_set: str, student: str, seed: int) -> dict[str, Any]:
    excess = (5.0, 24.0) if student == "mace-small" else (-8.0, 16.0)

    def errors(energy: float, forces: float) -> dict[str, Any]:
        size = {"size": figure(1100.0, "meV/A")}
        tenth = {"meV/atom": energy, "meV/A": forces}
        both = [figure(v, unit, 0.9 * v, 1.1 * v) for unit, v in tenth.items()]
        counts = {"n_frames": 20, "n_roots": 9, "n_groups": 9}
        size |= {"rmse": figure(1.4 * forces, "meV/A", 1.3 * forces, 1.5 * forces)}
        size |= {"cosine": figure(0.98, "", 0.97, 0.99)}
        return counts | {"energy": both[0], "forces": both[1] | size}

    labels = errors(8.0, 40.0) | {"by_source": {n: errors(8, 40) for n in settings["sources"]}}
    test: dict[str, Any] = {
        "n_frames": 20,
        "n_roots": 9,
        "n_groups": 9,
        "against": {"labels": labels},
        "by": {
            "sampling": {"md-300": errors(7.0, 41.0), "rattled": errors(9.0, 39.0)},
            "size": {"1 to 8": errors(8.0, 40.0)},
            "element": {"Na": {k: v for k, v in errors(0.0, 43.0).items() if k != "energy"}},
        },
    }
    less = {"energy": figure(-152.0, "meV/atom", -170.0, -140.0)}
    less |= {"forces": figure(-760.0, "meV/A", -800.0, -700.0)}
    test["less_constant"] = less | {"n_frames": 20, "n_roots": 9, "n_groups": 9}
    test["constant"] = {"energy": figure(160.0, "meV/atom"), "forces": figure(800.0, "meV/A")}
    test["by_compound"] = {"energy": figure(20.0, "meV/atom"), "forces": figure(800.0, "meV/A")}
    if settings["warrant"]["reference"]:
        test["against"]["reference"] = errors(15.0, 75.0)
        test["teacher_against_reference"] = errors(12.0, 64.0)
        test["excess"] = {"forces": figure(11.0, "meV/A", *excess)}
    return {
        "label_set": label_set,
        "student": student,
        "seed": seed,
        "floor": figure(26.0, "meV/A", 21.0, 32.0) | {"n_frames": 9, "n_groups": 9},
        "test_known": test,
        "test_new": None,
    }


def figure(value: float, unit: str, *ends: float) -> dict[str, Any]:
    """A figure of a JSON file; without an interval where no ends are given."""
    return {"value": value, "ci95": list(ends) or [None, None], "unit": unit}


#: of a rotation gap: how large the gaps of the other symmetries are made
SHARES = {"rotation": 1.0, "reflection": 1.05, "space_group": 0.7, "supercell": 0.3}


def gaps_of(
    names: Iterable[str], sources: Iterable[str], size: float, work: float = 30.0
) -> list[dict[str, Any]]:
    """Entries of a warrant file.

    Args:
        size: rotation gap, meV/Angstrom; other symmetries have a share of it, or rounding.
        work: conservativity gap, meV/Angstrom.
    """
    made = {"conservativity": _work(work), "consistency": _differences(2 * work)}
    found = []
    for name in names:
        parts = made.get(name) or _spread(SHARES.get(name, 0) * size or 2e-4)
        entry = {
            "symmetry": name,
            "n_frames": 20,
            "n_roots": 9,
            "n_groups": 9,
            "n_views": 8,
        } | parts
        entry |= {"left_out": {"element unknown": 4, "not periodic": 0}, "n_left_out": 4}
        entry["by_source"] = {
            n: {"n_frames": 10, "n_roots": 5, "n_groups": 5, **parts} for n in sources
        }
        found.append(entry)
    return found


def _spread(size: float) -> dict[str, Any]:
    return {
        "energy": figure(size / 9, "meV/atom", size / 10, size / 8),
        "forces": _force(size) | {"relative": figure(size / 1000, "", size / 1e3, size / 1e3)},
        "stress": figure(size / 300, "GPa", size / 330, size / 270),
    }


def _work(size: float) -> dict[str, Any]:
    numerical = {"numerical_error": figure(0.3, "meV/A"), "step_A": 0.01, "n_points": 16}
    return {"work": _force(size) | numerical | {"extrapolated": True}}


def _differences(size: float) -> dict[str, Any]:
    stress = figure(size / 100, "GPa", size / 110, size / 90)
    return {
        "forces": _force(size) | {"step_A": 0.01, "numerical_error": figure(1.5, "meV/A")},
        "stress": stress | {"step_strain": 0.001, "numerical_error": figure(0.004, "GPa")},
    }


def _force(size: float) -> dict[str, Any]:
    return figure(size, "meV/A", 0.9 * size, 1.1 * size)


#: what decided on the views of a label set
CHOICE = {
    "label_set": "orb-demo-k12",
    "potential": "orb-demo",
    "symmetry": "rotation",
    "views": 12,
    "reason": "The gap of the forces in organics is 48 meV/A: averaged over 12 views.",
    "threshold_meV_per_A": 2.0,
    "largest": {"source": "organics", "forces": figure(48.0, "meV/A", 40.0, 55.0)},
    "model_calls": {"beforehand": 128, "labels": 936, "saved": -128},
}


def _certificate(name: str, gap: float) -> dict[str, Any]:
    """Means over grids of a potential with this rotation gap, meV/Angstrom."""
    rules = []
    for views, order, number in (
        ("as_given", None, 1),
        ("octahedral", None, 24),
        ("product", 5, 84),
    ):
        error, random = gap / number, gap / number**0.5
        rules.append(
            {"views": views, "order": order, "n_views": number, "exact_to_degree": number // 12}
            | {"error": _both(error), "as_many_random": _both(random)}
            | {"change_to_next": None if number == 84 else _both(0.9 * error)}
        )
    counts = {"n_frames": 6, "n_roots": 6, "n_groups": 6}
    return {"model": name, "random_views": 1000, **counts, "gap": _both(gap), "rules": rules}


def _both(size: float) -> dict[str, Any]:
    energy = figure(size / 9, "meV/atom", size / 10, size / 8)
    return {"energy": energy, "forces": _force(size)}


def _errors(gain: float) -> dict[str, Any]:
    def error(value: float, half: float) -> dict[str, Any]:
        return {"forces": figure(value, "meV/A", value - half, value + half)}

    return {
        "reference": "chgnet",
        "n_frames": 20,
        "n_roots": 9,
        "n_groups": 9,
        "as_given": error(84.0, 6),
        "random": error(74.0 + gain, 6),
        "averaged": error(74.0, 6),
        "gain": error(gain, 5),
    }


def _error(value: float, *, seeded: bool = True) -> dict[str, Any]:
    seeds = {"by_seed": [value] * 2} if seeded else {}
    return {"forces": figure(value, "meV/A", value - 5, value + 5) | seeds}


def _arm(name: str, views: int, own: float) -> dict[str, Any]:
    gap = figure(50.0, "meV/A", 40.0, 60.0)
    return {
        "label_set": name,
        "views": "as given" if views == 1 else f"{views} random views",
        "n_views": views,
        "frames": {"train": 80 // views, "valid": 20 // views, "test_known": 24 // views},
        "teacher_calls": {"train": 80, "valid": 20, "test_known": 24},
        "teacher": _error(40, seeded=False),
        "constant": _error(300, seeded=False),
        "students": {"mace": {"as_given": _error(own), "random": _error(own + 40), "gap": gap}},
    }


#: what a study of two arms found: averaging pays
STUDY: dict[str, Any] = {
    "reference": "chgnet",
    "teachers": ["orb-demo"],
    "baselines": ["as_given"],
    "students": {"mace": {"architecture": "mace", "augment": False, "spread_weight": 0}},
    "seeds": {"as_given/mace": [1, 2], "k4/mace": [1, 2]},
    "by_source": {},
    "n_frames": 50,
    "n_roots": 20,
    "n_groups": 20,
    "arms": [_arm("as_given", 1, 100), _arm("k4", 4, 80)],
    "differences": [
        {"label_set": "k4", "name": "mace", "against": {"label_set": "as_given", "name": "mace"}}
        | {"as_given": _error(-20), "random": _error(-30)}
    ],
    "spread": {},
}


def _rounds(middle: float) -> dict[str, Any]:
    """The figures of three rounds, 5 % apart."""
    rounds = [0.95 * middle, middle, 1.05 * middle]
    return {"atoms_per_second": middle, "low": rounds[0], "high": rounds[2], "rounds": rounds}


def _speeds(settings: dict[str, Any]) -> list[dict[str, Any]]:
    names = [("orb-demo", "teacher", 900.0), ("chgnet", "teacher", 400.0)]
    names += [
        (f"{entry['labels']}/{student}/seed1", "student", 3000.0 + 4000 * i)
        for entry in settings["distill"]
        for i, student in enumerate(entry["students"])
    ]
    return [
        {
            "name": name,
            "kind": kind,
            "n_frames": 48,
            "best_batch_atoms": 256,
            **_rounds(top),
            "by_batch": [
                {"batch_atoms": n, **_rounds(top * factor)}
                for n, factor in ((16, 0.4), (64, 0.8), (256, 1.0), (1024, 0.9))
            ],
        }
        for name, kind, top in names
    ]


def card_of(speeds: Sequence[Mapping[str, Any]], sizes: Sequence[int] = ()) -> dict[str, Any]:
    """The speed card of models that one system at a time costs twice what the best batch does, on a
    frame of 10 atoms and on crystals."""
    systems = [{"kind": "data", "of": "NaCl", "n_atoms": 10, "periodic": True}]
    systems += [{"kind": "crystal", "of": "NaCl", "n_atoms": n, "periodic": True} for n in sizes]

    def cost(speed: Mapping[str, Any], factor: float, batch: int) -> dict[str, Any]:
        value = factor * 1e6 / speed["atoms_per_second"]
        return {"batch": batch, "us_per_atom": value, "low": 0.9 * value, "high": 1.1 * value}

    models = [
        {"name": speed["name"], "kind": speed["kind"]}
        | {"by_system": [{"one": cost(speed, 2, 1), "best": cost(speed, 1, 16)} for _ in systems]}
        for speed in speeds
    ]
    return {"clock": "cpu", "systems": systems, "models": models}


def _csv(path: Path, columns: Any, rows: Any) -> None:
    write_csv(path, columns, rows)
