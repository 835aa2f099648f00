"""The templates of docs/extending.md, taken out of the page and run."""

import importlib
import importlib.util
import re
import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import pytest
import torch
import yaml
from pydantic import Field

import report_results
from answers import force_slopes, stress_slopes
from in_process import call
from limbeck import potentials, sampling, structures, students, symmetry
from limbeck.averaging.views import Views
from limbeck.config import check_inputs, jobs, load
from limbeck.config.sections import known
from limbeck.config.sections import students as student_section
from limbeck.errors import LimbeckError
from limbeck.geometry import stress_to_voigt, voigt_to_stress
from limbeck.labelling.label import label
from limbeck.potentials import open_potential
from limbeck.potentials.models.toys import LennardJones
from limbeck.properties import PROPERTIES, Predictions, Property
from limbeck.seeds import generator
from limbeck.students import architecture, loop
from limbeck.students.handover import open_student
from limbeck.students.statistics import training_statistics
from limbeck.warrant.gaps import measure_gaps
from metals import SETTINGS, example, metals
from planted import Planted

ROOT = Path(__file__).parents[2]
#: registry -> where it is
REGISTRIES = {
    "OPENERS": potentials.OPENERS,
    "KINDS": known.KINDS,
    "PROPERTIES": PROPERTIES,
    "SYMMETRIES": symmetry.SYMMETRIES,
    "SOURCES": structures.SOURCES,
    "METHODS": sampling.METHODS,
    "ARCHITECTURES": students.ARCHITECTURES,
}
SECTIONS = "limbeck.config.sections"
#: union of settings -> its module, and what tells its members apart
UNIONS = {
    "Potential": ("potentials", "model"),
    "Source": ("sources", "kind"),
    "Sampling": ("sampling", "method"),
}
#: names that a field may have -> their module
NAMES = {"Gap": "warrant", "Architecture": "students"}
#: what is made of the sections, in the order in which it is made
PLAN = ("students", "sources", "frames", "yields", "labels", "duplicates", "batches", "warrant")
JOBS = ("base", "structures", "labels", "datasets", "students", "rounds", "warrant", "studies")
WHOLE = (
    *("config", *(f"plan.{name}" for name in PLAN), "plan.results", "plan"),
    *("amounts", "checks", "check_inputs", "load"),
    *(*(f"jobs.{name}" for name in JOBS), "jobs", "recipes"),
)


def blocks():
    """(what its first line says, its text) of each code block of the page."""
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    for text in re.findall(r"```python\n(.*?)```", page, re.S):
        yield text.splitlines()[0].removeprefix("# "), text


@pytest.fixture
def page(monkeypatch, tmp_path):
    """The templates at their places and the lines in their registries, for one test."""
    found = list(blocks())
    with settings_of(found):
        modules = [(path, text) for path, text in found if path.endswith(".py")]
        for path, text in modules:
            if "/sections/" not in path:
                _load(monkeypatch, tmp_path, path, text)
        lines = {name: text for name, text in found if name in REGISTRIES}
        told = {name for name, _ in found if not name.endswith(".py")}
        assert told == {*REGISTRIES, *UNIONS, *NAMES}  # each is told, and none besides
        image = vars(sys.modules["limbeck.symmetry.image"])
        for name, text in lines.items():
            scope = {"Kind": known.Kind, "Property": Property, **image}
            for key, value in eval(f"{{{text}}}", scope).items():
                monkeypatch.setitem(REGISTRIES[name], key, value)
        yield


@contextmanager
def settings_of(found):
    """The config with the classes and names of the page in its sections, as an editor adds them."""
    modules = {
        name: importlib.import_module(f"{SECTIONS}.{name}")
        for name in [*(name for name, _ in UNIONS.values()), *NAMES.values()]
    }
    before = {module: dict(vars(module)) for module in modules.values()}
    for path, text in found:
        if "/sections/" in path:
            # in a folder of sections, the names of its modules are names of the folder, too
            exec(text, vars(modules.get(Path(path).stem) or modules[Path(path).parent.name]))
    for name, text in found:
        if name in UNIONS:
            module, field = UNIONS[name]
            scope = vars(modules[module])
            members = eval(f"(get_args({name})[0] {text})", {"get_args": get_args, **scope})
            scope[name] = Annotated[members, Field(discriminator=field)]
        elif name in NAMES:
            module = modules[NAMES[name]]
            source = Path(module.__file__).read_text(encoding="utf-8")
            assert f"{name} = Literal[" in source
            more = f"{name} = Literal[*{eval(text)!r}, "
            exec(source.replace(f"{name} = Literal[", more), vars(module))
    _make_whole()
    try:
        yield
    finally:
        for module, names in before.items():
            vars(module).clear()
            vars(module).update(names)
        _make_whole()


def _make_whole():
    """Make the config anew of its sections."""
    for name in WHOLE:
        importlib.reload(importlib.import_module(f"limbeck.config.{name}"))
    potentials.PotentialSection = importlib.import_module(f"{SECTIONS}.potentials").Potential


