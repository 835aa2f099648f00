"""The certificate of a quadrature: known errors of known models."""

from dataclasses import replace

import numpy as np
import pytest

from limbeck.averaging.views import Views
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate
from limbeck.potentials.models.toys import LennardJones
from limbeck.warrant.grids import certify
from planted import ONE_THIRD, LabField, holds, real_frames, trajectories

RULES = (Views(), Views(quadrature="tetrahedral"), Views(quadrature="octahedral"))


def rows(found):
    return {row["views"]: row for row in found["rules"]}


def test_the_errors_of_a_band_limited_model_are_those_of_theory():
    """Every grid is exact, and the frame's own answer is off by the whole vector."""
    frames = trajectories(0, roots=40, scatter=0.0)
    found = certify(LabField(), frames, RULES, random_views=100)
    own, tetrahedral, octahedral = found["rules"]
    assert found["gap"]["forces"]["value"] == pytest.approx(ONE_THIRD, rel=0.03)
    # own: a z against the mean 0, whose mean square over three components is 1/3. The noise of
    # 100 views was taken off: 10 % of the value in a mean square, 5 % in its root, without.
    assert own["error"]["forces"]["value"] == pytest.approx(ONE_THIRD, rel=0.02)
    assert holds(own["error"]["forces"], ONE_THIRD)
    # exact: of the mean of 100 views, off by 58, a few by chance is left after the noise is off
    for row in (tetrahedral, octahedral):
        assert row["error"]["forces"]["ci95"][0] == 0
        assert row["error"]["forces"]["value"] < 0.5 * ONE_THIRD / 10
    assert tetrahedral["change_to_next"]["forces"]["value"] < 1e-9  # rounding
    assert octahedral["change_to_next"] is None
    expected = ONE_THIRD / np.sqrt(12)
    assert tetrahedral["as_many_random"]["forces"]["value"] == pytest.approx(expected, rel=0.03)
    assert [row["n_views"] for row in found["rules"]] == [1, 12, 24]
    assert [row["exact_to_degree"] for row in found["rules"]] == [0, 2, 3]


def test_without_the_noise_taken_off_an_exact_grid_would_look_bad():
    """Negative control: what the mean over the random views itself is off by."""
    frames = trajectories(0, roots=40, scatter=0.0)
    found = certify(LabField(), frames, (Views(100), Views(quadrature="tetrahedral")), 100)
    change = found["rules"][0]["change_to_next"]["forces"]["value"]
    assert change == pytest.approx(ONE_THIRD / 10, rel=0.15)


def test_a_mean_over_random_views_has_the_error_that_is_promised():
    """And so the error of a mean is unbiased: it repeats spread / sqrt(K)."""
    frames = trajectories(3, roots=150, scatter=0.0)
    found = certify(LabField(), frames, (Views(12),), random_views=50)
    (row,) = found["rules"]
    assert holds(row["error"]["forces"], ONE_THIRD / np.sqrt(12))
    assert holds(row["error"]["forces"], row["as_many_random"]["forces"]["value"])
    # negative control: the noise of the 50 views, which was taken off, would have been seen
    assert not holds(row["error"]["forces"], ONE_THIRD * np.sqrt(1 / 12 + 1 / 50))


def test_an_invariant_model_has_no_error_at_all():
    found = certify(LennardJones(), real_frames(), RULES, random_views=10)
    for row in found["rules"]:
        assert row["error"]["forces"]["value"] < 1e-6  # rounding of float64
    assert found["n_frames"] == 6


class Ill(LabField):
    """Fails on batches with a frame of eight atoms, and answers NaN for those of seven."""

    def evaluate(self, batch):
        if (batch.n_atoms == 8).any():
            raise RuntimeError("eight is too many")
        found = super().evaluate(batch)
        found.energy[batch.n_atoms == 7] = np.nan
        return found


def test_frames_without_an_answer_are_left_out_and_counted():
    frames = trajectories(0, roots=30)
    ill = np.isin(frames.n_atoms, [7, 8])
    found = certify(Ill(), frames, RULES, random_views=4)
    assert found["n_left_out"] == ill.sum() > 0
    assert found["n_frames"] == (~ill).sum()
    alone = certify(LabField(), frames.select(~ill), RULES, random_views=4)
    # the same views, whatever stood beside them
    assert alone["gap"] == found["gap"]
    with pytest.raises(LimbeckError, match=r"none of .* frames could be measured"):
        certify(Ill(), frames.select(frames.n_atoms == 8), RULES, random_views=4)


def test_intervals_are_over_roots():
    frames = trajectories(0, roots=12, scatter=1.0)
    once = certify(LabField(), frames, RULES, random_views=20)
    twice = concatenate([frames, replace(frames, id=frames.id[::-1].copy())])
    found = certify(LabField(), twice, RULES, random_views=20)
    assert found["n_roots"] == once["n_roots"] == 12

    def width(result):
        low, high = rows(result)["as_given"]["error"]["forces"]["ci95"]
        return high - low

    # twice as many frames of the same roots are hardly more knowledge (0.7 if they were)
    assert width(found) > 0.85 * width(once)
