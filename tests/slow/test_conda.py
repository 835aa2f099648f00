"""Rules run in environments that Snakemake made with conda of the files of envs/.

The command conda is that of ``local_conda``: conda's solver and linker, and a local channel.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import local_conda
import stand_ins
from limbeck.storage import read_frames
from local_conda import packages
from workspaces import copy_workflow

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
#: packages of conda-forge that have another name on PyPI
RENAMED = {"matplotlib-base": "matplotlib", "pytorch": "torch"}
#: what a channel has under any version that is asked for
STAND_INS = {"python", "pip", "git"}


class Conda:
    """The command in a folder, and its channel."""

    def __init__(self, folder: Path) -> None:
        self.channel = folder / "channel"
        self.folder = folder
        self.variables = local_conda.installed(folder / "conda", self.channel)

    def snakemake(self, where: Path, *arguments: object, **more: str):
        words = [Path(sys.executable).parent / "snakemake", "--use-conda"]
        words += ["--conda-prefix", self.folder / "environments", *arguments]
        env = os.environ | self.variables | more
        return subprocess.run(
            [*map(str, words)], cwd=where, env=env, capture_output=True, text=True, check=False
        )


def env(name: str) -> Path:
    """A file of envs/."""
    return ROOT / f"envs/{name}.yaml"


def pins(path: Path) -> tuple[dict[str, str], list[str]]:
    """Conda's pins of an environment file, and pip's requirements."""
    entries = yaml.safe_load(path.read_text())["dependencies"]
    conda = dict(entry.split("=") for entry in entries if isinstance(entry, str))
    return conda, [line for e in entries if isinstance(e, dict) for line in e["pip"]]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Conda with a few packages, and a workflow whose rules have an environment each."""
    conda = Conda(tmp_path_factory.mktemp("small"))
    packages.python(conda.channel, "3.11.9")
    for number in ("1.0.0", "1.1.0"):
        code = f"VERSION = '{number}'\n"
        files = {"site-packages/toy.py": code}
        packages.package(conda.channel, "toy", number, files, ["python"])
    packages.index(conda.channel)
    folder = conda.folder / "workflow"
    (folder / "envs").mkdir(parents=True)
    asked = {"newest": "toy>=1", "remote": "toy>1.0", "pinned": "toy>=1.0", "unsolvable": "toy=2.0"}
    for name, toy in asked.items():
        text = f"channels: [conda-forge, nodefaults]\ndependencies: [python=3.11.9, '{toy}']\n"
        (folder / f"envs/{name}.yaml").write_text(text)
    url = conda.channel.as_uri()
    rows = [f"{url}/linux-64/python-3.11.9-0.tar.bz2", f"{url}/noarch/toy-1.0.0-py_0.tar.bz2"]
    (folder / "envs/pinned.linux-64.pin.txt").write_text("@EXPLICIT\n" + "\n".join(rows) + "\n")
    (folder / "Snakefile").write_text(
        textwrap.dedent("""
        rule:
            name: "toy"
            output: "{env}.txt"
            conda: "envs/{env}.yaml"
            shell: "python -c 'import sys, toy; print(toy.VERSION, sys.prefix)' > {output}"
        """)
    )
    return conda, folder