def _load(monkeypatch, folder, path, text):
    """A module as if it stood at ``path``, without a file in the repository."""
    (folder / Path(path).name).write_text(text)
    name = path.removeprefix("scripts/").removesuffix(".py").replace("/", ".")
    assert not (ROOT / path).exists()  # a template that became real wants another name
    spec = importlib.util.spec_from_file_location(name, folder / Path(path).name)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)


CONFIG = """
run: test
sources: {pairs: {kind: dimers, count: 6, elements: [Cu, Al]}}
potentials: {morse: {model: morse}}
sampling: {breathing: {method: breathe, sources: [pairs], scales: [0.9, 1.1]}}
select: {include: [breathing]}
labels: {morse: {potential: morse}}
students: {pairs: {architecture: pairs, size: tiny}}
distill: [{labels: morse, students: [pairs]}]
warrant: {symmetries: [rotation, image]}
"""


def test_a_config_may_name_all_of_them(page):
    config = load.resolve(yaml.safe_load(CONFIG))
    assert config.sources["pairs"].stretch == [0.8, 1.6]
    assert config.potentials["morse"].r0_A == 2.5
    found = check_inputs.check_inputs(config, structures.elements_of, lambda potential: None)
    assert found["sources"] == {"pairs": ["Al", "Cu"]}
    groups = [group for group, _ in structures.groups_of(config.sources["pairs"])]
    assert groups == ["dimer-CuCu", "dimer-CuAl", "dimer-AlAl"] * 2


def test_without_its_lines_the_config_refuses_them():
    with pytest.raises(LimbeckError) as caught:
        load.resolve(yaml.safe_load(CONFIG))
    for name in ("dimers", "morse", "breathe", "pairs", "image"):
        assert f"'{name}', expected" in str(caught.value)


def morse():
    return open_potential({"name": "morse", "model": "morse"})


def test_the_potential_answers_and_keeps_the_symmetries(page):
    potential, frames, rows = morse(), metals(2), [0, 6, 9]
    # Central differences of 1e-4 Angstrom of some 10 eV in float64: 1e-7, and of the well's
    # third derivative (100 eV/A^3) 1e-6.
    forces = potential.predict(frames).forces[rows]
    slopes = force_slopes(potential, frames, rows, 1e-4)
    np.testing.assert_allclose(forces, slopes, atol=1e-5)
    periodic = frames.select(frames.periodic)
    stress = voigt_to_stress(potential.predict(periodic).stress)
    np.testing.assert_allclose(stress, stress_slopes(potential, periodic, 1e-4), atol=1e-5)
    (gap,) = measure_gaps([potential], frames, ["rotation"], 3)
    assert gap["forces"]["value"] < 1e-8  # float64 rounding: 1e-11


class Elongated(LennardJones):
    """Has a quadrupole along each frame's first edge, and ``field`` along the laboratory's x."""

    field = 0.0

    def evaluate(self, batch):
        quadrupole = batch.cell[:, 0, :, None] * batch.cell[:, 0, None, :]
        quadrupole[:, 0, 0] += self.field
        values = super().evaluate(batch).values
        return Predictions(values=values | {"quadrupole": stress_to_voigt(quadrupole)})


def test_the_property_is_averaged_and_has_a_gap(page):
    crystals = metals(6).select(np.arange(6))
    model = Elongated()
    model.about = replace(model.about, properties=(*model.about.properties, "quadrupole"))
    own = model.predict(crystals).values["quadrupole"]
    found = label(model, crystals, Views(3), max_force=1e3)
    np.testing.assert_allclose(found.values["quadrupole"], own, atol=1e-12)  # rounding: 16 A^2
    (good,) = measure_gaps([model], crystals, ["rotation"], 8)
    assert good["quadrupole"]["value"] < 1e-9
    model.field = 1.0
    (bad,) = measure_gaps([model], crystals, ["rotation"], 8)
    # as of a stress: two thirds of its square, over nine components; 6 frames of 8 views: 20 %
    assert bad["quadrupole"]["value"] == pytest.approx(np.sqrt(2 / 27), rel=0.5)


class FarFromHome(Planted):
    """Forces that grow with the distance from the origin: it knows where an atom stands."""

    def prepare(self, frames):
        return frames  # atoms are not put back into their cells

    def evaluate(self, batch):
        count = len(batch)
        return Predictions(np.zeros(count), self.scale * batch.positions, np.zeros((count, 6)))


def test_the_symmetry_finds_what_breaks_it_and_nothing_else(page):
    frames = metals(6)
    (good,) = measure_gaps([LennardJones()], frames, ["image"], 8)
    (bad,) = measure_gaps([FarFromHome(scale=0.1)], frames, ["image"], 8)
    assert good["forces"]["value"] < 1e-8  # float64 rounding of forces of some eV/A: 1e-11
    # Shifts of -1, 0, 1 have variance 2/3; cubic cells of 3.6 and 4.05 A: 0.1 * 3.8 * 0.82 eV/A.
    assert bad["forces"]["value"] == pytest.approx(313, rel=0.1)  # 576 draws: 3 %
    assert good["n_frames"] == bad["n_frames"] == 6  # the clusters have no images
    assert good["n_left_out"] == 6


