"""Which files of the user a path stands for, and a hash of what is in them.

A path is that of a file, of a folder (the files right in it, hidden ones left out) or a glob, as in
``runs/**/*.cif``. The date of a file says little: a copy keeps that of its original, and may so be
older than what was made from the file it replaces.
"""

import glob
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

#: what can be in a glob and, now and then, in a name
_WILD = "*?["


def files_of(path: str | Path) -> list[Path]:
    """The files that a path of the user stands for, sorted; none where there are none.

    A file or a folder of that very name goes before the glob that it could be.
    """
    path = Path(path)
    if path.is_dir():
        found = [part for part in path.iterdir() if not part.name.startswith(".")]
    elif path.exists() or not is_glob(path):
        found = [path]
    else:
        found = [Path(name) for name in glob.glob(str(path), recursive=True)]
    return sorted(part for part in found if part.is_file())


def is_glob(path: str | Path) -> bool:
    """Whether a path may stand for several files by its wildcards."""
    return any(letter in str(path) for letter in _WILD)


def nothing_at(path: str | Path) -> str:
    """Why a path stands for no file."""
    if Path(path).is_dir():
        return f"no file in this folder; those in folders below it are {path}/**/*"
    return "no file has a name like this" if is_glob(path) else "no such file"


def content_of(paths: Iterable[str | Path]) -> str:
    """A hash of the names and contents of all files that these paths stand for; hexadecimal.

    Of a file it takes as long as reading it; in one process each file is read once, until it
    changes. One that cannot be read has its name alone in the hash: its job says what is wrong.
    """
    digest = hashlib.sha256()
    for path in paths:
        for file in files_of(path):
            digest.update(f"{file.as_posix()!r} {sha256_now(file)}\n".encode())
    return digest.hexdigest()


def sha256_now(file: str | Path) -> str:
    """SHA-256 of a file as it is now, read once in a process until it changes; empty of none."""
    try:
        file = Path(file)
        about = file.stat()
        # the time of the change of its inode, too: nobody can set that one back
        return _read(file, about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
    except OSError:
        return ""


@cache
def _read(file: Path, *state: int) -> str:
    with open(file, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
