"""Settings of force constants; imports neither torch nor phonopy, so that the config can use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ForceConstantSettings:
    """Fields of an entry of ``force_constants``, as the schema describes them."""

    supercell_radius_A: float | None
    supercell_matrix: Sequence[int] | Sequence[Sequence[int]] | None
    relax_input_cell: str
    relax_force_tolerance_eV_per_A: float
    relax_steps: int
    symmetry_tolerance_A: float
    displacements: str
    displacement_A: float
    snapshots: int | None
    imaginary_modes: str
    imaginary_threshold_THz: float
    thermal_expansion: bool
    temperature_K: float
    volume_strains: Sequence[float]


@dataclass(frozen=True)
class PhononSettings:
    """Fields of ``method: phonons``, as the schema describes them."""

    draw: str
    statistics: Literal["quantum", "classical"]
    temperature_K: float
    k_point_mesh: str | float | Sequence[int]
    freq_min_THz: float
    freq_max_THz: float | None
    selected_modes: Sequence[int] | None
    n_frames: int
    amplitude_factor: float
    time_step_fs: float
    min_distance_ratio: float
