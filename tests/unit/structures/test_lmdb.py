"""The program in the docs that reads OC20's LMDB without running what is in it."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import torch
from ase.build import add_adsorbate, fcc111

from jobs_of import generate_job
from limbeck.structures import generate

PAGE = Path(__file__).parents[3] / "docs" / "interoperability.md"


class Kept:
    """A row as torch_geometric 1 pickles it: all in its dictionary."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


Kept.__module__, Kept.__qualname__ = "torch_geometric.data.data", "Data"


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def slab():
    atoms = fcc111("Cu", (2, 2, 3), vacuum=8.0, periodic=True)
    add_adsorbate(atoms, "O", 1.3, "fcc")
    return atoms


def fields():
    atoms = slab()
    return {
        "atomic_numbers": torch.tensor(atoms.numbers, dtype=torch.float),
        "pos": torch.tensor(atoms.positions, dtype=torch.float),
        "cell": torch.tensor(atoms.cell.array, dtype=torch.float)[None],
        "tags": torch.tensor([2 if z == 8 else 1 if z == 29 else 0 for z in atoms.numbers]),
        "natoms": len(atoms),
        "sid": 17,
    }


def pickled_by_version_1(monkeypatch):
    """Bytes of a row of a class that pickle finds under the name of torch_geometric's."""
    import types

    module = types.ModuleType("torch_geometric.data.data")
    module.Data = Kept
    monkeypatch.setitem(sys.modules, "torch_geometric.data.data", module)
    return pickle.dumps(Kept(**fields()), protocol=-1)


def converted(folder, rows):
    """Run the program of the docs on an LMDB with these rows."""
    path = str(folder / "data.lmdb")
    with lmdb.open(path, subdir=False, map_size=2**24) as file, file.begin(write=True) as writing:
        for n, row in enumerate(rows):
            writing.put(str(n).encode(), row)
        writing.put(b"length", pickle.dumps(len(rows)))
    section = PAGE.read_text().split("## LMDB of OC20")[1]
    (program,) = re.findall(r"(?ms)^```python\n(.*?)^```", section)[:1]
    call = [sys.executable, "-c", program, "data.lmdb", "out.extxyz"]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


def test_rows_of_both_versions_become_slabs(tmp_path, monkeypatch):
    from torch_geometric.data import Data

    new = pickle.dumps(Data(**fields()), protocol=-1)
    done = converted(tmp_path, [new, pickled_by_version_1(monkeypatch)])
    assert done.returncode == 0, done.stderr
    source = {"seed": 1, "source": "oc20", "shard": 0, "count": 2}
    frames, rejected = generate(
        generate_job("file", source | {"path": str(tmp_path / "out.extxyz")})
    )
    # the second is the first once more, under another name
    assert len(frames) + len(rejected) == 2
    (atoms, *_) = frames.to_atoms()
    assert np.abs(atoms.positions - slab().positions).max() < 1e-5  # float32 in the file
    assert atoms.numbers.tolist() == slab().numbers.tolist()
    assert frames.info_of(0)["vacuum_axis"] == 2
    assert frames.info_of(0)["name"] == "17-0"


def test_code_in_a_row_is_refused_and_not_run(tmp_path):
    done = converted(tmp_path, [pickle.dumps(Hostile(tmp_path / "ran"))])
    assert done.returncode != 0
    assert "refused: a row asks for" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out.extxyz").exists()
