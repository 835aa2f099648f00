"""MatterGen's script against a stand-in with its command line, its output and its faults."""

import pytest
from ase.io import read

import stand_ins
from generator_jobs import calls, run
from generators import structures
from limbeck.files import sha256_of

OWN = {
    "program": "mattergen",
    "count": 6,
    "batch_size": 4,
    "weights": "../env/weights",
    "sha256": stand_ins.WEIGHTS_SHA256,
}
#: by name, and none of its own
NAMED = {"program": "mattergen", "count": 6}


@pytest.fixture
def python(tmp_path):
    return stand_ins.installed("mattergen", tmp_path / "env")


def test_as_many_as_are_asked_for_come_out(tmp_path, python):
    done = run(tmp_path / "a", python, **OWN)
    assert done.status == 0, done.log
    found = read(done.path, index=":")
    assert [len(atoms) for atoms in found] == [8] * 6
    assert all(atoms.pbc.all() and 5 < atoms.cell.lengths()[0] < 6 for atoms in found)
    # two batches of four: two more than were asked for
    report = done.report
    assert (report["asked"], report["made"], report["kept"], report["surplus"]) == (6, 8, 6, 2)
    assert report["short_of"] == {}
    assert report["recipe"] == "0" * 16
    assert 0 < report["seconds_per_structure"] < 10
    (call,) = calls(python)
    assert f"--model_path={tmp_path}/env/weights" in [
        word.replace("a/../", "") for word in call["arguments"]
    ]
    assert "--record_trajectories=False" in call["arguments"]


def test_it_has_a_seed_to_the_byte_and_another_gives_others(tmp_path, python):
    first, second = (run(tmp_path / name, python, **OWN) for name in "ab")
    other = run(tmp_path / "c", python, **OWN, seed=7)
    assert first.kept == second.kept
    assert first.kept != other.kept
    of_shards = [run(tmp_path / "d", python, **OWN, shards=2, shard=i) for i in (0, 1)]
    assert of_shards[0].kept != of_shards[1].kept
    assert [done.report["asked"] for done in of_shards] == [3, 3]


def test_a_version_with_a_seed_gets_it(tmp_path, python):
    (path,) = python.parents[1].glob("lib/*/site-packages/mattergen/scripts/generate.py")
    text = path.read_text().replace("    batch_size=64,", "    batch_size=64,\n    seed=None,")
    path.write_text(text)
    done = run(tmp_path / "a", python, **OWN)
    (call,) = calls(python)
    assert f"--seed={done.report['rounds'][0]['seed']}" in call["arguments"]


def test_it_writes_where_no_other_job_does_and_takes_its_threads_alone(tmp_path, python):
    """Its CIFs, which pass through shared files, are not read: these say nothing of a crystal."""
    run(tmp_path / "a", python, **OWN)
    run(tmp_path / "b", python, **OWN)
    one, two = calls(python)
    assert one["tmp"] != two["tmp"]
    assert one["cwd"] != two["cwd"]
    assert (one["OMP_NUM_THREADS"], one["cores"]) == ("1", 1)
    assert one["CUDA_VISIBLE_DEVICES"] == ""
    assert one["PYTHONPATH"] is None


def test_a_condition_is_asked_with_a_guidance(tmp_path, python):
    done = run(tmp_path / "a", python, **OWN, chemical_system=["K", "F"])
    assert {*read(done.path).get_chemical_symbols()} == {"K", "F"}
    (call,) = calls(python)
    assert call["conditions"] == {"chemical_system": "K-F"}
    assert "--diffusion_guidance_factor=2.0" in call["arguments"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("dummy", structures.NO_ELEMENT),
        ("heavy", structures.NO_ELEMENT),
        ("nan", structures.BAD_NUMBERS),
        ("overlap", structures.TOO_CLOSE),
        ("flat", structures.FLAT_CELL),
        ("half-once", structures.UNREADABLE),
    ],
)
def test_what_is_of_no_use_is_counted_and_asked_for_again(tmp_path, python, fault, reason):
    done = run(tmp_path / "a", python, fault, **OWN)
    assert done.status == 0, done.log
    report = done.report
    assert len(read(done.path, index=":")) == report["kept"] == 6
    assert report["refused"][reason] > 0
    assert report["made"] == report["kept"] + report["surplus"] + sum(report["refused"].values())


