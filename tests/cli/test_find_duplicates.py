"""The command line that finds duplicates, of the structures before and of its own."""

import csv

from ase.build import bulk

import in_process
from limbeck.frames import from_atoms
from limbeck.storage import write_frames
from limbeck.structures.duplicates.record import read_dropped, read_keys

SETTINGS = {
    "source": "late",
    "distance_A": 0.02,
    "screen": {},
    "all_stay": False,
    "siblings": "all",
}


def write(folder, source, shard, structures, first=0):
    infos = [{"number": first + n} for n in range(len(structures))]
    groups = [""] * len(structures)
    path = folder / "structures" / source / f"{shard}.h5"
    frames = from_atoms(structures, groups=groups, source=source, infos=infos)
    write_frames(path, frames, stage="generate_crystals", recipe="right")
    return path


def find(folder, source, batch, given, *before, start=in_process.run, **changes):
    """Run it; what it wrote, as keys that stay and names that do not."""
    kept = folder / "duplicates" / source / f"{batch}.h5"
    arguments = ["--input", *given, "--before", *(path for path, _ in before)]
    arguments += ["--keys", *(keys for _, keys in before), "--output", kept]
    arguments += ["--table", kept.with_suffix(".csv")]
    settings = SETTINGS | {"source": source} | changes
    result = start("find_duplicates", *arguments, settings=settings)
    assert result.returncode == 0, result.stderr
    return kept


def test_structures_of_a_batch_before_are_found_in_a_process_of_its_own(tmp_path):
    copper, gold, silver = (bulk(name) for name in ("Cu", "Au", "Ag"))
    first = write(tmp_path, "late", 0, [copper, gold])
    other = write(tmp_path, "early", 0, [silver])
    second = write(tmp_path, "late", 1, [silver, gold.repeat(2), bulk("Al"), bulk("Al")], first=2)
    before = [
        (first, find(tmp_path, "late", 0, [first])),
        (other, find(tmp_path, "early", 0, [other])),
    ]
    kept = find(tmp_path, "late", 1, [second], *before, start=in_process.run_as_process)
    assert set(read_dropped(kept)) == {"late/2", "late/3", "late/5"}
    assert read_keys(kept).frame.tolist() == [b"late/4"]
    with kept.with_suffix(".csv").open() as table:
        rows = {row["frame"]: row["kept_frame"] for row in csv.DictReader(table)}
    assert rows == {"late/2": "early/0", "late/3": "late/1", "late/5": "late/4"}


def test_a_strained_source_is_not_compared_with_itself_in_a_batch_before(tmp_path):
    first = write(tmp_path, "late", 0, [bulk("Cu")])
    second = write(tmp_path, "late", 1, [bulk("Cu"), bulk("Au")], first=1)
    other = write(tmp_path, "early", 0, [bulk("Au")])
    before = [
        (first, find(tmp_path, "late", 0, [first])),
        (other, find(tmp_path, "early", 0, [other])),
    ]
    kept = find(tmp_path, "late", 1, [second], *before, siblings="none")
    assert set(read_dropped(kept)) == {"late/2"}


def test_all_stay_where_that_is_asked_for(tmp_path):
    given = write(tmp_path, "late", 0, [bulk("Cu"), bulk("Cu")])
    kept = find(tmp_path, "late", 0, [given], all_stay=True)
    assert read_dropped(kept) == {}
    assert len(read_keys(kept)) == 2
