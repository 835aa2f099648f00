"""The package of CrystalFlow."""

NAME = "diffcsp"
