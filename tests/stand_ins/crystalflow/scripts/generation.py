"""scripts/generation.py of CrystalFlow, as of commit 9c25ff0: anything, in place of a model."""

import argparse
import os
from pathlib import Path

import numpy as np
import stand_in
import torch
from eval_utils import PACKAGE

parser = argparse.ArgumentParser()
parser.add_argument("-m", "--model_path", required=True)
parser.add_argument("-S", "--num_batches_to_samples", default=20, type=int)
parser.add_argument("-B", "--batch_size", default=500, type=int)
parser.add_argument("--label", default="")
parser.add_argument("--dataset")
parser.add_argument("-N", "--ode-int-steps", type=int)
args = parser.parse_args()
stand_in.record(package=PACKAGE, model=sorted(os.listdir(args.model_path)), threads=torch.THREADS)
count = args.batch_size * args.num_batches_to_samples
numbers = np.random.randint(3, 30, 2 * count)
if stand_in.has("heavy"):
    numbers[::6] = 114
angles = np.full((count, 3), 90.0)
if stand_in.has("flat"):
    angles[1::3] = [10.0, 100.0, 170.0]
torch.save(
    {
        "eval_setting": args,
        "frac_coords": np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]] * count),
        "num_atoms": np.full(count, 2),
        "atom_types": numbers,
        "lengths": 4.0 + np.random.rand(count, 3),
        "angles": angles,
        "time": 1.0,
    },
    Path(args.model_path) / f"eval_gen_{args.label}.pt",
)
