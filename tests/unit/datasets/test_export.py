"""What programs that read dictionaries make of our values, by the factors that the docs give."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read
from ase.units import GPa
from chgnet.data.dataset import StructureData
from matgl.utils.training import MGLDatasetLoader
from pymatgen.core import Structure

from limbeck.averaging.views import Views
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset
from limbeck.frames import from_atoms
from limbeck.labelling.label import label
from limbeck.potentials import open_potential
from limbeck.potentials.models.toys import LennardJones


def stretched_salt(seed):
    atoms = bulk("NaCl", "rocksalt", a=6.0, cubic=True)
    atoms.rattle(0.05, seed=seed)
    return atoms


@pytest.fixture
def written(tmp_path):
    """Two crystals under tension as ASE reads them from our file, labelled by CHGNet."""
    frames = from_atoms([stretched_salt(i) for i in range(2)], groups=["a", "b"], source="s")
    chgnet = open_potential({"name": "chgnet", "model": "chgnet"})
    write_extxyz(tmp_path / "x.extxyz", Dataset(frames, label(chgnet, frames, Views())))
    found = read(tmp_path / "x.extxyz", ":")
    assert found[0].get_stress()[0] > 0.01  # eV/A^3
    return found


def structures_of(frames):
    return [
        Structure(a.cell[:], a.get_chemical_symbols(), a.positions, coords_are_cartesian=True)
        for a in frames
    ]


def test_chgnets_reader_has_what_chgnet_predicts(written):
    from chgnet.model import CHGNet

    structures = structures_of(written)
    data = StructureData(
        structures=structures,
        energies=[a.get_potential_energy() / len(a) for a in written],
        forces=[a.get_forces() for a in written],
        stresses=[-10 * a.get_stress(voigt=False) / GPa for a in written],
        shuffle=False,
    )
    model = CHGNet.load(verbose=False, use_device="cpu")
    for b, structure in enumerate(structures):
        _, target = data[b]
        own = model.predict_structure(structure)
        # float32 of some GPa, eV/A and eV
        np.testing.assert_allclose(target["s"].numpy(), own["s"], atol=1e-4)
        np.testing.assert_allclose(target["f"].numpy(), own["f"], atol=1e-5)
        assert float(target["e"]) == pytest.approx(float(own["e"]), abs=1e-5)


def test_matgls_reader_has_the_stress_in_gpa(written, tmp_path):
    records = [
        {
            "structure": structure.as_dict(),
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces().tolist(),
            "stress": atoms.get_stress(voigt=False).tolist(),
        }
        for structure, atoms in zip(structures_of(written), written, strict=True)
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(record, default=float) + "\n" for record in records))
    data = MGLDatasetLoader.from_json(path, cutoff=4.0, stress_unit="eV/A3", save_cache=False)
    for b, atoms in enumerate(written):
        stress = np.array(data.labels["stresses"][b])
        # ASE's GPa and matgl's are of different years: 6e-7 apart
        np.testing.assert_allclose(stress, atoms.get_stress(voigt=False) / GPa, rtol=2e-6)
        assert data.labels["energies"][b] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)


def test_a_dipole_stands_under_a_name_that_mace_can_be_told(tmp_path):
    """ASE takes ``dipole`` for a result of its own, so that MACE's default does not find it."""
    frames = from_atoms([Atoms("Ar2", [[0, 0, 0], [3.5, 0, 0]])], groups=["Ar"], source="s")
    labels = label(LennardJones(), frames, Views())
    labels.values["dipole"] = np.array([[0.1, 0.2, -0.3]])
    write_extxyz(tmp_path / "x.extxyz", Dataset(frames, labels))
    (atoms,) = read(tmp_path / "x.extxyz", ":")
    np.testing.assert_allclose(atoms.info["REF_dipole"], [0.1, 0.2, -0.3])
    np.testing.assert_allclose(atoms.get_dipole_moment(), [0.1, 0.2, -0.3])
    assert "dipole" not in atoms.info
