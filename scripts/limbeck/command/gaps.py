"""``limbeck gaps``: the symmetry errors of one model on the structures of one file, as a table."""

import argparse
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.known import KINDS, MACE_FOUNDATION
from limbeck.config.sections.messages import validated
from limbeck.config.sections.screen import Screen
from limbeck.config.sections.sources import StructureFile
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of
from limbeck.frames import Frames
from limbeck.potentials import open_potential
from limbeck.potentials.devices import checked
from limbeck.potentials.interface import Potential
from limbeck.potentials.weights import quietly
from limbeck.properties import PROPERTIES
from limbeck.structures import generate
from limbeck.structures.screening import Rejected, screen
from limbeck.students.committee import seeds_in
from limbeck.students.handover import open_student
from limbeck.warrant.gaps import measure_gaps
from limbeck.warrant.statistics import MINIMUM_CLUSTERS, estimate_of

log = logging.getLogger(__name__)

COLUMNS = ("gap", "of", "value", "95 % interval", "unit", "relative", "structures", "groups")
#: of those that were set aside, named one by one
MOST_NAMED = 20


def print_gaps(asked: argparse.Namespace) -> None:
    """Measure and print; ``asked`` is of :func:`limbeck.command.parser`.

    Raises:
        LimbeckError: the model or the file cannot be opened, or no structure can be measured.
    """
    frames, refused = structures(asked)
    if not len(frames):
        raise LimbeckError("\n".join([f"{asked.file}: no structure of it can be used", *refused]))
    potential = opened(asked)
    log.info("%s: %s, %s", asked.model, _structures(len(frames)), ", ".join(asked.symmetries))
    found = measure_gaps([potential], frames, asked.symmetries, asked.views)
    print(f"{asked.model} on {_structures(len(frames))} of {asked.file}\n")
    print(table(found))
    for line in remarks(found, refused):
        print(line)


def structures(asked: argparse.Namespace) -> tuple[Frames, list[str]]:
    """Structures of the file as the pipeline takes them, and a line for each it does not take."""
    given = {"format": asked.format, "length_unit": asked.length_unit}
    source: StructureFile = validated(
        StructureFile,
        {"name": "structures", "kind": "file", "path": asked.file, "count": asked.most}
        | {name: value for name, value in given.items() if value},
        asked.file,
    )
    made, unmade = generate(GenerateStructures(seed=0, shard=0, source=source))
    # as large as they are: this is no job of a run
    kept, refused = screen(made, Screen(max_atoms=max(made.n_atoms.tolist(), default=1)))
    return kept, [_told(one) for one in (*unmade, *refused)]


def _structures(count: int) -> str:
    return f"{count} structure{'s' * (count != 1)}"


def _told(one: Rejected) -> str:
    value, limit = (f"{v:.3g}" if isinstance(v, float) else str(v) for v in (one.value, one.limit))
    found = f" ({value}, limit {limit})" if value and limit else f" ({value})" * bool(value)
    return f"{one.name or one.frame}: {one.reason}{found}"


def opened(asked: argparse.Namespace) -> Potential[Any]:
    """The model that the command names.

    Raises:
        LimbeckError: there is none, it is not said of what kind it is, or it does not open.
    """
    device = checked(asked.device)
    path = Path(asked.model)
    dtype = {"dtype": asked.dtype} if asked.dtype else {}
    kernels = {"accelerator": asked.accelerator} if asked.accelerator else {}
    with quietly():
        if asked.kind:
            return open_potential(_file(asked, path) | dtype | kernels, device=device)
        student = any((path / place / "model.json").is_file() for place in (".", "model"))
        if student or seeds_in(path):  # of these it says that one has to be named
            return open_student(path, device=device, **dtype)
        if asked.model in MACE_FOUNDATION:
            named = {"model": "mace", "pretrained": asked.model}
        elif asked.model in KINDS and not KINDS[asked.model].from_file:
            named = {"model": asked.model}
        else:
            raise LimbeckError(_unknown(asked, path))
        return open_potential(named | {"name": asked.model} | dtype | kernels, device=device)


def _file(asked: argparse.Namespace, path: Path) -> dict[str, Any]:
    """The section of a config for weights at a path."""
    kinds = [name for name, kind in KINDS.items() if kind.from_file or kind.downloads]
    if asked.kind not in kinds:
        raise LimbeckError(
            f"--kind {asked.kind}: no kind of weights, expected one of {', '.join(kinds)}"
        )
    if not path.exists():
        raise LimbeckError(f"{path}: no such file or folder")
    if asked.kind == "mace" and path.is_file() and not (asked.sha256 or asked.trust):
        raise LimbeckError(
            f"{path}: a pickle, which can run code as it is opened; if you trust where it is from, "
            f"add --trust, or --sha256 {sha256_of(path)}"
        )
    section = {"name": path.stem, "model": asked.kind, "path": str(path), "sha256": asked.sha256}
    return section | ({"trust": True} if asked.trust and asked.kind == "mace" else {})


def _unknown(asked: argparse.Namespace, path: Path) -> str:
    if path.is_dir() and asked.model not in KINDS:
        return f"{path}: no student (no model.json); of another model, say its kind: --kind matgl"
    if path.exists():
        return f"{path}: a file; say what kind of model it is, as in: --kind mace"
    if asked.model in KINDS:
        return f"{asked.model}: a kind of model, expected its weights and --kind {asked.model}"
    return (
        f"{asked.model}: no such file or folder, and no potential of that name; `limbeck list "
        "potentials` has them"
    )


def table(gaps: list[dict[str, Any]]) -> str:
    """Lines of columns, one for each quantity of each gap."""
    rows = [COLUMNS, *(row for gap in gaps for row in _rows(gap))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _rows(gap: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    name = gap["symmetry"]
    counts = (str(gap["n_frames"]), str(gap["n_groups"]))
    figures = {of: gap[of] for of in (*PROPERTIES, "work") if gap.get(of)}
    for of, figure in figures.items():
        found, relative = estimate_of(figure), figure.get("relative")
        share = estimate_of(relative).value if relative else float("nan")
        yield (
            *(name, of, f"{found.value:.3g}"),
            f"{found.low:.3g} to {found.high:.3g}" if found.bounded else "none",
            *(figure["unit"], f"{100 * share:.3g} %" if np.isfinite(share) else "-", *counts),
        )
        name, counts = "", ("", "")
    if not figures:
        yield (name, "nothing", "", "", "", "", *counts)


def remarks(gaps: list[dict[str, Any]], refused: list[str]) -> Iterator[str]:
    """What a reader of the table has to know, and what is not in it."""
    if any(1 < gap["n_groups"] < MINIMUM_CLUSTERS for gap in gaps):
        yield f"\nNo interval with fewer than {MINIMUM_CLUSTERS} groups (formulas or molecules)."
    skipped = [
        f"  {gap['symmetry']}: {_structures(count)}: {reason}"
        for gap in gaps
        for reason, count in gap["left_out"].items()
    ]
    if skipped:
        yield "\nSkipped:"
        yield from skipped
    if refused:
        yield f"\nOf the file, not taken: {_structures(len(refused))}"
        yield from (f"  {line}" for line in refused[:MOST_NAMED])
        if len(refused) > MOST_NAMED:
            yield f"  and {len(refused) - MOST_NAMED} more"
