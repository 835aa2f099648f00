"""What jobs are told, in files: a command line names one, instead of holding all that is in it.

A file has the name of what is in it, so that a job whose settings have changed is told another
file. Snakemake keeps that name among the job's params, and runs the job again. The files are
written by the head of a run as it begins to run jobs: a dry run writes nothing, and a job of a
cluster finds its file there.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from limbeck.config.plan import digest
from limbeck.files import whole_file

#: of a run, where they are kept
FOLDER = "settings"


class SettingsFiles:
    """The settings of a run's jobs, each of them a file."""

    def __init__(self, run: str | Path) -> None:
        """Those of the run in this folder; there are none yet."""
        self._folder = f"{run}/{FOLDER}"
        self._texts: dict[str, str] = {}

    def path(self, text: str) -> str:
        """The file that a job with these settings is told; nothing is written.

        Args:
            text: JSON.
        """
        value = json.loads(text)
        path = f"{self._folder}/{digest(value)}.json"
        self._texts[path] = json.dumps(value, indent=2) + "\n"
        return path

    def write(self, paths: Iterable[str]) -> None:
        """Write those of these files that are not there as they should be.

        Raises:
            LimbeckError: one cannot be written.
        """
        for path in sorted(set(paths)):
            text = self._texts[path]
            if not _is(path, text):
                # compared anew by the next head: no need to wait for the disk
                with whole_file(path, durable=False) as temporary:
                    temporary.write_text(text, encoding="utf-8")


def _is(path: str, text: str) -> bool:
    """Whether a file has this text, and no more."""
    try:
        return Path(path).read_text(encoding="utf-8") == text
    except (OSError, ValueError):
        return False
