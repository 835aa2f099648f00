"""Screening: one reason per refused frame, and nothing sound refused."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from limbeck.config.sections.sources import Screen
from limbeck.frames import concatenate, empty, from_atoms
from limbeck.geometry import cell_height, density, shortest_distance_ratio, shortest_ratio
from limbeck.structures.screening import Rejected, read_rejected, screen, write_rejected

SETTINGS = Screen(max_atoms=20)
NACL = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
SILICON = bulk("Si", "diamond", a=5.431, cubic=True)


def frames_of(*structures):
    return from_atoms(list(structures), groups=["g"] * len(structures), source="s")


def changed(atoms: Atoms, **arrays) -> Atoms:
    """A copy with ``numbers``, ``positions`` or ``cell`` replaced."""
    values = {"numbers": atoms.numbers, "positions": atoms.positions, "cell": atoms.cell}
    return Atoms(**(values | arrays), pbc=atoms.pbc)


def with_first(atoms: Atoms, where) -> Atoms:
    positions = atoms.positions.copy()
    positions[0] = where
    return changed(atoms, positions=positions)


def ratio(atoms: Atoms, reach: float = 1.5) -> float:
    return shortest_ratio(
        atoms.numbers, atoms.positions, atoms.cell.array, bool(atoms.pbc.all()), reach
    )


def test_density_of_silicon():
    # 2.3290 g/cm3 follows from a = 5.4310 A and the mass of silicon
    assert density(SILICON.numbers, SILICON.cell.array) == pytest.approx(2.3290, abs=5e-4)


def test_shortest_ratio_of_known_structures():
    assert ratio(NACL) == pytest.approx(2.82 / (1.66 + 1.02))  # Cordero's radii
    assert ratio(SILICON) == pytest.approx(5.431 * 3**0.5 / 4 / 2.22)
    assert ratio(Atoms("H")) == np.inf


def test_ratios_of_many_frames_are_those_of_each():
    structures = [NACL, molecule("H2O"), SILICON]
    found = shortest_distance_ratio(frames_of(*structures), reach=1.5)
    assert found.tolist() == [ratio(a) for a in structures]


def test_an_atom_sees_its_own_images():
    lonely = Atoms("Cu", cell=[1.4, 9, 9], pbc=True)
    assert ratio(lonely) == pytest.approx(1.4 / (2 * 1.32))


def test_pairs_meet_through_the_boundary():
    pair = Atoms("H2", positions=[[0.1, 0, 0], [8.9, 0, 0]], cell=[9, 9, 9], pbc=True)
    assert ratio(pair) == pytest.approx(0.2 / 0.62)
    pair.pbc = False
    assert ratio(pair) == np.inf


def test_cell_height():
    assert cell_height(np.diag([2.0, 3.0, 4.0])) == pytest.approx(2)
    assert cell_height(np.array([[1.0, 0, 0], [50, 0.1, 0], [0, 0, 9]])) == pytest.approx(
        0.1 / np.hypot(50, 0.1)
    )
    assert cell_height(np.zeros((3, 3))) == 0


@pytest.mark.parametrize(
    ("atoms", "reason", "value", "limit"),
    [
        (Atoms(), "no atoms", 0, 1),
        (NACL * (2, 2, 1), "too many atoms", 32, 20),
        (with_first(NACL, np.nan), "numbers that are not finite", 3, 0),
        (with_first(NACL, [np.inf, 0, 0]), "numbers that are not finite", 1, 0),
        (changed(NACL, numbers=[95] + [17] * 7), "atomic number out of range", 95, "1 to 94"),
        (changed(NACL, numbers=[0] + [17] * 7), "atomic number out of range", 0, "1 to 94"),
        (changed(NACL, cell=[5.64, 5.64, 0.5]), "degenerate cell: smallest height in A", 0.5, 1.0),
        (changed(NACL, cell=np.zeros((3, 3))), "degenerate cell: smallest height in A", 0, 1.0),
        (changed(NACL, cell=[60, 60, 60]), "density too low, g/cm3", 0.00180, 0.05),
        (changed(NACL, cell=[2, 2, 2]), "density too high, g/cm3", 48.5, 30),
        (
            with_first(NACL, NACL.positions[1]),
            "atoms too close: distance over sum of covalent radii",
            0,
            0.6,
        ),
        (
            Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.31]]),
            "atoms too close: distance over sum of covalent radii",
            0.5,
            0.6,
        ),
    ],
)
def test_each_fault_has_its_reason(atoms, reason, value, limit):
    frames = frames_of(SILICON, atoms, molecule("H2O"))
    kept, rejected = screen(frames, SETTINGS)
    assert kept.id.tolist() == frames.id[[0, 2]].tolist()
    assert [(r.frame, r.id, r.reason) for r in rejected] == [
        ("s/row 1", frames.id[1].decode(), reason)
    ]
    # densities above are given to three digits
    assert rejected[0].value == pytest.approx(value, rel=5e-3, abs=1e-12)
    assert rejected[0].limit == limit


def test_a_cell_that_is_not_finite_is_refused():
    frames = frames_of(NACL)
    frames.cell[0, 0, 0] = np.nan
    assert screen(frames, SETTINGS)[1][0].reason == "numbers that are not finite"


def test_limits_are_inclusive_on_the_sound_side():
    loose = Screen(max_atoms=8, min_distance_ratio=ratio(NACL) - 1e-9)
    tight = Screen(min_distance_ratio=ratio(NACL) + 1e-9)
    assert len(screen(frames_of(NACL), loose)[0]) == 1
    assert len(screen(frames_of(NACL), tight)[0]) == 0


def test_exact_duplicates_go_and_near_ones_stay():
    near = with_first(NACL, NACL.positions[0] + 1e-6)
    kept, rejected = screen(frames_of(NACL, near, NACL), SETTINGS)
    assert len(kept) == 2
    assert [(r.frame, r.reason) for r in rejected] == [("s/row 2", "duplicate of an earlier frame")]


def test_the_number_in_the_source_names_a_frame():
    frames = from_atoms([Atoms()], groups=["g"], source="mols", infos=[{"number": 7}])
    assert screen(frames, SETTINGS)[1][0].frame == "mols/7"


def test_screening_twice_changes_nothing_and_empty_stays_empty():
    kept, _ = screen(frames_of(NACL, SILICON), SETTINGS)
    again, rejected = screen(kept, SETTINGS)
    assert rejected == []
    assert again.id.tolist() == kept.id.tolist()
    nothing, rejected = screen(empty(), SETTINGS)
    assert len(nothing) == 0
    assert rejected == []
    assert len(concatenate([nothing, kept])) == 2


def test_rejects_come_back_from_their_file(tmp_path):
    written = [Rejected("s/1", "ab", "too many, atoms", 32, 20)]
    write_rejected(tmp_path / "r.csv", written)
    assert read_rejected(tmp_path / "r.csv") == [
        Rejected("s/1", "ab", "too many, atoms", "32", "20")
    ]
