"""Texts: what is read, what is refused, and which hidden states an order has."""

import gzip
import itertools
import json

import numpy as np
import pytest

from limbeck.config.load import resolve
from limbeck.errors import LimbeckError
from limbeck.seeds import generator
from limbeck.studies.kinds.text import places
from limbeck.studies.registry import open_study
from limbeck.studies.run import run_study
from limbeck.studies.study import read_data
from made_up_fields import encode, encoded, texts, write_texts
from study_data import text as script

TWO = "Lists of ships are kept here. Every ship has a number and a name."


def study_of(tmp_path, count=40, sentences=3, **own):
    fields = {"kind": "text", "count": count} | own
    fields |= write_texts(tmp_path / "texts.jsonl", count, sentences)
    return open_study(resolve({"run": "text", "studies": {"one": fields}}).studies["one"])


def data_of(tmp_path, study):
    encoded(tmp_path / "data.h5", study.settings.model_dump())
    return read_data(tmp_path / "data.h5")


def test_permutations_have_the_places_that_the_script_encodes_them_at():
    for s in (3, 4):
        orders = np.array(list(itertools.permutations(range(s))))
        assert np.array_equal(places(orders), np.arange(len(orders)))


@pytest.mark.parametrize("sentences", [3, 4])
def test_a_view_shows_what_the_encoder_says_of_the_text_in_that_order(tmp_path, sentences):
    study = study_of(tmp_path, sentences=sentences)
    data = data_of(tmp_path, study)
    own = study.settings.model_dump()
    rows = script.from_jsonl(tmp_path / "texts.jsonl")
    made, labels = script.chosen(rows, own, np.random.default_rng(1))
    names = sorted(set(labels))
    assert data.truth.argmax(axis=1).tolist() == [names.index(label) for label in labels]
    for ops in (np.tile(np.arange(sentences), (40, 1)), study.draw(data.inputs, generator(1, "v"))):
        seen = study.features(study.apply(ops, data.inputs))
        turned = [[text[k] for k in op] for text, op in zip(made, ops, strict=True)]
        assert np.array_equal(seen[:, 0], encode([" ".join(text) for text in turned])[0])
        alone = np.stack([encode(text)[0] for text in turned])
        assert np.array_equal(seen[:, 1:], alone)


def test_a_study_runs_over_the_whole_group_and_the_bag_has_no_gap(tmp_path):
    views = {"labels": "whole", "test": "whole"}
    study = study_of(tmp_path, count=60, views=views, training={"steps": 60})
    found = run_study(study, data_of(tmp_path, study)).results
    assert found["n_test_views"] == 6
    assert found["arms"]["reference"]["gap"]["mean_square"] < 1e-12
    assert found["arms"]["teacher"]["gap"]["mean_square"] > 1e-6


def test_debians_descriptions_are_joined_with_sections_and_lists_are_left_out(tmp_path):
    packages, translation = tmp_path / "Packages.gz", tmp_path / "Translation-en"
    with gzip.open(packages, "wt") as file:
        for key, section in (("a1", "net"), ("b2", "contrib/math"), ("c3", "web")):
            file.write(f"Package: {key}\nSection: {section}\nDescription-md5: {key}\n\n")
    parts = {
        "a1": " One line.\n .\n Another.\n",
        "b2": " Sums.\n",
        "c3": " * a list\n",
        "d4": " x\n",
    }
    blocks = [
        f"Package: {k}\nDescription-md5: {k}\nDescription-en: short\n{v}" for k, v in parts.items()
    ]
    translation.write_text("\n".join(blocks))
    rows = list(script.from_debian(packages, translation))
    assert rows == [("One line. Another.", "net"), ("Sums.", "math")]
    packages.write_bytes(b"\x1f\x8bno")
    with pytest.raises(SystemExit, match=r"Packages\.gz: not a readable list of packages"):
        list(script.from_debian(packages, translation))


