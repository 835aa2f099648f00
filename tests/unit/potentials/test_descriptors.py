"""Descriptors: those of mace itself, the same in every orientation, stored with the frames."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from mace import modules
from mace.calculators.mace import MACECalculator

from answers import STATISTICS, crystals, cutting_gap, gap, molecules
from jobs_of import sample_job
from limbeck.config.sections.known import DESCRIBED
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, empty
from limbeck.geometry import turn
from limbeck.potentials import OPENERS, open_potential
from limbeck.potentials.models.mace import MacePotential
from limbeck.potentials.models.toys import LennardJones
from limbeck.sampling import sample
from limbeck.sampling.annotate import annotate
from limbeck.storage import read_frames, write_frames
from limbeck.students import ARCHITECTURES, architecture
from limbeck.symmetry.reflection import random_improper
from limbeck.symmetry.rotation import haar_rotations
from planted import LabField

# Features of order 1 from sums of some hundred terms, in float64; seen: 2e-15.
ROUNDING = 1e-12


@cache
def new_mace(irreps="8x0e"):
    """A tiny MACE in float64, with vectors among the features of its first layer if asked."""
    from e3nn import o3  # loads only after mace, which lets e3nn open its table of constants

    torch.manual_seed(0)
    made = MacePotential.build("tiny", STATISTICS, name="tiny", device="cpu")
    if irreps != "8x0e":
        made.module = modules.ScaleShiftMACE(
            atomic_inter_scale=1.0,
            atomic_inter_shift=0.0,
            r_max=4.0,
            num_bessel=8,
            num_polynomial_cutoff=5,
            max_ell=2,
            interaction_cls=modules.RealAgnosticResidualInteractionBlock,
            interaction_cls_first=modules.RealAgnosticInteractionBlock,
            num_interactions=2,
            num_elements=len(STATISTICS.elements),
            hidden_irreps=o3.Irreps(irreps),
            MLP_irreps=o3.Irreps("16x0e"),
            atomic_energies=STATISTICS.reference_energies,
            avg_num_neighbors=12.0,
            atomic_numbers=STATISTICS.elements,
            correlation=2,
            gate=torch.nn.functional.silu,
            radial_MLP=[16],
        )
    return MacePotential(made.module.double(), made.about, device="cpu", batch_atoms=256)


@pytest.fixture(scope="module")
def mace():
    return new_mace()


@pytest.fixture(scope="module")
def crystals_and_molecules():
    return crystals(), molecules()


def described(potential, frames):
    return potential.predict(frames, descriptors=True).values["descriptors"]


@pytest.mark.parametrize("irreps", ["8x0e", "8x0e + 8x1o"])
@pytest.mark.parametrize("number", [0, 1])
def test_they_are_those_of_mace_itself(irreps, number, crystals_and_molecules):
    potential = new_mace(irreps)
    frames = crystals_and_molecules[number]
    found = described(potential, frames)
    theirs = MACECalculator(models=[potential.module], device="cpu", default_dtype="float64")
    for b, atoms in enumerate(frames.to_atoms()):
        expected = theirs.get_descriptors(atoms, invariants_only=True)
        np.testing.assert_allclose(found[frames.atoms_of(b)], expected, atol=ROUNDING, rtol=0)
    assert found.shape == (len(frames.numbers), 16)  # eight of each of two layers


@pytest.mark.parametrize("irreps", ["8x0e", "8x0e + 8x1o"])
@pytest.mark.parametrize("turns", [haar_rotations, random_improper])
def test_no_rotation_reflection_or_translation_changes_them(irreps, turns, crystals_and_molecules):
    potential = new_mace(irreps)
    for frames in crystals_and_molecules:
        moved = turn(frames, turns(len(frames), np.random.default_rng(0)))
        moved = replace(moved, positions=moved.positions + np.array([0.3, -1.2, 7.1]))
        found = described(potential, frames)
        np.testing.assert_allclose(found, described(potential, moved), atol=ROUNDING, rtol=0)


def test_all_features_together_do_change_on_rotation(crystals_and_molecules):
    """Negative control: with the vectors left in, a rotation shows."""
    potential = new_mace("8x0e + 8x1o")
    frames = crystals_and_molecules[1]
    turned = turn(frames, haar_rotations(len(frames), np.random.default_rng(0)))
    all_of = [potential._answers(potential.prepare(f)).features.detach() for f in (frames, turned)]
    assert float((all_of[0] - all_of[1]).abs().max()) > 1e-3  # vectors are of order 0.1
    stretched = replace(frames, positions=1.01 * frames.positions)  # and a real change shows
    assert np.abs(described(potential, frames) - described(potential, stretched)).max() > 1e-3


def test_energy_and_forces_beside_them_are_the_same(mace, crystals_and_molecules):
    frames = concatenate(crystals_and_molecules)
    assert gap(mace.predict(frames), mace.predict(frames, descriptors=True)) == (0, 0, 0)
    assert cutting_gap(mace, crystals_and_molecules[0]).energy < 1e-9  # float64 sums of 50 eV
    apart = [described(mace, frames.select([b])) for b in range(len(frames))]
    np.testing.assert_allclose(described(mace, frames), np.concatenate(apart), atol=ROUNDING)


def test_who_has_none_says_so(crystals_and_molecules):
    with pytest.raises(LimbeckError, match="planted has no descriptors, expected a potential"):
        LabField().predict(crystals_and_molecules[0], descriptors=True)
    with pytest.raises(LimbeckError, match=r"lj has no descriptors, expected .* of model mace"):
        annotate(crystals_and_molecules[0], LennardJones(), ["descriptors"])


def test_what_the_config_is_checked_against_is_what_the_classes_say():
    assert set(OPENERS) > DESCRIBED
    students = [architecture(name) for name in ARCHITECTURES]
    # a student with charges is a PaiNN with a head, and opens as one
    opened = {s.architecture.partition("_")[0] for s in students if s.has_descriptors}
    assert opened == DESCRIBED
    assert not LennardJones.has_descriptors


def test_what_is_kept_survives_storage(mace, tmp_path, crystals_and_molecules):
    frames = concatenate(crystals_and_molecules)
    kept = annotate(frames, mace, ["energy", "forces", "descriptors"])
    write_frames(tmp_path / "kept.h5", kept, stage="sample_md")
    read = read_frames(tmp_path / "kept.h5")
    expected = mace.predict(frames)
    np.testing.assert_array_equal(read.extra["energy"], expected.energy)
    np.testing.assert_array_equal(read.atom_extra["forces"], expected.forces)
    np.testing.assert_array_equal(read.atom_extra["descriptors"], described(mace, frames))
    assert set(annotate(frames, mace, ["forces"]).atom_extra) == {"forces"}
    assert annotate(frames, mace, ["forces"]).extra == {}


def test_no_frames_can_be_annotated_and_stored(mace, tmp_path):
    kept = annotate(empty(), mace, ["energy", "descriptors"])
    write_frames(tmp_path / "none.h5", kept, stage="sample_md")
    assert len(read_frames(tmp_path / "none.h5")) == 0


def test_a_frame_that_the_potential_fails_on_costs_no_other(mace):
    frames = molecules()
    strange = frames.numbers.copy()
    strange[0] = 26  # iron, which it does not know
    kept = annotate(replace(frames, numbers=strange), mace, ["energy", "forces", "descriptors"])
    good = annotate(frames.select([1]), mace, ["energy", "forces", "descriptors"])
    assert np.isnan(kept.extra["energy"][0])
    assert np.isnan(kept.atom_extra["descriptors"][kept.atoms_of(0)]).all()
    assert kept.extra["energy"][1] == good.extra["energy"][0]
    of_water = kept.atom_extra["descriptors"][kept.atoms_of(1)]
    np.testing.assert_allclose(of_water, good.atom_extra["descriptors"], atol=ROUNDING)


RATTLE = {
    "seed": 1, "sampling": "r", "source": "s", "shard": 0, "standard_deviation_A": 0.05,
    "strain": 0.0, "n_frames": 2, "min_distance_ratio": 0.3, "device": "cpu", "threads": 1,
}  # fmt: skip


def test_a_sampling_keeps_what_it_is_asked_to(crystals_and_molecules):
    some = crystals_and_molecules[0]
    lj = {"name": "lj", "model": "lj"}
    asked = {**RATTLE, "keep": ["energy", "forces"], "potential": lj}
    made = sample(some, sample_job("rattle", asked))
    answer = open_potential(lj).predict(made.frames)
    np.testing.assert_array_equal(made.frames.extra["energy"], answer.energy)
    np.testing.assert_array_equal(made.frames.atom_extra["forces"], answer.forces)
    assert sample(some, sample_job("rattle", RATTLE)).frames.extra == {}


@pytest.mark.parametrize(
    ("keep", "potential", "message"),
    [
        (["descriptors"], {"name": "toy", "model": "lj"}, "descriptors of 'toy', a lj, which has"),
        (["energy"], None, r"settings\.potential: nothing, expected .* keep asks it for energy"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_sampled(keep, potential, message):
    asked = {**RATTLE, "keep": keep} | ({"potential": potential} if potential else {})
    with pytest.raises(LimbeckError, match=message):
        sample_job("rattle", asked)
