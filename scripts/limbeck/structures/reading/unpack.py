"""Packed files: gzip, bzip2, xz, zip and tar, told by their first bytes; and byte-order marks.

What is in them is written to a temporary folder, so that frames can be read one by one. A small
file may unpack to any size: it stops at a hundred times its own and at 4 GB.
"""

import bz2
import codecs
import gzip
import lzma
import shutil
import tarfile
import tempfile
import weakref
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from limbeck.errors import LimbeckError

#: bytes; of text that is worth packing, a hundredth is rarely left
MAX_RATIO, MAX_BYTES, ALWAYS_BYTES = 100, 4 * 2**30, 16 * 2**20
#: of a zip or a tar; each is a file on the disk
MAX_MEMBERS = 100_000
#: bytes; xz at its strongest takes 65 MB, and a header may ask for 4 GB
MAX_XZ_MEMORY = 256 * 2**20
CHUNK = 2**20
GZIP, BZIP2, XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"
#: the second of one without files
ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
#: where a tar says what it is; those of before 1988 do not
TAR = slice(257, 262)
ENDINGS = (".gz", ".bz2", ".xz")
#: byte-order marks; that of UTF-8 first
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def most_bytes(packed: Path) -> int:
    """What a packed file may unpack to, bytes."""
    return min(max(MAX_RATIO * packed.stat().st_size, ALWAYS_BYTES), MAX_BYTES)


def too_large(most: int) -> str:
    """What is said of a file that unpacks to more than ``most`` bytes."""
    return f"unpacks to more than {most} bytes, {MAX_RATIO} times its size or {MAX_BYTES}"


class Unpacked:
    """A temporary folder of unpacked files, which is removed with the last that refers to it."""

    def __init__(self, packed: Path) -> None:
        """An empty folder for what is in ``packed``."""
        self.folder = Path(tempfile.mkdtemp(prefix="limbeck-"))
        self.files: list[tuple[Path, str]] = []
        self._left = self._most = most_bytes(packed)
        weakref.finalize(self, shutil.rmtree, str(self.folder), ignore_errors=True)

    def add(self, name: str, chunks: Iterator[bytes]) -> Path:
        """Write one more file.

        Args:
            name: as it stands in the archive.

        Raises:
            LimbeckError: all files together are too large.
        """
        # by number, so that no name leads elsewhere; the last part of the name tells the format
        folder = self.folder / str(len(self.files))
        folder.mkdir()
        path = folder / Path(name).name
        with open(path, "wb") as handle:
            for chunk in chunks:
                self._left -= len(chunk)
                if self._left < 0:
                    raise LimbeckError(
                        f"{too_large(self._most)}: unpack it yourself if you trust it"
                    )
                handle.write(chunk)
        self.files.append((path, name))
        return path


def plain(path: Path, archive: Unpacked | None = None) -> tuple[Path, Unpacked | None]:
    """The file itself, or what it holds unpacked, in UTF-8 without a byte-order mark.

    Args:
        archive: what it was unpacked with itself, whose bound is for both.

    Raises:
        LimbeckError: too large.
        OSError, EOFError, LZMAError: damaged.
    """
    unpacked = archive
    with open(path, "rb") as handle:
        chunks = _chunks_of(handle)
        if chunks is not None:
            unpacked = unpacked or Unpacked(path)
            path = unpacked.add(unpacked_name(path.name), chunks)
    with open(path, "rb") as handle:
        first = handle.read(4096)
    encoding = next((e for mark, e in MARKS.items() if first.startswith(mark)), None)
    # lines of a Macintosh of old
    if encoding is None and (b"\r" not in first or b"\n" in first or b"\0" in first):
        return path, unpacked
    text = unpacked or Unpacked(path)
    with open(path, encoding=encoding or "latin-1") as words:
        return text.add(path.name, (w.encode() for w in iter(lambda: words.read(CHUNK), ""))), text


def unpacked_name(name: str) -> str:
    """The name of a file without the ending of what it was packed by."""
    ending = next((e for e in ENDINGS if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)]


def members(
    path: Path, archive: Unpacked | None = None, packed: Path | None = None
) -> Unpacked | None:
    """All files of a zip or a tar, by name, hidden ones left out; None where it is neither.

    No link is followed: one is the text of what it leads to.

    Args:
        archive: the zip or tar that it is in.
        packed: the file that it was unpacked from itself, whose size bounds it.

    Raises:
        LimbeckError: too many or too large, or it is in another.
        OSError, RuntimeError, BadZipFile, TarError: damaged, or it has a password.
    """
    with open(path, "rb") as handle:
        first = handle.read(TAR.stop)
    is_zip = first.startswith(ZIPS)
    if not is_zip and first[TAR] != b"ustar":
        return None
    if archive:  # which may be a copy of the whole
        raise LimbeckError("an archive in an archive")
    unpacked = Unpacked(packed or path)
    unpack = _unzip if is_zip else _untar
    unpack(path, unpacked)
    if not unpacked.files:
        raise LimbeckError("no file in it")
    return unpacked


def _unzip(path: Path, unpacked: Unpacked) -> None:
    with zipfile.ZipFile(path) as file:
        found = [m for m in file.infolist() if not m.is_dir() and _counts(m.filename)]
        _check_number(len(found))
        for member in sorted(found, key=lambda m: m.filename):
            # the others may ask for any amount of memory
            if member.compress_type > zipfile.ZIP_BZIP2:
                raise LimbeckError(f"{member.filename}: packed by method {member.compress_type}")
            with file.open(member) as handle:
                unpacked.add(member.filename, _read(handle))


def _untar(path: Path, unpacked: Unpacked) -> None:
    with tarfile.open(path, "r:") as file:
        found = []
        for member in file:  # of headers, of which a tar may have as many as it has kB
            if not member.isdir() and _counts(member.name):
                found.append(member)
                _check_number(len(found))
        for member in sorted(found, key=lambda m: m.name):
            handle = file.extractfile(member) if member.isreg() else None
            chunks = _read(handle) if handle else iter([member.linkname.encode()])
            unpacked.add(member.name.removeprefix("./"), chunks)


def _check_number(found: int) -> None:
    if found > MAX_MEMBERS:
        raise LimbeckError(f"more than {MAX_MEMBERS} files in it, expected no more")


def _counts(name: str) -> bool:
    parts = name.removeprefix("./").split("/")
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not hidden and parts[-1].isprintable()


def _chunks_of(handle: IO[bytes]) -> Iterator[bytes] | None:
    """What a packed file holds; None where it is not packed."""
    first = handle.read(len(XZ))
    handle.seek(0)
    if first.startswith(GZIP):
        return _read(gzip.GzipFile(fileobj=handle))
    if first.startswith(BZIP2):
        return _read(bz2.BZ2File(handle))
    return _of_xz(handle) if first == XZ else None


def _read(handle: IO[bytes] | gzip.GzipFile | bz2.BZ2File) -> Iterator[bytes]:
    return iter(lambda: handle.read(CHUNK), b"")


def _of_xz(handle: IO[bytes]) -> Iterator[bytes]:
    """As :class:`lzma.LZMAFile`, which has no bound for its memory."""
    rest = b""
    while packed := rest.lstrip(b"\0") or handle.read(CHUNK):  # zeros may stand between streams
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)
        for part in chain([packed], _read(handle)):
            yield stream.decompress(part, CHUNK)
            while not (stream.needs_input or stream.eof):
                yield stream.decompress(b"", CHUNK)
            if stream.eof:
                break
        else:
            raise EOFError("it ends before its end")
        rest = stream.unused_data
