"""Names that have to agree: scripts, dependencies, the schema and what is written about it."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from limbeck.config import document
from limbeck.config.load import load
from limbeck.config.sections.generators import ABOUT
from limbeck.config.sections.known import KINDS, SYMBOLS
from limbeck.molecules.shells import BY_DISTANCE, BY_NUMBER
from limbeck.potentials import OPENERS
from limbeck.sampling import METHODS
from limbeck.structures import SOURCES
from limbeck.students import ARCHITECTURES
from limbeck.symmetry import SYMMETRIES
from limbeck.warrant.gaps import FIELD_GAPS

# distribution -> module, where these differ
MODULES = {
    "cached-path": "cached_path",
    "huggingface-hub": "huggingface_hub",
    "graph-pes": "graph_pes",
    "mace-torch": "mace",
    "orb-models": "orb_models",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "torch-geometric": "torch_geometric",
    "torch-sim-atomistic": "torch_sim",
}
# Comes with a dependency, in the one version that fits it.
PARTS = {"pydantic_core"}
# Of the extra `export`, imported where a model of metatomic is written and nowhere else.
EXPORT = {"metatensor", "metatomic"}
# Of the extra `quantum`, which the environment of the rules has.
QUANTUM = {"pyscf"}
# In the environments of generative models, see tests/unit/generators.
ELSEWHERE = {f"run_{program}" for program in ABOUT}
# Whose scripts have environments of their own.
FOLDERS_ELSEWHERE = {"generators", "study_data"}
# Run, not imported.
PROGRAMS = {"snakemake", "snakemake-executor-plugin-slurm", "snakemake-logger-plugin-rich"}


def dependencies(repository: Path) -> set[str]:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    return {re.split(r"[<>=~!\[]", line)[0].strip() for line in project["dependencies"]}


def locked(repository: Path) -> list[str]:
    lines = (repository / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def imported(repository: Path) -> set[str]:
    """Top-level modules that anything in scripts/ imports, but for what runs elsewhere."""
    found = set()
    for path in (repository / "scripts").rglob("*.py"):
        if path.parent.name in FOLDERS_ELSEWHERE or path.stem in ELSEWHERE:
            continue
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


def test_every_direct_dependency_is_imported(repository):
    modules = imported(repository)
    used = {d for d in dependencies(repository) if MODULES.get(d, d.replace("-", "_")) in modules}
    assert dependencies(repository) - PROGRAMS == used


def test_every_import_is_a_direct_dependency(repository):
    ours = {MODULES.get(d, d) for d in dependencies(repository)}
    known = ours | {"limbeck"} | PARTS | EXPORT | QUANTUM
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
    needed = (dependencies(repository) | QUANTUM) - PROGRAMS
    assert {renamed.get(name, name) for name in needed} == names - {"python", "pip"}
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert all("=" in entry for entry in [*entries, *by_pip])


@pytest.mark.parametrize("module", ["limbeck", "limbeck.config.load", "limbeck.config.jobs"])
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


def open_parts(part: object, path: str = "") -> Iterator[str]:
    """Paths of the mappings in a schema that would accept a misspelt key."""
    if isinstance(part, list):
        for entry in part:
            yield from open_parts(entry, path)
    elif isinstance(part, dict):
        named = {"additionalProperties", "patternProperties"} & set(part)
        if part.get("type") == "object" and not named:
            yield path
        for name, child in part.items():
            yield from open_parts(child, f"{path}.{name}")


def test_the_schema_is_closed_at_every_level():
    assert list(open_parts(document.schema())) == []
    # negative control: an open level is found
    assert list(open_parts({"type": "object", "properties": {"a": {"type": "object"}}})) == [
        "",
        ".properties.a",
    ]


def test_every_field_has_a_sentence():
    assert len(document.field_rows()) > 150
    for row in document.field_rows():
        assert re.fullmatch(r"\S.{10,}\.", row.meaning), row.path


UNITS = {"_K": "K", "_fs": "fs", "_A": "Angstrom", "_eV_per_A": "eV/Angstrom", "_g_cm3": "g/cm3"}


def test_a_unit_in_a_name_stands_in_the_description():
    rows = [
        (r, unit)
        for r in document.field_rows()
        for end, unit in UNITS.items()
        if r.path.endswith(end)
    ]
    assert len(rows) > 8
    for row, unit in rows:
        assert unit in row.meaning or "in place of" in row.meaning, row.path


def test_what_is_written_of_the_config_is_what_its_sections_say():
    stale = "out of date: run `make config-docs`"
    assert document.README.read_text() == document.readme(), f"{document.README} is {stale}"
    assert document.SCHEMA.read_text() == document.schema_text(), f"{document.SCHEMA} is {stale}"


def test_the_readme_of_the_config_tells_each_field_once():
    """One row a path, with what kinds have of their own; and no sentence stands in two rows."""
    rows = [line.split(" | ") for line in document.readme().splitlines() if line.startswith("| `")]
    fields = {row.path for row in document.field_rows() if "." in row.path}
    assert {row[0].strip("| `") for row in rows} >= fields
    for column in (0, -1):
        texts = [row[column] for row in rows]
        assert sorted(set(texts)) == sorted(texts)
    (n_frames,) = [row for row in rows if row[0] == "| `sampling.<name>.n_frames`"]
    assert n_frames[3] == "phonons, contour: `20`; rattle: `4`; relax_path: `10`"
    (radius,) = [row for row in rows if row[0] == "| `sampling.<name>.supercell_radius_A`"]
    assert radius[-1] == "As `force_constants.<name>.supercell_radius_A`. |"


def test_an_editor_checks_the_configs_that_come_with_limbeck(repository):
    validator = Draft202012Validator(document.schema())
    for path in (repository / "config").rglob("*.yaml"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / first.split("=")[1]).resolve() == document.SCHEMA
        validator.validate(yaml.safe_load(path.read_text()))
    wrong = {"run": "x", "sources": {"a": {"kind": "molecules", "count": 0, "smiles": "a"}}}
    assert not validator.is_valid(wrong)


def allowed(path: str) -> set[str]:
    (row,) = [row for row in document.field_rows() if row.path == path]
    return set(row.allowed.removeprefix("a list of ").split(", "))


def test_the_kinds_of_the_config_are_those_of_the_library():
    assert allowed("potentials.<name>.model") == set(KINDS) == set(OPENERS)
    assert allowed("sources.<name>.kind") == set(SOURCES)
    assert allowed("sampling.<name>.method") == set(METHODS)
    assert allowed("students.<name>.architecture") == set(ARCHITECTURES)
    assert allowed("subsystems.<name>.rule") == {*BY_NUMBER, *BY_DISTANCE}
    assert allowed("warrant.symmetries") == set(SYMMETRIES) | set(FIELD_GAPS)


def test_the_symbols_are_those_of_the_elements():
    from ase.data import chemical_symbols

    assert ("X", *SYMBOLS) == tuple(chemical_symbols)


@pytest.mark.parametrize(
    "name",
    [
        "config/config.yaml",
        "config/demo_models.yaml",
        "config/gaps.yaml",
        "config/molecular_crystal.yaml",
        "config/own_labels.yaml",
        "config/studies.yaml",
        "config/study_expectation.yaml",
        "config/study_jets.yaml",
        "config/study_jets_full.yaml",
        "config/urea_model.yaml",
    ],
)
def test_a_config_that_comes_with_limbeck_is_valid(repository, name, monkeypatch):
    monkeypatch.chdir(repository)
    monkeypatch.setattr(shutil, "which", lambda program: program)  # environments that users make
    assert load(name).run == yaml.safe_load(Path(name).read_text())["run"]
