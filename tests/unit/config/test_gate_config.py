"""What a gate asks for and cannot have is told with its field, before anything runs."""

import pytest

from limbeck.config import plan
from limbeck.config.load import resolve
from limbeck.errors import LimbeckError

CRYSTALS = {"kind": "crystals", "count": 8, "shards": 4, "elements": ["Cu"]}
CONFIG = {
    "run": "gate",
    "sources": {"metals": CRYSTALS, "others": CRYSTALS},
    "sampling": {"rattled": {"method": "rattle", "sources": ["metals", "others"]}},
    "select": {"include": ["rattled"], "count": 100, "slices": 4},
    "potentials": {"emt": {"model": "emt"}},
    "labels": {"emt": {"potential": "emt"}},
}


def with_gate(gate, **select):
    return CONFIG | {"gate": gate, "select": CONFIG["select"] | select}


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        (
            {"min_entropy_fraction": 0.9},
            "gate.elements: not given, expected the elements that min_",
        ),
        (
            {"min_coverage": 1.0},
            "gate.elements: not given, expected the elements that min_coverage",
        ),
        ({"max_bond_shift_A": 0.1}, "gate.reference: not given, expected the source that max_bond"),
        (
            {"min_mean_atoms": 9, "max_mean_atoms": 3.0},
            "gate.min_mean_atoms: 9, expected at most max_mean_atoms, 3",
        ),
        (
            {"proportions": {"metal": 1}},
            "gate.proportions: 'metal', expected one of metals, others (did you mean metals?)",
        ),
        ({"proportions": {"metals": 0}}, "gate.proportions.metals: 0, expected more than 0"),
        ({"reference": "perfect"}, "gate.reference: 'perfect', expected one of metals, others"),
        (
            {"elements": ["Cuu"]},
            "gate.elements.0: 'Cuu', expected the symbol of a chemical element",
        ),
        ({"min_good_fraction": 95}, "gate.min_good_fraction: 95, expected at most 1"),
        ({"on_no_go": "halt"}, "gate.on_no_go: 'halt', expected one of stop, continue"),
        ({"advice": ["entropy"]}, "gate.advice.0: 'entropy', expected one of good_label_fraction"),
        ({"pilot": 76}, "gate.pilot: 76, expected fewer frames than all: it takes 4 of 4 slices"),
        ({"pilot": 0}, "gate.pilot: 0, expected at least 1"),
        ({"fallback": "no_such.yaml"}, "gate.fallback: 'no_such.yaml', no such file"),
    ],
)
def test_what_a_gate_cannot_have_is_told(gate, told):
    with pytest.raises(LimbeckError) as caught:
        resolve(with_gate(gate))
    assert any(line.startswith(told) for line in str(caught.value).splitlines()), str(caught.value)


def test_a_choice_of_the_whole_set_and_a_pilot_are_told_with_both_names():
    config = with_gate({"pilot": 30}, choice={"by": "direct"})
    with pytest.raises(LimbeckError, match=r"select\.choice\.by: direct .* gate\.pilot: 30"):
        resolve(config)


def test_a_pilot_takes_whole_slices_and_others_wait():
    config = resolve(with_gate({"pilot": 26}))
    assert plan.pilot_slices(config) == 2
    waits = [plan.pilots_before_source(config, "metals", str(n)) for n in range(4)]
    assert waits == [[], [], *[["gate/emt.pilot.passed"]] * 2]
    assert plan.pilots_before_source(resolve(with_gate({})), "metals", "3") == []
