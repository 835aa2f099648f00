"""The label store: nothing is asked twice, nothing damaged is believed."""

import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import Mock

import h5py
import numpy as np
import pytest

from limbeck import seeds, storage
from limbeck.averaging.views import Views
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate
from limbeck.labelling import store as label_store
from limbeck.labelling.label import ENTRY_EVALUATIONS, label
from limbeck.labelling.store import ENTRY, LabelStore
from limbeck.labels import select_labels
from limbeck.potentials.models.toys import LennardJones
from limbeck.storage import read_labels
from planted import real_frames, same_bits, trajectories

#: so many that there are several entries
MANY = Views(24)


class Counted(LennardJones):
    """Lennard-Jones that counts its calls, and may have too little memory."""

    def __init__(self, most_atoms=10**9, **options):
        super().__init__(**options)
        self.calls, self.most_atoms = 0, most_atoms

    def evaluate(self, batch):
        self.calls += 1
        if batch.n_atoms.sum() > self.most_atoms:
            raise MemoryError("Unable to allocate")
        return super().evaluate(batch)


@pytest.fixture
def frames():
    """Frames of both kinds that make several batches, and several entries."""
    return concatenate([real_frames(), replace(trajectories(0, roots=12), extra={})])


def labelled(frames, folder, potential=None, views=MANY, threads=1, **options):
    """Labels of a first or a later run, and how often the model was called."""
    potential = potential or Counted(batch_atoms=20)
    before = potential.calls
    store = LabelStore(folder, potential, views, threads)
    found = label(potential, frames, views, max_force=1e9, store=store, **options)
    return found, potential.calls - before, store


def entries(folder):
    return sorted(folder.glob("??/*.h5"))


@pytest.mark.parametrize(
    "views", [Views(), Views(1), Views(3), Views(quadrature="tetrahedral")], ids=str
)
def test_a_second_run_asks_nothing_and_has_the_same_bits(frames, tmp_path, views):
    first, calls, store = labelled(frames, tmp_path, views=views)
    again, none, _ = labelled(frames, tmp_path, views=views)
    assert calls > 5
    assert none == 0
    assert same_bits(first, again)
    assert again.attrs == first.attrs
    assert len(entries(tmp_path)) == store.made_entries
    # and the store changes nothing
    without = label(Counted(batch_atoms=20), frames, views, max_force=1e9)
    assert same_bits(first, without)
    # negative control: without the folder it costs the same again
    shutil.rmtree(tmp_path)
    assert labelled(frames, tmp_path, views=views)[1] == calls


def test_an_entry_is_made_whole_or_read_whole(frames, tmp_path):
    _, calls, _ = labelled(frames, tmp_path)
    assert sum(len(read_labels(p, ENTRY)) for p in entries(tmp_path)) == len(frames)
    entries(tmp_path)[0].unlink()
    _, some, store = labelled(frames, tmp_path)
    assert 0 < some < calls
    assert (store.made_entries, store.read_entries) == (1, len(entries(tmp_path)) - 1)


