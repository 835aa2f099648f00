# make demo          the whole pipeline on a small example, in a few minutes
# make run           the same for a config of your own: make run CONFIG=config/mine.yaml
# make run PROFILE=slurm  the same on a cluster (docs/cluster.md), and again after a crash
# make estimate CONFIG=...   what a run will cost: hours, disk, its longest job
# make diversity CONFIG=...  how diverse its structures will be, against what its gate asks
# make retune CONFIG=...     measure the speed of its potentials, and their best batches, anew
# make check-generators   ten structures of each generative model that is there
# make env NAME=...  an environment of envs/ with pip, in .envs/: of any file there whose packages are all pip's
# make list          the potentials, gaps, sources, samplers and students there are
# make test          style, types and the quick tests
# make test-all      both, and the slow tests, in an hour at most
# make config-docs   write config/README.md and the config's schema anew, after a change of its sections
# make demo-models   train the models of resources/models anew
#
# PYTHON=python3.12  another Python (3.11 or 3.12); where there is none, uv or conda gets it if one of them is there
# CORES=4            fewer cores than there are
# GPUS=2             more graphics cards than one (they are used with `device: cuda` alone)
# OPTIONS=...        more options for snakemake, as in OPTIONS=--use-conda
# TARGET=batch_1     a part of a run: a batch of the config, or files
# TORCH=...          another torch, as in TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"
#                    (on Linux the usual one brings several GB for graphics cards)

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

CONFIG := config/config.yaml
PROFILE :=
CORES := all
GPUS := 1
OPTIONS :=
TARGET :=
TORCH := torch==2.13.0
VENV := .venv
READY := $(VENV)/.ready

# The rules call `python`: it has to be the one of the virtual environment.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# To the shell as it is, with spaces or whatever else stands in it.
export CONFIG TARGET
# A profile says how many cores its own small jobs take; who says CORES as well means it.
where = $(if $(PROFILE),--profile $(PROFILE) $(if $(findstring file,$(origin CORES)),,--cores $(CORES)),\
    --cores $(CORES) --resources gpu=$(GPUS))

.PHONY: demo run estimate diversity retune check-generators env demo-models list config-docs check test test-all

demo: run

# One head at a time holds results/.lock, so that a lock Snakemake left behind is a dead one's, or that of a
# bare snakemake, which limbeck.check.head looks for. It also cancels the jobs that a dead head of this run left in the
# queue of a cluster, and waits for their end. And Snakemake would run the code in a config that is a template.
# Caches, of Snakemake and of weights that are downloaded, stay in this folder: nothing outside it is changed, and a
# home that cannot be written to does no harm. On a terminal there are live bars, a line for each rule; elsewhere,
# where they would be torn, Snakemake's plain lines.
run_name = python -c 'import sys; from limbeck.config.text import read_yaml; print(read_yaml(sys.argv[1]).get("run", ""))'
run: export XDG_CACHE_HOME ?= $(CURDIR)/.cache
run: $(READY)
	@mkdir -p results
	@python -m limbeck.config.text "$$CONFIG"
	@RUN_NAME="$$($(run_name) "$$CONFIG")" \
	LIMBECK_LOCKED=1 flock --nonblock --conflict-exit-code 75 results/.lock bash -euc \
	    'python -m limbeck.check.head results "$$RUN_NAME"; \
	    python -m limbeck.cost --line "$$CONFIG" || true; \
	    snakemake "$$@" --unlock --quiet all; test ! -t 2 || set -- "$$@" --logger rich; \
	    exec snakemake "$$@" --rerun-incomplete $${TARGET:+-- $$TARGET}' \
	    run $(OPTIONS) --configfile "$$CONFIG" $(where) --show-failed-logs \
	|| { status=$$?; test $$status != 75 || echo "Another run is at work: it holds results/.lock." >&2; exit $$status; }
	@test -n "$$TARGET" || echo "The report: results/$$($(run_name) "$$CONFIG")/report/index.html"

estimate: $(READY)
	@python -m limbeck.cost "$$CONFIG"

diversity: $(READY)
	@python -m limbeck diversity "$$CONFIG"

retune: $(READY)
	@python -m limbeck.cost.retune "$$CONFIG"

check-generators: $(READY)
	@$(MAKE) run CONFIG=config/generators_check.yaml
	@python scripts/check_generators.py --settings config/generators_check.yaml

env: $(READY)
	@python scripts/make_environment.py $(NAME) $(if $(PYTHON),--python $(PYTHON))

demo-models:
	@$(MAKE) run CONFIG=config/demo_models.yaml
	@python scripts/publish_demo_models.py --settings config/demo_models.yaml --config config/config.yaml
	@$(MAKE) run CONFIG=config/urea_model.yaml
	@python scripts/publish_demo_models.py --settings config/urea_model.yaml --config config/molecular_crystal.yaml

list: $(READY)
	@python -m limbeck list

config-docs: $(READY)
	@python -m limbeck.config.document

check: $(READY)
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow
	mypy
	snakemake --lint

# A worker for each core, each with one thread (tests/conftest.py) and up to 1.5 GB of memory. Who is
# done first takes over from the others; till then the tests of a module stay together, which share
# its fixtures.
test: check
	pytest -m "not slow" -n $(CORES:all=logical) --maxprocesses 8 --dist worksteal

# Slow tests run Snakemake, whose jobs leave cores idle as often as not: two at a time. Those of a file share its runs.
test-all: test
	pytest -m slow -n 2 --dist loadfile --durations 25

# An environment of PYTHON, or of the first of these that is there and new and old enough; or else of one that uv, or
# conda or a relative of it, gets. Nothing is put outside this folder.
fits = import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})
define new-venv
for python in $(or $(PYTHON),python3.11 python3.12 python3); do \
    if "$$python" -c '$(fits)' 2> /dev/null; then exec "$$python" -m venv --clear $(VENV); fi; \
done; \
if test -z "$(PYTHON)"; then \
    if command -v uv > /dev/null; then \
        echo "No Python 3.11 or 3.12 here: uv gets one."; rm -rf $(VENV); \
        UV_PYTHON_INSTALL_DIR="$$PWD/.python" UV_CACHE_DIR="$$PWD/.cache/uv" \
            exec uv venv --quiet --seed --python 3.11 $(VENV); \
    fi; \
    for conda in micromamba mamba conda; do \
        if command -v $$conda > /dev/null; then \
            echo "No Python 3.11 or 3.12 here: $$conda gets one."; \
            CONDA_PKGS_DIRS="$$PWD/.cache/conda" $$conda create --yes --quiet --prefix "$$PWD/.python" \
                --override-channels --channel conda-forge python=3.11; \
            exec .python/bin/python -m venv --clear $(VENV); \
        fi; \
    done; \
fi; \
echo "Limbeck needs Python 3.11 or 3.12 with its venv module: install uv or conda, and make gets it with that; or" \
    "python3.11 and python3.11-venv, where your system has them; or say where it is: make PYTHON=..." >&2; \
exit 1
endef

$(READY): requirements.lock pyproject.toml
	@test -x $(VENV)/bin/pip || { $(new-venv); }
	@echo "Installing into $(VENV): a minute or a few, once."
	@python -m pip install --quiet --disable-pip-version-check $(TORCH)
	@python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