def test_texts_that_share_a_sentence_or_repeat_one_are_left_out():
    own = {"name": "one", "sentences": 3, "classes": 10, "count": 100}
    rows = texts(10, 3)
    first = rows[0][0]
    shared = (
        first.split(". ")[0] + ". This is a sentence of its own. So is this one, as it is.",
        "sea",
    )
    twice = (" ".join(["The same sentence stands here again."] * 3), "sea")
    made, _ = script.chosen(iter([*rows, shared, twice]), own, np.random.default_rng(0))
    assert len(made) == 10


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [(TWO, "a"), (TWO, "b")],
            "3 sentences with 0 labels, expected 2 or more; sentences: 2 of 2",
        ),
        ([(text, "sea") for text, _ in texts(10, 3)], "with 1 labels, expected 2.*10 of 3"),
        ([], "with 0 labels, expected 2 or more; sentences: none"),
    ],
)
def test_too_few_sentences_and_one_class_only_are_said(rows, said):
    own = {"name": "one", "sentences": 3, "classes": 10, "count": 100}
    with pytest.raises(SystemExit, match=said):
        script.chosen(iter(rows), own, np.random.default_rng(0))


@pytest.mark.parametrize("line", ["{", '{"text": "x"}', "[1]", '{"text": 1, "label": "a"}'])
def test_a_line_that_is_no_text_with_a_label_is_named(tmp_path, line):
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"text": "x", "label": "a"}) + "\n\n" + line + "\n")
    with pytest.raises(SystemExit, match=r"texts.jsonl, line 3: .*expected"):
        list(script.from_jsonl(path))


def test_an_encoder_of_another_hash_is_refused_before_anything_is_loaded(tmp_path):
    own = study_of(tmp_path).settings.model_dump()["encoder"]
    (tmp_path / "encoder/model.safetensors").write_text("other")
    with pytest.raises(SystemExit, match=r"model.safetensors: its SHA-256 is .*, expected 44136fa"):
        script.encoder_of(own)


def test_texts_that_are_too_long_in_any_order_are_left_out(tmp_path):
    made = [[f"{a} {i}" for a in "xyz"] for i in range(6)]

    def with_one_long(asked):
        values, long = encode(asked)
        return values, np.array([text == "z 2 y 2 x 2" for text in asked]) | long

    found = script.arrays(made, list("ababab"), with_one_long)
    assert found["inputs/orders"].shape == (5, 6, 8)
    with pytest.raises(SystemExit, match="6 of 6 texts are too long"):
        script.arrays(made, list("ababab"), lambda asked: (encode(asked)[0], np.ones(len(asked))))


def test_what_was_encoded_is_not_encoded_again(tmp_path):
    asked = []

    def counted(some):
        asked.extend(some)
        return encode(some)

    for folder in (tmp_path, tmp_path / "."):
        again = script.stored(counted, folder, {"path": str(folder), "sha256": "a", "layer": -1})
        values, long = again(["a b", "b a", "a b"])
        assert np.array_equal(values, encode(["a b", "b a", "a b"])[0])
        assert not long.any()
    assert asked == ["a b", "b a"]
    script.stored(counted, tmp_path, {"sha256": "a", "layer": -2})(["a b"])
    assert asked == ["a b", "b a", "a b"]
    for path in tmp_path.glob("*.h5"):
        path.write_bytes(b"no")
    with pytest.raises(SystemExit, match="not a readable file of latents, remove it"):
        script.stored(counted, tmp_path, {"sha256": "a", "layer": -1})


def test_settings_say_where_texts_are_from_and_data_where_they_are_made(tmp_path):
    study = study_of(tmp_path)
    with pytest.raises(
        LimbeckError, match=r"study_data/text.py, in the environment of envs/study-"
    ):
        study.data(generator(1, "text"))
    own = study.settings.model_dump(exclude={"name", "path"})
    with pytest.raises(LimbeckError, match=r"studies.one.path: nothing, expected path, or debian"):
        resolve({"run": "text", "studies": {"one": own}})
