#!/bin/bash
# CrystalFlow is run from a clone of its repository.
set -euo pipefail
clone="$CONDA_PREFIX/share/crystalflow"
git clone --quiet https://github.com/ixsluo/CrystalFlow "$clone"
git -C "$clone" checkout --quiet 9c25ff0245d787efd87c9d1d797a8968443608cc
