"""From structures to force constants: relax, choose the supercell, displace, fit, check modes."""

import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from phonopy import Phonopy

from limbeck import seeds
from limbeck.check.progress import each
from limbeck.config.sections.force_constants import ForceConstants
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import vacuum_axes
from limbeck.phonons.crystals import atoms_of, frames_of, phonopy_of, point_group, symmetrised
from limbeck.phonons.downhill import step_down
from limbeck.phonons.expansion import expansion
from limbeck.phonons.fitting import Fit, displace, fit_all
from limbeck.phonons.modes import Modes, modes_of
from limbeck.phonons.second_step import FACTOR, compare_all
from limbeck.phonons.spectrum import spectrum
from limbeck.potentials.evaluation import attempt
from limbeck.preparation.prepare import full_matrix
from limbeck.preparation.relaxation import relax
from limbeck.preparation.supercells import supercell_matrix
from limbeck.reasons import CHARGED, ISOLATED, UNKNOWN_ELEMENT, WITH_VACUUM

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

#: Steps down imaginary modes before a crystal is given up: one for each of the directions that a
#: crystal can soften in.
MAX_DESCENTS = 3
#: Angstrom. The share of forces that a harmonic model of a smooth potential leaves unexplained is
#: in proportion to the displacement: below this length its ceiling is as well.
FULL_SHARE_A = 0.03


@dataclass(frozen=True)
class Harmonic:
    """A crystal with force constants, or the reason why there are none.

    Attributes:
        reason: empty where there are force constants to be kept.
        phonon: with force constants; None if there are none.
        modes: its modes at the commensurate q-points.
        fit: quality of the fit to the forces.
        descents: number of steps down imaginary modes.
        bands: what ``bands.json`` holds, empty where there is a reason.
        expansion: what ``expansion.json`` holds, empty without thermal expansion.
        seconds: time spent on this crystal, without the first relaxation, which all share.
    """

    reason: str
    phonon: Phonopy | None = None
    modes: Modes | None = None
    fit: Fit | None = None
    descents: int = 0
    bands: dict[str, Any] = field(default_factory=dict)
    expansion: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def force_constants(
    frames: Frames, potential: "Potential", own: ForceConstants, *, seed: int, name: str
) -> list[Harmonic]:
    """Force constants of every structure, or the reason why there are none.

    All structures are relaxed together. Then the forces of all displacements of a crystal are
    computed in one call, which the potential cuts into batches.

    Args:
        seed, name: random displacements depend on them and on the structure's id alone.
    """
    reasons = np.select(
        [
            ~frames.periodic,
            vacuum_axes(frames).any(axis=1),
            potential.unknown_elements(frames),
            (frames.charge != 0) | (frames.spin != 0),
        ],
        [ISOLATED, WITH_VACUUM, UNKNOWN_ELEMENT, CHARGED],
        default="",
    ).astype(object)
    fit = np.flatnonzero(reasons == "")
    # Where the cell follows the temperature, the volumes start from its own at rest.
    how = "full" if own.thermal_expansion else own.relax_input_cell
    relaxed, why = _relax(frames.select(fit), potential, how, own)
    reasons[fit] = why
    results = []
    for b, reason in enumerate(each(reasons, f"force constants {name}", "crystals")):
        if reason:
            results.append(Harmonic(str(reason)))
            continue
        # fit is ascending, so this is the place of structure b among those that were relaxed.
        atoms = atoms_of(relaxed, int(np.searchsorted(fit, b)))
        place = f"force_constants/{name}/{frames.id[b].decode()}"
        results.append(_guarded(atoms, potential, own, seeds.torch_seed(seed, place)))
    return results


def _guarded(atoms: Atoms, potential: "Potential", own: ForceConstants, seed: int) -> Harmonic:
    """One crystal; any error becomes its reason."""
    start = time.perf_counter()
    found, error, _ = attempt(potential, lambda: _with_bands(atoms, potential, own, seed))
    if found is None:  # a model, phonopy, symfc or spglib may raise anything
        ours = isinstance(error, LimbeckError)
        found = Harmonic(str(error) if ours else f"{type(error).__name__}: {error}")
        log.warning("a crystal has no force constants: %s", found.reason)
    return replace(found, seconds=time.perf_counter() - start)


def _with_bands(atoms: Atoms, potential: "Potential", own: ForceConstants, seed: int) -> Harmonic:
    found = _crystal(atoms, potential, own, seed)
    if not found.reason and found.phonon is not None:
        return replace(found, bands=spectrum(found.phonon))
    return found


def _crystal(atoms: Atoms, potential: "Potential", own: ForceConstants, seed: int) -> Harmonic:
    atoms = symmetrised(atoms, own.symmetry_tolerance_A)
    matrix = _matrix(atoms, own)
    expanded: dict[str, Any] = {}
    if own.thermal_expansion:
        atoms, expanded = _expand(atoms, matrix, potential, own)
    # One fit more than there are steps down: after the last step the modes are checked once more.
    for descents in range(MAX_DESCENTS + 1):
        phonon, fit = _fitted(atoms, matrix, potential, own, seed)
        modes = modes_of(phonon)
        # Before any mode is followed: those of force constants that do not hold lead nowhere.
        if doubt := unconverged(fit, own):
            return Harmonic(doubt, phonon, modes, fit, descents, expansion=expanded)
        reason = _verdict(modes, own)
        if not reason or own.imaginary_modes == "refuse" or descents == MAX_DESCENTS:
            return Harmonic(reason, phonon, modes, fit, descents, expansion=expanded)
        atoms, matrix = _descend(phonon, modes, potential, own)
    raise AssertionError("the last descent returns")


