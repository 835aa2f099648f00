"""Go, or no go and why."""

import shlex

import numpy as np
import pytest

from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, empty, from_atoms
from limbeck.gate.verdict import require_go, verdict
from limbeck.labels import status_of
from limbeck.reasons import STATUS, Fault
from planted import labels_for, real_frames


def frames_of(source, count):
    structures = real_frames().to_atoms()
    chosen = [structures[i % 6] for i in range(count)]
    return from_atoms(chosen, groups=["g"] * count, source=source)


def judge(*shards, threshold=0.8):
    """Verdict on shards of (frames, status)."""
    labels = []
    for frames, status in shards:
        labels.append(labels_for(frames))
        labels[-1].status[:] = status
    return verdict([f for f, _ in shards], labels, threshold)


def test_shares_are_by_source_over_all_shards():
    mixed = concatenate([frames_of("b", 2), frames_of("a", 4)])
    found = judge((frames_of("a", 6), [0, 0, 0, 1, 0, 0]), (mixed, [0, 0, 0, 0, 0, 3]))
    assert [(c["scope"], c["value"]) for c in found["criteria"]] == [("a", 0.8), ("b", 1.0)]
    assert found["go"]  # 8 of 10 is not below 0.8
    assert {c["name"] for c in found["criteria"]} == {"good_label_fraction"}
    counted = dict.fromkeys(STATUS.values(), 0) | {STATUS[0]: 10, STATUS[1]: 1, STATUS[3]: 1}
    assert found["status"] == counted
    require_go("gate.json", found)


def test_one_bad_source_is_enough():
    shards = [(frames_of("a", 90), 0), (frames_of("b", 6), [0, 0, 0, 0, 2, 2])]
    found = judge(*shards)
    assert 94 / 96 > 0.8  # all in all there are enough
    assert not found["go"]
    assert [(c["scope"], c["passed"]) for c in found["criteria"]] == [("a", True), ("b", False)]
    with pytest.raises(LimbeckError) as error:
        require_go("gate.json", found)
    expected = "gate.json: no go: good_label_fraction of b is 0.667, at least 0.8 was asked for"
    why = "; labels that are not good: force beyond the limit (2)"
    assert str(error.value) == expected + why
    assert judge(*shards, threshold=0.66)["go"]  # negative control


def test_every_missed_criterion_is_named():
    found = judge((frames_of("a", 2), 1), (frames_of("b", 2), 4), (frames_of("c", 2), 0))
    with pytest.raises(LimbeckError, match=r"of a is 0\.000.*; .* of b is 0\.000") as error:
        require_go("gate.json", found)
    assert " of c " not in str(error.value)


def test_no_frames_are_no_go():
    found = judge((empty(), []), (empty(), []))
    assert (found["go"], found["criteria"]) == (False, [])
    with pytest.raises(LimbeckError, match="there are no labelled frames"):
        require_go("gate.json", found)
    # an empty shard among others is nothing bad
    assert judge((empty(), []), (frames_of("a", 2), 0))["go"]


def test_frames_not_asked_for_do_not_count():
    found = judge((frames_of("a", 5), [0, 0, 0, 0, 1]), (frames_of("a", 6), [6] * 6))
    assert [(c["scope"], c["value"]) for c in found["criteria"]] == [("a", 0.8)]
    assert found["status"]["not asked for"] == 6
    # a source of which nothing was asked for is not judged
    found = judge((frames_of("a", 2), 0), (frames_of("b", 2), 6))
    assert [c["scope"] for c in found["criteria"]] == ["a"]
    assert not judge((frames_of("b", 2), 6))["go"]  # but something has to be labelled


def test_labels_have_to_be_of_these_frames():
    frames = real_frames()
    with pytest.raises(LimbeckError, match="not the same frames in the same order"):
        verdict([frames], [labels_for(frames.select([1, 0, 2, 3, 4, 5]))], 0.5)
    with pytest.raises(LimbeckError, match="not the same frames in the same order"):
        verdict([frames], [labels_for(frames.select(np.arange(5)))], 0.5)


@pytest.mark.parametrize("lengths", [(2, 1), (1, 2)])
def test_every_file_of_frames_has_its_labels(lengths):
    frames = real_frames()
    with pytest.raises(LimbeckError, match="as many files of labels as of frames"):
        verdict([frames] * lengths[0], [labels_for(frames)] * lengths[1], 0.5)


def test_the_command_that_lets_failures_be_asked_about_again():
    """It names the labels with frames that have no answer, and no others."""
    frames = frames_of("a", 4)
    statuses = [4, 0, 2, 5, status_of("stress", Fault.NOT_FINITE), 3]
    labels = [labels_for(frames) for _ in statuses]
    for part, status in zip(labels, statuses, strict=True):
        part.status[:2] = status
    paths = [f"results/my run/labels/it's/{i}.h5" for i in range(6)]
    found = verdict([frames] * 6, labels, 0.9, paths)
    assert found["unanswered"] == [paths[0], paths[3], paths[4]]
    with pytest.raises(LimbeckError) as error:
        require_go("results/my run/gate/it's.json", found)
    _, command = str(error.value).split("run again: rm ")
    removed = [*found["unanswered"], "results/my run/gate/it's.json"]
    assert shlex.split(command) == removed
    # where nothing failed there is nothing to remove
    strong = verdict([frames], [labels[2]], 0.9, [paths[2]])
    with pytest.raises(LimbeckError) as error:
        require_go("gate.json", strong)
    assert "rm " not in str(error.value)
