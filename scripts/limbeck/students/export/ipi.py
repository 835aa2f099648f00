"""i-PI: an input, a structure, and a driver in its own process that opens the student.

i-PI takes any architecture this way, in one process; with sockets and ``metatomic.pt`` it needs no
Limbeck (``i-pi-driver-py -m metatomic``).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ase.io import write as write_atoms

from limbeck.students.card import NOT_CONSERVATIVE

if TYPE_CHECKING:
    from ase import Atoms

    from limbeck.students.export import Taken

DRIVER = '''"""The student of this folder as a potential of i-PI."""

from pathlib import Path

from ipi.pes._ase import ASEDriver
from limbeck import load_student

__DRIVER_NAME__ = "limbeck"
__DRIVER_CLASS__ = "StudentDriver"


class StudentDriver(ASEDriver):
    """Energy, forces, and stress where the structure is periodic."""

    def check_parameters(self):
        super().check_parameters()
        self.ase_calculator = load_student(Path(__file__).parent / "model")
'''
#: of a student that keeps the energy, and of one whose energy drifts: as its card says
NVE = """<dynamics mode='nve'>"""
NVT = """<dynamics mode='nvt'>
        <thermostat mode='langevin'> <tau units='femtosecond'> 100 </tau> </thermostat>"""
INPUT = """{caution}<simulation verbosity='low'>
  <output prefix='student'>
    <properties stride='1'> [step, time{{femtosecond}}, conserved{{electronvolt}},
      potential{{electronvolt}}, temperature{{kelvin}}] </properties>
  </output>
  <total_steps> 10 </total_steps>
  <prng> <seed> 1 </seed> </prng>
  <ffdirect name='student'>
    <pes> custom </pes>
    <pes_path> driver.py </pes_path>
    <parameters> {{template: template.xyz, has_stress: {stress}}} </parameters>
  </ffdirect>
  <system>
    <initialize nbeads='1'>
      <file mode='xyz'> init.xyz </file>
      <velocities mode='thermal' units='kelvin'> 300 </velocities>
    </initialize>
    <forces> <force forcefield='student'> </force> </forces>
    <ensemble> <temperature units='kelvin'> 300 </temperature> </ensemble>
    <motion mode='dynamics'>
      {dynamics}
        <timestep units='femtosecond'> 0.5 </timestep>
      </dynamics>
    </motion>
  </system>
</simulation>
"""


def write(taken: "Taken", folder: Path) -> str:
    """Write the input, the driver, the model and the structure."""
    taken.copy_model(folder)
    (folder / "driver.py").write_text(DRIVER)
    text = INPUT.format(
        caution="" if taken.conservative else f"<!-- {NOT_CONSERVATIVE} -->\n",
        dynamics=NVE if taken.conservative else NVT,
        stress=bool(taken.atoms.pbc.any()),
    )
    (folder / "input.xml").write_text(text)
    write_atoms(
        folder / "template.xyz", taken.atoms, format="extxyz", columns=["symbols", "positions"]
    )
    (folder / "init.xyz").write_text(_positions(taken.atoms))
    return (
        "`i-pi input.xml` in this folder runs 10 steps (`pip install ipi`), with Limbeck.\n"
        "`driver.py` opens the student of the folder `model` in i-PI's own process.\n"
        "Set the motion, the beads and the structure to what you need."
    )


def _positions(atoms: "Atoms") -> str:
    """The structure as i-PI reads it; its cell has a along x, and b in the plane of x and y."""
    lengths = " ".join(f"{value:.10f}" for value in atoms.cell.cellpar())
    lines = [f"{len(atoms)}", f"# CELL(abcABC): {lengths} cell{{angstrom}} positions{{angstrom}}"]
    for symbol, position in zip(atoms.symbols, atoms.positions, strict=True):
        lines.append(f"{symbol} " + " ".join(f"{x:.10f}" for x in position))
    return "\n".join(lines) + "\n"
