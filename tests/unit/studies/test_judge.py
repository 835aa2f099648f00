"""What the engine says of made-up answers: shares that were planted, and words that follow."""

import numpy as np
import pytest

from limbeck.studies.arms import Answers
from limbeck.studies.judge import AVERAGED, OWN, Figures, errors, judge
from limbeck.studies.words import sentences
from limbeck.warrant.statistics import estimate_of
from made_up_studies import answers_of, made_up

TRIALS = 100


@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("seeds", [1, 3])
def test_a_planted_share_is_within_its_interval(share, seeds):
    """Of 100 studies at least 90: a 95 % interval has fewer with a probability of 3 %."""
    held = 0
    for trial in range(TRIALS):
        found = Figures(made_up(trial, share, seeds=seeds)).share("teacher")
        held += found.low <= share <= found.high
    assert held >= 90


def test_a_study_without_a_share_is_void():
    """Of 100 at least 95, with answers that are rounded to float32 anew in every view."""

    def rounded(rng, truth):
        made = answers_of(rng, truth, 0.05, 0.0)
        noise = 1 + np.finfo(np.float32).eps * rng.normal(size=made.views.shape)
        return Answers(made.given, made.views * noise)

    said = [judge(made_up(i, 0, changes={"teacher": rounded}))["words"] for i in range(TRIALS)]
    assert sum(words == ["void"] for words in said) >= 95
    assert sum("helps" in words for words in said) <= 5


@pytest.mark.parametrize("seeds", [1, 3])
def test_helps_is_hardly_ever_said_where_averaging_does_nothing(seeds):
    """Of 100 studies whose students are equally good at most 5; 2.5 are expected."""
    said = [judge(made_up(i, 0.3, seeds=seeds))["words"][-1] for i in range(TRIALS)]
    assert said.count("helps") <= 5
    assert said.count("harms") <= 5


def test_helps_is_said_where_averaging_helps():
    """The power: a third of the error less is found in nearly all of 20."""
    said = [judge(made_up(i, 0.3, gain=0.033))["words"] for i in range(20)]
    assert sum(words == ["helps"] for words in said) >= 15
    said = [judge(made_up(i, 0.3, gain=-0.05))["words"] for i in range(20)]
    assert sum(words == ["harms"] for words in said) >= 15


def words_with(**changes):
    return judge(made_up(1, 0.3, changes={n.replace("__", "/"): f for n, f in changes.items()}))[
        "words"
    ]


def exact(error):
    return lambda rng, truth: answers_of(rng, truth, error, 0.0)


def test_rivals_are_named_where_they_win_and_only_there():
    # no more can be won than the spread: what has a fifth of the mean's error beats it
    assert "an equivariant net is better" in words_with(reference=exact(0.007))
    assert "an equivariant net is better" not in words_with(reference=exact(0.2))
    assert words_with(canonical=exact(0.007))[0] == "canonical form is better"
    assert "canonical form is better" not in words_with(canonical=exact(0.2))


def test_a_teacher_that_is_lost_in_other_views_is_told():
    def lost(rng, truth):
        made = answers_of(rng, truth, 0.05, 0.0)
        other = truth + np.sqrt(0.5) * rng.normal(size=truth.shape)
        return Answers(made.given, other + 0.3 * rng.normal(size=made.views.shape))

    assert words_with(teacher=lost)[0] == "views out of distribution"


def test_a_teacher_or_student_no_better_than_the_constant_is_told():
    assert (
        words_with(teacher=lambda r, t: answers_of(r, t, 1.2, 0.3))[0] == "worse than the constant"
    )
    bad = words_with(**{AVERAGED.replace("/", "__"): exact(1.5)})
    assert bad == ["worse than the constant", "harms"]


def test_the_identity_holds_for_the_views_at_hand():
    """mean error = error of the mean + spread that divides by K, to rounding."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(10, 3))
    answers = Answers(truth, truth + rng.normal(size=(4, 10, 3)))
    found = errors(answers, truth, whole=True)
    assert np.allclose(found["random"], found["mean"] + found["gap"], rtol=1e-12)
    unbiased = errors(answers, truth, whole=False)["gap"]
    assert np.allclose(unbiased, found["gap"] * 4 / 3, rtol=1e-12)
    # of one view it is the error in a random view, of two it lies between
    assert np.allclose(found["mean/1"], found["random"], rtol=1e-12)
    assert (found["mean/4"].sum(), found["mean"].sum()) == (found["mean"].sum(),) * 2
    assert found["mean"].sum() < found["mean/2"].sum() < found["mean/1"].sum()


def test_results_are_shares_of_the_constant():
    found = judge(made_up(1, 0.3))
    assert estimate_of(found["constant"]).value == 1
    # a teacher of mean square error 0.05 where the truth has variance 1, three units of sampling
    assert estimate_of(found["arms"]["teacher"]["random"]).value == pytest.approx(0.05, abs=0.015)
    less = {(d["arm"], d["less"]): d["value"] for d in found["differences"]}
    arms = {name: arm["random"]["value"] for name, arm in found["arms"].items()}
    assert less[AVERAGED, OWN] == pytest.approx(arms[AVERAGED] - arms[OWN])


def test_sentences_say_the_share_and_the_verdict():
    said = dict.fromkeys(("about", "symmetry", "noun", "independent"), "things")
    found = judge(made_up(1, 0.3)) | said
    found |= {"whole_group": False, "n_test_views": 8, "pilot": [], "published": []}
    text = " ".join(sentences(found))
    assert "The share: 2" in text or "The share: 3" in text
    assert "Verdict: undecided (averaged labels may help or harm" in text
