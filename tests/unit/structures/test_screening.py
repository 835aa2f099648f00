"""Screening: one reason per refused frame, and nothing sound refused."""

import io

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.collections import g2
from ase.io import read

from limbeck.config.sections.screen import Screen
from limbeck.frames import concatenate, empty, from_atoms
from limbeck.geometry import cell_height, density, shortest_distance_ratio, shortest_ratio
from limbeck.structures.screening import Rejected, read_rejected, screen, write_rejected
from molecular_crystals import benzene, catenane, ice, shared_crystal, urea, waters

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


def times(atoms: Atoms, factor: float) -> Atoms:
    """With all lengths multiplied."""
    return changed(atoms, positions=atoms.positions * factor, cell=atoms.cell.array * factor)


def facing(atoms: Atoms, distance: float) -> Atoms:
    """A molecule and its mirror image, the nearest atoms of both that far apart along z."""
    lower, upper = atoms.copy(), atoms.copy()
    # an atom on the axis is the lowest one
    axis = atoms.positions[1] - atoms.positions[0]
    lower.rotate(axis, "z", center=atoms.positions[0])
    upper.rotate(axis, "-z", center=atoms.positions[0])
    upper.translate([0, 0, lower.positions[:, 2].max() - upper.positions[:, 2].min() + distance])
    return lower + upper


