"""Labels that a user's own files bring along: where in a frame they stand, and in which units."""

from collections.abc import Iterator
from typing import Literal

from pydantic import ConfigDict, Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.labels import AnyLabelSet
from limbeck.config.sections.messages import shown

EnergyUnit = Literal["eV", "meV", "Hartree", "Rydberg", "kcal/mol", "kJ/mol"]
ForcesUnit = Literal[
    "eV/Angstrom",
    "meV/Angstrom",
    "eV/nm",
    "Hartree/Bohr",
    "Hartree/Angstrom",
    "Rydberg/Bohr",
    "kcal/mol/Angstrom",
    "kJ/mol/Angstrom",
    "kJ/mol/nm",
]
StressUnit = Literal["eV/Angstrom^3", "GPa", "kbar", "Hartree/Bohr^3", "Rydberg/Bohr^3"]
EspUnit = Literal["V", "mV", "Hartree/e", "kcal/mol/e", "kJ/mol/e"]
DipoleUnit = Literal["e*Angstrom", "e*Bohr", "Debye"]


class FileLabels(AnyLabelSet):
    """Labels that frames of a file have with them."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: Literal["file"] = Field(alias="from")
    """Who labels; a potential of the config, or the file that a frame was read from, which then has
    energies and forces of your own, such as those of a DFT program. Frames that were made from
    those of the file have none."""
    sources: t.Some[t.ToSource] | None = None
    """Sources of kind file whose frames have labels; all of them where not given."""
    energy_key: t.Plain | None = None
    """Key of the energy of a frame. Where not given, free_energy where frames have one (forces are
    its gradient), else energy, REF_energy, dft_energy or DFT_energy, the first that forces of the
    same prefix go with; the log and the report say which."""
    forces_key: t.Plain | None = None
    """Key of the forces; where not given, forces, REF_forces, dft_forces or DFT_forces, that with
    the prefix of the energy."""
    forces_are: Literal["forces", "gradients"] = "forces"
    """Sign of the forces; gradients of the energy, which quantum chemistry programs print, are
    minus the forces."""
    stress_key: t.Plain | None = None
    """Key of the stress, nine numbers or six; where not given, that with the prefix of the forces
    (stress, REF_stress, dft_stress, DFT_stress), none where no frame has one, and none where the
    forces have a name of their own."""
    virial_key: t.Plain | None = None
    """Key of the virial, in place of the stress. Where not given, and where there is no stress,
    that with the prefix of the forces (virial, virials, REF_virials, ...)."""
    virial_is: Literal["-stress*volume", "stress*volume"] = "-stress*volume"
    """What the virial is of the stress, which is positive under tension; minus it times the volume
    in files for MACE, GAP and NEP."""
    dipole_key: t.Plain | None = None
    """Key of the dipole moment; where not given, that with the prefix of the forces, and none where
    no frame has one."""
    energy_unit: EnergyUnit = "eV"
    """Unit of the energy, and of the virial."""
    forces_unit: ForcesUnit = "eV/Angstrom"
    """Unit of the forces."""
    stress_unit: StressUnit = "eV/Angstrom^3"
    """Unit of the stress."""
    stress_positive_under: Literal["tension", "pressure"] = "tension"
    """Sign of the stress; tension as ASE and MACE have it, pressure as VASP prints it in an OUTCAR
    (but what ASE reads from files of VASP has ASE's sign already)."""
    stress_order: Literal["xx yy zz yz xz xy", "xx yy zz xy yz zx"] = "xx yy zz yz xz xy"
    """Order of a stress of six numbers, the first as in ASE, the second as in an OUTCAR; nine need
    none."""
    dipole_unit: DipoleUnit = "e*Angstrom"
    """Unit of the dipole moment."""
    dipole_about: Literal["centre of nuclear charge", "centre of mass", "origin"] | None = None
    """Point that dipoles of ions are about; where not given, those of neutral molecules alone are
    read, which are the same about any point. They are kept about the centre of nuclear charge."""
    esp_unit: EspUnit | None = None
    """Unit of electrostatic potentials, where frames have esp; files contradict each other, and
    there is no default."""
    points_unit: Literal["Angstrom", "Bohr", "nm"] | None = None
    """Unit of the points that they are at (vdw_surface); the same."""
    on_doubt: Literal["stop", "warn"] = "stop"
    """What happens where forces do not fit the energies along trajectories, stresses not the
    energies of strained frames, or forces do not add up to zero; as a rule a unit or a sign is
    wrong. warn goes on, and the report says it."""
    level_of_theory: t.Plain | None = None
    """Who made them, for the report and the cards of students, such as "PBE, VASP 6.4"."""
    licence: t.Plain | None = None
    """Licence of the labels, which students inherit."""
    citation: t.Plain | None = None
    """What to cite."""

    @property
    def potential(self) -> None:
        """No potential of the config."""

    @property
    def labelled_by(self) -> str:
        """Who labels, for people."""
        return self.level_of_theory or "your file"

    @property
    def views(self) -> str:
        """Each frame was labelled as it stands in the file."""
        return "as_given"

    @property
    def has_spread(self) -> bool:
        """Labels of one view have none."""
        return False

    @property
    def hessian_vectors(self) -> int:
        """Files have no products of the Hessian with vectors."""
        return 0

    def faults(self) -> Iterator[Fault]:
        """Stress and virial both."""
        if self.stress_key and self.virial_key:
            yield "virial_key", f"{shown(self.virial_key)} beside stress_key, expected one of them"
