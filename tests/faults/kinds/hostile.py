"""Files that would run code, or lie about how large they are."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from faults.harness import Case, kind
from faults.outcomes import Verdict, wrong
from faults.runs import CONFIG, PATIENCE, RUN

CPU = 20  # s, of which imports take up to six
MEMORY = 3 * 2**20  # kB; torch and matgl take up to one GB
EVIL = "evil.yaml"
OPEN = (
    "import json, sys; from limbeck import cli; from limbeck.potentials import open_potential; "
    "cli.run(lambda: open_potential(json.loads(sys.argv[1])))"
)
LOAD = (
    "import sys; from limbeck import cli, load_student; cli.run(lambda: load_student(sys.argv[1]))"
)
#: folder of the case, marker -> (a command line, the name that its answer has to have)
Trap = Callable[[Case, Path], tuple[list[str], str]]


class Mark:
    """Makes a folder when it is unpickled, as any code could be run."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.marker),)


def _opened(**potential: object) -> list[str]:
    return ["python", "-c", OPEN, json.dumps({"name": "p", **potential})]


def _job_reading(case: Case, name: str) -> list[str]:
    """The command line of the first job that reads a file; its outputs are removed."""
    job = next(job for job in case.reference.cold.jobs if name in job.inputs)
    case.workspace.remove(job)
    return ["python", *job.words]


def pickled_weights(case: Case, marker: Path) -> tuple[list[str], str]:
    """A .model of MACE without its hash."""
    path = case.workspace.path("evil.model")
    path.write_bytes(pickle.dumps(Mark(marker)))
    return _opened(model="mace", path="evil.model"), "evil.model"


def pickled_safetensors(case: Case, marker: Path) -> tuple[list[str], str]:
    """The weights of a student."""
    import torch

    folder = case.workspace.path(f"{RUN}/students/emt/direct-tiny/seed1/model")
    torch.save(Mark(marker), folder / "model.safetensors")
    words = ["python", "-c", LOAD, str(folder.relative_to(case.workspace.folder))]
    return words, "model.safetensors"


def matgl_folder(case: Case, marker: Path) -> tuple[list[str], str]:
    """A model of matgl, with its right hash, whose arguments name a data set of pickles."""
    import torch
    from matgl.apps.pes import Potential
    from matgl.models import TensorNet

    from limbeck.files import sha256_of

    folder, cache = case.workspace.path("model"), case.workspace.path("cache")
    cache.mkdir()
    network = TensorNet(element_types=("H", "O"), is_intensive=False, units=8, nblocks=1)
    folder.mkdir()
    Potential(network).save(folder)
    for name in ("a", "b", "c"):
        torch.save(Mark(marker) if name == "a" else [], cache / name)
    (cache / "d").write_text("{}")
    fields = ("filename", "filename_lattice", "filename_state_attr", "filename_labels")
    arguments = {"root": str(cache), **dict(zip(fields, "abcd", strict=True))}
    named = {"@class": "MGLDataset", "@module": "matgl.graph.data", "@model_version": 0}
    whole = torch.load(folder / "model.pt", weights_only=True)
    whole[case.rng.choice(["model", "element_refs"])] = named | {"init_args": arguments}
    torch.save(whole, folder / "model.pt")
    return _opened(model="matgl", path="model", sha256=sha256_of(folder)), "model"


def external_link(case: Case, marker: Path) -> tuple[list[str], str]:
    """An HDF5 file that takes its positions from another file."""
    name = f"{RUN}/screened/own/0.h5"
    secret = case.workspace.path("secret.h5")
    with h5py.File(case.workspace.path(name), "a") as file, h5py.File(secret, "w") as other:
        file.copy("atoms/positions", other, "positions")
        del file["atoms/positions"]
        if case.rng.random() < 0.5:
            file["atoms/positions"] = h5py.ExternalLink(str(secret), "positions")
        else:
            shape = other["positions"].shape
            layout = h5py.VirtualLayout(shape, dtype="f8")
            layout[:] = h5py.VirtualSource(str(secret), "positions", shape=shape)
            file.create_virtual_dataset("atoms/positions", layout)
    return _job_reading(case, name), name


def external_storage(case: Case, marker: Path) -> tuple[list[str], str]:
    """An HDF5 file whose positions are the bytes of any file."""
    name = f"{RUN}/screened/own/0.h5"
    with h5py.File(case.workspace.path(name), "a") as file:
        shape = file["atoms/positions"].shape
        del file["atoms/positions"]
        size = int(np.prod(shape)) * 8
        file.create_dataset(
            "atoms/positions", shape, "f8", external=[("/proc/self/cmdline", 0, size)]
        )
    return _job_reading(case, name), name


def huge_shape(case: Case, marker: Path) -> tuple[list[str], str]:
    """An HDF5 file that promises 10^12 atoms and holds none."""
    name = f"{RUN}/screened/own/0.h5"
    with h5py.File(case.workspace.path(name), "a") as file:
        del file["atoms/positions"]
        file.create_dataset("atoms/positions", (10**12, 3), "f8", chunks=(10**4, 3))
    return _job_reading(case, name), name


