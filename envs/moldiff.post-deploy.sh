#!/bin/bash
# MolDiff is run from a clone of its repository.
set -euo pipefail
clone="$CONDA_PREFIX/share/moldiff"
git clone --quiet https://github.com/pengxingang/MolDiff "$clone"
git -C "$clone" checkout --quiet db62fa1b3e946d842686424318cfc07f98ed5fcd
