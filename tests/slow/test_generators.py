"""The real generative models with tiny random weights, where their Python is given.

LIMBECK_GENERATORS names a Python that can import all four; their clones are in share/ of its
environment. The weights are made by the scripts of ../shared/generators. Random weights make little
or nothing of use: what is tested is that each program takes what it is told, and is read.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from generator_jobs import run
from limbeck.files import sha256_of

PYTHON = os.environ.get("LIMBECK_GENERATORS", "")
pytestmark = [
    pytest.mark.generators,
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="needs LIMBECK_GENERATORS, a Python with the programs"),
]


def make(shared, program, *words, cwd=None):
    """Weights of a program."""
    clone = Path(PYTHON).parents[1] / "share" / program
    script = shared / f"generators/make_{program}_tiny.py"
    env = os.environ | {"PROJECT_ROOT": str(clone)}
    env.pop("PYTHONPATH", None)
    command = [PYTHON, str(script), *map(str, words)]
    subprocess.run(command, cwd=cwd or clone, env=env, check=True, capture_output=True)


def rounds(done):
    """What the log says of each round."""
    rows = re.findall(r"^round \d+: (\{.*\})$", done.log, re.MULTILINE)
    assert rows, done.log[-3000:]
    return [json.loads(row) for row in rows]


def test_mattergen(shared, tmp_path):
    """With random weights a batch often has no two atoms near each other, on which it ends."""
    config = Path(PYTHON).parents[1] / "share/mattergen/checkpoints/mattergen_base/config.yaml"
    make(shared, "mattergen", config, tmp_path / "w", 10, cwd=tmp_path)
    own = {"weights": str(tmp_path / "w"), "sha256": sha256_of(tmp_path / "w"), "steps": 10}
    done = run(tmp_path / "a", PYTHON, program="mattergen", count=4, max_rounds=1, **own)
    (row,) = rounds(done)
    assert row["made"] == 4 or "IndexError: index 0 is out of bounds" in done.log


@pytest.mark.parametrize("formulas", [["Na4Cl4", "LiF"], None])
def test_crystalflow(shared, tmp_path, formulas):
    make(shared, "crystalflow", tmp_path / "w", "csp" if formulas else "dng", cwd=tmp_path)
    own = {"weights": str(tmp_path / "w"), "sha256": sha256_of(tmp_path / "w"), "steps": 10}
    own |= {"count": 4, "batch_size": 4, "max_rounds": 1, "formulas": formulas}
    done = run(tmp_path / "a", PYTHON, program="crystalflow", **own)
    (row,) = rounds(done)
    assert (row["made"], row["failed"]) == (4, None)


def test_moldiff(shared, tmp_path):
    """Few of the molecules of random weights have valences that RDKit takes, and it ends well."""
    make(shared, "moldiff", tmp_path / "w.pt", 10)
    own = {"weights": str(tmp_path / "w.pt"), "sha256": sha256_of(tmp_path / "w.pt")}
    own |= {"count": 2, "n_heavy_atoms": [3, 5], "max_rounds": 1}
    done = run(tmp_path / "a", PYTHON, program="moldiff", **own)
    (row,) = rounds(done)
    assert row["failed"] is None
    assert "[Pool] Finished" in done.log


def test_geodiff(shared, tmp_path):
    make(shared, "geodiff", tmp_path / "w", 10, "CCO")
    (tmp_path / "a.smi").write_text("CCO\nCC=O\n")
    path = tmp_path / "w/checkpoints/tiny.pt"
    own = {"weights": str(path), "sha256": sha256_of(path), "smiles": str(tmp_path / "a.smi")}
    own |= {"count": 4, "steps": 10, "max_rounds": 1}
    done = run(tmp_path / "a", PYTHON, program="geodiff", **own)
    (row,) = rounds(done)
    assert (row["made"], row["failed"]) == (4, None)
