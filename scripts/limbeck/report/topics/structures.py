"""What ran: structures and frames through the stages, what was refused, and on which machine."""

import platform
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
import yaml

from limbeck import __version__, reasons
from limbeck.config.plan import (
    frame_files,
    generators_used,
    reserves_used,
    sources_of,
    sources_used,
)
from limbeck.report.page import cols
from limbeck.report.page.items import Section, Words, paragraph, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, grouped, table
from limbeck.report.run.folder import Run
from limbeck.report.topics import labels
from limbeck.storage import read_frames

PACKAGES = (
    "torch numpy ase mace-torch orb-models chgnet matgl tblite torch-sim-atomistic rdkit pymatgen "
    "h5py"
).split()
#: columns of a sampling's summary: draws that are no frames
SET_ASIDE = ("set_aside", "too_near")

told = prose("structures")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of what ran."""
    config = yaml.safe_dump(
        run.config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    )
    yield section(
        "run",
        "What ran",
        [
            stages_table(run.once(stages)),
            generators_table(run),
            generative_table(run),
            samplings_table(run),
            labels.label_table(run.once(labels.label_sets), run.config.dataset.split_by),
            *labels.file_tables(run),
            refusals_table(run) or paragraph(told("none_refused")),
            Words("fold", config, "The resolved config, every default filled in"),
            Words("fold", versions(), "Versions and platform"),
        ],
    )


def stages(run: Run) -> pd.DataFrame:
    """How many structures of each source came through each stage, a row per source."""
    selected = np.concatenate([read_frames(p).source.astype(str) for p in run.slices("selected")])
    rows = []
    for name, source in _used_sources(run).items():
        shards = [f"{name}/{i}.h5" for i in run.shards_of(name)]
        samplings = [n for n, made in run.samplings().items() if name in made.sources]
        made, kept = (run.count(f"{s}/{x}" for x in shards) for s in ("structures", "screened"))
        row = {"source": name, "kind": source.kind, "asked": source.count}
        row |= {"failed": len(_failed(run, name)), "generated": made, "refused": made - kept}
        row |= {"screened": kept}
        row |= {"sampled": run.count(f"samples/{n}/{x}" for n in samplings for x in shards)}
        row |= {"clusters": run.count(_clusters(run, name))} if run.config.subsystems else {}
        rows.append(row | {"selected": int((selected == name).sum())})
    return pd.DataFrame(rows)


def _used_sources(run: Run) -> dict[str, Any]:
    """The sources that something is made from."""
    names = [*run.config.select.include, *run.config.subsystems]
    used = {source for name in names for source in sources_of(run.config, name)}
    return {name: source for name, source in run.config.sources.items() if name in used}


def _failed(run: Run, source: str) -> pd.DataFrame:
    """What the generator could not make."""
    names = [f"structures/{source}/{i}.failed.csv" for i in run.shards_of(source)]
    return pd.concat([run.csv(name, "reason") for name in names])


def _clusters(run: Run, source: str) -> Iterator[str]:
    """Files of the clusters that were cut out of frames of a source."""
    for name in run.config.subsystems:
        if source in sources_of(run.config, name):
            for shard in run.shards_of(source):
                yield from frame_files(run.config, name, source, shard)


def stages_table(found: pd.DataFrame) -> Table | None:
    """How many structures of each source came through each stage, and all of them."""
    total = {c: found[c].sum() for c in found if pd.api.types.is_numeric_dtype(found[c])}
    clusters = {"clusters": "Clusters"} if "clusters" in found else {}
    columns = [
        *cols.text(source="Source", kind="Kind"),
        *cols.count(asked="Asked for", failed="Failed", generated="Generated", refused="Refused"),
        *cols.count(screened="Screened", sampled="Sampled frames", **clusters),
        *cols.count(selected="Selected frames"),
    ]
    rows = pd.concat([found, pd.DataFrame([{"source": "all", "kind": "", **total}])])
    return table("structures", told("stages", clusters=bool(clusters)), columns, rows)


def generators_table(run: Run) -> Table | None:
    """What became of what each generator made: of use, refused, lost to limits of elements."""
    rows = []
    for name in generators_used(run.config):
        own = run.config.generators[name]
        shards = [run.json(f"generators/{name}/{i}/made.json") for i in range(own.shards)]
        row: dict[str, Any] = {"generator": name, "program": own.about.title}
        row |= {f: sum(shard.get(f, 0) for shard in shards) for f in ("asked", "made", "kept")}
        refused: Counter[str] = Counter()
        for shard in shards:
            refused.update(shard.get("refused", {}))
        lost, seconds = refused[reasons.NOT_ALLOWED], sum(s.get("seconds", 0.0) for s in shards)
        row |= {"lost": f"{lost / row['made']:.1%}" if row["made"] else "none made"}
        row |= {"refused": "; ".join(f"{n} {reason}" for reason, n in refused.most_common())}
        row |= {"missing": next((s["missing"] for s in shards if s["missing"]), "")}
        rows.append(row | {"seconds": seconds / row["kept"] if row["kept"] else None})
    columns = cols.text(generator="Generator", program="Program")
    columns += cols.count(asked="Asked for", made="Made", kept="Of use")
    columns += cols.text(lost="Lost to limits of elements", refused="Refused")
    columns += cols.number(".2f", seconds="Seconds each") + cols.text(missing="Left out, since")
    return table("generators", told("generators"), columns, rows)


def generative_table(run: Run) -> Table | None:
    """What generative models were asked for and delivered, a row for each source that asked."""
    rows = []
    for name in sources_used(run.config):
        source = run.config.sources[name]
        if not source.n_generative or source.generative_model is None:
            continue
        files = [read_frames(run.path(f"structures/{name}/{i}.h5")) for i in run.shards_of(name)]
        infos = [frames.info_of(b) for frames in files for b in range(len(frames))]
        delivered = sum("generative_model" in info for info in infos)
        model = run.config.sources[source.generative_model]
        row = {"source": name, "model": getattr(model, "called", model.name)}
        row |= {"asked": source.n_generative, "delivered": delivered}
        rows.append(row | {"in_place": source.n_generative - delivered})
    columns = cols.text(source="Source", model="Generative model")
    columns += cols.count(asked="Asked for", delivered="Delivered", in_place="Made conventionally")
    return table("generative", told("generative"), columns, rows)


def _summaries(run: Run) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Each sampling of each source: its names, and a row per input structure and trajectory."""
    for name, made in run.samplings().items():
        for source in made.sources:
            only = {name: made.model_copy(update={"sources": [source]})}
            names = {"sampling": name, "method": made.method, "source": source}
            yield names, run.shards("samples", only, "id", "frames", of="sampling")


