"""Whether two runs left the same: files, and bits of all that is no time."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

#: keys of JSON files that say how long something took or how much memory, or that are sums of what
#: says so
TIMES = {"seconds", "minutes", "cpu_minutes", "cpu_seconds", "peak_memory_MB", "sha256"}
#: and what a card says of them
MINUTES = re.compile(r"in [0-9.]+ (seconds?|minutes|hours)")
#: files that are times from end to end, or show them
TIMED = ("speed.*", "training.csv", "report/*", "report/figures/*", "report/tables/*", "studies/*")
#: no results: what jobs said, how long they took, and who started them
UNCOUNTED = ("logs", "benchmarks", "head.json")


def files(folder: Path, pattern: str = "**/*") -> list[str]:
    """Names of the files of a folder that match, without Snakemake's marks."""
    found = (p for p in folder.glob(pattern) if p.is_file() or p.is_symlink())
    names = (p.relative_to(folder).as_posix() for p in found)
    return sorted(n for n in names if not n.endswith(".snakemake_timestamp"))


def different(whole: Path, again: Path, names: list[str]) -> list[str]:
    """Those of some files of two runs that have other bits, or are not there."""
    return [n for n in names if not (again / n).is_file() or not same(whole / n, again / n)]


def same(one: Path, other: Path) -> bool:
    """Whether two files of one name hold the same, but for times."""
    if one.name.endswith("SHA256SUMS") or any(one.match(pattern) for pattern in TIMED):
        # sums of such files; that they are right is another question
        return other.suffix != ".json" or readable(other)
    if one.suffix == ".h5":
        try:
            return arrays(one) == arrays(other)
        except (OSError, RuntimeError, KeyError):  # a damaged one
            return False
    if one.suffix == ".json":
        contents = (timeless(json.loads(p.read_text())) for p in (one, other) if readable(p))
        return len({json.dumps(c, sort_keys=True) for c in contents}) == 1 and readable(other)
    if one.suffix == ".model":
        return weights(one) == weights(other)
    if one.suffix == ".csv":
        return rows(one) == rows(other)
    if one.name == "card.md":
        return len({MINUTES.sub("", p.read_text()) for p in (one, other)}) == 1
    return one.read_bytes() == other.read_bytes()


def readable(path: Path) -> bool:
    """Whether a file is JSON."""
    try:
        json.loads(path.read_text())
    except ValueError:
        return False
    return True


def arrays(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Type, shape and bytes of every array of a file; attributes (seconds, dates) left out."""
    found: dict[str, tuple[str, tuple[int, ...], bytes]] = {}

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = (item.dtype.str, item.shape, item[()].tobytes())

    with h5py.File(path) as file:
        file.visititems(add)
    return found


def rows(path: Path) -> list[list[str]]:
    """A table without columns of times."""
    with open(path, newline="", encoding="utf-8", errors="replace") as handle:
        table = list(csv.reader(handle))
    kept = [i for i, name in enumerate(table[0] if table else []) if name not in TIMES]
    return [[row[i] for i in kept if i < len(row)] for row in table]


def weights(path: Path) -> dict[str, bytes]:
    """Weights of a MACE file, whose other bytes tell in which folder torch was installed."""
    module = torch.load(path, weights_only=False, map_location="cpu")
    return {k: v.numpy().tobytes() for k, v in module.state_dict().items()}


def timeless(value: Any) -> Any:
    """JSON without what it says of times."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in TIMES}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def near(one: Path, other: Path) -> bool:
    """Whether two files differ in last digits alone; tables are judged by their JSON or HDF5."""
    if not other.is_file():
        return False
    if one.suffix == ".h5":
        first, second = arrays(one), arrays(other)
        return first.keys() == second.keys() and all(
            _near(*(np.frombuffer(x[2], x[0]) for x in (first[k], second[k])))
            for k in first
            if first[k] != second[k]
        )
    if one.suffix == ".json":
        return _numbers_near(*(timeless(json.loads(p.read_text())) for p in (one, other)))
    return one.suffix in (".csv", ".md")


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    # float32 keeps seven digits, and sums over hundreds of atoms lose two or three of them
    return one.shape == other.shape and bool(
        np.allclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)
    )


def _numbers_near(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_numbers_near(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_numbers_near, one, other))
    if isinstance(one, float) and isinstance(other, float):
        # errors and gaps are differences of such sums, in meV
        return bool(np.isclose(one, other, rtol=1e-2, atol=1e-2))
    return bool(one == other)
