"""The foundation models of orb-models, direct and conservative.

Direct models predict forces and stress; those of conservative ones are gradients of the energy.
None of them respects rotations by construction.
"""

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from cached_path import cached_path, find_latest_cached
from orb_models.forcefield import pretrained
from orb_models.forcefield.conservative_regressor import ConservativeForcefieldRegressor

from limbeck.config.sections.known import KINDS, SYMBOLS
from limbeck.config.sections.potentials import OrbFoundation
from limbeck.errors import LimbeckError, explained
from limbeck.files import sha256_of
from limbeck.potentials.interface import About
from limbeck.potentials.models.orb import (
    ORB_CITATION,
    ConservativeOrbPotential,
    OrbPotential,
    Regressor,
)
from limbeck.potentials.weights import located
from limbeck.properties import EFS

CITATION_V3 = "Rhodes et al., arXiv:2504.06231 (2025)"
_DTYPES = {"float32": torch.float32, "float64": torch.float64}
#: how orb-v2's own file names what later ones call heads
LEGACY_HEADS = {"node_head.": "forces", "graph_head.": "energy", "stress_head.": "stress"}


def open_foundation(settings: OrbFoundation, *, device: str) -> OrbPotential:
    """An Orb of orb-models' registry by name, downloaded by it or read from ``path``.

    Raises:
        LimbeckError: it cannot be downloaded, or the file is not its weights or has another hash.
    """
    model, dtype = settings.model, settings.dtype
    load = pretrained.ORB_PRETRAINED_MODELS[model]
    path = weights_file(settings)
    with explained(f"potentials.{settings.name}: {model} did not load from {path}"):
        module = _load(load, path, device).to(_DTYPES[dtype])
        _check_heads(module, path)
    conservative = isinstance(module, ConservativeForcefieldRegressor)
    about = About(
        name=settings.name,
        model=model,
        elements=frozenset(SYMBOLS.index(s) + 1 for s in KINDS[model].elements or ()),
        cutoff=float(module.system_config.radius),
        properties=EFS if module.has_stress else EFS[:2],
        conservative=conservative,
        equivariant=False,
        licence="Apache-2.0",
        citation=ORB_CITATION if model.endswith("v2") else CITATION_V3,
        weights=sha256_of(path),
        dtype=dtype,
        max_neighbours=module.system_config.max_num_neighbors,
        conditions=("charge", "spin") if module.model.conditioner is not None else (),
    )
    kind = ConservativeOrbPotential if conservative else OrbPotential
    return kind(module, about, device=device, batch_atoms=settings.most_atoms)


def weights_file(settings: OrbFoundation) -> Path:
    """The file of a foundation model: the user's ``path``, or what orb-models would download.

    Raises:
        LimbeckError: it is not there, cannot be downloaded, or has another hash.
    """
    return located(settings, "orb-models", _downloaded)


def _downloaded(name: str, cache: str | None) -> Path:
    """The file of a foundation model, in the cache that orb-models keeps; asked for only once."""
    load = pretrained.ORB_PRETRAINED_MODELS[name]
    # The loader functions of orb-models hold the address as a default argument.
    address = inspect.signature(load).parameters["weights_path"].default
    kept = find_latest_cached(address, cache)
    return kept or Path(cached_path(address, cache_dir=cache, quiet=True))


def _load(load: Callable[..., Regressor], path: Path, device: str) -> Regressor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces the default dtype, twice
        return load(
            weights_path=str(path), device=device, compile=False, precision="float32-highest"
        )


def _check_heads(module: Regressor, path: Path) -> None:
    """orb-models leaves a head that its file lacks at random weights, and says nothing.

    Raises:
        LimbeckError: a head for energy, forces or stress is not in the file.
    """
    found = set(torch.load(path, map_location="cpu", weights_only=True))
    for legacy, head in LEGACY_HEADS.items():
        found |= {k.replace(legacy, f"heads.{head}.", 1) for k in found if k.startswith(legacy)}
    for head in sorted(set(module.heads) & set(LEGACY_HEADS.values())):
        needed = {k for k in module.state_dict() if k.startswith(f"heads.{head}.mlp.")}
        if not needed <= found:
            raise LimbeckError(f"no weights for its {head}")
