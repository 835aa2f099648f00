"""The config of rounds: what it stands for, and one line for what cannot be."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from limbeck.config import jobs, plan, rounds
from limbeck.config.checks import remarks
from limbeck.config.load import resolve
from limbeck.config.recipes import Recipes
from limbeck.errors import LimbeckError


@pytest.fixture
def config(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "tests/config/rounds.yaml").read_text())


def with_rounds(config: dict[str, Any], **changed: Any) -> dict[str, Any]:
    config = copy.deepcopy(config)
    config["distill"][0]["rounds"] |= changed
    return config


def errors_of(config: dict[str, Any]) -> str:
    with pytest.raises(LimbeckError) as caught:
        resolve(config)
    return str(caught.value)


def test_a_number_is_short_for_rounds_and_one_is_none(config):
    config["distill"][0]["rounds"] = 3
    config["sampling"]["md"]["time_total_fs"] = 2000  # 20 starts make more than 50 frames
    found = resolve(config)
    (own,) = rounds.asked(found).values()
    assert (own.settings.count, own.settings.n_frames, own.settings.choose) == (3, 50, "committee")
    config["distill"][0]["rounds"] = 1
    assert not rounds.asked(resolve(config))
    del config["distill"][0]["rounds"]
    alone = resolve(config)
    assert not rounds.asked(alone)
    assert not [path for path in plan.results(alone) if "round" in path.split("/")[0]]


def test_a_round_changes_no_job_of_the_first(config):
    """All files of a run without rounds are of the same recipe in one with them."""
    found = resolve(config)
    del config["distill"][0]["rounds"]
    alone = resolve(config)
    for path in plan.results(alone):
        assert Recipes(found).of(path) == Recipes(alone).of(path), path


def test_a_choice_does_not_depend_on_what_only_tests_need(config):
    """Otherwise frames that are labelled already would be labelled anew."""
    one, other = (
        Recipes(resolve(with_rounds(config, n_test_frames=n, compare_with_random=n == 4)))
        for n in (4, 3)
    )
    chosen = "rounds/emt.nep-tiny.round2/chosen.h5"
    explored = "rounds/emt.nep-tiny.round1/own.h5"
    assert one.job_of(chosen)[0] == other.job_of(chosen)[0]
    assert one.of(explored) != other.of(explored)


def test_the_dynamics_are_those_of_the_sampling_without_its_preparation(config):
    config["sampling"]["md"] |= {"supercell_radius_A": 6.0, "relax_input_cell": "full"}
    dynamics = rounds.dynamics_of(resolve(config), "emt", "nep-tiny")
    assert dynamics.temperature_K == 600  # of the rounds
    assert (dynamics.time_step_fs, dynamics.time_total_fs) == (2, 20)  # of the sampling
    assert (dynamics.supercell_radius_A, dynamics.relax_input_cell) == (None, "none")
    assert dynamics.time_equilibration_fs == 0


def test_a_sampling_that_rounds_alone_need_is_no_remark(config):
    config["sampling"]["hot"] = config["sampling"]["md"] | {"temperature_K": 900}
    named = with_rounds(config, sampling="hot")
    assert "sampling.hot" in "".join(remarks(resolve(config)))
    assert "sampling.hot" not in "".join(remarks(resolve(named)))


def test_names_of_rounds_are_no_names_of_label_sets(config):
    found = resolve(config)
    for each in rounds.later_rounds(found):
        assert rounds.label_set_of(each.learned) == "emt"
        assert plan.floor_under(found, each.learned) == plan.floor_under(found, "emt")
    config["labels"]["emt.x"] = {"potential": "emt"}
    assert "the name 'emt.x', expected" in errors_of(config)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"n_frames": 13},
            "distill.0.rounds.n_frames: 13, expected at most 12, all that the dynamics of n_starts "
            "structures make",
        ),
        ({"count": 1}, "distill.0.rounds.count: 1, expected at least 2"),
        ({"choose": "best"}, "distill.0.rounds.choose: 'best', expected one of committee,"),
        (
            {"choose": "views"},
            "distill.0.rounds.choose: views, but emt is equivariant, and says the same in all",
        ),
        ({"sampling": "mdd"}, "distill.0.rounds.sampling: 'mdd', expected one of md (did you mean"),
        (
            {"n_test_starts": 0},
            "distill.0.rounds.n_test_frames: 4, expected 0 with n_test_starts: 0",
        ),
        (
            {"sampling_interval_fs": 3.0},
            "distill.0.rounds.sampling_interval_fs: 3, expected a multiple of time_step_fs, 2",
        ),
    ],
)
def test_what_is_wrong_with_rounds_is_one_line(config, changes, said):
    assert errors_of(with_rounds(config, **changes)).startswith(said)


def test_what_does_not_fit_the_rest_of_the_config_is_one_line(config):
    one_seed, by_frame, untested, no_dynamics, twice, from_file = (
        copy.deepcopy(config) for _ in range(6)
    )
    one_seed["distill"][0]["seeds"] = [1]
    assert errors_of(one_seed) == (
        "distill.0.rounds.choose: committee with seeds: [1], expected two or more, or choose: "
        "descriptors"
    )
    one_seed["distill"][0]["rounds"]["choose"] = "descriptors"
    resolve(one_seed)
    by_frame["dataset"]["split_by"] = "frame"
    assert errors_of(by_frame).startswith("dataset.split_by: 'frame', expected group or root with")
    untested["dataset"] = {"split_by": "group", "test_known_fraction": 0.0}
    assert errors_of(untested).startswith("distill.0.rounds.n_test_starts: 2, expected 0, since")
    no_dynamics["sampling"]["md"] = {"method": "rattle", "sources": ["metals"]}
    said = errors_of(no_dynamics)
    assert "distill.0.rounds.sampling: none in select.include, expected the name of a" in said
    no_dynamics["distill"][0]["rounds"]["sampling"] = "md"
    assert "distill.0.rounds.sampling: 'md' of another method, expected" in errors_of(no_dynamics)
    twice["distill"].append(twice["distill"][0] | {"seeds": [3, 4]})
    assert errors_of(twice).startswith("distill.1.rounds: rounds of emt/nep-tiny a second time")
    from_file["sources"]["mine"] = {
        "kind": "file",
        "path": "tests/config/faults.extxyz",
        "count": 9,
    }
    from_file["labels"]["mine"] = {"from": "file"}
    from_file["select"]["include"].append("generated")
    from_file["distill"][0]["labels"] = "mine"
    assert "distill.0.labels: 'mine' is from a file, expected those of a potential" in errors_of(
        from_file
    )


def test_views_need_a_teacher_that_disagrees_with_itself_and_a_number_of_them(config):
    config["potentials"]["emt"]["lab_frame_error"] = 1.0
    config["labels"]["emt"]["views"] = 2
    resolve(with_rounds(config, choose="views"))
    config["labels"]["emt"]["views"] = "auto"
    said = errors_of(with_rounds(config, choose="views"))
    assert said.startswith(
        "labels.emt.views: auto with choose: views in distill.0.rounds, expected"
    )


def test_what_two_entries_lack_is_said_once(config):
    config["distill"].append(config["distill"][0] | {"students": ["nep-other"]})
    config["students"]["nep-other"] = config["students"]["nep-tiny"]
    config["dataset"]["split_by"] = "frame"
    assert errors_of(config).count("dataset.split_by") == 1


def test_frames_to_test_on_are_labelled_without_products(config):
    """Nobody looks at these; of frames to train on they are learned."""
    config["labels"]["emt"]["hessian_vectors"] = 2
    for part, vectors in (("chosen", 2), ("own", 0)):
        job = jobs.LabelRound.of(resolve(config), "emt.nep-tiny.round2", part)
        assert job.label_set.hessian_vectors == vectors
