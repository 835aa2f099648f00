"""How many crystals of each kind one core makes in a second, and what PyXtal makes of each group.

Usage: OMP_NUM_THREADS=1 PYTHONPATH=scripts python benchmarks/crystals.py [groups | pyxtal]

The first structures of each kind, which load libraries and space groups, are not timed. With
``groups``, in place of the rates, four crystals in each of the 230 space groups: of MgAl2O4 (one
to four formula units), of Si and TiO2 (2 to 48 atoms), of benzene and urea (1 to 8 molecules), by
what became of them. With ``pyxtal``, the same random crystals by PyXtal as it is and by
``fast_pyxtal``, in turn, and the ratio of their times.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from unittest import mock

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.messages import validated
from limbeck.structures import generate
from limbeck.structures.building.crystals import space_groups

ELEMENTS = ["Li", "Mg", "Al", "Ti", "O", "F", "S"]
KINDS = {
    "crystals, of the table": {"kind": "crystals", "strain": 0.02},
    "crystals, decorated": {
        "kind": "crystals",
        "strain": 0.02,
        "prototypes": ["rocksalt", "fluorite", "rutile", "spinel", "perovskite"],
        "decorate": True,
        "elements": ELEMENTS,
    },
    "random_crystals, atoms, six groups": {
        "kind": "random_crystals",
        "elements": ELEMENTS,
        "space_groups": [2, 14, 62, 139, 166, 225],
    },
    "random_crystals, benzene, urea": {
        "kind": "random_crystals",
        "molecules": ["c1ccccc1", "NC(=O)N"],
        "molecules_per_cell": [2, 4],
        "space_groups": [2, 4, 14, 19],
    },
    "derivatives": {
        "kind": "derivatives",
        "prototypes": ["rocksalt", "spinel", "perovskite"],
        "vacancies": [0, 2],
        "substitutions": [0, 4],
        "substitute": [["Li", "Na", "K"], ["Mg", "Ca", "Sr", "Ba"]],
        "antisites": [0, 1],
        "strain": 0.02,
    },
}


def make(count: int, **fields: object) -> tuple[int, Counter[str], float]:
    """How many were made, why others were not, and seconds."""
    source = {"name": "measured", "count": count, **fields}
    job = validated(GenerateStructures, {"seed": 1, "shard": 0, "source": source}, "settings")
    start = time.process_time()
    frames, rejected = generate(job)
    return len(frames), Counter(r.reason for r in rejected), time.process_time() - start


def report_rates() -> None:
    """One line for each kind."""
    for name, fields in KINDS.items():
        count = 30 if fields["kind"] == "random_crystals" else 300
        make(count, **fields)
        made, reasons, seconds = make(count, **fields)
        told = "; ".join(f"{n} {reason}" for reason, n in reasons.items())
        print(f"{name:36} {made / seconds:6.0f} structures/s   {told}", flush=True)


OF_GROUPS = {
    "MgAl2O4": {"formulas": ["MgAl2O4"], "n_atoms": [7, 28]},
    "Si, TiO2": {"formulas": ["Si", "TiO2"], "n_atoms": [2, 48]},
    "benzene, urea": {"molecules": ["c1ccccc1", "NC(=O)N"], "molecules_per_cell": [1, 8]},
}


def report_groups() -> None:
    """Numbers of space groups by what became of their crystals, and the slowest groups."""
    for name, asked in OF_GROUPS.items():
        found: dict[str, list[int]] = {}
        fates: Counter[str] = Counter()
        seconds = {}
        for number in range(1, 231):
            fields = {"kind": "random_crystals", "space_groups": [number], **asked}
            made, reasons, seconds[number] = make(4, **fields)
            fates += Counter(made=made) + reasons
            fate = "some made" if made else "none made: " + ", ".join(reasons)
            found.setdefault(fate, []).append(number)
        print(f"{name}: {dict(fates)}, {sum(seconds.values()):.0f} s")
        for fate, numbers in found.items():
            print(f"  {len(numbers)} groups, {fate}: {numbers if fate != 'some made' else ''}")
        slowest = sorted(seconds, key=seconds.__getitem__)[:-6:-1]
        print("  slowest:", ", ".join(f"{n} {seconds[n]:.1f} s" for n in slowest), flush=True)


@contextmanager
def plain_pyxtal() -> Iterator[None]:
    """PyXtal without what ``fast_pyxtal`` puts in its place."""
    from pyxtal import operations, symmetry, tolerance, wyckoff_site

    with ExitStack() as stack:
        for module, name, value in (
            (space_groups, "_group", cache(symmetry.Group)),
            (operations, "Tol_matrix", tolerance.Tol_matrix),
            (symmetry, "distance_matrix", operations.distance_matrix),
            (wyckoff_site, "distance_matrix", operations.distance_matrix),
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        yield


def report_ratio(count: int = 25, rounds: int = 4) -> None:
    """Seconds a crystal of both ways, of four or five elements, and their ratio by round."""
    fields = {
        "kind": "random_crystals",
        "elements": ELEMENTS,
        "n_elements": [4, 5],
        "n_atoms": [8, 32],
    }
    ways = {"plain": plain_pyxtal, "fast": nullcontext}
    for number in range(rounds + 1):
        seconds = {}
        for name, way in ways.items():
            with way():
                made, _, took = make(count, **fields)
                seconds[name] = took / made
        if number:  # the first round loads libraries and groups
            told = ", ".join(f"{name} {own:.3f} s" for name, own in seconds.items())
            print(f"{told} a crystal; ratio {seconds['plain'] / seconds['fast']:.1f}", flush=True)


REPORTS = {"groups": report_groups, "pyxtal": report_ratio}

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    REPORTS.get("".join(sys.argv[1:]), report_rates)()
