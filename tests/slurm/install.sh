#!/bin/sh
# SLURM and munge for the tests of this folder, on a machine that is meant for tests (a container, CI): needs root and
# Debian's apt-get. Nothing is started, and no service will be at the next boot.
set -eu
command -v slurmctld > /dev/null && command -v slurmd > /dev/null && command -v munged > /dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || { echo "no root or no apt-get: the tests of tests/slurm are skipped" >&2; exit 0; }
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then # what packages ask before they start a service
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends slurm-wlm munge > /dev/null
