"""Products of the Hessian with vectors: known matrices, turns, views, and what has no product."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import read

from breakers import Breaker, along_an_axis
from limbeck.averaging.displaced import bend, directions, displaced, lines_of, product
from limbeck.averaging.views import Views
from limbeck.datasets.delta import difference
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.geometry import turn
from limbeck.labelling.label import label
from limbeck.labelling.products import with_products
from limbeck.labelling.store import LabelStore
from limbeck.labels import HESSIAN, calls_of_a_label, concatenate_labels, select_labels
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.properties import DIRECTIONS, PRODUCTS, Predictions, turned_back
from limbeck.reasons import NO_GOOD_ANSWER, NOT_SMOOTH, ONLY_TRANSLATIONS
from limbeck.storage import read_labels, write_labels
from limbeck.symmetry.rotation import haar_rotations
from planted import Planted, same_bits

STEP = 0.01  # Angstrom
AS_GIVEN = Views()
GRID = Views(quadrature="icosahedral")


def one(*structures):
    names = [str(i) for i in range(len(structures))]
    return from_atoms(list(structures), groups=names, source="s")


def rattled(*structures):
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.05, seed=seed)
    return one(*structures)


def metals_and_methanol():
    return rattled(bulk("Cu", cubic=True), bulk("Al", cubic=True), molecule("CH3OH"))


def labelled(potential, frames, views=AS_GIVEN, count=2, step=STEP, store=None):
    labels = label(potential, frames, views, store=store)
    return with_products(potential, frames, labels, views, count, step, store)


class Springs(Planted):
    """A spring of zero length between each two atoms, of strength 1 + i + j: exactly harmonic."""

    def matrix(self, n):
        """Its Hessian, of one coordinate of n atoms, eV/Angstrom^2. [n,n]"""
        i, j = np.indices((n, n))
        strength = np.where(i == j, 0.0, 1.0 + i + j)
        return np.diag(strength.sum(axis=1)) - strength

    def evaluate(self, batch):
        forces = np.empty_like(batch.positions)
        for b in range(len(batch)):
            rows = batch.atoms_of(b)
            forces[rows] = -self.matrix(int(batch.n_atoms[b])) @ batch.positions[rows]
        return Predictions(np.zeros(len(batch)), forces, np.full((len(batch), 6), np.nan))


def test_directions_follow_from_the_id_and_move_no_centre():
    frames = one(molecule("C2H6"), molecule("H2O"), Atoms("He"))
    found = directions(frames, 3)
    for b, n in enumerate(frames.n_atoms.tolist()):
        own = found[frames.atoms_of(b)]
        np.testing.assert_allclose(own.sum(axis=0), 0, atol=1e-13)  # rounding
        size = 1.0 if n > 1 else 0.0
        np.testing.assert_allclose((own**2).sum(axis=2).mean(axis=0), size, rtol=1e-13)
    swapped = directions(frames.select([1, 0]), 3)
    assert np.array_equal(swapped[3:], found[frames.atoms_of(0)])
    # those of a smaller number are the first of a larger: their labels are in the store
    assert np.array_equal(directions(frames, 1), found[:, :1])


def test_products_of_springs_are_their_matrix_times_the_direction():
    frames = one(molecule("C2H6"), molecule("CO2"))
    found = labelled(Springs(), frames)
    for b, n in enumerate(frames.n_atoms.tolist()):
        rows = frames.atoms_of(b)
        expected = np.einsum("ij,jdx->idx", Springs().matrix(n), found.values[DIRECTIONS][rows])
        # rounding of forces of some eV/Angstrom, over the step
        np.testing.assert_allclose(found.values[PRODUCTS][rows], expected, atol=1e-11)
    assert found.attrs[HESSIAN] == {"vectors": 2, "step_A": STEP, "products": 4, "without": {}}


def test_products_of_a_dimer_are_its_second_derivatives():
    """Argon: U'' along the bond, U'/r across it. A central difference leaves out h^2 of the fourth
    derivative: with h = 0.001 A and a fourth derivative 100 times the second at most, 1e-4."""
    potential, distance = LennardJones(), 2.3
    frames = one(Atoms("Ar2", [[0, 0, 0], [0, 0, distance]]))
    found = labelled(potential, frames, count=1, step=1e-3)
    apart = [one(Atoms("Ar2", [[0, 0, 0], [0, 0, distance + d]])) for d in (-1e-4, 0, 1e-4)]
    slopes = [-potential.predict(f).forces[1, 2] for f in apart]  # U'
    stiff = np.diag([slopes[1] / distance] * 2 + [(slopes[2] - slopes[0]) / 2e-4])
    along = found.values[DIRECTIONS][1, 0] - found.values[DIRECTIONS][0, 0]
    expected = stiff @ along
    np.testing.assert_allclose(found.values[PRODUCTS][1, 0], expected, rtol=1e-3)
    np.testing.assert_allclose(found.values[PRODUCTS].sum(axis=0), 0, atol=1e-9)


def turned_products(potential, frames, views, q):
    """Products of turned frames along turned directions, in the frames' own orientation."""
    along = directions(frames, 1)[:, 0]
    turned = turn(frames, np.repeat(q[None], len(frames), axis=0))
    sides = [
        label(potential, displaced(turned, along @ q.T, sign * STEP), views).forces
        for sign in (1, -1)
    ]
    found = product(*sides, STEP)
    return turned_back({PRODUCTS: found[:, None]}, q[None], np.array([len(found)]))[PRODUCTS][:, 0]