def test_a_pin_file_decides_where_there_is_one(small):
    conda, folder = small
    done = conda.snakemake(folder, "--cores", 1, "newest.txt", "pinned.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Using pinnings from" in done.stderr
    for name, toy in (("newest", "1.1.0"), ("pinned", "1.0.0")):
        found, prefix = (folder / f"{name}.txt").read_text().split()
        assert found == toy
        assert Path(prefix).parent == conda.folder / "environments"
    # nothing but its own packages is there
    code = "import numpy"
    alone = subprocess.run([f"{prefix}/bin/python", "-c", code], capture_output=True, text=True)
    assert "No module named 'numpy'" in alone.stderr


def test_an_environment_that_has_no_solution_is_told(small):
    conda, folder = small
    done = conda.snakemake(folder, "--cores", 1, "unsolvable.txt")
    assert done.returncode == 1
    assert "Could not create conda environment from" in done.stderr
    assert "envs/unsolvable.yaml" in done.stderr
    assert re.search(r"toy.*2\.0", done.stderr)
    assert not (folder / "unsolvable.txt").exists()


def test_rules_run_in_them_under_the_profile_slurm(small, tmp_path):
    """On a cluster whose jobs are processes; each job's own Snakemake finds the environment."""
    conda, folder = small
    shutil.copytree(ROOT / "slurm", folder / "slurm")
    search = os.pathsep.join([str(ROOT / "tests/faults/cluster"), conda.variables["PATH"]])
    (tmp_path / "jobs").mkdir()
    words = (
        "--profile",
        "slurm",
        "--latency-wait",
        10,
        "--slurm-init-seconds-before-status-checks",
    )
    words += (1, "--", "remote.txt")
    done = conda.snakemake(folder, *words, PATH=search, FAULTS_CLUSTER=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.read_text() for path in (tmp_path / "jobs").glob("*.exit")] == ["0\n"]
    found, prefix = (folder / "remote.txt").read_text().split()
    assert (found, Path(prefix).parent) == ("1.1.0", conda.folder / "environments")


def offer(conda: Conda, name: str, clone: Path) -> None:
    """Have the channel and pip's folder offer what a file of envs/ asks for."""
    asked, by_pip = pins(env(name))
    packages.python(conda.channel, asked["python"])
    packages.pip(conda.channel, asked["pip"])
    if "git" in asked:
        git = {"bin/git": GIT.format(clone=clone)}
        packages.package(conda.channel, "git", asked["git"], git, noarch=False)
        for line in by_pip:
            if not line.startswith("--"):
                packages.wheel(conda.folder / "wheels", *line.split("=="))
    for package in asked.keys() - STAND_INS:  # of limbeck.yaml alone
        ours = version(RENAMED.get(package, package)).split("+")[0]
        packages.running(conda.channel, package, ours)
    conda.variables["PIP_FIND_LINKS"] = str(conda.folder / "wheels")


@pytest.mark.parametrize("name", ["crystalflow", "moldiff", "geodiff"])
def test_an_environment_has_what_its_file_and_its_script_say(tmp_path, name):
    """As conda and Snakemake make it, of stand-ins under the names and versions of the file."""
    conda = Conda(tmp_path)
    clone = tmp_path / "clone"
    clone.mkdir()
    offer(conda, name, clone)
    packages.index(conda.channel)
    prefix, variables = tmp_path / "made", os.environ | conda.variables
    command = [conda.folder / "conda/bin/conda", "env", "create", "--file", env(name)]
    done = subprocess.run(
        [*map(str, command), "--prefix", str(prefix)], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    script = env(name).with_suffix(".post-deploy.sh")
    own = variables | {"CONDA_PREFIX": str(prefix), "PATH": f"{prefix}/bin:{variables['PATH']}"}
    subprocess.run(["bash", str(script)], env=own, check=True)
    listed = subprocess.run(
        [prefix / "bin/python", "-m", "pip", "list", "--format", "freeze"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    normal = re.sub("[-_.]+", "-", listed.stdout.lower())
    for line in pins(env(name))[1]:
        assert line.startswith("--") or re.sub("[-_.]+", "-", line.lower()) in normal
    assert (prefix / f"share/{name}/commit").read_text().strip() in script.read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Conda with all that limbeck.yaml and mattergen.yaml ask for, and the workflow."""
    conda = Conda(tmp_path_factory.mktemp("whole"))
    clone = repository_of_mattergen(conda.folder / "clones/mattergen")
    for name in ("limbeck", "mattergen"):
        offer(conda, name, clone)
    packages.index(conda.channel)
    folder = copy_workflow(ROOT, conda.folder / "limbeck")
    stand_ins.weights(folder / "env/weights")
    return conda, folder


#: what the script after the environment does with git, of a folder in place of an address
GIT = """#!/bin/bash
case "$1 $3" in
  "clone "*) mkdir -p "$4"; cp -r "{clone}"/. "$4"; echo "$3" > "$4/address" ;;
  "-C checkout") echo "$5" > "$2/commit" ;;
  "-C rev-parse") cat "$2/commit" ;;
  *) exit 1 ;;
esac
"""


#: of a repository whose wheel is there already
BACKEND = """import shutil


def build_wheel(folder, config_settings=None, metadata_directory=None):
    shutil.copy("{wheel}", folder)
    return "{wheel}"
"""


def repository_of_mattergen(folder: Path) -> Path:
    """The stand-in as a repository that pip installs from."""
    here = Path(stand_ins.__file__).parent
    files = {"stand_in.py": (here / "stand_in.py").read_text()}
    for path in (here / "mattergen").rglob("*.py"):
        files[path.relative_to(here).as_posix()] = path.read_text()
    command = "[console_scripts]\nmattergen-generate = mattergen.scripts.generate:_main\n"
    files["mattergen-1.0.3.dist-info/entry_points.txt"] = command
    wheel = packages.wheel(folder, "mattergen", "1.0.3", files)
    backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (folder / "pyproject.toml").write_text(backend)
    (folder / "backend.py").write_text(BACKEND.format(wheel=wheel.name))
    return folder


def with_run(folder: Path, run: str) -> Path:
    """The config of a generator, of the environment that the workflow names for it."""
    config = yaml.safe_load((folder / "tests/config/generators.yaml").read_text())
    config["run"] = run
    del config["generators"]["mattergen"]["python"]
    path = folder / f"{run}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def prefixes(conda: Conda) -> dict[str, str]:
    """Python's version that a file asked for -> the environment."""
    found = {}
    for path in (conda.folder / "environments").glob("*/conda-meta/python-*.json"):
        found[json.loads(path.read_text())["version"]] = str(path.parents[1])
    return found


def test_rules_run_in_environments_of_the_unmodified_files(whole):
    conda, folder = whole
    config = with_run(folder, "local")
    target = "results/local/screened/proposed/0.h5"
    words = ("--show-failed-logs", "--cores", 2, "--configfile", config, "--", target)
    done = conda.snakemake(folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(read_frames(folder / target)) == 6
    found = prefixes(conda)
    assert found.keys() == {pins(path)[0]["python"] for path in map(env, ("limbeck", "mattergen"))}
    own = Path(found[pins(env("mattergen"))[0]["python"]])
    # the program ran there, of the commit that the script beside the file got
    calls = [json.loads(line) for line in (own / "calls.jsonl").read_text().splitlines()]
    assert len(calls) >= 2
    script = env("mattergen").with_suffix(".post-deploy.sh").read_text()
    (commit,) = re.findall("[0-9a-f]{40}", script)
    made = json.loads((folder / "results/local/generators/mattergen/0/made.json").read_text())
    assert made["version"] == commit
    assert (own / "share/mattergen/address").read_text().strip() in script
