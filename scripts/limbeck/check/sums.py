"""SHA256SUMS beside what is taken home: coreutils' format, so that ``sha256sum -c`` reads it too.

``SHA256SUMS`` is about all of its folder, ``{name}.SHA256SUMS`` about ``{name}.*`` and the folder
``{name}/`` beside it: where several jobs write into one folder, each has a file of its own. Names
are relative to the folder, and sorted.

Names that begin with a dot do not count: Snakemake and desktops put such files into folders, and a
job that was killed may have left some. Links are refused, since they lead out of what is taken
home.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from limbeck.errors import LimbeckError, Unfit

SUMS = "SHA256SUMS"
#: of a line; a star, for binary files, means nothing on Linux
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def sums_path(folder: str | Path, name: str = "") -> Path:
    """The path of the sums of all of a folder, or of what is called ``name`` in it."""
    return Path(folder) / (f"{name}.{SUMS}" if name else SUMS)


def sums_of(sums: str | Path) -> str:
    """What has to stand in ``sums``: a line for each file that it is about.

    Raises:
        LimbeckError: there is a link, or a name of more than one line.
    """
    sums = Path(sums)
    lines = []
    for name in _files(sums):
        path = sums.parent / name
        if reason := _no_file(path, sums.parent):
            raise LimbeckError(f"{path}: {reason}")
        if re.search(r"[\n\r\\]", name):
            raise LimbeckError(f"{str(path)!r}: a name of more than one line, or with a backslash")
        lines.append(f"{_sha256(path)}  {name}\n")
    return "".join(lines)


def sums_below(folder: str | Path) -> Iterator[Path]:
    """All files of sums at or below a folder."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, n) for n in sorted(names) if f".{n}".endswith(f".{SUMS}"))


def faults(sums: str | Path) -> list[str]:
    """What is wrong with what ``sums`` is about, a line for each file; nothing where all is fine.

    Raises:
        LimbeckError: ``sums`` is missing or damaged itself.
    """
    sums = Path(sums)
    listed = read_sums(sums)
    found = [f"{name}: {reason}" for name in listed if (reason := _fault(sums, name, listed))]
    return found + [f"{name}: not listed" for name in _files(sums) if name not in listed]


def require(sums: str | Path, *names: str) -> None:
    """Let pass files that are as they were written.

    Args:
        names: of these files, as they are listed; of all that are listed where none is given.

    Raises:
        Unfit: one is missing, not listed, or another one.
        LimbeckError: ``sums`` is damaged itself.
    """
    sums = Path(sums)
    listed = read_sums(sums)
    for name in names or listed:
        reason = _fault(sums, name, listed) if name in listed else "not listed"
        if reason:
            raise Unfit(sums.parent / name, f"{reason}, says {sums}")


def is_whole(sums: str | Path) -> bool:
    """Whether every listed file is there, whatever is in it, and ``sums`` itself."""
    sums = Path(sums)
    try:
        return all((sums.parent / name).exists() for name in read_sums(sums))
    except LimbeckError:
        return False


def read_sums(sums: str | Path) -> dict[str, str]:
    """Names and hashes.

    Raises:
        LimbeckError: it is missing, not in the format, or names a file elsewhere.
    """
    sums = Path(sums)
    try:
        lines = sums.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, ValueError) as error:
        raise LimbeckError(f"{sums}: not readable: {error}") from error
    listed: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = LINE.fullmatch(line)
        name = match[2] if match else ""
        if not match or name in listed or name.startswith("/") or ".." in name.split("/"):
            raise LimbeckError(
                f"{sums}: line {number}: expected a SHA-256, two spaces, and the name of a file "
                f"of this folder that no other line has, got {line[:100]!r}"
            )
        listed[name] = match[1]
    return listed


def _fault(sums: Path, name: str, listed: dict[str, str]) -> str:
    """What is wrong with a listed file; empty where nothing is."""
    path = sums.parent / name
    if reason := _no_file(path, sums.parent):
        return reason
    try:
        same = _sha256(path) == listed[name]
    except OSError as error:
        return f"not readable: {error.strerror}"
    return "" if same else "changed since it was written"


def _no_file(path: Path, folder: Path) -> str:
    """Why a path is no file of the folder; empty where it is one."""
    inside = [path, *path.parents[: len(path.relative_to(folder).parts) - 1]]
    if any(part.is_symlink() for part in inside):
        return "a link, expected a file"
    if not path.exists():
        return "missing"
    return "" if path.is_file() else "no file"


def _files(sums: Path) -> list[str]:
    """Names of all that ``sums`` is about, sorted."""
    whose = sums.name.removesuffix(SUMS)  # nothing, or a name and a dot
    tops = [path for path in sums.parent.iterdir() if f"{path.name}.".startswith(whose)]
    found = [path.relative_to(sums.parent).as_posix() for top in tops for path in _below(top)]
    return sorted(name for name in found if name != sums.name)


def _below(path: Path) -> Iterator[Path]:
    """A path, or of a folder all that stands in it; a link to a folder is not followed."""
    if path.name.startswith("."):
        return
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            yield from _below(child)
    else:
        yield path


def _sha256(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