def samplings_table(run: Run) -> Table | None:
    """What each sampling made of each source."""
    rows = [
        names
        | {"structures": found["id"].nunique(), "frames": int(found["frames"].sum())}
        | {"cut": int(found["cut"].notna().sum()) if "cut" in found else 0}
        | {"set_aside": int(sum(found[c].sum() for c in SET_ASIDE if c in found))}
        for names, found in _summaries(run)
    ]
    columns = cols.text(sampling="Sampling", method="Method", source="Source")
    columns += cols.count(
        structures="Structures", frames="Frames", cut="Cut", set_aside="Set aside"
    )
    return table("samplings", told("samplings"), columns, rows)


def refusals_table(run: Run) -> Table | None:
    """Why structures failed, were screened out, not sampled, or cut; most frequent first."""
    parts = []
    for name in [*_used_sources(run), *reserves_used(run.config)]:
        names = [f"screened/{name}/{i}.rejects.csv" for i in run.shards_of(name)]
        rejects = pd.concat([run.csv(path, "reason") for path in names])
        parts += [_failed(run, name).assign(stage="generate", source=name)]
        parts += [rejects.assign(stage="screen", source=name)]
    for names_of, found in _summaries(run):
        for column in [c for c in ("cut", "reason") if c in found]:
            refused = found.dropna(subset=column).assign(stage=names_of["sampling"])
            parts.append(refused.assign(reason=refused[column]))
    some = [part.assign(example=_examples(part)) for part in parts if len(part)]
    columns = cols.text(stage="Stage", source="Source", reason="Reason")
    columns += cols.count(count=("Number", len)) + cols.text(example="For example")
    alike = grouped(pd.concat(some), "stage", "source", "reason") if some else []
    return table("refusals", told("refusals"), columns, sorted(alike, key=len, reverse=True))


def _examples(part: pd.DataFrame) -> pd.Series:
    """What structures are called; where they have no name, the id, or where they stand."""
    found = pd.Series("", index=part.index)
    for column in ("frame", "number", "id", "name"):
        if column in part:
            found = part[column].astype(object).where(part[column].notna(), found)
    return found.astype(str)


def versions() -> str:
    """Of the packages and the machine."""
    lines = [f"limbeck {__version__}", f"Python {platform.python_version()}", platform.platform()]
    for name in PACKAGES:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} not installed")
    return "\n".join(lines)
