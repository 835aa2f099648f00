"""Every YAML block of the README and the docs, pasted into the config that the text above names."""

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from limbeck.config.load import resolve
from limbeck.errors import LimbeckError
from limbeck.sampling import METHODS

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "sources").glob("*.md"))]
#: what a block goes into: the last that its section names before it, or the demo's
DEMO = "config/config.yaml"
NAMED = re.compile(r"\b(?:config|slurm)/\w+\.yaml\b")
#: not a config of a run
PROFILE = "slurm/config.yaml"
FILL_IN = "..."  # what a block leaves to its reader: the hash of a file


def blocks():
    """(page and line, the config it goes into, the block) of every one."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            section = re.split(r"^#+ .*$", text[: found.start()], flags=re.MULTILINE)[-1]
            named = [n for n in NAMED.findall(section) if n != "config/mine.yaml"]
            line = text[: found.start()].count("\n") + 1
            yield f"{page.name}:{line}", (named or [DEMO])[-1], found[1]


def pasted(config, block):
    """Entries are put into their sections by name, in place of those of the same name.

    Of a block of sources alone all are labelled as they are, where no sampling names them.
    """
    result = dict(config)
    if set(block) == {"sources"}:
        include = [*config["select"]["include"], "generated"]
        result["select"] = {**config["select"], "include": include}
    for section, entries in block.items():
        own = result.get(section)
        both = isinstance(own, dict) and isinstance(entries, dict)
        result[section] = {**own, **entries} if both else entries
    return result


def filled_in(block):
    return yaml.safe_load(block.replace(f'"{FILL_IN}"', f'"{"0" * 64}"'))


BLOCKS = list(blocks())


def test_there_are_blocks_and_each_has_a_place():
    assert len(BLOCKS) > 20
    assert {target for _, target, _ in BLOCKS} <= {
        DEMO,
        PROFILE,
        "config/gaps.yaml",
        "config/own_labels.yaml",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the resources, in which the files of a block's reader can be."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copytree(ROOT / "resources", folder / "resources", copy_function=os.symlink)
    return folder


def named_files(value):
    """Every file that is named in a block."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from named_files(inner)
        elif key in ("path", "smiles", "fallback", "grids"):
            yield Path(inner)


OF_RUNS = [block for block in BLOCKS if block[1] != PROFILE]


@pytest.mark.parametrize(("where", "target", "block"), OF_RUNS, ids=[b[0] for b in OF_RUNS])
def test_a_block_can_be_pasted(where, target, block, folder, monkeypatch):
    monkeypatch.chdir(folder)
    own = filled_in(block)
    for path in named_files(own):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    resolve(pasted(yaml.safe_load((ROOT / target).read_text(encoding="utf-8")), own))


def test_blocks_of_the_profile_name_settings_and_rules_that_there_are():
    profile = yaml.safe_load((ROOT / PROFILE).read_text(encoding="utf-8"))
    workflow = "".join(p.read_text(encoding="utf-8") for p in ROOT.glob("workflow/rules/*.smk"))
    rules = {*re.findall(r"^\s*rule (\w+):", workflow, re.MULTILINE)}
    rules |= {f"sample_{method}" for method in METHODS}
    of_profile = [yaml.safe_load(block) for _, target, block in BLOCKS if target == PROFILE]
    assert of_profile
    for block in of_profile:
        assert set(block) <= {*profile, "set-resources"}
        assert set(block.get("set-resources", {})) <= rules


def test_a_block_that_does_not_fit_is_refused(monkeypatch):
    """Negative control."""
    monkeypatch.chdir(ROOT)
    config = yaml.safe_load(Path(DEMO).read_text(encoding="utf-8"))
    with pytest.raises(LimbeckError, match="sources"):
        resolve(pasted(config, {"sampling": {"hot": {"method": "rattle", "sources": ["none"]}}}))