def alias_bomb(case: Case, marker: Path) -> tuple[list[str], str]:
    """A YAML file of 11 lines with 10^10 entries, as settings."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    lines.append("min_density_g_cm3: *a9")
    case.workspace.path(EVIL).write_text("\n".join(lines))
    words = ["python", "scripts/screen_structures.py", "--settings", EVIL, "--input", "x.h5"]
    return [*words, "--output", "y.h5", "--rejects", "z.csv"], "settings"


def yte(case: Case, marker: Path) -> tuple[list[str], str]:
    """A config that runs Python as Snakemake reads it."""
    text = case.workspace.path(CONFIG).read_text()
    code = f"\n__use_yte__: true\n__definitions__:\n  - import os\n  - os.mkdir('{marker}')\n"
    case.workspace.path(EVIL).write_text(text + code)
    return ["make", "run", f"CONFIG={EVIL}", "CORES=2"], EVIL


def long_name(case: Case, marker: Path) -> tuple[list[str], str]:
    """A name of 300 letters, a trailing newline, or braces in a path."""
    text = case.workspace.path(CONFIG).read_text()
    changes = [
        ("run: faults", f"run: {'a' * 300}"),
        ("run: faults", 'run: "faults\\n"'),
        ("path: resources/crystals/urea.cif", 'path: "resources/{run}/urea.cif"'),
    ]
    old, new = case.rng.choice(changes)
    case.workspace.path(EVIL).write_text(text.replace(old, new))
    case.place += f": {new[:30]!r}"
    named = "run" if old.startswith("run") else "path"
    return ["make", "run", f"CONFIG={EVIL}", "CORES=2"], named


def deep_json(case: Case, marker: Path) -> tuple[list[str], str]:
    """A model.json of 200,000 levels."""
    folder = f"{RUN}/students/emt/direct-tiny/seed1/model"
    depth = 200_000
    case.workspace.path(f"{folder}/model.json").write_text("[" * depth + "]" * depth)
    return ["python", "-c", LOAD, folder], "model.json"


def many_atoms(case: Case, marker: Path) -> tuple[list[str], str]:
    """An extended XYZ file that promises 10^12 atoms: set aside, or refused."""
    name = "tests/config/faults.extxyz"
    case.workspace.path(name).write_text(f"{10**12}\n\nCu 0 0 0\n")
    job = case.reference.cold.job(f"{RUN}/structures/own/0.h5")
    case.workspace.remove(job)
    return ["python", *job.words], name


def many_sites(case: Case, marker: Path) -> tuple[list[str], str]:
    """A CIF of 3,000 sites in a group of 192 operations."""
    rng = np.random.default_rng(case.rng.randrange(2**32))
    lengths = "\n".join(f"_cell_length_{x} 60" for x in "abc")
    angles = "\n".join(f"_cell_angle_{x} 90" for x in ("alpha", "beta", "gamma"))
    loop = "loop_\n_atom_site_label\n" + "\n".join(f"_atom_site_fract_{x}" for x in "xyz")
    sites = "\n".join("Cu " + " ".join(f"{x:.4f}" for x in p) for p in rng.random((3000, 3)))
    group = "_symmetry_space_group_name_H-M 'F m -3 m'\n_symmetry_Int_Tables_number 225"
    name = "resources/crystals/urea.cif"
    path = case.workspace.path(name)
    path.write_text(f"data_x\n{lengths}\n{angles}\n{group}\n{loop}\n{sites}\n")
    job = case.reference.cold.job(f"{RUN}/structures/urea/0.h5")
    case.workspace.remove(job)
    return ["python", *job.words], name


TRAPS: tuple[Trap, ...] = (
    yte,
    pickled_weights,
    external_link,
    matgl_folder,
    alias_bomb,
    deep_json,
    many_atoms,
    pickled_safetensors,
    external_storage,
    many_sites,
    long_name,
    huge_shape,
)


@kind("hostile files", 12)
def hostile(case: Case) -> Verdict:
    """Refused in a line, soon, in bounded memory; and none of it is run."""
    trap = TRAPS[case.number % len(TRAPS)]
    marker = case.workspace.private / "was-run"
    case.place = trap.__name__
    words, name = trap(case, marker)
    case.prove(f"{name} is hostile: {(trap.__doc__ or '').strip()}")
    code, said, seconds, memory = _measured(case, words)
    if marker.exists():
        return wrong("code in the file was run")
    cost = f"{seconds:.0f} s, {memory / 2**20:.1f} GB"
    if seconds > CPU or memory > MEMORY:
        return wrong(f"took {cost}: {said[-200:]}")
    if code == 0 and trap in (many_atoms, many_sites):
        return _one_set_aside(case, words, cost)
    errors = [line for line in said.splitlines() if "error: " in line or name in line]
    if code == 0:
        return wrong(f"exit 0: {said[-200:]}")
    if "Traceback (most recent call last)" in said or not errors:
        return wrong(f"no line that says what is wrong: {said.strip()[-300:]}")
    if name not in errors[-1] and name.split("/")[-1] not in errors[-1]:
        return wrong(f"{name} is not named: {errors[-1][:300]}")
    return Verdict("refused", f"{errors[-1][:300]} ({cost})")


def _one_set_aside(case: Case, words: list[str], cost: str) -> Verdict:
    failed = case.workspace.path(words[words.index("--failed") + 1])
    rows = failed.read_text().splitlines()[1:]
    if len(rows) != 1:
        return wrong(f"{len(rows)} set aside with a reason, expected 1")
    return Verdict("refused", f"{rows[0][:300]} ({cost})")


def _measured(case: Case, words: list[str]) -> tuple[int, str, float, int]:
    """Exit status, words, seconds of CPU and peak memory (kB) of a command and its children."""
    process = case.workspace.start("timeout", "--kill-after=1", str(PATIENCE), *words)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    call = case.workspace.ended(process)
    text = f"{call.text}\n{call.said}" if words[0] == "make" else call.text
    return process.returncode, text, used.ru_utime + used.ru_stime, used.ru_maxrss
