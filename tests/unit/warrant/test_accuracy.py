"""Errors against a reference: joined rightly, and what averaging gains."""

import numpy as np
import pytest

from limbeck.errors import LimbeckError
from limbeck.labels import select_labels
from limbeck.potentials.models.toys import LennardJones
from limbeck.warrant.accuracy import measure_errors
from planted import LabField, holds, labels_for, real_frames, trajectories


def test_errors_of_a_planted_field():
    frames = trajectories(9, roots=60, scatter=0.0)
    found = measure_errors([LabField()], frames, labels_for(frames), "zeros")
    assert found["reference"] == "zeros"
    assert [found[kind]["n_views"] for kind in ("as_given", "random", "averaged")] == [1, 8, 24]
    # In its as given the force is (0, 0, 1); in a random view each component is uniform in
    # [-1, 1], mean absolute value 1/2; the mean of 24 is normal with variance 1/72.
    own, averaged = 1000 / 3, 1000 * np.sqrt(2 / np.pi / 72)
    assert found["as_given"]["forces"]["value"] == pytest.approx(own, rel=1e-12)
    # 8 views of 150 frames: 0.5 * 0.58 / sqrt(1200 * 3) = 0.5 %; four of these. With 24, 1.5 %.
    assert found["random"]["forces"]["value"] == pytest.approx(500, rel=0.04)
    assert found["averaged"]["forces"]["value"] == pytest.approx(averaged, rel=0.1)
    assert holds(found["gain"]["forces"], 500 - averaged)
    assert found["gain"]["forces"]["value"] == pytest.approx(
        found["random"]["forces"]["value"] - found["averaged"]["forces"]["value"]
    )
    # energy per atom: one random e_z as well
    assert found["random"]["energy"]["value"] == pytest.approx(500, rel=0.05)
    assert found["by_source"]["synthetic"]["gain"] == found["gain"]


def test_a_model_that_respects_rotation_gains_nothing_by_averaging():
    frames = real_frames()
    wrong = labels_for(frames)
    found = measure_errors([LennardJones()], frames, wrong, "zeros")
    own = found["as_given"]["forces"]["value"]
    assert own > 100  # it is wrong, and equally wrong from everywhere (float64 rounding)
    assert found["random"]["forces"]["value"] == pytest.approx(own, rel=1e-12)
    assert abs(found["gain"]["forces"]["value"]) < 1e-10 * own
    right = LennardJones().predict(frames)
    found = measure_errors(
        [LennardJones()], frames, labels_for(frames, right.energy, right.forces), "itself"
    )
    assert found["as_given"]["forces"]["value"] == 0
    assert found["as_given"]["energy"]["value"] == 0


def test_truth_is_joined_by_id_and_only_where_it_is_good():
    frames = trajectories(10)
    answers = LabField().predict(frames)
    truth = labels_for(frames, answers.energy, answers.forces)
    truth.status[0] = 1
    truth.forces[frames.atoms_of(0)] = np.nan
    order = np.random.default_rng(0).permutation(len(frames))[: len(frames) - 3]
    order = order[order != 1]
    shuffled = select_labels(truth, np.r_[0, order[order != 0]])
    found = measure_errors([LabField()], frames, shuffled, "itself")
    # what is given is the reference only where rows were joined rightly
    assert found["as_given"]["forces"]["value"] == 0
    assert found["n_frames"] == len(shuffled) - 1
    assert found["n_left_out"] == len(frames) - found["n_frames"]
    with pytest.raises(LimbeckError, match="no good label of the reference"):
        measure_errors([LabField()], trajectories(11), shuffled, "of others")


def test_errors_of_seeds_are_averaged():
    frames = trajectories(12, scatter=0.0)
    found = measure_errors([LabField(1.0), LabField(2.0)], frames, labels_for(frames), "zeros")
    assert found["as_given"]["forces"]["by_seed"] == pytest.approx([1000 / 3, 2000 / 3], rel=1e-12)
    assert found["as_given"]["forces"]["value"] == pytest.approx(500, rel=1e-12)
