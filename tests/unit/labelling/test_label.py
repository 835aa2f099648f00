"""Labels averaged over views, and frames that have none."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule

from jobs_of import label_set
from limbeck.averaging.orbit import orbit
from limbeck.averaging.views import LABEL_VIEWS, Views
from limbeck.config.jobs import LabelFrames
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, empty, from_atoms
from limbeck.labelling.label import asked_for, label, provenance, require_answers
from limbeck.labels import meanings, status_of
from limbeck.potentials import open_potential
from limbeck.potentials.batches import Limits
from limbeck.potentials.devices import DeviceLost
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.properties import Predictions, nothing, property_of
from limbeck.reasons import Fault
from limbeck.symmetry.rotation import Rotation
from planted import LabField, Planted, real_frames, same_bits, trajectories


def rows(frames, index):
    return np.concatenate([np.arange(len(frames.numbers))[frames.atoms_of(b)] for b in index])


class Uneven(Planted):
    """Answers of a lopsided, nonlinear function of the orientation: no symmetry at all."""

    def evaluate(self, batch):
        x, y, z = batch.positions.T
        forces = np.stack([np.sin(x) + y, x * z, np.cos(y - z) + 1.0], axis=1)
        energy = np.bincount(batch.frame_of_atom, weights=x + np.sin(y), minlength=len(batch))
        stress = np.where(batch.periodic, np.sin(batch.cell[:, 0, 0]), np.nan)
        return Predictions(energy, forces, stress[:, None] * np.arange(1.0, 7.0))


class Spoilt(LennardJones):
    """Lennard-Jones that raises, or answers with something else, on frames of some elements."""

    def __init__(self, raises=(), answers=None, no_memory=(), **options):
        super().__init__(**options)
        self.raises, self.answers, self.no_memory = set(raises), answers or {}, set(no_memory)

    def prepare(self, frames):
        self.numbers = frames.numbers
        if self.no_memory & set(frames.numbers.tolist()):
            raise MemoryError("Unable to allocate")
        if self.raises & set(frames.numbers.tolist()):
            raise RuntimeError("a neighbour is missing")
        return super().prepare(frames)

    def evaluate(self, batch):
        found = super().evaluate(batch)
        for number, value in self.answers.items():
            found.forces[self.numbers == number] = value
        return found


class Small(LennardJones):
    """Lennard-Jones that raises on batches of more than some atoms, and counts what it is asked."""

    def __init__(self, atoms, error):
        super().__init__()
        self.atoms, self.error = atoms, error
        self.largest = self.frames = 0

    def evaluate(self, batch):
        atoms = int(batch.n_atoms.sum())
        if atoms > self.atoms:
            raise self.error
        self.largest, self.frames = max(self.largest, atoms), self.frames + len(batch.n_atoms)
        return super().evaluate(batch)


@pytest.fixture
def argon():
    """Ten rattled frames of ten elements, Z = 10 to 19, periodic and isolated in turn."""
    structures = []
    for i in range(10):
        atoms = bulk("Ar", a=6.5, cubic=True) if i % 2 else molecule("H2O")
        atoms.positions *= 1 if i % 2 else 4  # far enough apart for the largest of them
        atoms.numbers[:] = 10 + i
        atoms.rattle(0.1, seed=i)
        structures.append(atoms)
    return from_atoms(structures, groups=["g"] * 10, source="argon")


@pytest.mark.parametrize("potential", [LennardJones(), EffectiveMedium()])
def test_views_of_an_invariant_model_are_its_own_answer(potential):
    frames = real_frames()
    own = label(potential, frames, Views(), max_force=1e6)
    seen = label(potential, frames, Views(5), max_force=1e6)
    # float64 rounding of sums of about 10^3 terms: 1e-13 of the largest answer
    scale = np.abs(own.forces).max()
    assert scale > 0.5
    np.testing.assert_allclose(seen.energy, own.energy, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(seen.forces, own.forces, atol=1e-11 * scale)
    np.testing.assert_allclose(seen.stress, own.stress, atol=1e-11 * np.nanmax(np.abs(own.stress)))
    assert seen.forces_spread.max() < 1e-11 * scale
    assert seen.energy_spread.max() < 1e-11 * np.abs(own.energy).max()
    assert np.isnan(seen.stress[3:]).all()
    assert np.isfinite(seen.stress[:3]).all()


def test_own_has_no_spread_and_is_the_potentials_answer():
    frames = real_frames()
    found = label(LennardJones(), frames, Views(), max_force=1e6)
    expected = LennardJones().predict(frames)
    assert np.isnan(found.energy_spread).all()
    assert np.isnan(found.forces_spread).all()
    assert found.energy.tobytes() == expected.energy.tobytes()
    assert found.forces.tobytes() == expected.forces.tobytes()
    assert not found.status.any()


@pytest.mark.parametrize("k", [2, 8, 32])
def test_a_planted_field_averages_out_like_one_over_root_k(k):
    # Each view has the vector a in a direction of its own: a component of the mean of K has
    # variance a^2 / (3 K).
    frames = trajectories(0, roots=150, scatter=0.0, periodic=False)
    frames = replace(frames, extra={"amplitude": np.full(len(frames), 2.0)})
    found = label(LabField(), frames, Views(k), max_force=1e3)
    first = found.forces[frames.offsets[:-1]]  # all atoms of a frame have the same
    # Mean of |mean|^2 over 370 frames of 3 components: relative deviation below
    # sqrt(2 / 3 / 370) = 4 %; four of these.
    assert len(frames) > 300
    assert np.mean(first**2) == pytest.approx(4 / (3 * k), rel=0.17)
    # All views have the same length a, so that the spread of each frame is known exactly:
    # 3 (K-1)/K spread^2 = a^2 - |mean|^2. Rounding of numbers of order 4.
    spread = found.forces_spread[frames.offsets[:-1]]
    expected = (4 - np.sum(first**2, axis=1)) * k / (k - 1) / 3
    np.testing.assert_allclose(spread**2, expected, atol=1e-13)
    # and without bias, whatever K: a^2 / 3 on average
    assert np.mean(spread**2) == pytest.approx(4 / 3, rel=0.17)
    # energy n a e_z: standard deviation n a / sqrt(3). Worst at K = 2, where the relative
    # deviation of the mean is 1.18 / sqrt(370) = 6 %: three of these.
    ratio = found.energy_spread / (2 * frames.n_atoms)
    assert np.mean(ratio**2) == pytest.approx(1 / 3, rel=0.18)
    # negative control: in its as given nothing averages out
    own = label(LabField(), frames, Views(), max_force=1e3)
    assert np.all(own.forces == [0, 0, 2])


@pytest.mark.parametrize("k", [2, 7])
def test_the_identity_of_label_and_spread(k):
    """mean_g |f_g - t|^2 = |mean - t|^2 + spread, over all the views that a label used."""
    frames = real_frames()
    found = label(Uneven(), frames, Views(k), max_force=1e6)
    views = orbit(Uneven(), frames, Rotation(), k, LABEL_VIEWS)
    truth = np.random.default_rng(0).normal(size=found.forces.shape)
    whole = np.mean(np.sum((views.forces - truth) ** 2, axis=-1), axis=0)  # [N]
    mean = np.sum((found.forces - truth) ** 2, axis=-1)
    # the spread divides by K - 1 and is per component
    spread = found.forces_spread**2 * 3 * (k - 1) / k
    np.testing.assert_allclose(whole, mean + spread, rtol=1e-12)  # rounding
    assert np.all(spread > 1e-3 * whole)  # and it is no trifle that would not be missed
    t = 0.7
    whole = np.mean((views.energy - t) ** 2, axis=0)
    spread = found.energy_spread**2 * (k - 1) / k
    np.testing.assert_allclose(whole, (found.energy - t) ** 2 + spread, rtol=1e-12)
    # negative control: other views of the same number do not fit
    others = orbit(Uneven(), frames, Rotation(), k, "gap")
    assert not np.allclose(np.mean(np.sum((others.forces - truth) ** 2, -1), 0), mean, rtol=1e-3)


def test_a_planted_stress_becomes_isotropic():
    frames = trajectories(3, roots=10, scatter=0.0)
    own = label(LabField(), frames, Views(), max_force=1e3)
    assert np.all(own.stress == [0, 0, 1, 0, 0, 0])  # negative control
    found = label(LabField(), frames, Views(400), max_force=1e3)
    # z z^T of a random direction z: mean 1/3 on the diagonal with variance 4/45, and 0 off it
    # with 1/15. Over 400 views the deviations are 0.015 and 0.013: five of the larger.
    expected = np.array([1, 1, 1, 0, 0, 0]) / 3
    assert np.abs(found.stress - expected).max() < 0.075
    # each view has trace 1 (rounding)
    np.testing.assert_allclose(found.stress[:, :3].sum(axis=1), 1, rtol=1e-12)


def test_an_unknown_element(argon):
    whole = label(LennardJones(), argon, Views(2), max_force=1e3)
    limited = LennardJones()
    limited.about = replace(limited.about, elements=frozenset(range(1, 97)) - {12, 15})
    found = label(limited, argon, Views(2), max_force=1e3)
    assert np.flatnonzero(found.status == 3).tolist() == [2, 5]
    expect_only(found, whole, argon, bad=[2, 5])


def expect_only(found, whole, frames, bad):
    """The bad frames have no label; all others have the bits that they have without them."""
    good = [b for b in range(len(frames)) if b not in bad]
    assert np.isnan(found.energy[bad]).all()
    assert np.isnan(found.forces[rows(frames, bad)]).all()
    assert found.energy[good].tobytes() == whole.energy[good].tobytes()
    for name in ("forces", "forces_spread"):
        one, other = (getattr(x, name)[rows(frames, good)] for x in (found, whole))
        assert one.tobytes() == other.tobytes()
    assert not found.status[good].any()
    assert not whole.status.any()


@pytest.mark.parametrize("bad", [[3], [0, 9], [1, 3, 5, 7, 9]])
def test_a_potential_that_fails_on_a_frame(argon, bad, caplog):
    whole = label(LennardJones(), argon, Views(2), max_force=1e3)
    with caplog.at_level(logging.WARNING):
        found = label(Spoilt([10 + b for b in bad]), argon, Views(2), max_force=1e3)
    assert np.flatnonzero(found.status == 4).tolist() == bad
    expect_only(found, whole, argon, bad)
    for b in bad:
        assert f"frame {argon.id[b].decode()} has no answer: a neighbour" in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_forces_that_are_not_finite_or_cannot_be(argon, value):
    found = label(Spoilt(answers={14: value}), argon, Views(), max_force=1e300)
    fault = Fault.IMPOSSIBLE if np.isfinite(value) else Fault.NOT_FINITE
    assert np.flatnonzero(found.status).tolist() == [4]
    assert found.status[4] == status_of("forces", fault)


class Rich(Planted):
    """Every property there is, of all frames that have one; then some numbers are replaced."""

    def __init__(self, name, where, value):
        super().__init__()
        self.about = replace(self.about, properties=PREDICTED)
        self.name, self.where, self.value = name, where, value

    def evaluate(self, batch):
        count = len(batch)
        found = Predictions(values=nothing(PREDICTED, batch.counts))
        for name, values in found.values.items():
            of = property_of(name)
            has = {"periodic": batch.periodic, "isolated": ~batch.periodic}.get(of.found_in)
            has = np.ones(count, dtype=bool) if has is None else has
            values[np.repeat(has, batch.n_atoms) if of.per_atom else has] = 0.5
        for b in np.flatnonzero(batch.id == self.where):
            rows = batch.atoms_of(b) if property_of(self.name).per_atom else b
            found.values[self.name][rows] = self.value
        return found


#: what labels can have
PREDICTED = ("energy", "forces", "stress", "charges", "dipole", "magmoms")
SPOILS = {np.nan: Fault.NOT_FINITE, np.inf: Fault.NOT_FINITE, 1e30: Fault.IMPOSSIBLE}


@pytest.mark.parametrize("value", SPOILS)
@pytest.mark.parametrize("name", PREDICTED)
@pytest.mark.parametrize("views", [Views(), Views(3)], ids=str)
def test_every_property_is_judged(argon, views, name, value):
    b = 4 if property_of(name).found_in == "isolated" else 5
    found = label(Rich(name, argon.id[b], value), argon, views, max_force=1e300)
    assert np.flatnonzero(found.status).tolist() == [b]
    assert found.status[b] == status_of(name, SPOILS[value])
    assert meanings()[found.status[b]].startswith(f"{name} ")
    # and is no mean of some good views and a bad one: its spread is nothing either
    if not np.isfinite(value):
        rows = argon.atoms_of(b) if property_of(name).per_atom else b
        assert np.isnan(found.spreads[name][rows]).all()


@pytest.mark.parametrize("name", ["charges", "magmoms", "forces"])
def test_some_atoms_without_a_number_are_no_frame_without_one(argon, name):
    class Holed(Rich):
        def evaluate(self, batch):
            found = super().evaluate(batch)
            for b in np.flatnonzero(batch.id == self.where):
                found.values[name][batch.offsets[b]] = np.nan
            return found

    found = label(Holed(name, argon.id[5], 0.5), argon, Views(), max_force=1e3)
    assert np.flatnonzero(found.status).tolist() == [5]
    assert found.status[5] == status_of(name, Fault.NOT_FINITE)


def test_what_a_frame_or_a_potential_does_not_have_is_no_fault(argon):
    """No stress of molecules, no dipole of crystals, and of Lennard-Jones no charges."""
    found = label(Rich("energy", b"", 0), argon, Views(), max_force=1e3)
    assert np.isnan(found.stress[::2]).all()
    assert np.isnan(found.values["dipole"][1::2]).all()
    assert not found.status.any()
    # a potential without stress
    poor = Rich("stress", argon.id[5], np.nan)
    poor.about = replace(poor.about, properties=("energy", "forces"))
    assert not label(poor, argon, Views(), max_force=1e3).status.any()


class Passing(LennardJones):
    """Lennard-Jones that is out of order the first so many times that it meets a frame."""

    def __init__(self, where, times, error):
        super().__init__()
        self.where, self.times, self.error, self.alone = where, times, error, 0

    def prepare(self, frames):
        if self.where in frames.id.tolist():
            self.alone += len(frames) == 1
            if self.times:
                self.times -= 1
                if isinstance(self.error, Exception):
                    raise self.error
                found = super().prepare(frames)
                found.vectors[found.frame == frames.id.tolist().index(self.where)] = self.error
                return found
        return super().prepare(frames)


#: It fails in a batch of five, in the halves of three and two, and twice alone, but not at the end;
#: a NaN is noticed and asked about again at the end only.
PASSING = [(MemoryError("Unable to allocate"), 5), (RuntimeError("a file is away"), 5), (np.nan, 1)]


@pytest.mark.parametrize(("error", "times"), PASSING)
def test_a_failure_that_passes_is_healed(argon, error, times):
    whole = label(LennardJones(), argon, Views(2), max_force=1e3)
    spoilt = Passing(argon.id[0], times, error)
    found = label(spoilt, argon, Views(2), max_force=1e3)
    assert spoilt.times == 0  # it struck each time
    assert spoilt.alone >= 1
    assert not found.status.any()
    assert same_bits(found, whole)  # Lennard-Jones has the same bits in any batch
    require_answers(found)


def test_frames_without_an_answer_are_named(argon):
    spoilt = Spoilt([10, 11, 12, 13, 14, 15], {16: np.nan, 17: 1e5}, no_memory=[18])
    found = label(spoilt, argon, Views(), max_force=1e3)
    with pytest.raises(LimbeckError, match="no answer for 8 of 10 frames") as error:
        require_answers(found)
    assert f"{argon.id[0].decode()} (the potential failed on the frame)" in str(error.value)
    assert str(error.value).endswith(" and 3 more")
    with pytest.raises(LimbeckError, match=f"argon-0 {argon.id[0].decode()} .the potential"):
        require_answers(found, [f"argon-{n}" for n in range(len(argon))])
    # what is too strong, or not known, has its answer
    strong = label(Spoilt(answers={14: 1e5}), argon, Views(), max_force=1e3)
    assert strong.status.any()
    require_answers(strong)


def test_a_force_beyond_the_limit(argon):
    potential = Spoilt(answers={14: [0, -70.0, 0]})
    found = label(potential, argon, Views(), max_force=69.9)
    assert found.status.tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0, 0]
    assert np.isfinite(found.forces).all()  # kept, for whoever wants to see it
    assert not label(potential, argon, Views(), max_force=70.0).status.any()
    # With views, it is the average that is judged: 4 / sqrt(3 * 64) = 0.3 eV/A a component.
    frames = trajectories(0, roots=1, scatter=0.0)
    frames.extra["amplitude"][:] = 4.0
    assert label(LabField(), frames, Views(), max_force=3.9).status.all()
    assert not label(LabField(), frames, Views(64), max_force=3.9).status.any()


def test_every_status_has_a_meaning(argon):
    potential = Spoilt([10], {11: np.nan, 12: 1e5}, no_memory=[13])
    potential.about = replace(potential.about, elements=frozenset(range(1, 19)))
    asked = np.arange(10) != 5
    found = label(potential, argon, Views(), max_force=1e3, asked=asked)
    not_finite = status_of("forces", Fault.NOT_FINITE)
    assert found.status.tolist() == [4, not_finite, 2, 5, 0, 6, 0, 0, 0, 3]
    assert set(found.status.tolist()) < set(meanings())


def test_codes_in_files_keep_their_meaning():
    """A code is never given another meaning: these stand in files."""
    found = meanings()
    assert [found[code] for code in (0, 1, 4, 5, 6)] == [
        "good",
        "not finite",
        "the potential failed on the frame",
        "too large for the device",
        "not asked for",
    ]
    names = ["energy", "forces", "stress", "charges", "dipole", "magmoms"]
    for place, name in enumerate(names):
        assert found[16 + 3 * place] == f"{name} not finite"
        assert found[17 + 3 * place] == f"{name} larger than physics allows"
        assert found[18 + 3 * place] == f"{name} far from all others of its source"


NO_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    MemoryError("Unable to allocate 2.00 GiB for an array"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:125] DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("views", [Views(), Views(2)], ids=str)
def test_a_batch_that_does_not_fit_is_halved_and_tried_again(argon, views, error, caplog):
    whole = label(LennardJones(), argon, views, max_force=1e3)
    # isolated: five frames of 3 atoms; periodic: five of 4
    small = Small(atoms=9, error=error)
    with caplog.at_level(logging.WARNING):
        found = label(small, argon, views, max_force=1e3)
    assert not found.status.any()
    # Lennard-Jones has the same bits in any batch
    assert same_bits(found, whole)
    # 5 frames of 4 atoms: 20 -> 12 + 8 -> 8 + 4; of 3 atoms: 15 -> 9 + 6
    assert found.attrs == {"halved_batches": 3}
    assert "a batch of 3 frames does not fit into memory and is halved" in caplog.text
    assert small.largest <= 9
    # negative control: what fails for another reason is no lack of memory
    other = Small(atoms=9, error=RuntimeError("an index is out of bounds"))
    assert label(other, argon, views, max_force=1e3).attrs == {"halved_batches": 0}
    assert whole.attrs == {"halved_batches": 0}


def test_a_frame_that_does_not_fit_is_set_aside(argon):
    found = label(Small(atoms=3, error=NO_MEMORY[0]), argon, Views(), max_force=1e3)
    assert found.status.tolist() == [0, 5] * 5  # the crystals have 4 atoms
    assert np.isnan(found.energy[1::2]).all()


def test_a_device_that_goes_away_stops_the_job(argon):
    """And does not give all further frames the status of a failure."""
    gone = Small(atoms=0, error=RuntimeError("CUDA error: unspecified launch failure"))
    with pytest.raises(DeviceLost, match="device: cpu went away: CUDA error: unspecified"):
        label(gone, argon, Views(), max_force=1e3)


def job(n_frames, slice, slices, draw=0):
    """Only the fields that say how many frames are labelled, and which."""
    own = label_set({"n_frames": n_frames, "draw": draw})
    return LabelFrames.model_construct(label_set=own, slice=slice, slices=slices)


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_the_first_frames_by_their_hash_are_asked_for(slices):
    frames = trajectories(5, roots=40)
    parts = np.array_split(np.arange(len(frames)), slices)

    def asked(count):
        masks = [
            asked_for(frames.select(part), job(count, i, slices)) for i, part in enumerate(parts)
        ]
        return np.concatenate(masks)

    assert [asked(n).sum() for n in (1, 7, 30)] == [1, 7, 30]
    assert np.all(asked(30)[asked(7)])  # a smaller number is part of a larger
    assert len(np.unique(np.flatnonzero(asked(30)) // 10)) > 3  # and not those that come first
    assert asked(10**6).all()
    assert asked_for(frames, job(None, 0, 1)) is None


def test_another_draw_labels_other_frames():
    """Of 100 frames two draws of 20 share about 4, and one draw all with itself."""
    frames = trajectories(5, roots=60).select(np.arange(100))
    first, again, other = (asked_for(frames, job(20, 0, 1, draw=n)) for n in (1, 1, 2))
    assert first.sum() == other.sum() == 20
    assert np.array_equal(first, again)
    assert (first & other).sum() < 12  # hypergeometric: 4 +- 1.6, this is 5 of these away
    assert np.all(asked_for(frames, job(50, 0, 1, draw=2))[other])  # nested within a draw


def test_frames_not_asked_for_cost_nothing(argon):
    counted = Small(atoms=100, error=RuntimeError())
    asked = np.arange(10) < 3
    found = label(counted, argon, Views(), max_force=1e3, asked=asked)
    assert found.status.tolist() == [0] * 3 + [6] * 7
    assert counted.frames == 3
    assert np.isfinite(found.energy).tolist() == asked.tolist()


@pytest.mark.parametrize("views", [Views(), Views(3), Views(quadrature="tetrahedral")], ids=str)
def test_the_same_labels_twice(argon, views):
    first = label(LennardJones(), argon, views, max_force=1e3)
    assert same_bits(first, label(LennardJones(), argon, views, max_force=1e3))


def test_a_label_does_not_depend_on_the_shard():
    frames = real_frames()
    whole = label(LennardJones(), frames, Views(4), max_force=1e6)
    uneven = label(Uneven(), frames, Views(4), max_force=1e6)
    others = trajectories(1, roots=3, periodic=True)
    order = [4, 1, 0]
    shard = concatenate([replace(others, extra={}), frames.select(order)])
    # seeds and sources are of the run, not of the frame
    shard = replace(shard, seed=shard.seed + 9, source=np.array([b"x"] * len(shard)))
    start, first = len(others), len(others.numbers)
    found = label(LennardJones(batch_atoms=20), shard, Views(4), max_force=1e6)
    # float64, summed in another place: rounding alone
    np.testing.assert_allclose(found.energy[start:], whole.energy[order], rtol=1e-12)
    expected = whole.forces[rows(frames, order)]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.forces[first:], expected, atol=1e-12 * scale)
    # an invariant model has the same label for any views: this one does not
    found = label(Uneven(), shard, Views(4), max_force=1e6)
    np.testing.assert_allclose(found.energy[start:], uneven.energy[order], rtol=1e-12)
    moved = from_atoms(
        [replace(frames, positions=frames.positions + 1e-9).to_atoms()[b] for b in order],
        groups=["g"] * 3,
        source="s",
    )
    # negative control: another id, other views
    other = label(Uneven(), moved, Views(4), max_force=1e6)
    assert not np.allclose(other.energy, uneven.energy[order], rtol=1e-3)


def test_frames_of_a_shard_have_different_views():
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 1.0]])
    frames = from_atoms([atoms, atoms], groups=["H2"] * 2, source="s")
    frames.id[1] = frames.id[1][::-1]
    found = label(Uneven(), frames, Views(2), max_force=1e6)
    assert found.energy[0] != found.energy[1]


def test_no_frames():
    for views in (Views(), Views(2), Views(quadrature="octahedral", reflections=True)):
        found = label(LennardJones(), empty(), views, max_force=1e3)
        assert (len(found), found.forces.shape, found.stress.shape) == (0, (0, 3), (0, 6))


def test_provenance_can_be_stored():
    potential = LennardJones("toy")
    potential.batch_limits = {True: Limits(64, 1000.0)}
    found = provenance(potential, Views(2), "lj-k2", 1)
    assert (found["label_set"], found["potential"], found["model"]) == ("lj-k2", "toy", "lj")
    assert (found["views"], found["threads"], found["device"]) == (2, 1, "cpu")
    assert (found["weights"], found["dtype"]) == (potential.about.weights, "float64")
    assert found["batch_plan"]["periodic"] == {"atoms": 64, "neighbours": 1000.0}
    assert found["batch_plan"]["isolated"]["atoms"] == potential.batch_atoms
    assert json.loads(json.dumps(found)) == found


def test_charges_and_spins_that_a_potential_does_not_read_are_told_once(caplog):
    frames = from_atoms(
        [molecule("CH3"), molecule("H2O"), molecule("OH")],
        groups=["a", "b", "c"],
        source="s",
        charges=[0, 0, -1],
        spins=[1, 0, 0],
    )
    with caplog.at_level("WARNING"):
        label(LennardJones(), frames, Views())
    said = [r.getMessage() for r in caplog.records if "does not read" in r.getMessage()]
    assert [s.split(" does not read the ")[1] for s in said] == [
        "charge, which 1 of 3 frames have: it goes by the atoms alone",
        "spin, which 1 of 3 frames have: it goes by the atoms alone",
    ]
    caplog.clear()
    xtb = open_potential({"name": "xtb", "model": "xtb"})
    with caplog.at_level("WARNING"):
        found = label(xtb, frames, Views())
    assert found.status.tolist() == [0, 0, 0]
    assert "does not read" not in caplog.text
    # negative control: it does read them; the ion is 1.8 eV below the radical in experiment
    other = replace(frames, charge=np.zeros(3), spin=np.array([1, 0, 1]))
    assert abs(label(xtb, other, Views()).energy[2] - found.energy[2]) > 0.5
