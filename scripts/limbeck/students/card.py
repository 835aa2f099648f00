"""The card of a student: on what it was trained, and what it is worth."""

from collections.abc import Sequence
from typing import Any

from limbeck.datasets.split import in_training
from limbeck.warrant.statistics import MINIMUM_CLUSTERS, estimate_of

#: of a student whose forces and stress are outputs of their own; first of all, in its card and in
#: the program beside it
NOT_CONSERVATIVE = """Its forces and its stress are no slopes of its energy. Relax atoms in a fixed
cell, not the cell: a relaxation of the cell can run away. Run dynamics with a thermostat, not at
constant energy: the energy drifts. An equivariant student (`mace`) has neither fault."""

TEMPLATE = """# {student} from {label_set}, seed {seed}

{caution}`{architecture}`: {network} It has {parameters:,} parameters and was trained on
{train_frames} frames ({valid_frames} to validate) in {minutes:.1f} minutes; the weights are those
of epoch {best_epoch} of {epochs}. Elements: {elements}.

Labels: {potential} ({model}), views: {views}. {licence}. {citation}.

Mean absolute errors on {n_frames} test frames of {n_groups} groups ({n_roots} roots){without}, of
which {unseen}; 95 % intervals are over {over}:

| frames of | groups | against | energy, meV/atom | forces, meV/Å | RMS force component, meV/Å |
|---|---|---|---|---|---|
{rows}

A student is no better than its labels, and knows nothing of what they do not show. Look at the
warrant gap in the report before you trust it.

`python -m limbeck.check FOLDER` tells whether every file of this folder is as it was written.
"""


def card(
    names: dict[str, Any],
    training: dict[str, Any],
    metrics: dict[str, Any],
    labels: dict[str, Any],
    elements: list[str],
    split_by: str,
    *,
    conservative: bool,
) -> str:
    """Markdown.

    Args:
        names: label_set, student, seed.
        training: ``training.json``.
        metrics: of the test frames, as ``evaluation.evaluate`` gives them.
        labels: attributes of the labels.
        conservative: its forces are minus the gradient of its energy.
    """
    return TEMPLATE.format(
        caution="" if conservative else f"**Not conservative.** {NOT_CONSERVATIVE}\n\n",
        **names,
        **{k: training[k] for k in _OF_TRAINING},
        elements=", ".join(elements),
        **{k: labels[k] for k in ("potential", "model", "views", "licence", "citation")},
        n_frames=metrics["n_frames"],
        **{key: metrics[key] for key in ("n_roots", "n_groups")},
        without=_without(metrics["n_left_out"]),
        unseen=_unseen(split_by, metrics["near_copies"]),
        over=_over(metrics),
        rows="\n".join(_rows(metrics)),
    )


def _without(count: int) -> str:
    return f"; {count} more have no answer of the student" if count else ""


#: what the test frames of a split show
_UNSEEN = {
    "group": "it was trained on none",
    "root": "it was trained on other structures, so that this says nothing of new chemistry",
    "frame": "it was trained on other frames of the same trajectories: this is interpolation",
}


def _unseen(split_by: str, near_copies: Sequence[str]) -> str:
    if split_by == "group" and near_copies:
        return f"it was trained on none by name, but {in_training(near_copies)}"
    return _UNSEEN[split_by]


def _over(metrics: dict[str, Any]) -> str:
    """What intervals are over, see ``warrant.on_frames.drawn_together``."""
    if metrics["n_groups"] < MINIMUM_CLUSTERS and metrics["n_groups"] != 1:
        return f"groups, and there are none with fewer than {MINIMUM_CLUSTERS}"
    if metrics["n_groups"] == 1:
        return "the roots of the one group there is, and speak for other structures of it alone"
    return "groups"


_OF_TRAINING = (
    "architecture network parameters train_frames valid_frames minutes best_epoch epochs".split()
)


def _rows(metrics: dict[str, Any]) -> list[str]:
    tables = {**metrics["against"], "labels, by a constant": metrics["constant"]}
    if tables.get("reference") == tables["labels"]:  # the labels are the reference
        del tables["reference"]
    rows = []
    for against, table in tables.items():
        rows.append(_row("all sources", against, table))
        rows += [_row(source, against, part) for source, part in table["by_source"].items()]
    return rows


def _row(source: str, against: str, figures: dict[str, Any]) -> str:
    energy, forces = (_short(figures[k]) for k in ("energy", "forces"))
    return (
        f"| {source} | {figures['n_groups']} | {against} | {energy} | {forces} "
        f"| {figures['forces']['size']['value']:.0f} |"
    )


def _short(figure: dict[str, Any]) -> str:
    found = estimate_of(figure)
    text = f"{found.value:.3g}"
    return text + f" ({found.low:.3g} to {found.high:.3g})" if found.bounded else text


_VIEWS = """## In other orientations

Mean absolute force errors against {reference} on the same test frames, meV/Å, with 95 % intervals
over groups: of the frame as it is given, of single random views (drawn independently of the 24),
and of the mean of 24 random views; and the rotation gap, the root mean square spread over views.

| frames of | groups | as given | one random view | mean of 24 | gap | one random view / RMS force |
|---|---|---|---|---|---|---|
{rows}
"""


def views_in_words(warrant: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Markdown of the errors and the gap in other orientations, by source.

    Args:
        warrant: a file of ``warrant/`` with errors and a rotation gap.
        metrics: of the test frames, as ``evaluation.evaluate`` gives them.
    """
    errors = warrant["errors"]
    (gap,) = [g for g in warrant["gaps"] if g["symmetry"] == "rotation"]
    sizes = metrics["against"]["labels"]
    rows = [_views_row("all sources", errors, gap, sizes)]
    for source, part in errors["by_source"].items():
        here = (part, gap["by_source"][source], sizes["by_source"][source])
        rows.append(_views_row(source, *here))
    return _VIEWS.format(reference=errors["reference"], rows="\n".join(rows))


def _views_row(
    source: str, errors: dict[str, Any], gap: dict[str, Any], sizes: dict[str, Any]
) -> str:
    cells = [_short(errors[kind]["forces"]) for kind in ("as_given", "random", "averaged")]
    share = errors["random"]["forces"]["value"] / sizes["forces"]["size"]["value"]
    cells += [f"{gap['forces']['value']:.3g}", f"{100 * share:.1f} %"]
    return f"| {source} | {errors['n_groups']} | {' | '.join(cells)} |"
