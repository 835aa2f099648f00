"""Relaxation in batches: the minimum is the right one, and one bad structure harms no other."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from scipy.optimize import minimize_scalar

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, from_atoms
from limbeck.potentials.batches import Limits
from limbeck.potentials.interface import About
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.preparation import relaxation
from limbeck.preparation.relaxation import MIN_DISTANCE_RATIO, relax
from limbeck.properties import Predictions
from limbeck.reasons import NOT_FINITE, RUNAWAY, TOO_NEAR, UNKNOWN_ELEMENT

TOLERANCE = 1e-3  # eV/A


def frames_of(*structures: Atoms) -> Frames:
    return from_atoms(structures, groups=["g"] * len(structures), source="s")


def copper(edge: float, **options) -> Atoms:
    return bulk("Cu", "fcc", edge, **options)


def argon(edge: float, **options) -> Atoms:
    return bulk("Ar", "fcc", edge, **options)


def sheared(atoms: Atoms, seed: int = 1) -> Atoms:
    """Off its minimum in every respect: displaced, sheared and stretched."""
    atoms = atoms.copy()
    atoms.rattle(0.05, seed=seed)
    strain = np.array([[0.02, 0.03, 0.0], [0.03, -0.01, 0.01], [0.0, 0.01, 0.03]])
    atoms.set_cell(atoms.cell[:] @ (np.eye(3) + strain), scale_atoms=True)
    return atoms


def best_edge(energy_of) -> float:
    return float(minimize_scalar(energy_of, bounds=(3.4, 3.8), method="bounded").x)


def volume(frames: Frames) -> np.ndarray:
    return np.abs(np.linalg.det(frames.cell))


def forces(frames: Frames, potential) -> float:
    return float(np.linalg.norm(potential.predict(frames).forces, axis=1).max())


def test_full_finds_the_lattice_parameter_of_copper():
    def energy(edge: float) -> float:
        atoms = copper(edge)
        atoms.calc = EMT()
        return atoms.get_potential_energy()

    found = relax(
        frames_of(copper(3.4), copper(3.75, cubic=True), sheared(copper(3.6, cubic=True))),
        EffectiveMedium(),
        "full",
        force_tolerance=TOLERANCE,
        steps=500,
    )
    assert found.converged.all()
    edges = np.cbrt(volume(found.frames) * 4 / found.frames.n_atoms)
    # Stress below 1e-5 eV/A^3 at a bulk modulus of 0.8 eV/A^3 leaves 1e-5 of the volume; the
    # search for the minimum stops at 1e-5 A.
    np.testing.assert_allclose(edges, best_edge(energy), atol=1e-4)
    assert (found.force <= TOLERANCE).all()
    assert forces(found.frames, EffectiveMedium()) <= TOLERANCE


def test_full_finds_the_lattice_parameter_of_argon():
    argon = bulk("Ar", "fcc", 3.1, cubic=True)
    potential = LennardJones()

    def energy(edge: float) -> float:
        return float(potential.predict(frames_of(bulk("Ar", "fcc", edge))).energy[0])

    (edge,) = np.cbrt(volume(relaxed(sheared(argon), potential, "full").frames))
    expected = minimize_scalar(energy, bounds=(2.9, 3.4), method="bounded").x
    np.testing.assert_allclose(edge, expected, atol=1e-4)  # as for copper


def relaxed(atoms: Atoms, potential, how: str, **options):
    settings = {"force_tolerance": TOLERANCE, "steps": 500} | options
    return relax(frames_of(atoms), potential, how, **settings)


def test_constant_volume_keeps_the_volume_and_takes_the_shear_out():
    start = sheared(copper(3.6, cubic=True))
    found = relaxed(start, EffectiveMedium(), "constant_volume")
    assert found.converged.all()
    # to rounding, summed over some hundred steps
    np.testing.assert_allclose(volume(found.frames), start.get_volume(), rtol=1e-12)
    # What is left is a cube again: fcc is its own best shape.
    np.testing.assert_allclose(found.frames.to_atoms()[0].cell.angles(), 90.0, atol=0.01)
    stress = EffectiveMedium().predict(found.frames).stress[0]
    pressure = stress[:3].mean()
    assert abs(pressure) > 100 * TOLERANCE * relaxation.STRESS_PER_FORCE  # under pressure still
    shear = stress - np.array([pressure] * 3 + [0.0] * 3)
    assert np.abs(shear).max() <= TOLERANCE * relaxation.STRESS_PER_FORCE


def test_full_agrees_with_ase():
    start = sheared(copper(3.7, cubic=True))
    expected = start.copy()
    expected.calc = EMT()
    BFGS(FrechetCellFilter(expected), logfile=None).run(fmax=1e-4, steps=500)
    found = relaxed(start, EffectiveMedium(), "full")
    # Energies agree to the square of the force that is left, over a stiffness of 1 eV/A^2.
    np.testing.assert_allclose(found.energy, expected.get_potential_energy(), atol=1e-5)
    np.testing.assert_allclose(volume(found.frames), expected.get_volume(), rtol=1e-4)


def test_only_atoms_keeps_the_cell_bit_for_bit():
    start = frames_of(sheared(copper(3.6, cubic=True)))
    found = relax(start, EffectiveMedium(), "only_atoms", force_tolerance=TOLERANCE, steps=500)
    assert found.converged.all()
    np.testing.assert_array_equal(found.frames.cell, start.cell)
    assert (found.frames.positions != start.positions).any()


def test_none_changes_nothing():
    start = frames_of(sheared(copper(3.6)), molecule("CO"))
    found = relax(start, EffectiveMedium(), "none", force_tolerance=TOLERANCE, steps=500)
    np.testing.assert_array_equal(found.frames.positions, start.positions)
    np.testing.assert_array_equal(found.frames.cell, start.cell)
    assert found.converged.all()
    assert not found.steps.any()


@pytest.mark.parametrize("how", ["full", "constant_volume", "only_atoms"])
def test_kinds_and_sizes_mix_and_keep_their_order(how):
    structures = [
        sheared(argon(3.1, cubic=True) * (1, 1, 2)),
        Atoms("Ar2", [[0, 0, 0], [0, 0, 2.3]]),
        argon(3.0),
        sheared(argon(3.1, cubic=True)),
        Atoms("Ar"),
    ]
    together = relax(
        frames_of(*structures), LennardJones(), how, force_tolerance=TOLERANCE, steps=500
    )
    assert together.converged.all()
    np.testing.assert_array_equal(together.frames.id, frames_of(*structures).id)
    np.testing.assert_array_equal(together.frames.cell[1], 0)
    for b, atoms in enumerate(structures):
        alone = relaxed(atoms, LennardJones(), how)
        # The path of a system does not depend on what shares its batch, but for rounding.
        assert alone.steps[0] == together.steps[b]
        np.testing.assert_allclose(
            together.frames.positions[together.frames.atoms_of(b)],
            alone.frames.positions,
            atol=1e-9,
        )


def test_a_small_batch_is_refilled_and_a_large_structure_goes_alone():
    structures = [sheared(argon(3.05 + 0.02 * i, cubic=True), seed=i) for i in range(5)]
    structures.append(sheared(argon(3.1, cubic=True) * (1, 1, 3)))
    potential = LennardJones()
    potential.batch_limits = {True: Limits(8)}  # two cubes of four atoms
    sizes = []
    evaluate = potential.evaluate
    potential.evaluate = lambda batch: sizes.append(int(batch.n_atoms.sum())) or evaluate(batch)
    found = relax(
        frames_of(*structures), potential, "only_atoms", force_tolerance=TOLERANCE, steps=500
    )
    assert found.converged.all()
    assert max(sizes) == 12
    assert {n for n in sizes if n <= 8} == {4, 8}
    whole = relax(
        frames_of(*structures),
        LennardJones(),
        "only_atoms",
        force_tolerance=TOLERANCE,
        steps=500,
    )
    np.testing.assert_allclose(found.frames.positions, whole.frames.positions, atol=1e-9)


def test_a_large_cell_takes_no_more_steps_than_a_small_one():
    strain = np.array([[0.01, 0.02, 0.0], [0.02, -0.02, 0.0], [0.0, 0.0, 0.02]])
    small, large = argon(3.1, cubic=True), argon(3.1, cubic=True) * 3
    for atoms in (small, large):
        atoms.set_cell(atoms.cell[:] @ (np.eye(3) + strain), scale_atoms=True)
    found = relax(
        frames_of(small, large), LennardJones(), "full", force_tolerance=TOLERANCE, steps=500
    )
    # 74 and 82; with n in place of sqrt(n) as the length of the cell's coordinates 89 and 366.
    assert found.steps[1] < 1.3 * found.steps[0]


def test_left_handed_cells_relax_as_right_handed_ones():
    right = sheared(copper(3.5, cubic=True))
    left = right.copy()
    left.set_cell(-right.cell[:])
    found = relax(
        frames_of(right, left), EffectiveMedium(), "full", force_tolerance=TOLERANCE, steps=500
    )
    assert found.converged.all()
    np.testing.assert_allclose(found.frames.cell[0], -found.frames.cell[1], atol=1e-9)


def test_one_atom_is_at_rest():
    found = relax(
        frames_of(copper(3.6), Atoms("Cu")),
        EffectiveMedium(),
        "only_atoms",
        force_tolerance=TOLERANCE,
        steps=10,
    )
    assert found.converged.all()
    assert not found.steps.any()


def test_a_cell_below_the_cutoff_relaxes_as_its_supercell():
    # Edges of the primitive cell are 2.2 A, the cut-off is 6 A: an atom meets its own images.
    small, large = bulk("Ar", "fcc", 3.1), bulk("Ar", "fcc", 3.1, cubic=True) * (2, 2, 2)
    found = relax(
        frames_of(small, large), LennardJones(), "full", force_tolerance=TOLERANCE, steps=500
    )
    assert found.converged.all()
    each = volume(found.frames) / found.frames.n_atoms
    np.testing.assert_allclose(each[0], each[1], rtol=1e-4)  # as stress allows


class Breaking(EffectiveMedium):
    """Answers badly once a structure holds nickel."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def evaluate(self, batch: Frames) -> Predictions:
        bad = np.bincount(batch.frame_of_atom, weights=batch.numbers == 28) > 0
        if bad.any() and self.how == "raise":
            raise RuntimeError("no neighbours found")
        answer = super().evaluate(batch)
        answer.forces[np.repeat(bad, batch.n_atoms)] = np.nan
        return answer


