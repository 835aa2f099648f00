"""How long structures and labels take, by the clock of their jobs.

Snakemake writes a table for each job, with its seconds in column ``s``. Of a source those of its
structures and of their screening count, over the structures that passed, and those of a generator,
over what it made of use; of a label set those of its labels, over their frames. Labels that were in
the store already take no time.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from limbeck.config.jobs import FromGenerator
from limbeck.errors import LimbeckError
from limbeck.files import read_json
from limbeck.storage import read_header


def seconds_per_structure(
    results: str | Path,
    label_set: str,
    labels: Iterable[str | Path],
    sources: Mapping[str, Iterable[int]],
    generators: Mapping[str, FromGenerator] | None = None,
) -> dict[str, float | None]:
    """Seconds for each structure, by source, and for each frame of the labels; None where a table
    is missing or nothing was made.

    Args:
        results: folder of the run.
        labels: files of the labels that are judged.
        sources: those judged, with the numbers of their shards that are.
        generators: what generators make of their structures.
    """
    run = Path(results)
    found = {}
    for source, shards in sources.items():
        of_shards = [f"{source}/{i}" for i in shards]
        tables = [_table(run, f"{rule}/{x}") for x in of_shards for rule in _MADE_BY]
        rate = _rate(tables, [run / f"screened/{x}.h5" for x in of_shards])
        if (own := (generators or {}).get(source)) and rate is not None:
            made = _of_generator(run, own)
            rate = None if made is None else rate + own.share * made
        found[source] = rate
    paths = [Path(path) for path in labels]
    # there is a folder of one of the two
    rule = (
        "label_frames" if (run / f"benchmarks/label_frames/{label_set}").is_dir() else "read_labels"
    )
    tables = [_table(run, f"{rule}/{label_set}/{path.stem}") for path in paths]
    return found | {f"labels of {label_set}": _rate(tables, paths)}


#: rules that make structures, as patterns
_MADE_BY = ("generate_*", "screen_structures")


def _table(run: Path, pattern: str) -> Path:
    """The one table of a pattern; where there is none, a path at which nothing is."""
    return next((run / "benchmarks").glob(f"{pattern}.tsv"), run / "no table")


def _rate(tables: Iterable[Path], made: Iterable[Path]) -> float | None:
    try:
        count = sum(int(read_header(path)["count"]) for path in made)
        return sum(map(_seconds, tables)) / count if count else None
    except (LimbeckError, OSError, ValueError, KeyError, StopIteration):
        return None


def _of_generator(run: Path, own: FromGenerator) -> float | None:
    """Seconds of its jobs for each structure of use that it made."""
    shards = range(own.shards)
    folder = run / f"benchmarks/run_{own.program}/{own.name}"
    try:
        kept = sum(read_json(run / f"generators/{own.name}/{i}/made.json")["kept"] for i in shards)
        return sum(_seconds(folder / f"{i}.tsv") for i in shards) / kept if kept else None
    except (LimbeckError, OSError, ValueError, KeyError, StopIteration):
        return None


def _seconds(table: Path) -> float:
    with table.open(encoding="utf-8", newline="") as file:
        return float(next(csv.DictReader(file, delimiter="\t"))["s"])
