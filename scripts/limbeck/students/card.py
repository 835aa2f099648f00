"""The card of a student: on what it was trained, and what it is worth."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from types import MappingProxyType
from typing import Any

from limbeck.config.sections.datasets import TESTS
from limbeck.config.written import AS_PLANNED
from limbeck.datasets.split import in_training
from limbeck.potentials.interface import About
from limbeck.potentials.repulsion.dimers import RATIOS
from limbeck.properties import PRODUCTS
from limbeck.warrant.judgement import NOTHING
from limbeck.warrant.statistics import MINIMUM_CLUSTERS, TINY, digits, estimate_of

MOST_PAIRS = 12  # that are named
#: A warning of such a share of the frames of known chemistry tells nothing; 1 % are meant to be.
WORTHLESS = 0.5
#: of a student whose forces and stress are outputs of their own; first of all, in its card and in
#: the program beside it
NOT_CONSERVATIVE = """Its forces and its stress are no slopes of its energy. Relax atoms in a fixed
cell, not the cell: a relaxation of the cell can run away. Run dynamics with a thermostat, not at
constant energy: the energy drifts. An equivariant student (`mace`, `painn`, `nep`,
`painn_distributed`) has neither fault."""


def caution_in_code() -> str:
    """:data:`NOT_CONSERVATIVE` as comment lines of a program."""
    return "".join(f"# {line}\n" for line in NOT_CONSERVATIVE.splitlines())


TEMPLATE = """# {student} from {label_set}, seed {seed}

{caution}`{architecture}`: {network} It has {parameters:,} parameters{built_with} and was trained on
{train_frames} frames ({valid_frames} to validate) in {took}; the weights are those
of epoch {best_epoch} of {epochs}{ended}. {steps_by}Elements: {elements}.

{ignores}{dimers}Labels: {potential} ({model}), views: {views}. {licence}. {citation}.

{origins}{tests}{floor}## What it is not for

A student is no better than its labels, and knows nothing of what they do not show. Look at the
warrant gap in the report before you trust it.

- Other elements than those above: it refuses them. Other charges, spins and bonds that break or
  form, where its training frames have none.
- Structures unlike its training frames: hotter, denser, in another phase, at a surface or a defect.
  {domain}
- Energies of one compound less those of another, where the errors of energies on new chemistry are
  as large as what is asked.
{direct}
## Where it comes from

Its network: {network_licence}; {network_citation}. Its weights: SHA-256 `{weights}`. Its recipe:
`{recipe}`, a hash of the settings of all jobs that it came of; `recipe` in the files beside it, and
the config in the folder `settings` of its run. Its labels are under the licence and the citation
above.

`limbeck check FOLDER` tells whether every file of this folder is as it was written, and
`limbeck export FOLDER --format ...` writes it for other programs.
"""


TEST = """## {title}

Mean absolute errors on {n_frames} test frames of {n_groups} groups ({n_roots} roots){without}.
{unseen} Intervals of 95 % are over {over}.{products}{charges}

| frames of | groups | against | energy, meV/atom | forces, meV/Å | RMS force, meV/Å | stress, GPa \
| RMS force error, meV/Å | cosine |
|---|---|---|---|---|---|---|---|---|
{rows}

