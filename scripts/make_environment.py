"""Make an environment of envs/ with pip, where all of its packages are pip's.

``make env NAME=...`` puts it into .envs/NAME; the field ``python`` of what runs in it (a generator,
a program of quantum chemistry, a study) names its Python.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
#: what an environment of Python's own has, or its system
ALONE = {"python", "pip", "git"}


def read(path: Path) -> tuple[str, list[str]]:
    """Python's version and pip's requirements of an environment file.

    Raises:
        SystemExit: there is no such file, it names no Python, or it needs packages of conda.
    """
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
        sys.exit(f"error: {path}: no such file, expected NAME to be one of {names}")
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
    conda = {re.split(r"[^\w.-]", e)[0]: e for e in entries if isinstance(e, str)}
    if others := sorted(set(conda) - ALONE):
        text = (
            f"expected pip's packages alone, got {', '.join(others)} of conda, which has to make it"
        )
        sys.exit(f"error: {path}: {text}")
    python = re.fullmatch(r"python==?(\d+\.\d+[\d.]*)", conda.get("python", ""))
    if python is None:
        sys.exit(f"error: {path}: expected a line of its dependencies to be python=VERSION")
    return python[1], [r for e in entries if isinstance(e, dict) for r in e["pip"]]


def python_of(version: str, given: str | None) -> list[str]:
    """The beginning of a command that makes a virtual environment of this Python.

    Raises:
        SystemExit: there is none.
    """
    short = ".".join(version.split(".")[:2])
    if uv := shutil.which("uv"):
        return [uv, "venv", "--seed", "--python", given or short]
    found = given or shutil.which(f"python{short}") or sys.executable
    code = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    done = subprocess.run([found, "-c", code], capture_output=True, text=True, check=False)
    if done.stdout.strip() != short and not given:
        sys.exit(f"error: no Python {short} here: install it, or uv, which gets it")
    return [found, "-m", "venv"]


def main() -> None:
    """Make it, and say where its Python is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of a file in envs/, without .yaml")
    parser.add_argument("--python", help="another Python than the file names, to make it with")
    args = parser.parse_args()
    path, folder = ROOT / "envs" / f"{args.name}.yaml", Path(".envs", args.name).absolute()
    version, requirements = read(path)
    if folder.exists():
        sys.exit(f"error: {folder}: there already; remove it to make it anew")
    python = folder / "bin/python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run([*python_of(version, args.python), str(folder)], check=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(requirements) + "\n")
            file.flush()
            pip = [str(python), "-m", "pip", "install", "--requirement", file.name]
            subprocess.run(pip, check=True)
        after = path.with_suffix(".post-deploy.sh")
        if after.is_file():
            variables = os.environ | {"CONDA_PREFIX": str(folder)}
            subprocess.run(["bash", str(after)], check=True, env=variables)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(f"error: {path}: not made: {error}")
    print(f"In the config: python: {python.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
