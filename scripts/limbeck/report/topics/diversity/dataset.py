"""``dataset.md``: counts, refusals, diversity, storage, rates and verdict, as plain tables."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

import limbeck
from limbeck.check.content import files_of
from limbeck.config.plan import paths_of, reserves_used, sources_used
from limbeck.report.page import cols
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.report.topics import structures
from limbeck.report.topics.diversity import gate
from limbeck.storage import read_frames

#: frames of a slice whose text is measured
SAMPLE = 1000
#: of the code, from the folder that has it: what makes the frames, and nothing that was made
CODE = ("Snakefile", "scripts/**/*.py", "workflow/rules/*.smk", "resources/**/*.csv")

told = prose("diversity")


def as_markdown(run: Run) -> str:
    """All of ``dataset.md``."""
    found = run.once(gate.verdicts)
    parts = [
        ("Counts", structures.stages_table(run.once(structures.stages))),
        ("Refusals", structures.refusals_table(run)),
        ("Diversity", gate.sources_table(found)),
        ("Distances", gate.distances_table(found)),
        ("Environments", gate.environments_table(found)),
        ("Overlap of environments", gate.overlap_table(found)),
        ("Energies and forces", gate.ranges_table(found)),
        ("Storage", storage_table(run)),
        ("Time of the jobs", rates_table(run)),
        ("Verdict of the gate", gate.criteria_table(found)),
    ]
    shown = [(title, _told(one)) for title, one in parts if one is not None or title == "Refusals"]
    text = [f"# The data set of {run.config.run}", *(f"## {title}\n\n{s}" for title, s in shown)]
    words = [f"- {name}: {'go' if one.go else 'no go'}" for name, one in found.items()]
    return "\n\n".join([*text, *(["\n".join(words)] if words else [])]) + "\n"


def _told(found: Table | None) -> str:
    """A table with its caption; none where nothing was refused."""
    return f"{found.caption}\n\n{_markdown(found)}" if found else structures.told("none_refused")


def _markdown(found: Table) -> str:
    """A table as the page shows it."""
    lines = [[column.heading for column in found.columns], ["---"] * len(found.columns)]
    lines += [row for _, rows in found.groups() for row in rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def storage_table(run: Run) -> Table | None:
    """Bytes of the selected frames as HDF5 and as the extxyz that ASE writes, over the bytes of all
    that remakes them."""
    from ase.io import write

    hdf5 = text = count = 0
    for path in run.slices("selected"):
        frames, buffer = read_frames(path), io.StringIO()
        count += len(frames)
        hdf5 += path.stat().st_size
        # of many, a sample tells
        some = frames.select(np.linspace(0, len(frames) - 1, min(len(frames), SAMPLE)).astype(int))
        write(buffer, some.to_atoms(), format="extxyz")
        text += round(len(buffer.getvalue()) * len(frames) / max(len(some), 1))
    parts = remade_from(run)
    remade = sum(parts.values())
    sizes = {"frames as extxyz": text, "frames as HDF5": hdf5, **parts, "all that remakes": remade}
    rows = [
        {"what": what, "bytes": size, "for_each": size / max(count, 1), "times": size / remade}
        for what, size in sizes.items()
    ]
    weights = weights_of(run)
    if weights:
        row = {"what": "weights of potentials, apart", "bytes": weights, "for_each": None}
        rows.append(row | {"times": None})
    columns = cols.text(what="What") + cols.count(bytes="Bytes")
    columns += cols.digits(for_each="For each frame", times="Over all that remakes them")
    return table("storage", told("storage"), columns, rows)


def remade_from(run: Run) -> dict[str, int]:
    """Bytes of what makes the frames again: the config, the files of its sources, the code."""
    used = [*sources_used(run.config), *reserves_used(run.config)]
    paths = {path for name in used for path in paths_of(run.config, name)}
    home = Path(limbeck.__file__).parents[2]
    return {
        "config": len(run.config.model_dump_json()),
        "files of its sources": _bytes(file for path in paths for file in files_of(path)),
        "code": _bytes(file for pattern in CODE for file in home.glob(pattern)),
    }


def weights_of(run: Run) -> int:
    """Bytes of the weights that the config gives a path of."""
    paths = {getattr(p, "path", None) for p in run.config.potentials.values()} - {None}
    files = [file for path in paths for file in _all_below(Path(str(path)))]
    return _bytes(files)


def _all_below(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def _bytes(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in set(files) if file.is_file())


def rates_table(run: Run) -> Table | None:
    """Seconds of the jobs of each rule, from Snakemake's tables; none where there are none."""
    rows = []
    for folder in sorted((run.folder / "benchmarks").glob("*/")):
        tables = [pd.read_csv(path, sep="\t") for path in folder.rglob("*.tsv")]
        if tables:
            seconds = pd.concat(tables)["s"]
            rows.append({"rule": folder.name, "jobs": len(tables), "seconds": seconds.sum()})
    columns = cols.text(rule="Rule") + cols.count(jobs="Jobs") + cols.digits(seconds="Seconds")
    return table("times", told("times"), columns, rows)
