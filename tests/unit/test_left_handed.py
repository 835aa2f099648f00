"""A crystal is the same whichever order its lattice vectors are listed in: every feature by turns.

Left-handed cells come from files: two vectors exchanged, or all of them turned round.
"""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read, write
from phonopy.harmonic.force_constants import compact_fc_to_full_fc

from argon import crystal, dynamics_of, frames_of, settings_with, steps
from harmonic import settings as of_phonons
from jobs_of import generate_job, sample_job
from limbeck.config.sections.screen import Screen
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset
from limbeck.frames import from_atoms
from limbeck.geometry import cell_sizes, density, volumes
from limbeck.labels import unlabelled
from limbeck.molecules.detection import detect_molecules
from limbeck.phonons.calculation import force_constants
from limbeck.phonons.record import write_crystal
from limbeck.phonons.store import load_phonons
from limbeck.potentials import open_potential
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.preparation.relaxation import relax
from limbeck.preparation.supercells import supercell_matrix, supercells
from limbeck.sampling import sample
from limbeck.structures import generate
from limbeck.structures.screening import screen
from limbeck.symmetry.space_group import SpaceGroup
from limbeck.warrant.gaps import measure_gaps

EXCHANGED = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
ROUND = -np.eye(3, dtype=int)


def with_vectors(atoms, change):
    """The same atoms and lattice, its vectors others."""
    other = atoms.copy()
    other.set_cell(change @ atoms.cell.array, scale_atoms=False)
    return other


def copper():
    """Primitive, and strained so that nothing is equal by symmetry."""
    atoms = bulk("Cu", a=3.7)
    strain = np.array([[1.01, 0.01, 0], [0.01, 0.98, 0.02], [0, 0.02, 1.0]])
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    return atoms


def salt():
    atoms = bulk("NaCl", "rocksalt", a=5.7, cubic=True)
    atoms.rattle(0.05, seed=1)
    return atoms


def nitrogen():
    """Two molecules, one of them across a face of the cell."""
    return Atoms("N4", [[0, 0, 5.8], [0, 0, 0.9], [3, 3, 3], [3, 3, 4.1]], cell=[6, 6, 6], pbc=True)


@pytest.fixture(params=[EXCHANGED, ROUND], ids=["exchanged", "turned round"])
def change(request):
    assert np.linalg.det(request.param) == -1
    return request.param


def one(atoms):
    return from_atoms([atoms], groups=["g"], source="s")


def relaxed(frame):
    done = relax(frame, EffectiveMedium(), "full", force_tolerance=0.001, steps=500)
    assert done.reason.tolist() == [""]
    return (volumes(done.frames),)


def supercell(frame):
    matrix = supercell_matrix(frame.cell[0], 7.0)
    made = supercells(frame, [matrix])
    assert np.linalg.det(made.cell[0]) * np.linalg.det(frame.cell[0]) > 0
    shortest = made.to_atoms()[0].get_all_distances(mic=True)
    return made.n_atoms, volumes(made), np.sort(shortest[0])


def symmetry(frame):
    return (len(SpaceGroup().sample(frame, 4, np.random.default_rng(0))),)


def screened(frame):
    return len(screen(frame, Screen())[0]), density(frame.numbers, frame.cell[0])


