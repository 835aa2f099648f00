"""select_frames.py from the command line."""

import json
import subprocess
import sys
from pathlib import Path

from ase.build import bulk

from limbeck.frames import Frames, from_atoms
from limbeck.storage import read_frames, write_frames

SCRIPT = Path(__file__).parents[2] / "scripts" / "select_frames.py"


def crystals(count: int, source: str) -> Frames:
    spacing = {"a": 3.0, "b": 4.0}[source]
    structures = [bulk("Ar", "fcc", spacing + 0.01 * i) for i in range(count)]
    return from_atoms(structures, groups=["Ar"] * count, source=source)


def run(inputs: list[Path], output: Path, settings: dict):
    command = [sys.executable, str(SCRIPT), "--settings", json.dumps(settings), "--input"]
    command += [*map(str, inputs), "--output", str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_slice_gets_its_share_of_every_source(tmp_path):
    inputs = []
    for source, count in {"a": 9, "b": 4}.items():
        inputs.append(tmp_path / f"{source}.h5")
        write_frames(inputs[-1], crystals(count, source), stage="screen")
    settings = {"seed": 1, "slice": 1, "slices": 2, "count": 12}
    done = run(inputs, tmp_path / "out.h5", settings)
    assert done.returncode == 0, done.stderr
    assert read_frames(tmp_path / "out.h5").source.tolist() == [b"a"] * 3 + [b"b"] * 3
    assert "6 of 13 frames" in done.stderr


def test_a_slice_that_is_none_ends_in_one_line(tmp_path):
    write_frames(tmp_path / "a.h5", crystals(1, "a"), stage="screen")
    settings = {"seed": 1, "slice": 2, "slices": 2, "count": 12}
    done = run([tmp_path / "a.h5"], tmp_path / "out.h5", settings)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: slice 2: expected 0 to 1, there are 2 slices"
