"""The plan: what Snakemake would do, without doing it."""

import re
from pathlib import Path

import pytest
import yaml

import local_conda
from limbeck.config.load import load
from snakemake_plan import jobs, told

TINY = ("--configfile", "tests/config/tiny.yaml")
DIRECTIVES = ("input:", "output:", "log:", "benchmark:", "conda:", "threads:", "resources:")


@pytest.fixture(scope="module")
def plan(snakemake):
    """Snakemake's plan of the tiny config, with the commands it would run."""
    return snakemake("-n", "-p", *TINY)


def test_the_plan_has_every_job_and_no_other(plan):
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert jobs(plan.stdout) == {
        "check_inputs": 1,
        "generate_clusters": 2,  # shards
        "generate_crystals": 1,
        "screen_structures": 3,
        "check_yields": 2,  # of structures, of frames
        "sample_md": 2,  # the clusters alone
        "sample_rattle": 3,
        "select_frames": 2,
        "label_frames": 4,  # two label sets of two slices
        "judge_labels": 2,
        "pass_gate": 2,
        "build_dataset": 2,
        "train_student": 3,  # two seeds of one student, one of the other
        "evaluate_student": 3,
        "measure_teacher_gap": 1,  # both label sets have one teacher
        "measure_student_gap": 2,
        "measure_speed": 1,
        "write_report": 1,
        "all": 1,
    }


def command(plan, script: str, output: str) -> str:
    lines = [line for line in plan.stdout.splitlines() if f"python scripts/{script}.py" in line]
    (found,) = {line for line in lines if output in line}
    return found


def test_a_slice_reads_its_own_shards_alone(plan):
    first = command(plan, "select_frames", "selected/0.h5")
    assert re.findall(r"samples/(\S+)", first) == [
        "md/clusters/0.h5",
        "rattled/clusters/0.h5",
        "rattled/metals/0.h5",
    ]
    second = command(plan, "select_frames", "selected/1.h5")
    assert re.findall(r"samples/(\S+)", second) == ["md/clusters/1.h5", "rattled/clusters/1.h5"]


def test_a_rule_is_given_its_own_part_of_the_config(plan, workspace):
    config = load(workspace / TINY[1])
    line = command(plan, "generate_structures", "metals/0.h5")
    generate = told(config, "structures/metals/0.h5", line)
    assert '"strain": 0.02' in generate
    assert "potential" not in generate
    line = command(plan, "label_frames", "labels/emt-k2/0.h5")
    label = told(config, "labels/emt-k2/0.h5", line)
    assert '"potential": {"name": "emt", "model": "emt", "batch_atoms": null, ' in label
    assert '"views": 2' in label
    assert "students" not in label


def test_a_data_set_waits_for_the_gate(plan):
    (inputs,) = re.findall(r"input: (scripts/build_dataset.py.*labels/emt/.*)", plan.stdout)
    assert "gate/emt.passed" in inputs


def test_views_are_chosen_before_the_first_frame_is_labelled(snakemake, workspace):
    config = yaml.safe_load((workspace / TINY[1]).read_text())
    config["labels"] |= {"auto": {"potential": "emt", "views": "auto"}}
    config["warrant"]["n_quadrature_frames"] = 2
    (workspace / "auto.yaml").write_text(yaml.safe_dump(config))
    plan = snakemake("-n", "-p", "--configfile", "auto.yaml")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    counted = jobs(plan.stdout)
    assert (counted["choose_views"], counted["certify_quadrature"], counted["label_frames"]) == (
        1,
        1,
        6,
    )
    assert "--views results/tiny/labels/auto.views.json" in command(
        plan, "label_frames", "auto/1.h5"
    )
    assert "--views --store" in " ".join(command(plan, "label_frames", "emt/1.h5").split())
    # what decides is no setting of the label jobs: it is read from the choice
    config = load(workspace / "auto.yaml")
    line = command(plan, "label_frames", "auto/1.h5")
    assert "student_error" not in told(config, "labels/auto/1.h5", line)
    line = command(plan, "choose_views", "auto.views.json")
    assert "student_error" in told(config, "labels/auto.views.json", line)


def test_gaps_alone_label_nothing_and_train_nothing(snakemake):
    result = snakemake("-n", "--configfile", "config/gaps.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    assert jobs(result.stdout) == {
        "check_inputs": 1,
        "generate_molecules": 1,
        "generate_crystals": 2,
        "generate_clusters": 1,
        "screen_structures": 4,
        "check_yields": 2,
        "sample_rattle": 4,
        "select_frames": 1,
        "measure_teacher_gap": 3,
        "measure_speed": 1,
        "write_report": 1,
        "all": 1,
    }


def test_jobs_are_told_by_the_environment_what_no_result_depends_on(snakemake, workspace):
    (workspace / "probe.smk").write_text(
        'import sys\nsys.path.insert(0, "scripts")\ninclude: "workflow/rules/common.smk"\n'
        'rule probe:\n    output: "probe.txt"\n'
        '    shell: "printenv LIMBECK_MAX_SILENCE_MIN LIMBECK_CHECKPOINT_MIN > {output}"\n'
    )
    own = ("--config", "max_silence_min=7.5", "checkpoint_min=2")
    done = snakemake("-s", "probe.smk", "-c1", "probe.txt", *TINY, *own)
    assert done.returncode == 0, done.stderr
    assert (workspace / "probe.txt").read_text() == "7.5\n2\n"