def test_a_turned_frame_has_turned_products():
    frames = rattled(molecule("CH3OH"))
    q = haar_rotations(1, np.random.default_rng(0))[0]

    def change(potential, views):
        own = labelled(potential, frames, views, count=1).values[PRODUCTS][:, 0]
        return np.abs(turned_products(potential, frames, views, q) - own).max() / np.abs(own).max()

    # rounding: 1e-15 of some eV/Angstrom, over the step
    assert change(EffectiveMedium(), Views()) < 1e-11
    # negative control: a model that knows the laboratory's axes says something else...
    assert change(Breaker(along_an_axis), Views()) > 0.01
    # ...but not in the mean over a grid that is exact up to the angular momentum of its error, 2
    assert change(Breaker(along_an_axis), GRID) < 1e-9


def test_products_are_means_over_the_views_of_the_label():
    potential, frames, views = Breaker(along_an_axis), rattled(molecule("CO2")), Views(3)
    found = labelled(potential, frames, views, count=1).values
    along, operations = found[DIRECTIONS][:, 0], views.operations(frames)
    each = []
    for k in range(3):
        forces = []
        for sign in (1, -1):
            moved = turn(displaced(frames, along, sign * STEP), operations[:, k])
            answer = potential.predict(moved).values
            forces.append(turned_back(answer, operations[:, k], frames.n_atoms)["forces"])
        each.append(product(*forces, STEP))
    np.testing.assert_allclose(found[PRODUCTS][:, 0], np.mean(each, axis=0), atol=1e-10)
    # negative control: with views of their own, each side has its own error, of which 1/h is left
    other = replace(frames, id=np.array([b"another"], dtype=frames.id.dtype))
    behind = label(potential, displaced(other, along, -STEP), views).forces
    ahead = label(potential, displaced(frames, along, STEP), views).forces
    wrong = product(ahead, behind, STEP) - found[PRODUCTS][:, 0]
    assert np.abs(wrong).max() > np.abs(found[PRODUCTS]).max()


class Spoilt(EffectiveMedium):
    """Effective medium theory whose forces on displaced frames have noise of 1 eV/Angstrom, or that
    fails on these."""

    def __init__(self, frames, fails):
        super().__init__()
        self.known, self.fails = frames.positions, fails
        self.rng = np.random.default_rng(0)

    def evaluate(self, batch):
        answer = super().evaluate(batch)
        if np.isin(batch.positions, self.known).all():
            return answer
        if self.fails:
            raise RuntimeError("no answer")
        noise = self.rng.normal(size=answer.forces.shape)
        return Predictions(values=answer.values | {"forces": answer.forces + noise})


@pytest.mark.parametrize(("fails", "reason"), [(True, NO_GOOD_ANSWER), (False, NOT_SMOOTH)])
def test_what_has_no_product_has_a_reason_and_keeps_its_label(fails, reason):
    frames = one(*metals_and_methanol().to_atoms(), Atoms("Cu"))
    plain = label(EffectiveMedium(), frames, Views())
    found = labelled(Spoilt(frames, fails), frames)
    assert found.attrs[HESSIAN]["without"] == {reason: 6, ONLY_TRANSLATIONS: 2}
    assert found.attrs[HESSIAN]["products"] == 0
    assert not found.status.any()
    assert found.forces.tobytes() == plain.forces.tobytes()
    assert not found.values[PRODUCTS].any()
    assert not found.values[DIRECTIONS].any()
    assert not lines_of(frames, found)  # none to be learned


def test_frames_without_a_label_have_no_products():
    frames = metals_and_methanol()
    labels = label(EffectiveMedium(), frames, Views(), asked=np.array([True, False, True]))
    found = with_products(EffectiveMedium(), frames, labels, Views(), 1, STEP)
    assert np.isnan(found.values[PRODUCTS][frames.atoms_of(1)]).all()
    assert np.isfinite(found.values[PRODUCTS][frames.atoms_of(2)]).all()
    assert found.attrs[HESSIAN]["products"] == 2
    lines = lines_of(frames, found)
    assert lines.frame.tolist() == [0, 2]
    rows = np.r_[frames.atoms_of(0), frames.atoms_of(2)]
    assert np.array_equal(lines.products, found.values[PRODUCTS][rows, 0])


