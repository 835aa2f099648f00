"""Latents are asked for once, and no encoder is taken for another."""

import numpy as np
import pytest

from limbeck.errors import Unfit
from limbeck.studies.latents import Latents


def test_what_is_known_is_not_encoded_again(tmp_path):
    asked = []

    def encode(inputs):
        asked.extend(inputs)
        return np.array([[len(each), each[0]] for each in inputs])

    first = Latents(tmp_path, "model a, layer 3").of([b"one", b"three", b"one"], encode)
    assert first.tolist() == [[3, 111], [5, 116], [3, 111]]
    again = Latents(tmp_path, "model a, layer 3").of([b"three", b"four", b"one"], encode)
    assert again.tolist() == [[5, 116], [4, 102], [3, 111]]
    assert asked == [b"one", b"three", b"four"]
    Latents(tmp_path, "model a, layer 4").of([b"one"], encode)
    assert asked[3:] == [b"one"]


def test_a_damaged_file_is_named(tmp_path):
    latents = Latents(tmp_path, "model")
    latents.of([b"one"], lambda inputs: np.ones((1, 2)))
    latents.path.write_bytes(latents.path.read_bytes()[:200])
    with pytest.raises(Unfit, match="latents"):
        Latents(tmp_path, "model").of([b"one"], lambda inputs: np.ones((1, 2)))
