"""Results made elsewhere than where the workflow is, and configs that bare snakemake is given."""

import yaml

MADE = "results/tiny/structures/metals/0.h5"


def test_results_can_be_made_in_another_folder(snakemake, workspace, tmp_path):
    """Of a config whose path is relative to where the command was called, in a path with spaces."""
    folder = tmp_path / "my results"
    folder.mkdir()
    call = ("--directory", folder, "--configfile", "tests/config/tiny.yaml", "--cores", 1)
    done = snakemake(*call, "--", MADE)
    assert done.returncode == 0, done.stderr
    assert (folder / MADE).is_file()
    assert not (workspace / "results").exists()
    again = snakemake(*call, "-n", "--", MADE)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_key_that_stands_twice_is_refused(snakemake, workspace):
    tiny = yaml.safe_load((workspace / "tests/config/tiny.yaml").read_text())
    text = yaml.safe_dump(tiny)
    (workspace / "twice.yaml").write_text(text + "seed: 2\nseed: 3\n")
    result = snakemake("-n", "--configfile", "twice.yaml")
    assert result.returncode != 0
    n = len(text.splitlines())
    said = f"twice.yaml, line {n + 2}: the key 'seed' stands in line {n + 1}, too, expected it once"
    assert said in result.stderr
    assert "Traceback" not in result.stderr