def test_the_source_makes_its_structures_whatever_the_shards(page):
    source = load.resolve(yaml.safe_load(CONFIG)).sources["pairs"]
    whole = jobs.GenerateStructures(seed=1, shard=0, source=source)
    frames, failed = structures.generate(whole)
    assert (len(frames), failed) == (6, [])
    assert frames.group.tolist() == [b"dimer-CuCu", b"dimer-CuAl", b"dimer-AlAl"] * 2
    halved = source.model_copy(update={"shards": 2})
    second, _ = structures.generate(jobs.GenerateStructures(seed=1, shard=1, source=halved))
    assert second.id.tolist() == frames.id[1::2].tolist()


def test_the_sampling_makes_children_with_their_ancestry(page):
    parents = metals(2)
    config = load.resolve(yaml.safe_load(CONFIG))
    job = jobs.SampleFrames.of(config, sampling="breathing", source="pairs", shard="0")
    made = sampling.sample(parents, job)
    assert made.frames.root.tolist() == np.repeat(parents.id, 2).tolist()
    np.testing.assert_allclose(made.frames.cell[1], 1.1 * parents.cell[0])
    np.testing.assert_allclose(
        made.frames.select([0]).positions, 0.9 * parents.select([0]).positions
    )
    assert [row[2] for row in made.rows] == [2] * 4


def test_the_student_trains_is_saved_and_keeps_the_symmetries(page, tmp_path):
    data = example(6)
    torch.manual_seed(0)
    student = architecture("pairs").build(
        "small", training_statistics(data), name="pairs", device="cpu"
    )
    settings = {**SETTINGS, "architecture": "pairs", "epochs": 12, "learning_rate": 0.05}
    own = student_section.StudentSettings(**settings)
    history = loop.train(student, data, example(3, seed=9), own, generator(0, "test"))
    losses = [row[3] for row in history.rows]
    assert losses[-1] < 0.7 * losses[0]
    student.save(tmp_path)
    again = open_student(tmp_path)
    answers = again.predict(data.frames)
    np.testing.assert_array_equal(answers.forces, student.predict(data.frames).forces)
    # Central differences of 0.01 Angstrom of a float32 energy of some 30 eV: 1e-4 eV/Angstrom.
    slopes = force_slopes(again, data.frames, [0, 30], 0.01)
    np.testing.assert_allclose(answers.forces[[0, 30]], slopes, atol=5e-3)
    (gap,) = measure_gaps([again], data.frames, ["rotation"], 3)
    assert gap["forces"]["value"] < 0.1  # float32 rounding: 1e-3


def test_the_student_goes_through_every_rule_to_the_report(page, tmp_path):
    """Trained, evaluated, with a card, a gap and its place in the report, by the scripts."""
    settings = report_results.SETTINGS | {
        "students": {"pairs": {"architecture": "pairs"}},
        "distill": [{"labels": "orb-demo-k12", "students": ["pairs"], "seeds": [1]}],
    }
    results = report_results.build(tmp_path / "made-up", settings)
    own = results / "students/orb-demo-k12/pairs/seed1"
    shutil.rmtree(own)
    names = {"label_set": "orb-demo-k12", "seed": 1}
    compute = {"device": "cpu", "threads": 1}
    pairs = {**SETTINGS, "name": "pairs", "architecture": "pairs", "epochs": 2}
    data = results / "datasets/orb-demo-k12"
    call(
        "train_student",
        *("--train", data / "train.h5", "--valid", data / "valid.h5", "--output-folder", own),
        settings=names | compute | {"student": pairs},
    )
    call(
        "evaluate_student",
        *(
            "--model",
            own / "model",
            "--train",
            data / "train.h5",
            "--test-known",
            data / "test_known.h5",
        ),
        *("--test-new", data / "test_new.h5"),
        *("--reference", *sorted(results.glob("labels/chgnet/*.h5")), "--output-folder", own),
        settings=names | compute | {"student": "pairs", "reference": "chgnet", "split_by": "root"},
    )
    card = (own / "card.md").read_text()
    assert "`pairs`: Invariant, hence equivariant forces; conservative. It has" in card
    warrant = settings["warrant"] | {"symmetries": ["rotation"], "views": 2, "subset": "all"}
    call(
        "measure_gap",
        *("--frames", *sorted(results.glob("selected/*.h5")), "--models", own / "model"),
        *("--reference", *sorted(results.glob("labels/chgnet/*.h5"))),
        *("--output", tmp_path / "gap.json"),
        settings={
            **compute,
            "name": "orb-demo-k12/pairs",
            "warrant": warrant | {"teachers": None, "n_quadrature_frames": 0},
            "seed": 1,
            "dataset": settings["dataset"],
        },
    )
    for kind in ("json", "csv"):
        target = results / f"warrant/students/orb-demo-k12/pairs.{kind}"
        target.write_bytes((tmp_path / f"gap.{kind}").read_bytes())
    call(
        "write_report",
        *("--results", results, "--output-folder", results / "report"),
        settings=settings | {"warrant": warrant},
    )
    assert "pairs" in (results / "report/index.html").read_text()
