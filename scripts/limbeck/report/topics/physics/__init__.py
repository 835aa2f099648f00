"""Physics: what students make of dynamics and crystals, beside their teachers."""

from collections.abc import Iterator

from limbeck.report.page.items import Section, section
from limbeck.report.run.folder import Run
from limbeck.report.topics.physics import figures, tables


def parts_of(run: Run) -> Iterator[Section]:
    """The section of physics, where any was measured."""
    if run.config.warrant.physics.checks:
        yield section(
            "physics", "Physics", [*tables.first(run), *figures.all_of(run), *tables.more(run)]
        )
