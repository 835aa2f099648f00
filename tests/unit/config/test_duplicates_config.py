"""Where duplicates cannot be looked for, since structures would wait for each other."""

import pytest

from limbeck.config import plan
from limbeck.config.load import resolve
from limbeck.errors import LimbeckError

CRYSTALS = {"kind": "crystals", "count": 4, "shards": 2, "elements": ["Cu"]}
CONFIG = {
    "run": "duplicates",
    "sources": {"one": CRYSTALS, "two": CRYSTALS},
    "select": {"include": ["generated"], "slices": 2},
    "potentials": {"emt": {"model": "emt"}},
    "labels": {"emt": {"potential": "emt"}},
    "duplicates": {"distance_A": 0.02},
}


def test_a_source_waits_for_those_before_it_alone():
    config = resolve(CONFIG)
    assert plan.duplicates_of(config, "two", "0") == ["duplicates/two.h5"]
    assert plan.duplicates_of(resolve(CONFIG | {"duplicates": {}}), "two", "0") == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"gate": {"pilot": 1}}, "gate.pilot"),
        (
            {
                "sources": {
                    "one": CRYSTALS | {"generative_fraction": 0.5, "generative_model": "made"},
                    "made": {"kind": "generated", "path": "resources/crystals", "count": 2},
                }
            },
            "sources.one.generative_model",
        ),
    ],
)
def test_none_are_looked_for_where_structures_wait_for_others(changes, named):
    with pytest.raises(LimbeckError, match=f"expected none beside {named}"):
        resolve(CONFIG | changes)
