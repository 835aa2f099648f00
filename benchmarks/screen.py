"""What the screen refuses: of structures that exist next to none, of damaged ones all.

Crystals are read from a CSV file with a column ``cif``, as MP-20 has, molecular crystals from files
of structures. A table for docs/limits.md (five minutes):
``OMP_NUM_THREADS=1 python benchmarks/screen.py mp20_dev.csv.gz urea.xyz CO2.xyz ammonia.xyz``
"""

import argparse
import io
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from ase import Atoms, units  # noqa: E402
from ase.build import bulk, molecule  # noqa: E402
from ase.collections import g2  # noqa: E402
from ase.data import chemical_symbols  # noqa: E402
from ase.io import read  # noqa: E402
from scipy.optimize import brentq  # noqa: E402

from limbeck.config.sections.sampling import MolecularDynamics  # noqa: E402
from limbeck.config.sections.sources import Screen  # noqa: E402
from limbeck.errors import LimbeckError  # noqa: E402
from limbeck.frames import from_atoms  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.potentials.batches import Limits  # noqa: E402
from limbeck.sampling.dynamics import run as md  # noqa: E402
from limbeck.structures.screening import screen  # noqa: E402
from limbeck.structures.units import check_unit, typical_ratio  # noqa: E402

#: Structure, volume of an atom (A^3), bulk modulus (GPa) and its derivative, of elements at zero
#: pressure, for Vinet's equation of state; rounded from Dewaele et al., Phys. Rev. B 70, 094112
#: (2004) and 78, 104102 (2008), Young et al., J. Appl. Phys. 119, 135901 (2016), and others. Not of
#: alkali metals: at a terapascal their cores touch, which these constants do not know.
EQUATIONS = {
    "Al": ("fcc", 16.57, 73, 4.5),
    "Fe": ("fcc", 11.2, 165, 5.3),
    "Ni": ("fcc", 10.94, 176, 5.2),
    "Cu": ("fcc", 11.81, 132, 5.3),
    "Mo": ("bcc", 15.58, 260, 4.2),
    "Pd": ("fcc", 14.72, 189, 5.4),
    "Ag": ("fcc", 17.06, 100, 6.1),
    "Ta": ("bcc", 18.03, 191, 3.8),
    "W": ("bcc", 15.86, 296, 4.3),
    "Re": ("hcp", 14.73, 353, 4.6),
    "Os": ("hcp", 13.99, 399, 4.0),
    "Ir": ("fcc", 14.16, 366, 4.9),
    "Pt": ("fcc", 15.10, 273, 5.2),
    "Au": ("fcc", 16.96, 167, 5.9),
    "Pb": ("fcc", 30.32, 39, 6.0),
    "U": ("bcc", 20.76, 114, 5.5),
    "He": ("fcc", 22.8, 0.23, 7.4),
    "Ne": ("fcc", 22.2, 1.07, 8.4),
    "Ar": ("fcc", 37.4, 2.8, 8.0),
    "Xe": ("fcc", 58.0, 4.3, 7.0),
}
PACKING = {"fcc": 4, "bcc": 2}
#: of trajectories that nothing cuts
HOT = {
    "method": "md",
    "nvt_algorithm": "langevin",
    "temperature_K": 1000.0,
    "time_total_fs": 300.0,
    "time_equilibration_fs": 100.0,
    "time_step_fs": 0.5,
    "sampling_interval_fs": 5.0,
    "supercell_radius_A": None,
    "relax_input_cell": "none",
    "min_distance_ratio": 0.0,
}


