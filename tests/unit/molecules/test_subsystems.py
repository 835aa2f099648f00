"""Clusters of molecules: the four rules against brute force, images, reasons, ancestry."""

import itertools
import logging
from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from jobs_of import subsystem_job
from limbeck.frames import Frames, concatenate, derive, empty, frame_id, from_atoms
from limbeck.molecules.detection import detect_molecules
from limbeck.molecules.shells import BY_DISTANCE, BY_NUMBER
from limbeck.molecules.subsystems import CLUSTER_COLUMNS, FRAGMENT_COLUMNS, extract_subsystems
from molecular_crystals import benzene, ice, skewed, urea, waters

SETTINGS = {
    "seed": 3,
    "subsystem": "clusters",
    "sampling": "md",
    "rule": "closest_to_central_molecule",
    "n_molecules": [1, 2, 3, 4, 5, 6, 7, 8],
    "detect_molecules_in": "each_frame",
    "assert_identical_composition": True,
    "many_body_order": None,
    "charges": {},
    "bond_factor": 1.25,
}
#: shortest lattice vector 11.1 A, against 9.4 A of the straight supercell of as many molecules
DENSE = ((2, 0, 0), (0, 2, 0), (1, 1, 2))


def supercell(atoms: Atoms, matrix) -> Atoms:
    from ase.build import make_supercell

    return make_supercell(atoms, matrix)


def trajectory(atoms: Atoms, count: int = 3, amplitude: float = 0.03) -> Frames:
    """Frames of molecules that move and turn a little, as rigid bodies, atoms anywhere."""
    root = from_atoms([atoms], groups=["crystal"], source="crystals", infos=[{"name": "x"}])
    parents = root.select(np.zeros(count, dtype=int))
    rng = np.random.default_rng(0)
    positions = np.tile(atoms.positions, (count, 1, 1))
    for one in detect_molecules(atoms):
        positions[:, one.indices] += rng.normal(0, 5 * amplitude, (count, 1, 3))
    positions += rng.normal(0, amplitude / 3, positions.shape)
    positions += rng.integers(-1, 2, positions.shape) @ np.asarray(atoms.cell)
    infos = [{"time_fs": 50.0 * f} for f in range(count)]
    return derive(
        parents, positions.reshape(-1, 3), parents.cell, sampling="md", seed=1, infos=infos
    )


def cut(frames: Frames, **changed):
    settings = SETTINGS | changed
    if settings["rule"] in BY_DISTANCE:
        del settings["n_molecules"]
    return extract_subsystems(frames, subsystem_job(settings))


def table(found) -> list[dict]:
    return [dict(zip(CLUSTER_COLUMNS, row, strict=True)) for row in found.rows]


def images_of_all(frames: Frames, b: int, reach: int):
    """Every molecule in (2 reach + 1)^3 cells: its number, centre of mass and atoms' positions."""
    atoms = frames.to_atoms()[b]
    cell, found = np.asarray(atoms.cell), []
    steps = range(-reach, reach + 1) if atoms.pbc.all() else [0]
    for k, one in enumerate(detect_molecules(atoms)):
        masses = atoms.get_masses()[one.indices]
        centre = masses @ one.positions / masses.sum()
        # near the origin first, so that the shifts reach equally far on all sides
        start = -np.rint(centre @ np.linalg.inv(cell)) if atoms.pbc.all() else np.zeros(3)
        for shift in itertools.product(steps, repeat=3):
            move = (start + shift) @ cell
            found.append((k, centre + move, one.positions + move))
    return found


