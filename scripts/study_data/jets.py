"""Quark and gluon jets of proton collisions, by Pythia and FastJet, in their environment.

The recipe is that of EnergyFlow's qg_jets (Komiske, Metodiev, Thaler, arXiv 1810.05165): a Z boson
that goes to neutrinos, beside a gluon or a light quark, at 14 TeV; the hardest jet of each event by
the anti-kT algorithm of radius 0.4.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

#: class -> its process; in this order, as columns of the truth
PROCESSES = {
    "gluon": "WeakBosonAndParton:qqbar2gmZg",
    "quark": "WeakBosonAndParton:qg2gmZq",
}
NEUTRINOS, LIGHT, Z_BOSON = {12, 14, 16}, {1, 2, 3}, 23
#: limits of the hard process around those of jets, GeV: few events are in vain, and few jets lost
BELOW, ABOVE = 10.0, 50.0
RADIUS = 0.4
#: Pythia's seeds are below this
SEEDS = 900_000_000


def lines(process: str, own: dict[str, Any], seed: int) -> list[str]:
    """What Pythia is told."""
    return [
        "Print:quiet=on",
        "Beams:eCM=14000.",
        f"{process}=on",
        "WeakZ0:gmZmode=2",  # the Z alone, without the photon
        "23:onMode=off",
        "23:onIfAny=12 14 16",
        f"PhaseSpace:pTHatMin={own['min_pt'] - BELOW}",
        f"PhaseSpace:pTHatMax={own['max_pt'] + ABOVE}",
        "Random:setSeed=on",
        f"Random:seed={seed}",
    ]


def jets_of(name: str, count: int, own: dict[str, Any], seed: int) -> list[np.ndarray]:
    """Jets of a class: transverse momentum (GeV), rapidity and azimuth of each particle."""
    import fastjet
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for line in lines(PROCESSES[name], own, seed):
        if not pythia.readString(line):
            raise SystemExit(f"error: Pythia does not know {line!r}, expected pythia8mc 8.317.2")
    if not pythia.init():
        raise SystemExit(f"error: Pythia does not start with the process of {name} jets")
    algorithm = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    found: list[np.ndarray] = []
    while len(found) < count:
        if not pythia.next():
            continue
        jet = hardest_jet(pythia.event, algorithm, own)
        if jet is not None:
            found.append(jet)
    return found


def hardest_jet(event: Any, algorithm: Any, own: dict[str, Any]) -> np.ndarray | None:
    """The particles of an event's hardest jet, [M,3]; None where it is outside of the limits, or of
    a heavy quark."""
    import fastjet

    # 5 and 6 are what comes out of the hard process: the Z and a parton
    parton = next(abs(event[i].id()) for i in (5, 6) if event[i].id() != Z_BOSON)
    if parton != 21 and parton not in LIGHT:
        return None
    seen = [
        fastjet.PseudoJet(p.px(), p.py(), p.pz(), p.e())
        for p in (event[i] for i in range(event.size()))
        if p.isFinal() and abs(p.id()) not in NEUTRINOS
    ]
    clusters = fastjet.ClusterSequence(seen, algorithm)
    jets = fastjet.sorted_by_pt(clusters.inclusive_jets(own["min_pt"]))
    if not jets or jets[0].pt() >= own["max_pt"] or abs(jets[0].rap()) >= own["max_rapidity"]:
        return None
    rows = np.array([(p.pt(), p.rap(), p.phi()) for p in jets[0].constituents()])
    # azimuths of a jet lie together, and not at both ends of a turn
    rows[:, 2] = jets[0].phi() + (rows[:, 2] - jets[0].phi() + np.pi) % (2 * np.pi) - np.pi
    return rows[np.argsort(-rows[:, 0], kind="stable")]


def arrays(jets: dict[str, list[np.ndarray]], most: int) -> dict[str, np.ndarray]:
    """Jets of both classes in turn: particles [N,M,3], of which the hardest, zeros beyond; truth
    [N,2]; cluster [N], the event."""
    mixed = [(jet, k) for row in zip(*jets.values(), strict=True) for k, jet in enumerate(row)]
    widest = min(most, max(len(jet) for jet, _ in mixed))
    particles = np.zeros((len(mixed), widest, 3))
    for i, (jet, _) in enumerate(mixed):
        particles[i, : len(jet[:widest])] = jet[:widest]
    truth = np.eye(len(jets))[[k for _, k in mixed]]
    return {"inputs/particles": particles, "truth": truth, "cluster": np.arange(len(mixed))}


def write(path: Path, made: dict[str, np.ndarray], recipe: str) -> None:
    """A whole file, or none."""
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with h5py.File(temporary, "w") as file:
            for name, values in made.items():
                file.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
            file.attrs["stage"] = np.bytes_("make_study_data")
            file.attrs["recipe"] = np.bytes_(recipe)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def main() -> None:
    """Make as many jets of each class as are wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="the rule's settings (.json)")
    parser.add_argument("--recipe", default="", help="what the file is made of")
    parser.add_argument("--output", type=Path, required=True, help="the jets (.h5)")
    args = parser.parse_args()
    job = json.loads(args.settings.read_text(encoding="utf-8"))
    own = job["study"]
    each, seed = (own["count"] + 1) // 2, 2 * job["seed"]
    jets = {
        name: jets_of(name, each, own, 1 + (seed + k) % SEEDS) for k, name in enumerate(PROCESSES)
    }
    write(args.output, arrays(jets, own["max_particles"]), args.recipe)
    means = {name: round(float(np.mean([len(j) for j in some])), 1) for name, some in jets.items()}
    print(f"{each} jets of each class; mean numbers of particles: {means}")


if __name__ == "__main__":
    main()
