"""Command lines of scripts, called in this process, so that no import is paid twice."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


def script_named(name: str) -> ModuleType:
    """A script as a module; ``name`` without ``.py``."""
    spec = importlib.util.spec_from_file_location(f"script_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(name: str, *arguments: object, settings: object) -> None:
    """Run a script's ``main`` with these arguments; what it raises is the test's to catch."""
    words = [f"{name}.py", "--settings", json.dumps(settings), *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        script_named(name).main()
