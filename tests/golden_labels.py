"""Labels of a few frames by each kind of potential, kept in a file.

``python tests/golden_labels.py`` writes them anew: raise LABELS_VERSION first, and say in the
commit which labels changed and why.
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from answers import crystals, molecules  # noqa: E402
from limbeck.averaging.views import Views  # noqa: E402
from limbeck.labelling.label import label  # noqa: E402
from limbeck.labelling.store import LABELS_VERSION  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from planted import real_frames  # noqa: E402

GOLDEN = ROOT / "tests" / "golden_labels.json"
MODELS = f"{ROOT}/resources/models"
SHARED = ROOT.parent / "shared" / "potentials"
VIEWS = {"as-given": Views(), "random": Views(3), "grid": Views(quadrature="tetrahedral")}


def rocksalt_alone():
    """Rattled NaCl: of the demo's elements."""
    return crystals().select([0])


#: kind -> (its section of the config, its frames)
POTENTIALS = {
    "lj": ({"model": "lj"}, real_frames),
    "emt": ({"model": "emt"}, real_frames),
    "chgnet": ({"model": "chgnet"}, crystals),
    "xtb": ({"model": "xtb"}, molecules),
    "mace": (
        {"model": "mace", "path": f"{MODELS}/mace-demo.model", "trust": True},
        rocksalt_alone,
    ),
    "orb": ({"model": "orb", "path": f"{MODELS}/orb-demo"}, rocksalt_alone),
    "matgl": (
        {"model": "matgl", "path": f"{SHARED}/TensorNet-MatPES-PBE-v2025.1-PES"},
        crystals,
    ),
}


def labels_of(kind):
    """view -> quantity -> numbers."""
    section, frames = POTENTIALS[kind]
    potential = open_potential({"name": kind, **section})
    found = {}
    for name, views in VIEWS.items():
        labels = label(potential, frames(), views, max_force=1e9)
        assert not labels.status.any()
        quantities = ("energy", "forces", "stress", "energy_spread", "forces_spread")
        found[name] = {q: np.asarray(getattr(labels, q)).ravel() for q in quantities}
    return found


def main():
    """Write the file."""
    golden = {"labels_version": LABELS_VERSION, "labels": {}}
    for kind in POTENTIALS:
        labels = labels_of(kind)
        golden["labels"][kind] = {
            view: {
                q: [None if np.isnan(v) else float(f"{v:.12g}") for v in values]
                for q, values in quantities.items()
            }
            for view, quantities in labels.items()
        }
    GOLDEN.write_text(json.dumps(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
