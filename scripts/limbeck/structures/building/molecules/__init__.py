"""Molecules: put together, completed, and made into conformers."""
