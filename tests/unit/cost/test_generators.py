"""What jobs of generative models need."""

import pytest

from generator_jobs import config_of
from limbeck.config.load import resolve
from limbeck.cost.generators import BASE_MB, START_MIN, needs_of


def needs(device="cpu", seconds=10, **generator):
    config = config_of(program="mattergen", **generator) | {"device": device}
    config["gate"] = {"max_seconds_per_structure": seconds}
    return needs_of(resolve(config), ["g"])


def test_time_is_that_in_which_the_gate_lets_pass():
    # 600 structures of at most 10 s, and as many again of no use: 200 minutes
    assert needs(count=600).minutes == START_MIN + 200
    assert needs(count=600, shards=4).minutes == START_MIN + 50
    assert needs(count=600, seconds=5).minutes == START_MIN + 100


@pytest.mark.parametrize(("device", "minutes"), [("cpu", 12_000), ("cuda", 200)])
def test_without_a_bound_it_is_that_of_the_device(device, minutes):
    assert needs(count=600, seconds=None, device=device).minutes == START_MIN + minutes


def test_memory_is_that_of_a_batch():
    assert needs(count=600, batch_size=16).mb == BASE_MB + 16 * 500
    assert needs(count=600, batch_size=64).mb == BASE_MB + 64 * 500
    assert needs(count=10, batch_size=64).mb == BASE_MB + 10 * 500
    assert needs(count=600, batch_size=64, device="cuda").mb == BASE_MB + 64 * 100


def test_of_several_it_is_the_largest():
    config = config_of(program="mattergen", count=10, batch_size=10)
    config["generators"]["h"] = {"program": "mattergen", "count": 600, "batch_size": 2}
    config["sources"]["more"] = {"kind": "generated", "generator": "h", "count": 9}
    config["gate"] = {"max_seconds_per_structure": 10}
    found = needs_of(resolve(config), ["g", "h"])
    assert found == (BASE_MB + 10 * 500, START_MIN + 200)
    assert needs_of(resolve(config), []) == (BASE_MB, START_MIN)
