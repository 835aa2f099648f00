"""Weights from outside: located or downloaded, and checked against their hash."""

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from limbeck.config.sections.potentials import Mace, StudentFolder, Weights
from limbeck.errors import LimbeckError, explained
from limbeck.files import sha256_of


def checked_path(potential: Weights | StudentFolder) -> Path:
    """The potential's ``path``, once it exists and has the ``sha256`` that the config gives.

    Raises:
        LimbeckError: no path, nothing there, or another hash; both hashes are shown.
    """
    name = potential.name
    if not potential.path:
        raise LimbeckError(f"potentials.{name}.path: expected a file or folder, got nothing")
    path = Path(potential.path)
    if not path.exists():
        raise LimbeckError(f"potentials.{name}.path: {path} does not exist")
    check_hash(path, potential.sha256, f"potentials.{name}.sha256")
    return path


def located(potential: Weights, library: str, download: Callable[[str, str | None], Path]) -> Path:
    """The potential's ``path``, or its weights by name; the hash checked.

    Args:
        download: name, and folder for downloads or None -> where the weights are.

    Raises:
        LimbeckError: as :func:`checked_path`, or the download failed.
    """
    if not potential.download or potential.path:
        return checked_path(potential)
    with explained(
        f"potentials.{potential.name}: {library} could not download {potential.download}",
        remedy="give path: where there is no network",
    ):
        path = download(potential.download, potential.cache)
    # in a library's own cache, files may be links to where it keeps them
    check_hash(path, potential.sha256, f"potentials.{potential.name}.sha256", follow_links=True)
    return path


def check_hash(path: Path, expected: str | None, field: str, *, follow_links: bool = False) -> None:
    """Compare a file's or folder's SHA-256 with the one expected, where one is given.

    Args:
        follow_links: as in :func:`~limbeck.files.sha256_of`.
    """
    if not expected:
        return
    found = sha256_of(path, follow_links=follow_links)
    if found != expected:
        raise LimbeckError(f"{field}: {path} has {found}, expected {expected}")


def check_trust(potential: Mace, path: Path) -> None:
    """Let a pickle through only where its hash was checked, or where the user trusts it.

    Raises:
        LimbeckError: neither ``sha256`` nor ``trust: true`` is given.
    """
    if not potential.sha256 and not potential.trust:
        raise LimbeckError(
            f"potentials.{potential.name}.sha256: expected the hash of {path}, got nothing "
            f"(a pickle can run code, and is opened only when its hash is known, or with "
            f"trust: true; it has {sha256_of(path)})"
        )


def package(name: str) -> str:
    """An installed package and its version, as ``chgnet==0.4.2``."""
    return f"{name}=={version(name)}"


@contextlib.contextmanager
def left_as_it_was(variable: str, modules: str = "") -> Iterator[None]:
    """An import that leaves the process as it was, for whoever imports the same after it.

    Args:
        variable: of the environment, set back.
        modules: a package that is forgotten again where it was not there, so that it does once more
            what it does when it is imported.
    """
    before = os.environ.get(variable)
    there = set(sys.modules)
    try:
        yield
    finally:
        os.environ.pop(variable, None)
        if before is not None:
            os.environ[variable] = before
        for name in set(sys.modules) - there if modules else ():
            if name == modules or name.startswith(f"{modules}."):
                del sys.modules[name]


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Nothing of what libraries print or warn of, which users can do nothing about.

    For code that has been tested with the versions of ``requirements.lock``: the libraries warn
    each other's authors. Errors come through.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def environment(name: str, value: str | None) -> Iterator[None]:
    """Set an environment variable for a while; nothing is set where there is no value."""
    before = os.environ.get(name)
    if value is not None:
        os.environ[name] = str(value)
    try:
        yield
    # put back as it was, also where it was not set at all
    finally:
        if before is not None:
            os.environ[name] = before
        elif value is not None:
            del os.environ[name]
