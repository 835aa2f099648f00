"""select_frames.py from the command line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from ase.build import bulk

import in_process
from answers import STATISTICS
from jobs_of import select_job
from limbeck.files import sha256_of
from limbeck.frames import Frames, from_atoms
from limbeck.selection.fair import priorities_by_spread
from limbeck.storage import read_frames, write_frames
from limbeck.students import architecture

SETTINGS = {"seed": 1, "slice": 0, "count": 1}


def crystals(count: int, source: str) -> Frames:
    spacing = {"a": 3.0, "b": 4.0}[source]
    structures = [bulk("Ar", "fcc", spacing + 0.01 * i) for i in range(count)]
    return from_atoms(structures, groups=["Ar"] * count, source=source)


def run(inputs: list[Path], output: Path, start=in_process.run, **changed):
    files = ["--input", *inputs, "--output", output]
    settings = select_job(SETTINGS | changed).model_dump(mode="json")
    return start("select_frames", *files, settings=settings)


def test_a_slice_gets_its_share_of_every_source(tmp_path):
    inputs = []
    for source, count in {"a": 9, "b": 4}.items():
        inputs.append(tmp_path / f"{source}.h5")
        write_frames(inputs[-1], crystals(count, source), stage="screen")
    asked = {"slice": 1, "slices": 2, "count": 12}
    done = run(inputs, tmp_path / "out.h5", start=in_process.run_as_process, **asked)
    assert done.returncode == 0, done.stderr
    assert read_frames(tmp_path / "out.h5").source.tolist() == [b"a"] * 3 + [b"b"] * 3
    assert "6 of 13 frames" in done.stderr


def test_frames_on_which_the_potential_agrees_with_itself_come_first(tmp_path):
    """A small direct network, as good as random: the more a crystal is bent, the more it turns."""
    crystal = bulk("Ar", "fcc", 4.5, cubic=True)
    bent = [crystal.copy() for _ in range(3)]
    for amount, atoms in zip((0.0, 0.2, 0.4), bent, strict=True):
        atoms.positions[0, 0] += amount
    frames = from_atoms(bent, groups=["Ar"] * 3, source="a")
    frames = replace(frames, root=np.array([frames.id[0]] * 3))
    write_frames(tmp_path / "a.h5", frames, stage="screen")
    statistics = replace(STATISTICS, elements=[18], reference_energies=np.zeros(1))
    torch.manual_seed(0)
    student = architecture("direct").build("tiny", statistics, name="t", device="cpu")
    (tmp_path / "model").mkdir()
    student.save(tmp_path / "model")
    model = {"name": "t", "model": "orb", "path": str(tmp_path / "model")}
    model["sha256"] = sha256_of(tmp_path / "model")
    chosen = {}
    for prefer in ("low", "high"):
        score = {"potential": "t", "views": 4, "prefer": prefer}
        output = tmp_path / f"{prefer}.h5"
        done = run([tmp_path / "a.h5"], output, score=score, potential=model)
        assert done.returncode == 0, done.stderr
        (chosen[prefer],) = read_frames(output).id
        turns = priorities_by_spread(student, frames, views=4, prefer=prefer)
        assert chosen[prefer] == frames.id[np.argmin(turns)]
    assert chosen["low"] != chosen["high"]


def test_a_slice_that_is_none_ends_in_one_line(tmp_path):
    write_frames(tmp_path / "a.h5", crystals(1, "a"), stage="screen")
    done = run([tmp_path / "a.h5"], tmp_path / "out.h5", slice=2, slices=2, count=12)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: slice 2: expected 0 to 1, there are 2 slices"


def test_unlike_frames_are_taken_and_keep_what_all_have(tmp_path):
    """The ends of a row of crystals; one file has forces besides, which the other has not."""
    for source in ("a", "b"):
        frames = crystals(11, source)
        frames = replace(frames, root=np.full(11, frames.id[0]))
        values = np.arange(11, dtype=np.float32)[:, None]
        frames.atom_extra["descriptors"] = values if source == "a" else np.tile(values, 2)
        frames.extra["energy"] = np.arange(11.0)
        write_frames(tmp_path / f"{source}.h5", frames, stage="sample_md")
    farthest = {"by": "farthest_point"}
    inputs = [tmp_path / "a.h5", tmp_path / "b.h5"]
    done = run(inputs, tmp_path / "out.h5", count=6, diversity=farthest)
    assert done.returncode == 0, done.stderr
    found = read_frames(tmp_path / "out.h5")
    assert found.extra["energy"].tolist() == [0, 5, 10] * 2
    assert not found.atom_extra  # descriptors of two potentials, one and two columns
    assert "left out, since not all frames have them alike: descriptors" in done.stderr
    alone = run(inputs[:1], tmp_path / "one.h5", count=3, diversity=farthest)
    assert alone.returncode == 0, alone.stderr
    kept = read_frames(tmp_path / "one.h5")
    assert kept.atom_extra["descriptors"].tolist() == [[0], [5], [10]]
    by_chance = run(inputs[:1], tmp_path / "other.h5", count=3)
    assert by_chance.returncode == 0, by_chance.stderr
    assert read_frames(tmp_path / "other.h5").extra["energy"].tolist() != [0, 5, 10]


def test_frames_without_descriptors_cannot_be_spread(tmp_path):
    write_frames(tmp_path / "a.h5", crystals(3, "a"), stage="screen")
    done = run([tmp_path / "a.h5"], tmp_path / "out.h5", count=2, diversity={"by": "kmeans"})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: frames of generated: no descriptors")


def test_one_choice_is_shared_by_all_slices(tmp_path):
    """Five of 12 crystals in two slices: each slice takes what was chosen of its own."""
    inputs = []
    for source, count in {"a": 9, "b": 3}.items():
        inputs.append(tmp_path / f"{source}.h5")
        write_frames(inputs[-1], crystals(count, source), stage="screen")
    chosen = tmp_path / "choice.h5"
    settings = {"seed": 1, "count": 5, "choice": {"by": "farthest"}}
    files = ["--input", *inputs, "--output", chosen]
    done = in_process.run_as_process("choose_over_all", *files, settings=settings)
    assert done.returncode == 0, done.stderr
    assert "5 of 12 frames" in done.stderr
    taken = []
    for place, path in enumerate(inputs):
        output = tmp_path / f"out{place}.h5"
        files = ["--input", path, "--choice", chosen, "--output", output]
        asked = select_job(SETTINGS | {"slice": place, "slices": 2, "count": 5})
        done = in_process.run("select_frames", *files, settings=asked.model_dump(mode="json"))
        assert done.returncode == 0, done.stderr
        taken.append(len(read_frames(output)))
    assert sum(taken) == 5
    # the crystals of b are the widest, and far from each other only by their ends
    assert taken[1] >= 1
