"""Atoms per second of pyscf by the size of molecules, for ``resources/rates.csv``.

Energy, forces, dipole, both kinds of charges and the electrostatic potential at four shells, in CPU
seconds of one thread: ``OMP_NUM_THREADS=1 python benchmarks/rates_pyscf.py``.
"""

import csv
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from ase.build import molecule  # noqa: E402
from scipy.stats import hmean  # noqa: E402

from limbeck.charges.surface import on_shells  # noqa: E402
from limbeck.config.sections.potentials import Pyscf  # noqa: E402
from limbeck.cost.rates import SIZES_OF_MOLECULES, of_size  # noqa: E402
from limbeck.frames import from_atoms  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.potentials.batch_plan import processor  # noqa: E402

#: molecules of each size, of the elements that most are made of
MOLECULES = dict(
    zip(SIZES_OF_MOLECULES, (("CO2", "H2O"), ("CH3OH",), ("CH3CONH2",), ("C6H6",)), strict=True)
)
METHODS = ("HF", "PBE", "PBE0")


def main() -> None:
    torch.set_num_threads(1)
    rows = csv.writer(sys.stdout, lineterminator="\n")
    for method in METHODS:
        section = Pyscf(name="pyscf", model="pyscf", method=method)
        potential = open_potential(section)
        potential.ask_for(["dipole", "charges", "mbis_charges", "esp"])
        for size, names in MOLECULES.items():
            speeds = []
            for name in names:
                atoms = molecule(name)
                atoms.rattle(0.05, seed=0)
                frames = on_shells(
                    from_atoms([atoms], groups=["a"], source="s"), (1.4, 1.6, 1.8, 2.0), 1.0
                )
                start = time.process_time()
                potential.predict(frames)
                speeds.append(len(atoms) / (time.process_time() - start))
            spread = (max(speeds) - min(speeds)) / 2 / np.mean(speeds)
            told = f"{hmean(speeds):.3g}", f"{spread:.2f}"
            rows.writerow((of_size(section, size), "cpu", "no", *told, processor("cpu")))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
