"""What files are made of, and that a mixture is refused."""

import json

import h5py
import pytest

from limbeck.check.recipe import FOREIGN, checked, digest, recipe_of
from limbeck.errors import LimbeckError, Unfit
from limbeck.files import write_json
from limbeck.frames import empty
from limbeck.storage import write_frames


def frames_file(path, recipe="", **settings):
    write_frames(path, empty(), stage="sample_md", settings=settings or None, recipe=recipe)
    return path


def test_a_recipe_depends_on_settings_and_inputs():
    made = digest('{"a": 1, "b": [2.0, null]}', ["00", "11"])
    assert len(made) == 16
    assert digest('{"b":[2.0,null],"a":1}', ["00", "11"]) == made  # as JSON, not as text
    others = [
        digest('{"a": 2, "b": [2.0, null]}', ["00", "11"]),
        digest('{"a": 1, "b": [2.0]}', ["00", "11"]),
        digest('{"a": 1, "b": [2.0, null]}', ["11", "00"]),
        digest('{"a": 1, "b": [2.0, null]}', ["00"]),
        digest('{"a": 1, "b": [2.0, null]}', []),
    ]
    assert len({made, *others}) == 6


def test_recipes_stand_in_headers(tmp_path):
    frames_file(tmp_path / "a.h5", "00")
    write_json(tmp_path / "b.json", {}, recipe="11")
    (tmp_path / "model").mkdir()
    write_json(tmp_path / "model/recipe.json", {}, recipe="22")
    frames_file(tmp_path / "c.h5", "33")
    (tmp_path / "c.fragments.csv").write_text("id\n")
    names = ("a.h5", "b.json", "model", "c.fragments.csv")
    assert [recipe_of(tmp_path / name) for name in names] == ["00", "11", "22", "33"]


def test_what_no_job_made_has_none(tmp_path):
    frames_file(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w"):
        pass  # of an older version
    write_json(tmp_path / "c.json", {})
    (tmp_path / "d.xyz").write_text("")
    (tmp_path / "model").mkdir()
    names = ("a.h5", "b.h5", "c.json", "d.xyz", "model")
    assert [recipe_of(tmp_path / name) for name in names] == [FOREIGN] * 5


def test_a_file_of_another_recipe_is_refused(tmp_path):
    right, wrong = (frames_file(tmp_path / f"{r}.h5", r) for r in ("00", "11"))
    assert checked([right, wrong], ["00", "11"]) == ["00", "11"]
    with pytest.raises(Unfit, match=r"11\.h5: was made with other settings .*expected 00") as error:
        checked([right, wrong], ["00", "00"])
    assert error.value.path == wrong
    assert "remove it and run again" in str(error.value)
    with pytest.raises(LimbeckError, match="--recipes: 1, expected one for each of the 2 input"):
        checked([right, wrong], ["00"])


def test_a_file_that_lost_its_recipe_is_refused(tmp_path):
    path = frames_file(tmp_path / "a.h5")
    with pytest.raises(Unfit, match="expected 00"):
        checked([path], ["00"])


@pytest.mark.parametrize("name", ["a.h5", "a.json"])
def test_missing_and_damaged_files_are_named(tmp_path, name):
    with pytest.raises(LimbeckError, match=f"{name}: no such file"):
        recipe_of(tmp_path / name)
    (tmp_path / name).write_bytes(b"half")
    with pytest.raises(Unfit, match=f"{name}: not .*readable"):
        recipe_of(tmp_path / name)


def shard(path, number, temperature, **more):
    settings = {"source": "oxides", "shard": number, "seed": 1}
    sampling = {"name": "md-300", "temperature_K": temperature}
    return frames_file(path, **{**settings, "sampling": sampling, **more})


def test_shards_made_with_different_settings_are_no_set(tmp_path):
    first = shard(tmp_path / "0.h5", 0, 300)
    second = shard(tmp_path / "1.h5", 1, 300, threads=2, batch_plans="elsewhere")
    assert checked([first, second], []) == [FOREIGN] * 2
    hot = shard(tmp_path / "2.h5", 2, 900)
    with pytest.raises(LimbeckError, match=r"2\.h5 and .*0\.h5: parts of one thing .*\(sampling\)"):
        checked([first, second, hot], [])


def test_shards_of_other_things_may_differ(tmp_path):
    first = shard(tmp_path / "0.h5", 0, 300)
    other = {"name": "md-900", "temperature_K": 900}
    checked([first, shard(tmp_path / "1.h5", 0, 300, sampling=other)], [])
    checked([first, shard(tmp_path / "2.h5", 0, 900, source="nitrides")], [])
    plain = frames_file(tmp_path / "3.h5")  # as a script of one's own writes it
    checked([first, plain], [])


def test_settings_are_kept_as_they_are_told(tmp_path):
    path = shard(tmp_path / "0.h5", 0, 300)
    with h5py.File(path) as file:
        assert json.loads(file.attrs["settings"])["sampling"]["temperature_K"] == 300
