"""PBE0 as the target of delta-learning over GFN2-xTB."""

import numpy as np
import pytest
from ase.build import molecule
from ase.units import Debye

from limbeck.averaging.views import Views
from limbeck.datasets.atom_energies import fit_atoms
from limbeck.datasets.delta import difference, sizes
from limbeck.datasets.split import build
from limbeck.frames import from_atoms
from limbeck.labelling.label import label
from limbeck.potentials import open_potential
from limbeck.reasons import Status

pytest.importorskip("pyscf", reason="needs pip install .[quantum]")
pytestmark = pytest.mark.slow
NAMES = ("H2O", "NH3", "CH4", "CO2", "H2CO", "CH3OH", "HCN", "C2H2", "C2H4", "OH")


def test_pbe0_over_gfn2_is_smaller_than_pbe0():
    structures = [molecule(name) for name in NAMES]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.05, seed=seed)
    structures[-1].positions += [5.0, 5.0, 5.0]  # an ion, far from the origin
    frames = from_atoms(structures, groups=NAMES, source="s", charges=[0] * 9 + [-1])
    target = open_potential({"name": "pbe0", "model": "pyscf"})
    target.ask_for(["dipole", "charges", "mbis_charges"])
    baseline = label(open_potential({"name": "gfn2", "model": "xtb"}), frames, Views())
    of_target = label(target, frames, Views())
    found = difference(baseline, of_target)
    assert (found.status == Status.GOOD).all()
    assert {"dipole", "charges"} < found.values.keys()
    assert "mbis_charges" not in found.values  # GFN2 has none
    data = build(frames, found, {"train": np.arange(len(frames))})["train"]
    whole = build(frames, of_target, {"train": np.arange(len(frames))})["train"]
    both = [sizes(d, fit_atoms(d).energies) for d in (data, whole)]
    # forces by the two differ by 1.2 eV/A, and are 3 eV/A large: GFN2 knows most of a bond
    assert both[0]["forces_rms_meV_per_A"] < 0.6 * both[1]["forces_rms_meV_per_A"]
    # the dipole of the ion is about the same point in both, wherever it stands
    assert np.linalg.norm(found.values["dipole"], axis=1).max() / Debye < 1.5
