"""Charges, multipoles and electrostatic potentials of molecules."""
