"""The text of a config, looked at before any of it means something.

``python -m limbeck.config.text CONFIG`` says in one line what is wrong with it and exits with 1.
Snakemake reads a config file before anything of Limbeck is asked, and its loader takes one with
``__use_yte__`` in it for a template: it runs the Python in it, for ``snakemake -n`` as well. So
this has to be asked before Snakemake starts.
"""

import sys
from pathlib import Path
from typing import Any, NoReturn

import yaml

from limbeck.errors import LimbeckError, first_line

#: the key that makes a template of a config
TEMPLATE = "__use_yte__"
#: A config of a hundred sources has some 1,000 values, each of one line.
MAX_BYTES = 2**20
MAX_VALUES = 20_000
MAX_DEPTH = 50


def read_yaml(path: str | Path) -> Any:
    """What a YAML file says, once its text was found to be sound.

    Raises:
        LimbeckError: it is missing, no YAML, or as :func:`check_text`.
    """
    text = read_text(path)
    check_text(text, path)
    try:
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:  # a date of month 13 is a ValueError
        raise LimbeckError(f"{path}: not a readable YAML file: {one_line(error)}") from error


def check_text(text: str, path: str | Path) -> None:
    """Look at the text of a YAML file, without making anything of it.

    Raises:
        LimbeckError: it is no YAML; it asks to be run as a template; it has tags, which name
            types of Python; or it is deeply nested, or grows beyond all measure where each
            alias is replaced by what it stands for.
    """
    try:
        _Counter(path).count(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise LimbeckError(f"{path}: not a readable YAML file: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """An error of the YAML parser, which tells the place on lines of its own."""
    return " ".join(str(error).split()) or first_line(error)


class _Counter:
    """Counts values as YAML is parsed: an alias counts as much as what it stands for."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._sizes: dict[str, int] = {}
        #: of each collection that is open: its anchor, and the values in it so far
        self._open: list[tuple[str | None, int]] = [(None, 0)]

    def count(self, text: str) -> None:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.AliasEvent):
                size = self._sizes.get(event.anchor or "")
                if size is None:
                    self._refuse(line, f"*{event.anchor} stands for nothing, or for itself")
                self._add(line, size)
            elif isinstance(event, yaml.ScalarEvent):
                self._check_tag(line, event.tag)
                if event.value == TEMPLATE:
                    self._refuse(line, f"{TEMPLATE}, expected a config that runs no code")
                self._named(event.anchor, 1)
                self._add(line, 1)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._check_tag(line, event.tag)
                self._open.append((event.anchor, 1))
                if len(self._open) > MAX_DEPTH:
                    self._refuse(line, f"nested more than {MAX_DEPTH} deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, size = self._open.pop()
                self._named(anchor, size)
                self._add(line, size)

    def _named(self, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self._sizes[anchor] = size

    def _add(self, line: int, size: int) -> None:
        anchor, before = self._open[-1]
        self._open[-1] = anchor, before + size
        if before + size > MAX_VALUES:
            self._refuse(line, f"more than {MAX_VALUES} values, with aliases written out")

    def _check_tag(self, line: int, tag: str | None) -> None:
        # "!" is that of a quoted text; str, int and their like are harmless, and of no use here
        if tag not in (None, "!"):
            self._refuse(line, f"the tag {tag}, expected none")

    def _refuse(self, line: int, what: str) -> NoReturn:
        raise LimbeckError(f"{self._path}, line {line}: {what}")


def read_text(path: str | Path) -> str:
    """The text of a file of settings.

    Raises:
        LimbeckError: it is missing, too large, or no text.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise LimbeckError(f"{path}: no such file")
        if path.stat().st_size > MAX_BYTES:
            raise LimbeckError(f"{path}: {path.stat().st_size} bytes, expected at most {MAX_BYTES}")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise LimbeckError(f"{path}: not a readable file: {error}") from error


def main() -> None:
    """Look at the config files that the command line names."""
    try:
        for path in sys.argv[1:]:
            check_text(read_text(path), path)
    except LimbeckError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
