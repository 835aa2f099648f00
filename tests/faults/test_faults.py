"""A short form of ``benchmarks/faults.py``: one injection of the kinds that matter most."""

import sys
from pathlib import Path

import pytest

import faults.kinds  # noqa: F401  fills the table of kinds
from faults.harness import KINDS, inject
from faults.outcomes import OUTCOMES
from faults.runs import RUN, Reference

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a virtual environment"),
]

SEED = 20261128
#: how far the runs go: training and what comes after it take as long again
TARGETS = (f"{RUN}/selected/1.h5", f"{RUN}/datasets/emt/counts.json")
#: (kind, number): numbers choose the variant
SHORT = [
    ("an orphan under a new config", 0),
    ("a config edited while remote jobs are at work", 1),
    ("a script called twice by hand with other settings", 0),
    ("a job is killed between writing and renaming", 2),
    ("a damaged stage file", 0),
    ("a damaged hand-over", 0),
    ("a node is lost", 0),
    ("a job is preempted", 1),
    ("the controller is away", 0),
    ("a shared file system shows files late", 1),
    ("a scratch folder is purged", 0),
]


@pytest.fixture(scope="module")
def reference(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference.make(repository, tmp_path_factory.mktemp("faults"), *TARGETS)


@pytest.mark.parametrize(("kind", "number"), SHORT, ids=lambda value: str(value))
def test_the_same_command_ends_right(reference, tmp_path, kind, number):
    found = inject(reference, kind, number, SEED, tmp_path / "run")
    if found.outcome == "impossible here":
        pytest.skip(found.why)
    assert found.struck, found
    assert found.outcome in OUTCOMES, found
    assert found.outcome != "wrong", found


def test_enough_is_injected_of_every_kind():
    assert all(injections >= 5 for _, injections in KINDS.values())
    assert sum(injections for _, injections in KINDS.values()) >= 100
