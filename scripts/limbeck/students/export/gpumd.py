"""GPUMD: ``nep.txt``, an input and a structure. GPUMD needs a graphics card: none of this is run
here, and its README says so."""

from pathlib import Path
from typing import TYPE_CHECKING

from ase.io import write as write_atoms

from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.students.export import Taken

FILE = "nep.txt"
RUN = """potential nep.txt
velocity 300
ensemble nve
time_step 0.5
dump_thermo 10
run 100
"""


def write(taken: "Taken", folder: Path) -> str:
    """Write ``nep.txt``, ``run.in`` and ``model.xyz``.

    Raises:
        LimbeckError: the student is no NEP.
    """
    own = taken.model / FILE
    if not own.is_file():
        raise LimbeckError(
            f"{taken.model}: no {FILE}, and GPUMD reads nothing else; expected a student of "
            f"architecture nep, not {taken.student.architecture}"
        )
    (folder / FILE).write_bytes(own.read_bytes())
    (folder / "run.in").write_text(RUN)
    write_atoms(
        folder / "model.xyz", taken.atoms, format="extxyz", columns=["symbols", "positions"]
    )
    return (
        "`gpumd` in this folder runs 100 steps from `model.xyz`, as `run.in` says.\n"
        "Not tested: GPUMD needs a graphics card and a build of its own (https://gpumd.org).\n"
        "GPUMD wants cells thicker than twice the cut-off, or makes supercells itself."
    )
