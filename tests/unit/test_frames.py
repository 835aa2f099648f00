"""Ids, ancestry, selection and batches of frames."""

from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, derive, empty, frame_id, from_atoms, group_name
from limbeck.potentials.batches import batches_of
from planted import real_frames


def water(positions=None):
    """What makes up the id of a water molecule in a periodic box."""
    atoms = molecule("H2O")
    points = atoms.positions.copy() if positions is None else positions
    return {"numbers": atoms.numbers, "positions": points, "cell": np.eye(3), "pbc": [True] * 3}


def flip(values, position, bit):
    """The same array with one bit of it changed."""
    raw = bytearray(np.ascontiguousarray(values).tobytes())
    raw[position] ^= 1 << bit
    return np.frombuffer(bytes(raw), dtype=values.dtype).reshape(values.shape)


def same_frames(a: Frames, b: Frames) -> bool:
    names = [n for n in Frames.__dataclass_fields__ if n not in ("extra", "atom_extra")]
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in names)


def test_same_structure_same_id():
    assert frame_id(**water()) == frame_id(**water())
    fortran = np.asfortranarray(water()["positions"])
    assert frame_id(**water(fortran)) == frame_id(**water())  # memory order is not content


def test_the_id_is_what_it_was():
    # A changed id would move every view, every split and every file of older runs. The digest is
    # of the 3 + 72 + 72 + 3 + 2 bytes of numbers, positions, cell, pbc, charge and spin.
    points = np.arange(9.0).reshape(3, 3)
    assert frame_id(**water(points)) == b"5f959d8806a7b9dcacc97f507fde9a82"


def test_minus_zero_is_zero():
    zeros = np.zeros((3, 3))
    assert frame_id(**water(-zeros)) == frame_id(**water(zeros))
    assert frame_id(**water() | {"cell": -zeros}) == frame_id(**water() | {"cell": zeros})
    # negative control: the smallest number beside zero is another structure
    assert frame_id(**water(zeros + 5e-324)) != frame_id(**water(zeros))


def test_any_bit_changes_the_id():
    base = water()
    # off zero, since a flipped sign of zero is meant to be the same
    base["positions"] = base["positions"] + 1.25
    base["cell"] = np.arange(1.0, 10.0).reshape(3, 3)
    ids = {frame_id(**base)}
    rng = np.random.default_rng(0)
    for name in ("positions", "cell"):
        for position in range(base[name].nbytes):
            changed = flip(base[name], position, int(rng.integers(8)))
            ids.add(frame_id(**base | {name: changed}))
    ids.add(frame_id(**base | {"numbers": np.array([8, 1, 2])}))
    ids.add(frame_id(**base | {"numbers": np.array([1, 8, 1])}))  # order of the atoms
    ids.add(frame_id(**base | {"pbc": [False] * 3}))
    ids.update(frame_id(**base, charge=c, spin=s) for c, s in [(1, 0), (-1, 0), (0, 1)])
    assert len(ids) == 1 + 2 * 72 + 3 + 3


def test_the_cell_of_an_isolated_structure_is_not_its_content():
    boxed = molecule("CO2")
    boxed.set_cell([9, 9, 9])
    frames = from_atoms([molecule("CO2"), boxed], groups=["CO2"] * 2, source="s")
    assert frames.id[0] == frames.id[1]
    assert not frames.cell.any()


def test_ancestry_through_two_generations():
    roots = real_frames()
    assert set(roots.parent.tolist()) == {b""}
    assert np.array_equal(roots.root, roots.id)
    pairs = roots.select(np.repeat(np.arange(len(roots)), 2))
    shifted = pairs.positions + np.random.default_rng(0).normal(0, 0.1, pairs.positions.shape)
    infos = [{"step": b} for b in range(len(pairs))]
    children = derive(pairs, shifted, pairs.cell, sampling="md", seed=7, infos=infos)
    assert np.array_equal(children.parent, pairs.id)
    assert np.array_equal(children.root, pairs.id)
    assert len(set(children.id.tolist())) == 12
    grandchildren = derive(children, shifted + 0.1, children.cell, sampling="rattle", seed=8)
    assert np.array_equal(grandchildren.parent, children.id)
    assert np.array_equal(grandchildren.root, pairs.id)  # the first ancestor, not the parent
    assert np.array_equal(grandchildren.group, pairs.group)
    assert set(grandchildren.sampling.tolist()) == {b"rattle"}
    assert set(grandchildren.seed.tolist()) == {8}
    assert grandchildren.info_of(5) == {"step": 5}  # what a parent says stays


def test_a_childs_id_is_that_of_its_structure():
    root = real_frames().select([0])
    child = derive(root, root.positions + 0.5, root.cell * 1.01, sampling="md", seed=0)
    atoms = child.to_atoms()
    assert from_atoms(atoms, groups=["a"], source="elsewhere").id[0] == child.id[0]
    assert child.id[0] != root.id[0]


def test_extra_arrays_of_the_parent_are_not_the_childs():
    root = real_frames().select([0])
    root.extra["heat"] = np.zeros(1)
    assert derive(root, root.positions, root.cell, sampling="md", seed=0).extra == {}


