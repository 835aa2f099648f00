"""Types of fields that several sections have, and the errors of those that pydantic lacks."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from limbeck.config.sections.known import SYMBOLS
from limbeck.config.sections.messages import nearest_spelling

_T = TypeVar("_T")


@dataclass(frozen=True)
class Names:
    """Marks a field that names entries of sections; what is no section is allowed as it is."""

    sections: tuple[str, ...]


def wrong(expected: str) -> PydanticCustomError:
    """The error of a value in whose place something else was expected."""
    return PydanticCustomError("wrong", "expected {expected}", {"expected": expected})


@dataclass(frozen=True)
class ToldAs:
    """One sentence for whatever is wrong with a value: what was expected."""

    expected: str

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            try:
                return inner(value)
            except ValidationError:
                raise wrong(self.expected) from None

        return core_schema.no_info_wrap_validator_function(validate, handler(kind))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "expected": self.expected}


def _each_once(values: list[_T]) -> list[_T]:
    if any(value in values[:i] for i, value in enumerate(values)):
        raise wrong("every entry once")
    return values


def _known(symbol: str) -> str:
    if symbol not in SYMBOLS:
        raise wrong(f"the symbol of a chemical element{nearest_spelling(symbol, SYMBOLS)}")
    return symbol


def _plain(text: str) -> str:
    """Snakemake replaces what stands in braces, and a line break ends a line of a log."""
    if not text or not text.isprintable() or set(text) & set("{}"):
        raise wrong("text without braces and line breaks, not empty")
    return text


def _in_order(bounds: list[int]) -> list[int]:
    if bounds[0] > bounds[1]:
        raise wrong("the smaller number first")
    return bounds


def _usable_path(path: str) -> str:
    if len(path.encode()) > 2000 or max(len(part.encode()) for part in path.split("/")) > 255:
        raise wrong("a path of at most 2000 letters, at most 255 for each folder or file")
    return path


def _with_names(sections: Any) -> Any:
    """Each section with the name it stands under."""
    if not isinstance(sections, dict):
        return sections
    return {n: {"name": n, **s} if isinstance(s, dict) else s for n, s in sections.items()}


Count = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
AboveOne = Annotated[float, Field(gt=1)]
NotNegative = Annotated[float, Field(ge=0)]
#: a share of a whole
Fraction = Annotated[float, Field(ge=0, le=1)]
#: of a random symmetric strain
Strain = Annotated[float, Field(ge=0, le=0.2)]
#: of a random displacement, Angstrom
Displacement = Annotated[float, Field(ge=0, le=1)]
#: a distance in units of the sum of two covalent radii
DistanceRatio = Annotated[float, Field(ge=0, le=1.5)]
#: a distance in units of the sum of two van der Waals radii
ContactRatio = Annotated[float, Field(ge=0, le=1)]
#: minutes, at most a week
Minutes = Annotated[float, Field(ge=1, le=10080)]
Device = Literal["cpu", "cuda"]
LostDevice = Literal["stop", "cpu"]
SplitBy = Literal["group", "root", "frame"]
Polymorphs = Literal["together", "apart"]
Kept = Literal["energy", "forces", "descriptors"]
Element = Annotated[str, AfterValidator(_known)]
Unique = Annotated[
    list[_T], AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True})
]
Some = Annotated[Unique[_T], Field(min_length=1)]
Three = Annotated[list[_T], Field(min_length=3, max_length=3)]

#: the smallest and the largest number of something
Bounds = Annotated[list[Count], Field(min_length=2, max_length=2), AfterValidator(_in_order)]
BoundsFromZero = Annotated[
    list[Whole], Field(min_length=2, max_length=2), AfterValidator(_in_order)
]

#: text that stands in commands and logs as it is
Plain = Annotated[str, AfterValidator(_plain)]
#: of a file or folder of the user; whether it is there is asked elsewhere
UserPath = Annotated[Plain, AfterValidator(_usable_path)]

# Names become those of files: with the host's and more around it, one has at most 255 letters.
# Python's $ matches before a line break at the end as well, which the last part rules out (there is
# no \Z in JSON schemas).
_NAME = "[a-z0-9_-]{1,64}$(?!\\n)"
_LETTERS = "up to 64 lower-case letters, digits, _ and -"
Name = Annotated[str, Field(pattern=f"^{_NAME}"), ToldAs(_LETTERS)]
FreeName = Annotated[
    str,
    Field(pattern=f"^(?!generated$){_NAME}"),
    ToldAs(f"{_LETTERS}, and not generated"),
]
#: sections by name
Named = Annotated[dict[Name, _T], BeforeValidator(_with_names)]
#: sections by name, beside which there is "generated", what the sources made
NamedFreely = Annotated[dict[FreeName, _T], BeforeValidator(_with_names)]
#: the name of an entry of another section
ToPotential = Annotated[str, Names(("potentials",))]
ToLabelSet = Annotated[str, Names(("labels",))]
ToSource = Annotated[str, Names(("sources",))]
ToGenerator = Annotated[str, Names(("generators",))]
