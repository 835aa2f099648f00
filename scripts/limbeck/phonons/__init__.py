"""Harmonic crystals: force constants, imaginary modes, bands, thermal expansion, normal modes.

phonopy and symfc do the lattice dynamics. The modules here take many crystals through them, with
all forces in batched calls, and give a reason for each crystal that is set aside.

A shard's folder holds, for each crystal that has force constants, a folder named by its id:

- ``phonopy_params.yaml``: cells, displacements, forces and force constants, for ``phonopy.load``;
- ``force_constants.hdf5``: the force constants in phonopy's own layout;
- ``bands.json``: see :mod:`limbeck.phonons.spectrum`;
- ``expansion.json``: with ``thermal_expansion``, see :mod:`limbeck.phonons.expansion`.
"""
