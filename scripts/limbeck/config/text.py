"""The text of a config, looked at before any of it means something.

``python -m limbeck.config.text CONFIG`` says in one line what is wrong with it and exits with 1.
Snakemake reads a config file before anything of Limbeck is asked, and its loader takes one with
``__use_yte__`` in it for a template: it runs the Python in it, for ``snakemake -n`` as well. So
this has to be asked before Snakemake starts.
"""

import sys
from dataclasses import dataclass
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
        raise _unreadable(path, error) from error


def check_config(path: str | Path) -> None:
    """Look at a config file, before anything reads it.

    Raises:
        LimbeckError: as :func:`read_yaml`, or it is no mapping.
    """
    found = read_yaml(path)
    if not isinstance(found, dict):
        what = "nothing" if found is None else "a list" if isinstance(found, list) else "one value"
        raise LimbeckError(f"{path}: {what} in it, expected a mapping, as in run: demo")


def check_text(text: str, path: str | Path) -> None:
    """Look at the text of a YAML file, without making anything of it.

    Raises:
        LimbeckError: it is no YAML; it asks to be run as a template; it has a key twice, of which
            the first would be lost; it has tags, which name types of Python; or it is deeply
            nested, or grows beyond all measure where each alias is replaced by what it stands for.
    """
    try:
        _Counter(path).count(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str | Path, error: BaseException) -> LimbeckError:
    """An error of the YAML parser in one line, with the place that it is about."""
    mark = getattr(error, "problem_mark", None)
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        text = " ".join(str(error).split()) or first_line(error)
        return LimbeckError(f"{path}: not a readable YAML file: {text}")
    where = f"{path}, line {mark.line + 1}, column {mark.column + 1}"
    said = [error.problem]
    if error.context:
        begin = error.context_mark
        since = f" that begins in line {begin.line + 1}" if begin else ""
        said = [f"{error.context}{since}", error.problem]
    return LimbeckError(f"{where}: not a readable YAML file: {', '.join(filter(None, said))}")


@dataclass
class _Open:
    """A list or mapping whose end has not been seen: values in it so far, of a mapping its keys."""

    anchor: str | None
    size: int = 1
    keys: dict[str, int] | None = None
    at_key: bool = True


class _Counter:
    """Counts values as YAML is parsed: an alias counts as much as what it stands for."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._sizes: dict[str, int] = {}
        self._open = [_Open(None, 0)]

    def count(self, text: str) -> None:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.AliasEvent):
                size = self._sizes.get(event.anchor or "")
                if size is None:
                    self._refuse(line, f"*{event.anchor} stands for nothing, or for itself")
                self._key(line, None)
                self._add(line, size)
            elif isinstance(event, yaml.ScalarEvent):
                self._check_tag(line, event.tag)
                if event.value == TEMPLATE:
                    self._refuse(line, f"{TEMPLATE}, expected a config that runs no code")
                self._named(event.anchor, 1)
                self._key(line, event.value)
                self._add(line, 1)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._check_tag(line, event.tag)
                self._key(line, None)
                mapping = isinstance(event, yaml.MappingStartEvent)
                self._open.append(_Open(event.anchor, keys={} if mapping else None))
                if len(self._open) > MAX_DEPTH:
                    self._refuse(line, f"nested more than {MAX_DEPTH} deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                ended = self._open.pop()
                self._named(ended.anchor, ended.size)
                self._add(line, ended.size)

    def _key(self, line: int, key: str | None) -> None:
        """Note a value of the open collection, which may be a key that is there already.

        Args:
            key: its text; None where it is no text.
        """
        within = self._open[-1]
        if within.keys is None:
            return
        if within.at_key and key is not None and key != "<<":  # which merges, as often as one likes
            if key in within.keys:
                first = within.keys[key]
                self._refuse(line, f"the key {key!r} stands in line {first}, too, expected it once")
            within.keys[key] = line
        within.at_key = not within.at_key

    def _named(self, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self._sizes[anchor] = size

    def _add(self, line: int, size: int) -> None:
        within = self._open[-1]
        within.size += size
        if within.size > MAX_VALUES:
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
        if path.is_dir():
            raise LimbeckError(f"{path}: a folder, expected a file")
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
            check_config(path)
    except LimbeckError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
