"""Bands and density of states, for tables and figures.

``bands.json``: ``{"path": "GXM...", "segments": [{"labels": ["G", "X"], "distance_per_A": [...],
"frequencies_THz": [[... bands ...] per point]}, ...], "dos": {"frequency_THz": [...],
"states_per_THz": [...]}}``. Distances run on from one segment to the next; where the path jumps,
the next segment's first label is another one.
The density of states integrates to the number of bands.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from phonopy import Phonopy

#: q-points on a segment, both ends included
POINTS = 41
#: Angstrom; the mesh of the density of states has as many points over the lattice spacings
_MESH_A = 50.0


def spectrum(phonon: Phonopy) -> dict[str, Any]:
    """Bands along ASE's path through the primitive cell's Brillouin zone, and the total DOS."""
    from ase.cell import Cell

    # npoints=0: only the path and its special points are wanted
    path = Cell(phonon.primitive.cell).bandpath(npoints=0)
    legs = [leg for part in _parts(path.path) for leg in pairwise(part)]
    points = [np.linspace(path.special_points[a], path.special_points[b], POINTS) for a, b in legs]
    bands = phonon.run_band_structure(points)
    phonon.run_mesh(_MESH_A)
    states = phonon.run_total_dos()
    segments = [
        {"labels": list(leg), "distance_per_A": distance, "frequencies_THz": frequencies}
        for leg, distance, frequencies in zip(legs, bands.distances, bands.frequencies, strict=True)
    ]
    return {
        "path": path.path,
        "segments": segments,
        "dos": {"frequency_THz": states.frequency_points, "states_per_THz": states.dos},
    }


def _parts(path: str) -> list[list[str]]:
    from ase.dft.kpoints import parse_path_string

    return parse_path_string(path)
