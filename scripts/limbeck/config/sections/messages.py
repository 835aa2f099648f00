"""How errors of a config say what is wrong: the field, its value, what is allowed, in one line."""

import difflib
import re
from collections.abc import Collection, Iterator
from datetime import date
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from limbeck.errors import LimbeckError

_T = TypeVar("_T")

#: fields that tell one kind of section from another
DISCRIMINATORS = ("kind", "model", "method", "rule", "from", "program")

#: what was expected, by pydantic's type of error
EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "greater_than": "more than {gt:g}",
    "less_than": "less than {lt:g}",
    "too_short": "{min_length} or more entries",
    "too_long": "{max_length} or fewer entries",
    "wrong": "{expected}",
}

#: fields and values that had another name once, and the one they have now
RENAMED_FIELDS = {
    "frames": "n_frames",
    "quadrature_frames": "n_quadrature_frames",
    "reference": "detect_molecules_in",
    "shards": "slices",
    "spread": "diversity",
    "study": "studies",
    "test_fraction": "test_known_fraction and test_new_fraction",
    "truth": "reference",
}
RENAMED_VALUES = {
    "ase": "clusters",
    "demo": "medium",
    "first_frame": "first",
    "own": "as_given",
    "pymatgen": "crystals",
    "rdkit": "molecules",
}


#: what people write where this program has another word
OTHER_WORDS = {"gpu": "cuda", "none": "null"}


def dotted(*parts: Any) -> str:
    """A field as it is named in errors: ``sources.organics.count``."""
    # a name may be whatever a user wrote, with a line break in it
    texts = (text if text.isprintable() else repr(text) for text in map(str, parts))
    return ".".join(texts) or "config"


def shown(value: Any) -> str:
    """A value as it is shown in errors, cut where it is long."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def nearest_spelling(value: Any, allowed: Collection[Any]) -> str:
    """`` (did you mean ...?)``, or nothing where no allowed name is like ``value``."""
    if (word := OTHER_WORDS.get(str(value).casefold())) in allowed:
        return f" (did you mean {word}?)"
    spelled = {str(name).casefold(): name for name in allowed}  # MD is like md, CHGNet like chgnet
    found = difflib.get_close_matches(str(value).casefold(), spelled, n=1)
    return f" (did you mean {spelled[found[0]]}?)" if found else ""


def one_of(value: Any, allowed: Collection[Any]) -> str:
    """``expected one of ...``, and the nearest of them, or what ``value`` is called now."""
    names = ", ".join(map(str, allowed)) or "none, since the config has none"
    return f"expected one of {names}{_renamed(value, names) or nearest_spelling(value, allowed)}"


def _renamed(value: Any, names: str) -> str:
    """`` (... is called ... now)`` of a value whose new name is among those allowed."""
    new = RENAMED_VALUES.get(value) if isinstance(value, str) else None
    return f" ({value} is called {new} now)" if new and new in re.split(r"[, ]+", names) else ""


def validated(kind: type[_T] | Any, value: Any, *where: str) -> _T:
    """``value`` as a section, or as a union of sections.

    Args:
        where: what the path of every field in the errors begins with.

    Raises:
        LimbeckError: something is wrong; one line for each error.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        found = [line for one in error.errors() for line in _lines(one, kind, where)]
        raise LimbeckError("\n".join(dict.fromkeys(found))) from error


