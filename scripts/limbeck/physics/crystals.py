"""Crystals: phonons, equation of state, and whether relaxation keeps the space group."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.eos import EquationOfState
from moyopy import Cell, MoyoDataset

from limbeck.config.sections.warrant import Physics
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate
from limbeck.phonons.crystals import atoms_of, frames_of, phonopy_of, point_group, symmetrised
from limbeck.phonons.fitting import displace, fit_all
from limbeck.phonons.modes import modes_of
from limbeck.physics.naming import named
from limbeck.potentials.evaluation import attempt
from limbeck.potentials.interface import Potential
from limbeck.preparation.relaxation import Relaxed, relax
from limbeck.preparation.supercells import supercell_matrix
from limbeck.reasons import NO_SYMMETRY

#: Angstrom; a crystal is given, exactly, the group that it has within this
SYMMETRY_A = 1e-3
#: Angstrom; the tolerances at which a space group is looked for again, as Matbench Discovery does
SYMPRECS = (1e-2, 1e-5)
#: Angstrom, of the one atom that is displaced for force constants
DISPLACEMENT_A = 0.03
#: THz; imaginary is a frequency below minus this
IMAGINARY_THZ = 0.1
#: eV/Angstrom: atoms at another volume are at rest for the purpose of an energy, which is wrong by
#: the square of this
AT_VOLUME = 0.01

Row = dict[str, Any]


def at_rest(crystals: Frames, potential: Potential[Any], own: Physics) -> Relaxed:
    """Crystals relaxed by the potential, with their cells where it predicts stress."""
    return relax(
        crystals,
        potential,
        "full" if potential.about.has_stress else "only_atoms",
        force_tolerance=own.relax_force_tolerance_eV_per_A,
        steps=own.relax_steps,
    )


def _guarded(potential: Potential[Any], measure: Callable[[], Row]) -> Row:
    """What is measured of one crystal; whatever it raises is the reason why it is not."""
    found, error, _ = attempt(potential, measure)
    if found is not None:
        return {"reason": ""} | found
    ours = isinstance(error, LimbeckError)
    return {"reason": str(error) if ours else f"{type(error).__name__}: {error}"}


def _each(
    crystals: Frames,
    reasons: Sequence[str],
    potential: Potential[Any],
    measure: Callable[[int], Row],
) -> list[Row]:
    """What is measured of each crystal that has no reason against it."""
    return [
        named(crystals, b)
        | ({"reason": str(why)} if why else _guarded(potential, partial(measure, b)))
        for b, why in enumerate(reasons)
    ]


# phonons


def cells_of_phonons(
    crystals: Frames, rest: Relaxed, potential: Potential[Any], own: Physics
) -> list[Row]:
    """The crystals whose phonons are measured, at rest for this potential, with their group imposed
    exactly, and their supercells: so that another model is asked about the same displacements.
    """

    def cell(b: int) -> Row:
        atoms = symmetrised(atoms_of(rest.frames, b), SYMMETRY_A)
        group = point_group(atoms)
        matrix = supercell_matrix(atoms.cell[:], own.phonon_supercell_radius_A, rotations=group)
        count = round(abs(np.linalg.det(matrix))) * len(atoms)
        if count > own.max_supercell_atoms:
            raise LimbeckError(
                f"a supercell of {count} atoms, more than {own.max_supercell_atoms} "
                "(warrant.physics.max_supercell_atoms)"
            )
        return {
            "cell_A": atoms.cell.array.tolist(),
            "positions_A": atoms.positions.tolist(),
            "numbers": atoms.numbers.tolist(),
            "supercell": matrix.tolist(),
            "supercell_atoms": count,
        }

    return _each(crystals, rest.reason.tolist(), potential, cell)


def phonons(cells: Sequence[Row], potential: Potential[Any]) -> list[Row]:
    """Frequencies of crystals at the q-points that their supercells hold.

    Args:
        cells: of :func:`cells_of_phonons`.

    Returns:
        The cells, each with ``frequencies_THz`` (ascending, for each q-point, without translations,
        negative where imaginary), ``waves`` (of each mode at a q-point: two where -q is another
        point), ``lowest_THz``, ``modes`` and ``imaginary``; or with the reason why not.
    """

    def frequencies(cell: Row) -> Row:
        atoms = Atoms(cell["numbers"], positions=cell["positions_A"], cell=cell["cell_A"], pbc=True)
        phonon = phonopy_of(atoms, np.array(cell["supercell"]))
        displace(phonon, "finite", DISPLACEMENT_A, None, 0)
        fit_all([phonon], potential)
        modes = modes_of(phonon)
        still = zip(modes.frequencies, modes.translations, strict=True)
        return {
            "frequencies_THz": [np.sort(f[~moving]).tolist() for f, moving in still],
            "waves": (1 + modes.paired).tolist(),
            "lowest_THz": modes.lowest,
            "modes": modes.waves(~modes.translations),
            "imaginary": modes.waves(modes.imaginary(IMAGINARY_THZ)),
        }

    return [
        dict(cell) if cell["reason"] else cell | _guarded(potential, partial(frequencies, cell))
        for cell in cells
    ]


# equation of state


def equations_of_state(
    crystals: Frames, rest: Relaxed, potential: Potential[Any], own: Physics
) -> list[Row]:
    """Volume and bulk modulus of each crystal, by Birch and Murnaghan's equation of state.

    All crystals at all volumes are relaxed together: lengths scaled alike, atoms at rest in the
    cell. Volumes and energies in the result are of an atom.
    """
    strains = np.array(own.volume_strains)
    good = np.flatnonzero(rest.reason == "")
    parts = [_scaled(rest.frames.select(good), strain) for strain in strains]
    scaled = relax(
        concatenate(parts),
        potential,
        "only_atoms",
        force_tolerance=AT_VOLUME,
        steps=own.relax_steps,
    )
    n = crystals.n_atoms[good]
    energies = scaled.energy.reshape(len(strains), len(good)) / n
    why = scaled.reason.reshape(len(strains), len(good))
    volumes = np.abs(np.linalg.det(rest.frames.cell[good])) / n * (1 + strains)[:, None]

    def fitted(b: int) -> Row:
        place = int(np.searchsorted(good, b))
        if failed := [str(reason) for reason in why[:, place] if reason]:
            raise LimbeckError(f"at another volume: {failed[0]}")
        return _birch_murnaghan(volumes[:, place], energies[:, place])

    return _each(crystals, rest.reason.tolist(), potential, fitted)


def _scaled(frames: Frames, strain: float) -> Frames:
    factor = (1 + strain) ** (1 / 3)
    return replace(frames, cell=factor * frames.cell, positions=factor * frames.positions)


def _birch_murnaghan(volumes: np.ndarray, energies: np.ndarray) -> Row:
    """Of volumes (Angstrom^3/atom) and energies (eV/atom), [V] each.

    Raises:
        LimbeckError: the energy has no minimum within the volumes.
    """
    curve = {"volumes_A3": volumes.tolist(), "energies_eV": energies.tolist()}
    lowest = int(np.argmin(energies))
    if not 0 < lowest < len(volumes) - 1 or not np.isfinite(energies).all():
        raise LimbeckError("the energy has no minimum within the volumes")
    volume, _, modulus = EquationOfState(volumes, energies, eos="birchmurnaghan").fit(warn=False)
    if not volumes[0] < volume < volumes[-1]:
        raise LimbeckError("the fit has no minimum within the volumes")
    return curve | {"volume_A3": float(volume), "bulk_modulus_GPa": float(modulus / units.GPa)}


# symmetry


def symmetries(crystals: Frames, potential: Potential[Any], own: Physics) -> list[Row]:
    """Whether a relaxation keeps the space group that a crystal starts with.

    Each crystal is given exactly the group that it has within :data:`SYMMETRY_A`, and relaxed with
    its cell until no force is above the first tolerance, from there until none is above the next,
    and so on. The group is *kept* where as many operations are found as before, or more, each time
    within the same distance (the larger of Matbench Discovery's is 1e-2, its smaller 1e-5
    Angstrom).

    Returns:
        For each crystal ``operations`` of the start, and ``after``: for each force tolerance
        whether the relaxation ``converged``, the largest ``force_eV_per_A`` left, and ``kept`` by
        distance.
    """
    starts: dict[int, Atoms] = {}

    def start(b: int) -> Row:
        atoms = symmetrised(atoms_of(crystals, b), SYMMETRY_A)
        found = operations(atoms, SYMPRECS[-1])
        if found < 2:
            raise LimbeckError(NO_SYMMETRY)
        starts[b] = atoms
        return {"operations": found, "after": []}

    rows = _each(crystals, [""] * len(crystals), potential, start)
    places = [b for b, row in enumerate(rows) if not row["reason"]]
    standing = frames_of([starts[b] for b in places])
    how = "full" if potential.about.has_stress else "only_atoms"
    for tolerance in own.symmetry_force_tolerances_eV_per_A if places else []:
        done = relax(
            standing,
            potential,
            how,
            force_tolerance=tolerance,
            steps=own.relax_steps,
            record=True,
        )
        stands = []
        for place, b in enumerate(places):
            path = done.paths[place]  # of one that fails, up to where it failed
            atoms = starts[b].copy()
            if path:
                atoms.set_cell(path[-1].cell)
                atoms.set_positions(path[-1].positions)
            stands.append(atoms)
            rows[b]["after"].append(
                {
                    "tolerance_eV_per_A": tolerance,
                    "converged": bool(done.converged[place]),
                    "force_eV_per_A": float(done.force[place]),
                    "kept": {
                        f"{symprec:g}": bool(path)
                        and operations(atoms, symprec) >= operations(starts[b], symprec)
                        for symprec in SYMPRECS
                    },
                }
            )
        standing = frames_of(stands)
    return rows


def operations(atoms: Atoms, symprec: float) -> int:
    """Number of operations of the space group of a cell, found within ``symprec`` (Angstrom);
    none where the search fails."""
    scaled = atoms.get_scaled_positions(wrap=False)
    cell = Cell(atoms.cell.array.tolist(), scaled.tolist(), atoms.numbers.tolist())
    try:
        return len(MoyoDataset(cell, symprec=symprec).operations)
    except ValueError:  # of moyopy: no search, no group
        return 0