FEATURES = {
    "relaxation": (copper, relaxed, 1e-3),  # to the tolerance of the forces
    "supercell": (copper, supercell, 1e-9),
    "space group": (copper, symmetry, 0),
    "screen": (salt, screened, 1e-9),
    "heights": (salt, lambda frame: (np.sort(cell_sizes(frame.cell)),), 1e-9),
    "molecules": (
        nitrogen,
        lambda frame: (len(detect_molecules(frame.to_atoms()[0])),),
        0,
    ),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_gives_the_same(feature, change):
    make, find, tolerance = FEATURES[feature]
    right, left = find(one(make())), find(one(with_vectors(make(), change)))
    for a, b in zip(right, left, strict=True):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("model", ["emt", "lennard_jones", "mace", "chgnet"])
def test_a_potential_gives_the_same(model, change):
    if model == "mace":
        known = {"name": "m", "model": "mace", "path": "resources/models/mace-demo.model"}
        potential, atoms = open_potential(known | {"trust": True}), copper()
    elif model == "chgnet":
        potential, atoms = open_potential({"name": "c", "model": "chgnet"}), salt()
    else:
        potential, atoms = (
            {"emt": EffectiveMedium(), "lennard_jones": LennardJones()}[model],
            copper(),
        )
    right, left = (potential.predict(one(a)) for a in (atoms, with_vectors(atoms, change)))
    # float32: energies of some ten eV are rounded at 1e-6
    tolerance = 1e-4 if potential.about.dtype == "float32" else 1e-9
    for name in ("energy", "forces", "stress"):
        np.testing.assert_allclose(left.values[name], right.values[name], atol=tolerance)


@pytest.mark.parametrize(
    "name", ["cell_choice", "supercell", "space_group", "rotation", "reflection"]
)
def test_a_gap_is_rounding(name, change):
    frames = one(with_vectors(bulk("Cu", cubic=True), change))
    (found,) = measure_gaps([EffectiveMedium()], frames, [name], 4)
    assert found["n_frames"] == 1
    assert found["energy"]["value"] < 1e-6  # meV/atom; sums of a hundred terms in float64
    assert found["stress"]["value"] < 1e-8


@pytest.mark.parametrize("algorithm", ["mtk_full", "mtk_isotropic", "langevin", "nose_hoover"])
def test_dynamics_at_constant_pressure_take_the_same_path(algorithm, change):
    settings = settings_with(ensemble="NPT", npt_algorithm=algorithm)
    paths = []
    for atoms in (crystal(), with_vectors(crystal(), change)):
        dynamics = dynamics_of(frames_of(atoms), settings)
        steps(dynamics, 20, every=20)
        paths.append((dynamics.positions, dynamics.cell[0]))
    (positions, cell), (same, other) = paths
    # Twenty steps of an anharmonic crystal let rounding (1e-16) grow by far less than 1e6.
    np.testing.assert_allclose(same, positions, atol=1e-9)
    np.testing.assert_allclose(other, change @ cell, atol=1e-9)


def test_phonons_and_their_frames_are_the_same(change, tmp_path):
    """Copper at rest has its lowest mode at 3.076 THz, in supercells of 27 atoms."""
    atoms = bulk("Cu", a=3.61)
    frames = from_atoms([atoms, with_vectors(atoms, change)], groups=["g", "g"], source="s")
    own = of_phonons(supercell_radius_A=7.0, supercell_matrix=None, relax_input_cell="full")
    found = force_constants(frames, EffectiveMedium(), own, seed=1, name="f")
    assert [f.reason for f in found] == ["", ""]
    right, left = (np.sort(f.modes.frequencies.ravel()) for f in found)
    np.testing.assert_allclose(left, right, atol=2e-3)  # THz, of the relaxation's last steps
    assert found[1].modes.lowest == pytest.approx(3.076, abs=1e-3)
    assert {len(f.phonon.supercell) for f in found} == {len(found[0].phonon.supercell)}
    for identity, one_found in zip(frames.id, found, strict=True):
        write_crystal(tmp_path / identity.decode(), one_found)
    job = {
        "seed": 1,
        "sampling": "modes",
        "draw": "canonical",
        "n_frames": 3,
        "temperature_K": 10.0,
        "statistics": "classical",
    }
    made = sample(frames, sample_job("phonons", job | {"force_constants": str(tmp_path)}))
    assert len(made.frames) == 6
    signs = np.sign(np.linalg.det(made.frames.cell))
    assert signs.tolist() == [1, 1, 1, -1, -1, -1]
    for b in (0, 3):  # cells are those of the user's, repeated
        matrix = np.array(made.frames.info_of(b)["supercell"])
        cell = frames.cell[b // 3]
        np.testing.assert_allclose(made.frames.cell[b], matrix @ cell, rtol=0.03)  # it relaxed
    # Force constants and displacements are in the user's frame: at 10 K they give the forces of the
    # potential to some percent (what is anharmonic).
    phonon = load_phonons(tmp_path / frames.id[1].decode())
    rest, constants = phonon.supercell.positions, phonon.force_constants
    constants = compact_fc_to_full_fc(phonon.primitive, constants)
    for b in (3, 4, 5):
        frame = made.frames.select([b])
        harmonic = -np.einsum("ijab,jb->ia", constants, frame.positions - rest)
        forces = EffectiveMedium().predict(frame).forces
        assert np.linalg.norm(forces - harmonic) < 0.1 * np.linalg.norm(forces)


def test_files_and_data_sets_keep_the_vectors(change, tmp_path):
    atoms = with_vectors(salt(), change)
    write(tmp_path / "x.extxyz", [atoms, salt()])
    base = {"seed": 1, "source": "m", "shard": 0, "shards": 1, "count": 9}
    job = generate_job("file", base | {"path": str(tmp_path / "x.extxyz"), "polymorphs": "apart"})
    frames, rejected = generate(job)
    assert rejected == []
    assert frames.group.tolist() == [b"NaCl-1", b"NaCl-1"]
    labels = unlabelled(frames)
    labels.values["stress"][:] = np.arange(6)
    write_extxyz(tmp_path / "y.extxyz", Dataset(frames, labels))
    again = read(tmp_path / "y.extxyz", index=0)
    np.testing.assert_allclose(again.cell.array, atoms.cell.array, atol=1e-7)
    np.testing.assert_allclose(again.get_stress(), np.arange(6), atol=1e-7)


def test_rattled_frames_are_strained_alike(change):
    job = sample_job(
        "rattle", {"seed": 1, "n_frames": 2, "standard_deviation_A": 0.02, "strain": 0.03}
    )
    frames = one(with_vectors(salt(), change))
    made = sample(frames, job).frames
    assert len(made) == 2
    assert (np.linalg.det(made.cell) < 0).all()
    assert (screen(made, Screen())[0].id == made.id).all()
