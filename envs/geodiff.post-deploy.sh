#!/bin/bash
# GeoDiff is run from a clone of its repository.
set -euo pipefail
clone="$CONDA_PREFIX/share/geodiff"
git clone --quiet https://github.com/MinkaiXu/GeoDiff "$clone"
git -C "$clone" checkout --quiet ea0ca48045a2f7abfccd7f0df449e45eb6eae638