"""
TITLES = {"test_known": "Known chemistry", "test_new": "New chemistry"}


def card(
    names: dict[str, Any],
    training: dict[str, Any],
    metrics: dict[str, Any],
    labels: dict[str, Any],
    elements: list[str],
    split_by: str,
    *,
    about: About,
    recipe: str,
    ignored: Mapping[str, int],
    origins: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> str:
    """Markdown.

    Args:
        names: label_set, student, seed.
        training: ``training.json``.
        metrics: ``metrics.json``.
        labels: attributes of the labels.
        about: the student.
        recipe: of this job.
        ignored: "charge", "spin": how many training frames have one that it does not read.
        origins: licence and citation of the structures, by source.
    """
    return TEMPLATE.format(
        caution="" if about.conservative else f"**Not conservative.** {NOT_CONSERVATIVE}\n\n",
        direct="" if about.conservative else DIRECT,
        floor=_floor(metrics.get("floor"), about.conservative),
        origins=_origins(origins),
        domain=_domain(metrics.get("far_from_data") or {}),
        network_licence=about.licence,
        network_citation=about.citation,
        weights=about.weights,
        recipe=recipe,
        **names,
        **{k: training[k] for k in _OF_TRAINING},
        took=_took(training["minutes"]),
        ended="" if training["ended"] == AS_PLANNED else f" ({training['ended']})",
        steps_by=_steps_by(training),
        built_with=_built_with(training.get("built_with", {})),
        elements=", ".join(elements),
        ignores=_ignores(ignored, training["train_frames"]),
        dimers=_dimers(metrics.get("attracting_pairs"), len(elements)),
        **{k: labels[k] for k in ("potential", "model", "views", "licence", "citation")},
        tests="".join(_test(name, metrics[name], split_by) for name in TESTS if metrics[name]),
    )


def _steps_by(training: Mapping[str, Any]) -> str:
    """The optimiser and the loss, where training.json tells its settings."""
    if training["learning_rate"] is None:
        return ""
    said = f"Optimiser: {training['optimiser']}, learning rate {training['learning_rate']:g}"
    said += f"{_pilot(training['trials'])}, batches of {training['batch_size']}"
    if training["muon_share"] is not None:
        said += f"; Muon moved {100 * training['muon_share']:.0f} % of the weights"
    said += ".\n"
    if training["loss"] is not None:
        own = training.get("losses")
        of = ", ".join(f"{n} {w:g}" for n, w in own.items()) if own else training["loss"]
        turned = "frames were turned at random in every step" if training["augment"] else ""
        said += f"Loss: {of}; {turned or 'frames were not turned'}.\n"
    if training.get("hessian_weight"):
        said += f"Products of the Hessian count {training['hessian_weight']:g} times in it.\n"
    if training.get("hard"):
        said += (
            f"Of energies and forces {100 * training['hard_share']:g} % go to the labels of the "
            f"reference, which\n{training['hard']['train_frames']} of its training frames have.\n"
        )
    return said


def _origins(found: Mapping[str, Mapping[str, str]]) -> str:
    """Licence and citation of the structures it was trained on, where the config has any."""
    lines = []
    for name, own in found.items():
        said = ". ".join(text for text in (own["licence"], own["citation"]) if text)
        lines.append(f"Structures of {name}: {said}.")
    return "".join(f"{line}\n\n" for line in lines)


def _pilot(trials: Sequence[Mapping[str, Any]]) -> str:
    """Where the learning rate comes from, if there was a pilot."""
    if not trials:
        return ""
    learned = any(trial["verdict"] == "learns" for trial in trials)
    how = "tuned, the best" if learned else "recommended, since none learned"
    return f" ({how} of {len(trials)})"


def _took(minutes: float) -> str:
    """In the unit that people would say it in; a second at least."""
    if minutes < 1:
        seconds = max(round(60 * minutes), 1)
        return f"{seconds} second{'s' * (seconds != 1)}"
    return f"{minutes:.1f} minutes" if minutes < 100 else f"{minutes / 60:.1f} hours"


DIRECT = """- Dynamics at constant energy, and relaxation of cells: see above.
"""
FLOOR = """No student whose forces are a gradient has a smaller root mean square force error against
{labels} of this teacher than {value} meV/Å, over structures {amplitude_A:g} Å from the test frames:
so much of the teacher's forces does work around closed loops. Measured around {n_frames} frames of
{n_groups} groups."""
FLOORS = {
    "as_given": "labels of frames as they are given",
    "one_view": "labels of one random view",
    "mean": "means over views",
}


def _floor(floor: Mapping[str, Any] | None, conservative: bool) -> str:
    """What the curl of the teacher's forces leaves no conservative student."""
    if floor is None:
        said = "Not known: it was not measured (`warrant.n_floor_frames`)."
    elif floor["labels"] == "conservative":
        said = "None: its teacher's forces are a gradient."
    else:
        said = FLOOR.format(
            labels=FLOORS[floor["labels"]],
            value=_short(floor),
            **{key: floor[key] for key in ("amplitude_A", "n_frames", "n_groups")},
        )
        if not estimate_of(floor).bounded:
            said += " There are too few groups for an interval: it is no more than a hint."
        if not conservative:
            said += " The forces of this student are no gradient: it can be better."
    return "## The floor\n\n" + fill(" ".join(said.split()), 100) + "\n\n"


