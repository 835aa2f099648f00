"""MACE models from outside: files, folders of students, and the foundation models of mace-torch.

A ``.model`` file is a pickle, which can run code: it is opened only when its SHA-256 is the one in
the config, or where the config says ``trust: true``.
"""

import contextlib
import importlib.util
import io
from pathlib import Path
from typing import Any

import torch

from limbeck.config.sections.potentials import Mace
from limbeck.errors import LimbeckError, explained
from limbeck.files import sha256_of
from limbeck.potentials.interface import About
from limbeck.potentials.models.folders import open_folder
from limbeck.potentials.models.mace import MACE_CITATION, MODEL_FILE, UNPICKLING, MacePotential
from limbeck.potentials.trainable import DTYPES, TrainablePotential
from limbeck.potentials.weights import check_trust, environment, left_as_it_was, located, package
from limbeck.properties import EFS

with left_as_it_was(UNPICKLING, "mace.calculators"):
    from mace.calculators.foundations_models import (
        download_mace_mp_checkpoint,
        mace_mp_urls,
        mace_off_urls,
    )
    from mace.tools.utils import get_cache_dir

#: under the Academic Software License, as mace-torch says when it downloads them
ASL = {"small-omat-0", "medium-omat-0", "mace-matpes-pbe-0", "mace-matpes-r2scan-0"}
OFF = "off-"  # what Limbeck puts before the names of mace_off, which are those of mace_mp


def open_mace(settings: Mace, *, device: str) -> TrainablePotential[Any]:
    """A MACE from a ``.model`` file, the folder of a student, or a foundation model by name.

    Raises:
        LimbeckError: nothing there, no download, another hash, a pickle that nobody vouches for,
            or no MACE model.
    """
    path = located(settings, "mace-torch", _downloaded)
    if path.is_dir():
        return _open_folder(settings, device=device)
    check_trust(settings, path)
    return _open_pickle(path, settings, device=device)


def _downloaded(name: str, cache: str | None) -> Path:
    """A foundation model, in the cache that mace-torch keeps."""
    with (
        environment("XDG_CACHE_HOME", cache),  # mace-torch adds mace/ to it
        contextlib.redirect_stdout(io.StringIO()),
    ):
        if not name.startswith(OFF):
            return Path(download_mace_mp_checkpoint(name))
        address = mace_off_urls[name.removeprefix(OFF)]
        kept = get_cache_dir() / Path(address).name  # by mace_off itself
        return kept if kept.is_file() else Path(download_mace_mp_checkpoint(address))


def _open_folder(settings: Mace, *, device: str) -> TrainablePotential[Any]:
    if settings.accelerator:
        raise LimbeckError(
            f"potentials.{settings.name}.accelerator: {settings.accelerator} of a student's folder,"
            f" expected a .model file; {MODEL_FILE} in that folder is one"
        )
    return open_folder(settings, device=device)


def _open_pickle(path: Path, settings: Mace, *, device: str) -> MacePotential:
    with explained(f"{path}: not a MACE model"):
        # A pickle: check_trust has been passed before this line.
        module = torch.load(path, map_location=device, weights_only=False)
        elements = frozenset(int(z) for z in module.atomic_numbers)
        cutoff = float(module.r_max)
    module = module.to(DTYPES[settings.dtype]).eval().requires_grad_(False)
    weights = settings.sha256 or sha256_of(path)
    if settings.accelerator:
        module, with_what = _accelerated(module, settings, device)
        weights += f" with {with_what}"  # other kernels, other answers
    licence, citation = _terms(settings.pretrained)
    about = About(
        name=settings.name,
        model="mace",
        elements=elements,
        cutoff=cutoff,
        properties=EFS,
        conservative=True,
        equivariant=True,
        licence=licence,
        citation=citation,
        weights=weights,
        dtype=settings.dtype,
    )
    head = _head(module, settings, path)
    return MacePotential(module, about, device=device, batch_atoms=settings.most_atoms, head=head)


def _accelerated(
    module: torch.nn.Module, settings: Mace, device: str
) -> tuple[torch.nn.Module, str]:
    """The same model on the kernels of cuequivariance, and the package and version of these.

    Raises:
        LimbeckError: it is not installed, or cannot calculate this model.
    """
    field = f"potentials.{settings.name}.accelerator"
    if importlib.util.find_spec("cuequivariance_torch") is None:
        raise LimbeckError(
            f"{field}: cuequivariance is not installed; pip install cuequivariance-torch, and for "
            "its kernels on a GPU cuequivariance-ops-torch-cu12, into the environment of Limbeck"
        )
    default = torch.get_default_dtype()
    try:
        with explained(f"{field}: cuequivariance cannot calculate this model"):
            from mace.cli.convert_e3nn_cueq import run

            made = run(module, device=device, return_model=True)
            return made.eval().requires_grad_(False), package("cuequivariance-torch")
    finally:
        torch.set_default_dtype(default)  # which mace-torch sets for the whole process


def _head(module: torch.nn.Module, settings: Mace, path: Path) -> int:
    """The head to use in a model of several levels of theory.

    Raises:
        LimbeckError: there is none of that name, or no name and several heads; or the model wants
            charge and spin, or a field, as conditions.
    """
    field = f"potentials.{settings.name}.head"
    if hasattr(module, "joint_embedding"):
        conditions = ", ".join(getattr(module, "embedding_specs", {}))
        raise LimbeckError(f"{path}: a MACE conditioned on {conditions}, which is not supported")
    heads = [str(head) for head in getattr(module, "heads", None) or ["Default"]]
    asked = settings.head
    # Several heads and none asked for: "default" is what mace-torch itself would take, if there is
    # one.
    if asked is None and len(heads) > 1:
        asked = next((head for head in heads if head.lower() == "default"), None)
    if asked is None and len(heads) == 1:
        return 0
    if asked not in heads:
        raise LimbeckError(f"{field}: {asked!r}, expected one of {', '.join(heads)} of {path}")
    return heads.index(asked)


def _terms(pretrained: str | None) -> tuple[str, str]:
    """Licence and citation of a model's weights."""
    if pretrained is None:
        return "see the model's card", MACE_CITATION
    if pretrained.startswith(OFF):
        licence = "ASL (academic, non-commercial: github.com/gabor1/ASL)"
        return licence, "Kovacs et al., arXiv:2312.15211 (2023)"
    citation = "Batatia et al., arXiv:2401.00096 (2023)"
    if pretrained in ASL:
        return "ASL (academic, non-commercial: github.com/gabor1/ASL)", citation
    if pretrained.startswith("mh-"):
        return "see github.com/ACEsuit/mace-foundations", citation
    return "MIT", citation


def names() -> list[str]:
    """Names of the foundation models, as the config has them."""
    return [*mace_mp_urls, *(f"{OFF}{name}" for name in mace_off_urls)]
