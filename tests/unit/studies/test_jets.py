"""Jets: what is read, what is refused, and what nets can and cannot see."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from limbeck.config.load import resolve
from limbeck.errors import LimbeckError
from limbeck.seeds import generator
from limbeck.studies.kinds.jets import MANY, SPREAD, axis_of, multiplicity
from limbeck.studies.registry import open_study
from limbeck.studies.run import run_study
from limbeck.studies.study import read_data, write_data
from limbeck.studies.words import sentences
from made_up_fields import jets, write_jets
from study_data import jets as script


def study_of(**own):
    fields = {"kind": "jets", "count": 400} | own
    return open_study(resolve({"run": "jets", "studies": {"one": fields}}).studies["one"])


def data_of(**own):
    return study_of(**own).data(generator(1, "jets"))


def test_particles_are_the_hardest_and_azimuths_lie_together(tmp_path):
    x, y = jets(30)
    x[..., 2] %= 2 * np.pi  # some jets are at both ends of a turn
    np.savez(tmp_path / "jets.npz", X=x, y=y)
    data = data_of(path=str(tmp_path / "jets.npz"), max_particles=10)
    particles = data.inputs["particles"]
    assert particles.shape == (30, 10, 3)
    assert (np.diff(particles[..., 0], axis=1) <= 0).all()
    assert np.array_equal(particles[:, 0, 0], x[..., 0].max(axis=1))
    assert np.ptp(particles[..., 2], axis=1).max() < 1.0
    # columns: gluon, quark
    assert np.array_equal(data.truth.argmax(axis=1), y)


def test_turning_keeps_momenta_distances_and_the_axis(tmp_path):
    study = study_of(**write_jets(tmp_path / "jets.npz", 20))
    inputs = study.data(generator(1, "jets")).inputs
    turned = study.apply(np.full(20, np.pi / 2), inputs)["particles"]
    given, there = inputs["particles"], inputs["particles"][..., 0] > 0
    assert np.allclose(axis_of(turned), axis_of(given), atol=1e-12)
    a, b = (p[..., 1:] - axis_of(p)[:, None] for p in (given, turned))
    # a quarter of a turn takes rapidity to azimuth, and azimuth to minus rapidity
    assert np.allclose(b[there], np.stack([-a[there][:, 1], a[there][:, 0]], axis=-1), atol=1e-12)


def test_multiplicity_counts_particles_and_not_padding(tmp_path):
    x, y = jets(20)
    np.savez(tmp_path / "jets.npz", X=x, y=y)
    study = study_of(path=str(tmp_path / "jets.npz"))
    seen = torch.from_numpy(study.features(study.data(generator(1, "jets")).inputs))
    assert np.allclose(multiplicity(seen)[:, 0] * SPREAD + MANY, (x[..., 0] > 0).sum(axis=1))


def test_auc_is_one_minus_itself_where_answers_are_turned_round():
    truth = np.eye(2)[[0, 0, 1, 1]]
    study = study_of()
    quark = np.array([0.1, 0.6, 0.5, 0.9])  # three of four pairs are in order
    answers = np.stack([1 - quark, quark], axis=1)
    assert study.score(answers, truth) == 0.75
    assert study.score(answers[:, ::-1], truth) == 0.25


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, y: {"jets": x, "y": y}, "no X in it, expected X and y.*found jets, y"),
        (lambda x, y: {"X": x[..., 0], "y": y}, r"X is \[20, 60\] and y \[20\], expected"),
        (lambda x, y: {"X": x, "y": y[:-1]}, r"and y \[19\], expected"),
        (lambda x, y: {"X": x, "y": y * 0}, "y is 0 of the first 20 jets, expected both 0"),
        (lambda x, y: {"X": x, "y": y + 1}, "y is 1, 2 of the first 20 jets"),
        (lambda x, y: {"X": np.where(x == x[3, 0, 1], np.nan, x), "y": y}, "1 jets have.*is 3"),
        (lambda x, y: {"X": x * 0, "y": y}, "20 jets have.*no particle; the first is 0"),
        (lambda x, y: {"X": x.astype(object), "y": y}, "not a readable npz.*allow_pickle"),
    ],
)
def test_files_that_are_refused(tmp_path, change, said):
    np.savez(tmp_path / "jets.npz", **change(*jets(20)))
    with pytest.raises(LimbeckError, match=said):
        data_of(path=str(tmp_path / "jets.npz"))


def test_damaged_and_other_files_are_refused(tmp_path):
    path = tmp_path / "jets.npz"
    file = write_jets(path, 20)
    with pytest.raises(LimbeckError, match=r"SHA-256 is .* expected 0000"):
        data_of(**file, sha256="0" * 64)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(LimbeckError, match="not a readable npz file of jets"):
        data_of(**file)
    with pytest.raises(LimbeckError, match=r"one.path.*study_data/jets.py makes jets"):
        data_of()


def test_a_study_has_the_simple_rival_and_finds_what_was_put_in(tmp_path):
    training = {"steps": 150, "width": 16}
    study = study_of(**write_jets(tmp_path / "jets.npz", 400), training=training)
    found = run_study(study, study.data(generator(1, "jets"))).results
    arms, scores = found["arms"], found["scores"]
    # half of what a coin says is right
    assert scores["constant"]["given"] == [0.5]
    assert scores["simple"]["random"][0] > 0.8
    assert any(
        text.startswith("AUC: ") and "number of particles" in text for text in sentences(found)
    )
    # numbers of particles are 24 and 36 on average, and spread by 5 or 6:
    # p (1 - p) is 0.1 on average
    assert arms["simple"]["random"]["mean_square"] < 0.15
    assert arms["simple"]["gap"]["mean_square"] < 1e-12
    assert arms["teacher"]["gap"]["mean_square"] > 1e-6


def test_what_the_script_writes_is_read_as_it_was_made(tmp_path):
    rng = np.random.default_rng(0)
    made = {
        name: [rng.uniform(1, 9, (m, 3)) for m in rng.integers(2, 9, 5)]
        for name in script.PROCESSES
    }
    script.write(tmp_path / "data.h5", script.arrays(made, most=6), "0" * 64)
    data = read_data(tmp_path / "data.h5")
    assert data.inputs["particles"].shape[::2] == (10, 3)
    assert data.inputs["particles"].shape[1] <= 6
    assert data.truth[:2].tolist() == [[1, 0], [0, 1]]
    first = made["quark"][0][:6]
    assert np.array_equal(data.inputs["particles"][1, : len(first)], first)
    write_data(tmp_path / "again.h5", data)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_pythia_makes_jets_within_the_limits(tmp_path):
    pytest.importorskip("pythia8mc", reason="Pythia is in envs/study-jets.yaml")
    own = {"min_pt": 500.0, "max_pt": 550.0, "max_rapidity": 1.7, "max_particles": 128, "count": 40}
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"study": own, "seed": 1}))
    command = [sys.executable, script.__file__, "--settings", str(settings)]
    subprocess.run([*command, "--output", str(tmp_path / "data.h5")], check=True)
    data = read_data(tmp_path / "data.h5")
    pt = data.inputs["particles"][..., 0]
    # the sum of the particles' momenta is a little more than the jet's
    assert ((pt.sum(axis=1) > 500) & (pt.sum(axis=1) < 570)).all()
    assert np.abs(axis_of(data.inputs["particles"])[:, 0]).max() < 1.72
    many = [(pt > 0).sum(axis=1)[data.truth[:, k] == 1].mean() for k in (0, 1)]
    assert many[0] > many[1]  # gluons radiate more
