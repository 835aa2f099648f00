"""The whole way from a model's answers to figures, for a model of vectors: no atoms anywhere."""

import ast
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from limbeck.errors import LimbeckError
from limbeck.reasons import NO_GOOD_ANSWER, UNSUITED
from limbeck.seeds import generator
from limbeck.warrant import correlation, measure, statistics
from limbeck.warrant.measure import Measurement
from limbeck.warrant.statistics import estimate_of, spread

SCRIPTS = Path(__file__).parents[3] / "scripts"
VIEWS, WIDTH = 4, 12
#: what a permutation of the vector's components turns into another answer
BIAS = np.random.default_rng(0).normal(size=WIDTH)
#: variance of a component over all permutations: that of the bias
GAP = BIAS.std()


@dataclass(frozen=True)
class Vectors:
    """B vectors with an amplitude each, drawn in clusters from named populations."""

    values: np.ndarray
    amplitude: np.ndarray
    clusters: np.ndarray
    strata: np.ndarray
    noun = "vectors"

    def __len__(self):
        return len(self.values)

    def select(self, which):
        parts = (self.values, self.amplitude, self.clusters, self.strata)
        return Vectors(*(part[which] for part in parts))


def vectors(seed, clusters=25, scatter=0.5, stratum="near"):
    """One to four vectors a cluster, which share an amplitude of mean square 1."""
    rng = np.random.default_rng(seed)
    members = np.repeat(np.arange(clusters), rng.integers(1, 5, clusters))
    shared = np.exp(scatter * rng.standard_normal(clusters) - scatter**2 / 2)
    values = rng.normal(size=(len(members), WIDTH))
    return Vectors(values, np.sqrt(shared)[members], members, np.full(len(members), stratum))


class Square:
    """Squares of the components, which move with them, and a bias, which does not."""

    def __init__(self, bias=1.0):
        self.bias = bias

    def __call__(self, x, amplitude):
        return np.where(x > 5, np.nan, x**2) + self.bias * amplitude[:, None] * BIAS


class NotToBeAsked:
    def __call__(self, x, amplitude):
        raise AssertionError("asked about nothing")


def sums(model, sample):
    """Variances over random permutations, each answer brought back into the first order."""
    rng = generator(0, "tests/vectors")
    orders = rng.permuted(np.tile(np.arange(WIDTH), (VIEWS, len(sample), 1)), axis=2)
    seen = np.empty((VIEWS, len(sample), WIDTH))
    for order, answers in zip(orders, seen, strict=True):
        found = model(np.take_along_axis(sample.values, order, axis=1), sample.amplitude)
        np.put_along_axis(answers, order, found, axis=1)
    return {"gap": spread(seen).sum(axis=1), "asked": np.full(len(sample), VIEWS)}


def gap(found, models=1):
    """Root mean square over components."""
    figure = found.mean("gap", np.full(len(found), WIDTH)).root()
    assert len(figure.each) == models
    return figure.pooled


def measured(sample, *models, **choice):
    return measure.measure("squares", models or (Square(),), sample, sums, **choice)


def test_a_planted_gap_lies_in_its_interval_and_a_symmetric_model_has_none():
    held = sum(
        found.low <= GAP <= found.high
        for found in (gap(measured(vectors(seed))) for seed in range(200))
    )
    # 95 % is promised, 94 % of 600 were held; fewer than 176 of 200 then has a chance below 0.1 %.
    assert held >= 176
    nothing = gap(measured(vectors(0), Square(bias=0.0)))
    assert 0 <= nothing.value < 1e-15  # the squares are permuted, not made anew
    assert nothing.high < 1e-15


def test_an_interval_over_single_vectors_promises_too_much():
    """Negative control: members of a cluster share their amplitude. 67 % of 300 held it; over
    clusters, of which there are few, 90 %."""
    held = 0
    for seed in range(100):
        found = measured(vectors(seed, clusters=12, scatter=1.0))
        alone = replace(found.sample, clusters=np.arange(len(found)))
        single = gap(Measurement(alone, found.sums, found.left_out))
        held += single.low <= GAP <= single.high
    assert held < 85


