"""Labels that must not change without a new LABELS_VERSION, or the store would serve old ones."""

import json

import numpy as np
import pytest

from golden_labels import GOLDEN, POTENTIALS, SHARED, labels_of
from limbeck.labelling.store import LABELS_VERSION

RAISE = (
    "labels have changed: raise LABELS_VERSION in limbeck/labelling/store.py, so that entries of "
    "the label store made before are not read, and run python tests/golden_labels.py"
)
#: eV and eV/Angstrom. Other machines and threads change the last bits of sums of some 10 eV, and of
#: xTB's iterations; networks in float32 have seven digits of some 10 eV/Angstrom and some 100 eV.
TOLERANCE = {"lj": 1e-9, "emt": 1e-9, "xtb": 1e-6}
SINGLE_PRECISION = 2e-4


def golden():
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_golden_labels_are_of_this_version():
    assert golden()["labels_version"] == LABELS_VERSION
    assert set(golden()["labels"]) == set(POTENTIALS)


def is_near(kind, found, expected):
    atol = TOLERANCE.get(kind, SINGLE_PRECISION)
    return np.allclose(found, expected, rtol=0, atol=atol, equal_nan=True)


@pytest.mark.parametrize("kind", POTENTIALS)
def test_labels_are_what_they_were(kind):
    if kind == "matgl" and not SHARED.is_dir():
        pytest.skip("needs ../shared, which is not here")
    found, kept = labels_of(kind), golden()["labels"][kind]
    for view, quantities in kept.items():
        for quantity, values in quantities.items():
            expected = np.array([np.nan if v is None else v for v in values])
            assert is_near(kind, found[view][quantity], expected), (view, quantity, RAISE)
    # negative control: what other views give is told from these, where they give something else
    if kind == "orb":
        random, grid = (np.array(kept[view]["forces"]) for view in ("random", "grid"))
        assert not is_near(kind, random, grid)