@pytest.mark.parametrize("how", ["raise", "nan"])
def test_a_structure_that_breaks_the_potential_harms_no_other(how):
    nickel = sheared(bulk("Ni", "fcc", 3.5, cubic=True))
    good = sheared(copper(3.6, cubic=True))
    start = frames_of(nickel, good)
    found = relax(start, Breaking(how), "full", force_tolerance=TOLERANCE, steps=500)
    assert found.reason.tolist() == [NOT_FINITE, ""]
    np.testing.assert_array_equal(found.frames.positions[:4], start.positions[:4])
    alone = relaxed(good, EffectiveMedium(), "full")
    np.testing.assert_allclose(found.frames.positions[4:], alone.frames.positions, atol=1e-9)


def test_structures_that_cannot_be_relaxed_get_their_reason():
    fused = copper(3.6, cubic=True)
    fused.positions[1] = fused.positions[0] + 0.3
    slow = sheared(copper(3.6, cubic=True))
    unknown = bulk("Si")
    start = frames_of(fused, slow, unknown, copper(3.6))
    found = relax(start, EffectiveMedium(), "only_atoms", force_tolerance=TOLERANCE, steps=3)
    assert found.reason.tolist() == [TOO_NEAR, "not relaxed in 3 steps", UNKNOWN_ELEMENT, ""]
    assert found.converged.tolist() == [False, False, False, True]
    np.testing.assert_array_equal(found.frames.positions, start.positions)
    assert found.steps.tolist() == [0, 3, 0, 0]