def _domain(far: Mapping[str, float | None]) -> str:
    """How often it warns of test frames."""
    shares = [
        f"of {100 * far[name]:.3g} % of the test frames of {TITLES[name].lower()}"  # type: ignore[operator]
        for name in TESTS
        if far.get(name) == far.get(name) and far.get(name) is not None
    ]
    if not shares:
        return "It cannot tell these."
    said = f"`load_student` warns of them; it warned {' and '.join(shares)}."
    if (far.get("test_known") or 0.0) >= WORTHLESS:
        said += "\n  So many of known chemistry are false alarms: its warning is worthless."
    return said


def _built_with(sizes: Mapping[str, Any]) -> str:
    """Its sizes by the names of the config."""
    named = ", ".join(n if value is True else f"{n} {value:g}" for n, value in sizes.items())
    return f" ({named})" if named else ""


def _ignores(ignored: Mapping[str, int], frames: int) -> str:
    """That it goes by the atoms alone, and how many training frames contradict each other there."""
    if not ignored:
        return ""
    said = f"It does not read {' and '.join(ignored)}, and goes by the atoms alone."
    some = [f"{count} have a {name}" for name, count in ignored.items() if count]
    if some:
        said += f"\nOf its {frames} training frames, {' and '.join(some)}: states of the same atoms"
        said += "\nthat it cannot tell apart."
    return f"{said}\n\n"


def _dimers(attracting: Sequence[str] | None, elements: int) -> str:
    """Which pairs of atoms it does not keep apart; nothing where that is not known."""
    if attracting is None:
        return ""
    pairs, limit = elements * (elements + 1) // 2, f"{RATIOS[-1]:g} of their covalent radii"
    if not attracting:
        return f"Dimers: none of {pairs} pairs of its elements attract below {limit}.\n\n"
    named = ", ".join(attracting[:MOST_PAIRS]) + ", ..." * (len(attracting) > MOST_PAIRS)
    return (
        f"Dimers: {len(attracting)} of {pairs} pairs of its elements attract below {limit},\n"
        f"and may fall into each other there: {named}.\n\n"
    )


def _test(name: str, metrics: dict[str, Any], split_by: str) -> str:
    return TEST.format(
        title=TITLES[name],
        **{key: metrics[key] for key in ("n_frames", "n_roots", "n_groups")},
        without=_without(metrics["n_left_out"]),
        unseen=_unseen(name, split_by, metrics["near_copies"]),
        over=_over(metrics),
        products=_products(metrics["against"]["labels"].get(PRODUCTS)),
        charges=_charges(metrics["against"]["labels"], metrics.get("esp") or {}),
        rows="\n".join(_rows(metrics)),
    )


def _products(found: Mapping[str, Any] | None) -> str:
    """The error of products of the Hessian, where the labels have some."""
    if found is None:
        return ""
    relative = 100 * found["relative"]["value"]
    return (
        f"\nProducts of the Hessian with random directions are off by {_short(found)} eV/Å² (mean "
        f"absolute); the root mean\nsquare error is {digits(relative)} % of theirs, "
        f"{digits(found['size']['value'])} eV/Å²."
    )


#: what its potential stands beside, and how that is called
BESIDE = {
    "charges_fitted": "charges fitted to each structure",
    "dipoles_fitted": "these with dipoles",
    "quadrupoles_fitted": "and with quadrupoles",
    "mbis_charges": "the MBIS charges of the labels",
    "charges": "the charges of the labels",
}


