"""scripts/sample.py of CrystalFlow, as of commit 9c25ff0, with cubic cells in place of a model."""

import argparse
import os
import random
import re

import stand_in
from eval_utils import PACKAGE


def cell(formula, i):
    """A simple cubic arrangement, or what a fault makes of every third."""
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", formula)
    symbols = [s for s, n in parts for _ in range(int(n or 1))]
    per_side = 1
    while per_side**3 < len(symbols):
        per_side += 1
    side = per_side * random.uniform(2.6, 3.0)
    sites = [(x, y, z) for x in range(per_side) for y in range(per_side) for z in range(per_side)]
    rows = [[v / per_side for v in site] for site in sites[: len(symbols)]]
    if i % 3 == 1 and stand_in.has("overlap"):
        rows[1] = [v + 1e-3 for v in rows[0]]
    if i % 3 == 1 and stand_in.has("nan"):
        rows[0] = [float("nan")] * 3
    if i % 3 == 1 and stand_in.has("heavy"):
        symbols[0] = "Fl"
    return symbols, side, rows


def poscar(symbols, side, rows):
    names = list(dict.fromkeys(symbols))
    counts = [symbols.count(name) for name in names]
    ordered = [row for name in names for s, row in zip(symbols, rows, strict=True) if s == name]
    lines = [" ".join(f"{n}{c}" for n, c in zip(names, counts, strict=True)), "1.0"]
    lines += [" ".join(f"{side if a == b else 0.0:.6f}" for b in range(3)) for a in range(3)]
    lines += [" ".join(names), " ".join(map(str, counts)), "direct"]
    lines += [" ".join(f"{v:.10f}" for v in row) for row in ordered]
    return "\n".join(lines) + "\n"


parser = argparse.ArgumentParser()
parser.add_argument("-m", "--model_path", required=True)
parser.add_argument("-d", "--save_path", required=True)
parser.add_argument("-n", "--num_evals", default=1, type=int)
parser.add_argument("-B", "--batch_size", default=500, type=int)
parser.add_argument("-N", "--ode-int-steps", type=int)
parser.add_argument("-f", "--formula", nargs="+", required=True)
parser.add_argument("--anneal_coords", action="store_true")
parser.add_argument("--anneal_slope", type=float, default=0.0)
args = parser.parse_args()
stand_in.record(package=PACKAGE, model=sorted(os.listdir(args.model_path)))
os.environ["PROJECT_ROOT"]
for kind in ("cif", "vasp"):
    os.makedirs(os.path.join(args.save_path, kind))
# of several formulas the first alone
for i in range(0 if stand_in.has("nothing") else args.num_evals):
    symbols, side, rows = cell(args.formula[0], i)
    if i % 3 == 1 and stand_in.has("gaps"):
        print(f"{i} is Error Structure. Skipped.")
        continue
    with open(os.path.join(args.save_path, "vasp", f"{i}.vasp"), "w") as file:
        file.write(poscar(symbols, side, rows))
open(f"{args.save_path}.pt", "wb").close()
