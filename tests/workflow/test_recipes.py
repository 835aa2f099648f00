"""The table of recipes and the rules agree: limbeck/config/recipes.py follows workflow/rules."""

import shlex
import sys
from pathlib import Path

import pytest

from limbeck.check.recipe import FOREIGN, digest
from limbeck.config.load import load
from limbeck.config.recipes import JOBS, Recipes
from limbeck.config.settings_files import SettingsFiles

CONFIGS = """
    config gaps molecular_crystal own_labels study_expectation study_views studies physics rounds
    tiny generative generators recipes/rattled_boltzmann recipes/rattle_relax recipes/short_md
    recipes/family_tree
""".split()
#: scripts whose outputs carry no recipe
WITHOUT = {"check_inputs", "expand_many_body", "pass_gate", "write_report"}
#: what a script that is told a folder writes there
IN_FOLDER = {
    "build_dataset": "train.h5",
    "build_delta_set": "train.h5",
    "explore_round": "candidates.h5",
    "extend_dataset": "train.h5",
    "train_student": "model",
    "evaluate_student": "metrics.json",
    "run_study": "results.json",
}


def values(words, option):
    """Words after an option, up to the next one."""
    start = words.index(option) + 1
    stop = next((i for i in range(start, len(words)) if words[i].startswith("--")), len(words))
    return words[start:stop]


def commands(printed):
    """The command lines that ``snakemake -n -p`` prints, in words."""
    for line in printed.splitlines():
        if "python scripts/" in line:
            words = shlex.split(line.split(" > ")[0])
            yield words[next(i for i, w in enumerate(words) if Path(w).name == "python") + 1 :]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_job_makes_what_the_jobs_after_it_expect(snakemake, workspace, monkeypatch, name):
    shipped = name not in ("physics", "rounds", "tiny", "generative", "generators")
    path = f"config/{name}.yaml" if shipped else f"tests/config/{name}.yaml"
    program = workspace / "env/bin/python"  # which the config of the generators names
    if not program.exists():
        program.parent.mkdir(parents=True)
        program.symlink_to(sys.executable)
    plan = snakemake("-n", "-p", "--configfile", path)
    assert plan.returncode == 0, plan.stderr
    monkeypatch.chdir(workspace)
    config = load(path)
    recipes, files, seen = Recipes(config), SettingsFiles(f"results/{config.run}"), set()
    for words in commands(plan.stdout):
        script = Path(words[0]).stem
        if script in WITHOUT:
            continue
        inputs = values(words, "--recipes") if "--recipes" in words else []
        assert FOREIGN not in inputs, words
        if script in IN_FOLDER:
            output = f"{values(words, '--output-folder')[0]}/{IN_FOLDER[script]}"
        else:
            output = values(words, "--output")[0]
        made = output.removeprefix(f"results/{config.run}/")
        text = recipes.job_of(made)[0]
        assert values(words, "--settings") == [files.path(text)]
        assert digest(text, inputs) == recipes.of(made), words
        seen.add(script)
    assert len(seen) >= (6 if config.sources else 2)


def test_paths_that_no_job_makes_have_none(repository, monkeypatch):
    monkeypatch.chdir(repository)
    recipes = Recipes(load("tests/config/tiny.yaml"))
    for path in ("head.json", "gate/emt.passed", "report/index.html", "samples/md/0.h5"):
        assert recipes.of(path) == FOREIGN, path
    assert len(JOBS) == 38