def test_the_bend_is_at_least_the_relative_noise():
    """Of forces that are linear along the line, and noise of a tenth of their change beside it."""
    rng, frames = np.random.default_rng(1), one(molecule("C6H6"))
    frames = frames.select([0] * 200)
    slope = rng.normal(size=(len(frames.numbers), 3))
    noise = 0.1 * rng.normal(size=(3, *slope.shape))
    ahead, middle, behind = noise[0] + slope, noise[1], noise[2] - slope
    found = bend(ahead, middle, behind, frames)
    relative = 0.1 / np.sqrt(2)  # of the difference, with 2 as long a change and sqrt(2) the noise
    # the change has noise as well, of a twentieth of it: so have the ratios of single frames
    assert np.sqrt((found**2).mean()) == pytest.approx(relative, rel=0.05)
    assert bend(slope, 0 * slope, -slope, frames).max() < 1e-15
    assert bend(0 * slope, 0 * slope, 0 * slope, frames).max() == 0.0
    assert np.isinf(bend(slope, 0 * slope, slope, frames)).all()  # a kink


def test_entries_of_the_store_are_those_of_labels_without_products(tmp_path):
    frames, potential = metals_and_methanol(), EffectiveMedium()

    def store():
        return LabelStore(tmp_path, potential, Views(2), 1)

    before = store()
    plain = label(potential, frames, Views(2), store=before)
    entries = {p: p.read_bytes() for p in tmp_path.rglob("*.h5")}
    assert before.made_entries == len(entries)
    first = store()
    made = labelled(potential, frames, Views(2), store=first)
    assert first.read_entries == len(entries)  # the labels themselves are read
    assert made.forces.tobytes() == plain.forces.tobytes()
    assert all(p.read_bytes() == content for p, content in entries.items())
    assert len(list(tmp_path.rglob("*.h5"))) == len(entries) + first.made_entries
    second = store()
    again = labelled(potential, frames, Views(2), store=second)
    assert (second.made_entries, same_bits(again, made)) == (0, True)


def test_products_go_through_files_selections_and_other_programs(tmp_path):
    frames = metals_and_methanol()
    found = labelled(EffectiveMedium(), frames)
    write_labels(tmp_path / "0.h5", "emt", found)
    read_again = read_labels(tmp_path / "0.h5", "emt")
    assert same_bits(read_again, found)
    parts = [select_labels(read_again, np.array(i)) for i in ([2, 0], [1])]
    whole = concatenate_labels(parts)
    assert whole.attrs[HESSIAN]["products"] == 12  # counts of both files, which are alike here
    lines = lines_of(frames.select([2, 0, 1]), whole)
    assert lines.frame.tolist() == [0, 0, 1, 1, 2, 2]
    write_extxyz(tmp_path / "x.extxyz", Dataset(frames, found))
    atoms = read(tmp_path / "x.extxyz", ":")[1]
    columns = atoms.arrays[f"REF_{PRODUCTS}"]
    expected = found.values[PRODUCTS][frames.atoms_of(1)].reshape(4, 6)
    np.testing.assert_allclose(columns, expected, atol=1e-7)  # as ASE writes numbers


def test_a_difference_of_label_sets_has_no_products():
    frames = metals_and_methanol()
    found = labelled(EffectiveMedium(), frames)
    less = difference(label(EffectiveMedium(), frames, Views()), found)
    assert PRODUCTS not in difference(found, found).values
    assert less.values.keys() == {"energy", "forces", "stress"}


def test_labels_that_do_not_say_the_step_are_refused():
    frames = metals_and_methanol()
    found = labelled(EffectiveMedium(), frames)
    with pytest.raises(LimbeckError, match=r"hessian\.step_A None, expected how far"):
        lines_of(frames, replace(found, attrs={}))
    assert lines_of(frames, label(EffectiveMedium(), frames, Views())) is None


def test_of_no_good_frame_there_is_no_product():
    frames = metals_and_methanol()
    labels = label(EffectiveMedium(), frames, Views(), asked=np.zeros(3, dtype=bool))
    found = with_products(EffectiveMedium(), frames, labels, Views(), 2, STEP)
    assert np.isnan(found.values[PRODUCTS]).all()
    assert found.attrs[HESSIAN]["products"] == 0
    assert not lines_of(frames, found)


def test_calls_of_a_label_are_those_of_its_views_and_of_displaced_frames():
    assert calls_of_a_label({"views": 12}) == 12
    assert calls_of_a_label({"views": "as_given"}) == 1
    assert calls_of_a_label({"views": 3, HESSIAN: {"vectors": 2}}) == 15
