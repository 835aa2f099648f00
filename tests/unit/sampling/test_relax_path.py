"""Frames of relaxations: from the start to the end, spread in energy."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from jobs_of import sample_job
from limbeck.frames import Frames, from_atoms
from limbeck.geometry import shortest_distance_ratio
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.reasons import TOO_NEAR, UNKNOWN_ELEMENT
from limbeck.sampling import Sample, sample
from limbeck.sampling.relax_path import thinned

SETTINGS = {
    "seed": 1,
    "sampling": "down",
    "source": "s",
    "shard": 0,
    "device": "cpu",
    "threads": 1,
    "potential": {"name": "toy", "model": "emt"},
    "relax": "full",
    "force_tolerance_eV_per_A": 0.01,
    "max_steps": 300,
    "n_frames": 6,
    "start_displacement_A": 0.1,
    "start_strain": 0.02,
    "min_distance_ratio": 0.5,
}
COPPER = bulk("Cu", "fcc", 3.6, cubic=True)


def frames_of(*structures: Atoms) -> Frames:
    return from_atoms(structures, groups=["g"] * len(structures), source="s")


def paths(parents: Frames, **changes) -> Sample:
    return sample(parents, sample_job("relax_path", SETTINGS | changes))


def column(result: Sample, name: str) -> list:
    return [row[result.columns.index(name)] for row in result.rows]


def test_thinned_steps_are_spread_in_energy():
    falling = 10.0 * 0.5 ** np.arange(40)
    steps = thinned(falling, 5)
    assert {0, 39} <= set(steps)
    assert len(steps) == 5
    gaps = -np.diff(falling[steps])
    # Each gap of the path itself is half of what is left, and no choice can split it: the
    # widest is that of the first step. Steps at equal distances would leave nearly all of it.
    assert gaps.max() == 5.0
    assert falling[0] - falling[np.linspace(0, 39, 5).astype(int)][1] > 9.9  # negative control


@pytest.mark.parametrize(
    ("energy", "count", "expected"),
    [
        ([], 3, []),
        ([1.0], 3, [0]),
        ([2.0, 1.0], 3, [0, 1]),
        ([5.0, 4.0, 3.0, 2.0, 1.0], 3, [0, 2, 4]),
        ([5.0, 1.0, 1.0, 1.0], 4, [0, 3]),  # the same energy tells nothing new
        ([1.0, 3.0, 1.0], 3, [0, 1, 2]),  # up and down again
    ],
)
def test_thinned_paths(energy, count, expected):
    assert thinned(np.array(energy), count).tolist() == expected


def test_frames_lead_from_the_displaced_start_to_the_minimum():
    parents = frames_of(COPPER, molecule("CO"))
    made = paths(parents)
    assert column(made, "cut") == ["", ""]
    assert column(made, "frames") == [6, 6]
    np.testing.assert_array_equal(made.frames.parent, np.repeat(parents.id, 6))
    potential = EffectiveMedium()
    energy = (potential.predict(made.frames).energy / made.frames.n_atoms).reshape(2, 6)
    infos = [made.frames.info_of(b)["energy_eV_per_atom"] for b in range(12)]
    np.testing.assert_allclose(infos, energy.ravel(), atol=1e-9)
    # the table rounds to 1e-6
    np.testing.assert_allclose(energy[:, 0], column(made, "energy_start_eV_per_atom"), atol=1e-6)
    np.testing.assert_allclose(energy[:, -1], column(made, "energy_end_eV_per_atom"), atol=1e-6)
    last = potential.predict(made.frames.select([5, 11])).forces
    assert np.linalg.norm(last, axis=1).max() <= 0.01
    assert max(column(made, "force_eV_per_A")) <= 0.01


def test_the_start_may_be_the_structure_as_it_is():
    shorter = bulk("Cu", "fcc", 3.4, cubic=True)
    made = paths(frames_of(shorter), start_displacement_A=0.0, start_strain=0.0).frames
    np.testing.assert_array_equal(made.positions[:4], shorter.positions)
    np.testing.assert_array_equal(made.cell[0], shorter.cell[:])


def test_starts_depend_on_the_structure_and_the_seed_alone():
    together = paths(frames_of(molecule("CO"), COPPER)).frames
    alone = paths(frames_of(COPPER)).frames
    # the first frame is the start, before anything shared a batch
    assert together.id[6] == alone.id[0]
    assert paths(frames_of(COPPER), seed=2).frames.id[0] != alone.id[0]


def test_a_path_that_does_not_end_gives_its_frames():
    made = paths(frames_of(COPPER), max_steps=4)
    assert column(made, "cut") == ["not relaxed in 4 steps"]
    assert column(made, "frames") == [5]  # the start and four steps


def test_hard_structures_are_set_aside_with_their_reason():
    fused = Atoms("Cu2", [[0, 0, 0], [0, 0, 0.5]])
    made = paths(frames_of(fused, bulk("Si"), Atoms("Cu"), bulk("Cu", "fcc", 3.6)))
    assert column(made, "cut") == [TOO_NEAR, UNKNOWN_ELEMENT, "", ""]
    assert column(made, "frames")[:3] == [0, 0, 1]  # one atom has nowhere to go
    assert (shortest_distance_ratio(made.frames, 0.5) >= 0.5).all()


def test_the_trace_has_every_step_and_the_volume_of_crystals():
    parents = frames_of(COPPER, molecule("CO"))
    made = paths(parents)
    crystal = [row for row in made.trace.rows if row[0] == parents.id[0].decode()]
    assert [row[1] for row in crystal] == list(range(column(made, "steps")[0] + 1))
    np.testing.assert_allclose(crystal[-1][3], 3.59**3 / 4, atol=0.05)  # of EMT's copper
    assert all(row[3] == "" for row in made.trace.rows if row[0] == parents.id[1].decode())


def test_no_frames_give_nothing():
    made = paths(from_atoms([], groups=[], source="s"))
    assert len(made.frames) == 0
    assert made.rows == []
