"""The section of a study, one module for each kind."""

from collections.abc import Iterator

from limbeck.report.page.items import Section
from limbeck.report.run.folder import Run
from limbeck.report.topics.study import expectation, frames_by_views


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the study, where the run has one."""
    for kind in (expectation, frames_by_views):
        yield from kind.parts_of(run)
