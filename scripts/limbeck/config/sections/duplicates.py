"""Which structures are taken for one and the same."""

from typing import Annotated

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Section


class Duplicates(Section):
    """Structures that are the same as an earlier one are dropped before they are sampled."""

    distance_A: Annotated[float, Field(gt=0, le=0.2)] | None = 0.02
    """Two structures are the same where their atoms are at most so far apart when one is laid upon
    the other, root mean square, in Angstrom; cells may differ by a strain that moves neighbours
    about as far. Null looks for none. Turned, shifted, mirrored and renumbered, or in another cell,
    a structure stays the same. The first of the first source stays."""
    keep_all_of: t.Unique[t.ToSource] = Field(default=[])
    """Names of sources of which none is dropped; of those whose files have labels that the run uses
    none ever is."""
