"""How diverse the frames are, what the gate found, and what a hundred of them look like."""

from collections.abc import Iterator

from limbeck.report.page.items import Section, Words, section
from limbeck.report.page.prose import prose
from limbeck.report.run.folder import Run
from limbeck.report.topics.diversity import gate, sources
from limbeck.report.topics.diversity.contact_sheet import sheet
from limbeck.report.topics.diversity.dataset import storage_table

told = prose("diversity")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the gate and of diversity."""
    found = run.once(gate.verdicts)
    on_anyway = [
        Words("note", told("on_anyway", name=name))
        for name, one in found.items()
        if not one.go and one.on_no_go == "continue"
    ]
    items = [
        gate.criteria_table(found),
        gate.sources_table(found),
        gate.distances_table(found),
        gate.environments_table(found),
        gate.overlap_table(found),
        gate.ranges_table(found),
        storage_table(run),
        sheet(run),
    ]
    yield section("diversity", "Diversity and the gate", [*on_anyway, *items])
    yield from sources.parts_of(run)
