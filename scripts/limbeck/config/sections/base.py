"""What a section of the config is."""

import json
from collections.abc import Iterator
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

#: a field, and what is said of it
Fault = tuple[str, str]


class Section(BaseModel):
    """A part of the config. No other fields, and nothing converted: 2.0 is no count.

    The text below a field is its description, which README and schema of the config show.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, regex_engine="python-re"
    )

    def faults(self) -> Iterator[Fault]:
        """What is wrong with fields that are right one by one."""
        yield from ()

    def text(self) -> str:
        """All of it as JSON."""
        return json.dumps(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        found = list(self.faults())
        if found:
            raise PydanticCustomError("faults", "fields do not fit together", {"faults": found})
        return self


class NamedSection(Section):
    """A section that stands in the config under a name, and knows it."""

    name: str = ""
