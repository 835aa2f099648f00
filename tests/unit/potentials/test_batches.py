"""Batches: what they may hold, and a cheap guess of neighbours."""

from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from vesin import NeighborList

from limbeck.frames import concatenate, from_atoms
from limbeck.potentials.batches import Limits, batches_of, cut_batches, estimated_neighbours
from limbeck.potentials.models.toys import LennardJones
from planted import real_frames


def counted(frames, cutoff):
    """Neighbours of all atoms of each frame, by a search."""
    search = NeighborList(cutoff=cutoff, full_list=True)
    return [
        len(search.compute(a.positions, np.asarray(a.cell), bool(a.pbc.all()), "i")[0])
        for a in frames.to_atoms()
    ]


def test_neighbours_of_a_homogeneous_crystal_are_guessed_well():
    crystals = [bulk("Cu", cubic=True), bulk("Si"), bulk("NaCl", "rocksalt", a=5.64)]
    frames = from_atoms(crystals, groups=list("abc"), source="s")
    found = estimated_neighbours(frames, 8.0)
    # A sphere of 8 Angstrom holds 180 atoms or so; its surface, and the atom itself: within 10 %
    np.testing.assert_allclose(found, counted(frames, 8.0), rtol=0.1)
    np.testing.assert_allclose(estimated_neighbours(frames, 8.0, 20), 20 * frames.n_atoms)


def test_an_isolated_atom_has_at_most_all_others():
    frames = from_atoms([molecule("CH3OH"), Atoms("He")], groups=["a", "b"], source="s")
    assert estimated_neighbours(frames, 6.0).tolist() == counted(frames, 6.0) == [30, 0]
    assert estimated_neighbours(frames, np.inf).tolist() == [30, 0]
    crystal = from_atoms([bulk("Cu", cubic=True)], groups=["a"], source="s")
    assert np.isfinite(estimated_neighbours(crystal, np.inf)).all()  # a model that sees all


@pytest.mark.parametrize("most", [1, 10, 40, 10**6])
def test_a_bound_of_neighbours_cuts_where_that_of_atoms_does_not(most):
    rng = np.random.default_rng(0)
    n_atoms, neighbours = rng.integers(1, 9, 60), rng.integers(1, 9, 60).astype(float)
    periodic = rng.random(60) < 0.5
    limits = {True: Limits(10**6, most), False: Limits(10**6)}
    found = list(cut_batches(n_atoms, periodic, limits, neighbours))
    assert sorted(np.concatenate(found).tolist()) == list(range(60))
    crystals = [b for b in found if periodic[b[0]]]
    assert all(neighbours[b].sum() <= most or len(b) == 1 for b in crystals)
    assert len(found) - len(crystals) == 1  # the isolated ones have no bound
    if most == 40:  # as large as they may be: no two that follow each other would fit into one
        together = [neighbours[np.concatenate(p)].sum() for p in pairwise(crystals)]
        assert min(together) > most


def test_a_potential_cuts_by_its_plan():
    frames = concatenate([real_frames()] * 4)
    potential = LennardJones(batch_atoms=30)
    expected = [b.tolist() for b in batches_of(frames, 30)]
    assert [b.tolist() for b in potential.batches(frames)] == expected
    whole = potential.predict(frames)
    potential.batch_limits = {True: Limits(8)}
    found = list(potential.batches(frames))
    assert max(frames.n_atoms[b].sum() for b in found if frames.periodic[b[0]]) == 8
    assert max(frames.n_atoms[b].sum() for b in found if not frames.periodic[b[0]]) > 20
    # Lennard-Jones has the same bits in any batch
    assert potential.predict(frames).forces.tobytes() == whole.forces.tobytes()
    potential.batch_limits = {True: Limits(1000, 1.0)}  # every crystal has more neighbours
    assert [len(b) for b in potential.batches(frames) if frames.periodic[b[0]]] == [1] * 12
