"""Tables of the gate: what it asked and found, and what the frames of each source are like."""

from collections.abc import Iterator
from typing import Any

from limbeck.config.written import Verdict
from limbeck.report.page import cols
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.warrant.statistics import Estimate

#: rows of distances that the page shows open
MOST_OPEN = 12

told = prose("diversity")

Verdicts = dict[str, Verdict]


def verdicts(run: Run) -> Verdicts:
    """The verdict on each label set."""
    return {name: run.written(Verdict, f"gate/{name}.json") for name in run.config.labels}


def criteria_table(found: Verdicts) -> Table | None:
    """A row for each criterion of each label set."""
    rows = [
        {
            "label_set": name,
            **c.model_dump(),
            "value": float("nan") if c.value is None else c.value,
            "asked": f"{'at most' if c.at_most else 'at least'} {c.threshold:g}",
            "verdict": _verdict(c.passed, c.advice),
        }
        for name, one in found.items()
        for c in one.criteria
    ]
    columns = [
        *cols.text(label_set="Label set", name="Criterion", scope="Of"),
        *cols.number(".3f", value="Found"),
        *cols.text(asked="Asked for", unit="Unit", verdict="Verdict", words="Words"),
    ]
    return table("gate", told("criteria"), columns, rows)


def _verdict(passed: bool, advice: bool) -> str:
    return "passed" if passed else "not as advised" if advice else "not passed"


def _measured(found: Verdicts, part: str) -> Iterator[tuple[str, Any]]:
    """What was measured of each label set, where it was."""
    for name, one in found.items():
        if one.diversity and one.diversity.get(part):
            yield name, one.diversity[part]


def sources_table(found: Verdicts) -> Table | None:
    """How diverse each source is, and the whole set."""
    rows = []
    for name, one in found.items():
        diversity = one.diversity or {"by_source": {}, "whole": {"structures": 0}}
        groups = diversity.get("space_groups", {})
        for source, of in [*diversity["by_source"].items(), ("all", diversity["whole"])]:
            if of["structures"]:
                rows.append({"label_set": name, "source": source} | _row(of, groups.get(source)))
    group = {"one_space_group": "One space group, %"}
    density = {"density_g_cm3": "Density, g/cm³"}
    columns = [
        *cols.text(label_set="Label set", source="Source"),
        *cols.count(structures="Frames", elements="Elements"),
        *cols.number(".2f", entropy_bits="Entropy, bits"),
        *cols.number(".1f", mean_atoms="Atoms, mean"),
        *cols.number(".2f", size_variation="Variation"),
        *cols.number(".2f", **(density if any(row["density_g_cm3"] for row in rows) else {})),
        *cols.count(compositions="Compositions"),
        *cols.number(".1f", one_size="One size, %", one_composition="One composition, %"),
        *cols.number(".1f", **(group if any(row["one_space_group"] for row in rows) else {})),
        *cols.number(".1f", one_root="One root, %"),
    ]
    return table("diversity", told("sources"), columns, rows)


def _row(of: dict[str, Any], groups: dict[str, Any] | None) -> dict[str, Any]:
    densities = of.get("density_g_cm3")
    share = groups["share"] if groups else None
    return {
        **{k: v for k, v in of.items() if k != "elements"},
        "elements": len(of["elements"]),
        **{f"one_{what}": 100 * one["share"] for what, one in of["dominance"].items()},
        "compositions": of["dominance"]["composition"]["kinds"],
        "density_g_cm3": densities[1] if densities else None,
        "one_space_group": None if share is None else 100 * share,
    }


def distances_table(found: Verdicts) -> Table | None:
    """Bonds and nearest neighbours of each pair of elements against those of the reference."""
    rows = [
        {"label_set": name, "source": source, **pair}
        | {"apart": "yes" if pair["distance_A"] > pair["noise_A"] else "no"}
        for name, of in _measured(found, "distances")
        for source, pairs in of.items()
        for pair in sorted(pairs, key=lambda pair: -pair["distance_A"])
    ]
    columns = [
        *cols.text(label_set="Label set", source="Source", kind="Distances", pair="Pair"),
        *cols.number(".3f", distance_A="Apart by, Å", noise_A="Noise level, Å"),
        *cols.text(apart="Above the noise"),
        *cols.count(count="Distances", count_reference="Of the reference"),
    ]
    folded = len(rows) > MOST_OPEN
    return table("distances", told("distances"), columns, rows, folded=folded)


def environments_table(found: Verdicts) -> Table | None:
    """Entropy of environments, where it was measured."""
    measured = dict(_measured(found, "environments"))
    rows = [
        {"label_set": name, "source": source, "entropy": _estimate(value)}
        for name, of in measured.items()
        for source, value in of["entropy_nats"].items()
    ]
    columns = cols.text(label_set="Label set", source="Source")
    columns += cols.estimate(entropy="Entropy, nats")
    count = max((of["environments"] for of in measured.values()), default=0)
    return table("environments", told("environments", count=f"{count:,}"), columns, rows)


def _estimate(value: list[float | None]) -> Estimate:
    return Estimate(*(float("nan") if v is None else v for v in value))


def overlap_table(found: Verdicts) -> Table | None:
    """Share of each source's environments that another has, where it was measured."""
    rows = [
        {"label_set": name, "source": source, "other": other, "overlap": share}
        for name, of in _measured(found, "environments")
        for source, shares in of["overlap"].items()
        for other, share in shares.items()
    ]
    columns = cols.text(label_set="Label set", source="Of the environments of", other="Has")
    columns += cols.shown(cols.in_percent, overlap="Share")
    return table("overlap", told("overlap"), columns, rows)


#: quantity of a verdict -> how it is told
_RANGES = {"energy_eV_per_atom": "energy, eV/atom", "force_eV_per_A": "largest force, eV/Å"}


def ranges_table(found: Verdicts) -> Table | None:
    """Quantiles of energies and of the largest forces of good labels, by source."""
    names = ("least", "low", "middle", "high", "most")
    rows = [
        {"label_set": name, "source": source, "what": what} | dict(zip(names, values, strict=True))
        for name, one in found.items()
        for source, of in one.ranges.items()
        for key, what in _RANGES.items()
        if (values := of.get(key))
    ]
    columns = cols.text(label_set="Label set", source="Source", what="Of good labels")
    columns += cols.number(".3f", least="Least", low="5 %", middle="Median", high="95 %")
    columns += cols.number(".3f", most="Most")
    return table("ranges", told("ranges"), columns, rows)
