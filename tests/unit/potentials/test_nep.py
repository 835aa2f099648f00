"""NEP with random weights: its formulas, exact symmetry, exact derivatives, and its own file."""

import os
import subprocess
from dataclasses import replace
from math import pi, sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write
from ase.neighborlist import neighbor_list
from scipy.special import eval_chebyt, eval_legendre
from scipy.stats import special_ortho_group
from sympy.physics.wigner import wigner_3j

from answers import (
    FRAMES,
    STATISTICS,
    crystals,
    cutting_gap,
    force_slopes,
    gap,
    molecules,
    stress_of,
    stress_slopes,
    turning_gap,
)
from limbeck.averaging.orbit import orbit
from limbeck.config.sections.known import NETWORKS
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, derive, from_atoms
from limbeck.potentials.models.nep import MODEL_FILE, NepPotential
from limbeck.potentials.models.nep.harmonics import gradients, harmonics
from limbeck.potentials.models.nep.network import chebyshev
from limbeck.symmetry.reflection import Reflection

# Of float32: offsets of 40 eV have a rounding step of 4e-6 eV; forces are of order 1 eV/A, sums of
# some hundred terms, and slopes of descriptors that are scaled up.
ENERGY, FORCES, STRESS = 5e-5, 1e-4, 1e-5
# The same of float64, which has nine digits more.
EXACT_ENERGY, EXACT = 1e-12, 1e-12
#: Python of an environment that has calorine, which is no dependency: its licence is the GPL
CALORINE = os.environ.get("LIMBECK_CALORINE_PYTHON", "")


def new_nep(size="tiny", *, double=False):
    torch.manual_seed(0)
    made = NepPotential.build(size, STATISTICS, name="tiny", device="cpu")
    made.normalise(shaken())
    if double:
        made.module.double()
        made.dtype = torch.float64
    return made


def shaken():
    """Frames whose atoms are up to half an Angstrom away, so that all descriptors change."""
    frames, rng = concatenate([crystals(), molecules()]), np.random.default_rng(0)
    moves = rng.uniform(-0.5, 0.5, (20, *frames.positions.shape))
    parts = [derive(frames, frames.positions + m, frames.cell, sampling="m", seed=0) for m in moves]
    return concatenate(parts)


@pytest.fixture(scope="module")
def nep():
    return new_nep()


@pytest.fixture(scope="module")
def nep64():
    return new_nep(double=True)


def unit_vectors(count):
    directions = torch.randn(3, count, 1, dtype=torch.float64, generator=torch.Generator())
    return directions / directions.norm(dim=0)


def test_harmonics_have_the_sums_that_the_addition_theorem_gives():
    unit = unit_vectors(6)
    values, cosines = harmonics(unit)[:, :, 0], (unit[:, :, 0].T @ unit[:, :, 0]).numpy()
    for order in range(5):
        own = values[:, order**2 : (order + 1) ** 2]
        expected = (2 * order + 1) / (4 * pi) * eval_legendre(order, cosines)
        np.testing.assert_allclose((own @ own.T).numpy(), expected, atol=1e-14)


def test_gradients_of_solid_harmonics_are_harmonics_of_one_order_less():
    at = unit_vectors(20).requires_grad_()
    orders = torch.tensor([order for order in range(5) for _ in range(2 * order + 1)])
    length = at.norm(dim=0).unsqueeze(1)
    solid = harmonics(at / at.norm(dim=0)) * length ** orders[:, None]
    lower = harmonics(at.detach())[:, :16]
    for i, rows in enumerate(gradients(), start=1):
        (slope,) = torch.autograd.grad(solid[:, i].sum(), at, retain_graph=True)
        torch.testing.assert_close(slope, torch.einsum("ak,nkm->anm", rows, lower))


