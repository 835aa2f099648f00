"""Beside the scripts of CrystalFlow, which import it from where they stand."""

from diffcsp import NAME

PACKAGE = NAME
