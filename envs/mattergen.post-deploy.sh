#!/bin/bash
# MatterGen from its repository: the package of PyPI lacks files that it needs. Its large files, the
# weights, are left where they are. Its own list of packages has torch of another address in it, so
# that none is installed with it.
set -euo pipefail
clone="$CONDA_PREFIX/share/mattergen"
export GIT_LFS_SKIP_SMUDGE=1
git clone --quiet https://github.com/microsoft/mattergen "$clone"
git -C "$clone" checkout --quiet ac9ddd406171138c3f037d06b9b53fedbbb1c536
"$CONDA_PREFIX/bin/python" -m pip install --quiet --no-deps --no-build-isolation "$clone"