def test_batches_share_an_entry_up_to_a_size(tmp_path):
    frames = replace(trajectories(0, roots=80), extra={})
    atoms = len(frames.numbers)
    assert atoms > ENTRY_EVALUATIONS
    _, calls, store = labelled(frames, tmp_path, views=Views())
    assert store.made_entries == -(-atoms // ENTRY_EVALUATIONS) < calls / 10
    _, calls, store = labelled(frames, tmp_path, views=Views(60))
    assert store.made_entries == calls / 60  # 20 atoms x 60 views: an entry for each batch


#: what an answer's bits depend on
OTHERS = {
    "weights": {"about": {"weights": "0" * 64}},
    "model": {"about": {"model": "other"}},
    "dtype": {"about": {"dtype": "float32"}},
    "threads": {"threads": 2},
    "views": {"views": Views(4)},
    "quadrature": {"views": Views(quadrature="octahedral")},
    "reflections": {"views": Views(24, reflections=True)},
    "batches": {"batch_atoms": 21},
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_bits_depend_on_has_entries_of_its_own(frames, tmp_path, other):
    change = dict(OTHERS[other])
    potential = Counted(batch_atoms=change.pop("batch_atoms", 20))
    potential.about = replace(potential.about, **change.pop("about", {}))
    labelled(frames, tmp_path)
    before = len(entries(tmp_path))
    found, calls, store = labelled(frames, tmp_path, potential, **change)
    assert calls > 0
    if other != "batches":  # where a batch happens to be the same, its entry is
        assert store.read_entries == 0
    assert len(entries(tmp_path)) == before + store.made_entries
    assert not found.status.any()


def test_what_bits_do_not_depend_on_shares_entries(frames, tmp_path):
    labelled(frames, tmp_path)
    potential = Counted(batch_atoms=20, name="another-name")
    moved = replace(frames, source=np.array([b"x"] * len(frames)), seed=frames.seed + 1)
    _, calls, _ = labelled(moved, tmp_path, potential)
    assert calls == 0
    # a limit of forces is judged afterwards
    found = label(
        potential,
        frames,
        MANY,
        max_force=1e-9,
        store=LabelStore(tmp_path, potential, MANY, 1),
    )
    assert potential.calls == 0
    assert set(found.status.tolist()) == {2}


def test_other_views_have_other_entries_however_they_came_to_be_others(
    frames, tmp_path, monkeypatch
):
    """The name has the matrices themselves, so that no module that draws them is forgotten."""
    first, calls, _ = labelled(frames, tmp_path)
    monkeypatch.setattr(seeds, "generator", lambda seed, name: np.random.default_rng(len(name)))
    again, some, store = labelled(frames, tmp_path)
    assert (some, store.read_entries) == (calls, 0)
    assert not same_bits(first, again)


def test_frames_of_the_same_id_and_other_atoms_have_other_entries(frames, tmp_path):
    """An id is 32 digits of a hash that another version may take of something else."""
    labelled(frames, tmp_path)
    moved = replace(frames, positions=frames.positions * 1.001)
    _, calls, store = labelled(moved, tmp_path)
    assert calls > 0
    assert store.read_entries == 0


@pytest.mark.parametrize("package", ["torch", "vesin"])
def test_other_packages_and_another_labels_version_have_other_entries(
    frames, tmp_path, monkeypatch, package
):
    labelled(frames, tmp_path)
    real = label_store.version
    other = {package: "99"}
    monkeypatch.setattr(label_store, "version", lambda name: other.get(name) or real(name))
    assert labelled(frames, tmp_path)[1] > 0
    monkeypatch.setattr(label_store, "version", real)
    assert labelled(frames, tmp_path)[1] == 0
    monkeypatch.setattr(label_store, "LABELS_VERSION", label_store.LABELS_VERSION + 1)
    assert labelled(frames, tmp_path)[1] > 0


def test_a_comment_costs_no_labels(repository, tmp_path):
    """The name of an entry is the same from sources that differ in a comment."""
    copy = shutil.copytree(repository / "scripts/limbeck", tmp_path / "limbeck")
    code = (
        "from limbeck.labelling.store import LabelStore\n"
        "from limbeck.averaging.views import Views\n"
        "from limbeck.potentials.models.toys import LennardJones\n"
        "from limbeck.frames import from_atoms\n"
        "from ase.build import bulk; import limbeck\n"
        "frames = from_atoms([bulk('Cu')], groups=['Cu'], source='s')\n"
        "print(limbeck.__file__, LabelStore('', LennardJones(), Views(3), 1).path(frames, [1]))"
    )

    def entry():
        words = [sys.executable, "-c", code]
        found = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        origin, path = found.stdout.split()
        assert Path(origin).is_relative_to(tmp_path)
        return path

    before = entry()
    for path in copy.rglob("*.py"):
        path.write_text(path.read_text() + "# a comment\n")
    assert entry() == before


def cut(path):
    path.write_bytes(path.read_bytes()[:-500])


def flip(path):
    """One bit of the forces."""
    with h5py.File(path) as file:
        where = file["labels/entry/forces"].id.get_chunk_info(0).byte_offset + 20
    content = bytearray(path.read_bytes())
    content[where] ^= 16
    path.write_bytes(content)


def nothing(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, flip, nothing])
def test_a_damaged_entry_is_made_anew_and_replaced(frames, tmp_path, caplog, damage):
    first, calls, _ = labelled(frames, tmp_path)
    bad = entries(tmp_path)[1]
    damage(bad)
    with caplog.at_level(logging.WARNING):
        again, some, _ = labelled(frames, tmp_path)
    assert f"label store: {bad}: " in caplog.text
    assert "it is made anew" in caplog.text
    assert 0 < some < calls
    assert same_bits(first, again)
    assert labelled(frames, tmp_path)[1] == 0  # it has been replaced


def test_an_entry_of_other_frames_is_not_believed(frames, tmp_path, caplog):
    first, _, _ = labelled(frames, tmp_path)
    shutil.copy(entries(tmp_path)[0], entries(tmp_path)[1])
    with caplog.at_level(logging.WARNING):
        again, calls, _ = labelled(frames, tmp_path)
    assert "labels of other frames" in caplog.text
    assert calls > 0
    assert same_bits(first, again)


def test_what_failed_is_asked_about_alone_and_what_was_paid_for_is_kept(frames, tmp_path):
    """It may do better next time: on a device with more memory, say."""
    few = Views(3)  # so that each entry has frames of all sizes
    large = Counted(most_atoms=7, batch_atoms=20)
    found, _, _ = labelled(frames, tmp_path, large, few)
    bad = np.flatnonzero(found.status)
    assert set(found.status[bad].tolist()) == {5}
    assert 0 < len(bad) < len(frames)
    again, calls, store = labelled(frames, tmp_path, views=few)
    assert calls == few.count * len(bad)
    assert not again.status.any()
    assert store.made_entries == len(bad)
    good = np.flatnonzero(found.status == 0)
    assert same_bits(select_labels(again, good), select_labels(found, good))
    # whatever was asked about alone has these bits from now on
    third, none, _ = labelled(frames, tmp_path, views=few)
    assert none == 0
    assert same_bits(third, again)


def test_of_nothing_but_failures_nothing_is_kept(frames, tmp_path):
    """The answer of a batch has the bits of the batch, once it has one."""
    found, _, store = labelled(frames, tmp_path, Counted(most_atoms=0, batch_atoms=20))
    assert set(found.status.tolist()) == {5}
    assert store.made_entries == 0
    again, _, _ = labelled(frames, tmp_path)
    assert same_bits(again, label(Counted(batch_atoms=20), frames, MANY, max_force=1e9))


def test_a_halved_batch_is_kept_and_says_so(frames, tmp_path):
    small = Counted(most_atoms=10, batch_atoms=20)
    first, _, _ = labelled(frames.select(frames.n_atoms <= 8), tmp_path, small)
    assert first.attrs["halved_batches"] > 0
    again, calls, _ = labelled(frames.select(frames.n_atoms <= 8), tmp_path)
    assert calls == 0
    assert again.attrs == first.attrs


def test_answers_that_are_not_finite_are_asked_for_again(frames, tmp_path):
    """A memory cell that has gone bad may be the reason, and is of this process alone."""

    class Ill(Counted):
        def evaluate(self, batch):
            found = super().evaluate(batch)
            found.energy[0] = np.nan
            return found

    ill = Ill(batch_atoms=20)
    first, _, _ = labelled(frames, tmp_path, ill)
    assert first.status.any()
    again, calls, _ = labelled(frames, tmp_path)
    assert calls == MANY.count * np.count_nonzero(first.status)
    assert not again.status.any()


def no_room(folder):
    """A folder that holds nothing more."""
    folder.mkdir()


def a_file(folder):
    folder.write_text("")


def no_right(folder):
    folder.mkdir()
    for number in range(256):
        (folder / f"{number:02x}").write_text("")  # for whom every right is given


@pytest.mark.parametrize("spoil", [a_file, no_right, no_room])
def test_a_store_that_cannot_be_used_is_done_without(frames, tmp_path, caplog, monkeypatch, spoil):
    folder = tmp_path / "store"
    spoil(folder)
    if spoil is no_room:
        full = LimbeckError("entry.h5: not written, since no space is left")
        monkeypatch.setattr(storage, "write_entry", Mock(side_effect=full))
    with caplog.at_level(logging.WARNING):
        found, calls, store = labelled(frames, folder)
    assert calls > 0
    assert store.made_entries == 0
    assert same_bits(found, label(Counted(batch_atoms=20), frames, MANY, max_force=1e9))
    warnings = [r.getMessage() for r in caplog.records if "going on without" in r.getMessage()]
    assert len(warnings) == 1  # once, and not for each entry
    assert f"label store: {folder} cannot be written (" in warnings[0]


def test_a_store_that_cannot_be_read_is_done_without(frames, tmp_path, caplog, monkeypatch):
    first, calls, _ = labelled(frames, tmp_path)
    monkeypatch.setattr(Path, "exists", Mock(side_effect=PermissionError(13, "Permission denied")))
    with caplog.at_level(logging.WARNING):
        again, same, _ = labelled(frames, tmp_path)
    assert same == calls
    assert same_bits(first, again)
    assert caplog.text.count("cannot be read") == 1


def test_an_entry_that_is_a_folder_is_done_without(frames, tmp_path, caplog):
    first, _, _ = labelled(frames, tmp_path)
    bad = entries(tmp_path)[1]
    bad.unlink()
    (bad / "inside").mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        again, calls, _ = labelled(frames, tmp_path)
    assert calls > 0
    assert same_bits(first, again)
    assert str(bad) in caplog.text
    assert (bad / "inside").is_dir()


def label_in_a_process(folder, queue):
    frames = replace(trajectories(0, roots=40), extra={})
    found, calls, _ = labelled(frames, folder)
    queue.put((found.forces.tobytes(), found.energy.tobytes(), calls))


def test_two_jobs_at_once_are_harmless(tmp_path):
    context = get_context("fork")
    queue = context.Queue()
    jobs = [context.Process(target=label_in_a_process, args=(tmp_path, queue)) for _ in range(2)]
    for job in jobs:
        job.start()
    found = [queue.get(timeout=60) for _ in jobs]
    for job in jobs:
        job.join()
        assert job.exitcode == 0
    assert found[0][:2] == found[1][:2]
    frames = replace(trajectories(0, roots=40), extra={})
    third, calls, _ = labelled(frames, tmp_path)
    assert calls == 0
    assert third.forces.tobytes() == found[0][0]
    left = [p.name for p in tmp_path.glob("*/.*")]
    assert left == []  # nothing half written
