"""Fetch the weights of the generators of a config, once, where there is a network.

What can be fetched is put into weights/, its size and SHA-256 compared with those that are known;
of the others it is said where they are, and whether they are there.
"""

import hashlib
import logging
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from limbeck import cli
from limbeck.config.jobs import FetchWeights
from limbeck.config.sections.generators import AnyGenerator, MatterGen
from limbeck.config.sections.generators.weights import MATTERGEN, Download, downloads
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of, whole_file, write_json

log = logging.getLogger(__name__)

BLOCK = 1 << 20
#: of no answer, s
PATIENCE_S = 60


def fetch(wanted: Download) -> None:
    """Download a file, unless it is there; nothing is put in place that is not what it is to be.

    Raises:
        LimbeckError: it cannot be downloaded, is larger than it may be, or has another hash.
    """
    path = Path(wanted.path)
    if path.is_file() and sha256_of(path) == wanted.sha256:
        log.info("%s: there already", path)
        return
    found, size = hashlib.sha256(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        try:
            with (
                urllib.request.urlopen(wanted.url, timeout=PATIENCE_S) as answer,
                open(temporary, "wb") as file,
            ):
                while block := answer.read(BLOCK):
                    size += len(block)
                    if size > wanted.bytes:
                        text = f"larger than {wanted.bytes} bytes, expected no more"
                        raise LimbeckError(f"{wanted.url}: {text}")
                    found.update(block)
                    file.write(block)
        except (OSError, ValueError) as error:
            raise LimbeckError(f"{wanted.url}: not downloaded: {error}") from error
        if found.hexdigest() != wanted.sha256:
            text = f"its SHA-256 is {found.hexdigest()}, expected {wanted.sha256}"
            raise LimbeckError(f"{wanted.url}: {text}")
    log.info("%s: %d bytes, SHA-256 as expected", path, size)


def by_hand(own: AnyGenerator, path: str, sha256: str | None) -> str:
    """What is left to do for weights that have no address of their own; empty where nothing is."""
    if Path(path).exists():
        now = sha256_of(path)
        return "" if now == sha256 else f"{path}: its SHA-256 is {now}, expected {sha256}"
    return f"{path}: not there; {own.about.by_hand}, from {own.about.page}"


def paths_of(own: AnyGenerator) -> Iterator[tuple[str, str | None]]:
    """Weights at a path, with the hashes that they are to have."""
    for field in ("weights", "bond_predictor"):
        if path := getattr(own, field, None):
            prefix = "" if field == "weights" else f"{field}_"
            yield path, getattr(own, f"{prefix}sha256")


def main() -> None:
    """Fetch what can be fetched, and say what cannot."""
    parser = cli.parser(__doc__, FetchWeights)
    parser.add_argument("--output", type=Path, required=True, help="JSON of what is there")
    args = parser.parse_args()
    left, there = [], []
    for own in args.settings.generators.values():
        if isinstance(own, MatterGen) and own.weights in MATTERGEN:
            for wanted in downloads(own.weights):
                fetch(wanted)
                there.append(wanted.path)
            continue
        for path, sha256 in paths_of(own):
            told = by_hand(own, path, sha256)
            left += [f"generators.{own.name}: {told}"] if told else []
            there += [] if told else [path]
    if left:
        raise LimbeckError("\n".join(left))
    write_json(args.output, {"there": there})


if __name__ == "__main__":
    cli.run(main)
