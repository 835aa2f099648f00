"""The one exception a user is meant to see, and the way to it from what libraries raise."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LimbeckError(Exception):
    """Bad input. The message names the file, field or frame, what was expected and what came."""


class NotConverged(LimbeckError):
    """An iteration of a potential has not converged on a frame; asking again would be in vain."""


class Unfit(LimbeckError):
    """A file of a run that is of no use, and that the run makes again once it is gone.

    Attributes:
        path: the file or folder.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        """``reason`` says what is wrong with it, without its path."""
        super().__init__(f"{path}: {reason}; remove it and run again")
        self.path, self.reason = Path(path), reason


@contextmanager
def explained(what: str, remedy: str = "") -> Iterator[None]:
    """Whatever a library raises in this block, as ``LimbeckError("{what}: {its first line}")``.

    For libraries whose parsers and loaders raise anything at all. ``remedy`` comes last, in
    brackets.
    """
    try:
        yield
    except Exception as error:
        hint = f" ({remedy})" if remedy else ""
        raise LimbeckError(f"{what}: {first_line(error)}{hint}") from error


def first_line(error: BaseException) -> str:
    """What an error says, in one line; of an error that only wraps another, what that one says."""
    if isinstance(error.__cause__, Exception):
        return first_line(error.__cause__)
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
