"""What went into and came out of each stage, counted from its files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from limbeck.config.plan import frames_of, sources_of
from limbeck.reasons import STATUS, Status
from limbeck.report.reading import promised, read_csv, read_json
from limbeck.storage import read_frames, read_header, read_labels


def shards(section: dict[str, Any]) -> range:
    """Numbers of the shards of a source."""
    return range(section["shards"])


def slices(settings: dict[str, Any]) -> range:
    """Numbers of the slices of the selection."""
    return range(settings["select"]["slices"])


def used_samplings(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The samplings that a run makes: those that it selects from, and those that it cuts."""
    subsystems = settings["subsystems"]
    names = [n for n in settings["select"]["include"] if n not in subsystems]
    names += [origin for section in subsystems.values() for origin in section["of"]]
    return {n: settings["sampling"][n] for n in names if n != "generated"}


def _used_sources(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The sources that something is made from."""
    names = [*settings["select"]["include"], *settings["subsystems"]]
    used = {s for name in names for s in sources_of(settings, name)}
    return {name: source for name, source in settings["sources"].items() if name in used}


def selected_files(folder: Path, settings: dict[str, Any]) -> list[Path]:
    """The selected frames, slice by slice."""
    return [promised(folder / f"selected/{i}.h5") for i in slices(settings)]


def label_files(folder: Path, settings: dict[str, Any], label_set: str) -> list[Path]:
    """The labels of one label set, slice by slice."""
    return [promised(folder / f"labels/{label_set}/{i}.h5") for i in slices(settings)]


def structures(folder: Path, settings: dict[str, Any]) -> pd.DataFrame:
    """Structures of each source through the stages, a row per source."""
    selected: dict[str, int] = {}
    for path in selected_files(folder, settings):
        names, counts = np.unique(read_frames(path).source, return_counts=True)
        for name, count in zip(names.tolist(), counts.tolist(), strict=True):
            selected[name.decode()] = selected.get(name.decode(), 0) + count
    rows = []
    for name, source in _used_sources(settings).items():
        made = [folder / f"structures/{name}/{i}.h5" for i in shards(source)]
        kept = [folder / f"screened/{name}/{i}.h5" for i in shards(source)]
        rows.append(
            {
                "source": name,
                "kind": source["kind"],
                "asked": int(source["count"]),
                "failed": sum(len(t) for t in _failed(folder, name, source)),
                "generated": _count(made),
                "refused": _count(made) - _count(kept),
                "screened": _count(kept),
                "sampled": sum(
                    _count([folder / f"samples/{n}/{name}/{i}.h5" for i in shards(source)])
                    for n, s in used_samplings(settings).items()
                    if name in s["sources"]
                ),
                **_clusters(folder, settings, name),
                "selected": selected.get(name, 0),
            }
        )
    return pd.DataFrame(rows)


def _clusters(folder: Path, settings: dict[str, Any], source: str) -> dict[str, int]:
    """How many clusters were cut out of frames of a source; nothing where none was asked for."""
    paths = [
        folder / path
        for name in settings["subsystems"]
        if source in sources_of(settings, name)
        for shard in shards(settings["sources"][source])
        for path in frames_of(settings, name, source, shard)
    ]
    return {"clusters": _count(paths)} if settings["subsystems"] else {}


def _failed(folder: Path, name: str, source: dict[str, Any]) -> list[pd.DataFrame]:
    """What the generator could not make, shard by shard."""
    files = [folder / f"structures/{name}/{i}.failed.csv" for i in shards(source)]
    return [read_csv(path, "reason") for path in files]


def _count(paths: list[Path]) -> int:
    return sum(int(read_header(promised(p))["count"]) for p in paths)


def _summaries(folder: Path, settings: dict[str, Any]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(sampling, source, summary of all shards), one row per input structure."""
    for name, sampling in used_samplings(settings).items():
        for source in sampling["sources"]:
            files = [
                folder / f"samples/{name}/{source}/{i}.csv"
                for i in shards(settings["sources"][source])
            ]
            yield name, source, pd.concat([read_csv(p, "id", "frames") for p in files])


#: columns of a sampling's summary: draws that are no frames
SET_ASIDE = ("set_aside", "too_near")


def samplings(folder: Path, settings: dict[str, Any]) -> pd.DataFrame:
    """What each sampling made of each source."""
    rows = []
    for name, source, table in _summaries(folder, settings):
        rows.append(
            {
                "sampling": name,
                "method": settings["sampling"][name]["method"],
                "source": source,
                "structures": table["id"].nunique(),
                "frames": int(table["frames"].sum()),
                "cut": int(table["cut"].notna().sum()) if "cut" in table else 0,
                "set_aside": sum(int(table[c].sum()) for c in SET_ASIDE if c in table),
            }
        )
    return pd.DataFrame(rows)


def samplers(folder: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What each potential is that drove a sampling, as its first file says."""
    found: dict[str, dict[str, Any]] = {}
    for name, sampling in used_samplings(settings).items():
        if sampling.get("potential"):
            path = promised(folder / f"samples/{name}/{sampling['sources'][0]}/0.h5")
            about = (json.loads(read_header(path)["settings"]) or {}).get("about")
            found |= {sampling["potential"]: about} if about else {}
    return found


def refusals(folder: Path, settings: dict[str, Any]) -> pd.DataFrame:
    """Why structures failed, were screened out, not sampled, or cut; counted by reason."""
    parts = []
    for name, source in _used_sources(settings).items():
        parts += [_reasons(t, "generate", name) for t in _failed(folder, name, source)]
        for i in shards(source):
            rejects = read_csv(folder / f"screened/{name}/{i}.rejects.csv", "reason")
            parts.append(_reasons(rejects, "screen", name))
    for name, source_name, table in _summaries(folder, settings):
        for column in {"cut", "reason"} & set(table):
            cut = table[table[column].notna()].rename(columns={column: "reason"})
            parts.append(_reasons(cut, name, source_name))
    columns = ["stage", "source", "reason", "count", "example"]
    if not any(len(p) for p in parts):
        return pd.DataFrame(columns=columns)
    table = pd.concat([p for p in parts if len(p)])
    grouped = table.groupby(["stage", "source", "reason"], sort=False)["example"]
    counted = grouped.agg(["size", "first"]).reset_index()
    return counted.set_axis(columns, axis=1).sort_values("count", ascending=False, kind="stable")


def _reasons(table: pd.DataFrame, stage: str, source: str) -> pd.DataFrame:
    named = next((c for c in ("name", "id", "number") if c in table), None)
    example = table[named].astype(str) if named else pd.Series("", index=table.index)
    reason = table["reason"].astype(str)
    return pd.DataFrame({"stage": stage, "source": source, "reason": reason, "example": example})


def views(made_with: dict[str, Any]) -> str:
    """The views of a label set in words, from the attributes of its labels."""
    number, grid = made_with["views"], made_with["quadrature"]
    if number == "as_given":
        return "as given"
    mirrored = ", mirrored" * bool(made_with["reflections"])
    if grid:
        return f"{grid} {made_with['quadrature_order'] or ''}".rstrip() + f" ({number}){mirrored}"
    return f"{number} random{mirrored}"


def labels(folder: Path, settings: dict[str, Any]) -> pd.DataFrame:
    """Label sets: frames by status, verdict of the gate, sizes of the parts."""
    distilled = {entry["labels"] for entry in settings["distill"]}
    rows = []
    for name, label_set in settings["labels"].items():
        parts = [read_labels(p, name) for p in label_files(folder, settings, name)]
        status = np.concatenate([part.status for part in parts])
        row = {"label_set": name, "potential": label_set["potential"]}
        row |= {"views": views(parts[0].attrs), "frames": int((status != Status.NOT_ASKED).sum())}
        row |= {text: int((status == code).sum()) for code, text in STATUS.items()}
        row["passed"] = bool(read_json(folder / f"gate/{name}.json").get("go"))
        for part in ("train", "valid", "test"):
            path = folder / f"datasets/{name}/{part}.h5"
            row[part] = _count([path]) if name in distilled or path.is_file() else None
        rows.append(row)
    return pd.DataFrame(rows)