class Strained(LennardJones):
    """Says one and the same number for all stresses, and forces, of krypton."""

    def __init__(self, **said: float) -> None:
        super().__init__()
        self.said = said

    def prepare(self, frames):
        assert np.isfinite(frames.positions).all()
        self.odd = np.array([36 in frames.numbers[frames.atoms_of(b)] for b in range(len(frames))])
        return super().prepare(frames)

    def evaluate(self, batch):
        answer = super().evaluate(batch)
        for name, value in self.said.items():
            odd = np.repeat(self.odd, batch.n_atoms) if name == "forces" else self.odd
            answer.values[name][odd] = value
        return answer


@pytest.mark.parametrize("how", ["full", "constant_volume", "only_atoms"])
@pytest.mark.parametrize("name", ["stress", "forces"])
@pytest.mark.parametrize("value", [np.nan, 1e30, 1e200])
def test_no_number_of_one_structure_harms_another(how, name, value):
    krypton = bulk("Kr", "fcc", 3.3, cubic=True)
    good = [sheared(argon(3.0, cubic=True), seed) for seed in (1, 2)]
    options = {"force_tolerance": TOLERANCE, "steps": 200}
    alone = relax(frames_of(*good), LennardJones(), how, **options)
    found = relax(frames_of(good[0], krypton, good[1]), Strained(**{name: value}), how, **options)
    assert alone.reason.tolist() == ["", ""]
    assert found.reason[[0, 2]].tolist() == ["", ""]
    assert found.reason[1] or (how, name) == ("only_atoms", "stress")  # it is not looked at there
    np.testing.assert_array_equal(found.steps[[0, 2]], alone.steps)
    others = np.concatenate([found.frames.positions[found.frames.atoms_of(b)] for b in (0, 2)])
    # Rounding of functions of matrices, of which all are taken together, over 200 steps.
    np.testing.assert_allclose(others, alone.frames.positions, rtol=0, atol=1e-8)


