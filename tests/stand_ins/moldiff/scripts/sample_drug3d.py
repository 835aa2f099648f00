"""scripts/sample_drug3d.py of MolDiff, as of commit db62fa1, with alkanes in place of a model."""

import argparse
import os
import sys
import time

sys.path.append(".")

import numpy as np
import stand_in
import yaml
from utils.transforms import sizes


def alkane(n, first):
    """The heavy atoms of a chain, as RDKit writes a MOL file."""
    rows = ["", "     RDKit          3D", "", f"{n:3}{n - 1:3}  0  0  0  0  0  0  0  0999 V2000"]
    shift = np.random.uniform(-0.02, 0.02, (n, 3))
    for i in range(n):
        x, y, z = np.array([1.27 * i, 0.42 * (-1) ** i, 0.0]) + shift[i]
        rows.append(f"{x:10.4f}{y:10.4f}{z:10.4f} {'C' if i else first:3} 0" + "  0" * 11)
    rows += [f"{i + 1:3}{i + 2:3}  1  0" for i in range(n - 1)]
    return "\n".join([*rows, "M  END"]) + "\n"


parser = argparse.ArgumentParser()
parser.add_argument("--config", default="./configs/sample/sample_MolDiff.yml")
parser.add_argument("--outdir", default="./outputs")
parser.add_argument("--device", default="cuda:7")
parser.add_argument("--batch_size", type=int, default=0)
args = parser.parse_args()
with open(args.config) as file:
    config = yaml.safe_load(file)
np.random.seed(config["sample"]["seed"] + sum(map(ord, args.outdir)))
stand_in.record(config=config)
assert os.path.isfile(config["model"]["checkpoint"])
assert args.device == "cpu", "no GPU here"
name = os.path.basename(args.config).split(".")[0] + time.strftime("_%Y%m%d_%H%M%S")
folder = os.path.join(args.outdir, name + "_SDF")
os.makedirs(folder)
os.makedirs(os.path.join(args.outdir, name))
count = 0 if stand_in.has("nothing") else config["sample"]["num_mols"]
count += 3 if stand_in.has("more") else 0
for i, n in enumerate(sizes(count)):
    text = alkane(n, "R" if i % 3 == 1 and stand_in.has("dummy") else "C")
    if i % 3 == 1 and stand_in.has("half"):
        text = text[:-30]
    with open(os.path.join(folder, f"{i}.sdf"), "w") as file:
        file.write(text)
    if i == 0:  # a way to it, and no molecule of its own
        with open(os.path.join(folder, f"traj_{i}.sdf"), "w") as file:
            file.write(alkane(1, "O") + "$$$$\n")
