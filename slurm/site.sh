# Read by sh in each job of `--profile slurm`, before Snakemake starts in it. Jobs also inherit the environment of the
# shell in which the run was started: what is loaded and activated there need not stand here.
#
# command -v module > /dev/null || . /etc/profile.d/modules.sh   # where sh knows no `module`; lmod.sh with Lmod
# module load Python/3.11.5 CUDA/12.6.0 || exit 1
# . .venv/bin/activate
