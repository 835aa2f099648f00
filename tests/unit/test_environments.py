"""Environment files: exactly pinned, of no licensed channel, and of nobody else's packages."""

import re
import tomllib
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from rattler.exceptions import InvalidMatchSpecError

from limbeck.config.sections.generators import ABOUT

ENVS = Path(__file__).parents[2] / "envs"
FILES = sorted(ENVS.glob("*.yaml"))
#: which make installs first, and the lock has not
TORCH = "2.13.0"
#: on PyPI these are other people's packages of the same names
OTHERS = "crystalflow geodiff adit mcf dmt megalodon omg pyace alphanet amd".split()
#: what each program asks for, in its own files at the commit of its environment.
#: What a program leaves open was tried (emmet-core: the last that goes with this pymatgen).
ASKED = {
    # pyproject.toml; its torch has +cu118 behind it, of an index of PyTorch's own
    "mattergen": {
        "ase": "<=3.25.0",
        "emmet-core": ">=0.84.2",
        "hydra-core": "==1.3.1",
        "monty": "==2024.7.30",
        "numpy": "<2.0",
        "omegaconf": "==2.3.0",
        "pymatgen": ">=2024.6.4",
        "pytorch-lightning": "==2.0.6",
        "setuptools": "<81",
        "sympy": ">=1.11.1",
        "torch": "==2.2.1",
        "torch-geometric": ">=2.5",
    },
    # README.md
    "crystalflow": {
        "hydra-core": ">=1.3",
        "lightning": "==2.3.2",
        "torch": "==2.3.1",
        "torch-geometric": "==2.5.3",
    },
    # env.yaml; rdkit is rdkit-pypi there
    "moldiff": {
        "lmdb": "==1.2.1",
        "pandas": "==1.5.2",
        "pyyaml": "==5.4.1",
        "rdkit-pypi": "==2022.3.2",
        "scikit-learn": "==1.1.0",
        "scipy": "==1.8.0",
        "setuptools": "==59.5.0",
        "tensorboard": "==2.6.0",
        "torch": "==1.10.1",
        "torch-geometric": "==2.0.4",
        "torchvision": "==0.11.2",
        "tqdm": "==4.64.0",
    },
    # env.yml, and torch-geometric of its README; its rdkit 2020.09.1 is older than rdkit-pypi
    "geodiff": {
        "easydict": "==1.9",
        "networkx": "==2.5.1",
        "numpy": "==1.19.2",
        "pandas": "==1.1.4",
        "protobuf": "==3.14.0",
        "pyyaml": "==5.3.1",
        "rdkit-pypi": ">=2020.9.1",
        "scikit-learn": "==0.23.2",
        "scipy": "==1.5.3",
        "setuptools": "==52.0.0",
        "tensorboard": "==2.4.1",
        "torch": "==1.8.1",
        "torch-geometric": "==1.7.2",
        "torchvision": "==0.9.1",
        "tqdm": "==4.60.0",
    },
}
PYTHON = {"mattergen": "3.10", "crystalflow": "3.11.9", "moldiff": "3.8.13", "geodiff": "3.7.10"}
COMMIT = re.compile(r"checkout --quiet [0-9a-f]{40}$", re.MULTILINE)


def parts(path):
    """Conda's dependencies and pip's requirements of a file, without the options of pip."""
    entries = yaml.safe_load(path.read_text())["dependencies"]
    pip = [line for entry in entries if isinstance(entry, dict) for line in entry["pip"]]
    return [e for e in entries if isinstance(e, str)], [p for p in pip if not p.startswith("--")]


def test_there_is_one_for_each_program():
    assert {path.stem for path in FILES} >= set(ABOUT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_pinned_and_free(path):
    found = yaml.safe_load(path.read_text())
    assert found.keys() == {"channels", "dependencies"}  # a name would be that of one place
    assert found["channels"] == ["conda-forge", "nodefaults"]
    conda, pip = parts(path)
    names = [re.split("[=<>]", entry)[0] for entry in conda]
    assert len(names) == len(set(names))
    assert not pip or "pip" in names
    assert all(re.fullmatch(r"[\w.-]+=\d+(\.\d+)+", entry) for entry in conda)
    for entry in pip:
        (pin,) = Requirement(entry).specifier
        assert pin.operator == "=="
        assert "*" not in pin.version


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_dependency_is_one_that_conda_understands(path):
    for entry in parts(path)[0]:
        spec = rattler.MatchSpec(entry, strict=True)
        assert spec.name.normalized == entry.split("=")[0]
        assert spec.version


@pytest.mark.parametrize("entry", ["ase 3,29", "=3.29", "ase=3.29=*=1", "ase==>3"])
def test_conda_understands_no_other(entry):
    with pytest.raises(InvalidMatchSpecError):
        rattler.MatchSpec(entry, strict=True)


def test_rules_run_with_the_versions_that_are_tested():
    """Those of the lock: an environment of conda gives the same numbers as one of make."""
    lines = (ENVS.parent / "requirements.lock").read_text().splitlines()
    locked = dict(line.lower().split("==") for line in lines if "==" in line)
    locked |= {"torch": TORCH, "pytorch": TORCH, "matplotlib-base": locked["matplotlib"]}
    conda, pip = parts(ENVS / "limbeck.yaml")
    pins = dict(entry.split("=") for entry in conda if not entry.startswith(("python=", "pip=")))
    pins |= {Requirement(e).name: str(Requirement(e).specifier)[2:] for e in pip}
    for name, version in pins.items():
        known = locked.get(name) or locked[name.replace("-", "_")]
        assert Version(version) == Version(known), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_file_asks_for_another_package_of_the_same_name(path):
    conda, pip = parts(path)
    names = {re.split("[=<>]", e)[0].lower() for e in conda}
    assert not {Requirement(e).name.lower() for e in pip} & set(OTHERS)
    assert not names & set(OTHERS)


@pytest.mark.parametrize("name", ABOUT)
def test_its_pins_are_what_the_program_asks_for(name):
    conda, pip = parts(ENVS / f"{name}.yaml")
    (python,) = [entry for entry in conda if entry.startswith("python=")]
    assert python.startswith(f"python={PYTHON[name]}")
    pinned = {Requirement(e).name: Requirement(e) for e in pip}
    for package, asked in ASKED[name].items():
        (pin,) = pinned[package].specifier
        assert Requirement(f"{package}{asked}").specifier.contains(pin.version), package


@pytest.mark.parametrize("name", ABOUT)
def test_its_repository_is_got_by_its_commit(name):
    script = ENVS / f"{name}.post-deploy.sh"
    text = script.read_text()
    assert text.startswith("#!/bin/bash\n")
    assert len(COMMIT.findall(text)) == 1
    assert f'clone="$CONDA_PREFIX/share/{name}"' in text
    assert "set -euo pipefail" in text
    (commit,) = re.findall("[0-9a-f]{40}", text)
    assert f"(commit {commit[:7]})" in (ENVS / f"{name}.yaml").read_text()


def test_snakemake_stays_below_10():
    """From which on environments of conda are made by plugins: docs/environments.md."""
    with open(ENVS.parent / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    found = [Requirement(r) for r in project["dependencies"]]
    (snakemake,) = [r for r in found if r.name == "snakemake"]
    assert snakemake.specifier.contains("9.99")
    assert not snakemake.specifier.contains("10.0")
