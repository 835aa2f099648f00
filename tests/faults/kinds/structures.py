"""Bad structures in a source: set aside and counted, and nothing else is touched."""

import csv

import h5py
import numpy as np

from faults.harness import Case, kind
from faults.outcomes import Verdict, wrong
from faults.runs import RUN, Call

SOURCE = "tests/config/faults.extxyz"
CELL = 'Lattice="4.0 0.0 0.0 0.0 4.0 0.0 0.0 0.0 4.0" '
PROPERTIES = 'Properties=species:S:1:pos:R:3 pbc="{pbc}"'
NUMBERS = 'Properties=Z:I:1:pos:R:3 pbc="{pbc}"'
#: (what it is, its text in extended XYZ)
BAD = (
    ("an atom at 1e6 A", "2\n{isolated}\nCu 0 0 0\nCu 1e6 0 0\n"),
    ("an atom at 1e6 A, periodic", "2\n{periodic}\nCu 0 0 0\nCu 1e6 0 1\n"),
    ("Z = 200", "2\n{isolated_z}\n29 0 0 0\n200 2.5 0 0\n"),
    ("Z = -5", "2\n{periodic_z}\n29 0 0 0\n-5 2 2 0\n"),
    ("NaN", "2\n{isolated}\nCu 0 0 0\nCu nan 0 0\n"),
    ("no atoms", "0\n{isolated}\n"),
    ("infinite, periodic", "2\n{periodic}\nCu 0 0 0\nCu inf 0 1\n"),
    ("an atom at 1e300 A", "2\n{isolated}\nCu 0 0 0\nCu 1e300 0 0\n"),
)


@kind("bad structures in a source", 8)
def bad_structures(case: Case) -> Verdict:
    """One among good ones, of the users' own file."""
    workspace, cold = case.workspace, case.reference.cold
    what, text = BAD[case.number % len(BAD)]
    headers = {
        "isolated": PROPERTIES.format(pbc="F F F"),
        "periodic": CELL + PROPERTIES.format(pbc="T T T"),
        "isolated_z": NUMBERS.format(pbc="F F F"),
        "periodic_z": CELL + NUMBERS.format(pbc="T T T"),
    }
    frames = _frames(workspace.path(SOURCE).read_text())
    at = case.rng.randint(0, len(frames))
    frames.insert(at, text.format(**headers))
    workspace.path(SOURCE).write_text("".join(frames))
    case.place = f"{what}, as number {at} of {SOURCE}"
    case.prove(f"{SOURCE}: {len(frames)} frames")
    targets = [f"{RUN}/screened/own/0.h5", f"{RUN}/samples/rattled/own/0.h5"]
    call = workspace.call(*targets)
    if call.code:
        return _stopped(call)
    name = f"{RUN}/screened/own/0.h5"
    with h5py.File(cold.folder / name) as right, h5py.File(workspace.path(name)) as found:
        for array in ("atoms/positions", "atoms/numbers", "frames/cell", "frames/n_atoms"):
            if not np.array_equal(right[array][()], found[array][()]):
                return wrong(f"{name}: {array} of the good ones differs")
    counted = _rows(case, "structures/own/0.failed.csv") + _rows(case, "screened/own/0.rejects.csv")
    if counted != 1:
        return wrong(f"{counted} set aside with a reason, expected 1")
    return Verdict("healed", f"{what}: set aside and counted")


def _stopped(call: Call) -> Verdict:
    """The run stopped for one structure, which no one should have to wait for."""
    if call.message is None:
        return wrong(f"no message: {call.end}")
    return wrong(f"one bad structure stops the run: {call.message}")


def _frames(text: str) -> list[str]:
    lines, frames = text.splitlines(keepends=True), []
    while lines:
        n_atoms = int(lines[0]) + 2
        frames.append("".join(lines[:n_atoms]))
        lines = lines[n_atoms:]
    return frames


def _rows(case: Case, name: str) -> int:
    with open(case.workspace.path(f"{RUN}/{name}"), newline="") as table:
        return len(list(csv.DictReader(table)))
