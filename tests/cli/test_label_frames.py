"""label_frames.py from the command line."""

import copy
import json
import logging
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.build import molecule
from ase.data import chemical_symbols

import in_process
from jobs_of import label_set
from limbeck.averaging.views import Views, views_of
from limbeck.errors import LimbeckError
from limbeck.files import write_json
from limbeck.frames import concatenate, empty, from_atoms
from limbeck.labelling.label import label
from limbeck.labelling.products import with_products
from limbeck.labelling.trained_on import write_trained_ids
from limbeck.labels import HESSIAN, ISOLATED_ATOMS, select_labels
from limbeck.potentials.devices import DeviceLost
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.properties import PRODUCTS
from limbeck.storage import read_header, read_labels, write_frames
from planted import real_frames, same_bits

SETTINGS = {
    "label_set": {"name": "emt-k3", "potential": "emt", "views": 3},
    "slice": 0,
    "slices": 1,
    "lost_device": "stop",
    "potential": {"name": "emt", "model": "emt"},
    "device": "cpu",
    "threads": 1,
}


def labelling(name="emt-k3", **fields):
    """The settings with another label set."""
    return SETTINGS | {"label_set": {"name": name, "potential": "emt", **fields}}


def arguments(folder, *more, output="labels"):
    return ["--input", folder / "0.h5", "--output", folder / output / "0.h5", *more]


def run(folder, settings, *more, output="labels", start=in_process.run):
    return start("label_frames", *arguments(folder, *more, output=output), settings=settings)


def process(folder, settings, *more, output="labels", **options):
    """A job that goes on while this one does."""
    words = in_process.words(
        "label_frames", *arguments(folder, *more, output=output), settings=settings
    )
    return subprocess.Popen([sys.executable, *words], **options)


@pytest.fixture
def frames(tmp_path):
    """Metals and molecules that EMT knows, and silane, which it does not."""
    silane = from_atoms([molecule("SiH4")], groups=["SiH4"], source="real")
    frames = concatenate([real_frames(), silane])
    write_frames(tmp_path / "0.h5", frames, stage="select_frames")
    return frames


def test_labels_are_written(frames, tmp_path):
    done = run(tmp_path, SETTINGS, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    expected = label(EffectiveMedium(), frames, Views(3), max_force=100)
    assert np.array_equal(found.id, frames.id)
    # another process, the same bits
    assert found.forces.tobytes() == expected.forces.tobytes()
    assert found.energy.tobytes() == expected.energy.tobytes()
    assert found.status.tolist() == [0, 0, 0, 0, 0, 0, 3]
    assert (found.attrs["model"], found.attrs["views"]) == ("emt", 3)
    assert (found.attrs["label_set"], found.attrs["threads"]) == ("emt-k3", 1)
    atoms = found.attrs[ISOLATED_ATOMS]  # of all elements but silicon
    assert atoms.keys() == {chemical_symbols[z] for z in np.unique(frames.numbers)} - {"Si"}
    for symbol, energy in atoms.items():
        assert energy == EffectiveMedium().predict(single(symbol)).energy[0]
    assert read_header(tmp_path / "labels" / "0.h5")["stage"] == "label_frames"
    assert "7 frames in" in done.stderr
    assert "6 good, 1 element unknown to the potential" in done.stderr
    assert [p.name for p in (tmp_path / "labels").iterdir()] == ["0.h5"]


def single(symbol):
    return from_atoms([Atoms(symbol)], groups=[symbol], source="s")


def test_what_it_was_trained_on_is_left_out_and_counted(frames, tmp_path):
    write_trained_ids(tmp_path / "ids.txt", frames.id[[1, 3]], "of EMT")
    settings = copy.deepcopy(SETTINGS)
    settings["potential"]["trained_on"] = [str(tmp_path / "ids.txt")]
    done = run(tmp_path, settings)
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    assert found.status.tolist() == [0, 7, 0, 7, 0, 0, 3]
    assert "2 the potential was trained on it" in done.stderr


def test_settings_from_a_file(frames, tmp_path):
    own = labelling("emt")
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(own))
    done = run(tmp_path, str(tmp_path / "settings.yaml"))
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt")
    assert np.isnan(found.forces_spread).all()
    assert found.attrs["views"] == "as_given"


