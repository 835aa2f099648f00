"""Labels that a user's own files bring along, in Limbeck's units: eV, Angstrom, ASE's signs.

What ASE's readers know by name they put into a calculator; all other values stay in a frame's info
or arrays. Both are looked at, so that a key is a key wherever it ended up.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.stress import full_3x3_to_voigt_6_stress

from limbeck.config.sections.file_labels import FileLabels
from limbeck.errors import LimbeckError
from limbeck.frames import charge_and_spin
from limbeck.properties import property_of

#: Names that programs write together: those of ASE's readers, of MACE's files, and others. Energy
#: and forces are never taken from two of them, which may be those of two methods.
FAMILIES: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        # free_energy first: the forces are its gradient
        "energy": ("free_energy", "energy"),
        "forces": ("forces",),
        "stress": ("stress",),
        "virial": ("virial", "virials"),
        "dipole": ("dipole",),
    },
    *(
        {
            "energy": (f"{prefix}_energy",),
            "forces": (f"{prefix}_forces",),
            "stress": (f"{prefix}_stress",),
            "virial": (f"{prefix}_virial", f"{prefix}_virials"),
            "dipole": (f"{prefix}_dipole",),
        }
        for prefix in ("REF", "dft", "DFT")
    ),
    # of PhysNet's archives
    {"energy": ("E",), "forces": ("F",), "dipole": ("Dxyz", "D")},
)
ENERGY = {
    "eV": 1.0,
    "meV": 1e-3,
    "Hartree": units.Hartree,
    "Rydberg": units.Rydberg,
    "kcal/mol": units.kcal / units.mol,
    "kJ/mol": units.kJ / units.mol,
}
LENGTH = {"Angstrom": 1.0, "nm": units.nm, "Bohr": units.Bohr}
STRESS = {
    "eV/Angstrom^3": 1.0,
    "GPa": units.GPa,
    "kbar": 0.1 * units.GPa,
    "Hartree/Bohr^3": units.Hartree / units.Bohr**3,
    "Rydberg/Bohr^3": units.Rydberg / units.Bohr**3,
}
ESP = {
    "V": 1.0,
    "mV": 1e-3,
    "Hartree/e": units.Hartree,
    "kcal/mol/e": units.kcal / units.mol,
    "kJ/mol/e": units.kJ / units.mol,
}
#: of archives of NumPy's arrays alone, whatever else frames have: potentials at points, and charges
BESIDE = {"esp": "esp", "mbis_charges": "mono"}
POINTS = "vdw_surface"
DIPOLE = {"e*Angstrom": 1.0, "e*Bohr": units.Bohr, "Debye": units.Debye}
#: places of ASE's xx yy zz yz xz xy among VASP's xx yy zz xy yz zx
_OF_VASP = [0, 1, 2, 4, 5, 3]
#: Angstrom; nearer than this to a nucleus there is no grid, in whatever unit it was thought to be
NEAREST_A = 1.0
#: eV; energies of two keys that differ by less are the same
SAME_EV = 1e-6


def forces_factor(unit: str) -> float:
    """From a unit of forces, as in ``kcal/mol/Angstrom``, to eV/Angstrom."""
    energy, _, length = unit.rpartition("/")
    return ENERGY[energy] / LENGTH[length]


@dataclass
class Found:
    """What frames have under the keys that may hold labels; :meth:`add` one after another.

    Attributes:
        n_frames: how many were looked at.
        keys: key -> how many frames have it.
        differing: how many frames have ``energy`` and ``free_energy`` that are not the same.
        largest: eV/atom, the largest of these differences.
    """

    n_frames: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    differing: int = 0
    largest: float = 0.0

    def add(self, atoms: Atoms) -> None:
        """One more frame."""
        values = values_of(atoms)
        self.n_frames += 1
        self.keys.update(values.keys())
        both = [values.get(key) for key in ("energy", "free_energy")]
        if all(isinstance(value, int | float | np.number) for value in both):
            apart = abs(float(both[0]) - float(both[1]))  # type: ignore[arg-type]
            self.differing += apart > SAME_EV
            self.largest = max(self.largest, apart / max(len(atoms), 1))


def values_of(atoms: Atoms) -> dict[str, Any]:
    """Everything that a frame has with it, by key."""
    results = atoms.calc.results if atoms.calc is not None else {}
    return {**atoms.arrays, **atoms.info, **{k: v for k, v in results.items() if v is not None}}


def keys_for(asked: FileLabels, found: Found) -> dict[str, str]:
    """Which key each property is read from: the config's, or the first usual one that frames have.

    Raises:
        LimbeckError: no frame has energies or forces under such a key; it names those there are.
    """
    named = {name: getattr(asked, f"{name}_key") for name in FAMILIES[0]}
    for name, key in named.items():
        if key is not None and not found.keys[key]:
            raise LimbeckError(f"labels.{asked.name}.{name}_key: {key!r}, {_there_is(found)}")
    family = _family_of(named, found)
    chosen = {
        name: key or next((k for k in family.get(name, ()) if found.keys[k]), None)
        for name, key in named.items()
    }
    for name in ("energy", "forces"):
        if chosen[name] is None:
            names = ", ".join(k for each in FAMILIES for k in each[name])
            raise LimbeckError(
                f"labels.{asked.name}.{name}_key: not given, and no frame has one of {names} that "
                f"goes with the other; {_there_is(found)}"
            )
    if asked.energy_key is None and 0 < found.keys["free_energy"] < found.keys["energy"]:
        raise LimbeckError(
            f"labels.{asked.name}.energy_key: not given, and {found.keys['energy']} frames have "
            f"energy, {found.keys['free_energy']} free_energy; expected which of them to take"
        )
    # One of the two, and the stress is what models are trained on.
    if asked.virial_key is not None:
        chosen["stress"] = asked.stress_key
    elif chosen["stress"] is not None:
        chosen["virial"] = None
    beside = {name: key for name, key in BESIDE.items() if found.keys[key]}
    for unit in ("esp_unit", "points_unit") if "esp" in beside else ():
        if getattr(asked, unit) is None:
            raise LimbeckError(
                f"labels.{asked.name}.{unit}: not given, and {found.keys['esp']} frames have esp; "
                "expected its unit"
            )
    return {name: key for name, key in chosen.items() if key is not None} | beside


def _family_of(named: Mapping[str, str | None], found: Found) -> Mapping[str, tuple[str, ...]]:
    """The names that go together with the key of the forces, or else with that of the energy.

    Where neither is named, those of the first program that both are there of. A key that no program
    is known by stands alone: no stress goes with it, and of forces those alone that there are.
    """
    for name in ("forces", "energy"):
        if named[name] is not None:
            own = [each for each in FAMILIES if named[name] in each[name]]
            if own:
                return own[0]
            if name == "forces":
                return {} if named["energy"] else {"energy": _only(found, "energy")}
            return {"forces": _only(found, "forces")}
    both = [
        f for f in FAMILIES if all(any(found.keys[k] for k in f[n]) for n in ("energy", "forces"))
    ]
    return both[0] if both else {}


def _only(found: Found, name: str) -> tuple[str, ...]:
    """The usual key of a property, where frames have one alone."""
    there = [k for each in FAMILIES for k in each[name] if found.keys[k]]
    return tuple(there) if len(there) == 1 else ()


def _there_is(found: Found) -> str:
    ordinary = {"numbers", "positions"}
    keys = [f"{k} ({n})" for k, n in sorted(found.keys.items()) if k not in ordinary]
    return f"the keys of its {found.n_frames} frames are {', '.join(keys) or 'none'}"


def labels_of(atoms: Atoms, asked: FileLabels, keys: Mapping[Any, str]) -> dict[str, Any]:
    """The properties that a frame has, in Limbeck's units.

    Args:
        keys: as of :func:`keys_for`.

    Returns:
        A number or an array for each property, as :class:`limbeck.properties.Property.shape` says,
        those of atoms with a row for each. What the frame lacks, or has in part (a number is not
        finite), is left out. The stress of an isolated frame is none.

    Raises:
        LimbeckError: a value is of another shape, or no number; its key is named.
    """
    values = values_of(atoms)
    found: dict[str, Any] = {}
    for name, key in keys.items():
        if name == "esp" and key in values and len(values[key]):
            found |= _grid(values, atoms, asked, key)
        elif name != "esp" and key in values:
            made = _as_property(name, values[key], atoms, asked, key)
            if made is not None and np.isfinite(made).all():
                found["stress" if name == "virial" else name] = made
    return found


def _grid(values: dict[str, Any], atoms: Atoms, asked: FileLabels, key: str) -> dict[str, Any]:
    """``esp`` and ``points``, where all numbers are finite; else nothing.

    Raises:
        LimbeckError: they are not as many, or a point lies within an atom.
    """
    esp = np.asarray(values[key], dtype=np.float64)
    points = np.asarray(values.get(POINTS), dtype=np.float64)
    if points.shape != (len(esp), 3):
        raise LimbeckError(f"{POINTS}: {_shape(points)}, expected {len(esp)} x 3")
    assert asked.esp_unit is not None  # as keys_for has seen
    assert asked.points_unit is not None
    points = points * LENGTH[asked.points_unit]
    check_points(atoms, points)
    if not (np.isfinite(esp).all() and np.isfinite(points).all()):
        return {}
    return {"esp": esp * ESP[asked.esp_unit], "points": points}


def check_points(atoms: Atoms, points: np.ndarray) -> None:
    """Raise LimbeckError where a point lies within an atom.

    Args:
        atoms: in Angstrom; points: float64 [g,3], Angstrom.
    """
    away = np.linalg.norm(points[:, None] - atoms.positions, axis=2)
    if away.size and away.min() < NEAREST_A:
        point, atom = np.unravel_index(away.argmin(), away.shape)
        raise LimbeckError(
            f"{POINTS}: point {point} is {away.min():.3g} A from atom {atom} "
            f"({atoms.symbols[atom]}), expected at least {NEAREST_A:g} A; is points_unit right?"
        )


def _dipole(dipole: np.ndarray, atoms: Atoms, asked: FileLabels, charge: int) -> np.ndarray | None:
    """About the centre of nuclear charge, e Angstrom; None where it is not said of an ion."""
    if not charge:
        return dipole
    if asked.dipole_about is None:
        return None
    points = {
        "origin": np.zeros(3),
        "centre of mass": atoms.get_center_of_mass(),
        "centre of nuclear charge": atoms.numbers @ atoms.positions / atoms.numbers.sum(),
    }
    return dipole - charge * (points["centre of nuclear charge"] - points[asked.dipole_about])


def _as_property(
    name: str, value: Any, atoms: Atoms, asked: FileLabels, key: str
) -> np.ndarray | None:
    try:
        number = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise LimbeckError(f"{key}: {value!s:.40}, expected numbers") from None
    if name in ("stress", "virial"):
        return _stress(name, number, atoms, asked, key)
    of = property_of(name)
    expected = (len(atoms), *of.shape) if of.per_atom else of.shape
    if number.shape != expected:
        raise LimbeckError(f"{key}: {_shape(number)}, expected {_shape(np.empty(expected))}")
    made = number * _factor(name, asked)
    if name == "dipole":
        return _dipole(made, atoms, asked, charge_and_spin(atoms.info)[0])
    return made


def _stress(
    name: str, number: np.ndarray, atoms: Atoms, asked: FileLabels, key: str
) -> np.ndarray | None:
    """ASE's stress [6], eV/Angstrom^3; None of an isolated frame."""
    if number.size not in (6, 9):
        raise LimbeckError(f"{key}: {_shape(number)}, expected six numbers or nine")
    if not atoms.pbc.all():
        return None
    if number.size == 9:
        voigt = full_3x3_to_voigt_6_stress(number.reshape(3, 3))
    else:
        other = asked.stress_order != "xx yy zz yz xz xy"
        voigt = number.ravel()[_OF_VASP] if other else number.ravel()
    if name == "virial":
        sign = -1.0 if asked.virial_is == "-stress*volume" else 1.0
        return sign * voigt * ENERGY[asked.energy_unit] / atoms.get_volume()
    sign = -1.0 if asked.stress_positive_under == "pressure" else 1.0
    return sign * voigt * STRESS[asked.stress_unit]


def _factor(name: str, asked: FileLabels) -> float:
    if name == "forces":
        sign = -1.0 if asked.forces_are == "gradients" else 1.0
        return sign * forces_factor(asked.forces_unit)
    known = {"energy": ENERGY[asked.energy_unit], "dipole": DIPOLE[asked.dipole_unit]}
    return known.get(name, 1.0)  # charges are in e everywhere


def _shape(values: np.ndarray) -> str:
    return " x ".join(map(str, values.shape)) + " numbers" if values.ndim else "one number"
