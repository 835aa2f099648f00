"""Molecular dynamics of small molecules with GFN2-xTB, by ASE and tblite alone: gfn2.extxyz.

It stands for a file of labels that you have from a DFT program. Nothing of Limbeck is used:
    python resources/labels/gfn2.py
"""

from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from ase.md.langevin import Langevin
from tblite.ase import TBLite

MOLECULES = """
    H2O CH4 NH3 CH3OH C2H6 C2H4 C2H2 HCOOH H2CO CH3CN CH3CHO C3H8 CH3CH2OH CH3OCH3 HCN CO2 N2H4
    H2O2 C2H6CHOH CH3CONH2 C3H4_C3v CH2OCH2 C6H6 CH3NO2
""".split()
FRAMES, STEPS_BETWEEN, STEPS_BEFORE = 8, 20, 400  # of 0.5 fs
TEMPERATURE_K = 400


def trajectory(name: str, seed: int) -> list[Atoms]:
    """Frames of one molecule, 10 fs apart, with energy (eV), forces (eV/A) and dipole (e A)."""
    atoms, rng = molecule(name), np.random.default_rng(seed)
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    dynamics = Langevin(
        atoms,
        0.5 * units.fs,
        temperature_K=TEMPERATURE_K,
        friction=0.01 / units.fs,
        fixcm=False,
        rng=rng,
    )
    dynamics.run(STEPS_BEFORE)
    found = []
    for _ in range(FRAMES):
        dynamics.run(STEPS_BETWEEN)
        frame = Atoms(atoms.symbols, atoms.positions - atoms.get_center_of_mass())
        # the dipole of a neutral molecule does not depend on the origin
        values = {n: atoms.calc.get_property(n, atoms) for n in ("energy", "forces", "dipole")}
        frame.calc = SinglePointCalculator(frame, **values)
        frame.info["name"] = name
        found.append(frame)
    return found


if __name__ == "__main__":
    frames = [frame for i, name in enumerate(MOLECULES) for frame in trajectory(name, i)]
    write(Path(__file__).with_name("gfn2.extxyz"), frames)
