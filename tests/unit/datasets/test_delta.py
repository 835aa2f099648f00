"""Differences of label sets, energies of single atoms, and the file that MACE reads."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import read

from limbeck.averaging.views import Views
from limbeck.datasets import delta
from limbeck.datasets.atom_energies import fit_atoms
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset, build
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.labelling.isolated_atoms import isolated_energies
from limbeck.labelling.label import label
from limbeck.potentials import open_potential
from limbeck.potentials.models.toys import LennardJones
from limbeck.reasons import Status
from planted import labels_for

CRYSTAL = [bulk("Ar", a=5.2, cubic=True), bulk("Ar", a=5.4, cubic=True)]
MOLECULES = [molecule(name) for name in ("H2O", "CH4", "CO2", "NH3", "H2CO", "CH3OH", "C2H2")]


def frames_of(structures):
    return from_atoms(structures, groups=[f"g{i}" for i in range(len(structures))], source="s")


def planted(frames, seed):
    """Labels of random numbers."""
    rng = np.random.default_rng(seed)
    stress = np.where(frames.periodic[:, None], rng.normal(size=(len(frames), 6)), np.nan)
    return replace(
        labels_for(frames),
        energy=rng.normal(size=len(frames)),
        forces=rng.normal(size=(len(frames.numbers), 3)),
        stress=stress,
        energy_spread=np.full(len(frames), 3.0 if seed else 4.0),
        forces_spread=np.full(len(frames.numbers), np.nan),
        attrs={"label_set": f"planted-{seed}"},
    )


def test_differences_are_target_less_baseline():
    frames = frames_of([*CRYSTAL, *MOLECULES[:1]])
    baseline, target = planted(frames, 0), planted(frames, 1)
    found = delta.difference(baseline, target)
    assert np.array_equal(found.energy, target.energy - baseline.energy)
    assert np.array_equal(found.forces, target.forces - baseline.forces)
    assert np.array_equal(found.stress[:2], (target.stress - baseline.stress)[:2])
    assert np.isnan(found.stress[2]).all()  # isolated
    assert found.energy_spread.tolist() == [5.0] * 3  # 3 and 4, independent
    assert found.attrs["baseline"] == {"label_set": "planted-0"}


def test_only_frames_on_which_both_are_good_are_good():
    frames = frames_of(MOLECULES[:4])
    baseline, target = planted(frames, 0), planted(frames, 1)
    baseline.status[1:3] = Status.FAILED
    target.status[2:] = Status.TOO_STRONG
    found = delta.difference(baseline, target)
    assert found.status.tolist() == [
        Status.GOOD,
        Status.FAILED,
        Status.TOO_STRONG,
        Status.TOO_STRONG,
    ]
    kept = build(frames, found, {"train": np.arange(4)})["train"]
    assert kept.frames.id.tolist() == [frames.id[0]]


def test_labels_of_other_frames_are_refused():
    frames = frames_of(MOLECULES[:2])
    with pytest.raises(LimbeckError, match="not labels of the same frames in one order"):
        delta.difference(planted(frames, 0), planted(frames.select([1, 0]), 1))


TRUE = {"H": -2.0, "C": 5.0, "N": 0.5, "O": -7.0}


def sums_of_atoms(frames, noise=0.0):
    rng = np.random.default_rng(0)
    energies = [sum(TRUE[s] for s in atoms.symbols) for atoms in frames.to_atoms()]
    return Dataset(
        frames, replace(planted(frames, 0), energy=energies + rng.normal(0, noise, len(frames)))
    )


def test_energies_of_atoms_are_fitted():
    data = sums_of_atoms(frames_of(MOLECULES))
    found = fit_atoms(data).energies
    assert list(found) == ["H", "C", "N", "O"]
    assert found == pytest.approx(TRUE, abs=1e-9)  # rounding of a least-squares solution
    np.testing.assert_allclose(delta.residual(data, found), 0, atol=1e-9)
    sizes = delta.sizes(data, found)
    assert sizes["energy_rms_meV_per_atom"] > 500
    assert sizes["energy_less_atoms_rms_meV_per_atom"] < 1e-6
    rough = fit_atoms(sums_of_atoms(frames_of(MOLECULES), noise=0.01)).energies
    # negative control: with noise, it does not come out exactly, but near
    assert 1e-6 < max(abs(rough[e] - TRUE[e]) for e in TRUE) < 0.1


def test_an_element_without_an_energy_is_named():
    data = sums_of_atoms(frames_of(MOLECULES))
    with pytest.raises(LimbeckError, match="no energy of single atoms of N, O, there are"):
        delta.residual(data, {"H": 0.0, "C": 0.0})


def test_an_empty_part_has_no_size():
    data = sums_of_atoms(frames_of(MOLECULES)).select(np.zeros(0, dtype=int))
    assert set(delta.sizes(data, {}).values()) == {None}


def test_isolated_atoms_of_potentials_that_know_them():
    xtb = open_potential({"name": "x", "model": "xtb"})
    found = isolated_energies(xtb, ["H", "O"])
    # GFN2-xTB, one valence electron: the energy of its 1s level, -10.707 eV
    assert found["H"] == pytest.approx(-10.7072, abs=1e-3)
    assert isolated_energies(LennardJones(), ["Ar"]) == {"Ar": 0.0}
    # atomization of H2: molecule less atoms, bound by 4 to 6 eV in this method
    hydrogen = frames_of([Atoms("H2", [[0, 0, 0], [0.74, 0, 0]])])
    bound = xtb.predict(hydrogen).energy[0] - 2 * found["H"]
    assert -6 < bound < -4
    assert delta.less({"H": 3.0}, {"H": 1.0, "O": 2.0}) == {"H": 2.0}


def test_a_potential_that_knows_no_single_atoms_says_so():
    chgnet = open_potential({"name": "chgnet", "model": "chgnet"})
    with pytest.raises(LimbeckError, match=r"^chgnet: an atom of H alone: .*atoms: fit"):
        isolated_energies(chgnet, ["H"])
    emt = open_potential({"name": "emt", "model": "emt"})
    with pytest.raises(LimbeckError, match=r"^emt: an atom of Xe alone: unknown element"):
        isolated_energies(emt, ["Xe"])


def test_what_is_written_for_mace(tmp_path):
    frames = frames_of([*CRYSTAL, *MOLECULES[:1]])
    data = Dataset(frames, planted(frames, 0))
    write_extxyz(tmp_path / "train.extxyz", data, {"Ar": -1.5, "H": 2.5})
    found = read(tmp_path / "train.extxyz", ":")
    singles, rest = found[:2], found[2:]
    assert [(str(a.symbols), a.info["REF_energy"]) for a in singles] == [("Ar", -1.5), ("H", 2.5)]
    assert {a.info["config_type"] for a in singles} == {"IsolatedAtom"}
    assert not any("config_type" in a.info for a in rest)
    # ASE writes eight decimals of arrays
    for b, atoms in enumerate(rest):
        assert atoms.info["REF_energy"] == pytest.approx(data.labels.energy[b], abs=1e-12)
        forces = data.labels.forces[frames.atoms_of(b)]
        np.testing.assert_allclose(atoms.arrays["REF_forces"], forces, atol=1e-8)
        assert ("REF_stress" in atoms.info) == bool(frames.periodic[b])
    np.testing.assert_allclose(rest[0].info["REF_stress"], data.labels.stress[0], atol=1e-12)
    write_extxyz(tmp_path / "empty.extxyz", data.select(np.zeros(0, dtype=int)), {})
    assert (tmp_path / "empty.extxyz").read_text() == ""


def test_baseline_and_difference_give_the_target_back():
    """Two real potentials on real molecules: what a delta model is asked to learn."""
    frames = frames_of(MOLECULES)
    xtb = open_potential({"name": "x", "model": "xtb"})
    lj = label(LennardJones(), frames, Views(), max_force=1e6)
    target = label(xtb, frames, Views(), max_force=1e6)
    found = delta.difference(lj, target)
    np.testing.assert_allclose(lj.energy + found.energy, target.energy, rtol=1e-12)
    np.testing.assert_allclose(lj.forces + found.forces, target.forces, atol=1e-9)
