"""Tables of dynamics, phonons, clusters and differences."""

from collections.abc import Iterable
from math import sqrt

import numpy as np
import pandas as pd

from limbeck.datasets.split import PARTS
from limbeck.report.collect import Run
from limbeck.report.table import Column, Table, count, number, text

#: crystals that the page lists one by one
LISTED = 50


def dynamics(run: Run) -> Table | None:
    """MD by sampling and source: temperatures and their fluctuation, drift, what was cut."""
    if not len(run.sampled.trajectories):
        return None
    rows = []
    for (sampling, source), part in run.sampled.trajectories.groupby(
        ["sampling", "source"], sort=False
    ):
        closed = run.settings["sampling"][str(sampling)].get("ensemble") == "NVE"
        drift = ("total_" if closed else "") + "energy_drift_eV_per_atom_per_ps"
        rows.append(
            {
                "sampling": sampling,
                "source": source,
                "trajectories": len(part),
                "target_K": part["target_K"].mean(),
                "mean_K": part["temperature_K"].mean(),
                "spread_K": _root_mean_square(part["spread_K"]),
                "canonical_spread_K": np.nan if closed else _canonical_spread(part),
                "density_g_cm3": part["density_g_cm3"].mean(),
                "drift_of": "total" if closed else "potential",
                "drift_meV_per_atom_per_ps": 1000 * part[drift].median(),
                "cut": int(part["cut"].notna().sum()),
                "reasons": counted(part["cut"]),
            }
        )
    return Table(
        "dynamics",
        "Molecular dynamics after equilibration: mean temperature beside the target (means over "
        "trajectories), how far the temperature fluctuates along a trajectory beside what the "
        "canonical ensemble has for these numbers of atoms, T √(2 / (3N − 3)), density, median "
        "drift of the potential energy (of the total energy where nothing holds the temperature), "
        "and the trajectories that were cut, by reason.",
        [
            text("sampling", "Sampling"),
            text("source", "Source"),
            count("trajectories", "Trajectories"),
            number("target_K", "Target, K", ".0f"),
            number("mean_K", "Mean, K", ".1f"),
            number("spread_K", "Fluctuation, K", ".1f"),
            number("canonical_spread_K", "Canonical, K", ".1f"),
            number("density_g_cm3", "Density, g/cm³", ".3f"),
            text("drift_of", "Energy"),
            number("drift_meV_per_atom_per_ps", "Drift, meV/atom/ps", ".1f"),
            count("cut", "Cut"),
            text("reasons", "Why"),
        ],
        pd.DataFrame(rows),
    )


def _canonical_spread(part: pd.DataFrame) -> float:
    freedom = (3 * part["n_atoms"] - 3).clip(lower=1)
    return _root_mean_square(part["target_K"] * np.sqrt(2 / freedom))


def _root_mean_square(values: pd.Series) -> float:
    return sqrt(float((values**2).mean())) if values.notna().any() else float("nan")


def counted(reasons: Iterable[object]) -> str:
    """Reasons with their numbers, the most frequent first: ``too hot (3), bond broken (1)``."""
    numbers = pd.Series(list(reasons), dtype=object).dropna().value_counts(sort=True)
    return ", ".join(f"{reason} ({n})" for reason, n in numbers.items())


def constants(run: Run) -> Table | None:
    """Force constants by name and source: how many crystals have them, and why others have not."""
    rows = []
    for (name, source), table in run.sampled.constants.items():
        good = table[table["reason"].isna()]
        rows.append(
            {
                "force_constants": name,
                "source": source,
                "structures": len(table),
                "good": len(good),
                "displacements": good["displacements"].sum(),
                "lowest_THz": good["lowest_THz"].min(),
                "with_imaginary": int((table["imaginary_modes"].fillna(0) > 0).sum()),
                "acoustic_sum_eV_per_A2": good["acoustic_sum_eV_per_A2"].max(),
                "reasons": counted(table["reason"]),
            }
        )
    if not rows:
        return None
    return Table(
        "force_constants",
        "Force constants: structures that have them, displaced supercells, the lowest frequency of "
        "any (THz, negative where imaginary), structures with imaginary modes (kept or refused, as "
        "the config says), the largest breach of the acoustic sum rule, and why others have none.",
        [
            text("force_constants", "Name"),
            text("source", "Source"),
            count("structures", "Structures"),
            count("good", "With constants"),
            count("displacements", "Displaced"),
            number("lowest_THz", "Lowest, THz", ".3g"),
            count("with_imaginary", "Imaginary"),
            number("acoustic_sum_eV_per_A2", "Acoustic sum, eV/Å²", ".1e"),
            text("reasons", "Why not"),
        ],
        pd.DataFrame(rows),
    )


