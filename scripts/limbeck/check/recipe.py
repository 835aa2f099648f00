"""What a file was made of: the settings of the job that wrote it, and of all before it.

A *recipe* is a digest of a job's settings and of the recipes of its inputs. It stands in the
header of every HDF5 file and in every JSON file. The Snakefile works out from the config which
recipe each input of a job should have, and hands it to the script: a file that was made with
other settings, or of files that were, is refused. So a config that is edited while a cluster is at
work mixes nothing, whatever Snakemake has noted.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limbeck.check.seal import parsed_json, read_sealed
from limbeck.errors import LimbeckError, Unfit

#: stands for a file that no job of a run made
FOREIGN = "-"
#: in a folder of several files: what holds its recipe
IN_FOLDER = "recipe.json"


def digest(settings: str, inputs: Sequence[str]) -> str:
    """The recipe of what a job makes; 16 hexadecimal digits.

    Args:
        settings: JSON, as the script is told.
        inputs: recipes of what it reads, in the order of its command line.
    """
    # read and written anew: neither spaces nor the order of fields count
    text = json.dumps([json.loads(settings), list(inputs)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def recipe_of(path: str | Path) -> str:
    """The recipe that a file or folder has; :data:`FOREIGN` where it has none.

    Raises:
        LimbeckError: it cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        path = path / IN_FOLDER
        return recipe_of(path) if path.is_file() else FOREIGN
    if not path.is_file():
        raise LimbeckError(f"{path}: no such file")
    if path.name.endswith(".fragments.csv"):  # a table beside its clusters
        return recipe_of(path.with_name(path.name.replace(".fragments.csv", ".h5")))
    if path.suffix == ".h5":
        return _of_hdf5(path)
    return str(read_sealed(path).get("recipe", FOREIGN)) if path.suffix == ".json" else FOREIGN


def _of_hdf5(path: Path) -> str:
    with _attributes(path) as attributes:
        return bytes(attributes.get("recipe", FOREIGN.encode())).decode()


def _header(path: Path) -> tuple[str, Any]:
    """The stage that a file is of, and the settings of its job."""
    with _attributes(path) as attributes:
        settings = parsed_json(bytes(attributes.get("settings", b"null")))
        return bytes(attributes.get("stage", b"")).decode(), settings


@contextmanager
def _attributes(path: Path) -> Iterator[Any]:
    """The header of an HDF5 file, which reads none of its arrays."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file.attrs
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise Unfit(path, f"not a readable HDF5 file: {error}") from error


def checked(paths: Sequence[str | Path], expected: Sequence[str]) -> list[str]:
    """Recipes of the inputs of a job, each the one that is expected.

    Args:
        expected: of each path; where there are none, as where a person calls a script, files of
            one kind have to be made alike.

    Raises:
        LimbeckError: a file was made otherwise, or there are other numbers of both.
    """
    found = [recipe_of(path) for path in paths]
    if not expected:
        _require_alike(paths)
        return found
    if len(expected) != len(found):
        raise LimbeckError(
            f"--recipes: {len(expected)}, expected one for each of the {len(found)} input files"
        )
    for path, have, want in zip(paths, found, expected, strict=True):
        require_recipe(path, have, want)
    return found


#: fields of settings that name what is made, and fields that may differ between its parts
_NAMES = (
    *("source", "sampling", "subsystem", "label_set", "delta", "student", "force_constants"),
    "round",
)
_OF_PARTS = ("shard", "slice", "device", "lost_device", "threads", "batch_plans", "about")


def _require_alike(paths: Sequence[str | Path]) -> None:
    """Refuse shards or slices of one thing that were made with different settings."""
    first: dict[str, tuple[Path, Any]] = {}
    for path in map(Path, paths):
        if path.suffix != ".h5":
            continue
        stage, settings = _header(path)
        if not isinstance(settings, dict):
            continue
        names = [_name(settings.get(field)) for field in _NAMES]
        rest = {k: v for k, v in settings.items() if k not in _OF_PARTS}
        other, expected = first.setdefault(json.dumps([stage, *names]), (path, rest))
        if rest != expected:
            fields = sorted(f for f in rest.keys() | expected if rest.get(f) != expected.get(f))
            raise LimbeckError(
                f"{path} and {other}: parts of one thing made with different settings "
                f"({', '.join(fields)}), expected the same"
            )


def _name(value: Any) -> str:
    return str(value.get("name", "")) if isinstance(value, dict) else str(value or "")


def require_recipe(path: str | Path, found: str, expected: str) -> None:
    """Raise :class:`~limbeck.errors.Unfit` for a file of another recipe than the one expected."""
    if found != expected:
        raise Unfit(
            path,
            "was made with other settings than the config has, or of files that were "
            f"(its recipe is {found or 'unknown'}, expected {expected})",
        )
