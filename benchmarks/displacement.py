"""How phonons of a potential depend on the length of the displacements that give its forces.

Finite displacements of NaCl, silicon, and urea with ``--urea``, by CHGNet; for each length the
lowest mode of all, the lowest at Gamma but translations, the mean-square displacement at 300 K of
the atom that moves most, imaginary modes, the share of the forces that the harmonic model leaves
unexplained, the difference at a second step, and whether the usual ceilings let the crystal pass:
``OMP_NUM_THREADS=1 python benchmarks/displacement.py``
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
from ase import Atoms  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.io import read  # noqa: E402

from limbeck.config.sections.force_constants import ForceConstants  # noqa: E402
from limbeck.frames import from_atoms  # noqa: E402
from limbeck.phonons.calculation import Harmonic, force_constants, unconverged  # noqa: E402
from limbeck.phonons.modes import atomic_squares, choose_modes, mean_square  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402

LENGTHS_A = (0.003, 0.01, 0.03, 0.06)
KELVIN = 300.0


def crystals(*, urea: bool) -> dict[str, tuple[Atoms, str]]:
    """Each with what is relaxed of it."""
    salt = bulk("NaCl", "rocksalt", a=5.69)
    found = {
        "NaCl_at_5.69_A": (salt, "none"),
        "NaCl": (salt, "full"),
        "Si": (bulk("Si", "diamond", a=5.43), "full"),
    }
    if urea:
        found["urea"] = (read(ROOT / "resources/crystals/urea.cif"), "full")
    return found


def mean_square_displacement(found: Harmonic) -> float:
    """Of the atom that moves most, in Angstrom^2, by all modes that are not imaginary."""
    modes, phonon = found.modes, found.phonon
    assert modes is not None
    assert phonon is not None
    moved = choose_modes(modes, 0.0, None, None)
    squares = mean_square(np.where(moved, modes.frequencies, 1.0), KELVIN, "quantum")
    squares *= moved * (1 + modes.paired[:, None])
    of_atom = np.einsum("qn,qkn->k", squares, atomic_squares(phonon, modes))
    return float(of_atom.max() * len(phonon.primitive) / len(phonon.supercell))


def row(found: Harmonic, own: ForceConstants) -> str:
    """A line of the table."""
    modes, fit = found.modes, found.fit
    assert modes is not None
    assert fit is not None
    assert fit.worst_step is not None
    (at_gamma,) = np.flatnonzero(np.all(np.abs(modes.qpoints) < 1e-9, axis=1))
    optical = modes.frequencies[at_gamma][~modes.translations[at_gamma]].min()
    numbers = (modes.lowest, optical, mean_square_displacement(found))
    shares = (fit.unexplained, fit.worst_step.difference)
    usual = ForceConstants(
        name="usual", sources=["s"], potential="chgnet", displacement_A=own.displacement_A
    )
    return " ".join(
        [
            *(f"{number:8.3g}" for number in numbers),
            f"{modes.waves(modes.imaginary(own.imaginary_threshold_THz)):4d}",
            *(f"{share:6.1%}" for share in shares),
            "refused" if unconverged(fit, usual) else "accepted",
        ]
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--urea", action="store_true", help="urea as well, which takes minutes")
    args = parser.parse_args()
    potential = open_potential({"name": "chgnet", "model": "chgnet"})
    print("crystal length_A lowest_THz optical_at_Gamma_THz msd_A2 imaginary", end=" ")
    print("unexplained second_step verdict")
    for name, (atoms, how) in crystals(urea=args.urea).items():
        frames = from_atoms([atoms], groups=[name], source="benchmark")
        for length in LENGTHS_A:
            own = ForceConstants(
                name=name,
                sources=["s"],
                potential="chgnet",
                relax_input_cell=how,
                supercell_radius_A=10.0,
                displacement_A=length,
                imaginary_modes="drop",
                max_step_difference=None,
                max_unexplained=None,
            )
            (found,) = force_constants(frames, potential, own, seed=1, name=name)
            print(f"{name:14s} {length:5g}", found.reason or row(found, own), flush=True)


if __name__ == "__main__":
    main()
