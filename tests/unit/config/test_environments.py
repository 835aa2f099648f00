"""Which environment a rule has that has one of its own."""

from types import SimpleNamespace

from limbeck.config.environments import file_of, python_of

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
