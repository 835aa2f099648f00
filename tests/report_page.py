"""The report of a run, written, and read as a browser would."""

import re
from html.parser import HTMLParser

from limbeck.report.sections import write_report
from report_results import opened


def written(results, settings):
    """Write the report of a results folder; returns its folder."""
    write_report(opened(results, settings), results / "report")
    return results / "report"


class Page(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


def page_of(folder):
    """The page of a report."""
    return Page((folder / "index.html").read_text(encoding="utf-8"))