def test_the_share_that_is_lost_to_limits_of_elements_is_measured(tmp_path, python):
    limits = {"elements": ["Li", "Na", "Mg", "Cl", "Br", "O"]}
    done = run(tmp_path / "a", python, "elements", **OWN, **limits)
    report = done.report
    lost = report["refused"][structures.NOT_ALLOWED]
    assert report["lost_to_elements"] == lost / report["made"] > 0
    assert "Pb" not in done.kept.decode()
    without = run(tmp_path / "b", python, "elements", **OWN)
    assert "Pb" in without.kept.decode()
    assert without.report["lost_to_elements"] == 0


def test_what_falls_short_is_asked_for_again_and_never_padded(tmp_path, python):
    done = run(tmp_path / "a", python, "fewer-once", **OWN)
    assert [row["asked"] for row in done.report["rounds"]] == [6, 2]
    assert done.report["kept"] == 6
    short = run(tmp_path / "b", python, "fewer", **OWN, max_rounds=1)
    assert short.status == 0
    assert (short.report["kept"], short.report["short_of"]) == (4, {"": 2})


def test_a_batch_that_fails_is_a_round_that_failed(tmp_path, python):
    done = run(tmp_path / "a", python, "fails-once", **OWN)
    assert done.status == 0
    first, second = done.report["rounds"]
    assert (first["made"], first["failed"]) == (0, "the program ended with status 1")
    assert second["failed"] is None
    assert second["seed"] != first["seed"]


@pytest.mark.parametrize("fault", ["nothing", "fails"])
def test_a_run_that_made_nothing_fails_and_leaves_nothing(tmp_path, python, fault):
    done = run(tmp_path / "a", python, fault, **OWN, max_rounds=2)
    assert done.status == 1
    assert "error: generators.g: nothing of use in 2 rounds" in done.log
    assert not list(done.folder.iterdir())


def test_an_environment_without_it_says_so_at_once(tmp_path):
    python = stand_ins.installed("mattergen", tmp_path / "env")
    next(python.parents[1].glob("lib/*/site-packages/mattergen/__init__.py")).write_text("import b")
    done = run(tmp_path / "a", python, **OWN)
    assert done.status == 1
    expected = (
        f"error: generators.g: {python} cannot run it: ModuleNotFoundError: No module named 'b'"
    )
    assert expected in done.log
    skipped = run(tmp_path / "b", python, **OWN, if_missing="skip")
    assert skipped.status == 0
    assert skipped.kept == b""
    assert "No module named 'b'" in skipped.report["missing"]


def test_weights_of_ones_own_are_used_where_they_are_the_right_ones(tmp_path, python):
    own = tmp_path / "model"
    (own / "checkpoints").mkdir(parents=True)
    (own / "checkpoints/last.ckpt").write_text("weights")
    (own / "config.yaml").write_text("a: 1")
    asked = {**OWN, "weights": str(own), "sha256": sha256_of(own)}
    assert run(tmp_path / "a", python, **asked).status == 0
    assert f"--model_path={own}" in calls(python)[0]["arguments"]
    (own / "config.yaml").write_text("a: 2")
    done = run(tmp_path / "b", python, **asked)
    assert done.status == 1
    assert f"its SHA-256 is {sha256_of(own)}, expected {asked['sha256']}" in done.log
    assert len(calls(python)) == 1  # never opened


def test_weights_that_were_fetched_are_compared_and_others_never_opened(tmp_path, python):
    """Nor are they downloaded by the program itself, which compares nothing."""
    done = run(tmp_path / "a", python, **NAMED)
    assert done.status == 1
    message = "weights/mattergen/mattergen_base/config.yaml: no weights there"
    assert f"{message}; `snakemake fetch_weights` gets them" in done.log
    skipped = run(tmp_path / "b", python, **NAMED, if_missing="skip")
    assert (skipped.status, skipped.kept) == (0, b"")
    stand_ins.weights(tmp_path / "a/weights/mattergen/mattergen_base")
    done = run(tmp_path / "a", python, **NAMED)
    assert done.status == 1
    assert "config.yaml: its SHA-256 is" in done.log
    assert calls(python) == []
