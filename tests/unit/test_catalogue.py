"""The list of what there is: complete, one line each, and quick to print."""

import subprocess
import sys

import pytest

from limbeck.command.catalogue import catalogue, summary
from limbeck.config.document import field_rows
from limbeck.config.sections.known import KINDS
from limbeck.potentials import OPENERS


def allowed(path):
    (row,) = [row for row in field_rows() if row.path == path]
    return row.allowed.removeprefix("a list of ").split(", ")


def every_kind_of_the_config():
    return {
        "potentials": allowed("potentials.<name>.model"),
        "gaps": allowed("warrant.symmetries"),
        "sources": allowed("sources.<name>.kind"),
        "samplers": allowed("sampling.<name>.method"),
        "students": allowed("students.<name>.architecture"),
        "studies": allowed("studies.<name>.kind"),
    }


def test_every_kind_of_the_config_is_listed():
    listed = {heading.split()[0]: sorted(part) for heading, part in catalogue().items()}
    assert listed == {name: sorted(kinds) for name, kinds in every_kind_of_the_config().items()}


def test_every_kind_has_one_line_of_its_own():
    for part in catalogue().values():
        lines = list(part.values())
        assert all(10 < len(line) < 120 and "\n" not in line for line in lines)
        assert len(set(lines)) == len(lines)


def test_the_registries_of_potentials_agree():
    assert sorted(KINDS) == sorted(OPENERS)


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
        "import sys; sys.path.insert(0, 'scripts')\n"
        "from limbeck.command import main; main(['list'])\n"
        "print(sorted({'rdkit', 'pymatgen', 'chgnet', 'mace', 'matgl', 'orb_models', 'ase.build'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert lines[-1] == "[]", done.stderr
    for kinds in every_kind_of_the_config().values():
        for kind in kinds:
            assert any(line.startswith(f"  {kind} ") for line in lines), kind
