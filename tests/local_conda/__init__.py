"""A command ``conda`` for tests: the solver and the linker are those of py-rattler, packages are of
a local channel, and nothing comes from a network.

It knows what Snakemake 9 asks of the command, and no more. What it shows is that environment files
are made into environments as they stand, and that rules run in them; not that conda-forge has their
packages.
"""

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent


def installed(folder: Path, channel: Path) -> dict[str, str]:
    """Put the command into a folder; the variables with which processes find and use it.

    Args:
        folder: of the command and of the packages that it unpacked.
        channel: a folder of packages, which stands for conda-forge.
    """
    bin_folder = folder / "bin"
    bin_folder.mkdir(parents=True)
    shutil.copyfile(HERE / "activate", bin_folder / "activate")
    command = bin_folder / "conda"
    command.write_text(f"#!{sys.executable}\n" + (HERE / "command.py").read_text())
    command.chmod(0o755)
    search = os.pathsep.join([str(bin_folder), str(Path(sys.executable).parent)])
    return {
        "PATH": os.pathsep.join([search, os.environ["PATH"]]),
        "CONDA_TEST_CHANNEL": channel.as_uri(),
        # not even the addresses that a file names for wheels
        "https_proxy": "http://127.0.0.1:9",
        "PIP_NO_INDEX": "1",
        "PIP_RETRIES": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
