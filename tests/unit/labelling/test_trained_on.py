"""A potential does not label what it was trained on, and each such frame is counted."""

import json
from dataclasses import replace

import numpy as np
import pytest

from jobs_of import split_job
from limbeck.averaging.views import Views
from limbeck.config import jobs
from limbeck.config.load import load, resolve
from limbeck.datasets.split import build, split_as, split_counts
from limbeck.errors import LimbeckError
from limbeck.gate.verdict import verdict
from limbeck.labelling.label import label
from limbeck.labelling.trained_on import trained_ids, was_trained_on, write_trained_ids
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.reasons import Status
from limbeck.storage import write_frames
from limbeck.structures import generate
from metals import metals


@pytest.fixture
def frames():
    return metals(4)


def test_ids_come_back_from_text_and_from_frames(frames, tmp_path):
    text, h5 = tmp_path / "a.txt", tmp_path / "train.h5"
    write_trained_ids(text, frames.id[[2, 0, 2]], "of a model")
    write_frames(h5, frames.select([1]), stage="x")
    assert trained_ids([str(text)]) == set(frames.id[[0, 2]].tolist())
    assert trained_ids([str(text), str(h5)]) == set(frames.id[[0, 1, 2]].tolist())
    assert trained_ids(None) == set()
    text.write_text(f"\n{frames.id[3].decode()}  # the fourth\n")
    assert trained_ids([str(text)]) == {frames.id[3]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mp-1234\n", "line 1: 'mp-1234', expected the id of a frame or of its root, 32 hex"),
        ("# nothing\n\n", "no id of a frame in it"),
        (None, "expected a text file of ids"),
    ],
)
def test_a_list_that_is_none_is_told(tmp_path, text, message):
    path = tmp_path / "a.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(LimbeckError, match=message) as error:
        trained_ids([str(path)])
    assert str(path) in str(error.value)


class Asked(EffectiveMedium):
    """Keeps the ids of the frames that it was asked about."""

    def __init__(self):
        super().__init__()
        self.ids = set()

    def prepare(self, frames):
        self.ids |= set(frames.id.tolist())
        return super().prepare(frames)


def test_the_potential_is_not_asked_about_them_and_they_are_no_fault(frames):
    known, potential = frames.id[[1, 4]].tolist(), Asked()
    found = label(potential, frames, Views(3), trained_on=known)
    assert np.flatnonzero(found.status == Status.TRAINED_ON).tolist() == [1, 4]
    assert not potential.ids & set(known)
    assert np.isnan(found.energy[[1, 4]]).all()
    assert not found.status[[0, 2, 3]].any()
    judged = verdict([frames], [found], 0.99)
    assert judged["go"]  # of the others, all are good
    assert judged["status"]["the potential was trained on it"] == 2
    assert judged["unanswered"] == []
    shares = {"valid_fraction": 0.2, "test_known_fraction": 0.2, "split_by": "root"}
    parts = split_as(frames, split_job(shares | {"seed": 1}))
    sets = build(frames, found, parts)
    counts = split_counts(frames, found, sets)
    assert counts["left_out"]["trained_on"] == 2
    assert counts["left_out"]["bad_label"] == 0
    kept = np.concatenate([part.frames.id for part in sets.values()])
    assert not set(kept.tolist()) & set(known)


def test_a_first_structure_stands_for_all_that_was_made_from_it(frames):
    root = frames.id[0]
    children = replace(frames, root=np.array([root, root, *frames.id[2:]], dtype=frames.root.dtype))
    assert np.flatnonzero(was_trained_on(children, {root})).tolist() == [0, 1]
    found = label(EffectiveMedium(), children, Views(), trained_on={root})
    assert np.flatnonzero(found.status == Status.TRAINED_ON).tolist() == [0, 1]
    assert not was_trained_on(frames, set()).any()


def test_the_demo_labels_nothing_that_its_teacher_was_trained_on(repository, monkeypatch):
    """Structures of three configs, made anew; those of demo_models are nine tenths in the list."""
    monkeypatch.chdir(repository)
    demo = load(repository / "config/config.yaml")
    listed = trained_ids(demo.potentials["orb-demo"].trained_on)
    assert len(listed) == 277  # 264 to train and 13 to validate, of 308: the model's card has 31
    for name, expected in {"demo_models": 277, "config": 0, "study_expectation": 0}.items():
        config = load(repository / f"config/{name}.yaml")
        roots = [
            generate(jobs.GenerateStructures.of(config, source=source, shard=str(shard)))[0].root
            for source, section in config.sources.items()
            if section.kind
            != "molecules"  # whose coordinates may differ in the last bits elsewhere
            for shard in range(section.shards)
        ]
        found = np.isin(np.concatenate(roots), [*listed])
        assert (found.sum() > 180) if expected else not found.any(), name


def test_only_jobs_that_label_depend_on_it(repository):
    """Dynamics with the same potential is what it was, and need not be made anew."""
    config = resolve(
        {
            "run": "x",
            "sources": {"c": {"kind": "clusters", "count": 1, "elements": ["Cu"], "sizes": [4, 5]}},
            "potentials": {"emt": {"model": "emt", "trained_on": ["a.txt"]}},
            "sampling": {"md": {"method": "md", "sources": ["c"], "potential": "emt"}},
            "labels": {"emt": {"potential": "emt"}},
        }
    )
    told = json.loads(jobs.LabelFrames.of(config, label_set="emt", slice="0").text())
    assert told["potential"]["trained_on"] == ["a.txt"]
    sampled = jobs.SampleFrames.of(config, sampling="md", source="c", shard="0")
    assert sampled.potential.trained_on is None
