"""views: auto averages where the gap is worth it, and says why."""

from dataclasses import replace

import numpy as np
import pytest

from jobs_of import label_set
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate
from limbeck.potentials.models.toys import LennardJones
from limbeck.warrant.choose_views import VIEWS, choose_views, few_of_each_source
from planted import ONE_THIRD, LabField, trajectories

AUTO = {
    "n_frames": 8,
    "views": 12,
    "scarce": "frames",
    "student_error_meV_per_A": 2.0,
    "negligible_fraction": 1.0,
}
SETTINGS = {"name": "auto", "views": "auto", "auto": AUTO}


def two_sources(strong):
    """A source of amplitude 1, and one of amplitude ``strong``."""
    weak = trajectories(0, roots=20, scatter=0.0, source="weak")
    other = trajectories(1, roots=20, scatter=0.0, source="strong")
    other.extra["amplitude"][:] = strong
    return concatenate([weak, other])


def test_a_negligible_gap_is_not_averaged_away():
    frames = two_sources(1.0)
    found = choose_views(LennardJones(), frames, label_set(SETTINGS))
    assert found["views"] == "as_given"
    assert found["largest"]["forces"]["value"] < 1e-6  # rounding
    assert "each frame is labelled once, as it is given" in found["reason"]
    calls = found["model_calls"]
    assert calls["beforehand"] == 16 * VIEWS
    assert calls["labels"] == len(frames)
    assert calls["saved"] == len(frames) * 11 - 16 * VIEWS


def test_a_gap_that_matters_is_averaged_away():
    frames = two_sources(1.0)
    found = choose_views(LabField(), frames, label_set(SETTINGS))
    assert found["views"] == 12
    assert "mean over 12 random views" in found["reason"]
    assert found["threshold_meV_per_A"] == pytest.approx(2.0)
    for row in found["by_source"].values():
        # 8 frames x 8 views: a relative error of some 10 %; three of these
        assert row["forces"]["value"] == pytest.approx(ONE_THIRD, rel=0.3)
    assert found["model_calls"]["saved"] == -16 * VIEWS
    assert found["model_calls"]["labels"] == 12 * len(frames)


def test_where_calls_are_scarce_they_go_to_frames_whatever_the_gap():
    """The gap of which the test above says that it matters."""
    frames = two_sources(1.0)
    scarce = SETTINGS | {"auto": AUTO | {"scarce": "calls"}}
    found = choose_views(LabField(), frames, label_set(scarce))
    assert (found["views"], found["scarce"]) == (1, "calls")
    assert found["reason"].startswith("Calls are scarce, so that they go to frames")
    assert "each frame is labelled once, at random" in found["reason"]
    assert found["model_calls"]["labels"] == len(frames)
    assert choose_views(LennardJones(), frames, label_set(scarce))["views"] == "as_given"


def test_by_default_calls_are_scarce_and_a_gap_as_large_as_the_error_matters():
    auto = label_set({"views": "auto"}).auto
    assert (auto.scarce, auto.negligible_fraction, auto.views) == ("calls", 1.0, 12)


@pytest.mark.parametrize(("strong", "views"), [(1.0, 1), (9.0, 12)])
def test_the_source_with_the_largest_gap_decides(strong, views):
    # 1 meV/A in one source, of which the threshold is 2
    potential = LabField(scale=1e-3 / (ONE_THIRD / 1e3))
    found = choose_views(potential, two_sources(strong), label_set(SETTINGS))
    assert found["views"] == views
    if strong > 1:
        assert found["largest"]["source"] == "strong"
        assert "in strong is 9" in found["reason"] or "in strong is 8" in found["reason"]
        assert found["by_source"]["weak"]["forces"]["value"] < 2


def test_little_knowledge_speaks_for_averaging():
    """The upper end of the interval counts: just below the threshold is not far enough."""
    frames = two_sources(1.0)
    gap = choose_views(LabField(), frames, label_set(SETTINGS))["largest"]
    between = (gap["forces"]["value"] + gap["forces"]["ci95"][1]) / 2
    auto = AUTO | {"student_error_meV_per_A": between, "negligible_fraction": 1.0}
    found = choose_views(LabField(), frames, label_set(SETTINGS | {"auto": auto}))
    assert gap["forces"]["value"] < found["threshold_meV_per_A"]
    assert found["views"] == 12
    above = auto | {"student_error_meV_per_A": gap["forces"]["ci95"][1] * 1.1}
    sure = choose_views(LabField(), frames, label_set(SETTINGS | {"auto": above}))
    assert sure["views"] == 1


class Chiral(LabField):
    """A force along the bond, of a sign that a mirror changes."""

    def evaluate(self, batch):
        found = super().evaluate(batch)
        first = batch.offsets[:-1]
        hand = np.sign(np.linalg.det([batch.positions[f + 1 : f + 4] for f in first]))
        bond = batch.positions[first + 1] - batch.positions[first]
        found.forces[:] = (hand[:, None] * bond)[batch.frame_of_atom]
        return found


def test_mirror_images_count_where_they_would_be_averaged_over():
    frames = trajectories(0, roots=20, periodic=False)
    assert choose_views(Chiral(), frames, label_set(SETTINGS))["views"] == 1
    found = choose_views(Chiral(), frames, label_set(SETTINGS | {"reflections": True}))
    assert (found["views"], found["symmetry"]) == (12, "reflection")


def test_few_frames_are_of_as_many_roots_as_there_are():
    frames = two_sources(1.0)
    found = few_of_each_source(frames, 8)
    assert np.unique(found.source, return_counts=True)[1].tolist() == [8, 8]
    assert len(np.unique(found.root)) == 16
    assert len(few_of_each_source(frames, 1000)) == len(frames)
    again = few_of_each_source(replace(frames, seed=frames.seed + 1), 8)
    assert np.array_equal(found.id, again.id)


def test_no_frames_are_no_choice():
    with pytest.raises(LimbeckError, match=r"planted: no frames"):
        choose_views(LabField(), two_sources(1.0).select([]), label_set(SETTINGS))
    unknown = LabField()
    unknown.about = replace(unknown.about, elements=frozenset({79}))
    with pytest.raises(LimbeckError, match="planted: none of 16 frames could be measured"):
        choose_views(unknown, two_sources(1.0), label_set(SETTINGS))


def test_only_frames_that_are_asked_for_are_counted():
    found = choose_views(LabField(), two_sources(1.0), label_set(SETTINGS | {"n_frames": 10}))
    assert found["model_calls"]["labels"] == 120
