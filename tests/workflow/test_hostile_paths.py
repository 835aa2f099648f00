"""Paths of a config stand in commands as they are, whatever letters they have."""

import yaml

HOSTILE = 'a\'b; touch was-run; $(touch was-run) `touch was-run` & "c" | #.smi'


def test_a_path_runs_no_command(snakemake, workspace):
    (workspace / HOSTILE).write_text("C methane\n")
    config = {
        "run": "hostile",
        "sources": {"m": {"kind": "molecules", "count": 1, "smiles": HOSTILE}},
        "potentials": {"lj": {"model": "lj"}},
        "select": {"include": ["generated"], "count": 1},
        "labels": {"lj": {"potential": "lj", "views": "as_given"}},
    }
    (workspace / "hostile.yaml").write_text(yaml.safe_dump(config))
    made = "results/hostile/structures/m/0.h5"
    done = snakemake("--configfile", "hostile.yaml", "--cores", 1, "--quiet", "all", "--", made)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (workspace / made).is_file()
    assert not list(workspace.rglob("was-run"))
