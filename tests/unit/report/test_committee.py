"""Whether the spread of seeds says how wrong they are: with errors that are made up."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from limbeck.report.topics.students import committee_table
from limbeck.storage import write_frames
from metals import example
from planted import labels_for

SEEDS = 6


@dataclass
class Seed:
    """What the table looks at of a student."""

    seed: int
    label_set: str = "emt"
    title: str = "emt/mace"
    tests = ("test_new",)

    @property
    def folder(self):
        return f"students/{self.title}/seed{self.seed}"


@dataclass
class Folder:
    root: object

    def path(self, name):
        return self.root / name


@pytest.fixture(params=["private", "shared"])
def run(request, tmp_path):
    """Seeds that are wrong each by itself, by more on some atoms than on others, or together."""
    data, rng = example(8), np.random.default_rng(0)
    labels, frames = data.labels, data.frames
    write_frames(
        tmp_path / "datasets/emt/test_new.h5", frames, stage="build_dataset", labels={"emt": labels}
    )
    size = rng.uniform(0.01, 1.0, (len(labels.forces), 1))
    together = size * rng.normal(size=labels.forces.shape)
    for seed in range(SEEDS):
        own = size * rng.normal(size=labels.forces.shape)
        off = own if request.param == "private" else together + 0.1 * rng.normal(size=own.shape)
        order = rng.permutation(len(frames))  # predictions come in another order
        answers = labels_for(frames, energy=labels.energy, forces=labels.forces + off)
        part = replace(data, labels=answers).select(order)
        path = tmp_path / f"students/emt/mace/seed{seed}/predictions.h5"
        path.parent.mkdir(parents=True)
        write_frames(path, part.frames, stage="e", labels={"student": part.labels})
    return request.param, Folder(tmp_path)


def test_the_spread_of_seeds_against_their_error(run):
    kind, folder = run
    row = committee_table(folder, [Seed(seed) for seed in range(SEEDS)]).data.iloc[0]
    assert (row["student"], row["chemistry"], row["seeds"]) == ("emt/mace", "new", SEEDS)
    assert row["atoms"] == 64
    if kind == "private":
        # errors of the mean are those of one over the root of six, and in the spread's order up to
        # what six draws tell of a width: 0.5 to 0.9 for sizes that differ a hundredfold
        assert row["error"] == pytest.approx(row["alone"] / np.sqrt(SEEDS), rel=0.25)
        assert row["spread"] == pytest.approx(row["alone"], rel=0.1)
        assert 0.5 < row["rank"].value < 0.95
        assert row["rank"].low > 0
    else:
        # negative control: what they are wrong about together shows in no spread
        assert abs(row["rank"].value) < 0.3
        assert row["spread"] < 0.5 * row["error"]


def test_one_seed_has_no_table(tmp_path):
    assert committee_table(Folder(tmp_path), [Seed(1)]) is None