def refused(atoms: Atoms, **limits) -> str:
    """Why a structure is refused; an empty text where it is not."""
    rejected = screen(frames_of(atoms), Screen(**limits))[1]
    return rejected[0].reason if rejected else ""


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
        (times(NACL, 10), "density too low, g/cm3", 0.00217, 0.05),
        # four atoms of Na with 0.8 * 11^0.45 A^3 and four of Cl with 0.8 * 17^0.45
        (changed(NACL, cell=[2, 2, 2]), "density too high, g/cm3", 48.5, 18.6),
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
            0.52 / 0.62,
        ),
        (
            facing(molecule("CH4"), 1.0),
            "molecules too close: distance over sum of van der Waals radii",
            1.0 / 2.4,
            0.45,
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
    # that of densities to three digits, others but for rounding
    assert rejected[0].limit == (
        limit if isinstance(limit, str) else pytest.approx(limit, rel=3e-3 if limit > 9 else 1e-12)
    )


@pytest.mark.parametrize(
    ("name", "pair", "length"),
    [("CH4", (0, 1), 0.64), ("C2H6", (0, 1), 0.91), ("H2O", (0, 1), 0.58), ("NH3", (0, 1), 0.62)],
)
def test_a_bond_that_costs_an_ionisation_is_refused(name, pair, length):
    """C-H, C-C, O-H and N-H at 0.6 sums of their radii: 7 to 20 eV too much."""
    atoms = molecule(name)
    atoms.set_distance(*pair, length, fix=0)
    assert refused(atoms).startswith("atoms too close")
    assert refused(molecule(name)) == ""


@pytest.mark.parametrize(
    ("name", "passes"), {"C2H6": 1.2, "C2H4": 1.05, "C2H2": 0.98, "N2": 0.92, "O2": 1.0}.items()
)
def test_a_single_bond_is_not_let_as_short_as_a_triple_one(name, passes):
    """Of GFN2-xTB, each has 3 to 5 eV more at these lengths than at rest."""

    def at(length):
        atoms = molecule(name)
        distances = atoms.get_all_distances()
        half = distances[1] < distances[0]
        bond = atoms.positions[1] - atoms.positions[0]
        atoms.positions[half] += bond * (length / np.linalg.norm(bond) - 1)
        return refused(atoms)

    assert at(passes) == ""
    assert at(passes - 0.09).startswith("atoms too close")


def test_no_atom_is_let_half_an_angstrom_near():
    """To any other element, and to a few that are large, small or noble."""
    everything = range(1, 95)
    pairs = [(z, 95 - z) for z in everything]
    pairs += [(z, other) for z in everything for other in (1, 2, 6, 9, 55, 79)]
    near = frames_of(*(Atoms(pair, [[0, 0, 0], [0, 0.3, 0.4]]) for pair in pairs))
    assert len(screen(near, Screen())[0]) == 0
    assert len(screen(near, Screen(min_distance_ratio=0.0))[0]) == 0
    # negative control: as far apart as large atoms in a crystal, none is refused
    apart = frames_of(*(Atoms(pair, [[0, 0, 0], [0, 0, 3.9]]) for pair in pairs))
    reasons = {r.reason for r in screen(apart, Screen())[1]}
    assert reasons <= {"duplicate of an earlier frame"}


def test_the_smallest_distances_that_exist_pass():
    hot = {"N2": 0.95, "CO": 0.98, "H2": 0.6}  # 1000 K: five standard deviations below the mean
    for name, length in hot.items():
        atoms = molecule(name)
        atoms.set_distance(0, 1, length)
        assert refused(atoms) == "", name
    # V2 and Cr2 (Langenberg et al. 2008), UO2 2+ of uranyl, HF, F2
    for symbols, length in {"V2": 1.77, "Cr2": 1.68, "UO": 1.76, "HF": 0.92, "F2": 1.41}.items():
        assert refused(Atoms(symbols, [[0, 0, 0], [0, 0, length]])) == "", symbols
    places = [(0, 0, 0), (0, 0, 0.5), (1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75)]
    cell = [2.784, 2.784, 3.873, 90, 90, 120]  # Ma et al., Nature 458, 182 (2009): 320 GPa
    assert refused(Atoms("Na4", scaled_positions=places, cell=cell, pbc=True)) == ""


#: element -> lattice, and volume of an atom at about 1 TPa by Vinet's equation of state, A^3
#: (constants in benchmarks/screen.py)
AT_A_TERAPASCAL = {
    "Au": ("fcc", 7.9),
    "Pt": ("fcc", 7.7),
    "Ir": ("fcc", 7.9),
    "W": ("bcc", 7.6),
    "U": ("bcc", 7.9),
    "Cu": ("fcc", 4.9),
    "Al": ("fcc", 5.1),
}


@pytest.mark.parametrize("symbol", AT_A_TERAPASCAL)
def test_a_terapascal_passes_and_four_times_the_density_of_it_does_not(symbol):
    lattice, volume = AT_A_TERAPASCAL[symbol]
    a = ((4 if lattice == "fcc" else 2) * volume) ** (1 / 3)
    crystal = bulk(symbol, lattice, a=a) * (2, 2, 2)
    assert refused(crystal) == ""
    if symbol in {"Au", "Pt", "Ir", "W", "U"}:
        assert density(crystal.numbers, crystal.cell.array) > 30  # what once was the limit of all
    assert refused(times(crystal, 4 ** (-1 / 3))).startswith("density too high")
    assert refused(times(crystal, 0.1)) != ""


def test_a_box_that_is_not_filled_has_no_density():
    for atoms in (molecule("CH3CH2OH"), Atoms("Au"), molecule("H2"), molecule("C60")):
        atoms.center(vacuum=10)
        atoms.pbc = True
        assert density(atoms.numbers, atoms.cell.array) < 0.3
        assert refused(atoms) == ""
    wide = changed(NACL, cell=[60, 60, 60])  # a cluster in a box
    assert refused(wide) == ""
    assert refused(times(NACL, 10)).startswith("density too low")  # evenly spread: blown up
    assert refused(times(NACL, 10), min_density_g_cm3=0) == ""


def test_a_limit_that_is_given_holds_for_all():
    assert refused(NACL, max_density_g_cm3=2.0).startswith("density too high")
    assert refused(NACL, min_distance_ratio=1.1).startswith("atoms too close")
    assert refused(NACL, min_distance_ratio=0.0, max_density_g_cm3=1e9) == ""
    # and two atoms never stand in one place
    assert refused(with_first(NACL, NACL.positions[1]), min_distance_ratio=0.0)


def test_molecules_do_not_go_through_each_other():
    benzene = molecule("C6H6")
    for distance, reason in {2.0: "molecules too close", 3.4: ""}.items():
        upper = benzene.copy()
        upper.translate([0, 0, distance])
        assert refused(benzene + upper)[: len("molecules too close")] == reason
        # as one molecule and its image, and in a cell that cuts it
        cell = Atoms(benzene, cell=[12, 12, distance], pbc=True)
        assert refused(cell)[: len("molecules too close")] == reason
        cell.translate([0, 0, -0.01])
        cell.wrap()
        assert refused(cell)[: len("molecules too close")] == reason
    assert refused(facing(molecule("CH4"), 1.2)) == ""  # as near as under pressure
    assert refused(facing(molecule("CH4"), 1.0), min_contact_ratio=0) == ""


def test_hydrogen_bonds_are_no_contacts():
    """Down to the symmetric one of F-H-F, and ice X, of which ice at 100 GPa is made."""
    flat = Atoms("FHFHF", [[0, 0, z] for z in (0, 0.95, 2.1, 3.25, 4.4)])
    assert refused(flat) == ""
    assert refused(ice(oh=1.15, oo=2.3)) == ""
    assert refused(waters(6, spacing=2.5)) == ""


def test_crystals_of_molecules_pass():
    for crystal in (urea(), benzene(), ice(), catenane()):
        assert refused(crystal) == ""


def test_crystals_of_real_life_pass_and_ten_times_smaller_ones_do_not(shared):
    """Sixty of MP-20; all of them, and more, are in benchmarks/screen.py."""
    table = pd.read_csv(shared / "crystals/mp20_dev.csv.gz", nrows=60)["cif"]
    crystals = [read(io.StringIO(cif), format="cif") for cif in table]
    crystals += [shared_crystal(shared, name) for name in ("CO2", "ammonia", "urea")]
    frames = frames_of(*crystals)
    assert screen(frames, Screen())[1] == []
    assert len(screen(frames_of(*(times(a, 0.1) for a in crystals)), Screen())[0]) == 0
    moved = [a.copy() for a in crystals]
    for i, a in enumerate(moved):
        a.rattle(0.08, seed=i)
    assert len(screen(frames_of(*moved), Screen())[1]) == 0
    inside = [a + Atoms("H", [a.positions[0] + [0.3, 0.0, 0.4]]) for a in crystals]
    assert len(screen(frames_of(*inside), Screen())[0]) == 0


def test_molecules_of_g2_pass_displaced_as_well():
    molecules = [molecule(name) for name in g2.names]
    for i, a in enumerate(molecules):
        a.rattle(0.05 * (i % 2), seed=i)
    assert [m.symbols for m in molecules if refused(m)] == []


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
