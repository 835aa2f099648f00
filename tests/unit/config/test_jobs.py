"""What a job is told: what it depends on, and nothing else; and it comes back as it was."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from limbeck.config import jobs, plan
from limbeck.config.load import load, resolve
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of

SHIPPED = """
    config gaps molecular_crystal own_labels study_expectation study_views urea_model
""".split()


@pytest.fixture
def tiny(repository) -> dict:
    return yaml.safe_load((repository / "tests/config/tiny.yaml").read_text())


def all_jobs(config):
    """One job of every kind that the config has, made as the rules make it."""
    for name in config.sources:
        yield jobs.GenerateStructures.of(config, source=name, shard="0")
    for name, section in config.force_constants.items():
        place = {"source": section.sources[0], "shard": "0"}
        yield jobs.CalculateForceConstants.of(config, force_constants=name, **place)
    for name, section in config.sampling.items():
        yield jobs.SampleFrames.of(config, sampling=name, source=section.sources[0], shard="0")
    for name, section in config.subsystems.items():
        place = {"sampling": section.of[0], "source": "s", "shard": "0"}
        yield jobs.ExtractSubsystems.of(config, subsystem=name, **place)
    for stage in plan.STAGES:
        yield jobs.CheckYields.of(config, stage=stage)
    yield jobs.SelectFrames.of(config, slice="0")
    for name in config.labels:
        yield jobs.labels_of_slice(config, label_set=name, slice="0")
        yield jobs.JudgeLabels.of(config, label_set=name)
        yield jobs.BuildDataset.of(config, label_set=name)
    for name in plan.by_potentials(config):
        yield jobs.ChooseViews.of(config, label_set=name)
        yield jobs.EvaluateIsolatedAtoms.of(config, label_set=name)
    for name in plan.from_files(config):
        yield jobs.CheckFileLabels.of(config, label_set=name)
    for name in config.delta:
        yield jobs.BuildDeltaSet.of(config, delta=name)
    for name in config.potentials:
        yield jobs.CertifyQuadrature.of(config, potential=name)
        yield jobs.MeasureGap.of(config, potential=name)
    for label_set, student, seed in plan.trained(config):
        yield jobs.TrainStudent.of(config, label_set=label_set, student=student, seed=str(seed))
        yield jobs.EvaluateStudent.of(config, label_set=label_set, student=student, seed=str(seed))
        yield jobs.MeasureGap.of(config, label_set=label_set, student=student)
    for name in plan.physics_teachers(config):
        yield jobs.MeasurePhysics.of(config, potential=name)
    for label_set, student, seed in plan.physics_students(config):
        entry = {"label_set": label_set, "student": student, "seed": str(seed)}
        yield jobs.MeasurePhysics.of(config, **entry)
    yield jobs.MeasureSpeed.of(config)
    for name in config.studies:
        yield jobs.results_of_study(config, study=name)
    for path in plan.tables_of_study(config):
        yield jobs.FillTable.of(config, potential=Path(path).stem)
    for name in config.engine_studies:
        yield jobs.MakeStudyData.of(config, study=name)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_script_reads_what_a_rule_wrote(repository, monkeypatch, name):
    monkeypatch.chdir(repository)
    made = list(all_jobs(load(f"config/{name}.yaml")))
    assert len(made) > 10
    for job in made:
        assert type(job).model_validate(json.loads(job.text())) == job


CHANGES = [
    # a field, its new value, and the kinds of jobs that it touches
    ("sources.metals.strain", 0.01, {"GenerateStructures", "CheckYields"}),
    ("sources.metals.allow_empty", True, {"CheckYields"}),
    ("sampling.md.allow_empty", True, {"CheckYields"}),
    ("screen.max_atoms", 400, set()),  # the rule takes the section itself
    ("sampling.rattled.strain", 0.01, {"SampleFrames", "CheckYields"}),
    # each source has a job of its own
    ("sampling.md.sources", ["clusters", "metals"], {"CheckYields"}),
    ("select.count", 41, {"SelectFrames"}),
    ("labels.emt.max_force_eV_per_A", 50.0, {"ChooseViews", "LabelFrames"}),
    ("labels.emt.auto", {"views": 6}, {"ChooseViews"}),
    ("gate.min_good_fraction", 0.5, {"JudgeLabels"}),
    ("students.mace-tiny.epochs", 3, {"TrainStudent"}),
    ("warrant.views", 5, {"MeasureGap"}),
    ("warrant.teachers", ["emt"], set()),
    ("warrant.n_quadrature_frames", 2, {"CertifyQuadrature"}),
    ("lost_device", "cpu", {"ChooseViews", "LabelFrames"}),
    ("max_silence_min", 5.0, set()),  # it reaches jobs by the environment
    ("checkpoint_min", 2.0, set()),  # and so does this
]


@pytest.mark.parametrize(("field", "value", "touched"), CHANGES, ids=[c[0] for c in CHANGES])
def test_a_change_touches_the_jobs_that_depend_on_it_alone(tiny, field, value, touched):
    changed = copy.deepcopy(tiny)
    *parents, last = field.split(".")
    part = changed
    for name in parents:
        part = part.setdefault(name, {})
    part[last] = value
    pairs = zip(all_jobs(resolve(tiny)), all_jobs(resolve(changed)), strict=True)
    assert {type(old).__name__ for old, new in pairs if old.text() != new.text()} == touched


def test_threads_are_told_to_jobs_that_ask_a_potential_alone(tiny):
    more = resolve(tiny | {"threads": 2})
    assert jobs.SampleFrames.of(more, sampling="md", source="clusters", shard="0").threads == 2
    rattled = jobs.SampleFrames.of(more, sampling="rattled", source="metals", shard="0")
    assert (rattled.threads, rattled.potential) == (1, None)


def test_files_of_jobs(tiny):
    tiny["labels"]["auto"] = {"potential": "emt", "views": "auto"}
    tiny["delta"] = {"d": {"baseline": "emt", "target": "emt-k2", "atoms": "isolated"}}
    tiny["sources"]["metals"] = {"kind": "file", "count": 1, "path": "tests/config/tiny.yaml"}
    config = resolve(tiny)
    assert plan.source_files(config, "metals") == ["tests/config/tiny.yaml"]
    assert plan.source_files(config, "clusters") == []
    assert plan.choices_of_views(config, "auto", "0") == ["labels/auto.views.json"]
    assert plan.choices_of_views(config, "emt", "0") == []
    assert plan.gates_of_difference(config, "d") == ["gate/emt.passed", "gate/emt-k2.passed"]
    assert plan.baseline_labels(config, "d") == ["labels/emt/0.h5", "labels/emt/1.h5"]
    assert plan.isolated_atoms(config, "d") == ["atoms/emt.json", "atoms/emt-k2.json"]
    assert plan.reference_labels(config, student="any") == ["labels/emt/0.h5", "labels/emt/1.h5"]
    assert plan.reference_of_teacher(config, "emt") == []
    assert plan.models(config, "emt-k2", "mace-tiny") == [
        "students/emt-k2/mace-tiny/seed1/model",
        "students/emt-k2/mace-tiny/seed2/model",
    ]
    assert len(plan.models(config)) == 3
    assert plan.structures_of_gaps(config, potential="emt") == []
    made = plan.results(config)
    assert len(made) == len(set(made))
    assert {"speed.json", "delta/d/counts.json", "gate/auto.json"} <= set(made)


def test_what_is_taken_home(tiny):
    """Of every stage, with its sums; what a user may take singly, and folders as a whole."""
    tiny["delta"] = {"d": {"baseline": "emt", "target": "emt-k2"}}
    tiny["force_constants"] = {"fc": {"potential": "emt", "sources": ["metals"]}}
    rule = {"rule": "closest_to_central_molecule", "n_molecules": [1]}
    tiny["subsystems"] = {"sub": {"of": ["rattled"], **rule}}
    config = resolve(tiny)
    home = plan.handed_over(config)
    assert len(home) == len(set(home))
    assert {
        "datasets/emt/train.extxyz",
        "datasets/emt-k2/SHA256SUMS",
        "delta/d/test_known.extxyz",
        "delta/d/test_new.extxyz",
        "delta/d/SHA256SUMS",
        "students/emt-k2/mace-tiny/seed2/model",
        "students/emt-k2/mace-tiny/seed2/card.md",
        "students/emt-k2/mace-tiny/seed2/SHA256SUMS",
        "force_constants/fc/metals/0",
        "force_constants/fc/metals/0.csv",
        "force_constants/fc/metals/0.SHA256SUMS",
        "subsystems/sub/rattled/clusters/1.h5",
        "subsystems/sub/rattled/clusters/1.fragments.csv",
        "subsystems/sub/rattled/clusters/1.SHA256SUMS",
        "report/index.html",
        "report/figures",
    } <= set(home)
    folders = plan.folders_with_sums(config)
    assert folders["force_constants/fc/metals/0"] == "force_constants/fc/metals/0.SHA256SUMS"
    assert set(folders) <= set(home)
    read = plan.results(config)
    assert len(read) == len(set(read))
    assert not [path for path in read if path.startswith("report/")]  # not its own
    assert {"samples/md/clusters/1.trace.csv", "screened/metals/0.rejects.csv"} <= set(read)


def of_file(tiny, path):
    return resolve(tiny | {"sources": tiny["sources"] | {
        "metals": {"kind": "file", "count": 9, "path": str(path)}}})  # fmt: skip


def test_all_files_of_a_folder_or_a_glob_are_inputs(tiny, tmp_path):
    for name in ("b.cif", "a.cif", ".c.cif", "no{t}.cif"):
        (tmp_path / name).write_text(name)
    both = [str(tmp_path / "a.cif"), str(tmp_path / "b.cif")]
    for path in (tmp_path, tmp_path / "*.cif"):
        assert plan.source_files(of_file(tiny, path), "metals") == both
    config = of_file(tiny, tmp_path / "*.cif")
    for file in tmp_path.iterdir():
        file.unlink()
    assert plan.source_files(config, "metals") == []


def test_a_path_that_stands_for_no_file_is_said_at_once(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    for name, text in (("empty", "no file in this folder"), ("*.cif", "no file has a name like"),
                       ("none.cif", "no such file")):  # fmt: skip
        with pytest.raises(LimbeckError, match=rf"sources\.metals\.path: .*{text}"):
            of_file(tiny, tmp_path / name)


def test_the_content_of_all_files_of_a_source_counts(tiny, tmp_path):
    (tmp_path / "a.cif").write_text("first")
    config = of_file(tiny, tmp_path)
    seen = set()
    for name, text in (("a.cif", "a"), ("a.cif", "b"), ("b.cif", "b"), ("no{t}.cif", "b")):
        (tmp_path / name).write_text(text)
        seen.add(plan.source_content(config, "metals"))
    assert len(seen) == 4
    assert plan.content(config)["metals"] in seen
    assert plan.content(config).keys() == config.sources.keys()
    changed = tiny["sources"] | {
        "metals": {"kind": "molecules", "count": 1, "smiles": str(tmp_path / "a.cif")}
    }
    config = resolve(tiny | {"sources": changed})
    before = plan.source_content(config, "metals")
    (tmp_path / "a.cif").write_text("c")
    assert plan.source_content(config, "metals") != before


def test_the_content_of_what_a_potential_was_trained_on_counts(tiny, tmp_path):
    ids = tmp_path / "ids.txt"
    tiny["potentials"]["emt"]["trained_on"] = [str(ids)]
    config = resolve(tiny)
    ids.write_text("a\n")
    before = plan.trained_on_content(config, "emt")
    ids.write_text("b\n")
    assert plan.trained_on_content(config, "emt") != before


def test_weights_that_are_trusted_without_a_hash_are_told_apart(tiny, tmp_path):
    weights = tmp_path / "my.model"
    tiny["potentials"]["mine"] = {"model": "mace", "path": str(weights), "trust": True}
    tiny["labels"]["mine"] = {"potential": "mine"}
    weights.write_text("zero")
    config = resolve(tiny)
    told = [jobs.LabelFrames.of(config, label_set="mine", slice="0").text()]
    for text in ("one", "two"):
        weights.write_text(text)
        told.append(jobs.LabelFrames.of(config, label_set="mine", slice="0").text())
    assert len(set(told)) == 3
    assert sha256_of(weights) in told[-1]
