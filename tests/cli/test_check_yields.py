"""check_yields.py: a part of a run that made nothing in all its shards stops the run."""

import json

import numpy as np
import pytest

import in_process
from limbeck import reasons
from limbeck.config.jobs import CheckYields
from limbeck.config.load import resolve
from limbeck.files import write_csv
from limbeck.gate.yields import yields
from limbeck.storage import write_frames
from planted import real_frames

FRAMES = real_frames()
NONE = FRAMES.select(np.zeros(0, dtype=np.int64))
REFUSALS = ("frame", "id", "reason", "value", "limit")
CONFIG = {
    "run": "a",
    "sources": {
        "oxides": {"kind": "file", "path": "oxides.xyz", "count": 20, "shards": 2},
        "metals": {"kind": "crystals", "count": 4, "elements": ["Cu"]},
    },
    "potentials": {"lj": {"model": "lj"}},
    "force_constants": {"fc": {"sources": ["metals"], "potential": "lj"}},
    "sampling": {
        "md": {
            "method": "md",
            "ensemble": "NPT",
            "sources": ["oxides", "metals"],
            "potential": "lj",
        },
        "modes": {"method": "phonons", "sources": ["metals"], "force_constants": "fc"},
        "rattled": {"method": "rattle", "sources": ["metals"]},
        "paths": {"method": "relax_path", "sources": ["metals"], "potential": "lj"},
    },
    "subsystems": {"pairs": {"of": ["rattled"], "rule": "closest_to_central_molecule"}},
    "select": {"include": ["md", "modes", "rattled", "paths", "pairs"]},
    "labels": {"lj": {"potential": "lj"}},
}


class Results:
    """A folder of a run in which every part has made two of two."""

    def __init__(self, folder, monkeypatch):
        (folder / "oxides.xyz").write_text("")
        monkeypatch.chdir(folder)
        self.folder = folder / "results/a"
        self.source("oxides", "0", FRAMES, [])
        self.source("oxides", "1", FRAMES, [])
        self.source("metals", "0", FRAMES, [])
        for shard in ("oxides/0", "oxides/1", "metals/0"):
            self.sample("md", shard, ("trajectory", "cut"), [(0, ""), (0, "")])
        self.sample("modes", "metals/0", ("reason",), [("",), ("",)])
        self.sample("rattled", "metals/0", ("set_aside",), [(0,), (0,)])
        self.sample("paths", "metals/0", ("cut",), [("",), ("not relaxed in 300 steps",)])
        self.table("force_constants/fc/metals/0.csv", ("reason",), [("",)])
        self.frames("subsystems/pairs/rattled/metals/0.h5", FRAMES)
        self.table("subsystems/pairs/rattled/metals/0.csv", ("frame", "reason"), [("a", "")])

    def frames(self, name, frames):
        write_frames(self.folder / name, frames, stage="some")

    def table(self, name, columns, rows):
        write_csv(self.folder / name, columns, rows)

    def source(self, name, shard, kept, refused, failed=()):
        self.frames(f"screened/{name}/{shard}.h5", kept)
        rows = [("", "", reason, "", "") for reason in refused]
        self.table(f"screened/{name}/{shard}.rejects.csv", REFUSALS, rows)
        rows = [("", "", reason, "", "") for reason in failed]
        self.table(f"structures/{name}/{shard}.failed.csv", REFUSALS, rows)

    def sample(self, name, shard, columns, rows, frames=FRAMES):
        self.frames(f"samples/{name}/{shard}.h5", frames)
        kept = len(frames) // max(len(rows), 1)
        whole = [("x", kept, *row) for row in rows]
        self.table(f"samples/{name}/{shard}.csv", ("id", "frames", *columns), whole)

    def check(self, stage, start=in_process.run, **allowed):
        config = json.loads(json.dumps(CONFIG))
        for name in allowed:
            section = next(s for s in config.values() if isinstance(s, dict) and name in s)
            section[name]["allow_empty"] = allowed[name]
        text = CheckYields.of(resolve(config), stage).text()
        output = self.folder / f"yields/{stage}.json"
        output.unlink(missing_ok=True)
        done = start("check_yields", "--results", self.folder, "--output", output, settings=text)
        assert "Traceback" not in done.stderr
        assert done.returncode == (0 if output.exists() else 1), done.stderr
        told = done.stderr.split("error: ")[1].splitlines() if done.returncode else []
        return told, json.loads(output.read_text())["yields"] if output.exists() else None


@pytest.fixture
def results(tmp_path, monkeypatch):
    return Results(tmp_path, monkeypatch)


def test_a_run_that_made_something_of_everything_goes_on(results):
    told, found = results.check("structures", start=in_process.run_as_process)
    assert not told
    assert [(one["section"], one["name"], one["made"]) for one in found] == [
        ("sources", "oxides", 12),
        ("sources", "metals", 6),
    ]
    told, found = results.check("frames")
    assert not told
    assert all(one["made"] for one in found)
    assert len(found) == 7


