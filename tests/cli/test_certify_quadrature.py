"""certify_quadrature.py from the command line."""

import json

import in_process
from limbeck.storage import write_frames
from limbeck.warrant.tidy import read_table
from planted import real_frames

GRIDS = "as_given tetrahedral octahedral icosahedral product-5 product-7".split()
SETTINGS = {"n_frames": 1, "device": "cpu", "threads": 1}


def run(folder, potential, start=in_process.run):
    write_frames(folder / "0.h5", real_frames(), stage="select_frames")
    arguments = ["--frames", folder / "0.h5", "--output", folder / "emt.json"]
    settings = SETTINGS | {"potential": potential}
    return start("certify_quadrature", *arguments, settings=settings)


def test_the_certificate_of_an_invariant_potential(tmp_path):
    potential = {"name": "lj", "model": "lj"}
    done = run(tmp_path, potential, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "emt.json").read_text())
    assert (found["model"], found["n_frames"], found["random_views"]) == ("lj", 1, 1000)
    assert [r["views"] for r in found["rules"]][:3] == ["as_given", "tetrahedral", "octahedral"]
    assert [r["n_views"] for r in found["rules"]] == [1, 12, 24, 60, 84, 208]
    for row in found["rules"]:
        assert row["error"]["forces"]["value"] < 1e-6  # rounding
        assert row["error"]["forces"]["ci95"] == [None, None]  # of one root
    assert found["rules"][-1]["change_to_next"] is None
    table = read_table(tmp_path / "emt.csv")
    assert set(table["subject"]) == {"lj", *(f"lj/{name}" for name in GRIDS)}


def test_an_unknown_potential_is_told_in_a_line(tmp_path):
    done = run(tmp_path, {"name": "x", "model": "dft"})
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith("error: settings.potential.model: 'dft'")
