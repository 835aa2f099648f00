"""Which environment a rule has that has one of its own."""

import sys
from types import SimpleNamespace

from limbeck.config.environments import faults_of_python, file_of, python_of

OWN, GIVEN = SimpleNamespace(python=None), SimpleNamespace(python=".envs/a/bin/python")


def test_conda_makes_it_where_one_section_names_no_python():
    assert file_of("psi4", [OWN]) == "../../envs/psi4.yaml"
    assert file_of("psi4", [GIVEN, OWN]) == "../../envs/psi4.yaml"


def test_conda_makes_none_that_nobody_needs():
    assert file_of("psi4", [GIVEN]) == "../../envs/limbeck.yaml"
    assert file_of("psi4", []) == "../../envs/limbeck.yaml"


def test_the_python_of_the_environment_is_the_first_on_the_path():
    assert python_of(OWN) == "python"
    assert python_of(GIVEN) == ".envs/a/bin/python"


def test_a_python_that_is_not_there_is_told_with_what_makes_it(tmp_path):
    (line,) = faults_of_python(GIVEN, "study-jets")
    assert "'.envs/a/bin/python' is nothing that can be run" in line
    assert line.endswith("make env NAME=study-jets makes .envs/study-jets/bin/python")
    (tmp_path / "python").touch()  # there, and no program
    assert faults_of_python(SimpleNamespace(python=str(tmp_path / "python")), "study-jets")
    for there in (OWN, SimpleNamespace(python=sys.executable), SimpleNamespace(python="python")):
        assert not faults_of_python(there, "study-jets")