def spoilt_by(monkeypatch, frame, error):
    """EMT fails on a frame, until what comes back is cleared."""
    broken = [error]

    def prepare(self, frames, whole=EffectiveMedium.prepare):
        if broken and frame in frames.id.tolist():
            raise broken[0]
        return whole(self, frames)

    monkeypatch.setattr(EffectiveMedium, "prepare", prepare)
    return broken


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate"), RuntimeError("a file")])
def test_frames_without_an_answer_are_asked_about_in_each_attempt(
    frames, tmp_path, monkeypatch, error
):
    name = frames.id[2]
    broken = spoilt_by(monkeypatch, name, error)
    store = ["--store", tmp_path / "store"]
    done = run(tmp_path, SETTINGS, *store, "--attempts-left", 2)
    why = {True: "too large for the device", False: "the potential failed on the frame"}
    expected = (
        "error: no answer for 1 of 7 frames, which the next attempt asks about again: "
        f"{name.decode()} ({why[isinstance(error, MemoryError)]})"
    )
    expect_one_line(done, expected, tmp_path)
    assert done.returncode == 1
    # the last attempt ends the slice, whatever is the matter
    last = run(tmp_path, SETTINGS, *store, "--attempts-left", 0, output="last")
    assert last.returncode == 0, last.stderr
    found = read_labels(tmp_path / "last" / "0.h5", "emt-k3")
    assert np.flatnonzero(found.status).tolist() == [2, 6]
    assert found.status[6] == 3  # silane, which is for good, and fails no job
    # once the cause is gone, that frame is asked about, and no other
    broken.clear()
    healed = run(tmp_path, SETTINGS, *store, "--attempts-left", 1)
    assert healed.returncode == 0, healed.stderr
    assert "1 read, 1 made" in healed.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    assert np.flatnonzero(found.status).tolist() == [6]
    whole = label(EffectiveMedium(), frames, Views(3), max_force=100)
    others = np.arange(7) != 2
    assert same_bits(select_labels(found, others), select_labels(whole, others))


def test_without_a_store_everything_is_asked_again(frames, tmp_path, monkeypatch):
    broken = spoilt_by(monkeypatch, frames.id[2], MemoryError())
    assert run(tmp_path, SETTINGS, "--attempts-left", 2).returncode == 1
    broken.clear()
    assert run(tmp_path, SETTINGS, "--attempts-left", 1).returncode == 0
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    assert same_bits(found, label(EffectiveMedium(), frames, Views(3), max_force=100))


