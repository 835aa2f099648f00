"""Check what was taken home: every SHA256SUMS at or below a folder.

Exit status 1 where a file is missing, changed or not listed, or where there is nothing to check.
"""

import argparse
import sys
from pathlib import Path

from limbeck.check.sums import SUMS, faults, sums_below
from limbeck.errors import LimbeckError


def main() -> None:
    """Read the command line, and check."""
    parser = argparse.ArgumentParser(prog="python -m limbeck.check", description=__doc__)
    parser.add_argument("folder", type=Path, help="a student, a data set, or all of a run")
    check(parser.parse_args().folder)


def check(folder: Path) -> None:
    """Print what is fine and what is not, and end the process where something is wrong."""
    if not folder.is_dir():
        sys.exit(f"error: {folder}: no such folder")
    found = {path: _faults(path) for path in sums_below(folder)}
    for path, lines in found.items():
        print(f"{path}: {'as it was written' if not lines else 'wrong'}")
        for line in lines:
            print(f"  {line}")
    if not found:
        sys.exit(f"error: {folder}: no {SUMS} in it, so that nothing can be checked")
    wrong = sum(bool(lines) for lines in found.values())
    print(f"{len(found) - wrong} of {len(found)} are as they were written")
    if wrong:
        print(
            "In a run, remove what is wrong and type the same command again, which makes it anew; "
            "of a copy, copy it again."
        )
        sys.exit(1)


def _faults(sums: Path) -> list[str]:
    try:
        return faults(sums)
    except LimbeckError as error:
        return [str(error)]


if __name__ == "__main__":
    main()
