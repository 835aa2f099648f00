"""Sources that could make nothing, or do not do what they say, are refused before the run."""

import pytest

from limbeck.config.load import resolve
from limbeck.errors import LimbeckError

RANDOM = {"kind": "random_crystals", "count": 2, "formulas": ["Cu2Al4Au8"]}
DERIVATIVES = {"kind": "derivatives", "count": 2, "prototypes": ["fcc"], "compounds": ["Cu"]}
SLABS = {"kind": "surfaces", "count": 2, "elements": ["Cu"], "prototypes": ["fcc"]}
FAMILIES = {"substitute": [["Cu", "Ag"]]}
MADE = {"kind": "generated", "count": 2, "path": "resources/crystals"}


def of(source, **more):
    return {
        "run": "impossible",
        "sources": {"one": source, **more.pop("sources", {})},
        "select": {"include": ["generated"]},
        "potentials": {"emt": {"model": "emt"}},
        "labels": {"emt": {"potential": "emt"}},
        **more,
    }


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (of(RANDOM | {"n_atoms": [2, 13]}), "one.formulas: 'Cu2Al4Au8' has 14 atoms"),
        (of(DERIVATIVES | {"n_atoms": [2, 8], "vacancies": [8, 9]}), "one.vacancies: at least 8"),
        (
            of(DERIVATIVES | FAMILIES | {"n_atoms": [2, 8], "substitutions": [9, 9]}),
            "one.substitutions: at least 9",
        ),
        (of(SLABS | {"vacuum_A": 4}), "one.vacuum_A: 4, expected screen.min_vacuum_A, 6"),
        (
            of(RANDOM, duplicates={"keep_all_of": ["one"]}),
            "duplicates.keep_all_of: given, expected distance_A",
        ),
        (
            of(RANDOM | {"generative_model": "made"}, sources={"made": MADE}),
            "one.generative_fraction: not given",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_told_by_its_field(config, told):
    with pytest.raises(LimbeckError) as refused:
        resolve(config)
    assert told in str(refused.value)


def test_what_only_just_can_be_made_is_taken():
    made = {"sources": {"made": MADE}}
    taking = {"generative_model": "made", "generative_fraction": 0}
    for config in (
        of(RANDOM | {"n_atoms": [2, 14]}),
        of(DERIVATIVES | {"n_atoms": [2, 8], "vacancies": [7, 9]}),
        of(SLABS | {"vacuum_A": 4}, screen={"min_vacuum_A": 4}),
        of(RANDOM | taking, **made),
    ):
        assert resolve(config).run == "impossible"
