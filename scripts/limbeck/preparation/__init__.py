"""Preparation of structures before they are sampled: relaxation and supercells."""