def test_a_source_is_judged_over_all_its_shards(results):
    results.source("oxides", "0", NONE, [reasons.TOO_CLOSE] * 3)
    assert not results.check("structures")[0]  # the other shard has six
    results.source("oxides", "1", NONE, [reasons.TOO_CLOSE], [reasons.UNREADABLE])
    assert results.check("structures")[0] == [
        "sources.oxides: of 5 structures none is left; 4 of them: atoms too close: distance over "
        "sum of covalent radii (are lengths in nm or Bohr? Then write length_unit: nm, or Bohr, "
        "into the source); 1 of them: " + reasons.UNREADABLE + "; where that is meant, write "
        "allow_empty: true into sources.oxides"
    ]


def test_a_source_that_is_made_has_no_unit_to_be_mistaken(results):
    results.source("metals", "0", NONE, [reasons.TOO_CLOSE] * 4)
    (line,) = results.check("structures")[0]
    assert "all of them: atoms too close" in line
    assert "(lower strain or displacement_A of the source, or screen.min_distance_ratio)" in line


def test_a_source_may_be_empty_where_that_is_meant(results):
    for shard in "01":
        results.source("oxides", shard, NONE, [reasons.TOO_CLOSE])
        results.sample("md", f"oxides/{shard}", ("trajectory", "cut"), [], NONE)
    assert not results.check("structures", oxides=True)[0]
    assert not results.check("frames", oxides=True)[0]  # of nothing nothing is sampled


def test_a_source_without_a_structure_is_empty_too(results):
    for shard in "01":
        results.source("oxides", shard, NONE, [])
    (line,) = results.check("structures")[0]
    assert line.startswith("sources.oxides: of 0 structures none is left; where that is meant")


def test_a_sampling_is_judged_source_by_source(results):
    for shard in "01":
        rows = [(0, reasons.NO_CELL)]
        results.sample("md", f"oxides/{shard}", ("trajectory", "cut"), rows, NONE)
    (line,) = results.check("frames")[0]
    assert line.startswith(
        "sampling.md of sources.oxides: of 2 trajectories came no frame; all of them: isolated: no "
        "pressure without a cell (isolated molecules and clusters have no cell: sample them with "
        "ensemble NVT)"
    )
    assert not results.check("frames", md=True)[0]


def test_draws_that_all_failed_are_counted_frame_by_frame(results):
    results.sample("rattled", "metals/0", ("set_aside",), [(4,), (4,)], NONE)
    (line,) = results.check("frames")[0]
    assert "of 8 draws came no frame; all of them: no draw kept all atoms apart (lower" in line


def test_force_constants_are_told_and_what_follows_from_their_lack_is_not(results):
    why = "3 of 6 modes imaginary, the lowest at -1.2 THz"
    results.table("force_constants/fc/metals/0.csv", ("reason",), [(why,), (why,)])
    rows = [(reasons.NO_FORCE_CONSTANTS,)] * 2
    results.sample("modes", "metals/0", ("reason",), rows, NONE)
    (line,) = results.check("frames")[0]
    assert "force_constants.fc of sources.metals: of 2 structures none has force" in line
    assert f"all of them: {why}" in line


def test_clusters_are_told_with_their_reason(results):
    results.frames("subsystems/pairs/rattled/metals/0.h5", NONE)
    rows = [("a", "no molecules"), ("b", "no molecules")]
    results.table("subsystems/pairs/rattled/metals/0.csv", ("frame", "reason"), rows)
    (line,) = results.check("frames")[0]
    assert "subsystems.pairs of sources.metals: of 2 clusters came no cluster; all of" in line


def of_stage(results, stage, name):
    job = CheckYields.of(resolve(CONFIG), stage)
    found = yields(job.config, stage, lambda path: results.folder / path)
    return next(one for one in found if one.part.name == name)


def test_what_repeats_is_not_lost(results):
    rejected = [reasons.DUPLICATE, reasons.TOO_DENSE]
    results.source("metals", "0", FRAMES, rejected, [reasons.REPEATED])
    metals = of_stage(results, "structures", "metals")
    assert (metals.asked, metals.lost) == (7, {reasons.TOO_DENSE: 1})


def test_a_path_that_ends_early_has_its_frames_and_is_not_lost(results):
    paths = of_stage(results, "frames", "paths")
    assert (paths.asked, paths.lost) == (2, {})


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"id,frames,cut\nx,many,\n", b'id\n"x'])
def test_a_damaged_table_is_named(results, damage):
    path = results.folder / "samples/md/metals/0.csv"
    path.write_bytes(damage)
    (line,) = results.check("frames")[0]
    assert line.startswith(f"{path}: not readable as CSV: ")
    path.unlink()
    assert results.check("frames")[0] == [f"{path}: no such file"]
