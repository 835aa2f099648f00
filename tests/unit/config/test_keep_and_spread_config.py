"""What the config says of descriptors: who has them, and who needs them."""

import pytest
import yaml

from limbeck.config.load import resolve
from limbeck.errors import LimbeckError

VALID = """
run: test
sources:
  crystals: {kind: crystals, count: 8, elements: [Cu]}
potentials:
  small: {model: mace, pretrained: small, trust: true}
  emt: {model: emt}
sampling:
  rattled: {method: rattle, sources: [crystals], potential: small, keep: [descriptors]}
  hot: {method: md, sources: [crystals], potential: small, keep: [energy, descriptors]}
select: {include: [rattled, hot], count: 10, diversity: {by: kmeans}}
labels:
  emt: {potential: emt}
"""


def with_(section: str, **changes) -> dict:
    config = yaml.safe_load(VALID)
    part = config
    for name in section.split("."):
        part = part[name]
    part.update(changes)
    return config


def test_nothing_is_kept_or_spread_unless_asked_for():
    assert resolve(yaml.safe_load(VALID)).select.diversity.by == "kmeans"
    config = yaml.safe_load(VALID)
    del config["select"]["diversity"], config["sampling"]["rattled"]["keep"]
    resolved = resolve(config)
    assert resolved.select.diversity is None
    assert resolved.sampling["rattled"].keep == []
    del config["sampling"]["rattled"]["potential"]
    assert resolve(config).sampling["rattled"].potential is None


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("sampling.hot", {"potential": "emt"}, "sampling.hot.keep: descriptors of 'emt', a emt"),
        ("sampling.rattled", {"potential": None}, "sampling.rattled.potential: nothing, expected"),
        ("sampling.rattled", {"potential": "smal"}, "expected one of small, emt (did you mean sma"),
        (
            "sampling.hot",
            {"keep": ["energy"]},
            "select.diversity: frames of 'hot' have no descript",
        ),
        ("select", {"include": ["generated"]}, "select.diversity: frames of 'generated' have no"),
        ("select", {"score": {"potential": "emt"}}, "select.diversity: given beside select.score"),
        (
            "select",
            {"diversity": {"by": "chance"}},
            "select.diversity.by: 'chance', expected one of",
        ),
        ("sampling.hot", {"keep": ["charges"]}, "'charges', expected one of energy, forces, descr"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_field(section, changes, message):
    with pytest.raises(LimbeckError) as caught:
        resolve(with_(section, **changes))
    assert message in str(caught.value)
