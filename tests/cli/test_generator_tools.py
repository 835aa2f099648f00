"""What is made and checked around generators: an environment by pip, and whether each is ready."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import in_process
from generator_jobs import config_of
from limbeck.config.load import resolve
from limbeck.files import write_json

ROOT = Path(__file__).parents[2]
READY = {"asked": 10, "kept": 10, "seconds": 50.0, "missing": None}


@pytest.mark.parametrize(
    ("made", "good", "ready", "words"),
    [
        (READY, 10, True, "g: ready: 10 of 10 labelled (10 of use), 5.00 s each"),
        (READY, 9, False, "g: NOT ready: 9 of 10 labelled"),
        (READY | {"seconds": 101.0}, 10, False, "10.10 s each"),
        (READY | {"kept": 9}, 9, False, "9 of 10 labelled (9 of use)"),
        (READY | {"kept": 0, "missing": "no b"}, 0, None, "g: not there: no b"),
    ],
)
def test_a_generator_is_ready_with_all_labelled_in_time(tmp_path, made, good, ready, words):
    config = config_of(program="mattergen", count=10)
    config["gate"] = {"max_seconds_per_structure": 10}
    write_json(tmp_path / "generators/g/0/made.json", made)
    verdict = in_process.script_named("check_generators").verdict
    found, line = verdict(resolve(config), tmp_path, "made", good)
    assert found is ready
    assert words in line


@pytest.mark.parametrize("path", sorted(ROOT.glob("envs/*.yaml")), ids=lambda path: path.stem)
def test_every_environment_but_that_of_the_rules_can_be_made_with_pip(path):
    read = in_process.script_named("make_environment").read
    if path.stem == "limbeck":  # which make makes of the lock
        with pytest.raises(SystemExit, match="of conda, which has to make it"):
            read(path)
        return
    python, pip = read(path)
    assert python.startswith("3.")
    assert any("==" in line for line in pip)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "python=3.11, psi4=1.9, pip: [a==1]",
            "own.yaml: expected pip's packages alone, got psi4 of conda",
        ),
        ("'psi4 >=1.9', python=3.11", "own.yaml: expected pip's packages alone, got psi4 of conda"),
        ("pip: [a==1]", "expected a line of its dependencies to be python=VERSION"),
        ("'python >=3.11', pip: [a==1]", "expected a line of its dependencies to be python=VERS"),
    ],
)
def test_what_pip_cannot_make_is_told(tmp_path, lines, message):
    (tmp_path / "own.yaml").write_text(f"dependencies: [{lines}]\n")
    with pytest.raises(SystemExit, match=message):
        in_process.script_named("make_environment").read(tmp_path / "own.yaml")


def test_names_that_are_known_are_told():
    with pytest.raises(SystemExit, match="expected NAME to be one of crystalflow, "):
        in_process.script_named("make_environment").read(ROOT / "envs/mattergn.yaml")


@pytest.mark.slow
def test_an_environment_is_made_with_its_script_and_a_failed_one_is_removed(tmp_path):
    """Of a file that asks for nothing of an index."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "envs").mkdir()
    script = tmp_path / "scripts/make_environment.py"
    script.write_text((ROOT / "scripts/make_environment.py").read_text())
    version = ".".join(map(str, sys.version_info[:2]))
    lines = f"dependencies:\n  - python={version}\n  - pip:\n      - --no-index\n"
    after = tmp_path / "envs/own.post-deploy.sh"
    after.write_text('touch "$CONDA_PREFIX/done"\n')
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    command = [sys.executable, str(script), "own", "--python", sys.executable]

    def make(requirement):
        (tmp_path / "envs/own.yaml").write_text(lines + f"      - {requirement}\n")
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    failed = make("no-such-package==1.0")
    assert failed.returncode == 1
    assert "own.yaml: not made" in failed.stderr
    assert not (tmp_path / ".envs/own").exists()
    done = make("pip")  # there already
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "In the config: python: .envs/own/bin/python"
    assert (tmp_path / ".envs/own/done").is_file()
    assert "there already" in make("pip").stderr
