"""Check-points: where a long computation stands, so that a killed job goes on from there.

A job has a hidden folder beside its output, ``.{stem}.checkpoint``, which Snakemake does not know
of, and so does not delete when the job fails. It is removed when the job is done. In it everything
lies in a folder whose name is a digest of the job's recipe, of Limbeck's own code, of the versions
of all packages that may compute, and of the graphics card: a check-point of other settings or of
another version is never found. Each computation has a file of its own there, whose name is a digest
of what goes into it.

Nothing is pickled: a file is a tree as JSON and the arrays in it as safetensors, after their hash.
"""

import hashlib
import json
import logging
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.check.seal import parsed_json
from limbeck.errors import LimbeckError
from limbeck.files import whole_file

log = logging.getLogger(__name__)

#: in the environment of a job: minutes between two check-points
VARIABLE = "LIMBECK_CHECKPOINT_MIN"
#: where the environment says nothing, as where a person calls a script
MINUTES = 5.0

_folder: Path | None = None


@contextmanager
def resumable(output: str | Path, recipe: str, *, device: str = "cpu") -> Iterator[None]:
    """A job whose computations are kept on the way; they are removed when it ends well.

    Args:
        output: what the job makes; its check-points lie beside it.
        recipe: what it is made of, see :mod:`limbeck.check.recipe`.
        device: it computes on.
    """
    global _folder
    output = Path(output)
    root = output.parent / f".{output.stem}.checkpoint"
    own = root / _digest([recipe, _code(), _cards(device)])
    for other in root.glob("*"):
        if other != own:
            log.info("%s is of other settings or another version: not used, removed", other)
            shutil.rmtree(other, ignore_errors=True) if other.is_dir() else other.unlink()
    _folder = own
    try:
        yield
        shutil.rmtree(root, ignore_errors=True)
    finally:
        _folder = None


class Checkpoint:
    """Where one computation of a job stands; outside of a job it keeps and finds nothing."""

    def __init__(self, name: str, *made_of: Any, clock: Callable[[], float] | None = None) -> None:
        """Look at nothing yet.

        Args:
            name: of the computation, for people.
            made_of: all that its result depends on beside the job's settings: arrays, and what
                JSON has; anything else as its text.
            clock: seconds; for tests.
        """
        self._name, self._clock = name, clock or time.monotonic
        self.path = _folder / f"{name}-{_digest(made_of)}" if _folder else None
        self._last = self._clock()

    @property
    def due(self) -> bool:
        """Whether it is time to keep where the computation stands."""
        return self.path is not None and self._clock() - self._last >= 60 * _minutes()

    def keep(self, tree: dict[str, Any]) -> None:
        """Keep where the computation stands: see :func:`packed` for what a tree may hold."""
        if self.path is None:
            return
        start = self._clock()
        with whole_file(self.path, durable=False) as temporary:
            temporary.write_bytes(packed(tree))
        self._last = self._clock()
        log.info("check-point of %s: %s (%.1f s)", self._name, self.path, self._last - start)

    def finish(self, tree: dict[str, Any]) -> None:
        """Keep the end, where it took so long that a job that is killed later would miss it."""
        if self.path is not None and self.path.is_file():
            self.keep(tree)

    def found(self) -> dict[str, Any] | None:
        """Where the computation stood; None where nothing is there, or it is damaged.

        What is damaged is moved aside.
        """
        if self.path is None or not self.path.is_file():
            return None
        try:
            tree = unpacked(self.path.read_bytes())
        except (OSError, ValueError) as error:
            aside = self.path.with_name(f"{self.path.name}.unfit")
            log.warning("%s: damaged (%s), moved to %s", self.path, error, aside)
            self.path.replace(aside)
            return None
        log.info("%s goes on from its check-point %s", self._name, self.path)
        return tree


def packed(tree: Any) -> bytes:
    """A tree as bytes: dicts, lists, tuples, strings, numbers, None, arrays and tensors.

    Tensors keep the order of their dimensions in memory, on which last bits of products depend.
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_plain(tree, arrays))
    body = save(arrays, {"tree": text})
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def unpacked(data: bytes) -> Any:
    """The tree of :func:`packed`; tensors are on the CPU.

    Raises:
        ValueError: the bytes are not those that were packed.
    """
    from safetensors.numpy import load

    hash_of, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != hash_of:
        raise ValueError("its hash is another")
    length = int.from_bytes(body[:8], "little")
    text = parsed_json(body[8 : 8 + length])["__metadata__"]["tree"]
    return _made(parsed_json(text), load(body))


def _plain(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """JSON of a value, whose arrays are put aside by number."""
    import torch

    def aside(array: np.ndarray) -> str:
        name = str(len(arrays))
        arrays[name] = np.array(array, order="C")
        return name

    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu()
        # Dimensions from the one of the longest stride: in this order it lies in memory.
        strides = tensor.stride()
        order = sorted(range(len(strides)), key=lambda d: (-strides[d], d))
        return {"tensor": aside(tensor.permute(order).numpy()), "order": order}
    if isinstance(value, np.ndarray):
        return {"array": aside(value)}
    if isinstance(value, dict):  # keys need not be text
        return {"dict": [[_plain(k, arrays), _plain(v, arrays)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_plain(v, arrays) for v in value]}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} in a check-point, expected plain values and arrays")


def _made(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    import torch

    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        # a copy: safetensors' arrays may not be written to
        lies = torch.from_numpy(arrays[value["tensor"]].copy())
        return lies.permute(list(np.argsort(value["order"]))) if value["order"] else lies
    if "array" in value:
        return arrays[value["array"]].copy()
    if "dict" in value:
        return {_made(k, arrays): _made(v, arrays) for k, v in value["dict"]}
    ((kind, parts),) = value.items()
    made = [_made(part, arrays) for part in parts]
    return made if kind == "list" else tuple(made)


def _minutes() -> float:
    text = os.environ.get(VARIABLE)
    try:
        return MINUTES if text is None else float(text)
    except ValueError:
        raise LimbeckError(f"{VARIABLE}: {text!r}, expected a number of minutes") from None


def _digest(parts: Any) -> str:
    """16 hexadecimal digits."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype} {value.shape}".encode() + value.tobytes())
        elif isinstance(value, list | tuple):
            digest.update(f"[{len(value)}".encode())
            for part in value:
                add(part)
        else:
            digest.update(f"{value!r}\n".encode())

    add(parts)
    return digest.hexdigest()[:16]


@cache
def _code() -> str:
    """A digest of Limbeck's own code, and of the versions of Python and of all that may compute."""
    files = sorted(Path(__file__).parents[1].rglob("*.py"))
    texts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    packages = {f"{found.name} {found.version}" for found in distributions()}
    # Snakemake and its plug-ins compute nothing, and of Limbeck the code counts.
    computing = [name for name in packages if not name.startswith(("limbeck ", "snakemake"))]
    return _digest([platform.python_version(), texts, sorted(computing)])


def _cards(device: str) -> list[str]:
    """Names of the graphics cards, where they are used: others have other last bits."""
    if device == "cpu":
        return []
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
