"""Names that have to agree: scripts, dependencies, the schema and what is written about it."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from limbeck.config.load import fields, load, schema
from limbeck.potentials import OPENERS
from limbeck.potentials.known import KINDS, SYMBOLS
from limbeck.sampling import METHODS
from limbeck.structures import SOURCES
from limbeck.symmetry import SYMMETRIES
from limbeck.warrant.gaps import FIELD_GAPS

# distribution -> module, where these differ
MODULES = {
    "cached-path": "cached_path",
    "huggingface-hub": "huggingface_hub",
    "mace-torch": "mace",
    "orb-models": "orb_models",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "torch-geometric": "torch_geometric",
    "torch-sim-atomistic": "torch_sim",
}
# Run, not imported.
PROGRAMS = {"snakemake", "snakemake-executor-plugin-slurm"}
# Installed for stages that are still to come; each leaves this list when it is imported.
WAITING = {"graph-pes"}


def dependencies(repository: Path) -> set[str]:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    return {re.split(r"[<>=~!\[]", line)[0].strip() for line in project["dependencies"]}


def locked(repository: Path) -> list[str]:
    lines = (repository / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def imported(repository: Path) -> set[str]:
    """Top-level modules that anything in scripts/ imports."""
    found = set()
    for path in (repository / "scripts").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_script_hides_a_module_of_another_package(repository):
    scripts = {path.stem for path in (repository / "scripts").glob("*.py")}
    assert len(scripts) > 10
    assert not scripts & set(sys.stdlib_module_names)
    packages = {line.split("==")[0] for line in locked(repository)}
    names = {normal(name) for name in packages} | {normal(m) for m in MODULES.values()}
    assert not {normal(script) for script in scripts} & names


def test_every_direct_dependency_is_imported_or_named_as_waiting(repository):
    modules = imported(repository)
    used = {d for d in dependencies(repository) if MODULES.get(d, d.replace("-", "_")) in modules}
    assert dependencies(repository) - PROGRAMS - used == WAITING


def test_every_import_is_a_direct_dependency(repository):
    known = {MODULES.get(d, d) for d in dependencies(repository)} | {"limbeck"}
    assert imported(repository) - set(sys.stdlib_module_names) - known == set()


def test_the_lock_pins_every_dependency_to_what_any_index_has(repository):
    lines = locked(repository)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9a-z.]+", line) for line in lines)
    pinned = {normal(line.split("==")[0]) for line in lines}
    assert {normal(d) for d in dependencies(repository)} <= pinned


def test_the_environment_of_the_rules_has_every_dependency(repository):
    environment = yaml.safe_load((repository / "envs" / "limbeck.yaml").read_text())
    entries = [d for d in environment["dependencies"] if isinstance(d, str)]
    (by_pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    names = {re.split("=+", entry)[0] for entry in [*entries, *by_pip]}
    renamed = {"torch": "pytorch", "matplotlib": "matplotlib-base"}  # as conda-forge has them
    needed = dependencies(repository) - PROGRAMS - WAITING
    assert {renamed.get(name, name) for name in needed} == names - {"python", "pip"}
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert all("=" in entry for entry in [*entries, *by_pip])


@pytest.mark.parametrize("module", ["limbeck", "limbeck.config.load"])
def test_the_plan_pays_for_no_heavy_import(repository, module):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository / "scripts",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert module in loaded
    assert not {"torch", "rdkit", "pymatgen", "ase", "pandas"} & set(loaded)


def closed(part: dict, path: str = "") -> Iterator[str]:
    """Paths of the mappings in the schema that would accept a misspelt key."""
    if part.get("type") == "object":
        branches = [branch["then"] for branch in part.get("allOf", [])]
        levels = branches or [part]
        is_open = [level.get("additionalProperties", True) is True for level in levels]
        if any(is_open) and part.get("additionalProperties", True) is True:
            yield path
    for name, child in part.get("properties", {}).items():
        yield from closed(child, f"{path}.{name}")
    for key in ("additionalProperties", "items"):
        if isinstance(part.get(key), dict):
            yield from closed(part[key], f"{path}.{key}")


def test_the_schema_is_closed_at_every_level():
    assert list(closed(schema())) == []
    # negative control: an open level is found
    assert list(closed({"type": "object", "properties": {"a": {"type": "object"}}})) == ["", ".a"]


def test_every_field_has_a_sentence_and_a_default_or_is_required():
    assert len(fields()) > 70
    for field in fields():
        assert re.fullmatch(r"\S.{10,}\.", field.schema["description"]), field.path
        assert ("default" in field.schema) != field.required, field.path


UNITS = {"_K": "K", "_fs": "fs", "_A": "Angstrom", "_eV_per_A": "eV/Angstrom", "_g_cm3": "g/cm3"}


def test_a_unit_in_a_name_stands_in_the_description():
    with_unit = [(f, u) for f in fields() for end, u in UNITS.items() if f.path.endswith(end)]
    assert len(with_unit) > 8
    for field, unit in with_unit:
        assert unit in field.schema["description"] or "multiple" in field.schema["description"]


def test_the_readme_of_the_config_has_every_field_with_its_default(repository):
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in (repository / "config" / "README.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    written = {(row[0].strip("`"), row[1]): (row[-2], row[-1]) for row in rows}
    expected = {
        (f.path, f.kind): (shown_default(f.schema), f.schema["description"]) for f in fields()
    }
    assert written == expected


def shown_default(part: dict) -> str:
    if "default" not in part:
        return "required"
    return "not given" if part["default"] is None else f"`{json.dumps(part['default'])}`"


def enum(path: str) -> set[str]:
    (field,) = [f for f in fields() if f.path == path]
    return set(field.schema.get("enum") or field.schema["items"]["enum"])


def test_the_kinds_of_the_schema_are_those_of_the_library():
    assert enum("potentials.<name>.model") == set(KINDS) == set(OPENERS)
    assert enum("sources.<name>.kind") == set(SOURCES)
    assert enum("sampling.<name>.method") == set(METHODS)
    assert enum("warrant.symmetries") == set(SYMMETRIES) | set(FIELD_GAPS)


def test_the_symbols_are_those_of_the_elements():
    from ase.data import chemical_symbols

    assert ("X", *SYMBOLS) == tuple(chemical_symbols)


@pytest.mark.parametrize(
    "name",
    [
        "config/config.yaml",
        "config/demo_models.yaml",
        "config/gaps.yaml",
        "config/study_expectation.yaml",
    ],
)
def test_a_config_that_comes_with_limbeck_is_valid(repository, name, monkeypatch):
    monkeypatch.chdir(repository)
    assert load(name)["run"] == yaml.safe_load(Path(name).read_text())["run"]
