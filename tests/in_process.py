"""Command lines of scripts, called in this process, so that no import is paid twice.

``run`` answers as ``run_as_process`` does, so that a test can change from one to the other. Every
script has one test at least in a process of its own, where imports and exit status are real.
"""

import importlib.util
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from unittest import mock

import pytest
import torch

from limbeck import cli
from limbeck.command import main as main_of_limbeck

SCRIPTS = Path(__file__).parents[1] / "scripts"
Done = subprocess.CompletedProcess[str]


def script_named(name: str) -> ModuleType:
    """A script as a module; ``name`` without ``.py``."""
    spec = importlib.util.spec_from_file_location(f"script_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words(name: str, *arguments: object, settings: object) -> list[str]:
    """A command line without the interpreter; ``settings`` may be text, as a person gives it."""
    text = settings if isinstance(settings, str) else json.dumps(settings)
    return [str(SCRIPTS / f"{name}.py"), "--settings", text, *map(str, arguments)]


def call(name: str, *arguments: object, settings: object) -> None:
    """Run a script's ``main`` with these arguments; what it raises is the test's to catch."""
    with pytest.MonkeyPatch.context() as patch, _threads_and_seed():
        patch.setattr(sys, "argv", words(name, *arguments, settings=settings))
        script_named(name).main()


def run(name: str, *arguments: object, settings: object, cwd: Path | None = None) -> Done:
    """Run a script to its end as a process would, and say what it answered.

    An error that would end a process in a traceback is raised here, and fails the test.
    """
    main = script_named(name).main
    return _ended(words(name, *arguments, settings=settings), lambda: cli.run(main), cwd)


def limbeck(*arguments: object, cwd: Path | None = None) -> Done:
    """The same of the command ``limbeck``."""
    command = [str(word) for word in arguments]
    return _ended(["limbeck", *command], lambda: main_of_limbeck(command), cwd)


def _ended(command: list[str], main: Callable[[], None], cwd: Path | None) -> Done:
    code = 0
    with pytest.MonkeyPatch.context() as patch, _threads_and_seed(), _own_log():
        patch.setattr(sys, "argv", command)
        if cwd:
            patch.chdir(cwd)
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            try:
                main()
            except SystemExit as end:
                # as the interpreter does with a text: written to stderr, status 1
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
                if isinstance(end.code, str):
                    print(end.code, file=err)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def run_as_process(
    name: str, *arguments: object, settings: object, cwd: Path | None = None
) -> Done:
    """The same in a process of its own."""
    command = [sys.executable, *words(name, *arguments, settings=settings)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@contextmanager
def _threads_and_seed() -> Iterator[None]:
    """Put back what a script sets for its whole process."""
    threads = torch.get_num_threads()
    try:
        with mock.patch.dict(os.environ), torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _own_log() -> Iterator[None]:
    """No handlers but the script's own: with pytest's, ``basicConfig`` would do nothing."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        root.setLevel(level)
