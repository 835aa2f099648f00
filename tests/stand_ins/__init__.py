"""Programs with the command line, the output and the faults of generative models, and no model.

Each is put where the program's own environment has it: ``installed`` makes one. What goes wrong is
said by the variable STAND_IN, words with commas; a word that ends in ``-once`` is of the first call
alone. Each call adds a line of JSON to calls.jsonl in its environment.
"""

import os
import shutil
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
#: what a stand-in that needs torch and RDKit imports from here
PACKAGES = [path for path in sys.path if path.endswith("site-packages")]


def installed(program: str, folder: Path) -> Path:
    """An environment that has a program; its Python.

    Args:
        folder: of the environment, which is made.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    if program == "mattergen":
        shutil.copytree(HERE / "mattergen", packages / "mattergen")
        command = folder / "bin/mattergen-generate"
        command.write_text("from mattergen.scripts.generate import _main\n\n_main()\n")
        command.chmod(0o755)
    else:
        (packages / "tests.pth").write_text("\n".join(PACKAGES) + "\n")
        shutil.copytree(HERE / program, folder / "share" / program)
        if (HERE / program / "packages").is_dir():  # what our own environment lacks
            shutil.copytree(HERE / program / "packages", packages, dirs_exist_ok=True)
    shutil.copyfile(HERE / "stand_in.py", packages / "stand_in.py")
    return folder / "bin/python"


def with_faults(*faults: str) -> dict[str, str]:
    """The environment of a process in which these go wrong."""
    return {**os.environ, "STAND_IN": ",".join(faults)}
