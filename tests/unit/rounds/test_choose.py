"""Which frames of the students' dynamics are labelled: with scores that are known."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from limbeck import reasons
from limbeck.config.jobs import ChooseFrames
from limbeck.config.sections.messages import validated
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.properties import Predictions
from limbeck.rounds.choose import Member, choose, unlike
from limbeck.students.domain import domain_of
from planted import Planted


class Pull(Planted):
    """A force along x on the first atom of each frame, which ``extra["pull"]`` says, times a
    factor; NaN where that is NaN."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def evaluate(self, batch):
        forces = np.zeros((len(batch.positions), 3))
        forces[batch.offsets[:-1], 0] = self.factor * batch.extra["pull"]
        return Predictions(np.zeros(len(batch)), forces, np.full((len(batch), 6), np.nan))


class LabPull(Pull):
    """The same: along x of the laboratory in every view, so that it disagrees with itself."""

    def batch_of(self, frames):
        return frames


def crystals(count, strain=lambda i: 0.002 * i):
    """Copper crystals, the later the more strained, each a root; the first pull least."""
    made = []
    for i in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell * (1 + strain(i)), scale_atoms=True)
        atoms.rattle(0.01, seed=i)
        made.append(atoms)
    frames = from_atoms(made, groups=["Cu"] * count, source="solids")
    return replace(frames, extra={"pull": np.arange(count, dtype=float)})


def job(random=False, views=2, **rounds):
    own = {
        "seed": 1,
        "round": "emt.nep.round2",
        "rounds": {"n_frames": 4} | rounds,
        "random": random,
        "label_set": {"name": "emt", "potential": "emt", "views": views},
    }
    return validated(ChooseFrames, own, "settings")


#: their forces differ by what a frame pulls: a spread of sqrt(2) times that
COMMITTEE = [Member(Pull(2.0), None), Member(Pull(0.0), None)]
NONE = crystals(0)


def chosen(candidates, job, members=COMMITTEE, training=NONE, teacher=None):
    found = choose(candidates, training, members, job, teacher)
    rank = {name: i for i, name in enumerate(candidates.id.tolist())}
    return [rank[name] for name in found.frames.id.tolist()], found.about


def test_frames_on_which_the_seeds_disagree_are_chosen():
    candidates = crystals(40)
    found, about = chosen(candidates, job())
    # the short list are the twelve highest, of which four are taken
    assert len(found) == 4
    assert min(found) >= 28
    # standard deviation of 2 p and 0: sqrt(2) p
    assert about["score"]["highest"] == pytest.approx(39 * np.sqrt(2), rel=1e-6)
    assert about["score"]["median_of_candidates"] == pytest.approx(19.5 * np.sqrt(2), rel=1e-6)
    assert about["score"]["median_of_chosen"] > 28
    assert (about["candidates"], about["chosen"], about["asked"]) == (40, 4, 4)
    assert (about["roots"], about["scoring_calls"], about["set_aside"]) == (4, 0, {})


def test_a_draw_at_random_is_no_choice():
    """Negative control: of the lower 28, which no choice takes, a draw has some."""
    candidates = crystals(40)
    found, about = chosen(candidates, job(random=True))
    assert len(found) == 4
    assert min(found) < 28
    assert about["choose"] == "random"
    assert "score" not in about
    again, _ = chosen(candidates, job(random=True))
    assert again == found


def test_broken_frames_are_set_aside_with_a_reason_by_both():
    candidates = crystals(12)
    pull = candidates.extra["pull"].copy()
    pull[3], pull[11] = np.nan, 80.0  # no answer; a mean force of 80 eV/A
    candidates = replace(candidates, extra={"pull": pull})
    known = candidates.select([9])
    for random in (False, True):
        found, about = chosen(candidates, job(random=random, n_frames=9), training=known)
        assert about["set_aside"] == {
            reasons.NO_GOOD_ANSWER: 1,
            reasons.STRONG_FORCE: 1,
            reasons.DUPLICATE: 1,
        }
        assert sorted(found) == [0, 1, 2, 4, 5, 6, 7, 8, 10]


def test_a_frame_that_comes_twice_is_taken_once():
    candidates = crystals(4)
    found = choose(concatenate([candidates, candidates]), NONE, COMMITTEE, job(n_frames=8))
    assert sorted(found.frames.id.tolist()) == sorted(candidates.id.tolist())
    assert found.about["set_aside"] == {reasons.DUPLICATE: 4}


