"""Writes what there is to read of the config, out of its sections: README, and schema for editors.

``python -m limbeck.config.document`` writes both anew; a test says when that is due.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, get_args

from limbeck.config.config import Config
from limbeck.config.sections.base import Section
from limbeck.config.sections.messages import DISCRIMINATORS

ROOT = Path(__file__).parents[3]
README = ROOT / "config" / "README.md"
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.json"
#: what follows it in the README is written here
MARK = "<!-- Made by `make config-docs` from scripts/limbeck/config/sections/: change it there. -->"
TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
Schema = dict[str, Any]


class FieldRow(NamedTuple):
    """One field of the config, as the README shows it.

    Attributes:
        path: dotted, as in ``sources.<name>.smiles``.
        kinds: those that have it; empty where all have.
    """

    path: str
    kinds: str
    allowed: str
    default: str
    meaning: str


def schema() -> Schema:
    """JSON schema of a config file, with the descriptions of all fields."""
    found = Config.model_json_schema()
    parts = {"Config": found, **found["$defs"]}
    for section in _sections(Config):
        properties = parts[section.__name__]["properties"]
        properties.pop("name", None)  # the one that the section stands under
        for name, text in _descriptions(section).items():
            if name in properties:
                properties[name]["description"] = text
    return _untitled(found)


def _untitled(part: Any) -> Any:
    """A schema without pydantic's titles, which repeat names."""
    if isinstance(part, list):
        return [_untitled(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    return {k: _untitled(v) for k, v in part.items() if k != "title" or not isinstance(v, str)}


def _sections(kind: Any) -> Iterator[type[Section]]:
    """A section, and all that are in it."""
    if isinstance(kind, type) and issubclass(kind, Section):
        yield kind
        for field in kind.model_fields.values():
            yield from _sections(field.annotation)
    for part in get_args(kind):
        yield from _sections(part)


def _descriptions(section: type[Section]) -> dict[str, str]:
    """Field, as the config calls it -> the text below it, here or where it comes from."""
    found = {}
    for part in [p for p in reversed(section.__mro__) if issubclass(p, Section)]:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        for field, text in pairwise(tree.body):  # type: ignore[attr-defined]
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                name = field.target.id  # type: ignore[union-attr]
                name = section.model_fields[name].alias or name
                found[name] = " ".join(ast.literal_eval(text.value).split())
    return found


def field_rows() -> list[FieldRow]:
    """Every field of the config."""
    whole = schema()
    return list(_rows(whole, [whole], ""))


def _rows(whole: Schema, members: list[Schema], path: str) -> Iterator[FieldRow]:
    """Fields of a section, required ones first; what all members of a union have is told once."""
    found: dict[FieldRow, list[str]] = {}
    below: dict[FieldRow, Schema] = {}
    for member in members:
        required = member.get("required", [])
        fields = sorted(member["properties"].items(), key=lambda item: item[0] not in required)
        for name, field in fields:
            row = FieldRow(path + name, "", _allowed(field), _default(field), field["description"])
            if len(members) > 1 and name == _discriminator(members):
                tags = [tag for m in members for tag in _tags(m)]
                # that of the kind which has one, where others have to be named
                defaults = sorted({_default(m["properties"][name]) for m in members})
                row = row._replace(allowed=", ".join(tags), default=defaults[0])
            found.setdefault(row, []).append(_kind(member))
            below[row] = field
    for row, kinds in found.items():
        yield row._replace(kinds="" if len(kinds) == len(members) else ", ".join(kinds))
        inner, suffix = _inner(whole, below[row])
        if inner:
            yield from _rows(whole, inner, row.path + suffix)


def _inner(whole: Schema, field: Schema) -> tuple[list[Schema], str]:
    """The section, or the sections of a union, that a field holds, and what their paths add."""
    suffix = "."
    if "patternProperties" in field:
        (field,), suffix = field["patternProperties"].values(), ".<name>."
    elif "$ref" in field.get("items", {}):
        field, suffix = field["items"], ".<n>."
    names = [option["$ref"].split("/")[-1] for option in _options(field) if "$ref" in option]
    return [whole["$defs"][name] for name in names], suffix


def _options(field: Schema) -> Iterator[Schema]:
    """What a field may be, of a union that is part of another as well."""
    options = field.get("oneOf") or field.get("anyOf")
    if not options:
        yield field
    for option in options or []:
        yield from _options(option)


def _discriminator(members: list[Schema]) -> str:
    """The field that tells the members of a union apart."""
    return next(n for n in DISCRIMINATORS if all(n in m["properties"] for m in members))


def _tags(member: Schema) -> list[str]:
    """The kinds that a member of a union stands for; none of what is no such member."""
    for name in DISCRIMINATORS:
        field = member["properties"].get(name, {})
        if "const" in field or "enum" in field:
            return field.get("enum") or [field["const"]]
    return []


def _kind(member: Schema) -> str:
    """What a kind is called in the README; what its class says where it has many names."""
    tags = _tags(member)
    return ", ".join(tags) if len(tags) < 3 else member["description"].rstrip(".")


def _allowed(field: Schema) -> str:
    """What a field takes, in words."""
    if "expected" in field:
        return str(field["expected"])
    if "enum" in field or "const" in field:
        return ", ".join(map(str, field.get("enum") or [field["const"]]))
    options = field.get("anyOf") or field.get("oneOf")
    if options:
        return " or ".join(_allowed(o) for o in options if o.get("type") != "null")
    kind = field.get("type", "object")
    words = TYPES[kind] + "".join(f", {w} {field[k]:g}" for k, w in BOUNDS.items() if k in field)
    if kind != "array":
        return words
    items = field["items"]
    return (
        f"{words} of {_allowed(items)}" if "enum" in items else f"{words}, each {_allowed(items)}"
    )


def _default(field: Schema) -> str:
    if "default" not in field:
        return "required"
    default = field["default"]
    if default is None or (isinstance(default, dict) and default):
        return "not given"
    return f"`{json.dumps(default)}`"


def schema_text() -> str:
    """The schema as its file has it."""
    return json.dumps(schema(), indent=1) + "\n"


def readme() -> str:
    """The README of the config: what a person wrote, and a table for each section."""
    by_section: dict[str, list[FieldRow]] = {}
    for row in _told_once(_merged(field_rows())):
        by_section.setdefault(row.path.partition(".")[0], []).append(row)
    single = [found[0] for found in by_section.values() if len(found) == 1]
    lines = [README.read_text(encoding="utf-8").partition(MARK)[0] + MARK]
    lines += ["", "## The run", *_table(single)]
    for name, (section, *fields) in by_section.items():
        if fields:
            lines += ["", f"## {name}", section.meaning, *_table(fields)]
    return "\n".join(lines) + "\n"


def _merged(rows: list[FieldRow]) -> Iterator[FieldRow]:
    """One row for each path: what differs between kinds is told kind by kind."""
    by_path: dict[str, list[FieldRow]] = {}
    for row in rows:
        by_path.setdefault(row.path, []).append(row)
    for path, own in by_path.items():
        kinds = "" if any(not row.kinds for row in own) else ", ".join(row.kinds for row in own)
        # rows of one path that differ in nothing else are of sections that stand in two kinds
        cells = [_by_kind([(row.kinds, row[column]) for row in own]) for column in (2, 3, 4)]
        yield FieldRow(path, kinds, *cells)


def _by_kind(cells: list[tuple[str, str]]) -> str:
    """A cell of several kinds: once where all agree."""
    kinds_of: dict[str, list[str]] = {}
    for kinds, text in cells:
        kinds_of.setdefault(text, []).append(kinds)
    if len(kinds_of) == 1:
        return next(iter(kinds_of))
    between = " " if all(text.endswith(".") for text in kinds_of) else "; "
    return between.join(f"{', '.join(kinds)}: {text}" for text, kinds in kinds_of.items())


def _told_once(rows: Iterator[FieldRow]) -> Iterator[FieldRow]:
    """A field that means what another does which stands before it, is told by that one's path."""
    told: dict[tuple[str, str], str] = {}
    for row in rows:
        key = row.path.rpartition(".")[2], row.meaning
        first = told.setdefault(key, row.path)
        yield row if first == row.path else row._replace(meaning=f"As `{first}`.")


def _table(fields: list[FieldRow]) -> Iterator[str]:
    yield from ("", "| field | for | allowed | default | meaning |", "|---|---|---|---|---|")
    for row in fields:
        yield f"| `{row.path}` | {' | '.join(row[1:])} |"


def main() -> None:
    """Write the README and the schema."""
    README.write_text(readme(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
