"""The section of physics: every model, what is asked, and figures of what there is."""

from copy import deepcopy

import pytest

from limbeck.report.page.figure import PageFigure
from limbeck.report.page.table import Table
from limbeck.report.topics.physics import parts_of
from physics_results import PHYSICS, write_physics
from report_results import SETTINGS, opened

SETTINGS_OF_PHYSICS = deepcopy(SETTINGS)
SETTINGS_OF_PHYSICS["warrant"]["physics"] = PHYSICS


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    """Tables and figures by their names."""
    results = tmp_path_factory.mktemp("results") / "made-up"
    write_physics(results, SETTINGS_OF_PHYSICS)
    (section,) = parts_of(opened(results, SETTINGS_OF_PHYSICS))
    return {item.name: item for item in section.items}


def test_all_models_stand_side_by_side_with_their_teacher_first(items):
    found = items["physics"].data
    assert found["model"].tolist() == [
        "orb-demo (teacher)",
        "orb-demo-k12/mace-small",
        "orb-demo-k12/direct-small",
    ]
    # springs of 0.81: the root of it in frequencies, itself in the modulus
    assert found["frequency_error"].tolist()[1:] == pytest.approx([0.1, 0.1], abs=1e-3)
    assert found["bulk_modulus_error"].tolist()[1:] == pytest.approx([0.19, 0.19], abs=2e-3)
    assert found["loose"].tolist() == ["0 of 1"] * 3
    # two starts at 2 fs, and two at 100 K
    assert found["lost"].tolist()[0].startswith("0 of 4")
    shown = items["physics"].groups()[0][1]
    assert [len(cells) for cells in shown] == [len(items["physics"].columns)] * 3


def test_bars_say_what_was_asked(items):
    bars = items["physics_bars"].data.query("student == 'orb-demo-k12/mace-small'")
    of = dict(zip(bars["name"], bars["outcome"], strict=True))
    assert of["phonon frequencies"] == of["bulk modulus"] == of["all of these"] == "failed"
    assert of["volume"] == of["no false soft mode"] == of["drift of the total energy (2 fs)"]
    assert of["volume"] == "passed"
    assert any("failed" in cells for _, rows in items["physics_bars"].groups() for cells in rows)


def test_there_is_a_figure_of_each_check(items):
    found = {name for name, item in items.items() if isinstance(item, PageFigure)}
    kinds = ("drift", "radial_orb-demo", "frequencies_orb-demo", "volumes_orb-demo")
    assert found == {f"physics_{kind}" for kind in kinds}
    drawn = items["physics_frequencies_orb-demo"].data
    ratio = drawn["student_THz"] / drawn["teacher_THz"]
    assert ratio.tolist() == pytest.approx([0.9] * len(ratio), abs=2e-3)


def test_crystals_are_told_one_by_one(items):
    found = items["physics_crystals"].data
    moduli = found["bulk_modulus_GPa"].tolist()
    assert moduli[1] / moduli[0] == pytest.approx(0.81, abs=2e-3)
    assert isinstance(items["physics_crystals"], Table)
    assert items["physics_crystals"].folded


def test_without_checks_there_is_no_section(tmp_path):
    assert list(parts_of(opened(tmp_path, SETTINGS))) == []
