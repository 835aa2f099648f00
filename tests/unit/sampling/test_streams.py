"""Each trajectory has random numbers of its own: what else is in its batch changes none of them."""

from math import sqrt

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.data import covalent_radii
from scipy import stats

from argon import ARGON, SETTINGS, crystal, frames_of, tetrahedron
from jobs_of import sampling
from limbeck import reasons
from limbeck.frames import Frames
from limbeck.potentials.batches import Limits
from limbeck.potentials.models.toys import LennardJones
from limbeck.properties import Predictions
from limbeck.sampling.dynamics import run as md
from limbeck.sampling.dynamics.streams import AHEAD, Draws, Purpose, chi_square, keys, normal

KINDS = [
    {"ensemble": "NVE"},
    *({"nvt_algorithm": name} for name in ("csvr", "langevin", "nose_hoover")),
    *(
        {"ensemble": "NPT", "npt_algorithm": name}
        for name in ("mtk_full", "mtk_isotropic", "langevin", "nose_hoover")
    ),
]


def key_of(*names: str, seed: int = 1) -> torch.Tensor:
    return torch.as_tensor(keys(seed, names))


def atoms_of(key: torch.Tensor, *sizes: int) -> Draws:
    return normal(key, Purpose.ATOMS, torch.tensor(sizes), 3)


def drawn(draws: Draws, count: int) -> np.ndarray:
    return np.array([draws.next().numpy() for _ in range(count)])


def test_numbers_do_not_depend_on_those_beside_them():
    count = 2 * AHEAD + 3  # into a third block
    alone = drawn(atoms_of(key_of("a"), 4), count)
    beside = drawn(atoms_of(key_of("b", "a"), 7, 4), count)
    np.testing.assert_array_equal(alone, beside[:, 7:])
    assert len(np.unique(beside)) == beside.size  # no number twice, in no block


@pytest.mark.parametrize("at", [0, 1, AHEAD - 1, AHEAD, AHEAD + 5])
def test_one_that_leaves_changes_nothing(at):
    draws = atoms_of(key_of("a", "b", "c"), 2, 3, 4)
    whole = drawn(atoms_of(key_of("a", "b", "c"), 2, 3, 4), 2 * AHEAD)
    drawn(draws, at)
    draws.keep(torch.tensor([0, 2]))
    left = drawn(draws, 2 * AHEAD - at)
    np.testing.assert_array_equal(left, whole[at:, [0, 1, 5, 6, 7, 8]])


def test_seed_name_and_purpose_each_give_other_numbers():
    first = drawn(atoms_of(key_of("a"), 9), 3)
    others = [
        drawn(atoms_of(key_of("a", seed=2), 9), 3),
        drawn(atoms_of(key_of("b"), 9), 3),
        drawn(normal(key_of("a"), Purpose.MOMENTA, torch.tensor([9]), 3), 3),
    ]
    assert not any(np.isin(first, other).any() for other in others)
    np.testing.assert_array_equal(first, drawn(atoms_of(key_of("a"), 9), 3))


def test_numbers_have_their_distributions():
    key = key_of(*map(str, range(200)))
    ones = torch.ones(200, dtype=torch.int64)
    numbers = drawn(normal(key, Purpose.ATOMS, ones), 200)
    # 40,000 numbers; a fixed seed, so that it passes always or never
    assert stats.kstest(numbers.ravel(), stats.norm.cdf).pvalue > 1e-3
    # neither from draw to draw nor from stream to stream: standard error 1 / 200, four of them
    assert abs((numbers[1:] * numbers[:-1]).mean()) < 0.02
    assert abs((numbers[:, 1:] * numbers[:, :-1]).mean()) < 0.02
    degrees = torch.arange(2, 202)
    squares = drawn(chi_square(key, Purpose.OTHER_DEGREES, degrees), 200)
    shares = stats.chi2(degrees.numpy()).cdf(squares)
    assert stats.kstest(shares.ravel(), stats.uniform.cdf).pvalue > 1e-3