def test_radial_functions_are_those_of_the_paper_and_end_smoothly():
    distance = torch.tensor([1.0, 2.5, 3.9, 4.0, 4.5], dtype=torch.float64, requires_grad=True)
    found = chebyshev(distance, 4.0, 6)
    r = distance.detach().numpy()
    fade = np.where(r < 4, (1 + np.cos(pi * r / 4)) / 2, 0)
    for k in range(6):
        expected = (eval_chebyt(k, 2 * (r / 4 - 1) ** 2 - 1) + 1) / 2 * fade
        np.testing.assert_allclose(found[k, 0].detach().numpy(), expected, atol=1e-15)
        (slope,) = torch.autograd.grad(found[k, 0].sum(), distance, retain_graph=True)
        torch.testing.assert_close(found[k, 1].detach(), slope, atol=1e-14, rtol=1e-12)
    assert (found[:, :, 3:].abs() < 1e-15).all()


def naive_energy(text, atoms):
    """What the file says of isolated atoms, with sums written as in the papers, one by one."""
    lines = text.splitlines()
    kinds = lines[0].split()[2:]
    (rc_r, rc_a), (n_r, n_a), (k_r, k_a) = (
        [float(w) for w in line.split()[1:3]] for line in lines[1:4]
    )
    n_r, n_a, k_r, k_a, neurons = (int(v) for v in (n_r, n_a, k_r, k_a, lines[5].split()[1]))
    terms, numbers = n_r + 1 + 5 * (n_a + 1), [float(line) for line in lines[6:]]

    def take(*shape):
        count = int(np.prod(shape))
        found = np.array(numbers[:count]).reshape(shape)
        del numbers[:count]
        return found

    layers = [(take(neurons, terms), take(neurons), take(neurons)) for _ in kinds]
    shared = take(1)[0]
    radial, angular = (
        take(n + 1, k + 1, len(kinds), len(kinds)) for n, k in ((n_r, k_r), (n_a, k_a))
    )
    scales = take(terms)
    assert not numbers  # the file holds nothing else
    species = [kinds.index(symbol) for symbol in atoms.get_chemical_symbols()]
    total = 0.0
    for i, kind in enumerate(species):
        vectors = np.delete(atoms.positions - atoms.positions[i], i, axis=0)
        others, r = np.delete(species, i), np.linalg.norm(vectors, axis=1)

        def functions(coefficients, cutoff, kind=kind, others=others, r=r):
            fade = np.where(r < cutoff, (1 + np.cos(pi * r / cutoff)) / 2, 0)
            basis = [
                (eval_chebyt(k, 2 * (r / cutoff - 1) ** 2 - 1) + 1) / 2 * fade
                for k in range(coefficients.shape[1])
            ]
            return np.einsum("nkp,kp->np", coefficients[:, :, kind, others], np.array(basis))

        g, unit = functions(angular, rc_a), vectors / r[:, None]
        q = [functions(radial, rc_r).sum(1)]
        for order in range(1, 5):
            legendre = (2 * order + 1) / (4 * pi) * eval_legendre(order, unit @ unit.T)
            q.append(np.einsum("np,nq,pq->n", g, g, legendre))
        q.append(four_body(g, unit))
        w0, b0, w1 = layers[kind]
        total += w1 @ np.tanh(w0 @ (np.concatenate(q) * scales) - b0) - shared
    return total


def four_body(g, unit):
    """q_222 of J. Chem. Phys. 157, 114801: 3j symbols and complex harmonics, [n]."""
    x, y, z = unit.T
    plus = x + 1j * y
    own = {
        0: sqrt(5 / (16 * pi)) * (3 * z**2 - 1),
        1: -sqrt(15 / (8 * pi)) * z * plus,
        2: sqrt(15 / (32 * pi)) * plus**2,
    }
    own |= {-m: (-1) ** m * own[m].conj() for m in (1, 2)}
    a = {m: (g * value).sum(1) for m, value in own.items()}
    ms = range(-2, 3)
    found = sum(
        float(wigner_3j(2, 2, 2, m, k, -m - k)) * a[m] * a[k] * a[-m - k]
        for m in ms
        for k in ms
        if abs(m + k) <= 2
    )
    np.testing.assert_allclose(found.imag, 0, atol=1e-12)
    return found.real


