"""Structures that several sources, or several entries of one, have in common."""