def main() -> None:
    """Make the sets, screen them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crystals", type=Path, help="CSV file of crystals")
    parser.add_argument("molecular", type=Path, nargs="*", help="files of molecular crystals")
    parser.add_argument("--verbose", action="store_true", help="name the refused of each set")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    crystals = list(crystals_of(args.crystals))
    molecular = [a for path in args.molecular for a in read(path, ":")]
    molecules = [molecule(name) for name in g2.names]
    metals = list(elements())
    print("| exist | structures | refused | why |\n|---|---|---|---|")
    for name, structures in {
        "crystals of MP-20": crystals,
        "molecular crystals": molecular,
        "elements": metals,
        "molecules and atoms of G2": molecules,
        "the same, in periodic boxes of 20 A": [boxed(a) for a in molecules],
        "elements at 1 TPa": list(compressed(1000.0)),
        "V2, sodium hP4 at 320 GPa": [molecule_of("V", 1.77), sodium_hp4()],
        "crystals, displaced by 0.1 A": [rattled(a, 0.1, i) for i, a in enumerate(crystals)],
        "molecules, displaced by 0.05 A": [
            rattled(a, 0.05, 9 * i + k) for i, a in enumerate(molecules) for k in range(9)
        ],
    }.items():
        line(name, structures)
    line("molecules and crystals of the demo at 1000 K", list(hot()))
    print("\n| do not exist | structures | refused | why |\n|---|---|---|---|")
    sound = [*crystals, *molecular, *metals, *(a for a in molecules if len(a) > 1)]
    for name, structures in {
        "ten times too small": [scaled(a, 0.1) for a in sound],
        "the cell alone ten times too small": [squeezed(a) for a in sound if a.pbc.all()],
        "an atom at 0.5 A of another": [intruder(a, i) for i, a in enumerate(sound)],
        "C-H 0.64, C-C 0.91, O-H 0.58 A": [
            stretched(*pair)
            for pair in (("CH4", 0, 1, 0.64), ("C2H6", 0, 1, 0.91), ("H2O", 0, 1, 0.58))
        ],
    }.items():
        line(name, structures)
    print("\n| source | typical ratio | in nm | in Bohr | as they are | of single ones: nm, Bohr |")
    print("|---|---|---|---|---|---|")
    for name, structures in {
        "crystals of MP-20": crystals,
        "molecular crystals": molecular,
        "elements": metals,
        "molecules of G2": molecules,
    }.items():
        some = [a for a in structures if np.isfinite(typical_ratio([a]))]
        wrong = [[scaled(a, factor) for a in some] for factor in (0.1, 1 / units.Bohr)]
        told = " | ".join(guess(each) for each in (*wrong, some))
        alone = [
            sum(guess([a]) == unit for a in each)
            for each, unit in zip(wrong, ("nm", "Bohr"), strict=True)
        ]
        of = f"{alone[0]}, {alone[1]} of {len(some)}"
        print(f"| {name} | {typical_ratio(some):.2f} | {told} | {of} |", flush=True)

    print(
        "\n| bond | at rest, A | limit, A | energy above, eV | force, eV/A |\n|---|---|---|---|---|"
    )
    for row in at_their_limits():
        print(row, flush=True)


def at_their_limits() -> Iterator[str]:
    """The shortest that a bond of a molecule may be, and what it costs there, by GFN2-xTB."""
    potential = open_potential({"name": "xtb", "model": "xtb"})
    names = "CH4 NH3 H2O C2H6 C2H4 C2H2 CH3OH H2CO CO N2 O2 H2O2 SO2 SiH4 HF H2"
    for name in names.split():
        rest = molecule(name)
        length = rest.get_distance(0, 1)
        distances = rest.get_all_distances()
        half = distances[1] < distances[0]
        shortest = rest
        for shorter in np.arange(length, 0.4, -0.01):
            atoms = rest.copy()
            bond = atoms.positions[1] - atoms.positions[0]
            atoms.positions[half] += bond * (shorter / length - 1)
            frame = from_atoms([atoms], groups=["g"], source="s")
            if not len(screen(frame, Screen())[0]):
                break
            shortest = atoms
        frames = from_atoms([rest, shortest], groups=["g"] * 2, source="s")
        found = [potential.predict(frames.select([b])) for b in (0, 1)]
        above = found[1].energy[0] - found[0].energy[0]
        kind = "-".join(rest.symbols[:2])
        yield (
            f"| {kind} of {name} | {length:.2f} | {shortest.get_distance(0, 1):.2f} "
            f"| {above:.1f} | {np.abs(found[1].forces).max():.0f} |"
        )


def line(name: str, structures: list[Atoms]) -> None:
    """A row of the table: how many are refused, and why."""
    frames = from_atoms(structures, groups=["g"] * len(structures), source="s")
    _, rejected = screen(frames, Screen())
    bad = [r for r in rejected if "duplicate" not in r.reason]
    reasons = Counter(r.reason.split(":")[0].split(",")[0] for r in bad)
    why = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
    print(f"| {name} | {len(structures)} | {len(bad)} | {why} |", flush=True)
    for r in bad[:5] if "--verbose" in sys.argv else []:
        b = int(r.frame.split()[-1])
        print(structures[b], r.reason, r.value, r.limit)


def guess(structures: list[Atoms]) -> str:
    """What a source is stopped with."""
    try:
        check_unit(structures, "s", "f")
    except LimbeckError as error:
        return str(error).split("looks like ")[1].split()[0].rstrip(",.;:")
    return "let pass"


def crystals_of(path: Path) -> Iterator[Atoms]:
    """Crystals of a table."""
    for cif in pd.read_csv(path)["cif"]:
        yield read(io.StringIO(cif), format="cif")


def elements() -> Iterator[Atoms]:
    """Elements in the crystals that ASE has for them."""
    for symbol in chemical_symbols[1:95]:
        # those of several atoms, or of molecules, it has no crystal of
        with suppress(ValueError, KeyError, RuntimeError, TypeError):
            yield bulk(symbol)


def volume_at(pressure: float, volume: float, modulus: float, derivative: float) -> float:
    """Volume of an atom under pressure, GPa: Vinet et al., J. Phys. C 19, L467 (1986)."""

    def excess(x: float) -> float:
        decay = np.exp(1.5 * (derivative - 1) * (1 - x))
        return float(3 * modulus * (1 - x) / x**2 * decay - pressure)

    return volume * float(brentq(excess, 0.05, 1.0)) ** 3


def compressed(pressure: float) -> Iterator[Atoms]:
    """Elements under pressure, GPa."""
    for symbol, (kind, *constants) in EQUATIONS.items():
        volume = volume_at(pressure, *constants)
        if kind == "hcp":
            a = (volume * 4 / 3**0.5 / 1.633) ** (1 / 3)
            yield bulk(symbol, "hcp", a=a, c=1.633 * a)
        else:
            yield bulk(symbol, kind, a=(PACKING[kind] * volume) ** (1 / 3))


def sodium_hp4() -> Atoms:
    """Transparent sodium (Ma et al., Nature 458, 182 (2009))."""
    places = [(0, 0, 0), (0, 0, 0.5), (1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75)]
    return Atoms("Na4", scaled_positions=places, cell=[2.784, 2.784, 3.873, 90, 90, 120], pbc=True)


def molecule_of(symbol: str, length: float) -> Atoms:
    """Two atoms."""
    return Atoms(symbol * 2, [[0, 0, 0], [length, 0, 0]])


def boxed(atoms: Atoms, size: float = 20.0) -> Atoms:
    """In a periodic box, as plane waves want it."""
    atoms = atoms.copy()
    atoms.set_cell([size] * 3)
    atoms.pbc = True
    atoms.center()
    return atoms


def scaled(atoms: Atoms, factor: float) -> Atoms:
    """As if its lengths were in another unit."""
    return Atoms(atoms.numbers, atoms.positions * factor, cell=atoms.cell * factor, pbc=atoms.pbc)


def squeezed(atoms: Atoms) -> Atoms:
    """With a cell that is ten times too small."""
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell * 0.1, pbc=atoms.pbc)


def rattled(atoms: Atoms, deviation: float, seed: int) -> Atoms:
    """With every coordinate displaced."""
    atoms = atoms.copy()
    atoms.rattle(deviation, seed=seed)
    return atoms


def intruder(atoms: Atoms, seed: int) -> Atoms:
    """With one atom moved, or a hydrogen atom put, to 0.5 A of another."""
    rng = np.random.default_rng(seed)
    atoms = atoms.copy()
    way = rng.normal(size=3)
    way *= 0.5 / np.linalg.norm(way)
    if len(atoms) == 1:
        atoms += Atoms("H", [atoms.positions[0] + way])
    else:
        one, other = rng.choice(len(atoms), 2, replace=False)
        atoms.positions[one] = atoms.positions[other] + way
    return atoms


def stretched(name: str, first: int, second: int, length: float) -> Atoms:
    """A molecule with one distance changed."""
    atoms = molecule(name)
    atoms.set_distance(first, second, length, fix=0)
    return atoms


def hot() -> Iterator[Atoms]:
    """Frames of trajectories at 1000 K of the demo's molecules and rocksalts, by mace-demo."""
    path = ROOT / "resources/models/mace-demo.model"
    potential = open_potential({"name": "m", "model": "mace", "path": str(path), "trust": True})
    potential.batch_limits = dict.fromkeys((True, False), Limits(512))
    names = ["H2O", "CH4", "C2H6", "C2H4", "CH3OH", "H2CO", "HCOOH"]
    starts = [molecule(name) for name in names]
    starts += [
        bulk("NaCl", "rocksalt", a=5.7, cubic=True),
        bulk("LiF", "rocksalt", a=4.1, cubic=True),
    ]
    frames = from_atoms(starts, groups=["g"] * len(starts), source="s")
    settings = MolecularDynamics(name="hot", sources=["s"], potential="m", **HOT)
    record = md.run_dynamics(frames, potential, settings, seed=1, place="hot/s/0")
    yield from record.sample(sampling="hot", seed=1).frames.to_atoms()


if __name__ == "__main__":
    main()
