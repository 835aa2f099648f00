"""The speed card: costs by a clock that goes by what a model is asked; the ladder of systems."""

from typing import ClassVar

import numpy as np
import pytest
from ase.build import bulk, molecule

from limbeck.frames import concatenate, from_atoms
from limbeck.potentials.interface import Predictions
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.timing import card
from limbeck.timing.card import card_rows, measure_card
from limbeck.timing.systems import CONTACT, systems


class Timed(EffectiveMedium):
    """Takes 2 s a batch and 0.1 s an atom, on a clock of its own; a new size takes 1,000 s more."""

    now = 0.0

    def __init__(self, name):
        super().__init__(name)
        self.seen = set()

    def evaluate(self, batch):
        atoms = int(batch.n_atoms.sum())
        Timed.now += 2.0 + 0.1 * atoms + 1000.0 * (atoms not in self.seen)
        self.seen.add(atoms)
        return Predictions(np.zeros(len(batch)), 0 * batch.positions, np.zeros((len(batch), 6)))


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(card.time, "process_time", lambda: Timed.now)


def frames_of(*structures):
    return from_atoms(list(structures), groups=[str(a.symbols) for a in structures], source="named")


COPPER = bulk("Cu", cubic=True)  # 4 atoms, a cube of 3.61 A
WATER = molecule("H2O")


def test_costs_are_known_and_first_calls_are_not_among_them():
    found = measure_card([(Timed("toy"), "teacher")], systems(frames_of(COPPER), []), rounds=3)
    (model,) = found["models"]
    (on_copper,) = model["by_system"]
    # of one crystal of 4 atoms (2 + 0.4) / 4 s an atom; of 64 of them (2 + 25.6) / 256
    assert on_copper["one"] == {"batch": 1, "us_per_atom": pytest.approx(6e5)} | {
        end: pytest.approx(6e5) for end in ("low", "high")
    }
    assert on_copper["best"]["batch"] == 64
    assert on_copper["best"]["us_per_atom"] == pytest.approx(1e6 * 27.6 / 256)
    assert found["clock"] == "cpu"


class Scripted(Timed):
    """Takes 0.08 s a call; the second and the third of each size compile for half a second more, as
    those of TorchScript do."""

    def evaluate(self, batch):
        atoms = int(batch.n_atoms.sum())
        calls = self.calls[atoms] = self.calls.get(atoms, 0) + 1
        Timed.now += 0.08 + 0.5 * (calls in (2, 3))
        return Predictions(np.zeros(len(batch)), 0 * batch.positions, np.zeros((len(batch), 6)))

    calls: ClassVar[dict[int, int]] = {}


def test_calls_that_compile_are_of_the_warm_up_however_late_they_come():
    Scripted.calls.clear()
    crystal = systems(frames_of(COPPER), [])
    found = measure_card([(Scripted("toy"), "student")], crystal, rounds=1, seconds=0.0)
    on_copper = found["models"][0]["by_system"][0]
    assert on_copper["one"]["us_per_atom"] == pytest.approx(1e6 * 0.08 / 4)
    assert on_copper["best"]["us_per_atom"] == pytest.approx(1e6 * 0.08 / 256)


class Narrow(Timed):
    """Has memory for 100 atoms."""

    def evaluate(self, batch):
        if batch.n_atoms.sum() > 100:
            raise MemoryError("Unable to allocate")
        return super().evaluate(batch)


def test_what_does_not_fit_or_is_unknown_is_told(caplog):
    large = systems(frames_of(COPPER), [4, 400])
    lithium = systems(frames_of(molecule("LiF")), [])
    found = measure_card([(Narrow("toy"), "student")], [*large, *lithium], rounds=1)
    data, four, many, other = found["models"][0]["by_system"]
    assert data["best"]["batch"] == four["best"]["batch"] == 16  # 64 atoms: 256 do not fit
    assert many == {"error": "it failed: Unable to allocate"}
    assert other == {"error": "it does not know an element"}
    assert "64 times 4 atoms fail, not timed: Unable to allocate" in caplog.text
    rows = list(card_rows(found))
    # two figures of a cost and two of a batch, of the two systems that have any
    assert [row["statistic"] for row in rows] == 2 * [
        f"{which}_of_4_atoms" for which in ("one", "one", "best", "best")
    ]


def test_a_ladder_has_the_sizes_that_are_asked_for():
    frames = frames_of(COPPER.repeat((3, 1, 1)), COPPER, WATER)
    found = systems(frames, [8, 100, 1000])
    described = [(s.kind, s.n_atoms) for s in found]
    assert described == [
        ("data", 4),  # of 3, 4 and 12 atoms
        *(("crystal", n) for n in (8, 108, 1008)),  # the last: 6 x 6 x 7 cells
        *(("molecules", n) for n in (9, 99, 999)),
    ]
    # of 27 cells the cube, and not a rod
    cube = found[2].frame.cell[0]
    assert np.linalg.norm(cube, axis=1) == pytest.approx(3 * 3.61)


def test_copies_of_a_molecule_do_not_touch():
    (_, *ladder) = systems(frames_of(WATER), [24])
    (atoms,) = ladder[0].frame.to_atoms()
    distances = atoms.get_all_distances()
    apart = distances[np.arange(24)[:, None] // 3 != np.arange(24) // 3]
    assert apart.min() >= CONTACT - 1e-12  # by construction, to rounding
    # negative control: within one molecule atoms are nearer
    assert distances[distances > 0].min() < 1.0


def test_no_frames_have_no_system():
    assert systems(concatenate([frames_of(COPPER)]).select(np.zeros(1, dtype=bool)), [8]) == []
