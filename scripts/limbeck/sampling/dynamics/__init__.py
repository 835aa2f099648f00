"""Molecular dynamics of many structures at once."""
