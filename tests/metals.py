"""Small data sets labelled with effective medium theory, for students to learn."""

import numpy as np
from ase import Atoms
from ase.build import bulk

from limbeck.averaging.views import Views
from limbeck.datasets.split import Dataset
from limbeck.frames import concatenate, from_atoms
from limbeck.labelling.label import label
from limbeck.potentials.models.toys import EffectiveMedium

#: a student's section of the config, small
SETTINGS = {
    "architecture": "mace",
    "size": "tiny",
    "epochs": 6,
    "steps": None,
    "patience": 30,
    "batch_size": 4,
    "learning_rate": 0.02,
    "weight_decay": 1e-6,
    "average_decay": 0.9,
    "gradient_clip": 0.5,
    "energy_weight": 0.3,
    "late_energy_factor": 1.0,
    "forces_weight": 1.0,
    "stress_weight": 0.1,
    "spread_weight": 0.0,
    "augment": False,
}
#: a regular tetrahedron with edges of a copper bond, Angstrom
TETRAHEDRON = 2.4 / np.sqrt(8) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


def metals(count=8, seed=0, group="{}"):
    """``count`` rattled crystals of copper or aluminium, and as many clusters of four atoms."""
    rng = np.random.default_rng(seed)
    solids, clusters = [], []
    for i in range(count):
        element = ["Cu", "Al"][i % 2]
        crystal = bulk(element, cubic=True)
        crystal.set_cell(crystal.cell @ (np.eye(3) + rng.normal(0, 0.02, (3, 3))), scale_atoms=True)
        solids.append(crystal)
        clusters.append(Atoms(f"Al{i % 2}Cu{4 - i % 2}", TETRAHEDRON))
    for atoms in solids + clusters:
        atoms.positions += rng.normal(0, 0.1, (4, 3))
    groups = [group.format(i) for i in range(count)]
    return concatenate(
        [
            from_atoms(solids, groups=groups, source="solids"),
            from_atoms(clusters, groups=groups, source="clusters"),
        ]
    )


def labelled(frames):
    """The frames with EMT's own answers."""
    return Dataset(frames, label(EffectiveMedium(), frames, Views(), max_force=100))


def example(count=8, seed=0):
    """A labelled set of ``2 * count`` frames, half of them periodic."""
    return labelled(metals(count, seed))
