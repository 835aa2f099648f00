"""What a source keeps and what it drops, as files."""

from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.files import write_csv
from limbeck.storage import read_arrays, write_arrays
from limbeck.structures.duplicates.groups import Dropped, Keys

STAGE = "find_duplicates"
KEYS = {
    **dict.fromkeys(("id", "frame", "file", "composition"), "S"),
    "size": np.int32,
    "values": np.float32,
}
DROPPED = {"dropped_frame": "S", "dropped_difference_A": np.float64, "dropped_limit_A": np.float64}


def write(
    path: Path, kept: Keys, dropped: Sequence[Dropped], limit_A: float, settings: Any, recipe: str
) -> None:
    """Write the keys of what stays, and names and differences of what is dropped."""
    arrays = {name: getattr(kept, name) for name in KEYS} | {
        "dropped_frame": np.array([one.frame for one in dropped], dtype="S"),
        "dropped_difference_A": np.array([one.difference_A for one in dropped], dtype=np.float64),
        "dropped_limit_A": np.full(len(dropped), limit_A),
    }
    write_arrays(path, arrays, stage=STAGE, settings=settings, recipe=recipe)


def write_table(path: Path, dropped: Sequence[Dropped]) -> None:
    """Write a row for each structure that is dropped, for people."""
    write_csv(path, [f.name for f in fields(Dropped)], [astuple(one) for one in dropped])


def read_keys(path: Path) -> Keys:
    """The keys of what a source keeps."""
    return Keys(**read_arrays(path, KEYS))


def read_dropped(path: Path) -> dict[str, tuple[float, float]]:
    """Name of what a source drops -> by how much keys differ, and the limit; Angstrom."""
    found = read_arrays(path, DROPPED)
    pairs = zip(
        found["dropped_difference_A"].tolist(), found["dropped_limit_A"].tolist(), strict=True
    )
    return dict(zip((i.decode() for i in found["dropped_frame"].tolist()), pairs, strict=True))