def test_its_file_says_by_the_papers_formulas_what_it_says(nep64, tmp_path):
    nep64.save(tmp_path)
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=0)
    expected = nep64.predict(from_atoms([atoms], groups=["ethanol"], source="named")).energy
    found = naive_energy((tmp_path / MODEL_FILE).read_text(), atoms)
    # ten digits of weights of order one, some thousand of which add up
    np.testing.assert_allclose(found, expected, atol=1e-6)


ANSWERS = """
import sys, numpy as np
from ase.io import read
from calorine.calculators import CPUNEP
found = {}
for i, atoms in enumerate(read(sys.argv[2], ":")):
    atoms.calc = CPUNEP(sys.argv[1])
    found[f"energy{i}"], found[f"forces{i}"] = atoms.get_potential_energy(), atoms.get_forces()
    found[f"stress{i}"] = atoms.get_stress()
np.savez(sys.argv[3], **found)
"""


def as_calorine_says(folder, structures):
    write(folder / "asked.xyz", structures)
    command = [CALORINE, "-c", ANSWERS, str(folder / MODEL_FILE), str(folder / "asked.xyz")]
    subprocess.run([*command, str(folder / "answers.npz")], check=True, capture_output=True)
    return np.load(folder / "answers.npz")


def asked():
    """Rocksalt, ethanol in a large box, and a sheared cell smaller than the cut-off."""
    salt = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    salt.rattle(0.2, seed=1)
    ethanol = molecule("CH3CH2OH", vacuum=12.0, pbc=True)
    mixed = bulk("NaCl", "rocksalt", a=5.2)
    mixed.symbols[0] = "Mg"
    sheared = np.asarray(mixed.cell) + np.random.default_rng(0).normal(size=(3, 3)) / 3
    mixed.set_cell(sheared, scale_atoms=True)
    return [salt, ethanol, mixed]


@pytest.mark.skipif(not CALORINE, reason="LIMBECK_CALORINE_PYTHON names no Python with calorine")
@pytest.mark.parametrize("size", ["tiny", "small", "medium"])
@pytest.mark.parametrize("zbl", [False, True])
def test_calorine_says_the_same(size, zbl, tmp_path):
    from limbeck.students import with_repulsion

    made = new_nep(size, double=True)
    made = with_repulsion(made) if zbl else made
    structures = asked()
    if zbl:  # sodium nearer to chlorine than in any crystal, where the repulsion is 2 eV a pair
        structures.append(bulk("NaCl", "rocksalt", a=3.4, cubic=True))
    made.save(tmp_path)
    said = as_calorine_says(tmp_path, structures)
    for i, atoms in enumerate(structures):
        own = made.predict(from_atoms([atoms], groups=["any"], source="named"))
        # Calorine's constants have seven digits: of a repulsion of 100 eV, 2e-5 eV.
        np.testing.assert_allclose(own.energy[0], said[f"energy{i}"], rtol=1e-9, atol=5e-5 * zbl)
        np.testing.assert_allclose(own.forces, said[f"forces{i}"], atol=5e-6 + 2e-4 * zbl)
        np.testing.assert_allclose(own.stress[0], said[f"stress{i}"], atol=1e-7 + 5e-6 * zbl)


@pytest.mark.parametrize("turns", ["proper", "improper"])
@pytest.mark.parametrize("kind", FRAMES)
def test_a_turned_batch_is_a_batch_of_turned_frames(nep, nep64, kind, turns):
    found = turning_gap(nep, FRAMES[kind](), turns)
    assert found.energy < ENERGY
    assert found.forces < FORCES
    assert found.stress < STRESS
    found = turning_gap(nep64, FRAMES[kind](), turns)
    assert found.energy < EXACT_ENERGY
    assert found.forces < EXACT
    assert found.stress < EXACT


