"""Put the trained models of a run into resources/models/, and their hashes into a config.

Beside them go the ids of what they were trained on, which they label in no run.
"""

import logging
import re
import shutil
from pathlib import Path

import numpy as np

from limbeck import cli
from limbeck.check.sums import SUMS
from limbeck.config.config import Config
from limbeck.errors import LimbeckError, explained
from limbeck.files import read_json, sha256_of
from limbeck.labelling.trained_on import write_trained_ids
from limbeck.storage import read_frames
from limbeck.students.card import views_in_words

log = logging.getLogger(__name__)

MODELS = Path("resources/models")
#: student -> its file or folder below ``model/``, and where it goes
PUBLISHED = {
    "mace-demo": ("model.model", MODELS / "mace-demo.model"),
    "orb-demo": (".", MODELS / "orb-demo"),
    "mace-urea": ("model.model", MODELS / "mace-urea.model"),
}

MADE_BY = """## How it was made

`make demo-models` runs `config/{run}.yaml`, with CHGNet as the teacher, and puts the model here.
What it was trained on, or was chosen by, is in `{run}.trained_on.txt`, by ids.
"""
ORB_NOTE = """## What it is for

orb-demo is orb-v2's kind of network made small, so that the demo has a teacher that breaks
symmetry where nothing can be downloaded. The size of its gap tells nothing about the size of
orb-v2's.
"""


def main() -> None:
    """Copy each model that the run trained, and its card, and patch its hash in the config."""
    parser = cli.parser(__doc__, Config)
    parser.add_argument("--config", type=Path, required=True, help="config that uses the models")
    args = parser.parse_args()
    results = Path("results", args.settings.run)
    text = args.config.read_text(encoding="utf-8")
    for name in args.settings.students:
        part, target = PUBLISHED[name]
        copy(folder(results, name) / "model" / part, target)
        write_card(results, name)
        text = with_hash(text, name, sha256_of(target))
        log.info("%s: sha256 %s", target, sha256_of(target))
    write_ids(results, args.settings.dataset.split_by)
    args.config.write_text(text, encoding="utf-8")


def folder(results: Path, name: str) -> Path:
    """Where a run put the model."""
    return results / "students" / "chgnet" / name / "seed1"


def write_ids(results: Path, split_by: str) -> None:
    """What training saw, and what chose the epoch.

    First structures, where none stands in two parts of the split; they can be made again without
    any trajectory. Else the frames.
    """
    parts = [read_frames(results / "datasets" / "chgnet" / f"{p}.h5") for p in ("train", "valid")]
    by_frame = split_by == "frame"
    ids = np.concatenate([frames.id if by_frame else frames.root for frames in parts])
    kind = "Frames" if by_frame else "First structures of the frames"
    about = f"{kind} that the models of config/{results.name}.yaml were trained on, by their ids."
    write_trained_ids(MODELS / f"{results.name}.trained_on.txt", ids, about)


def write_card(results: Path, name: str) -> None:
    """The student's card, its errors in other orientations, and how it was made."""
    seed = folder(results, name)
    warrant = read_json(results / "warrant" / "students" / "chgnet" / f"{name}.json")
    metrics = read_json(seed / "metrics.json")["test_known"]
    with explained(f"{seed} and its file of warrant/: not what a run leaves"):
        words = views_in_words(warrant, metrics)
    parts = [(seed / "card.md").read_text(encoding="utf-8"), words]
    parts.append(MADE_BY.format(run=results.name))
    parts += [ORB_NOTE] if name == "orb-demo" else []
    (MODELS / f"{name}.md").write_text("\n".join(parts), encoding="utf-8")


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder over what stands at ``target``.

    Without its SHA256SUMS: the config has the hash of the whole.
    """
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*", SUMS))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def with_hash(text: str, potential: str, sha256: str) -> str:
    """The config's text with the hash of one potential, comments and all else as they were."""
    pattern = rf'(?m)(^  {re.escape(potential)}:[^\0]*?sha256: *"?)[0-9a-f]{{64}}'
    text, count = re.subn(pattern, rf"\g<1>{sha256}", text, count=1)
    if count != 1:
        raise LimbeckError(f"no sha256 of the potential {potential!r} in the config")
    return text


if __name__ == "__main__":
    cli.run(main)