class Pulling(LennardJones):
    """A constant pull, towards nothing (a stress that swells the cell) or together."""

    def __init__(self, stress: float) -> None:
        super().__init__()
        self.stress = stress

    def evaluate(self, batch) -> Predictions:
        answer = super().evaluate(batch)
        answer.stress[:] = [self.stress] * 3 + [0, 0, 0]
        return answer


@pytest.mark.parametrize("stress", [-1.0, 1.0], ids=["swells", "collapses"])
def test_a_cell_that_runs_away_is_stopped(stress):
    found = relaxed(bulk("Ar", "fcc", 3.1, cubic=True), Pulling(stress), "full")
    assert found.reason[0] == RUNAWAY
    assert found.steps[0] < 100


class Fusing(LennardJones):
    """Attraction with no wall: two atoms fall onto each other, smoothly."""

    def evaluate(self, batch) -> Predictions:
        answer = super().evaluate(batch)
        pull = batch.vectors * np.minimum(1.0, 1 / batch.sigma)[:, None]
        answer.forces[:] = 0.0
        np.add.at(answer.forces, batch.first, pull)
        np.add.at(answer.forces, batch.second, -pull)
        return answer


def test_atoms_that_fuse_on_the_way_are_found():
    start = Atoms("Ar2", [[0, 0, 0], [0, 0, 2.2]])
    found = relaxed(start, Fusing(), "only_atoms")
    assert found.reason[0] == TOO_NEAR
    np.testing.assert_array_equal(found.frames.positions, start.positions)
    assert MIN_DISTANCE_RATIO < 2.2 / (2 * 1.06)  # it was not too near at the start


def test_cells_do_not_move_without_a_stress():
    potential = EffectiveMedium()
    without = [p for p in potential.about.properties if p != "stress"]
    potential.about = About(**{**vars(potential.about), "properties": tuple(without)})
    with pytest.raises(LimbeckError, match=r"'full'.*predicts no stress.*only_atoms"):
        relaxed(copper(3.6), potential, "full")
    assert relaxed(copper(3.6), potential, "only_atoms").converged.all()
    assert relaxed(molecule("CO"), potential, "full").converged.all()  # it has no cell


def test_the_recorded_path_runs_from_start_to_end():
    start = frames_of(sheared(copper(3.6, cubic=True)), molecule("CO"))
    found = relax(
        start, EffectiveMedium(), "full", force_tolerance=TOLERANCE, steps=500, record=True
    )
    for b, path in enumerate(found.paths):
        assert len(path) == found.steps[b] + 1
        np.testing.assert_array_equal(path[0].positions, start.positions[start.atoms_of(b)])
        np.testing.assert_array_equal(path[-1].cell, found.frames.cell[b])
        assert path[-1].energy == found.energy[b] < path[0].energy
    assert not relaxed(copper(3.5), EffectiveMedium(), "full").paths[0]


def test_no_frames_give_nothing():
    none = from_atoms([], groups=[], source="s")
    found = relax(none, EffectiveMedium(), "full", force_tolerance=TOLERANCE, steps=5)
    assert len(found.frames) == 0
