"""Labels that come with a user's own files: what they are read from, and whether they fit."""

from collections.abc import Iterator
from typing import Any

from limbeck.config.plan import from_files
from limbeck.config.written import LabelsOfFile
from limbeck.report.page import cols
from limbeck.report.page.items import Words
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run

told = prose("file_labels")


def read(run: Run) -> dict[str, dict[str, Any]]:
    """What was found in the files of each label set that comes from files."""
    found = {}
    for name in from_files(run.config):
        path = f"labels/{name}.file.json"
        run.written(LabelsOfFile, path)
        found[name] = run.json(path)
    return found


def tables_of(run: Run) -> list[Table | None]:
    """From which keys labels were read, and the checks; none where no labels come from files."""
    found = run.once(read)
    rows = [
        {
            **{key: seen[key] for key in ("label_set", "n_frames", "n_labelled")},
            "theory": run.config.labels[name].labelled_by,
            "keys": ", ".join(f"{prop} from {key}" for prop, key in seen["keys"].items()),
            "lacking": _lacking(seen),
        }
        for name, seen in found.items()
    ]
    checks = [
        check | {"label_set": name} for name, seen in found.items() for check in seen["checks"]
    ]
    of_files = cols.text(label_set="Label set", theory="Made by")
    of_files += cols.count(n_frames="Frames", n_labelled="With energy and forces")
    of_files += cols.text(keys="Read from", lacking="Without")
    of_checks = cols.text(label_set="Label set", name="Compared", verdict="Verdict", text="Found")
    return [
        table("file_labels", told("labels"), of_files, rows),
        table("file_label_checks", told("checks"), of_checks, checks, folded=True),
    ]


def _lacking(seen: dict[str, Any]) -> str:
    """Frames that lack what others have, as ``stress (12)``."""
    found = dict(seen["lacking"])
    if seen["n_malformed"]:
        found["malformed"] = seen["n_malformed"]
    return ", ".join(f"{name} ({n})" for name, n in found.items()) or "nothing"


def cautions(run: Run) -> Iterator[Words]:
    """Labels that do not fit together, and were let pass."""
    for name, seen in run.once(read).items():
        for check in seen["checks"]:
            if check["verdict"] == "does not fit":
                yield Words(
                    "note", told("doubt", name=name, what=check["name"], text=check["text"])
                )
