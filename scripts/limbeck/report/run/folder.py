"""A run as the report sees it: its config, and the files that they promise."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd

from limbeck.check import head
from limbeck.check.recipe import FOREIGN, recipe_of, require_recipe
from limbeck.check.sums import SUMS, read_sums, require
from limbeck.config.config import Config
from limbeck.config.plan import handed_over
from limbeck.config.plan import results as results_of
from limbeck.config.recipes import Recipes
from limbeck.config.written import Written, as_written
from limbeck.errors import LimbeckError, Unfit
from limbeck.files import read_json
from limbeck.report.page.figure import look
from limbeck.storage import read_header
from limbeck.warrant.tidy import read_table

T = TypeVar("T")
W = TypeVar("W", bound=Written)


@dataclass(frozen=True, eq=False)
class Run:
    """A run. Each topic reads what it tells of; all files are below the folder.

    Attributes:
        folder: ``results/{run}``.
    """

    folder: Path
    config: Config
    _read: dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def _recipes(self) -> Recipes:
        return Recipes(self.config)

    def once(self, read: Callable[["Run"], T]) -> T:
        """What a topic reads, read once however many ask for it."""
        if read not in self._read:
            self._read[read] = read(self)
        return cast(T, self._read[read])

    def path(self, name: str) -> Path:
        """The path of a file that has to be there.

        Raises:
            LimbeckError: it is missing, or was made with other settings than the config has.
        """
        path = self.folder / name
        if not path.is_file():
            raise LimbeckError(f"{path}: no such file, but the config asks for it")
        # What scripts made that a person called has recipes of its own.
        if head.folder() and (found := recipe_of(path)) != FOREIGN:
            require_recipe(path, found, self._recipes.of(name))
        return path

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object that has to be there."""
        return read_json(self.path(name))

    def written(self, kind: type[W], name: str) -> W:
        """A JSON file that has to be there, with its fields in their ranges."""
        return as_written(kind, self.json(name), self.path(name))

    def csv(self, name: str, *columns: str) -> pd.DataFrame:
        """A CSV file that has to be there and have ``columns``."""
        path = self.path(name)
        try:
            # Ids are hexadecimal, and some would pass for numbers; a molecule may be called "NA".
            text = dict.fromkeys(("id", "name", "reason", "cut"), str)
            table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=["", "nan"])
        except ValueError as error:
            raise Unfit(path, f"not readable as CSV: {error}") from error
        missing = [c for c in columns if c not in table]
        if missing:
            raise Unfit(path, f"no column {missing}, it has {list(table.columns)}")
        return table

    def shards(self, folder: str, made: Mapping[str, Any], *columns: str, of: str) -> pd.DataFrame:
        """The tables of all sources and shards of some sections of the config, end to end.

        Args:
            folder: that has a folder for each section.
            made: sections by name, each with its ``sources``.
            of: the column that says which section a row is of; ``source`` and ``shard`` say more.
        """
        parts = [
            self.csv(f"{folder}/{name}/{source}/{shard}.csv", *columns)
            .assign(source=source, shard=shard)
            .assign(**{of: name})
            for name, section in made.items()
            for source in section.sources
            for shard in self.shards_of(source)
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def shards_of(self, source: str) -> range:
        """Numbers of the shards of a source."""
        return range(self.config.sources[source].shards)

    def slices(self, folder: str) -> list[Path]:
        """The files of a folder that has one for each slice of the selection."""
        return [self.path(f"{folder}/{i}.h5") for i in range(self.config.select.slices)]

    def figures(self, name: str) -> pd.DataFrame:
        """A tidy table of figures that has to be there."""
        return read_table(self.path(name))

    def count(self, names: Iterable[str]) -> int:
        """How many frames files have in all."""
        return sum(int(read_header(self.path(name))["count"]) for name in names)

    @property
    def reference(self) -> str | None:
        """The label set that errors are measured against, if any."""
        return self.config.warrant.reference

    def samplings(self, method: str | None = None) -> dict[str, Any]:
        """The samplings that the run selects from or cuts: all, or those of one method."""
        subsystems, of_name = self.config.subsystems, self.config.sampling
        names = [n for n in self.config.select.include if n not in subsystems]
        names += [origin for section in subsystems.values() for origin in section.of]
        found = {n: of_name[n] for n in names if n != "generated"}
        return {n: s for n, s in found.items() if method in (None, s.method)}

    def look(self, source: str) -> tuple[str, str]:
        """Colour and marker of a source, the same in every figure."""
        return look(list(self.config.sources).index(source))


def open_run(results: str | Path, config: Config) -> Run:
    """The run of a folder ``results/{run}``.

    Raises:
        LimbeckError: there is no such folder, or a table of what is handed over has changed, or a
            JSON file that the page stands for, whether or not it shows more than its table.
    """
    folder = Path(results)
    if not folder.is_dir():
        raise LimbeckError(f"{results}: no such folder, expected the results of a run")
    for sums in (folder / name for name in handed_over(config) if name.endswith(SUMS)):
        if sums.is_file() and sums.parent.name != "report":
            # HDF5 has checksums of its own, and no other file is read
            names = [name for name in read_sums(sums) if name.endswith((".csv", ".json"))]
            require(sums, *names)
    run = Run(folder, config)
    for name in results_of(config):
        if name.endswith(".json") and (folder / name).is_file():
            run.json(name)
    return run
