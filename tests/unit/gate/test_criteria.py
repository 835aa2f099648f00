"""Each criterion of the gate passes on a good set, and fails by data that are planted."""

import json

import pytest
from ase.build import bulk

from limbeck.config.jobs import FromGenerator, JudgeLabels
from limbeck.config.written import Verdict, as_written
from limbeck.errors import LimbeckError
from limbeck.files import write_json, write_text
from limbeck.frames import from_atoms
from limbeck.gate.criteria import criteria
from limbeck.gate.speed import seconds_per_structure
from limbeck.gate.verdict import extended, let_pass
from limbeck.storage import write_frames

ASKED = {
    "label_set": "orb",
    "elements": [*"HCNOFPSI"],
    "min_entropy_fraction": 0.9,  # without one of eight it is log2(7) / log2(8) = 0.94
    "min_coverage": 1.0,
    "max_one_size": 0.5,
    "max_one_composition": 0.5,
    "max_one_space_group": 0.5,
    "max_one_root": 0.5,
    "max_seconds_per_structure": 10.0,
    "reference": "known",
    "max_bond_shift_A": 0.05,
    "max_energy_eV_per_atom": 3.0,
    "max_force_eV_per_A": 20.0,
    "proportions": {"a": 1.0, "b": 1.0},
    "min_balance": 0.9,
    "min_mean_atoms": 100.0,
    "max_mean_atoms": 150.0,
    "min_size_variation": 0.5,
    "advice": [],
}
ONE = {"most": "x", "share": 0.1, "kinds": 10}
BOND = {"kind": "bond", "pair": "C-O", "distance_A": 0.02, "noise_A": 0.01}
OF_SOURCE = {
    "structures": 10,
    "dominance": {"size": ONE, "composition": ONE, "root": ONE},
    "density_g_cm3": [1.0, 2.0, 3.0],
}
RANGES = {"energy_eV_per_atom": [-1.0, 0, 0, 0, 1.0], "force_eV_per_A": [0, 1, 2, 3, 4]}
GOOD = {
    "diversity": {
        "whole": {
            "structures": 20,
            "entropy_bits": 3.2,  # of all elements, others as well: not what is asked
            "elements": dict.fromkeys([*"HCNOFPSI", "Cu"], 10),
            "mean_atoms": 120.0,
            "size_variation": 0.6,
        },
        "by_source": {"a": OF_SOURCE, "b": OF_SOURCE},
        "space_groups": {"a": ONE, "b": ONE},
        "distances": {"a": [BOND], "b": [BOND]},
    },
    "ranges": {"a": RANGES, "b": RANGES},
    "seconds": {"a": 1.0, "b": 2.0, "labels of orb": 0.1},
}
#: where something else is planted: criterion -> path, value
PLANTED = {
    "element_entropy": ("diversity/whole/elements", dict.fromkeys("HCNOFPSI", 1) | {"C": 99}),
    "coverage": ("diversity/whole/elements", dict.fromkeys("HCNFPSI", 10)),
    "one_size": ("diversity/by_source/a/dominance/size/share", 0.51),
    "one_composition": ("diversity/by_source/a/dominance/composition/share", 0.51),
    "one_space_group": ("diversity/space_groups/a/share", 0.51),
    "one_root": ("diversity/by_source/a/dominance/root/share", 0.51),
    "seconds_per_structure": ("seconds/a", 10.1),
    "bond_shift": ("diversity/distances/a", [BOND, BOND | {"distance_A": 0.06}]),
    "extreme_energy": ("ranges/a/energy_eV_per_atom", [-3.1, 0, 0, 0, 0]),
    "strongest_force": ("ranges/a/force_eV_per_A", [0, 0, 0, 0, 20.1]),
    "balance": ("diversity/by_source/a/structures", 2),
    "mean_atoms": ("diversity/whole/mean_atoms", 99.0),
    "size_variation": ("diversity/whole/size_variation", 0.49),
}
MISSING = {
    "one_size": ("diversity/by_source/a/dominance/size", {}),
    "one_space_group": ("diversity/space_groups", {}),
    "seconds_per_structure": ("seconds", {}),
    # noise that is more than may be found says nothing
    "bond_shift": ("diversity/distances/a", [BOND | {"noise_A": 0.2}]),
    "extreme_energy": ("ranges/a/energy_eV_per_atom", None),
    "mean_atoms": ("diversity/whole/mean_atoms", None),
}


def planted(path, value):
    found = json.loads(json.dumps(GOOD))  # nothing in it is shared
    *above, last = path.split("/")
    place = found
    for name in above:
        place = place[name]
    place[last] = value
    return found


def judge(found, **changes):
    return criteria(JudgeLabels(**(ASKED | changes)), **found)


def test_a_good_set_passes_all_and_each_is_asked():
    found = judge(GOOD)
    assert all(c["passed"] for c in found)
    assert {c["name"] for c in found} == PLANTED.keys()