def test_to_atoms_and_back():
    frames = real_frames()
    back = from_atoms(frames.to_atoms(), groups=list("abcdef"), source="real")
    assert same_frames(frames, back)


def test_select_takes_the_atoms_along():
    frames = real_frames()
    frames.extra["index"] = np.arange(len(frames))
    frames.atom_extra["row"] = np.arange(len(frames.numbers))
    chosen = frames.select([4, 0, 4])
    for place, b in enumerate([4, 0, 4]):
        rows, original = chosen.atoms_of(place), frames.atoms_of(b)
        assert np.array_equal(chosen.positions[rows], frames.positions[original])
        assert np.array_equal(chosen.atom_extra["row"][rows], np.arange(29)[original])
    assert chosen.extra["index"].tolist() == [4, 0, 4]
    mask = np.array([False, True, False, True, False, False])
    assert same_frames(frames.select(mask), frames.select([1, 3]))


def test_a_mask_of_the_wrong_length_is_an_error():
    with pytest.raises(LimbeckError, match="mask has 3 entries, expected 6"):
        real_frames().select(np.ones(3, dtype=bool))


def test_concatenate_undoes_select():
    frames = real_frames()
    parts = [frames.select([b]) for b in range(len(frames))]
    assert same_frames(concatenate(parts), frames)
    assert same_frames(concatenate([empty(), *parts, empty()]), frames)
    assert not same_frames(concatenate(parts[::-1]), frames)  # negative control


def test_concatenate_keeps_the_optional_arrays_that_every_part_has(caplog):
    full, without, wider = real_frames(), real_frames(), real_frames()
    full.extra.update(heat=np.arange(6.0), seen=np.ones(6))
    without.extra["seen"] = np.zeros(6)
    atoms = len(full.numbers)
    full.atom_extra["descriptors"] = np.zeros((atoms, 4))
    wider.extra.update(full.extra)
    wider.atom_extra["descriptors"] = np.zeros((atoms, 5))  # of another potential
    both = concatenate([full, full, empty()])
    assert both.extra["heat"].tolist() == [*range(6), *range(6)]
    assert both.atom_extra["descriptors"].shape == (2 * atoms, 4)
    assert not caplog.records
    with caplog.at_level("INFO"):
        mixed = concatenate([full, without])
    assert mixed.extra["seen"].tolist() == [1] * 6 + [0] * 6
    assert set(mixed.extra) == {"seen"}
    assert mixed.atom_extra == concatenate([full, wider]).atom_extra == {}
    assert "heat" in caplog.text


def test_empty():
    for none in (empty(), concatenate([]), real_frames().select([])):
        assert len(none) == 0
        assert none.positions.shape == (0, 3)
        assert none.cell.shape == (0, 3, 3)
        assert none.to_atoms() == []
        assert list(batches_of(none, 10)) == []


def test_rows_that_do_not_match_are_an_error():
    with pytest.raises(LimbeckError, match="group has 1 rows, expected 2"):
        from_atoms([bulk("Cu"), bulk("Ni")], groups=["Cu"], source="s")
    frames = real_frames()
    with pytest.raises(LimbeckError, match="positions has 28 rows, expected 29"):
        derive(frames, frames.positions[:-1], frames.cell, sampling="md", seed=0)


@pytest.mark.parametrize("pbc", [[True, True, False], [False, False, True]])
def test_partly_periodic_is_refused(pbc):
    slab = fcc111("Cu", (1, 1, 3), vacuum=5)
    slab.pbc = pbc
    with pytest.raises(LimbeckError, match=r"structure 1 of slabs: periodic in .* vacuum"):
        from_atoms([bulk("Cu"), slab], groups=["Cu"] * 2, source="slabs")


@pytest.mark.parametrize("max_atoms", [1, 5, 8, 1000])
def test_batches(max_atoms):
    rng = np.random.default_rng(1)
    structures = [
        Atoms("H" * n, rng.uniform(0, 9, (n, 3)), cell=[9] * 3, pbc=bool(rng.integers(2)))
        for n in rng.integers(1, 10, size=40)
    ]
    frames = from_atoms(structures, groups=["H"] * 40, source="s")
    batches = list(batches_of(frames, max_atoms))
    assert Counter(np.concatenate(batches).tolist()) == Counter(range(40))
    for batch in batches:
        assert len(set(frames.periodic[batch].tolist())) == 1
        assert frames.n_atoms[batch].sum() <= max_atoms or len(batch) == 1
    # negative control: both kinds are there, so one batch for all would have mixed them
    assert len(set(frames.periodic.tolist())) == 2
    assert len(batches) == {1: 40, 1000: 2}.get(max_atoms, len(batches))


def test_long_group_names_are_hashed():
    at_the_limit, beyond = "é" * 32, "é" * 32 + "x"  # 64 and 65 bytes
    assert group_name(at_the_limit).decode() == at_the_limit
    hashed = group_name(beyond)
    assert len(hashed) == 64
    assert hashed != group_name("é" * 32 + "y")
    frames = from_atoms([bulk("Cu")], groups=[beyond], source="s")
    assert frames.group[0] == hashed  # nothing is cut when it is stored
