"""JSON from outside: nested without end it is refused, whatever Python's own limit is."""

import pytest

from limbeck.check.seal import DEEPEST, parsed_json


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_deep_nesting_is_refused_and_overflows_no_stack(no_limit, bracket):
    closing = "]" if bracket == "[" else "}"
    for depth in (DEEPEST + 1, 200_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            parsed_json(bracket * depth + "1" + closing * depth)
    assert parsed_json(bracket * DEEPEST + "1" + closing * DEEPEST)


def test_brackets_in_text_and_side_by_side_are_no_nesting():
    assert parsed_json('{"a": "' + "[" * 500 + '\\"{"}')["a"].endswith('["{')
    assert len(parsed_json(b"[" + b"[1]," * 500 + b"[2]]")) == 501
