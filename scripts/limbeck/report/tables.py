"""Tables of what ran: structures, labels, speed, licences."""

import re
from math import isfinite

import pandas as pd

from limbeck.reasons import STATUS, Status
from limbeck.report.collect import Run
from limbeck.report.table import ABSENT, Column, Table, count, text


def structures(run: Run) -> Table:
    """How many structures of each source came through each stage."""
    data = run.structures
    total = {c: data[c].sum() for c in data if pd.api.types.is_numeric_dtype(data[c])}
    data = pd.concat([data, pd.DataFrame([{"source": "all", "kind": "", **total}])])
    return Table(
        "structures",
        "Structures of each source through the stages. Failed: the generator gave none; refused: "
        "by the checks of distance, density and size; screened: what passed them; sampled: frames "
        "made from those; "
        + ("clusters: cut out of frames; " if "clusters" in data else "")
        + "selected: frames to be labelled.",
        [
            text("source", "Source"),
            text("kind", "Kind"),
            count("asked", "Asked for"),
            count("failed", "Failed"),
            count("generated", "Generated"),
            count("refused", "Refused"),
            count("screened", "Screened"),
            count("sampled", "Sampled frames"),
            *([count("clusters", "Clusters")] if "clusters" in data else []),
            count("selected", "Selected frames"),
        ],
        data,
    )


def samplings(run: Run) -> Table | None:
    """What each sampling made of each source."""
    if not len(run.samplings):
        return None
    return Table(
        "samplings",
        "Frames of each sampling. Cut: trajectories that ended early because they went astray; set "
        "aside: draws in which atoms stayed too near.",
        [
            text("sampling", "Sampling"),
            text("method", "Method"),
            text("source", "Source"),
            count("structures", "Structures"),
            count("frames", "Frames"),
            count("cut", "Cut"),
            count("set_aside", "Set aside"),
        ],
        run.samplings,
    )


def refusals(run: Run) -> Table | None:
    """Reasons for refusals, most frequent first."""
    if not len(run.refusals):
        return None
    return Table(
        "refusals",
        "Why structures were refused and trajectories cut, by stage and source, each with an "
        "example.",
        [
            text("stage", "Stage"),
            text("source", "Source"),
            text("reason", "Reason"),
            count("count", "Number"),
            text("example", "For example"),
        ],
        run.refusals,
    )


def labels(run: Run) -> Table | None:
    """Label sets: verdicts on the labels and sizes of the parts."""
    if not len(run.labels):
        return None
    faults = [meaning for code, meaning in STATUS.items() if code != Status.GOOD]
    bad = [name for name in faults if run.labels[name].sum()]
    return Table(
        "labels",
        "Label sets: frames whose label was asked for, by the verdict on it, whether the gate let "
        "them pass, and the "
        f"parts of the data set (no {run.settings['dataset']['split_by']} stands in two parts; a "
        "frame that comes twice is used once).",
        [
            text("label_set", "Label set"),
            text("potential", "Potential"),
            text("views", "Views"),
            count("frames", "Frames"),
            count("good", "Good"),
            *(count(c, c.capitalize()) for c in bad),
            Column("passed", "Gate", lambda v: "passed" if v else "not passed"),
            count("train", "Train"),
            count("valid", "Valid"),
            count("test", "Test"),
        ],
        run.labels,
    )


def speed(run: Run) -> Table | None:
    """Speed of every model at its best batch."""
    if not len(run.speed):
        return None
    best = run.speed[run.speed["best"].astype(bool)].sort_values(
        "atoms_per_second", ascending=False
    )
    return Table(
        "speed_at_best_batch",
        "Each model at its best batch: from frames to forces, neighbour lists included.",
        [
            text("name", "Model"),
            text("kind", "Kind"),
            count("batch_atoms", "Batch, atoms"),
            count("atoms_per_second", "Atoms/s"),
        ],
        best,
    )


def potentials(run: Run) -> Table | None:
    """What the potentials of the run are, as they say of themselves."""
    rows = [{"name": name, **about} for name, about in run.abouts.items() if "cutoff" in about]
    if not rows:
        return None
    return Table(
        "potentials",
        "The potentials, as they say of themselves: how many elements they know, how far an atom "
        "sees in one step, what they predict, whether forces are the gradient of the energy, "
        "whether rotations and reflections are respected by construction.",
        [
            text("name", "Name"),
            text("model", "Kind"),
            Column("elements", "Elements", lambda e: str(len(e)), numeric=True),
            Column("cutoff", "Cut-off, Å", _cutoff, numeric=True),
            Column("max_neighbours", "Neighbours, at most", _limit, numeric=True),
            Column("properties", "Predicts", ", ".join),
            Column("conservative", "Conservative", _yes),
            Column("equivariant", "Equivariant", _yes),
            text("dtype", "Precision"),
        ],
        pd.DataFrame(rows).drop(columns=["licence", "citation", "weights"]),
    )


def _cutoff(value: float) -> str:
    return f"{value:g}" if isfinite(value) else "none"


def _limit(value: float) -> str:
    return f"{value:.0f}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def licences(run: Run) -> Table:
    """Licences and citations of every potential that was used."""
    rows = [
        {"name": name} | {key: about.get(key) for key in ("licence", "citation", "weights")}
        for name, about in run.abouts.items()
    ]
    return Table(
        "licences",
        "Every potential that was used, its licence, and what to cite for it. Weights: the SHA-256 "
        "of their file, or the package that has them.",
        [
            text("name", "Name"),
            text("licence", "Licence"),
            text("citation", "To be cited"),
            Column("weights", "Weights", _short_hash),
        ],
        pd.DataFrame(rows),
    )


def _short_hash(value: str) -> str:
    if re.fullmatch("[0-9a-f]{64}", value):
        return f"{value[:12]}…"
    return value or ABSENT