@pytest.mark.parametrize("kind", FRAMES)
def test_it_is_equivariant_under_rotations_and_reflections(nep64, kind):
    seen = orbit(nep64, FRAMES[kind](), Reflection(), 6, "test")
    assert seen.energy.std(axis=0).max() < EXACT_ENERGY
    assert seen.forces.std(axis=0).max() < EXACT


def test_a_moment_that_is_wrong_breaks_the_symmetry(nep64, monkeypatch):
    """Negative control: one component of l = 4 a tenth too large."""
    from limbeck.potentials.models.nep import network

    def wrong(unit):
        found = harmonics(unit)
        found[:, 20] *= 1.1
        return found

    monkeypatch.setattr(network, "harmonics", wrong)
    seen = orbit(nep64, crystals(), Reflection(), 6, "test")
    assert seen.energy.std(axis=0).max() > 1e4 * EXACT_ENERGY


@pytest.mark.parametrize("size", ["tiny", "medium"])  # angular functions reach less far, as far
@pytest.mark.parametrize("make", [crystals, molecules])
def test_pulls_are_the_gradient_that_autograd_finds(size, make):
    made = new_nep(size, double=True)
    pairs = made.prepare(make()).pairs
    vectors = pairs.vectors.clone().requires_grad_()
    answers = made.module(replace(pairs, vectors=vectors))
    (expected,) = torch.autograd.grad(answers.energies.sum(), vectors)
    torch.testing.assert_close(answers.pulls, expected, atol=EXACT, rtol=1e-10)
    assert expected.abs().max() > 0.01


@pytest.mark.parametrize("make", [crystals, molecules])
def test_forces_and_stress_are_slopes_of_the_energy(nep64, make):
    frames = make()
    rows = [0, 3, len(frames.numbers) - 1]
    # central differences of 1e-4 A: third derivatives of 100 eV/A^3 leave 2e-7
    slopes = force_slopes(nep64, frames, rows, 1e-4)
    np.testing.assert_allclose(nep64.predict(frames).forces[rows], slopes, atol=1e-6)
    if frames.periodic.all():
        np.testing.assert_allclose(
            stress_of(nep64, frames), stress_slopes(nep64, frames, 1e-4), atol=1e-7
        )


def test_training_answers_as_evaluation_does_and_has_the_slopes_of_its_weights(nep64):
    batch = nep64.prepare(crystals())
    still = nep64.outputs(batch, training=False, stress=True)
    moving = nep64.outputs(batch, training=True, stress=True)
    for name, value in still.values.items():
        torch.testing.assert_close(moving.values[name].detach(), value)
    for weight in nep64.module.parameters():
        loss = nep64.outputs(batch, training=True, stress=True).forces.square().sum()
        (slope,) = torch.autograd.grad(loss, weight)
        at = int(slope.abs().argmax())
        found = []
        for step in (1e-5, -2e-5):
            weight.data.view(-1)[at] += step
            forces = nep64.outputs(batch, training=False, stress=False).forces
            found.append(float(forces.square().sum()))
        weight.data.view(-1)[at] += 1e-5
        # the third derivative, of the order of the first, times 1e-10
        assert (found[0] - found[1]) / 2e-5 == pytest.approx(float(slope.view(-1)[at]), rel=1e-5)


@pytest.mark.parametrize("kind", FRAMES)
def test_answers_do_not_depend_on_the_batch(nep64, kind):
    found = cutting_gap(nep64, FRAMES[kind]())
    assert max(found) < EXACT_ENERGY


