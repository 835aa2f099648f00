"""Whole files only: written under a unique temporary name, then put in place."""

import csv
import errno
import glob
import hashlib
import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limbeck.check import head
from limbeck.check.seal import read_sealed, sealed
from limbeck.check.sums import sums_of, sums_path
from limbeck.errors import LimbeckError

log = logging.getLogger(__name__)

#: what Snakemake puts into a folder that is an output
SNAKEMAKE_MARK = ".snakemake_timestamp"


@contextmanager
def whole_file(
    path: str | Path, *, durable: bool = True, first_stays: bool = False
) -> Iterator[Path]:
    """Give a temporary path beside ``path``; put it in place when the block ends well.

    It replaces what is there. A job whose run was replaced by another drops it (see
    :mod:`limbeck.check.head`), and says so. The suffix is kept, since writers choose by it.

    Args:
        durable: wait until the disk has it, so that it is whole even after a loss of power. What
            is checked when it is read, and can be made again, need not wait.
        first_stays: a file that is there stays, whoever wrote it: for caches, whose name says all
            that is in them, or whose readers have to agree on the first.

    Raises:
        LimbeckError: no space is left, or a folder stands in its place.
    """
    path = Path(path)
    with _room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A job that was killed hard cannot have cleaned up after itself.
        _remove_stale(path)
        temporary = _beside(path)
        try:
            yield temporary
            if durable:
                _sync(temporary)
            if first_stays:
                _put_first(temporary, path)
            elif not _dropped(path):
                _replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Like :func:`whole_file`, for a folder of several files."""
    path = Path(path)
    with _room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        temporary = _beside(path)
        temporary.mkdir()
        try:
            yield temporary
            for part in temporary.rglob("*"):
                if part.is_file():
                    _sync(part)
            if not _dropped(path):
                _replace_folder(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    """Turn what a writer says of a disk that takes nothing into an error that names the file."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        number = getattr(error, "errno", None) or 0
        # No reading fails for a read-only disk. Other rights may be those of a file that is read.
        denied = number in (errno.EACCES, errno.EPERM) and _is_below(error, path.parent)
        if number == errno.EROFS or denied:
            raise LimbeckError(f"{path}: not written: {os.strerror(int(number))}") from error
        # HDF5 passes the system's number on in its text alone.
        if number not in (errno.ENOSPC, errno.EDQUOT) and "No space left" not in str(error):
            raise
        raise LimbeckError(
            f"{path}: not written, since no space is left on its disk or in your quota"
        ) from error


def _is_below(error: BaseException, folder: Path) -> bool:
    """Whether an error of the system is about a folder, one that it stands in, or a file of it."""
    about = Path(str(getattr(error, "filename", None)))
    return folder in about.parents or about == folder or about in folder.parents


def _sync(path: Path) -> None:
    with open(path, "rb") as handle:
        # A rename may reach the disk before the data do: without this a crash can leave an empty
        # file under the final name.
        os.fsync(handle.fileno())


def _dropped(path: Path) -> bool:
    """Whether this job's run was replaced, so that nothing of it is put in place."""
    reason = head.replaced()
    if reason:
        log.warning("%s is dropped: %s", path, reason)
    return bool(reason)


def _replace(temporary: Path, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        raise LimbeckError(
            f"{path}: a folder stands there, expected a file or nothing; remove it and run again"
        )
    # A link is replaced, not followed.
    temporary.replace(path)


def _replace_folder(temporary: Path, path: Path) -> None:
    if path.is_symlink() or path.is_file():
        raise LimbeckError(
            f"{path}: a file or a link stands there, expected a folder or nothing; remove it and "
            "run again"
        )
    if path.is_dir():
        # A folder that has files in it cannot be replaced in one step.
        old = _beside(path)
        path.rename(old)
        temporary.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    else:
        temporary.rename(path)


def _put_first(temporary: Path, path: Path) -> None:
    try:
        # link, not rename: it fails where the name is taken, in one step that no other writer can
        # get between.
        os.link(temporary, path)
    except FileExistsError:
        log.info("%s is there already and stays", path)
    except OSError:  # a file system without hard links
        if not path.exists():
            temporary.rename(path)


#: s; what no writer has touched for so long is nobody's, where the writer cannot be looked up
STALE_AFTER = 24 * 3600


def _beside(path: Path) -> Path:
    """A temporary name beside ``path`` that says who writes: ``.stem.place.pid.unique.suffix``.

    Machines may share a file system and containers a host name: the place is that of
    :func:`limbeck.check.head.place`, without which a process number tells nothing.
    """
    return (
        path.parent / f".{path.stem}.{_place()}.{os.getpid()}.{uuid.uuid4().hex[:8]}{path.suffix}"
    )


def _place() -> str:
    return hashlib.sha256(head.place().encode()).hexdigest()[:12]


def _remove_stale(path: Path) -> None:
    """Remove temporary files and folders that killed processes left for ``path``."""
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    pattern = re.compile(rf"\.{stem}\.([0-9a-f]{{12}})\.([0-9]+)\.[0-9a-f]{{8}}{suffix}")
    for old in path.parent.glob(f"{glob.escape(f'.{path.stem}.')}*"):
        found = pattern.fullmatch(old.name)
        if found and _is_stale(old, *found.groups()):
            log.info("%s was left by a process that is dead, and is removed", old)
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)