def by_hand(frames: Frames, b: int, rule: str, limits: list[float], reach: int):
    """Molecules of clusters by looking at every image: number, centre, positions of each.

    None for a cluster that has a molecule twice.
    """
    images = images_of_all(frames, b, reach)
    middle = np.zeros(3)
    if rule == "closest_to_center_of_mass":
        middle = center_of_mass(frames.to_atoms()[b])
    central = min(images, key=lambda image: np.linalg.norm(image[1] - middle))
    # farther ones are in no cluster here
    images = [i for i in images if np.linalg.norm(i[1] - central[1]) < 17]
    if rule in BY_NUMBER:
        centre = middle if rule == "closest_to_center_of_mass" else central[1]
        values = [np.linalg.norm(image[1] - centre) for image in images]
    else:
        pick = np.min if rule == BY_DISTANCE[0] else np.max
        values = [
            0.0 if image is central else pick(distances(central[2], image[2])) for image in images
        ]
    order = np.argsort(values, kind="stable")
    found = []
    for limit in limits:
        count = limit if rule in BY_NUMBER else sum(v < limit for v in values)
        chosen = [images[i] for i in order[:count]]
        twice = len({k for k, _, _ in chosen}) < len(chosen)
        found.append(None if twice else chosen)
    return found


def center_of_mass(atoms: Atoms) -> np.ndarray:
    """Of a system whose molecules stand, by their own centres of mass, in the cell."""
    whole = detect_molecules(atoms)
    masses = [atoms.get_masses()[one.indices] for one in whole]
    centres = np.array([m @ one.positions / m.sum() for m, one in zip(masses, whole, strict=True)])
    if atoms.pbc.all():
        fractions = centres @ np.linalg.inv(atoms.cell)
        centres = (fractions - np.floor(fractions)) @ np.asarray(atoms.cell)
    return np.average(centres, axis=0, weights=[m.sum() for m in masses])


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.linalg.norm(one[:, None] - other, axis=-1)