def test_every_stratum_has_its_own_figures():
    near, far = vectors(1), vectors(2, stratum="far")
    both = Vectors(
        np.concatenate([near.values, far.values]),
        np.concatenate([near.amplitude, 10 * far.amplitude]),
        np.concatenate([near.clusters, 100 + far.clusters]),
        np.concatenate([near.strata, far.strata]),
    )
    found = measured(both)
    parts = dict(found.strata())
    assert list(parts) == ["far", "near"]
    assert {name: part.n_clusters for name, part in parts.items()} == {"far": 25, "near": 25}
    assert sum(map(len, parts.values())) == len(found) == len(both)
    # 25 clusters whose amplitudes spread: each gap is good to 5 %, of which these are four
    assert gap(parts["near"]).value == pytest.approx(GAP, rel=0.2)
    assert gap(parts["far"]).value == pytest.approx(10 * GAP, rel=0.2)


def test_what_cannot_be_measured_is_counted_by_reason():
    sample = vectors(3)
    sample.values[0] = 1.0  # all alike: a permutation has nothing to act on
    sample.values[1, 3] = 7.0  # beyond what the model can do
    sample.values[2, 0] = -9.0  # beyond what it was made for
    small = np.abs(sample.values).max(axis=1) < 8
    suits = np.ptp(sample.values, axis=1) > 0
    found = measured(sample, suits=suits, known={"too large": small})
    assert found.left_out == {UNSUITED: 1, "too large": 1, NO_GOOD_ANSWER: 1}
    assert len(found) == len(sample) - 3
    assert np.array_equal(found.sample.values, sample.values[3:])
    assert found.sums["asked"].sum() == VIEWS * len(found)
    few = measured(sample, suits=suits, known={"too large": small}, most=5)
    assert np.array_equal(few.sample.values, sample.values[[3, 4, 5, 6]])  # the first asked failed


def test_models_of_several_seeds_are_pooled_in_the_variance_and_kept_apart():
    found = measured(vectors(4), Square(1.0), Square(3.0))
    both = found.mean("gap", np.full(len(found), WIDTH)).root()
    one = gap(measured(vectors(4)))
    # both see the same permutations: exact to rounding
    assert both.each == pytest.approx([one.value, 3 * one.value], rel=1e-12)
    assert both.pooled.value == pytest.approx(one.value * np.sqrt(5), rel=1e-12)
    entry = both.times(1e3).entry("m")
    assert entry["by_seed"] == (1e3 * both.each).tolist()
    assert entry["unit"] == "m"
    assert estimate_of(entry) == both.pooled.times(1e3)
    assert "by_seed" not in measured(vectors(4)).mean("gap", np.ones(len(found))).entry("m")


def test_nothing_to_measure_is_an_error_unless_it_is_for_others():
    sample, none = vectors(5), np.zeros(len(vectors(5)), dtype=bool)
    with pytest.raises(LimbeckError, match=rf"squares: none of {len(sample)} vectors .* large: "):
        measured(sample, NotToBeAsked(), known={"too large": none})
    with pytest.raises(LimbeckError, match="its answer is not finite"):
        measured(replace(sample, values=sample.values + 100))
    for nothing in (sample.select(none), sample):
        found = measured(nothing, suits=np.zeros(len(nothing), dtype=bool))
        assert len(found) == 0
    # vectors that it is for are beyond the model, and others are not
    suits = np.arange(len(sample)) == 0
    assert len(measured(sample, suits=suits, known={"too large": ~suits})) == 0


@pytest.mark.parametrize("module", [statistics, measure, correlation])
def test_the_statistics_know_nothing_of_atoms(module):
    """Neither by an import of their own, nor by one of what they import."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imports = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert {i for i in imports if i.startswith("limbeck")} <= {
        "limbeck.errors", "limbeck.reasons", "limbeck.seeds", "limbeck.warrant.statistics"
    }  # fmt: skip
    code = (
        f"import sys, {module.__name__}; print(*[m for m in sys.modules if m.split('.')[0] in "
        "('ase', 'torch') or m.startswith(('limbeck.frames', 'limbeck.potentials'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
