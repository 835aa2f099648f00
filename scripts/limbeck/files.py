"""Whole files only: written under a unique temporary name, then put in place."""

import csv
import errno
import glob
import hashlib
import json
import logging
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limbeck.errors import LimbeckError

log = logging.getLogger(__name__)


@contextmanager
def whole_file(path: str | Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path beside ``path``; put it in place when the block ends well.

    A file that is already there stays: it was made by a job of an earlier, killed run that
    ended late, and has the same bits. (Snakemake removes outputs before it starts a job, so
    a rerun never meets its own old file.) The suffix is kept, since writers choose by it.

    Args:
        durable: wait until the disk has it, so that it is whole even after a loss of power. What
            is checked when it is read, and can be made again, need not wait.

    Raises:
        LimbeckError: no space is left.
    """
    path = Path(path)
    with _room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A job that was killed hard cannot have cleaned up after itself.
        _remove_stale(path)
        # Several nodes may share the file system, so a process number alone does not tell writers
        # apart.
        host, unique = socket.gethostname(), uuid.uuid4().hex[:8]
        temporary = path.parent / f".{path.stem}.{host}.{os.getpid()}.{unique}{path.suffix}"
        try:
            yield temporary
            if durable:
                _sync(temporary)
            _put_in_place(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Like :func:`whole_file`, for a folder of several files."""
    path = Path(path)
    with _room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        # mkdtemp makes folders that only their owner can read.
        temporary.chmod(0o755)
        try:
            yield temporary
            try:
                temporary.rename(path)
            except OSError:  # a folder that has files in it cannot be replaced
                if not path.is_dir():
                    raise
                _stays(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    """Turn whatever a writer says of a full disk into an error that names the file."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        # HDF5 passes the system's number on in its text alone.
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        if not full and "No space left" not in str(error):
            raise
        raise LimbeckError(
            f"{path}: not written, since no space is left on its disk or in your quota"
        ) from error


def _sync(path: Path) -> None:
    with open(path, "rb") as handle:
        # A rename may reach the disk before the data do: without this a crash can leave an empty
        # file under the final name.
        os.fsync(handle.fileno())


def _put_in_place(temporary: Path, path: Path) -> None:
    try:
        # link, not rename: it fails where the name is taken, in one step that no other writer can
        # get between.
        os.link(temporary, path)
    except FileExistsError:
        _stays(path)
    except OSError:  # a file system without hard links
        if path.exists():
            _stays(path)
        else:
            temporary.rename(path)


def _stays(path: Path) -> None:
    log.warning("%s is there already and stays; remove it to write it anew", path)


def _remove_stale(path: Path) -> None:
    """Remove temporary files that a killed process of this machine left for ``path``."""
    start = glob.escape(f".{path.stem}.{socket.gethostname()}.")
    for old in path.parent.glob(f"{start}*{glob.escape(path.suffix)}"):
        # The name is .stem.host.pid.unique.suffix: without its suffix, the number is next to last.
        pid = old.name[: -len(path.suffix) or None].split(".")[-2]
        # the process is gone, so no one writes this file any more
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            old.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a whole text file."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write a whole JSON file; NaN and infinity become null, which JSON can hold."""
    write_text(path, json.dumps(_finite(value), indent=2, sort_keys=True) + "\n")


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


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        LimbeckError: the file is missing, or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LimbeckError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise LimbeckError(f"{path}: not readable as JSON: {error}") from error


def write_csv(path: str | Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a whole CSV file with a header."""
    with (
        whole_file(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as handle,
    ):
        writer = csv.writer(handle)
        writer.writerow(columns)
        writer.writerows(rows)


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, or of a folder: of its files' names and hashes, sorted by name.

    Files whose name begins with a dot do not count: Snakemake puts one into folders it made.
    """
    path = Path(path)
    if path.is_dir():
        digest = hashlib.sha256()
        for part in sorted(p for p in path.rglob("[!.]*") if p.is_file()):
            digest.update(f"{part.relative_to(path).as_posix()} {sha256_of(part)}\n".encode())
        return digest.hexdigest()
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
