"""Energies of two methods on one scale, whatever the zeros of their elements."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from limbeck.datasets.zeros import enough_elements, fit_zeros, fitted_on
from limbeck.frames import from_atoms
from limbeck.labels import unlabelled

#: eV, of an all-electron program above a foundation model, say
ABOVE = {"H": -10.0, "C": -1030.0, "O": -2040.0}
NAMES = ("CH4", "H2O", "CO2", "C2H6", "CH3OH", "H2CO", "C2H4", "HCOOH")


@pytest.fixture
def frames():
    return from_atoms([molecule(n) for n in NAMES], groups=list(NAMES), source="molecules")


def above(frames):
    return np.array([sum(ABOVE[s] for s in molecule(n).get_chemical_symbols()) for n in NAMES])


def reference(frames, energy):
    labels = unlabelled(frames)
    labels.values["energy"][:] = energy
    return labels


def test_zeros_are_found_and_taken_off(frames):
    own = np.random.default_rng(0).normal(-30, 5, len(frames))
    labels = reference(frames, own + above(frames))
    zeros = fit_zeros(frames, own, labels, "other frames")
    assert zeros.energies == pytest.approx(ABOVE, rel=1e-9)
    # what is left are digits of -2,000 eV an atom
    np.testing.assert_allclose(zeros.taken_off(frames, labels).energy, own, atol=1e-8)
    assert zeros.undetermined == []
    assert zeros.entry()["n_frames"] == len(NAMES)


def test_an_error_that_is_no_zero_stays(frames):
    """Negative control: a binding energy that one method lacks is not fitted away."""
    own = np.random.default_rng(0).normal(-30, 5, len(frames))
    wrong = np.array([1.0, -1.0] * (len(frames) // 2)) * frames.n_atoms  # 1 eV an atom
    labels = reference(frames, own + above(frames) + wrong)
    zeros = fit_zeros(frames, own, labels, "other frames")
    left = (zeros.taken_off(frames, labels).energy - own) / frames.n_atoms
    assert np.abs(left).mean() > 0.5


def test_an_element_of_no_frame_of_the_fit_leaves_nothing_to_compare(frames):
    zeros = fit_zeros(frames, np.zeros(len(frames)), reference(frames, above(frames)), "others")
    ammonia = from_atoms([molecule("NH3"), Atoms("H2")], groups=["a", "b"], source="molecules")
    assert np.isnan(zeros.of(ammonia)[0])
    assert zeros.of(ammonia)[1] == pytest.approx(2 * ABOVE["H"])


def test_elements_that_compositions_do_not_tell_apart_are_named(frames):
    water = frames.select(np.array([1, 1]))
    zeros = fit_zeros(water, np.zeros(2), reference(water, [-5.0, -5.0]), "others")
    assert zeros.undetermined == ["H", "O"]
    assert zeros.of(water) == pytest.approx([-5.0, -5.0])


def test_an_element_of_measured_frames_alone_is_fitted_on_these(frames):
    ammonia = from_atoms([molecule("NH3"), molecule("H2O")], groups=["a", "b"], source="molecules")
    used = enough_elements(ammonia, frames)
    assert used.id.tolist() == [*frames.id.tolist(), ammonia.id[0]]
    assert fitted_on(ammonia, used) == "other frames, and for N frames that are measured"
    assert enough_elements(frames.select([0]), frames) is frames
    assert fitted_on(ammonia, frames) == "other frames" or ammonia.id[1] in frames.id
    assert fitted_on(frames, frames) == "the frames that are measured"