def test_a_store_and_plans_that_cannot_be_written_are_done_without(frames, tmp_path):
    (tmp_path / "store").write_text("")
    (tmp_path / "plans").write_text("")
    done = run(tmp_path, SETTINGS, *caches(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("label store: ") == 1
    assert "batch plans: " in done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    assert (found.status == 0).sum() == 6


def test_an_empty_shard(tmp_path):
    write_frames(tmp_path / "0.h5", empty(), stage="select_frames")
    done = run(tmp_path, SETTINGS)
    assert done.returncode == 0, done.stderr
    assert len(read_labels(tmp_path / "labels" / "0.h5", "emt-k3")) == 0


def expect_one_line(done, message, folder):
    assert done.returncode != 0
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(folder.glob("labels/*"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('{"views": 3', "argument --settings: not readable: Expecting"),
        ("[1, 2]", "[1, 2]: no such file"),
        ("a: 1, b: 2 " * 100, "not readable"),  # too long for a path
        ({k: v for k, v in SETTINGS.items() if k != "threads"}, "error: settings.threads: not giv"),
        (SETTINGS | {"thraeds": 1}, "error: settings.thraeds: unknown field, expected one of"),
        (SETTINGS | {"potential": {"name": "emt"}}, "error: settings.potential.model: not given"),
        (
            SETTINGS | {"potential": {"name": "x", "model": "dft"}},
            "error: settings.potential.model",
        ),
        (labelling(views=0), "error: settings.label_set.views: 0, expected as_given, auto, or"),
        (labelling(views="auto"), "error: views: auto, expected a decision made beforehand"),
        (labelling(views=3, quadrature="octahedral"), "settings.label_set.views: 3, expected none"),
        (SETTINGS | {"device": "cuda"}, "error: device: cuda was asked for, but torch finds no"),
    ],
)
def test_bad_settings_end_in_one_line(frames, tmp_path, settings, message):
    expect_one_line(run(tmp_path, settings), message, tmp_path)


def test_bad_settings_in_a_file(frames, tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("views: [3")
    expect_one_line(run(tmp_path, str(path)), "expected ',' or ']'", tmp_path)
    path.write_text("- 3\n")
    expect_one_line(run(tmp_path, str(path)), "expected a mapping, got list", tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_input_is_named(frames, tmp_path, damage):
    path = tmp_path / "0.h5"
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[:-500]
    else:
        with h5py.File(path) as file:
            offset = file["atoms/positions"].id.get_chunk_info(0).byte_offset
        content[offset + 20] ^= 4
    path.write_bytes(content)
    named = f"error: {path}: " + ("not a readable" if damage == "truncated" else "atoms/positions")
    expect_one_line(run(tmp_path, SETTINGS), named, tmp_path)


def test_threads_are_those_of_the_settings(repository):
    code = (
        "import os, sys; sys.path.insert(0, 'scripts');"
        "from limbeck.potentials.threads import use_threads; use_threads(3);"
        "import torch; print(torch.get_num_threads(), os.environ['OMP_NUM_THREADS'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True
    )
    assert done.stdout.split() == ["3", "3"], done.stderr


def test_a_grid_with_mirror_images(frames, tmp_path):
    done = run(tmp_path, labelling("emt-t", quadrature="tetrahedral", reflections=True))
    assert done.returncode == 0, done.stderr
    attrs = read_labels(tmp_path / "labels" / "0.h5", "emt-t").attrs
    assert (attrs["views"], attrs["quadrature"], attrs["reflections"]) == (24, "tetrahedral", True)
    assert attrs["degrees_of_freedom"] is None
    assert "not independent" in attrs["spread"]


CHOSEN = {"label_set": "emt-k3", "potential": "emt", "views": 3, "reason": "because"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"views": 0}, "views: 0, expected as_given or a whole number from 1 to 10000"),
        ({"views": True}, "views: True, expected as_given or a whole number"),
        ({"label_set": "lj"}, "of the label set lj by emt, expected emt-k3 by emt"),
    ],
)
def test_a_choice_that_cannot_be_or_is_of_another_label_set_is_refused(
    frames, tmp_path, change, said
):
    write_json(tmp_path / "views.json", CHOSEN | change)
    done = run(tmp_path, labelling(views="auto"), "--views", tmp_path / "views.json")
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"error: {tmp_path / 'views.json'}: {said}")
    assert line.endswith("; remove it and run again")


@pytest.mark.parametrize("views", ["as_given", 3])
def test_a_choice_of_views_is_read(frames, tmp_path, views):
    write_json(tmp_path / "views.json", CHOSEN | {"views": views})
    choice = ["--views", tmp_path / "views.json"]
    done = run(tmp_path, labelling(views="auto"), *choice)
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    assert found.attrs["views"] == views
    expected = label(
        EffectiveMedium(), frames, views_of(label_set({"views": views})), max_force=100
    )
    assert found.forces.tobytes() == expected.forces.tobytes()


def test_some_frames_of_a_slice(frames, tmp_path):
    some = labelling(views=3, n_frames=8) | {"slice": 1, "slices": 2}  # four of this slice
    done = run(tmp_path, some)
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    assert np.array_equal(found.id, frames.id)
    assert (found.status == 6).sum() == 3
    assert "3 not asked for" in done.stderr


def test_a_device_that_is_lost(frames, tmp_path):
    done = run(tmp_path, SETTINGS | {"device": "cuda", "lost_device": "cpu"})
    assert done.returncode == 0, done.stderr
    assert "cuda is not there; going on with the CPU" in done.stderr
    assert read_labels(tmp_path / "labels" / "0.h5", "emt-k3").attrs["device"] == "cpu"


