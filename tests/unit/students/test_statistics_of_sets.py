"""What a new student is told of its training set, against sets made from known numbers."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, molecule

from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.students.statistics import SMALLEST_SCALE, energy_by_source, training_statistics
from metals import example
from planted import labels_for

OFFSETS = {1: -1.0, 6: -5.0, 8: -3.0}  # eV


def known_set(residual=0.0):
    """Molecules with the energies of their elements, twice each: with +- ``residual`` per atom."""
    names = ["H2O", "CO2", "CH4", "CH3OH"]
    frames = from_atoms([molecule(n) for n in names * 2], groups=names * 2, source="m")
    values = np.array([OFFSETS[z] for z in frames.numbers.tolist()])
    energy = np.bincount(frames.frame_of_atom, weights=values)
    sign = np.repeat([1, -1], 4)
    return Dataset(frames, labels_for(frames, energy=energy + sign * residual * frames.n_atoms))


def test_offsets_are_those_the_set_was_made_from():
    found = training_statistics(known_set())
    assert found.elements == [1, 6, 8]
    # least squares of an exact system, in float64
    np.testing.assert_allclose(found.reference_energies, [-1, -5, -3], atol=1e-12)
    assert found.energy_mean == pytest.approx(0, abs=1e-12)
    assert (found.energy_std, found.forces_rms) == (SMALLEST_SCALE, SMALLEST_SCALE)
    assert found.stress_rms == 1.0  # there is none


def test_scales_are_those_of_what_is_left():
    data = known_set(residual=0.3)
    forces = np.where(np.arange(data.labels.forces.size) % 2, 2.0, -2.0).reshape(-1, 3)
    found = training_statistics(Dataset(data.frames, replace(data.labels, forces=forces)))
    # +0.3 and -0.3 eV of every atom cancel in the fit
    np.testing.assert_allclose(found.reference_energies, [-1, -5, -3], atol=1e-12)
    assert found.energy_std == pytest.approx(0.3, abs=1e-12)
    assert found.forces_rms == pytest.approx(2.0, abs=1e-12)


def test_energies_count_in_units_of_their_spread_within_a_compound():
    """Compounds that are 2 eV/atom apart, each 0.3 eV/atom up and down about its mean."""
    data = known_set(residual=0.3)
    apart = np.where(data.frames.group == b"CO2", 2.0, 0.0) * data.frames.n_atoms
    labels = replace(data.labels, energy=data.labels.energy + apart)
    found = energy_by_source(Dataset(data.frames, labels))
    assert found == {b"m": pytest.approx(0.3, abs=1e-12)}  # float64
    # of groups with one frame each, from group to group; here nothing is left over
    single = data.select(np.arange(4))
    assert energy_by_source(single) == {b"m": SMALLEST_SCALE}


def test_the_scale_of_stress_is_that_of_crystals():
    frames = concatenate(
        [
            from_atoms([bulk("Cu"), bulk("Cu", a=3.7)], groups=["a", "b"], source="c"),
            from_atoms([molecule("H2O")], groups=["c"], source="m"),
        ]
    )
    stress = np.array([[0.3] * 6, [-0.1] * 6, [np.nan] * 6])
    found = training_statistics(Dataset(frames, replace(labels_for(frames), stress=stress)))
    assert found.stress_rms == pytest.approx(np.sqrt((0.09 + 0.01) / 2))


def test_an_empty_set_has_no_statistics():
    with pytest.raises(LimbeckError, match="training set has no frames"):
        training_statistics(example(1).select(np.array([], dtype=int)))