def _lines(error: ErrorDetails, root: Any, where: tuple[str, ...]) -> Iterator[str]:
    """One line for each thing that an error says."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    path, section = _located(root, error["loc"])
    field = dotted(*where, *path)
    if kind == "faults":
        yield from (f"{dotted(*where, *path, name)}: {text}" for name, text in context["faults"])
    elif kind == "missing":
        yield f"{field}: not given, and it has no default"
    elif kind in ("extra_forbidden", "invalid_key"):
        yield f"{field}: unknown field, {_field_of(path[-1], section)}"
    elif kind == "union_tag_not_found":
        yield f"{field}.{_quoted(context['discriminator'])[-1]}: not given, and it has no default"
    elif kind == "union_tag_invalid":
        # of a field with an alias both are told, the one in the config last
        name, allowed = _quoted(context["discriminator"])[-1], _quoted(context["expected_tags"])
        yield f"{field}.{name}: {shown(value[name])}, {one_of(value[name], allowed)}"
    elif kind == "literal_error":
        yield f"{field}: {shown(value)}, {one_of(value, _quoted(context['expected']))}"
    elif error["loc"][-1] == "[key]":
        yield f"{field}: the name {value!r}, expected {_expected(error)}"
    else:
        text = _expected(error)
        hint = _as_written(value, text) + _renamed(value, text)
        yield f"{field}: {shown(value)}, expected {text}{hint}"


def _located(kind: Any, loc: tuple[int | str, ...]) -> tuple[list[int | str], Any]:
    """The path of a field, without what pydantic puts in between, and the section it stands in."""
    path: list[int | str] = []
    section: Any = None
    for part in loc:
        if part == "[key]":
            break
        kind, members = _bare(kind)
        if members:  # of a union: the part says which
            kind = next((m for m in members if part in _tags(m)), None)
            if kind is None:  # of a union without tags: from here on pydantic names its types
                break
            continue
        path.append(part)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            section = kind
            names = {f.alias or name: f.annotation for name, f in kind.model_fields.items()}
            kind = names.get(str(part))
        elif get_args(kind):
            kind = get_args(kind)[-1]  # of a list or a mapping
    return path, section


def _bare(kind: Any) -> tuple[Any, list[Any]]:
    """A type without ``Annotated`` and ``None``, and the members of a union."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) not in (Union, UnionType):
        return kind, []
    members = [m for m in get_args(kind) if m is not type(None)]
    return _bare(members[0]) if len(members) == 1 else (kind, members)


def _tags(member: Any) -> list[str]:
    """What tells a member of a union from the others."""
    own = [m.tag for m in getattr(member, "__metadata__", ()) if isinstance(m, Tag)]
    fields = {f.alias or n: f for n, f in getattr(_bare(member)[0], "model_fields", {}).items()}
    return own + [
        t for name in DISCRIMINATORS if name in fields for t in get_args(fields[name].annotation)
    ]


def _field_of(name: int | str, section: Any) -> str:
    new = RENAMED_FIELDS.get(str(name))
    fields = [f.alias or n for n, f in section.model_fields.items() if n != "name"]
    if new and set(new.split(" and ")) <= set(fields):
        return f"it is called {new} now"
    return one_of(name, fields)


def _expected(error: ErrorDetails) -> str:
    template = EXPECTED.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else error["msg"]


def _quoted(text: str) -> list[str]:
    """The names, or numbers, in pydantic's ``'this', 'that' or 3``."""
    return [name or number for name, number in re.findall(r"'(.*?)'|(\d+)", text)]


def _as_written(value: Any, expected: str) -> str:
    """A hint for what YAML reads as something else: 1e-3 and "3" as text, no and off as false."""
    wants_number = expected.startswith(("a number", "a whole number"))
    if isinstance(value, str) and wants_number:
        number = _number(value, whole=expected.startswith("a whole"))
        return f" (YAML reads it as text, write {number})" if number is not None else ""
    if expected.startswith("true or false"):
        meant = {"true": "true", "yes": "true", "false": "false", "no": "false"}
        word = meant.get(str(value).casefold())
        return f" (YAML reads it as text, write {word})" if word else ""
    if isinstance(value, bool) and not wants_number:
        return " (YAML reads yes, no, on and off as true and false: write text in quotes)"
    if isinstance(value, int | float | date) and expected.startswith("text"):
        return f' (YAML reads it as a {type(value).__name__}, write "{value}")'
    return ""


def _number(text: str, *, whole: bool) -> int | float | None:
    """The number that a text is; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not whole:
        return value
    return int(value) if value.is_integer() else None