def test_neighbours_last_while_atoms_move_within_the_skin(nep64):
    frames = crystals()
    wide = nep64.prepare_wide(frames, 0.8)
    rng = np.random.default_rng(0)
    moves = rng.uniform(-0.2, 0.2, frames.positions.shape)
    grown = frames.cell * 1.01
    there = derive(frames, frames.positions + moves, grown, sampling="m", seed=0)
    moved = nep64.moved(wide, torch.as_tensor(there.positions), torch.as_tensor(there.cell))
    assert max(gap(nep64.evaluate(moved), nep64.predict(there))) < EXACT_ENERGY
    assert gap(nep64.evaluate(wide), nep64.predict(there)).forces > 0.01


def test_a_lone_atom_has_an_energy_and_no_forces(nep64):
    found = nep64.predict(from_atoms([Atoms("O")], groups=["O"], source="named"))
    assert np.isfinite(found.energy).all()
    assert (found.forces == 0).all()


def test_what_the_hidden_layer_sees_has_no_mean_and_a_spread_of_one(nep64):
    batch = nep64.collate(nep64.graphs(shaken()))
    answers = nep64.module(batch.pairs)
    for kind in batch.pairs.species.unique().tolist():
        own = batch.pairs.species == kind
        seen = (answers.descriptors[own] - nep64.module.means[kind]) * nep64.module.scales[kind]
        # means and scales were taken in float32
        torch.testing.assert_close(seen.mean(0), torch.zeros_like(seen[0]), atol=1e-4, rtol=0)
        assert (seen.std(0, correction=0) < 1.001).all()


def test_energies_of_atoms_add_up_and_descriptors_do_not_turn(nep64):
    frames = crystals()
    batch = nep64.prepare(frames)
    of_atoms = nep64.atom_energies(batch)
    sums = np.bincount(frames.frame_of_atom, weights=of_atoms)
    np.testing.assert_allclose(sums, nep64.predict(frames).energy, atol=EXACT_ENERGY)
    turned = nep64.rotate(batch, special_ortho_group.rvs(3, 2, random_state=0))
    for one, other in ((batch, turned),):
        a, b = (nep64.evaluate_described(x).values["descriptors"] for x in (one, other))
        np.testing.assert_allclose(a, b, atol=1e-11)
        assert a.shape == (len(frames.numbers), 3 + 5 * 2)


def test_the_hidden_layer_of_each_element_is_a_matrix(nep):
    ((weight, views),) = nep.matrices()
    assert [tuple(view.shape) for view in views] == [(8, 13)] * 6
    assert all(view.data_ptr() >= weight.data_ptr() for view in views)
    assert sum(view.numel() for view in views) == weight.numel()


def test_the_largest_cutoff_of_the_config_is_one_that_gpumd_takes(tmp_path):
    """GPUMD stops at a file whose cutoff line says more than 819 neighbours."""
    farthest = NETWORKS["nep"].farthest

    def built(cutoff):
        return NepPotential.build("tiny", STATISTICS, name="n", device="cpu", cutoff_A=cutoff)

    built(farthest).save(tmp_path)
    _, *reach, radial, angular = (tmp_path / MODEL_FILE).read_text().splitlines()[1].split()
    assert float(reach[0]) == farthest
    # diamond, the densest matter at ambient pressure: its neighbours fit
    offsets = neighbor_list("i", bulk("C", "diamond", a=3.567), farthest)
    assert len(offsets) / 2 <= int(radial) <= 819
    assert int(angular) <= int(radial)
    with pytest.raises(LimbeckError, match="expected 819 at most, as GPUMD takes"):
        built(farthest + 0.1).save(tmp_path)


def test_the_file_stands_beside_the_weights(nep, tmp_path):
    nep.save(tmp_path)
    lines = (Path(tmp_path) / MODEL_FILE).read_text().splitlines()
    assert lines[0] == "nep4 6 H C O Na Mg Cl"
    assert lines[4] == "l_max 4 2 0"
    assert lines[5] == "ANN 9 0"  # one more than it has, for the energies of the elements
