"""Which Python `make` takes, and how it gets one: with stand-ins of all programs on the path."""

import shutil
import subprocess

import pytest

#: what the recipe itself calls
TOOLS = ("bash", "make", "touch", "rm", "mkdir", "chmod", "cat")
#: a program that writes down how it was called
SAYS = 'echo "$(basename "$0") $*" >> "$LOG"\n'
#: and that makes an environment, as `python -m venv` and `uv venv` do, of programs that do the same
MAKES_VENV = """case "$*" in *venv*)
    mkdir -p .venv/bin
    for name in python pip; do
        printf '#!/bin/bash\\necho "venv/%s $*" >> "$LOG"\\n' $name > .venv/bin/$name
        chmod +x .venv/bin/$name
    done
esac
"""
#: as conda, which makes a folder with a Python that makes environments
MAKES_PYTHON = """mkdir -p .python/bin
cat > .python/bin/python <<'END'
#!/bin/bash
{says}{venv}
END
chmod +x .python/bin/python
""".format(says=SAYS.replace("$(basename", ".$(basename"), venv=MAKES_VENV)
PYTHON = SAYS + MAKES_VENV
NO_PYTHON = SAYS + "exit 1\n"  # a Python of another version, or one without ensurepip
STAND_INS = {
    "uv": SAYS + MAKES_VENV,
    "conda": SAYS + MAKES_PYTHON,
    "mamba": SAYS + MAKES_PYTHON,
    "micromamba": SAYS + MAKES_PYTHON,
}


@pytest.fixture
def folder(repository, tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(repository / name, tmp_path)
    (tmp_path / "path").mkdir()
    for name in (*TOOLS, "basename"):
        (tmp_path / "path" / name).symlink_to(shutil.which(name))
    return tmp_path


def install(folder, *words, **programs):
    """What was called, in order, and what was said."""
    for name, text in programs.items():
        program = folder / "path" / name.replace("_", ".")
        program.write_text(f"#!/bin/bash\n{text}")
        program.chmod(0o755)
    done = subprocess.run(
        ["make", ".venv/.ready", *words],
        cwd=folder,
        env={"PATH": str(folder / "path"), "LOG": str(folder / "log")},
        capture_output=True,
        text=True,
    )
    log = folder / "log"
    return done, log.read_text().splitlines() if log.exists() else []


def made(folder, called):
    """The calls that are no question which version it is; the last three are of the environment."""
    assert (folder / ".venv/.ready").exists()
    assert [line.split(" install ")[0] for line in called[-3:]] == ["venv/python -m pip"] * 3
    return [line for line in called[:-3] if "ensurepip" not in line]


@pytest.mark.parametrize("name", ["python3_11", "python3_12", "python3"])
def test_a_python_that_is_there_is_taken(folder, name):
    done, called = install(folder, **{name: PYTHON}, **STAND_INS)
    assert made(folder, called) == [f"{name.replace('_', '.')} -m venv --clear .venv"]
    assert "gets one" not in done.stdout


def test_where_there_is_none_uv_gets_it(folder):
    done, called = install(folder, python3=NO_PYTHON, **STAND_INS)
    assert made(folder, called) == ["uv venv --quiet --seed --python 3.11 .venv"]
    assert done.stdout.splitlines()[0] == "No Python 3.11 or 3.12 here: uv gets one."


@pytest.mark.parametrize("name", ["conda", "mamba", "micromamba"])
def test_where_there_is_no_uv_conda_gets_it(folder, name):
    done, called = install(folder, python3=NO_PYTHON, **{name: STAND_INS[name]})
    assert made(folder, called) == [
        f"{name} create --yes --quiet --prefix {folder}/.python --override-channels "
        "--channel conda-forge python=3.11",
        ".python -m venv --clear .venv",
    ]
    assert done.stdout.splitlines()[0] == f"No Python 3.11 or 3.12 here: {name} gets one."


def test_what_fails_to_get_it_stops_there(folder):
    for name in ("uv", "conda"):
        done, called = install(folder, **{name: NO_PYTHON})
        assert done.returncode != 0
        assert not any("pip" in line for line in called)
        (folder / "path" / name).unlink()


@pytest.mark.parametrize("words", [(), ("PYTHON=python3.13",)])
def test_else_one_line_says_how(folder, words):
    """Where the user names a Python, nothing else is tried."""
    others = STAND_INS if words else {}
    done, called = install(folder, *words, python3_13=NO_PYTHON, **others)
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert line.startswith("Limbeck needs Python 3.11 or 3.12 with its venv module: install uv or")
    assert not any(line.startswith(("uv", "conda", "venv")) for line in called)


def test_an_environment_that_is_there_is_kept(folder):
    install(folder, python3_11=PYTHON)
    (folder / "path/python3.11").unlink()
    (folder / ".venv/.ready").unlink()
    done, _ = install(folder)
    assert done.returncode == 0, done.stderr
    assert (folder / ".venv/.ready").exists()
