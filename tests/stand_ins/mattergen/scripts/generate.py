"""The command mattergen-generate, as of commit ac9ddd4, with rocksalts in place of a model."""

import ast
import os
import random
import sys
import tempfile
import zipfile

import stand_in

SALTS = [("Li", "Cl"), ("Na", "Cl"), ("Na", "Br"), ("Mg", "O")]


def main(
    output_path,
    pretrained_name=None,
    model_path=None,
    batch_size=64,
    num_batches=1,
    properties_to_condition_on=None,
    sampling_config_path=None,
    sampling_config_overrides=None,
    record_trajectories=True,
    diffusion_guidance_factor=None,
):
    assert pretrained_name is not None or model_path is not None
    assert pretrained_name is None or model_path is None
    os.makedirs(output_path, exist_ok=True)
    if model_path:
        assert os.path.isfile(os.path.join(model_path, "checkpoints", "last.ckpt"))
    guidance = diffusion_guidance_factor or 0.0
    conditions = (properties_to_condition_on or {}) if guidance else {}  # silently ignored
    stand_in.record(conditions=conditions)
    if stand_in.has("nothing"):
        return
    if stand_in.has("fails"):
        raise IndexError("index 0 is out of bounds for dimension 0 with size 0")  # repeat_blocks
    count = batch_size * num_batches
    if stand_in.has("fewer"):
        count //= 2
    system = conditions.get("chemical_system", "").split("-")
    rows = []
    for i in range(count):
        pair = tuple(system) if len(system) == 2 else random.choice(SALTS)
        rows.append(crystal(pair, random.uniform(5.0, 6.0), i))
    path = os.path.join(output_path, "generated_crystals.extxyz")
    text = "".join(rows)
    if stand_in.has("half"):
        text = text[: int(0.7 * len(text))]
    with open(path, "w") as file:
        file.write(text)
    with zipfile.ZipFile(os.path.join(output_path, "generated_crystals_cif.zip"), "w") as made:
        for i in range(count):  # through files that all jobs share
            shared = os.path.join(tempfile.gettempdir(), f"gen_{i}.cif")
            with open(shared, "w") as file:
                file.write("data_of_another_job\n")
            made.write(shared, f"gen_{i}.cif")
    if record_trajectories:
        with open(os.path.join(output_path, "generated_trajectories.zip"), "w") as file:
            file.write("large")


def crystal(pair, side, i):
    """A rocksalt, or what a fault makes of every third."""
    a, b = pair
    corners = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    sites = [(a, x, y, z) for x, y, z in corners] + [(b, x + 0.5, y, z) for x, y, z in corners]
    sites = [(s, side * x, side * y, side * z) for s, x, y, z in sites]
    bad, cell = i % 3 == 1, [side, 0, 0, 0, side, 0, 0, 0, side]
    if bad and stand_in.has("elements"):
        sites[0] = ("Pb", *sites[0][1:])
    if bad and stand_in.has("dummy"):
        sites[0] = ("X", *sites[0][1:])
    if bad and stand_in.has("heavy"):
        sites[0] = ("Fm", *sites[0][1:])
    if bad and stand_in.has("nan"):
        sites[0] = (sites[0][0], float("nan"), 0.0, 0.0)
    if bad and stand_in.has("overlap"):  # across the face of the cell
        sites[0] = (sites[0][0], side - 0.1, 0.0, 0.0)
        sites[1] = (sites[1][0], 0.1, 0.0, 0.0)
    if bad and stand_in.has("flat"):
        cell[8] = 0.01
    rows = "".join(f"{s:2} {x:16.8f} {y:16.8f} {z:16.8f}\n" for s, x, y, z in sites)
    lattice = " ".join(f"{x:g}" if x == int(x) else repr(x) for x in map(float, cell))
    about = f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"'
    return f"{len(sites)}\n{about}\n{rows}"


def _main():
    """As python-fire reads a command line: unknown options are errors, values are literals."""
    given, known = {}, main.__code__.co_varnames[: main.__code__.co_argcount]
    for word in sys.argv[2:]:
        name, _, value = word.partition("=")
        name = name.removeprefix("--").replace("-", "_")
        if not word.startswith("--") or name not in known:
            sys.exit(f"ERROR: Could not consume arg: {word}")
        try:
            given[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            given[name] = value
    main(sys.argv[1], **given)