@pytest.mark.parametrize("lost_device", ["stop", "cpu"])
def test_a_device_that_is_lost_in_the_middle(frames, tmp_path, monkeypatch, caplog, lost_device):
    script = in_process.script_named("label_frames")
    on_cpu = script.label_on

    def label_on(device, *more):
        if device == "cuda":
            raise DeviceLost("device: cuda went away: CUDA error: unspecified launch failure")
        return on_cpu(device, *more)

    monkeypatch.setattr(script, "label_on", label_on)
    monkeypatch.setattr(script, "present", lambda device, _: device)
    settings = SETTINGS | {"device": "cuda", "lost_device": lost_device}
    words = in_process.words("label_frames", *arguments(tmp_path), settings=settings)
    monkeypatch.setattr(sys, "argv", words)
    if lost_device == "stop":
        with pytest.raises(LimbeckError, match="device: cuda went away"):
            script.main()
        assert not (tmp_path / "labels").exists()
        return
    with caplog.at_level(logging.WARNING):
        script.main()
    assert "labelling all frames of this slice on the CPU" in caplog.text
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    assert (found.attrs["device"], (found.status == 0).sum()) == ("cpu", 6)


def caches(folder):
    return ["--store", folder / "store", "--batch-plans", folder / "plans"]


def test_a_second_run_reads_the_store_and_the_plan(frames, tmp_path):
    # another process wrote them: nothing that this one remembers is read
    done = run(tmp_path, SETTINGS, *caches(tmp_path), start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    assert "0 read, 1 made" in done.stderr
    first = (tmp_path / "labels" / "0.h5").read_bytes()
    plans = [p.read_bytes() for p in sorted(tmp_path.glob("plans/*/*.json"))]
    assert len(plans) == 2  # of periodic and of isolated frames
    again = run(tmp_path, SETTINGS, *caches(tmp_path), output="again")
    assert again.returncode == 0, again.stderr
    assert "1 read, 0 made" in again.stderr
    assert (tmp_path / "again" / "0.h5").read_bytes() == first
    assert [p.read_bytes() for p in sorted(tmp_path.glob("plans/*/*.json"))] == plans
    plan = read_labels(tmp_path / "labels" / "0.h5", "emt-k3").attrs["batch_plan"]
    assert {plan[kind]["atoms"] for kind in plan} == {json.loads(p)["batch_atoms"] for p in plans}


def test_an_explicit_batch_is_not_measured(frames, tmp_path):
    potential = SETTINGS["potential"] | {"batch_atoms": 7}
    done = run(tmp_path, SETTINGS | {"potential": potential}, *caches(tmp_path))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "plans").exists()
    attrs = read_labels(tmp_path / "labels" / "0.h5", "emt-k3").attrs
    assert attrs["batch_plan"]["periodic"]["atoms"] == 7


MANY = labelling(views=24) | {"potential": SETTINGS["potential"] | {"batch_atoms": 16}}


@pytest.fixture
def long_job(tmp_path):
    """Frames that take EMT some seconds, in many entries of the store."""
    structures = concatenate([real_frames()] * 6).to_atoms()
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.02, seed=seed)
    frames = from_atoms(structures, groups=["g"] * len(structures), source="real")
    write_frames(tmp_path / "0.h5", frames, stage="select_frames")
    return tmp_path


def entries(store):
    """Those that are whole: a name with a dot is of one that is being written."""
    return list(store.glob("*/[!.]*.h5"))


def same_labels(one, other):
    """The same bits, but for what says how they were made."""
    one, other = (read_labels(path / "0.h5", "emt-k3") for path in (one, other))
    return same_bits(one, other)