@pytest.mark.parametrize("graph", ["--dag", "--rulegraph"])
def test_the_graph_can_be_drawn(snakemake, graph):
    result = snakemake(graph, *TINY)
    assert result.returncode == 0, result.stderr
    assert "digraph" in result.stdout
    assert "measure_student_gap" in result.stdout


def test_lint_finds_nothing(snakemake):
    result = snakemake("--lint", *TINY)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_profile_for_slurm_is_found_by_its_name(snakemake, plan):
    result = snakemake("-n", "--profile", "slurm", *TINY)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Using profile slurm" in result.stdout + result.stderr
    assert jobs(result.stdout) == jobs(plan.stdout)


def test_the_plan_with_conda_on_slurm(snakemake, tmp_path):
    search = local_conda.installed(tmp_path / "conda", tmp_path)["PATH"]
    result = snakemake("-n", "--use-conda", "--profile", "slurm", *TINY, path=search)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "envs/limbeck.yaml will be created" in result.stdout + result.stderr


def test_another_config_inherits_nothing_of_the_demo(snakemake, workspace, plan):
    demo = yaml.safe_load((workspace / "config" / "config.yaml").read_text())
    assert demo["sources"]
    for name in [*demo["sources"], *demo["students"]]:
        tiny = (workspace / "tests" / "config" / "tiny.yaml").read_text()
        if name not in tiny:
            assert name not in plan.stdout


def test_without_a_config_file_the_demo_is_planned(snakemake):
    result = snakemake("-n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "results/demo/report/index.html" in result.stdout
    assert jobs(result.stdout)["sample_md"] > 0


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("sede=3", "sede: unknown field, expected one of run, seed,"),
        ("threads=-2", "threads: -2, expected at least 1"),
        ("seed=one", "seed: 'one', expected a whole number"),
        (
            "sources={clusters: {shapes: [icosahedron]}}",
            "sources.clusters.sizes: no icosahedron has 4 to 8 atoms",
        ),
        ("labels={emt: {potential: emtt}}", "labels.emt.potential: 'emtt', expected one of emt"),
    ],
)
def test_an_impossible_config_is_told_in_a_line(snakemake, setting, line):
    result = snakemake("-n", *TINY, "--config", setting)
    assert result.returncode != 0
    assert line in result.stderr
    assert "Traceback" not in result.stderr
    assert "File " not in result.stderr


def test_what_the_run_does_without_is_remarked(snakemake):
    result = snakemake("-n", *TINY, "--config", "select={include: [rattled]}")
    assert result.returncode == 0, result.stdout + result.stderr
    line = "The config: sampling.md: neither select.include nor a subsystem takes its frames."
    assert line in (result.stdout + result.stderr).splitlines()


def test_names_that_the_config_lacks_are_no_targets(snakemake):
    for target in ("labels/other/0.h5", "selected/2.h5", "structures/clusters/2.h5"):
        result = snakemake(f"results/tiny/{target}", "-n", *TINY)
        assert result.returncode != 0
        assert "MissingRuleException" in result.stdout + result.stderr


def test_a_model_is_asked_for_by_its_folder(snakemake):
    """As docs/recipes.md says: Snakemake knows nothing of the files in it."""
    result = snakemake("results/tiny/students/emt/direct-tiny/seed1/model", "-n", *TINY)
    assert result.returncode == 0, result.stdout + result.stderr
    assert jobs(result.stdout)["train_student"] == 1


def test_every_rule_says_what_it_takes(repository: Path):
    texts = [path.read_text() for path in sorted((repository / "workflow/rules").glob("*.smk"))]
    rules = [r for text in texts for r in re.split(r"(?m)^ *rule (?=\w+:|:)|^ *rule:", text)[1:]]
    assert len(rules) > 15
    for rule in rules:
        body = rule.split("\n\n\n")[0]
        missing = [d for d in (*DIRECTIVES, "shell:", "script=") if d not in body]
        assert not missing, f"{body[:40]} has no {missing}"


def test_every_caption_is_of_an_output_and_is_there(repository: Path):
    rules = [path.read_text() for path in (repository / "workflow/rules").glob("*.smk")]
    asked = {
        name for text in rules for name in re.findall(r'caption="\.\./report/(\w+\.rst)"', text)
    }
    asked |= set(re.findall(r"workflow/report/(\w+\.rst)", (repository / "Snakefile").read_text()))
    assert asked == {path.name for path in (repository / "workflow/report").iterdir()}


def test_the_files_stay_short(repository: Path):
    assert len((repository / "Snakefile").read_text().splitlines()) < 70
    for path in (repository / "workflow/rules").glob("*.smk"):
        assert len(path.read_text().splitlines()) < 200, path


def test_what_students_wait_for_goes_before_measurements_of_teachers(plan):
    """With few cores a run would else measure teachers first, and train when all else is done."""
    found = {}
    for name, of_job in re.findall(r"^rule (\w+):\n((?: {4}.*\n)+)", plan.stdout, re.MULTILINE):
        said = re.search(r"^    priority: (\d+)$", of_job, re.MULTILINE)
        found.setdefault(name, set()).add(int(said[1]) if said else 0)
    learning = "label_frames judge_labels build_dataset train_student evaluate_student".split()
    assert {name: found[name] for name in learning} == {name: {10} for name in learning}
    assert found["measure_teacher_gap"] == found["measure_speed"] == {0}
