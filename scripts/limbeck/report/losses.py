"""What was lost on the way: refused, cut, or without a good label.

It is said on the page's first section where it is more than a little: answers are of what is left.
"""

from collections import Counter
from collections.abc import Iterator

from limbeck.config.plan import STAGES
from limbeck.config.written import Verdict
from limbeck.gate.yields import yields
from limbeck.reasons import NOT_WANTED, STATUS, Status
from limbeck.report.page.items import Words
from limbeck.report.page.prose import prose
from limbeck.report.run.folder import Run

#: share of a source above which a loss is told
MATTERS = 0.05

told = prose("losses")


def notes(run: Run) -> list[Words]:
    """One note of all losses that matter, by source; none where there are none."""
    found = [words for one in (*_made(run), *_labelled(run)) for words in one]
    return [Words("note", told("losses", most=f"{MATTERS:.0%}", losses=found))] if found else []


def _made(run: Run) -> Iterator[list[str]]:
    """Of structures, force constants, samplings and clusters."""
    for stage in STAGES:
        for one in yields(run.config, stage, run.path):
            section, name, source = one.part
            yield loss(section, source, one.lost, one.asked, name=name, what=one.what)


def _labelled(run: Run) -> Iterator[list[str]]:
    """Of label sets; what no label was wanted for is not lost."""
    for name in run.config.labels:
        for source, counts in run.written(Verdict, f"gate/{name}.json").by_source.items():
            asked = {m: n for m, n in counts.items() if m not in _UNASKED}
            bad = Counter({m: n for m, n in asked.items() if m != STATUS[Status.GOOD]})
            yield loss("labels", source, bad, sum(asked.values()), name=name, what="frames")


_UNASKED = [STATUS[code] for code in NOT_WANTED]


def loss(
    section: str, source: str, lost: Counter[str], asked: int, *, name: str = "", what: str = ""
) -> list[str]:
    """A sentence where more than :data:`MATTERS` was lost; none else.

    Args:
        section: of the config, which says how the sentence goes on.
        lost: reason -> number.
        asked: of how many.
    """
    total = lost.total()
    if total <= MATTERS * asked:
        return []
    ((reason, number),) = lost.most_common(1)
    values = {"source": source, "lost": total, "asked": asked, "share": f"{total / asked:.0%}"}
    only = len([n for n in lost.values() if n]) == 1
    return [
        told("loss", **values, part=section, name=name, what=what)
        + told("reason", reason=reason, number=number, only=only)
    ]
