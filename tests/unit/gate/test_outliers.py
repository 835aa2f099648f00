"""Labels far from all others of their set: told where no one would doubt it, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from scipy.optimize import linprog

from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.gate.outliers import MIN_FRAMES, judged, least_absolute, statuses, summary, together
from limbeck.gate.verdict import verdict
from limbeck.geometry import composition
from limbeck.labels import Labels, concatenate_labels, select_labels, status_of, unlabelled
from limbeck.reasons import Fault

#: energies of atoms as all-electron methods have them, eV: differences drown in them
ATOMS = {1: -13.6, 6: -1030.0, 7: -1485.0, 8: -2043.0, 29: -45000.0, 47: -144000.0}


def frames_and_labels(count=60, seed=0, molecules=0.5):
    """Molecules and metals in the given share, with labels as they are near equilibrium."""
    rng = np.random.default_rng(seed)
    kinds = [molecule("CH3OH"), molecule("CO2"), molecule("NH3")]
    metals = [bulk("Cu", cubic=True), bulk("Ag"), bulk("Cu")]
    n = round(molecules * count)
    structures = [kinds[i % 3].copy() for i in range(n)]
    structures += [metals[i % 3].copy() for i in range(count - n)]
    for i, atoms in enumerate(structures):
        atoms.rattle(0.05, seed=i)
    frames = from_atoms(structures, groups=["g"] * count, source="s")
    labels = unlabelled(frames, ("charges", "dipole", "magmoms"))
    table = composition(frames, np.array(sorted(ATOMS)))
    of_atoms = table @ np.array([ATOMS[z] for z in sorted(ATOMS)])
    values = labels.values
    # bound by some eV an atom, moved by heat, and by what elements do not account for
    values["energy"][:] = of_atoms - frames.n_atoms * rng.normal(4.0, 0.5, len(frames))
    values["forces"][:] = rng.normal(0, 1.0, labels.forces.shape)
    values["stress"][frames.periodic] = rng.normal(0, 0.02, (frames.periodic.sum(), 6))
    values["charges"][:] = rng.normal(0, 0.3, len(frames.numbers))
    values["dipole"][~frames.periodic] = rng.normal(0, 1, ((~frames.periodic).sum(), 3))
    values["magmoms"][:] = rng.normal(0, 0.5, len(frames.numbers))
    return frames, labels


def row_of(frames, name, b):
    return frames.offsets[b] if name in ("forces", "charges", "magmoms") else b


#: property -> a value that no one would learn from, and what is unusual and may be right
FAR = {
    "energy": (3000.0, 30.0),  # eV of 6 atoms, on top
    "forces": (60.0, 25.0),
    "stress": (9.0, 1.5),
    "charges": (40.0, 4.0),
    "dipole": (9000.0, 90.0),
    "magmoms": (60.0, 10.0),
}


@pytest.mark.parametrize("name", FAR)
def test_one_that_is_far_away_is_told_and_one_that_is_unusual_is_not(name):
    frames, labels = frames_and_labels()
    b = 50 if name == "stress" else 3
    assert not judged(frames, labels).status.any()
    for value, status in zip(FAR[name], (status_of(name, Fault.OUTLIER), 0), strict=True):
        spoilt = replace(labels, values={n: v.copy() for n, v in labels.values.items()})
        spoilt.values[name][row_of(frames, name, b)] += value
        found = judged(frames, spoilt).status
        assert found[b] == status
        assert np.count_nonzero(found) == (status != 0)
    assert not labels.status.any()  # what was given stays as it was


@pytest.mark.parametrize("share", [0.01, 0.1, 0.4])
def test_many_that_are_far_away_do_not_hide_each_other(share):
    frames, labels = frames_and_labels(300)
    bad = np.random.default_rng(1).choice(300, round(share * 300), replace=False)
    labels.energy[bad] += 1e5 * frames.n_atoms[bad]
    found = judged(frames, labels).status
    assert np.flatnonzero(found).tolist() == sorted(bad.tolist())
    # negative control: least squares would follow them
    table = composition(frames, np.array(sorted(ATOMS))) / frames.n_atoms[:, None]
    fit = np.linalg.lstsq(table, labels.energy / frames.n_atoms, rcond=None)[0]
    good = np.setdiff1d(np.arange(300), bad)
    assert np.abs(labels.energy / frames.n_atoms - table @ fit)[good].max() > 100


@pytest.mark.parametrize("molecules", [0.05, 0.3, 0.95])
def test_two_kinds_of_frames_are_no_outliers_of_each_other(molecules):
    frames, labels = frames_and_labels(400, molecules=molecules)
    assert not judged(frames, labels).status.any()


def test_strong_forces_that_are_rare_and_right_are_kept():
    frames, labels = frames_and_labels(400)
    labels.forces[:] *= 1e-3  # all are relaxed
    labels.forces[frames.offsets[[5, 250]]] = [0, 29.0, 0]
    labels.energy[[5, 250]] += 8.0 * frames.n_atoms[[5, 250]]
    labels.stress[250] = 1.0  # 160 GPa
    assert not judged(frames, labels).status.any()


def test_a_set_that_is_wide_has_no_outliers():
    """Forces of a set of collisions, over three orders of magnitude."""
    frames, labels = frames_and_labels(400)
    labels.forces[:] = np.random.default_rng(0).lognormal(4.0, 1.0, labels.forces.shape)
    assert np.abs(labels.forces).max() > 500
    assert not judged(frames, labels).status.any()


def two_sources(soft=60, hard=40):
    """Frames near rest, and, from another source, frames of collisions a hundred times as hard."""
    frames, labels = frames_and_labels(soft + hard)
    source = np.where(np.arange(soft + hard) < soft, b"soft", b"hard")
    frames = replace(frames, source=source)
    labels.forces[frames.offsets[soft] :] *= 100
    return frames, labels


def test_forces_are_held_against_those_of_their_source():
    """What is far too strong in one source is ordinary in another; and the other way round."""
    frames, labels = two_sources()
    assert np.abs(labels.forces).max() > 200  # more than one limit for all once let pass
    assert not judged(frames, labels).status.any()
    labels.forces[frames.offsets[7]] = [0, 0, 60.0]  # less than it
    found = judged(frames, labels).status
    assert np.flatnonzero(found).tolist() == [7]
    assert found[7] == status_of("forces", Fault.OUTLIER)
    # negative control: as one source, what is ordinary in the other is refused with it
    one = replace(frames, source=np.full(len(frames), b"both"))
    assert judged(one, labels).status[60:].sum() > 0


def test_a_source_of_few_frames_is_held_against_all():
    frames, labels = two_sources(soft=60, hard=MIN_FRAMES - 1)
    found = judged(frames, labels).status
    strong = np.maximum.reduceat(np.abs(labels.forces).max(axis=1), frames.offsets[:-1]) > 60
    assert np.flatnonzero(found).tolist() == np.flatnonzero(strong).tolist()
    assert strong.sum() > 5


def test_sources_cut_into_slices_have_the_same_verdict():
    frames, labels = two_sources()
    labels.forces[frames.offsets[7]] = [0, 0, 60.0]
    parts = [np.arange(i, 100, 20) for i in range(20)]  # five frames each
    of_slices = [(frames.select(p), select_labels(labels, p)) for p in parts]
    whole = statuses(together([summary(*part) for part in of_slices]))
    assert np.concatenate(parts)[np.flatnonzero(whole)].tolist() == [7]


def test_of_few_frames_nothing_is_said():
    frames, labels = frames_and_labels(MIN_FRAMES - 1)
    labels.energy[2] += 1e5
    labels.forces[4] += 1e4
    assert not judged(frames, labels).status.any()


def test_a_frame_with_a_rare_element_is_not_compared():
    """What its energy should be, no other frame says; and it moves the fit of no other."""
    frames, labels = frames_and_labels(60)
    gold = from_atoms([Atoms("Au"), Atoms("AuH")], groups=["g"] * 2, source="s")
    more = unlabelled(gold, labels.values)
    for name, values in more.values.items():
        values[:] = -5e5 if name == "energy" else 0.0
    both = concatenate([frames, gold]), concatenate_labels([labels, more])
    assert not judged(*both).status.any()


def test_what_is_not_good_already_neither_counts_nor_changes():
    frames, labels = frames_and_labels(60)
    labels.status[:20] = 4
    labels.energy[:20] = np.nan
    labels.energy[30] += 1e5
    found = judged(frames, labels).status
    assert found[:20].tolist() == [4] * 20
    assert np.flatnonzero(found[20:]).tolist() == [10]


def test_slices_are_compared_with_each_other():
    """A slice of five frames knows nothing; the set of twelve slices does."""
    frames, labels = frames_and_labels(60)
    labels.energy[33] += 1e4
    parts = [np.arange(i, 60, 12) for i in range(12)]
    of_slices = [(frames.select(p), select_labels(labels, p)) for p in parts]
    alone = [judged(*part).status for part in of_slices]
    assert not np.concatenate(alone).any()
    whole = statuses(together([summary(*part) for part in of_slices]))
    (far,) = np.flatnonzero(whole)
    assert np.concatenate(parts)[far] == 33
    found = verdict([f for f, _ in of_slices], [x for _, x in of_slices], 0.99)
    assert not found["go"]
    assert found["status"]["energy far from all others of its source"] == 1
    assert found["status"]["good"] == 59


def test_the_fit_is_that_ofleast_absolute_deviations():
    rng = np.random.default_rng(3)
    table = rng.dirichlet(np.ones(4), 80)
    values = table @ [1.0, -200.0, 3e4, 7.0] + rng.standard_t(1.5, 80)
    values[:25] += 1e6
    count, unknowns = table.shape
    # minimise sum t with -t <= values - table x <= t
    both = np.block([[table, -np.eye(count)], [-table, -np.eye(count)]])
    cost = np.r_[np.zeros(unknowns), np.ones(count)]
    bounds = [(None, None)] * unknowns + [(0, None)] * count
    exact = linprog(cost, A_ub=both, b_ub=np.r_[values, -values], bounds=bounds)
    found = np.abs(values - table @ least_absolute(table, values)).sum()
    # a hundredth of an eV for each frame: the last round gained less than a thousandth, and what
    # is ordinary ends at 20
    assert exact.fun <= found <= exact.fun + count * 1e-2


def test_no_frames():
    frames, labels = frames_and_labels(12)
    none = np.zeros(0, dtype=int)
    assert len(judged(frames.select(none), select_labels(labels, none)).status) == 0
    assert len(statuses(together([]))) == 0


def test_labels_have_to_be_of_these_frames():
    frames, labels = frames_and_labels(12)
    other: Labels = select_labels(labels, np.arange(12)[::-1])
    with pytest.raises(LimbeckError, match="not the same frames in the same order"):
        judged(frames, other)
