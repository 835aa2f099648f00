"""MACE's faster convolutions and its neighbours that last: the same answers as mace-torch's."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule

from argon import dynamics_of, frames_of, settings_with
from limbeck.potentials.models.mace import MacePotential
from limbeck.potentials.models.mace_convolution import ScalarConvolution, with_fast_convolutions
from limbeck.potentials.models.toys import LennardJones
from limbeck.potentials.torch_sim import PotentialModel, VerletListModel, dynamics_model, state_of
from limbeck.potentials.trainable import Statistics


@pytest.fixture(scope="module")
def potential() -> MacePotential:
    torch.manual_seed(0)
    statistics = Statistics([1, 6, 8, 11, 17], np.full(5, -1.0), 0.0, 1.0, 1.0, 1.0)
    found = MacePotential.build("tiny", statistics, name="m", device="cpu")
    found.module.double()
    found.dtype = torch.float64
    return found


def salts() -> list[Atoms]:
    first = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    second = bulk("NaCl", "rocksalt", a=5.5)  # 2 atoms: they see their own images
    for seed, atoms in enumerate((first, second)):
        atoms.rattle(0.1, seed=seed)
    return [first, second]


def molecules() -> list[Atoms]:
    return [molecule(name) for name in ("CH3CH2OH", "H2O", "CO2")]


@pytest.mark.parametrize("make", [salts, molecules])
def test_fast_convolutions_answer_as_those_of_mace(potential, make):
    batch = potential.prepare(frames_of(*make()))
    periodic = make is salts
    fast = potential.outputs(batch, training=False, stress=periodic)
    slow = potential.outputs(batch, training=True, stress=periodic)
    # the same sums in another order, in float64
    torch.testing.assert_close(fast.energy, slow.energy, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(fast.forces, slow.forces, rtol=1e-9, atol=1e-10)
    if periodic:
        torch.testing.assert_close(fast.stress, slow.stress, rtol=1e-9, atol=1e-12)


def test_both_layers_are_replaced_and_share_their_weights(potential):
    fast = with_fast_convolutions(potential.module)
    for old, new in zip(potential.module.interactions, fast.interactions, strict=True):
        assert isinstance(new.conv_tp, ScalarConvolution)
        assert not isinstance(old.conv_tp, ScalarConvolution)
        assert not hasattr(old, "conv_fusion")
        assert new.linear is old.linear
    assert fast.state_dict().keys() <= potential.module.state_dict().keys()


@pytest.mark.parametrize(("device", "replaced"), [("cpu", True), ("cuda", False)])
def test_they_are_replaced_on_a_cpu_alone(potential, device, replaced):
    """Until a GPU has been measured; no kernel runs here, so that none is needed."""
    there = copy.copy(potential)
    there.__dict__.pop("_fast", None)
    there.device = torch.device(device)
    assert (there._fast is not potential.module) == replaced


def test_another_convolution_stays(potential):
    from e3nn import o3
    from mace.modules.blocks import RealAgnosticResidualInteractionBlock

    block = RealAgnosticResidualInteractionBlock(
        node_attrs_irreps=o3.Irreps("2x0e"),
        node_feats_irreps=o3.Irreps("4x0e + 4x1o"),
        edge_attrs_irreps=o3.Irreps("0e + 1o"),
        edge_feats_irreps=o3.Irreps("8x0e"),
        target_irreps=o3.Irreps("4x0e + 4x1o"),
        hidden_irreps=o3.Irreps("4x0e + 4x1o"),
        avg_num_neighbors=4.0,
        radial_MLP=[8],
    )
    holder = torch.nn.Module()
    holder.interactions = torch.nn.ModuleList([block])
    assert with_fast_convolutions(holder).interactions[0] is block


def test_an_atom_without_neighbours(potential):
    far = Atoms("OCO", [[0, 0, 0], [50, 0, 0], [51.2, 0, 0]])
    for atoms in (far, far[:2]):  # and a batch without a single edge
        batch = potential.prepare(frames_of(atoms))
        answer = potential.outputs(batch, training=False, stress=False)
        slow = potential.outputs(batch, training=True, stress=False)
        torch.testing.assert_close(answer.energy, slow.energy)
        assert float(answer.forces[0].abs().max()) == 0


def walk(model, frames, moves):
    """Energies, forces and stresses along a walk of positions and cells."""
    state = state_of(frames, model)
    found = []
    for displacement, strain in moves:
        state.positions = (state.positions + displacement) @ strain
        if state.pbc:
            state.row_vector_cell = state.row_vector_cell @ strain
        found.append(model(state))
    return found


@pytest.mark.parametrize("make", [salts, molecules])
def test_neighbours_that_last_give_the_answers_of_new_ones(potential, make, monkeypatch):
    frames = frames_of(*make())
    rng = np.random.default_rng(1)
    n, eye = len(frames.numbers), np.eye(3)
    moves = [
        (
            torch.tensor(rng.normal(0, 0.04, (n, 3))),
            torch.tensor(eye + rng.normal(0, 0.004, (3, 3)) if make is salts else eye),
        )
        for _ in range(30)
    ]
    moving, renewed = VerletListModel(potential), []
    renew = moving._renew
    monkeypatch.setattr(moving, "_renew", lambda state: (renewed.append(1), renew(state)))
    for new, old in zip(
        walk(moving, frames, moves), walk(PotentialModel(potential), frames, moves), strict=True
    ):
        # float64; edges beyond the cut-off have no weight
        torch.testing.assert_close(new["energy"], old["energy"], rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(new["forces"], old["forces"], rtol=1e-8, atol=1e-10)
        if make is salts:
            torch.testing.assert_close(new["stress"], old["stress"], rtol=1e-8, atol=1e-12)
    assert 1 < len(renewed) < 25  # they lasted, and not for ever


def test_neighbours_that_last_too_long_are_noticed(potential, monkeypatch):
    """Control: without the test of staleness the same walk goes wrong."""
    frames = frames_of(*salts())
    moves = [(torch.tensor([[0.3, 0, 0]] * 4 + [[0.0, 0, 0]] * 6), torch.eye(3).double())] * 10
    expected = walk(PotentialModel(potential), frames, moves)[-1]["forces"]
    moving = VerletListModel(potential)
    torch.testing.assert_close(walk(moving, frames, moves)[-1]["forces"], expected)
    blind = VerletListModel(potential)
    monkeypatch.setattr(blind, "_is_stale", lambda *_: False)
    assert not torch.allclose(walk(blind, frames, moves)[-1]["forces"], expected, atol=1e-3)


def test_a_strained_cell_alone_makes_neighbours_stale(potential):
    model = VerletListModel(potential)
    state = state_of(frames_of(*salts()), model)
    model(state)
    for squeeze, stale in ((0.95, False), (0.8, True)):  # 4 + 0.8 A of skin: 4.8 / 4 = 1 / 0.83
        moved = replace(state)
        strain = torch.diag(torch.tensor([1.0, 1.0, squeeze], dtype=torch.float64))
        moved.positions = state.positions @ strain
        moved.row_vector_cell = state.row_vector_cell @ strain
        assert model._is_stale(moved, model._seen) is stale


def test_other_systems_of_the_same_size_are_noticed(potential):
    model = VerletListModel(potential)
    water, other = molecule("H2O"), molecule("H2O")
    other.symbols[:] = "C"
    for atoms in (water, other):
        found = model(state_of(frames_of(atoms), model))["energy"]
        np.testing.assert_allclose(found, potential.predict(frames_of(atoms)).energy, atol=1e-9)


def test_stress_only_where_it_is_asked_for(potential):
    model = dynamics_model(potential)
    state = state_of(frames_of(*salts()), model)
    assert "stress" in model(state)
    model.compute_stress = False
    assert "stress" not in model(state)
    assert not isinstance(dynamics_model(LennardJones()), VerletListModel)


def test_dynamics_with_lasting_neighbours_is_that_with_new_ones(potential):
    frames = frames_of(*salts())
    settings = settings_with(nvt_algorithm="nose_hoover", time_step_fs=1.0, temperature_K=300.0)
    found = []
    for model in (VerletListModel(potential), PotentialModel(potential)):
        dynamics = dynamics_of(frames, settings, model)
        for _ in range(25):
            dynamics.step(0.0)
        found.append(dynamics.positions)
    np.testing.assert_allclose(*found, rtol=0, atol=1e-8)
