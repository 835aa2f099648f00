"""The potentials of matgl: M3GNet, TensorNet, CHGNet and QET.

Ko et al., npj Comput. Mater. 11, 253 (2025). Neighbours, graphs and models are matgl's own; a batch
is one of its graphs of many structures.
"""

import contextlib
import copy
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.units import GPa
from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from matgl import load_model
from matgl.apps.pes import Potential as MatglModule
from matgl.config import MATGL_CACHE
from matgl.ext.ase import Atoms2Graph
from matgl.utils.io import HF_MATGL_ORG, _resolve_module
from torch_geometric.data import Batch as Graphs

from limbeck.check.seal import parsed_json
from limbeck.config.sections.known import SYMBOLS
from limbeck.config.sections.potentials import Matgl
from limbeck.errors import LimbeckError, explained
from limbeck.files import sha256_of
from limbeck.frames import Frames
from limbeck.geometry import stress_to_voigt
from limbeck.potentials.interface import About, Potential
from limbeck.potentials.weights import located
from limbeck.properties import EFS, Predictions

FILES = ["model.json", "model.pt", "state.pt"]
#: what a folder may name; a model of matgl that is no potential has no place here
_POTENTIAL = frozenset({"matgl.apps.pes.Potential"})
_NETWORKS = frozenset(
    f"matgl.models.{name}" for name in ("M3GNet", "TensorNet", "CHGNet", "QET", "SO3Net")
)
_DTYPES = {"float32": torch.float32, "float64": torch.float64}
MATGL_CITATION = "Ko et al., npj Comput. Mater. 11, 253 (2025)"
_CITATIONS = {
    "M3GNet": "Chen and Ong, Nat. Comput. Sci. 2, 718 (2022)",
    "TensorNet": "Simeon and De Fabritiis, arXiv:2306.06482 (2023)",
    "CHGNet": "Deng et al., Nat. Mach. Intell. 5, 1031 (2023)",
    "QET": "Ko et al., arXiv:2511.07249 (2025)",
}


@dataclass(frozen=True)
class MatglBatch:
    """Graphs of B frames in one, with lattices [B,3,3] in Angstrom and charges [B] in e.

    The rows of a lattice are its vectors; an isolated frame has the unit matrix, and its
    "fractional" coordinates are Cartesian. Turning a lattice so turns either kind of frame.
    """

    graphs: Graphs
    lattices: torch.Tensor
    charges: torch.Tensor
    periodic: bool


class MatglPotential(Potential[MatglBatch]):
    """A potential of matgl; forces and stress are gradients of the energy."""

    def __init__(self, module: MatglModule, about: About, *, device: str, batch_atoms: int) -> None:
        self.module = module.to(device)
        self.about = about
        self.device = torch.device(device)
        self.batch_atoms = batch_atoms
        self.dtype = _DTYPES[about.dtype]
        network: Any = module.model
        self.converter = Atoms2Graph(network.element_types, network.cutoff)

    def batch_of(self, frames: Frames) -> MatglBatch:
        periodic = bool(frames.periodic.any())
        cells = frames.cell if periodic else np.tile(np.eye(3), (len(frames), 1, 1))
        graphs = []
        for b, atoms in enumerate(frames.to_atoms()):
            graph, _, _ = self.converter.get_graph(atoms)
            # matgl's own are rounded to float32
            fractional = frames.positions[frames.atoms_of(b)] @ np.linalg.inv(cells[b])
            graph.frac_coords = torch.as_tensor(fractional, dtype=self.dtype)
            graph.pbc_offset = graph.pbc_offset.to(self.dtype)
            graphs.append(graph)
        return MatglBatch(
            graphs=Graphs.from_data_list(graphs).to(self.device),
            lattices=torch.as_tensor(cells, dtype=self.dtype, device=self.device),
            charges=torch.as_tensor(frames.charge, dtype=self.dtype, device=self.device),
            periodic=periodic,
        )

    def rotate(self, batch: MatglBatch, matrices: np.ndarray) -> MatglBatch:
        q = torch.as_tensor(matrices, dtype=self.dtype, device=self.device)
        turned = torch.einsum("bij,bkj->bki", q, batch.lattices)
        return MatglBatch(batch.graphs, turned, batch.charges, batch.periodic)

    def evaluate(self, batch: MatglBatch) -> Predictions:
        module, size = self.module, len(batch.lattices)
        module.calc_stresses = stress = batch.periodic and self.about.has_stress
        given = {"total_charge": batch.charges} if module.calc_charge else {}
        state = torch.zeros((size, 2), dtype=self.dtype, device=self.device)
        # the graph is copied, since what a model finds on the way is written into it
        answers = module(copy.copy(batch.graphs), batch.lattices, state, **given)
        tensors = _to_numpy(answers[2]).reshape(size, 3, 3) * GPa if stress else None
        stresses = np.full((size, 6), np.nan) if tensors is None else stress_to_voigt(tensors)
        values = {
            "energy": _to_numpy(answers[0]).reshape(size),
            "forces": _to_numpy(answers[1]),
            "stress": stresses,
        }
        extras = zip(_extras(module), map(_to_numpy, answers[4:]), strict=True)
        return Predictions(values=values | dict(extras))