def crystals(run: Run) -> Table | None:
    """Force constants crystal by crystal; the first of them."""
    parts = [
        table.assign(force_constants=name, source=source)
        for (name, source), table in run.sampled.constants.items()
    ]
    if not parts or not sum(map(len, parts)):
        return None
    whole = pd.concat(parts, ignore_index=True)
    short = f"the first {LISTED} of {len(whole):,}" if len(whole) > LISTED else "one by one"
    return Table(
        "force_constants_by_structure",
        f"Force constants, {short}",
        [
            Column("id", "Structure", lambda v: v[:8]),
            text("source", "Source"),
            count("supercell_atoms", "Supercell, atoms"),
            count("displacements", "Displacements"),
            number("lowest_THz", "Lowest, THz", ".3g"),
            count("modes", "Modes"),
            count("imaginary_modes", "Imaginary"),
            number("seconds", "Seconds", ".1f"),
            text("reason", "Why not"),
        ],
        whole[:LISTED],
        folded=True,
        group="force_constants",
    )


def draws(run: Run) -> Table | None:
    """Frames along phonons, by sampling and source."""
    if not len(run.sampled.draws):
        return None
    rows = [
        {
            "sampling": sampling,
            "source": source,
            "draw": str(draw).replace("_", " "),
            "structures": int(part["reason"].isna().sum()),
            "modes": part["modes"].sum(),
            "frames": part["frames"].sum(),
            "too_near": part["too_near"].sum(),
            "sampled_over_thermal": part["sampled_over_thermal"].mean(),
            "reasons": counted(part["reason"]),
        }
        for (sampling, source, draw), part in run.sampled.draws.groupby(
            ["sampling", "source", "draw"], sort=False
        )
    ]
    return Table(
        "phonon_samplings",
        "Frames along normal modes: structures that gave frames, modes that were moved, frames "
        "kept, frames left out since atoms came too near, the mean of sampled over thermal "
        "mean-square displacement, and why structures gave none.",
        [
            text("sampling", "Sampling"),
            text("source", "Source"),
            text("draw", "Draw"),
            count("structures", "Structures"),
            count("modes", "Modes"),
            count("frames", "Frames"),
            count("too_near", "Too near"),
            number("sampled_over_thermal", "Sampled over thermal", ".3f"),
            text("reasons", "Why not"),
        ],
        pd.DataFrame(rows),
    )


def clusters(run: Run) -> Table | None:
    """Clusters by rule and size: how many there are, and why others are not."""
    table = run.sampled.clusters
    if not len(table):
        return None
    rows = []
    for key, part in table.groupby(
        ["subsystem", "rule", "n_molecules", "distance_A"], sort=False, dropna=False
    ):
        subsystem, rule, size, distance = key
        built = part[part["reason"].isna()]
        rows.append(
            {
                "subsystem": subsystem,
                "rule": str(rule).replace("_", " "),
                "n_molecules": size,
                "distance_A": distance,
                "clusters": len(built),
                "frames": built["frame"].nunique(),
                "n_atoms": _range(built["n_atoms"]),
                "composition": counted(built["composition"]) if len(built) else "",
                "not_built": len(part) - len(built),
                "reasons": counted(part["reason"]),
            }
        )
    data = pd.DataFrame(rows).sort_values(["subsystem", "distance_A", "n_molecules"], kind="stable")
    return Table(
        "clusters",
        "Clusters of molecules by rule and size, those that were built and why others were not. "
        "Where a rule goes by distance, the number of molecules is what came of it.",
        [
            text("rule", "Rule"),
            number("n_molecules", "Molecules", ".0f"),
            *([number("distance_A", "Within, Å", "g")] if data["distance_A"].notna().any() else []),
            count("clusters", "Clusters"),
            text("n_atoms", "Atoms"),
            text("composition", "Composition"),
            count("not_built", "Not built"),
            text("reasons", "Why not"),
        ],
        data,
        group="subsystem",
    )


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return "" if not len(values) else f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def deltas(run: Run) -> Table:
    """Differences of label sets: frames, and how much there is to learn, by part."""
    rows = []
    for name, counts in run.sampled.deltas.items():
        section = run.settings["delta"][name]
        for part in PARTS:
            found = counts[part]
            rows.append(
                {
                    "delta": name,
                    "baseline": section["baseline"],
                    "target": section["target"],
                    "part": part,
                    "frames": found["frames"],
                    "energy_meV_per_atom": found["energy_rms_meV_per_atom"],
                    "less_atoms_meV_per_atom": found["energy_less_atoms_rms_meV_per_atom"],
                    "forces_meV_per_A": found["forces_rms_meV_per_A"],
                }
            )
    return Table(
        "deltas",
        "Target less baseline, root mean square: of the energy as it is, of what is left of it "
        "after a constant for each element, and of the force components. The frames stand in "
        "delta/{name}/.",
        [
            text("delta", "Name"),
            text("baseline", "Baseline"),
            text("target", "Target"),
            text("part", "Part"),
            count("frames", "Frames"),
            number("energy_meV_per_atom", "Energy, meV/atom", ",.0f"),
            number("less_atoms_meV_per_atom", "Less atoms, meV/atom", ".2f"),
            number("forces_meV_per_A", "Forces, meV/Å", ".1f"),
        ],
        pd.DataFrame(rows),
    )
