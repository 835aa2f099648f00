"""The config: loaded, filled with the schema's defaults, checked, with errors that name the field.

Nothing heavy is imported here: Snakemake reads it for every ``snakemake -n`` and every job.
"""

import functools
import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker, validators

from limbeck.config import checks as config_checks
from limbeck.config.words import dotted, nearest, one_of, shown
from limbeck.errors import LimbeckError
from limbeck.potentials.known import SYMBOLS

SCHEMA = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}

#: what was expected, in words, by the schema's keyword and its value
EXPECTED = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "{} or more entries",
    "maxItems": "{} or fewer entries",
    "minProperties": "{} or more entries",
    "uniqueItems": "every entry once",
    "not": "another name, since this one is taken",
}


def load(path: str | Path) -> dict[str, Any]:
    """Read a config file and resolve it, as the Snakefile does.

    Raises:
        LimbeckError: not a YAML mapping, or as :func:`resolve`.
    """
    try:
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise LimbeckError(f"{path}: not a readable YAML file: {error}") from error
    if not isinstance(config, dict):
        raise LimbeckError(f"{path}: expected a mapping, got {type(config).__name__}")
    return resolve(config)


def resolve(config: dict[str, Any]) -> dict[str, Any]:
    """The config with every default of the schema filled in; ``config`` stays as it is.

    Raises:
        LimbeckError: something is wrong; one line for each error, with the field's dotted path,
            its value, and what was expected.
    """
    resolved = deepcopy(config)
    errors = _schema_errors(resolved) or config_checks.errors(resolved)
    if errors:
        raise LimbeckError("\n".join(errors))
    return resolved


@functools.cache
def schema() -> dict[str, Any]:
    """The schema of the config."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Field:
    """One field of the config.

    Attributes:
        path: dotted, as in ``sources.<name>.smiles``.
        kind: the kind, method or model it belongs to; empty where it belongs to all.
        required: it has to be given; all others have a default.
        schema: its part of the schema, with description and default.
    """

    path: str
    kind: str
    required: bool
    schema: dict[str, Any]


def fields() -> list[Field]:
    """Every field of the config, in the order of the schema."""
    return list(_fields(schema(), "", ""))


def _fields(part: dict[str, Any], path: str, kind: str) -> Iterator[Field]:
    for name, field in part.get("properties", {}).items():
        if field:  # an empty one stands beside its full description
            yield Field(f"{path}{name}", kind, name in part.get("required", []), field)
            yield from _fields(field, f"{path}{name}.", kind)
    for branch in part.get("allOf", []):
        yield from _fields(branch["then"], path, _kind_of(branch))
    if isinstance(part.get("additionalProperties"), dict):
        yield from _fields(part["additionalProperties"], f"{path}<name>.", kind)
    if isinstance(part.get("items"), dict):
        yield from _fields(part["items"], f"{path}<n>.", kind)


def _kind_of(branch: dict[str, Any]) -> str:
    """The kind, or kinds, that an if/then is about; its own title where they are many."""
    condition = next(iter(branch["if"]["properties"].values()))
    kinds = condition.get("enum") or [condition["const"] or ""]
    return condition.get("title") or ", ".join(kinds)


def _schema_errors(config: dict[str, Any]) -> list[str]:
    """Fill ``config`` with defaults, and tell what the schema finds wrong in it."""
    elements = FormatChecker(formats=())
    elements.checks("element")(lambda value: not isinstance(value, str) or value in SYMBOLS)
    found = _Validator(schema(), format_checker=elements).iter_errors(config)
    return list(dict.fromkeys(line for error in found for line in _explain(error)))


def _fill_defaults(validator: Any, properties: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """The keyword ``properties``, which also puts defaults where a field is not given."""
    if validator.is_type(instance, "object"):
        for name, part in properties.items():
            if "default" in part:
                instance.setdefault(name, deepcopy(part["default"]))
    yield from Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


_Validator = validators.extend(
    Draft202012Validator,
    {"properties": _fill_defaults},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}  # 2.0 is no count, .nan is no number
    ),
)


def _explain(error: Any) -> Iterator[str]:
    """One line for each thing that a jsonschema.ValidationError says."""
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        allowed = list(error.schema["properties"])
        for name in error.instance:
            if name not in allowed:
                yield f"{dotted(*path, name)}: unknown field, {one_of(name, allowed)}"
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield f"{dotted(*path, name)}: not given, and it has no default"
    elif "propertyNames" in error.absolute_schema_path:
        yield f"{dotted(*path, error.instance)}: the name {error.instance!r}, {_expected(error)}"
    else:
        yield f"{dotted(*path)}: {shown(error.instance)}, {_expected(error)}"


def _expected(error: Any) -> str:
    value = error.validator_value
    if "expected" in error.schema:  # our own keyword, where the schema's are hard to read
        return f"expected {error.schema['expected']}"
    if error.validator == "type":
        kinds = [value] if isinstance(value, str) else value
        return (
            "expected "
            + " or ".join(TYPES[kind] for kind in kinds)
            + (_as_text(error.instance) if "number" in kinds else "")
        )
    if error.validator == "enum":
        return one_of(error.instance, value)
    if error.validator == "format":
        return f"expected the symbol of a chemical element{nearest(error.instance, SYMBOLS)}"
    template = EXPECTED.get(str(error.validator))
    return f"expected {template.format(value)}" if template else error.message


def _as_text(value: Any) -> str:
    """A hint for numbers that YAML reads as text, such as 1e-3."""
    try:
        return f" (YAML reads it as text, write {float(value)})" if isinstance(value, str) else ""
    except ValueError:
        return ""