def open_matgl(settings: Matgl, *, device: str) -> MatglPotential:
    """A potential from a folder that matgl wrote, or by its name or repository on Hugging Face.

    Raises:
        LimbeckError: nothing there, no download, another hash, or no potential of matgl.
    """
    folder = located(settings, "matgl", _downloaded)
    with explained(f"potentials.{settings.name}: {folder} is not a potential of matgl"):
        _check_classes(folder)
        with contextlib.redirect_stdout(io.StringIO()):
            module: MatglModule = load_model(folder)
    module = module.to(_DTYPES[settings.dtype]).eval().requires_grad_(False)
    network: Any = module.model
    about = About(
        name=settings.name,
        model="matgl",
        elements=frozenset(SYMBOLS.index(s) + 1 for s in network.element_types),
        cutoff=float(network.cutoff),
        properties=(EFS if module.calc_stresses else EFS[:2]) + _extras(module),
        conservative=True,
        equivariant=True,
        licence="BSD-3-Clause (matgl's own models; of others see the model's card)",
        citation=f"{_CITATIONS.get(type(network).__name__, 'see its card')}; {MATGL_CITATION}",
        weights=sha256_of(folder, follow_links=settings.path is None),
        dtype=settings.dtype,
        conditions=("charge",) if module.calc_charge else (),
    )
    return MatglPotential(module, about, device=device, batch_atoms=settings.most_atoms)


def _downloaded(name: str, cache: str | None) -> Path:
    """The folder of a model on Hugging Face, in the cache that matgl keeps; asked for only once."""
    repository = name if "/" in name else f"{HF_MATGL_ORG}/{name}"
    folder = cache or MATGL_CACHE
    with contextlib.suppress(LocalEntryNotFoundError):
        kept = Path(
            snapshot_download(
                repository, allow_patterns=FILES, cache_dir=folder, local_files_only=True
            )
        )
        if all((kept / file).is_file() for file in FILES):
            return kept
    return Path(snapshot_download(repository, allow_patterns=FILES, cache_dir=folder))


def _check_classes(folder: Path) -> None:
    """Let a folder name the classes alone that a potential is made of.

    matgl imports any module that a folder names, and calls any class of it: one of its own
    (its data set) opens pickles. Its weights are opened without unpickling
    (``weights_only=True``), so that with this a folder can run no code of its own.

    Raises:
        LimbeckError: a file is missing, or names another class, or one in another place.
    """
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise LimbeckError(f"it has no {missing[0]}")
    description = parsed_json((folder / "model.json").read_text(encoding="utf-8"))
    _check_class(description, _POTENTIAL)
    arguments = torch.load(folder / "model.pt", map_location="cpu", weights_only=True)
    if not isinstance(arguments, dict):
        raise LimbeckError(f"model.pt holds a {type(arguments).__name__}, expected a dict")
    network = arguments.get("model")
    _check_class(network, _NETWORKS)
    for part in _mappings(arguments.values()):
        if part is not network and any(str(key).startswith("@") for key in part):
            raise LimbeckError(f"it names the class {_class_in(part)} beside that of its network")


def _check_class(part: Any, allowed: frozenset[str]) -> None:
    if not isinstance(part, dict):
        raise LimbeckError(f"a {type(part).__name__}, expected a mapping that names a class")
    if _class_in(part) not in allowed:
        names = ", ".join(sorted(allowed))
        raise LimbeckError(f"it names the class {_class_in(part)}, expected one of {names}")


def _class_in(part: dict[Any, Any]) -> str:
    """The class that matgl makes of a mapping, from where it really takes it."""
    return f"{_resolve_module(str(part.get('@module')))}.{part.get('@class')}"


def _mappings(values: Iterable[Any]) -> Iterator[dict[Any, Any]]:
    """Every mapping among values and in them, at any depth, once."""
    waiting, seen = list(values), set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen or not isinstance(value, dict | list | tuple | set | frozenset):
            continue
        seen.add(id(value))
        waiting += [*value, *value.values()] if isinstance(value, dict) else value
        if isinstance(value, dict):
            yield value


def _extras(module: MatglModule) -> tuple[str, ...]:
    """Properties that a module returns after energies, forces, stresses and Hessian, in order."""
    charges = ("charges",) if module.calc_charge else ()
    return charges + (("magmoms",) if module.calc_magmom else ())


def _to_numpy(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float64)