def _is_stale(old: Path, place: str, pid: str) -> bool:
    """Whether no one writes a temporary file any more."""
    if place == _place() and not Path(f"/proc/{pid}").exists():
        return True
    try:
        return time.time() - old.stat().st_mtime > STALE_AFTER
    except OSError:  # gone meanwhile
        return False


def write_text(path: str | Path, text: str) -> None:
    """Write a whole text file."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(
    path: str | Path, value: dict[str, Any], *, recipe: str = "", first_stays: bool = False
) -> None:
    """Write a whole JSON file, with its hash; NaN and infinity become null, which JSON can hold.

    Args:
        recipe: what it was made of, see :mod:`limbeck.check.recipe`; none where empty.
        first_stays: as in :func:`whole_file`.
    """
    plain = _finite(value) | ({"recipe": recipe} if recipe else {})
    text = json.dumps(sealed(plain), indent=2, sort_keys=True) + "\n"
    with whole_file(path, first_stays=first_stays) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return _finite(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def read_json(path: str | Path) -> dict[str, Any]:
    """Read what :func:`write_json` wrote.

    Raises:
        LimbeckError: the file is missing.
        Unfit: it is not readable, or was changed since it was written.
    """
    try:
        return read_sealed(path)
    except FileNotFoundError as error:
        raise LimbeckError(f"{path}: no such file") from error
    except OSError as error:
        raise LimbeckError(f"{path}: not readable: {error}") from error


def write_csv(path: str | Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a whole CSV file with a header."""
    with (
        whole_file(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as handle,
    ):
        writer = csv.writer(handle)
        writer.writerow(columns)
        writer.writerows(rows)


def write_sums(folder: str | Path, name: str = "") -> None:
    """Write the SHA256SUMS of all of a folder, or of what a job named ``name`` there.

    It comes last, see :mod:`limbeck.check.sums`.
    """
    path = sums_path(folder, name)
    write_text(path, sums_of(path))


def sha256_of(path: str | Path, *, follow_links: bool = False) -> str:
    """SHA-256 of a file, or of a folder: of its files' names and hashes, sorted by name.

    Args:
        follow_links: for folders in which a library keeps links to files of its own. Elsewhere
            a link in a folder would let its hash stand while what it points to changes.

    Raises:
        LimbeckError: neither a file nor a folder, or a folder that holds a link, a pipe or
            a device, or a name that cannot be printed.
    """
    path = Path(path)
    if path.is_dir():
        digest = hashlib.sha256()
        for part in _files_in(path, follow_links):
            digest.update(f"{part.relative_to(path).as_posix()} {sha256_of(part)}\n".encode())
        return digest.hexdigest()
    if not path.is_file():
        raise LimbeckError(f"{path}: no file and no folder, expected what has a hash")
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _files_in(folder: Path, follow_links: bool) -> Iterator[Path]:
    """The files that count for a folder's hash, sorted; all of them but Snakemake's own."""
    for part in sorted(folder.rglob("*")):
        # Snakemake marks folders that it made with this file, which nothing reads: a student's
        # folder has the same hash before and after, and where it was copied to.
        if part.name == SNAKEMAKE_MARK and part.is_file() and not part.is_symlink():
            continue
        if not part.name.isprintable():  # a line break in a name could stand for a second file
            raise LimbeckError(f"{folder}: {part.name!r} in it, expected names that can be printed")
        if part.is_file() and (follow_links or not part.is_symlink()):
            yield part
        elif part.is_symlink() or not part.is_dir():
            raise LimbeckError(f"{part}: a link, pipe or device, expected files and folders alone")