class Spoilt(LennardJones):
    """Lennard-Jones that loses every krypton after so many calls; frames do not see each other."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def prepare(self, frames):
        self.left -= 1
        self._bad = (frames.numbers == 36) & (self.left < 0)
        return super().prepare(frames)

    def evaluate(self, batch):
        answer = super().evaluate(batch)
        bad = np.where(self._bad, np.nan, 0)[:, None]
        return Predictions(answer.energy, answer.forces + bad, answer.stress)


def bad() -> Atoms:
    """A crystal of another size and element, at rest but for its temperature."""
    edge = 2 * covalent_radii[36] * sqrt(2)
    return bulk("Kr", "fcc", a=edge, cubic=True).repeat((2, 1, 1))


def positions(*structures: Atoms, calls: int | None = None, **changes) -> dict[bytes, np.ndarray]:
    """Positions of all frames of each argon crystal, by its id.

    Krypton is cut after so many calls.
    """
    settings = sampling("md", SETTINGS | {"time_total_fs": 200.0} | changes)
    frames, potential = frames_of(*structures), Spoilt(1000 if calls is None else calls)
    potential.batch_limits = dict.fromkeys((True, False), Limits(settings.batch_atoms))
    record = md.run_dynamics(frames, potential, settings, seed=1, place="test/s/0")
    lost = [calls is not None and atoms.symbols[0] == "Kr" for atoms in structures]
    assert list(record.cut) == [reasons.NOT_FINITE if it else "" for it in lost]
    return by_parent(record.sample(sampling="test", seed=1).frames)


def by_parent(frames: Frames) -> dict[bytes, np.ndarray]:
    return {
        parent: frames.select(frames.parent == parent).positions
        for parent in set(frames.parent)
        if (frames.select(frames.parent == parent).numbers == 18).all()
    }


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_trajectory_that_is_cut_changes_no_bit_of_the_others(kind):
    good = [crystal(i) for i in range(3)]
    alone = positions(*good, **kind)
    # The second of four is cut within the first block of noise, at 55 fs of 200.
    beside = positions(good[0], bad(), *good[1:], calls=11, **kind)
    assert alone.keys() == beside.keys()
    assert len(alone) == 3
    for name, expected in alone.items():
        assert len(expected) == 8 * 32  # frames of atoms
        np.testing.assert_array_equal(beside[name], expected)


class Pressed(LennardJones):
    """Says one and the same number for all stresses of krypton, from the first call on."""

    def __init__(self, stress: float) -> None:
        super().__init__()
        self.said = stress

    def prepare(self, frames):
        assert np.isfinite(frames.positions).all()
        self.odd = np.array([36 in frames.numbers[frames.atoms_of(b)] for b in range(len(frames))])
        return super().prepare(frames)

    def evaluate(self, batch):
        answer = super().evaluate(batch)
        answer.stress[self.odd] = self.said
        return answer


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "npt_algorithm" in kind], ids=str)
@pytest.mark.parametrize(
    ("stress", "reason"),
    [
        (np.nan, reasons.NOT_FINITE),
        (1e30, reasons.CELL_TOO_FAST),
        (1e308, reasons.NOT_FINITE),
    ],
)
def test_a_stress_that_is_none_ends_its_own_trajectory_before_it_moves(kind, stress, reason):
    alone = positions(crystal(), crystal(1), **kind)
    settings = sampling("md", SETTINGS | {"time_total_fs": 200.0} | kind)
    frames = frames_of(crystal(), bad(), crystal(1))
    record = md.run_dynamics(frames, Pressed(stress), settings, seed=1, place="test/s/0")
    assert list(record.cut) == ["", reason, ""]
    assert record.cut_time[1] == 0
    found = by_parent(record.sample(sampling="test", seed=1).frames)
    for name, expected in alone.items():
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_neither_the_size_of_batches_nor_the_order_changes_a_bit(kind):
    good = [crystal(i) for i in range(4)]
    together = positions(*good, **kind)
    apart = positions(*good[::-1], batch_atoms=32, **kind)
    assert together.keys() == apart.keys()
    for name, expected in together.items():
        np.testing.assert_array_equal(apart[name], expected)


def test_one_that_cannot_be_run_changes_no_bit_of_the_others():
    alone = positions(crystal(), crystal(1))
    settings = sampling("md", SETTINGS | {"time_total_fs": 200.0})
    lone = Atoms("Ar", cell=[5] * 3, pbc=True)
    near = Atoms("Ar2", [[0, 0, 0], [0, 0, 0.1 * ARGON]], cell=[9] * 3, pbc=True)
    frames = frames_of(lone, crystal(), near, crystal(1))
    record = md.run_dynamics(frames, LennardJones(), settings, seed=1, place="test/s/0")
    assert list(record.cut) == [reasons.LONE_ATOM, "", reasons.TOO_NEAR, ""]
    found = by_parent(record.sample(sampling="test", seed=1).frames)
    for name, expected in alone.items():
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("kind", [k for k in KINDS if "langevin" in k.values()], ids=str)
def test_noise_by_place_in_the_batch_is_seen(kind, monkeypatch):
    """Negative control: keys that go by the place in the batch fail the tests above."""
    monkeypatch.setattr(md, "keys", lambda seed, names: keys(seed, map(str, range(len([*names])))))
    alone = positions(crystal(), crystal(1), **kind)
    beside = positions(crystal(), bad(), crystal(1), **kind)
    # batches go by size: the smaller crystal comes first
    assert not any(np.array_equal(alone[name], beside[name]) for name in alone)


def test_trajectories_of_one_structure_have_noise_of_their_own():
    settings = sampling("md", SETTINGS | {"temperature_K": [100.0, 101.0]})
    record = md.run_dynamics(
        frames_of(tetrahedron()), LennardJones(), settings, seed=1, place="test/s/0"
    )
    frames = record.sample(sampling="test", seed=1).frames
    first, second = frames.positions.reshape(2, -1, 3)
    assert not np.isin(first, second).any()
