"""Rounds of training: what the students of each are worth, and where their dynamics end."""

from collections.abc import Iterable, Iterator
from typing import Any

from limbeck.config.rounds import Asked, asked
from limbeck.report.page import cols
from limbeck.report.page.items import Section, Words, paragraph, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.rounds.words import OWN_DYNAMICS, SETS, answers, in_order, title, verdict
from limbeck.warrant.statistics import estimate_of

told = prose("rounds")

Found = list[dict[str, Any]]
_COUNTS = {
    "train_frames": "Trained on",
    "new_labels": "New labels",
    "bad_labels": "Not good",
    "teacher_calls": "Calls for them",
}


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the rounds, where the run has some."""
    pairs = asked(run.config).values()
    if not pairs:
        return
    found = [run.json(f"rounds/{pair.label_set}.{pair.student}.json") for pair in pairs]
    sentences = [paragraph(sentence) for each in found for sentence in answers(each)]
    tables = [rounds_table(found), differences_table(found), dynamics_table(found)]
    yield section("rounds", "Rounds", [*sentences, Words("code", _where(run, pairs)), *tables])


def _where(run: Run, pairs: Iterable[Asked]) -> str:
    """Where the students of the last choice stand, a line for each pair of a label set and one."""
    last = ([each for each in pair.rounds if not each.random][-1] for pair in pairs)
    return "\n".join(
        f"results/{run.config.run}/students/{each.learned}/{each.student}/" for each in last
    )


def _each(found: Found) -> Iterator[tuple[str, dict[str, Any]]]:
    for comparison in found:
        pair = f"{comparison['label_set']}/{comparison['student']}"
        yield from ((pair, each) for each in comparison["rounds"])


def rounds_table(found: Found) -> Table | None:
    """Every round: what it learned from, what that cost, and its errors of forces."""
    rows = [
        {"pair": pair, "round": title(each)}
        | {name: each[name] for name in _COUNTS}
        | {"steps": max(each["steps"])}
        | {name: estimate_of(errors["forces"]) for name, errors in each["errors"].items()}
        for pair, each in _each(found)
    ]
    columns = [
        *cols.text(round="Round"),
        *cols.count(**_COUNTS, steps="Steps"),
        *cols.estimate(**{n: f"{SETS[n].heading}, meV/Å" for n in SETS if _has(rows, n)}),
    ]
    return table("rounds", told("rounds"), columns, rows, group="pair")


def _has(rows: Found, name: str) -> bool:
    return any(name in row for row in rows)


def differences_table(found: Found) -> Table | None:
    """Differences of two rounds on the same frames."""
    rows = [
        {
            "pair": f"{comparison['label_set']}/{comparison['student']}",
            "round": titles[each["round"]],
            "against": titles[each["less"]],
            "on": SETS[name].heading,
            "frames": errors["n_frames"],
            "roots": errors["n_roots"],
            "forces": estimate_of(errors["forces"]),
            "energy": estimate_of(errors["energy"]),
            "verdict": verdict(errors["forces"]),
        }
        for comparison in found
        for titles in [{each["round"]: title(each) for each in comparison["rounds"]}]
        for each in comparison["differences"]
        for name, errors in in_order(each["errors"])
    ]
    columns = [
        *cols.text(round="Round", against="Less", on="On"),
        *cols.count(frames="Frames", roots="Roots"),
        *cols.estimate(forces="Forces, meV/Å", energy="Energy, meV/atom"),
        *cols.text(verdict="Forces are"),
    ]
    return table("rounds_differences", told("differences"), columns, rows, group="pair")


def dynamics_table(found: Found) -> Table | None:
    """How far the dynamics of each round get, and what was chosen of those before."""
    rows = []
    for pair, each in _each(found):
        dynamics, choice = each["dynamics"], each["choice"]
        of_training, own = dynamics["of_training"], each["errors"].get(OWN_DYNAMICS, {})
        rows.append(
            {
                "pair": pair,
                "round": title(each),
                "trajectories": dynamics["trajectories"],
                "whole": estimate_of(dynamics["whole"]),
                "why": _counted(dynamics["reasons"]),
                "own_frames": own.get("n_frames"),
                "cut_of_training": "{cut} of {trajectories}".format(**of_training)
                if of_training["trajectories"]
                else None,
                "candidates": choice.get("candidates"),
                "set_aside": _counted(choice.get("set_aside", {})),
                "chosen": choice.get("chosen"),
            }
        )
    columns = [
        *cols.text(round="Round"),
        *cols.count(trajectories="Trajectories"),
        *cols.estimate(whole="Share that ended whole"),
        *cols.text(why="Others were cut: why"),
        *cols.count(own_frames="Frames tested on"),
        *cols.text(cut_of_training="Cut, of those to choose from"),
        *cols.count(candidates="Candidates"),
        *cols.text(set_aside="Set aside"),
        *cols.count(chosen="Taken"),
    ]
    return table("rounds_dynamics", told("dynamics"), columns, rows, folded=True, group="pair")


def _counted(found: dict[str, int]) -> str:
    return ", ".join(f"{reason} ({n})" for reason, n in found.items())
