"""The frames of a user's files, whatever program wrote them.

A frame is parsed when it is asked for, and by itself where its format allows, so that a bad one
spoils no other; and only after its size was seen to be one that the file can hold: a number in a
text is no reason to take memory. Of text formats, only where each frame begins is kept.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ase import Atoms

from limbeck import reasons
from limbeck.check.content import files_of, is_glob, nothing_at
from limbeck.errors import LimbeckError, first_line
from limbeck.reasons import Refused
from limbeck.structures.reading.formats import frames_of
from limbeck.structures.reading.unpack import Unpacked, members, plain

EXPECTED = "expected extended XYZ, CIF, POSCAR or another format of structures"


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a file, still to be parsed.

    Attributes:
        file: name of its file, below the folder where there are several.
        number: of the frame in its file, from 0.
        alone: whether its file has no other.
        parse: gives the structure, or raises whatever its parser meets.
        unpacked: keeps what was unpacked as long as there is a frame of it.
    """

    file: str
    number: int
    alone: bool
    parse: Callable[[], Atoms]
    unpacked: Unpacked | None = None

    def __call__(self) -> Atoms:
        """The structure, in the unit of the file.

        Raises:
            Refused: it cannot be read.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd comments, one for each frame
                return self.parse()
        except Refused:
            raise
        except Exception as error:  # ASE's readers raise whatever they meet; one frame of many
            text = f"{type(error).__name__}: {first_line(error)}"
            raise Refused(reasons.UNREADABLE, text) from error

    @property
    def where(self) -> str:
        """Its file, and its number there where it is not alone; for people."""
        return self.file if self.alone else f"{self.file}, frame {self.number}"


def read_files(
    path: str | Path, *, kind: str | None = None, most: int | None = None
) -> list[Frame]:
    """Frames of all files that a path stands for, in the order of their names.

    A file of several that cannot be read is a frame that is refused.

    Args:
        path: of a file, a folder or a glob, see :func:`limbeck.check.content.files_of`.
        kind: ASE's name of their format; told by name and content where not given.
        most: no more frames are looked for.

    Raises:
        LimbeckError: there is no file, or the only one is of another format, or not readable.
    """
    path = Path(path)
    files = files_of(path)
    if not files:
        raise LimbeckError(f"{path}: {nothing_at(path)}, {EXPECTED}")
    if files == [path]:
        return read_file(path, kind=kind, most=most)
    above = path if path.is_dir() else _fixed(path)
    named = [(file, file.relative_to(above).as_posix()) for file in files]
    return list(islice(_of_several(named, kind, most), most))


def read_file(
    path: str | Path,
    *,
    name: str = "",
    kind: str | None = None,
    most: int | None = None,
    archive: Unpacked | None = None,
) -> list[Frame]:
    """Frames of one file, plain or packed, or of all files of a zip or a tar.

    Args:
        name: for people; the name of the file where not given.
        kind, most: as of :func:`read_files`.
        archive: the zip or tar that it is in; what is packed there once more counts for its size.

    Raises:
        LimbeckError: the file is missing, of another format, or not readable as a whole.
    """
    path = Path(path)
    if not path.is_file():
        raise LimbeckError(f"{path}: {nothing_at(path)}, {EXPECTED}")
    name = name or path.name
    try:
        # an archive of NumPy's arrays is a zip, whose files are no structures one by one
        own = kind == "npz" or (kind is None and path.suffix.lower() == ".npz")
        inside = None if own else members(path, archive)
        file, unpacked = path, archive
        if inside is None and not own:
            file, unpacked = plain(path, archive)
            inside = members(file, archive, path) if file != path else None  # of a .tar.gz
        if inside is not None:
            files = [(file, f"{name}/{inner}") for file, inner in inside.files]
            return list(islice(_of_several(files, kind, most, inside), most))
        # two, to see whether there is one alone
        wanted = None if most is None else max(most, 2)
        found = list(islice(frames_of(file, kind), wanted))
        if not found:
            raise LimbeckError("no structure in it")
    except Exception as error:  # ASE's readers raise whatever their parsers meet
        what = "" if isinstance(error, LimbeckError) else f"{type(error).__name__}: "
        raise LimbeckError(f"{path}: {EXPECTED}: {what}{first_line(error)}") from error
    alone = len(found) == 1
    frames = [Frame(name, n, alone, parse, unpacked) for n, parse in enumerate(found)]
    return frames[:most]


def _of_several(
    files: list[tuple[Path, str]],
    kind: str | None,
    most: int | None,
    unpacked: Unpacked | None = None,
) -> Iterator[Frame]:
    for file, name in files:
        try:
            for frame in read_file(file, name=name, kind=kind, most=most, archive=unpacked):
                parse = frame.parse
                yield Frame(
                    frame.file, frame.number, frame.alone, parse, frame.unpacked or unpacked
                )
        except LimbeckError as error:
            text = str(error).removeprefix(f"{file}: ").removeprefix(f"{EXPECTED}: ")
            yield Frame(name, 0, True, _refused(f"{name}: {text}"), unpacked)


def _refused(text: str) -> Callable[[], Atoms]:
    def parse() -> Atoms:
        raise Refused(reasons.UNREADABLE_FILE, text)

    return parse


def _fixed(path: Path) -> Path:
    """The folder of a glob above its first wildcard."""
    parts = path.parts
    first = next(i for i, part in enumerate(parts) if is_glob(part))
    return Path(*parts[:first])