def _charges(found: Mapping[str, Any], esp: Mapping[str, Any]) -> str:
    """Errors of charges, dipole and electrostatic potential, where the labels have these."""
    said = []
    if "charges" in found:
        said.append(f"charges are off by {_short(found['charges'])} e")
    if "dipole" in found:
        said.append(f"components of the dipole by {_short(found['dipole'])} D (mean absolute)")
    if "esp" in found:
        rms = digits(found["esp"]["size"]["value"])
        error = f"{_short(found['esp'])} kcal/mol/e (root mean square, of {rms})"
        said.append(f"the electrostatic potential by {error}")
    if not said:
        return ""
    text = f"Against the labels, {', '.join(said)}."
    beside = [f"{words} {_short(esp[n]['all'])}" for n, words in BESIDE.items() if n in esp]
    if beside:
        text += f" At the same points, {', '.join(beside)}: it is by these that it is to be judged."
    return "\n\n" + fill(text, 100)


def _without(count: int) -> str:
    return f"; {count} more have no answer of the student" if count else ""


def _unseen(test: str, split_by: str, near_copies: Sequence[str]) -> str:
    if test == "test_new":
        if near_copies:
            return f"It was trained on none of them by name, but {in_training(near_copies)}."
        return "It was trained on none of these groups."
    if split_by == "frame":
        return "It was trained on other frames of the same trajectories: this is interpolation."
    return (
        "It was trained on other structures of these groups, so that this says nothing of new "
        "chemistry."
    )


def _over(metrics: dict[str, Any]) -> str:
    """What intervals are over, see ``warrant.on_frames.drawn_together``."""
    if metrics["n_groups"] < MINIMUM_CLUSTERS and metrics["n_groups"] != 1:
        return f"groups, and there are none with fewer than {MINIMUM_CLUSTERS}"
    if metrics["n_groups"] == 1:
        return "the roots of the one group there is, and speak for other structures of it alone"
    return "groups"


_OF_TRAINING = "architecture network parameters train_frames valid_frames best_epoch epochs".split()


def _rows(metrics: dict[str, Any]) -> list[str]:
    tables = {**metrics["against"], "labels, by a constant": metrics["constant"]}
    if "by_compound" in metrics:
        tables["labels, by the mean of each group"] = metrics["by_compound"]
    if "teacher_against_reference" in metrics:
        tables["reference, by the labels"] = metrics["teacher_against_reference"]
    if "reference" in tables and _is_the_reference(metrics):
        del tables["reference"], tables["reference, by the labels"]
    rows = []
    for against, table in tables.items():
        rows.append(_row("all sources", against, table))
        rows += [_row(source, against, part) for source, part in table["by_source"].items()]
    return rows


def _is_the_reference(metrics: Mapping[str, Any]) -> bool:
    """Whether the labels are the reference, on all of the frames, but for rounding: they may come
    of other views of one potential that has no gap."""
    reference, between = metrics["against"]["reference"], metrics["teacher_against_reference"]
    values = [between[quantity]["value"] for quantity in ("energy", "forces")]
    as_many = reference["n_frames"] == metrics["against"]["labels"]["n_frames"]
    return as_many and all(value <= NOTHING for value in values)  # no NaN is


def _row(source: str, against: str, figures: dict[str, Any]) -> str:
    energy, forces = (_short(figures[k]) for k in ("energy", "forces"))
    forces_of = figures["forces"]
    return (
        f"| {source} | {figures['n_groups']} | {against} | {energy} | {forces} "
        f"| {figures['forces']['size']['value']:.0f} "
        f"| {_short(figures['stress']) if 'stress' in figures else '–'} "
        f"| {_short(forces_of['rmse'])} | {_short(forces_of['cosine'])} |"
    )


def _short(figure: Mapping[str, Any]) -> str:
    found = estimate_of(figure)
    text = digits(found.value)
    if not found.bounded or 0 <= found.low < found.high < TINY:
        return text
    return f"{text} ({digits(found.low)} to {digits(found.high)})"


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
    cells += [digits(gap["forces"]["value"]), f"{100 * share:.1f} %"]
    return f"| {source} | {errors['n_groups']} | {' | '.join(cells)} |"