def test_what_the_config_does_not_name_is_not_asked():
    assert criteria(JudgeLabels(label_set="orb"), **GOOD) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_fails_its_criterion_alone(name):
    failed = [c for c in judge(planted(*PLANTED[name])) if not c["passed"]]
    assert {c["name"] for c in failed} == {name}
    assert failed[0]["value"] is not None


@pytest.mark.parametrize("name", MISSING)
def test_what_was_not_measured_fails(name):
    failed = [c for c in judge(planted(*MISSING[name])) if not c["passed"]]
    assert {c["name"] for c in failed} == {name}
    assert all(c["value"] is None for c in failed)


def verdict(path, value, **changes):
    good = {"name": "good_label_fraction", "scope": "a", "value": 1.0, "threshold": 0.9}
    found = {"criteria": [good | {"passed": True}], "status": {"good": 20}}
    job = JudgeLabels(**(ASKED | changes))
    more = criteria(job, **planted(path, value))
    return extended(found, more, job.on_no_go, job.fallback, job.less_generative)


def test_a_pilot_is_not_asked_what_is_of_the_whole_set():
    names = {c["name"] for c in judge(GOOD, part="pilot")}
    assert names == PLANTED.keys() - {"balance", "mean_atoms", "size_variation"}


def test_a_batch_is_asked_for_what_is_of_its_sources_and_told_as_itself():
    names = {c["name"] for c in judge(GOOD, part="batch_1")}
    whole = {"balance", "mean_atoms", "size_variation", "element_entropy", "coverage"}
    assert names == PLANTED.keys() - whole
    told = judge(planted(*PLANTED["coverage"]), part="pilot")
    assert [c["scope"] for c in told if c["name"] == "coverage"] == ["the pilot"]


def test_one_structure_of_few_dominates_nothing():
    few = planted("diversity/by_source/a/dominance/root", {**ONE, "share": 0.1})
    assert all(c["passed"] for c in judge(few, max_one_root=0.001))
    two = planted("diversity/by_source/a/dominance/root", {**ONE, "share": 0.2})
    assert [c["name"] for c in judge(two, max_one_root=0.001) if not c["passed"]] == ["one_root"]


def test_strained_crystals_are_not_asked_for_space_groups():
    names = {c["name"] for c in judge(GOOD, strained=["a", "b"])}
    assert names == PLANTED.keys() - {"one_space_group"}


def test_no_go_tells_the_failing_lines_and_the_plan_to_go_on_with():
    lower = {"less_generative": {"oxides": 0.7}}
    found = verdict(*PLANTED["coverage"], fallback="config/small.yaml", **lower)
    with pytest.raises(LimbeckError) as error:
        let_pass("gate.json", found)
    line = "coverage of the whole set is 0.875, at least 1 was asked for (without O)"
    less = "to ask less of the generative models, lower generative_fraction to 0.7 for oxides"
    plan = "to go on with the plan that is ready for this: --configfile config/small.yaml"
    assert str(error.value) == f"gate.json: no go: {line}; {less}; {plan}"


def test_continue_goes_on_and_says_so():
    text = let_pass("gate.json", verdict(*PLANTED["coverage"], on_no_go="continue"))
    assert text.startswith("not passed, and gate.on_no_go is continue: gate.json: no go: coverage")
    assert let_pass("g", verdict("seconds/a", 1.0)) == "passed\n"


def test_advice_is_told_and_stops_nothing():
    found = verdict(*PLANTED["mean_atoms"], advice=["mean_atoms"])
    assert [c["name"] for c in found["criteria"] if not c["passed"]] == ["mean_atoms"]
    assert as_written(Verdict, found, "gate.json").go


def test_a_table_of_times_that_is_missing_is_not_measured(tmp_path):
    found = seconds_per_structure(tmp_path, "orb", [tmp_path / "0.h5"], {"a": [0]})
    assert found == {"a": None, "labels of orb": None}


def test_the_time_of_a_generator_counts_for_the_sources_that_take_from_it(tmp_path):
    frames = from_atoms([bulk("Cu")] * 4, groups=["Cu"] * 4, source="a")
    write_frames(tmp_path / "screened/a/0.h5", frames, stage="screen", settings={})
    for name, seconds in (("generate_generated/a", 2), ("screen_structures/a", 2)):
        write_text(tmp_path / f"benchmarks/{name}/0.tsv", f"s\tx\n{seconds}\t0\n")
    for shard in range(2):
        write_text(tmp_path / f"benchmarks/run_mattergen/g/{shard}.tsv", "s\tx\n30\t0\n")
        write_json(tmp_path / f"generators/g/{shard}/made.json", {"kept": 5})
    own = {"program": "mattergen", "name": "g", "shards": 2}
    for share in (1.0, 0.5):
        of = {"a": FromGenerator(**own, share=share)}
        found = seconds_per_structure(tmp_path, "orb", [], {"a": [0]}, of)
        assert found["a"] == 1.0 + share * 6.0
    (tmp_path / "generators/g/1/made.json").unlink()
    assert seconds_per_structure(tmp_path, "orb", [], {"a": [0]}, of)["a"] is None
