"""The same frames through metatomic's symmetrised calculator, where it is installed."""

from dataclasses import replace

import numpy as np
import pytest

from breakers import crystals_with_symmetry
from limbeck.averaging.orbit import orbit_of, orbits
from limbeck.frames import from_atoms
from limbeck.geometry import voigt_to_stress
from limbeck.potentials import open_potential
from limbeck.symmetry.rotation import Rotation
from limbeck.symmetry.space_group import SpaceGroup
from limbeck.warrant.statistics import decompose

metatomic_ase = pytest.importorskip("metatomic_ase", reason="metatomic-ase is not installed")


class Base:
    """What the symmetrised calculator asks of the one it wraps, answered by a potential."""

    def __init__(self, potential):
        self.potential = potential
        self.results = {}

    def calculate(self, atoms, properties, system_changes):
        self.results = {}

    def compute_energy(self, structures, compute_forces_and_stresses, *, per_atom=False):
        frames = from_atoms(structures, groups=["x"] * len(structures), source="metatomic")
        found = self.potential.predict(frames)
        return {
            "energy": found.energy.tolist(),
            "forces": np.split(found.forces, frames.offsets[1:-1]),
            "stress": list(voigt_to_stress(found.stress)),
        }


@pytest.fixture(scope="module")
def orb(repository):
    path = str(repository / "resources" / "models" / "orb-demo")
    settings = {"name": "orb-demo", "model": "orb", "path": path, "batch_atoms": 256}
    return open_potential(settings, device="cpu")


@pytest.fixture
def frame():
    """A crystal of low symmetry, of elements that orb-demo knows."""
    frame = crystals_with_symmetry().select([0])
    return replace(frame, numbers=np.where(frame.numbers == 13, 11, 17))  # Na and Cl


def answers_of(calculator, frame):
    (atoms,) = frame.to_atoms()
    calculator.calculate(atoms, ["energy", "forces", "stress"], [])
    return calculator.results


def test_mean_and_spread_over_the_same_orthogonal_matrices(orb, frame):
    theirs = metatomic_ase.SymmetrizedCalculator(
        Base(orb), l_max=2, include_inversion=True, store_rotational_std=True
    )
    found = answers_of(theirs, frame)
    matrices, weights = theirs.quadrature_rotations, theirs.quadrature_weights
    own = orbit_of(orb, frame, Rotation(), matrices[None])
    mean = np.einsum("k,kni->ni", weights, own.forces)
    # float32; theirs finds neighbours anew for each view, ours turns them: 1e-5 of forces of 1 eV/A
    np.testing.assert_allclose(found["forces"], mean, atol=1e-4)
    np.testing.assert_allclose(found["energy"], weights @ own.energy[:, 0], rtol=1e-5)
    tensors = voigt_to_stress(own.stress[:, 0])
    np.testing.assert_allclose(found["stress"], np.einsum("k,kij->ij", weights, tensors), atol=1e-5)
    spread = np.einsum("k,kni->ni", weights, (own.forces - mean) ** 2)
    np.testing.assert_allclose(found["forces_rot_std"], np.sqrt(spread), atol=1e-4)
    assert np.sqrt(spread).max() > 1e-3  # orb-demo does have a gap to agree on


def test_mean_over_the_space_group(orb, frame):
    theirs = metatomic_ase.SymmetrizedCalculator(
        Base(orb), l_max=0, include_inversion=False, apply_space_group_symmetry=True
    )
    found = answers_of(theirs, frame)
    (part,) = orbits(orb, frame, SpaceGroup(), 8, "test")
    assert part.whole
    # theirs averages one answer over the group; ours asks for each view, which looks the same
    terms = decompose(part.orbit.forces, found["forces"])
    np.testing.assert_allclose(part.orbit.forces.mean(axis=0), found["forces"], atol=1e-4)
    assert terms.spread.max() > 1e-6  # (eV/A)^2: forces of equivalent atoms were not equal
    mean = voigt_to_stress(part.orbit.stress.mean(axis=0)[0])
    np.testing.assert_allclose(mean, found["stress"], atol=1e-5)
