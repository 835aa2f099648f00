"""The list of what there is: complete, one line each, and quick to print."""

import subprocess
import sys

import pytest

from limbeck.catalogue import catalogue, summary
from limbeck.config.load import schema
from limbeck.potentials import BATCH_ATOMS, OPENERS
from limbeck.potentials.known import KINDS, MACE_FOUNDATION, ORB_FOUNDATION


def enum_of(section, field):
    return schema()["properties"][section]["additionalProperties"]["properties"][field]["enum"]


def every_kind_of_the_schema():
    gaps = schema()["properties"]["warrant"]["properties"]["symmetries"]["items"]["enum"]
    return {
        "potentials": enum_of("potentials", "model"),
        "gaps": gaps,
        "sources": enum_of("sources", "kind"),
        "samplers": enum_of("sampling", "method"),
        "students": enum_of("students", "architecture"),
    }


def test_every_kind_of_the_schema_is_listed():
    listed = {heading.split()[0]: sorted(part) for heading, part in catalogue().items()}
    assert listed == {name: sorted(kinds) for name, kinds in every_kind_of_the_schema().items()}


def test_every_kind_has_one_line_of_its_own():
    for part in catalogue().values():
        lines = list(part.values())
        assert all(10 < len(line) < 120 and "\n" not in line for line in lines)
        assert len(set(lines)) == len(lines)


def test_the_registries_of_potentials_agree():
    assert sorted(KINDS) == sorted(OPENERS) == sorted(BATCH_ATOMS)
    assert sorted(KINDS) == sorted(enum_of("potentials", "model"))


def test_the_schema_names_the_foundation_models():
    branches = schema()["properties"]["potentials"]["additionalProperties"]["allOf"]
    mace = next(b for b in branches if b["if"]["properties"]["model"].get("const") == "mace")
    named = mace["then"]["properties"]["pretrained"]["enum"]
    assert [name for name in named if name] == list(MACE_FOUNDATION)
    orb = next(b for b in branches if "orb-v2" in b["if"]["properties"]["model"].get("enum", []))
    assert orb["if"]["properties"]["model"]["enum"] == list(ORB_FOUNDATION)


def test_a_summary_is_the_first_line_of_a_docstring():
    import limbeck.seeds
    from limbeck.errors import LimbeckError

    first = limbeck.seeds.__doc__.splitlines()[0]
    assert summary("limbeck.seeds") == first.rstrip(".")
    assert LimbeckError.__doc__.startswith(summary("limbeck.errors", "LimbeckError"))


def test_what_has_no_source_is_told():
    with pytest.raises(ModuleNotFoundError, match=r"limbeck\.nothing"):
        summary("limbeck.nothing")


def test_it_prints_them_and_loads_nothing_heavy(repository):
    code = (
        "import sys; sys.path.insert(0, 'scripts'); from limbeck.catalogue import main; main();"
        "print(sorted({'rdkit', 'pymatgen', 'chgnet', 'mace', 'matgl', 'orb_models', 'ase.build'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert lines[-1] == "[]", done.stderr
    for kinds in every_kind_of_the_schema().values():
        for kind in kinds:
            assert any(line.startswith(f"  {kind} ") for line in lines), kind