def test_a_killed_job_loses_no_finished_batch(long_job):
    whole = run(long_job, MANY, "--store", long_job / "other", output="whole")
    assert whole.returncode == 0, whole.stderr
    total = len(entries(long_job / "other"))
    store = ["--store", long_job / "store"]
    job = process(long_job, MANY, *store, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(entries(long_job / "store")) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL  # it had not ended by itself
    assert not (long_job / "labels" / "0.h5").exists()
    kept = len(entries(long_job / "store"))
    assert 3 <= kept < total
    done = run(long_job, MANY, *store)
    assert done.returncode == 0, done.stderr
    assert f"{kept} read, {total - kept} made" in done.stderr
    assert same_labels(long_job / "labels", long_job / "whole")
    # what the dead job left half written is gone where its entry was made
    assert len(list(long_job.glob("store/*/.*"))) == 0


def test_two_jobs_at_once(long_job):
    options = {"stderr": subprocess.PIPE, "text": True}
    jobs = [
        process(long_job, MANY, *caches(long_job), output=name, **options)
        for name in ("one", "other")
    ]
    errors = [job.communicate(timeout=120)[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], errors
    assert same_labels(long_job / "one", long_job / "other")


def test_a_full_disk_is_told_in_one_line(frames, tmp_path, small_disk):
    (small_disk / "filled").write_bytes(b"x" * 254_000)
    labels = small_disk / "0.h5"
    where = ["--input", tmp_path / "0.h5", "--output", labels]
    done = in_process.run_as_process("label_frames", *where, settings=SETTINGS)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith(f"error: {labels}: not written, since no space")
    assert "Traceback" not in done.stderr
    assert [p.name for p in small_disk.iterdir()] == ["filled"]


def test_products_of_the_hessian_stand_beside_labels(frames, tmp_path):
    """In the views of the label; what EMT does not know has neither."""
    settings = labelling(views=2, hessian_vectors=2, hessian_step_A=0.005)
    store = ("--store", tmp_path / "store")
    done = run(tmp_path, settings, *store, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    views, potential = Views(2), EffectiveMedium()
    labels = label(potential, frames, views)
    expected = with_products(potential, frames, labels, views, 2, 0.005)
    assert found.values[PRODUCTS].tobytes() == expected.values[PRODUCTS].tobytes()
    assert found.forces.tobytes() == labels.forces.tobytes()
    assert found.values[PRODUCTS].shape == (len(frames.numbers), 2, 3)
    assert found.status.tolist() == [0, 0, 0, 0, 0, 0, 3]
    told = {"vectors": 2, "step_A": 0.005, "products": 12, "without": {}}
    assert found.attrs[HESSIAN] == told
    assert "12 Hessian-vector products" in done.stderr
    assert run(tmp_path, settings, *store).stderr.count("0 made") == 1  # all of them are kept


def test_potentials_at_points_and_charges_are_labelled_where_they_are_asked_for(tmp_path):
    pytest.importorskip("pyscf", reason="needs pip install .[quantum]")
    structures = [molecule("H2O"), molecule("HF"), Atoms("Fe2", [[0, 0, 0], [0, 0, 2.0]])]
    own = from_atoms(structures, groups=list("abc"), source="s")
    write_frames(tmp_path / "0.h5", own, stage="select_frames")
    asked = {"properties": ["mbis_charges", "esp"], "esp_points": {"shells": [2.0]}}
    settings = labelling("rhf", **asked, views="as_given")
    settings["label_set"]["potential"] = "q"
    settings |= {"potential": {"name": "q", "model": "pyscf", "method": "HF"}}
    store, plans = ("--store", tmp_path / "store"), ("--batch-plans", tmp_path / "plans")
    done = run(tmp_path, settings, *store, *plans)
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "rhf")
    assert found.status.tolist() == [0, 0, 3]  # iron has no radius to put points at
    assert found.n_points[2] == 0 < found.n_points[:2].min()
    assert np.isfinite(found.values["esp"]).all()
    assert len(found.values["esp"]) == found.n_points.sum() == len(found.points)
    assert np.isfinite(found.values["mbis_charges"][:5]).all()
    assert found.values.keys() == {"energy", "forces", "stress", "mbis_charges", "esp"}
    assert not (tmp_path / "plans").exists()  # nothing to measure of what goes one by one
    assert "0 read, 1 made" in done.stderr
    assert "1 read, 0 made" in run(tmp_path, settings, *store).stderr
    # other points are other labels
    settings["label_set"]["esp_points"] = {"shells": [1.8]}
    assert "0 read, 1 made" in run(tmp_path, settings, *store).stderr
