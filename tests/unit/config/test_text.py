"""The text of a config is looked at before anything is made of it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from limbeck.cli import read_settings
from limbeck.config.load import load, resolve
from limbeck.config.sections.screen import Screen
from limbeck.config.text import MAX_VALUES, check_text, read_yaml
from limbeck.errors import LimbeckError

ROOT = Path(__file__).parents[3]
CONFIGS = sorted([*(ROOT / "config").rglob("*.yaml"), *(ROOT / "tests/config").glob("*.yaml")])
BOMB = "a0: &a0 [1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)
BAD = {
    "template": ("__use_yte__: true\nrun: x", r"line 1: __use_yte__, expected a config that runs"),
    "template in JSON": ('{"run": 1,\n"__use_yte__": true}', "line 2: __use_yte__"),
    "template, escaped": ('"\\x5f_use_yte\\u005f_": true', "line 1: __use_yte__"),
    "template, merged": ("a: &a {__use_yte__: true}\n<<: *a", "line 1: __use_yte__"),
    "template, explicit key": ("? __use_yte__\n: true", "line 1: __use_yte__"),
    "bomb": (BOMB, f"more than {MAX_VALUES} values, with aliases written out"),
    "bomb of merges": ("a: &a {b: 1}\nc: {<<: [" + "*a, " * 50_000 + "*a]}", "more than"),
    "long list": ("a: [" + "1," * 200_000 + "]", f"more than {MAX_VALUES} values"),
    "itself": ("a: &a [*a]", r"\*a stands for nothing, or for itself"),
    "nothing": ("a: *b", r"\*b stands for nothing"),
    "deep": ("a: " + "[" * 100_000, "nested more than 50 deep"),
    "tag": ("run: !!python/object/apply:os.mkdir [x]", "the tag tag:yaml.org,2002:python/object"),
    "tag of a name": ("run: !!python/name:os.system", "the tag tag:yaml.org,2002:python/name"),
    "tag, verbatim": ("run: !<tag:yaml.org,2002:python/module:os> x", "the tag"),
    "tag, handle": ("%TAG !p! tag:yaml.org,2002:python/\n---\nrun: !p!name:os x", "the tag"),
    "large": ("a: " + "x" * 2**21, "bytes, expected at most"),
    "no YAML": ("a: [1", "not a readable YAML file: while parsing"),
    "control": ("a: \x07", "not a readable YAML file"),
    "two documents": ("a: 1\n---\nb: 2", "not a readable YAML file: expected a single document"),
    "a date": ("a: 2024-13-45", "not a readable YAML file: month must be"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_a_config_may_not_have_is_told_in_one_line(tmp_path, name):
    text, message = BAD[name]
    (tmp_path / "x.yaml").write_text(text)
    start = time.process_time()
    with pytest.raises(LimbeckError, match=rf"x\.yaml[:,].*{message}") as caught:
        load(tmp_path / "x.yaml")
    assert "\n" not in str(caught.value)
    assert time.process_time() - start < 2
    with pytest.raises(Exception, match=rf"not readable: .*x\.yaml[:,].*{message}"):
        read_settings(str(tmp_path / "x.yaml"), Screen)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_configs_here_pass(path):
    assert read_yaml(path)["run"]


def test_aliases_and_quotes_of_people_pass(tmp_path):
    text = "a: &a [1, 2]\nb: [*a, *a]\nc: {<<: {d: 1}}\ne: 'x'\nf: 'about __use_yte__'\n"
    (tmp_path / "x.yaml").write_text(text)
    assert read_yaml(tmp_path / "x.yaml")["b"] == [[1, 2], [1, 2]]


def test_a_template_is_refused_before_snakemake_runs_it(tmp_path):
    marker = tmp_path / "was-run"
    config = tmp_path / "x.yaml"
    config.write_text(f"__use_yte__: true\nrun: ?__import__('os').mkdir({str(marker)!r}) or 'x'\n")
    command = [sys.executable, "-m", "limbeck.config.text", str(config)]
    environment = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    line = f"error: {config}, line 1: __use_yte__, expected a config that runs no code"
    assert (done.returncode, done.stderr.strip()) == (1, line)
    assert not marker.exists()
    # negative control: Snakemake's own loader runs it
    from snakemake.common.configfile import load_configfile

    load_configfile(config)
    assert marker.exists()


def test_a_sound_config_is_let_through_in_silence():
    command = [sys.executable, "-m", "limbeck.config.text", *map(str, CONFIGS)]
    environment = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


BAD_NAMES = ["x" * 300, "x" * 65, "x\n", "x\ny", "", "../x", "x/y", "a;b", "$(touch b)", "`b`",
             "a b", "a&b", "a|b", "a>b", "{a}", "a'b", 'a"b', "é", "X", "a.b", "\x00"]  # fmt: skip


def small(**changed):
    sources = {"s": {"kind": "clusters", "count": 1, "elements": ["Cu"], "sizes": [2, 3]}}
    parts = {"sources": sources, "potentials": {"p": {"model": "emt"}},
             "labels": {"a": {"potential": "p", "views": "as_given"}}}  # fmt: skip
    return {"run": "x", **parts, "select": {"include": ["generated"], "count": 1}} | changed


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_is_of_few_letters_and_stays_in_its_folder(name):
    assert resolve(small()).run == "x"
    assert resolve(small(run="x" * 64)).run == "x" * 64
    cluster = small()["sources"]["s"]
    for part in ({"run": name}, {"sources": {name: cluster}}):
        with pytest.raises(LimbeckError, match="expected up to 64 lower-case letters, digits") as e:
            resolve(small(**part))
        assert len(str(e.value).splitlines()) == 1


BAD_PATHS = ["a{source}.xyz", "a}.xyz", "{", "a\n.xyz", "a\n", "a\x00", "", "x" * 300, "x/" * 1001]


@pytest.mark.parametrize("path", BAD_PATHS)
@pytest.mark.parametrize("field", ["sources.m.smiles", "sources.f.path", "potentials.q.path",
                                   "potentials.q.cache", "potentials.o.path"])  # fmt: skip
def test_a_path_is_one_that_snakemake_takes_as_it_is(field, path):
    part, name, key = field.split(".")
    sections = {
        "m": {"kind": "molecules", "count": 1},
        "f": {"kind": "file", "count": 1},
        "q": {"model": "mace", "sha256": "0" * 64},
        "o": {"model": "orb", "sha256": "0" * 64},
    }
    config = small()
    config[part] = config[part] | {name: sections[name] | {key: path}}
    with pytest.raises(LimbeckError, match=rf"{field}: .*expected (text without|a path of)") as e:
        resolve(config)
    assert len(str(e.value).splitlines()) == 1


def test_paths_of_people_pass(tmp_path):
    path = tmp_path / "Müller's data; $(x) & 100 %.smi"
    path.write_text("C\n")
    sources = {"m": {"kind": "molecules", "count": 1, "smiles": str(path)}}
    assert resolve(small(sources=sources)).sources["m"].smiles == str(path)


def test_a_text_that_is_checked_is_not_made(monkeypatch):
    import yaml

    monkeypatch.setattr(yaml, "safe_load", None)  # only events are looked at
    with pytest.raises(LimbeckError, match="more than"):
        check_text(BOMB, "x.yaml")
