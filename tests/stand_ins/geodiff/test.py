"""test.py of GeoDiff, as of commit ea0ca48: its conformer, shaken, in place of a model."""

import argparse
import os
import pickle
import time
from glob import glob

import numpy as np
import stand_in
import torch
import yaml

parser = argparse.ArgumentParser()
parser.add_argument("ckpt")
parser.add_argument("--tag", default="")
parser.add_argument("--num_confs", default="2x")
parser.add_argument("--test_set")
parser.add_argument("--start_idx", type=int, default=800)
parser.add_argument("--end_idx", type=int, default=1000)
parser.add_argument("--device", default="cuda")
parser.add_argument("--n_steps", type=int, default=5000)
parser.add_argument("--w_global", type=float, default=1.0)
args = parser.parse_args()
model = os.path.dirname(os.path.dirname(args.ckpt))
torch.load(args.ckpt)  # where it was made, on a GPU, if nobody says otherwise
with open(glob(os.path.join(model, "*.yml"))[0]) as file:
    seed = yaml.safe_load(file)["train"]["seed"]
torch.manual_seed(seed)
stand_in.record(seed=seed, loads_on=getattr(torch.load, "keywords", {}).get("map_location"))
out = os.path.join(model, "sample_" + time.strftime("%Y_%m_%d__%H_%M_%S") + "_" + args.tag)
os.makedirs(out)
with open(args.test_set, "rb") as file:
    data = pickle.load(file)[args.start_idx : args.end_idx]
results = []
for i, entry in enumerate(data):
    if i == 1 and stand_in.has("vanishes"):  # its coordinates became NaN
        continue
    count = int(args.num_confs)
    noise = 0.02 * np.random.randn(count, *entry.pos.shape)
    entry.pos_gen = (entry.pos + noise).reshape(-1, 3)
    if i == 0 and stand_in.has("nan"):
        entry.pos_gen[0] = float("nan")
    if i == 0 and stand_in.has("overlap"):
        entry.pos_gen[1] = entry.pos_gen[0] + 0.1
    results.append(entry)
with open(os.path.join(out, "samples_all.pkl"), "wb") as file:
    pickle.dump(results, file)
