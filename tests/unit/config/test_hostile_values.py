"""Values of the wrong kind in every field there is: a sentence that names it, never a traceback."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from limbeck.config.config import Config
from limbeck.config.sections.base import Section
from limbeck.config.sections.messages import DISCRIMINATORS, validated
from limbeck.config.sections.sources import RandomCrystals
from limbeck.errors import LimbeckError

#: what people write by mistake, and what no field allows
HOSTILE = ["?", "all", [], ["?"], [-1, [2]], -3, 0, 2.5, True, {}, {"kind": "?"}, {1: 2}, None]


def places(kind: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple, type, dict]]:
    """Path, class and tag of every section that a config can have."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {f.alias or name: f for name, f in kind.model_fields.items()}
        tags = {n: get_args(fields[n].annotation)[:1] for n in DISCRIMINATORS if n in fields}
        yield path, kind, {name: tag[0] for name, tag in tags.items() if tag}
        for name, field in fields.items():
            yield from places(field.annotation, (*path, name))
    inside = {dict: ("some",), list: (0,)}.get(get_origin(kind), ())
    for part in get_args(kind):
        yield from places(part, path + inside)


PLACES = list(places(Config))


def config_with(path: tuple[str | int, ...], value: Any) -> Any:
    """A config in which ``value`` stands at ``path``, and nothing else."""
    for part in reversed(path):
        value = [value] if part == 0 else {part: value}
    return value


def test_all_sections_are_found():
    names = {kind.__name__ for _, kind, _ in PLACES}
    assert {"Config", "RandomCrystals", "MolecularDynamics", "TemperatureRamp", "Choice"} <= names


def test_a_union_that_nobody_has_a_sentence_for_is_told_as_well():
    class Part(Section):
        many: Literal["all"] | list[int] = "all"

    with pytest.raises(LimbeckError) as caught:
        validated(Part, {"many": "al"}, "some")
    lines = str(caught.value).splitlines()
    assert "some.many: 'al', expected one of all (did you mean all?)" in lines
    assert "some.many: 'al', expected a list" in lines


def test_all_space_groups_may_be_written_out():
    part = {"name": "r", "kind": "random_crystals", "count": 1, "elements": ["Si"]}
    assert validated(RandomCrystals, part | {"space_groups": "all"}) == validated(
        RandomCrystals, part
    )
    for odd in ("al", [0], [231], [14, 14], {"all": True}, 14):
        with pytest.raises(LimbeckError, match=r"space_groups: .*expected all, or a list of"):
            validated(RandomCrystals, part | {"space_groups": odd})


@pytest.mark.parametrize(
    ("path", "kind", "tag"),
    PLACES,
    ids=[f"{'.'.join(map(str, p))}-{k.__name__}" for p, k, _ in PLACES],
)
def test_a_wrong_value_is_told_with_its_field(path, kind, tag):
    for name, field in kind.model_fields.items():
        for value in HOSTILE:
            own = field.alias or name
            config, refused = config_with(path, {**tag, own: value}), False
            try:
                Config.model_validate(config)
            except ValidationError as error:
                refused = any(own in one["loc"][len(path) :] for one in error.errors())
            if (path, own) == ((), "run") and isinstance(value, str) and not refused:
                continue  # a name, and all that a config has to have
            with pytest.raises(LimbeckError) as caught:  # run is missing at least
                validated(Config, config)
            lines = str(caught.value).splitlines()
            assert all(": " in line for line in lines)
            start = ".".join(map(str, (*path, own)))
            told = [line for line in lines if line.startswith((f"{start}.", f"{start}:"))]
            assert told or not refused, (own, value, lines)