def _fitted(
    atoms: Atoms, matrix: np.ndarray, potential: "Potential", own: ForceConstants, seed: int
) -> tuple[Phonopy, Fit]:
    """Force constants, and how they compare with forces at a second step."""
    lengths = [own.displacement_A]
    if own.second_step == "all":
        lengths.append(FACTOR * own.displacement_A)
    phonons = [phonopy_of(atoms, matrix) for _ in lengths]
    for phonon, length in zip(phonons, lengths, strict=True):
        displace(phonon, own.displacements, length, own.snapshots, seed)
    fits = fit_all(phonons, potential, second_look=own.second_step == "first")
    if own.second_step == "all":
        return phonons[0], replace(fits[0], second_steps=(compare_all(*phonons),))
    return phonons[0], fits[0]


def unconverged(fit: Fit, own: ForceConstants) -> str:
    """Why the displacement is too short or too long for this potential; empty where it is not."""
    step, found = fit.worst_step, []
    # Written so that NaN does not pass.
    if step and own.max_step_difference and not step.difference <= own.max_step_difference:
        found.append(
            f"at {FACTOR * own.displacement_A:g} A the crystal differs from its harmonic model by "
            f"{step.difference:.0%} ({step.species} displaced), more than max_step_difference, "
            f"{own.max_step_difference:.0%}"
        )
    if own.max_unexplained:
        ceiling = own.max_unexplained * min(1.0, own.displacement_A / FULL_SHARE_A)
        if not fit.unexplained <= ceiling:
            found.append(
                f"{fit.unexplained:.1%} of the forces unexplained by the harmonic model, more than "
                f"{ceiling:.1%}, which max_unexplained has for {own.displacement_A:g} A"
            )
    return f"not converged: {'; '.join(found)}" if found else ""


def _verdict(modes: Modes, own: ForceConstants) -> str:
    """Why the modes of a crystal are not accepted; empty where they are."""
    if own.imaginary_modes == "drop":
        return ""
    bad = modes.imaginary(own.imaginary_threshold_THz)
    if not bad.any():
        return ""
    return (
        f"{modes.waves(bad)} of {modes.waves(np.ones_like(bad))} modes imaginary, the lowest at "
        f"{modes.lowest:.3g} THz"
    )


def _matrix(atoms: Atoms, own: ForceConstants) -> np.ndarray:
    """The supercell's lattice vectors in those of ``atoms``, rows. int64 [3,3]."""
    if own.supercell_matrix is not None:
        return full_matrix(own.supercell_matrix)
    if own.supercell_radius_A is None:
        return np.eye(3, dtype=int)
    # A supercell that breaks the point group would leave phonopy less symmetry to work with.
    return supercell_matrix(atoms.cell[:], own.supercell_radius_A, rotations=point_group(atoms))


def _descend(
    phonon: Phonopy, modes: Modes, potential: "Potential", own: ForceConstants
) -> tuple[Atoms, np.ndarray]:
    """The crystal that the worst mode leads to, and its supercell."""
    lower = step_down(phonon, modes, potential)
    # A displaced crystal has to relax; "none" can only mean that the cell stays.
    how = "only_atoms" if own.relax_input_cell == "none" else own.relax_input_cell
    relaxed, reason = _relax(frames_of([lower]), potential, how, own)
    if reason[0]:
        raise LimbeckError(f"on the way down an imaginary mode: {reason[0]}")
    atoms = symmetrised(atoms_of(relaxed, 0), own.symmetry_tolerance_A)
    if own.supercell_matrix is None:
        return atoms, _matrix(atoms, own)
    # the given one, now in vectors of the larger cell
    return atoms, np.rint(phonon.supercell.cell @ np.linalg.inv(lower.cell[:])).astype(int)


def _expand(
    atoms: Atoms, matrix: np.ndarray, potential: "Potential", own: ForceConstants
) -> tuple[Atoms, dict[str, Any]]:
    """The crystal at its volume at ``temperature_K``, and its ``expansion.json``."""
    # strains of the volume -> factors of lengths
    factors = (1 + np.asarray(own.volume_strains)) ** (1 / 3)
    cells = _at_volumes(atoms, factors, potential, own)
    found = expansion(
        cells,
        matrix,
        potential,
        temperature=own.temperature_K,
        distance=own.displacement_A,
        threshold=own.imaginary_threshold_THz,
    )
    factor = (found["volume_A3"] / atoms.get_volume()) ** (1 / 3)
    (at_temperature,) = _at_volumes(atoms, np.array([factor]), potential, own)
    return at_temperature, found


def _at_volumes(
    atoms: Atoms, factors: np.ndarray, potential: "Potential", own: ForceConstants
) -> list[Atoms]:
    """The crystal with its lengths times each of ``factors``, and the rest relaxed."""
    scaled = []
    for factor in factors:
        copy = atoms.copy()
        copy.set_cell(atoms.cell[:] * factor, scale_atoms=True)
        scaled.append(copy)
    relaxed, reason = _relax(frames_of(scaled), potential, "constant_volume", own)
    if any(reason):
        raise LimbeckError(f"at another volume: {next(r for r in reason if r)}")
    cells = [atoms_of(relaxed, i) for i in range(len(relaxed))]
    return [symmetrised(cell, own.symmetry_tolerance_A) for cell in cells]


def _relax(
    frames: Frames, potential: "Potential", how: str, own: ForceConstants
) -> tuple[Frames, np.ndarray]:
    """Relaxed frames, and why one is not to be used, str [B]."""
    done = relax(
        frames,
        potential,
        how,
        force_tolerance=own.relax_force_tolerance_eV_per_A,
        steps=own.relax_steps,
    )
    return done.frames, done.reason