def test_nothing_to_choose_is_an_error_that_says_why():
    with pytest.raises(LimbeckError, match=r"no frame to choose, of 0 .*none was made"):
        choose(crystals(0), NONE, COMMITTEE, job())
    with pytest.raises(LimbeckError, match=reasons.STRONG_FORCE):
        choose(crystals(5).select([4]), NONE, COMMITTEE, job(max_force_eV_per_A=1.0))


def test_far_from_the_data_is_by_descriptors():
    """Ten crystals near those of training, and six that are compressed by a tenth and more."""
    training, valid = crystals(10, strain=lambda i: 0.002 * i), crystals(3, strain=lambda i: 0.001)
    near, far = (
        crystals(10, strain=lambda i: 0.002 * i + 0.001),
        crystals(6, lambda i: -0.1 - 0.01 * i),
    )
    student = EffectiveMedium()
    member = Member(student, domain_of(student, training, valid))
    candidates = concatenate([near, far])
    found, about = chosen(candidates, job(choose="descriptors", n_frames=2), [member], training)
    assert len(found) == 2
    assert min(found) >= 10  # the short list are the six
    assert about["score"]["median_of_chosen"] > 1  # beyond the limit at which the student warns
    assert about["score"]["median_of_candidates"] < about["score"]["median_of_chosen"] / 2


def test_a_student_without_a_domain_cannot_say_how_far_a_frame_is():
    with pytest.raises(LimbeckError, match="knows nothing of its training set"):
        choose(crystals(6), NONE, COMMITTEE, job(choose="descriptors"))


def test_views_of_the_teacher_cost_calls_and_the_draw_gets_frames_for_them():
    candidates = crystals(40)
    asked = job(choose="views")
    found, about = chosen(candidates, asked, [Member(Pull(1.0), None)], teacher=LabPull(1.0))
    assert len(found) == 4
    assert about["scoring_calls"] == 32  # two views of 16 frames
    drawn, about = chosen(candidates, job(choose="views", random=True), [Member(Pull(1.0), None)])
    # 32 calls label 16 frames with two views
    assert (len(drawn), about["asked"], about["scoring_calls"]) == (20, 20, 0)
    asked_random = job(choose="views", random=True)
    curved = asked_random.label_set.model_copy(update={"hessian_vectors": 1})
    curved = asked_random.model_copy(update={"label_set": curved})
    _, about = chosen(candidates, curved, [Member(Pull(1.0), None)])
    assert about["asked"] == 4 + 5  # six calls of a label, with those of displaced frames
    # of the frames that were asked about, all taken are above the median
    assert candidates.extra["pull"][found].min() > 0
    with pytest.raises(LimbeckError, match="views without a teacher"):
        choose(candidates, NONE, [Member(Pull(1.0), None)], asked)


def test_the_short_list_has_no_root_too_often_and_what_is_taken_is_unlike():
    # one root has all the highest scores
    roots = np.array([b"a"] * 10 + [b"b", b"c", b"d"])
    scores = np.array([*range(100, 110), 1.0, 2.0, 3.0])
    points = np.arange(13, dtype=float)[:, None]
    found = unlike(points, scores, roots, 4)
    # twice its share of four frames of four roots, and one of each other
    assert sum(roots[i] == b"a" for i in found) <= 2
    assert len(set(found.tolist())) == 4
    # three of the five highest are of one place: one of these, and both others
    points = np.array([0.0, 0.001, 0.002, 5.0, 10.0, *[20.0] * 5])[:, None]
    each = np.array([b"%d" % i for i in range(10)])
    found = unlike(points, np.array([1.0] * 5 + [0.0] * 5), each, 3)
    assert sorted(found.tolist()) == [0, 3, 4]


def test_where_roots_are_few_the_highest_follow():
    found = unlike(np.arange(8.0)[:, None], np.arange(8.0), np.array([b"a"] * 8), 6)
    assert sorted(found.tolist()) == [2, 3, 4, 5, 6, 7]
    assert len(unlike(np.zeros((2, 1)), np.zeros(2), np.array([b"a", b"b"]), 6)) == 2
