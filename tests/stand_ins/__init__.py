"""Programs with the command line, the output and the faults of generative models, and no model.

Each is put where the program's own environment has it: ``installed`` makes one. What goes wrong is
said by the variable STAND_IN, words with commas; a word that ends in ``-once`` is of the first call
alone. Each call adds a line of JSON to calls.jsonl in its environment.
"""

import os
import shutil
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).parent
#: what stand-ins import of our own environment
LINKED = ("numpy", "numpy.libs", "rdkit", "rdkit.libs", "yaml")
#: of the folder of weights that stands in for MatterGen's
WEIGHTS_SHA256 = "fd88e4ee1db97a4a7d8e349c57fd6099177d75ceb9238cd28a9ae1d63d72c410"


def installed(program: str, folder: Path) -> Path:
    """An environment that has a program, and weights of MatterGen beside it; its Python.

    Args:
        folder: of the environment, which is made.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    shutil.copyfile(HERE / "stand_in.py", packages / "stand_in.py")
    if program == "mattergen":
        shutil.copytree(HERE / "mattergen", packages / "mattergen")
        command = folder / "bin/mattergen-generate"
        command.write_text("from mattergen.scripts.generate import _main\n\n_main()\n")
        command.chmod(0o755)
        weights(folder / "weights")
        return folder / "bin/python"
    shutil.copytree(HERE / "packages", packages, dirs_exist_ok=True)
    shutil.copytree(HERE / program, folder / "share" / program)
    ours = Path(sysconfig.get_path("purelib"))
    for name in LINKED:
        if (ours / name).exists():
            (packages / name).symlink_to(ours / name)
    return folder / "bin/python"


def weights(folder: Path) -> Path:
    """A folder of weights as MatterGen has them, whose hash is ``WEIGHTS_SHA256``."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints/last.ckpt").write_text("weights")
    (folder / "config.yaml").write_text("a: 1")
    return folder


def with_faults(*faults: str) -> dict[str, str]:
    """The environment of a process in which these go wrong."""
    return {**os.environ, "STAND_IN": ",".join(faults)}