CELLS = {
    "dense": lambda: supercell(urea(), DENSE),
    "straight": lambda: urea() * (2, 2, 2),
    "leaning": lambda: skewed(urea() * (2, 2, 2), ((1, 0, 0), (1, 1, 0), (-1, 1, 1))),
    "single": benzene,
    "benzene": lambda: benzene() * (2, 1, 2),
    "ice": lambda: ice() * (1, 2, 1),
    "isolated": lambda: waters(6),
}
LIMITS = {
    "closest_to_center_of_mass": {"n_molecules": [1, 3, 6, 8]},
    "closest_to_central_molecule": {"n_molecules": [1, 2, 5, 8]},
    "max_min_distance_to_central_molecule": {"distances_A": [1.3, 2.2, 2.6, 4.0]},
    "max_max_distance_to_central_molecule": {"distances_A": [4.5, 7.0, 8.0, 11.0]},
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("rule", LIMITS)
def test_clusters_are_those_that_brute_force_finds(cell, rule):
    """All images in many cells are looked at by hand, in cells straight, leaning and small."""
    frames = trajectory(CELLS[cell](), count=2)
    found = cut(frames, rule=rule, **LIMITS[rule], assert_identical_composition=False)
    place = {name: b for b, name in enumerate(found.frames.id.tolist())}
    (limits,) = LIMITS[rule].values()
    reach = 4 if cell in ("leaning", "single") else 2
    clusters = [c for b in range(2) for c in by_hand(frames, b, rule, limits, reach)]
    built = []
    for row, expected in zip(table(found), clusters, strict=True):
        too_few = cell == "isolated" and row["n_molecules"] == 8
        built.append(expected is not None and not too_few)
        assert bool(row["reason"]) != built[-1]
        if not built[-1]:
            continue
        info = found.frames.info_of(place[row["id"].encode()])
        assert info["molecules"] == [number for number, _, _ in expected]
        positions = found.frames.positions[found.frames.atoms_of(place[row["id"].encode()])]
        by_hand_positions = np.concatenate([p for _, _, p in expected])
        np.testing.assert_allclose(positions, by_hand_positions, atol=1e-9)  # rounding
    assert any(built)
    if cell == "single":
        assert not all(built)  # so small a cell is refused for the large shells


def test_every_cell_of_one_crystal_gives_the_same_clusters():
    """Clusters of a perfect crystal: sorted distances of atoms, where the cell is large enough."""
    fingerprints = {}
    for name, atoms in {
        "dense": supercell(urea(), DENSE),
        "leaning": skewed(urea() * (3, 3, 3)),
        "large": urea() * (3, 3, 3),
    }.items():
        root = from_atoms([atoms], groups=["u"], source="s")
        found = cut(root, rule=BY_DISTANCE[0], distances_A=[2.1, 2.6])
        assert [row["reason"] for row in table(found)] == ["", ""]
        parts = [found.frames.positions[found.frames.atoms_of(b)] for b in range(2)]
        fingerprints[name] = [np.sort(distances(p, p).ravel()) for p in parts]
    for name in ("leaning", "large"):
        for one, other in zip(fingerprints["dense"], fingerprints[name], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-8)  # rounding


def test_a_cell_that_is_too_small_is_a_reason_and_no_wrong_cluster():
    """In 2 x 2 x 2 cells of urea the neighbours above and below are images of one molecule.

    Four others are nearer, these two come as the sixth and the seventh.
    """
    root = from_atoms([urea() * (2, 2, 2)], groups=["u"], source="s")
    rows = table(cut(root, n_molecules=[6, 7, 8]))
    assert [bool(row["reason"]) for row in rows] == [False, True, True]
    assert rows[1]["reason"].startswith("cell too small for the shell: 1 image(s)")
    assert rows[1]["id"] == ""
    dense = from_atoms([supercell(urea(), DENSE)], groups=["u"], source="s")
    assert [row["reason"] for row in table(cut(dense))] == [""] * 8


def test_more_molecules_than_there_are():
    for atoms, count in ((urea(), 2), (waters(3), 3)):
        rows = table(cut(from_atoms([atoms], groups=["x"], source="s"), n_molecules=[1, 9]))
        assert rows[0]["reason"] == ""
        assert rows[1]["reason"] == f"9 molecules asked for, the frame has {count}"


def test_without_the_minimum_image_some_neighbours_would_be_wrong():
    """Negative control: neighbours by plain distance in the cell are not those that are nearest."""
    frames = trajectory(supercell(urea(), DENSE), count=1)
    found = cut(frames, n_molecules=[8])
    chosen = found.frames.info_of(0)["molecules"]
    images = images_of_all(frames, 0, 0)
    central = images[chosen[0]][1]
    plain = sorted(images, key=lambda image: np.linalg.norm(image[1] - central))[:8]
    assert {k for k, _, _ in plain} != set(chosen)


def test_where_a_cluster_comes_from():
    frames = trajectory(supercell(urea(), DENSE))
    found = cut(frames, charges={"CH4N2O": 0}).frames
    assert len(found) == 3 * 8
    assert not found.pbc.any()
    assert not found.cell.any()
    assert found.parent.tolist() == np.repeat(frames.id, 8).tolist()
    assert set(found.root.tolist()) == {frames.root[0]} == {frames.parent[0]}
    assert set(found.group.tolist()) == {b"crystal"}
    assert set(found.source.tolist()) == {b"crystals"}
    assert set(found.sampling.tolist()) == {b"clusters"}
    assert found.n_atoms.tolist() == [8 * n for n in range(1, 9)] * 3
    molecule_of_atom = found.atom_extra["molecule"]
    assert molecule_of_atom.dtype == np.int32
    assert molecule_of_atom[found.atoms_of(2)].tolist() == np.repeat(range(3), 8).tolist()
    for b in range(len(found)):
        rows = found.atoms_of(b)
        assert found.id[b] == frame_id(
            found.numbers[rows], found.positions[rows], found.cell[b], found.pbc[b]
        )


def test_what_a_cluster_says_of_its_molecules():
    frames = trajectory(supercell(urea(), DENSE))
    found = cut(frames, charges={"CH4N2O": 0}).frames
    info = found.info_of(15)  # eight molecules of the second frame
    assert info["time_fs"] == 50.0
    assert (info["cut_from"], info["rule"]) == ("md", SETTINGS["rule"])
    assert info["frame"] == frames.id[1].decode()
    assert (info["n_molecules"], len(set(info["molecules"]))) == (8, 8)
    assert info["formulas"] == ["CH4N2O"] * 8
    assert info["charges"] == [0] * 8
    atoms = found.to_atoms()[15]
    parts = [atoms[found.atom_extra["molecule"][found.atoms_of(15)] == m] for m in range(8)]
    centres = [part.get_center_of_mass() for part in parts]
    np.testing.assert_allclose(info["centres_of_mass_A"], centres, atol=1e-6)  # six decimals
    between = [distances(parts[0].positions, part.positions) for part in parts[1:]]
    smallest, largest = [0, *(d.min() for d in between)], [0, *(d.max() for d in between)]
    np.testing.assert_allclose(info["min_distances_A"], smallest, atol=1e-6)
    np.testing.assert_allclose(info["max_distances_A"], largest, atol=1e-6)
    # the nearest first, by centres of mass
    apart = np.linalg.norm(np.array(centres) - centres[0], axis=1)
    assert np.all(np.diff(apart) > 0)


def test_the_summary_has_a_row_for_each_frame_and_size():
    frames = trajectory(supercell(urea(), DENSE))
    rows = table(cut(frames, n_molecules=[3, 1]))
    assert [row["n_molecules"] for row in rows] == [1, 3] * 3
    assert [row["frame"] for row in rows] == np.repeat([i.decode() for i in frames.id], 2).tolist()
    assert {row["parent"] for row in rows} == {frames.parent[0].decode()}
    assert (rows[1]["composition"], rows[1]["n_atoms"]) == ("3 CH4N2O", 24)
    assert rows[0]["min_distance_A"] == "" < str(rows[1]["min_distance_A"])


def test_two_limits_that_give_one_cluster_make_one_frame():
    found = cut(trajectory(waters(3), count=1), rule=BY_DISTANCE[0], distances_A=[9.0, 12.0])
    assert len(found.frames) == 1
    assert [row[CLUSTER_COLUMNS.index("n_molecules")] for row in found.rows] == [3, 3]


def walk(count: int = 6) -> Frames:
    """Ice of which every molecule goes its own way, far, over the borders of the cell."""
    atoms = ice() * 2
    root = from_atoms([atoms], groups=["ice"], source="s")
    parents = root.select(np.zeros(count, dtype=int))
    rng = np.random.default_rng(1)
    positions = np.tile(atoms.positions, (count, 1, 1))
    for one in detect_molecules(atoms):
        steps = rng.normal(0, 0.05, (count, 1, 3))
        positions[:, one.indices] += np.cumsum(steps, axis=0)
    positions += np.linspace(0, 12, count)[:, None, None]  # all together, through the whole cell
    inverse = np.linalg.inv(np.asarray(atoms.cell))
    positions -= np.floor(positions @ inverse) @ np.asarray(atoms.cell)
    return derive(parents, positions.reshape(-1, 3), parents.cell, sampling="md", seed=1)


def test_a_reference_frame_keeps_the_molecules_and_their_images():
    frames = walk()
    fixed = cut(frames, detect_molecules_in="first", n_molecules=[5]).frames
    molecules = [fixed.info_of(b)["molecules"] for b in range(6)]
    assert all(m == molecules[0] for m in molecules)
    # what is one cluster in the first frame stays together: neighbours at 2.75 A, four steps of 0.1
    for b in range(6):
        centres = np.array(fixed.info_of(b)["centres_of_mass_A"])
        apart = np.linalg.norm(centres[1:] - centres[0], axis=1)
        assert np.all((apart > 2.0) & (apart < 3.5))
    # negative control: chosen anew in each frame, they are others, since all have moved on
    free = cut(frames, n_molecules=[5]).frames
    assert any(free.info_of(b)["molecules"] != molecules[0] for b in range(6))
    # a frame of its own gives its own first cluster
    assert fixed.id[0] == free.id[0]


@pytest.mark.parametrize("rule", LIMITS)
def test_a_reference_frame_with_every_rule(rule):
    frames = trajectory(supercell(urea(), DENSE), count=4, amplitude=1e-4)
    options = {"rule": rule} | LIMITS[rule]
    fixed, free = cut(frames, detect_molecules_in="first", **options), cut(frames, **options)
    # hardly anything moves, so that both ways choose alike
    assert [row["composition"] for row in table(fixed)] == [r["composition"] for r in table(free)]


def test_a_bond_that_changes_is_told_and_its_frame_set_aside(caplog):
    frames = trajectory(supercell(urea(), DENSE), count=5)
    offsets = frames.offsets
    atoms = frames.to_atoms()[3]
    hydrogen = int(np.flatnonzero(atoms.numbers == 1)[0])
    frames.positions[offsets[3] + hydrogen] += 0.9  # a hydrogen atom leaves
    with caplog.at_level(logging.WARNING):
        found = cut(frames, n_molecules=[2])
    reasons = [row["reason"] for row in table(found)]
    assert [bool(r) for r in reasons] == [False, False, False, True, False]
    assert reasons[3].startswith("bond ")
    assert f"H{hydrogen}" in reasons[3]
    assert reasons[3].endswith("broken, against most frames of its trajectory")
    assert "bonds changed in 1 of 5 frames" in caplog.text
    assert "1 of 5 clusters not built" in caplog.text


def test_a_first_frame_with_a_broken_bond_condemns_itself_alone():
    frames = trajectory(supercell(urea(), DENSE), count=4)
    hydrogen = int(np.flatnonzero(frames.numbers[frames.atoms_of(0)] == 1)[0])
    frames.positions[hydrogen] += 0.9
    rows = table(cut(frames, n_molecules=[2]))
    assert [bool(row["reason"]) for row in rows] == [True, False, False, False]


def test_a_frame_of_no_use_costs_the_others_nothing():
    frames = trajectory(supercell(urea(), DENSE), count=4)
    frames.positions[frames.offsets[1]] = np.nan
    frames.cell[2, 2] = 0.0
    rows = table(cut(frames, n_molecules=[2]))
    assert [row["reason"].split(":")[0] for row in rows] == [
        "",
        "numbers that are not finite",
        "degenerate cell",
        "",
    ]
    assert table(cut(frames.select([1]), n_molecules=[2]))[0]["reason"]


def test_what_has_no_molecules_costs_the_others_nothing():
    parts = [bulk("Cu", cubic=True), urea() * 2, bulk("NaCl", "rocksalt", 5.64)]
    frames = from_atoms(parts, groups=["a", "b", "c"], source="s")
    found = cut(frames, n_molecules=[1, 2])
    assert len(found.frames) == 2
    reasons = [row["reason"] for row in table(found)]
    assert [r.split(":")[0] for r in reasons] == ["metal", "metal", "", "", *["framework"] * 2]
    assert cut(empty()).rows == []
    assert len(cut(frames.select([0])).frames) == 0


def two_kinds(swap: bool) -> Atoms:
    """An argon atom between two water molecules at 4.0 and 4.1 A, or the other way round."""
    water, other = molecule("H2O"), Atoms("Ne")
    whole = Atoms("Ar")
    for atoms, x in ((water, 4.1 if swap else 4.0), (other, -4.0 if swap else -4.1)):
        atoms.positions += [x, 0, 0] - atoms.get_center_of_mass()
        whole += atoms
    return whole


def test_clusters_of_another_composition_are_set_aside():
    root = from_atoms([two_kinds(False)], groups=["x"], source="s")
    parents = root.select([0, 0])
    positions = np.concatenate([two_kinds(s).positions for s in (False, True)])
    frames = derive(parents, positions, parents.cell, sampling="md", seed=1)
    rows = table(cut(frames, n_molecules=[1, 2, 3]))
    assert [row["composition"] for row in rows[:3]] == [
        "1 Ar",
        "1 Ar + 1 H2O",
        "1 Ar + 1 H2O + 1 Ne",
    ]
    assert [row["reason"] for row in rows[3:]] == [
        "",
        "composition 1 Ar + 1 Ne, in the first frame 1 Ar + 1 H2O",
        "",
    ]
    free = table(cut(frames, n_molecules=[1, 2, 3], assert_identical_composition=False))
    assert [row["reason"] for row in free] == [""] * 6
    fixed = table(cut(frames, n_molecules=[1, 2, 3], detect_molecules_in="first"))
    assert [row["composition"] for row in fixed[3:]] == [row["composition"] for row in rows[:3]]


def salt(charge: int = 0) -> Frames:
    """Ammonium and chloride, 4 A apart."""
    ammonium = molecule("NH3")
    ammonium += Atoms("H", [[0, 0, 1.2]])
    ammonium.positions += [4.0, 0, 0] - ammonium.get_center_of_mass()
    return from_atoms([ammonium + Atoms("Cl")], groups=["x"], source="s", charges=[charge])


def test_charges_of_molecules():
    found = cut(salt(), n_molecules=[1, 2], charges={"H4N": 1, "Cl": -1}).frames
    assert found.charge.tolist() == [-1, 0]
    assert found.spin.tolist() == [0, 0]
    assert found.info_of(1)["charges"] == [-1, 1]
    # unknown: neutral, with an electron too many for pairs
    unknown = cut(salt(), n_molecules=[1, 2]).frames
    assert (unknown.charge.tolist(), unknown.spin.tolist()) == ([0, 0], [1, 0])
    assert "charges" not in unknown.info_of(1)


def test_charges_that_do_not_add_up_are_a_reason():
    for frames, charges in ((salt(), {"Cl": -1}), (salt(charge=1), {})):
        (row,) = table(cut(frames, n_molecules=[2], charges=charges))
        assert row["reason"].startswith("charges of its molecules add up to")


def test_fragments_are_all_subsets_each_once():
    frames = trajectory(supercell(urea(), DENSE), count=2)
    found = cut(frames, n_molecules=[1, 3, 4], many_body_order=3)
    made = {name.decode(): b for b, name in enumerate(found.frames.id.tolist())}
    assert len(made) == len(found.frames)
    # of four molecules, which have all fragments of the three and of the one among theirs
    assert len(found.frames) == 2 * (4 + 6 + 4 + 1)
    rows = [dict(zip(FRAGMENT_COLUMNS, row, strict=True)) for row in found.fragments]
    counts = Counter((row["n_molecules"], row["order"]) for row in rows)
    expected = {(1, 1): 1, (3, 1): 3, (3, 2): 3, (3, 3): 1, (4, 1): 4, (4, 2): 6, (4, 3): 4}
    assert counts == {key: 2 * count for key, count in expected.items()}
    for row in rows:
        cluster, fragment = (found.frames.info_of(made[row[n]]) for n in ("cluster", "fragment"))
        assert len(fragment["molecules"]) == row["order"]
        assert set(fragment["molecules"]) <= set(cluster["molecules"])
        assert fragment["frame"] == cluster["frame"]
        # at the very place that it has in the cluster
        spots = set(map(tuple, cluster["centres_of_mass_A"]))
        assert set(map(tuple, fragment["centres_of_mass_A"])) <= spots
    assert cut(frames, n_molecules=[3]).fragments == []


def test_several_structures_in_one_shard():
    both = concatenate([trajectory(urea() * 2, 2), trajectory(benzene(), 3)])
    order = [0, 2, 1, 3, 4]
    found = cut(both.select(order), n_molecules=[1, 2])
    assert Counter(row["composition"] for row in table(found)) == {
        f"{n} {formula}": count for formula, count in (("CH4N2O", 2), ("C6H6", 3)) for n in (1, 2)
    }
