"""The config: defaults, and one clear line for each error."""

import contextlib
import copy
import re
from pathlib import Path

import pytest
import yaml

from limbeck.config import jobs, plan
from limbeck.config.checks import remarks
from limbeck.config.load import load, resolve
from limbeck.config.sections import students as student_sections
from limbeck.config.sections.known import CLOSE_PACKED, KINDS, SYMBOLS
from limbeck.config.sections.messages import RENAMED_FIELDS, RENAMED_VALUES
from limbeck.errors import LimbeckError
from limbeck.structures.sources.clusters import nearest_distance

SHA256 = "0" * 64
VALID = """
run: test
sources:
  crystals: {kind: crystals, count: 8, shards: 4, elements: [Li, F]}
  clusters: {kind: clusters, count: 6, elements: [Cu], sizes: [4, 6]}
potentials:
  chgnet: {model: chgnet}
  emt: {model: emt}
sampling:
  rattled: {method: rattle, sources: [crystals]}
  hot: {method: md, sources: [clusters], potential: emt}
select: {include: [rattled, hot], count: 10, slices: 2}
labels:
  chgnet: {potential: chgnet}
students:
  mace-small: {architecture: mace}
distill:
  - {labels: chgnet, students: [mace-small]}
"""


@pytest.fixture
def config() -> dict:
    return yaml.safe_load(VALID)


def changed(config: dict, path: str, value: object) -> dict:
    """The config with the field at a dotted path set to ``value``."""
    config = copy.deepcopy(config)
    *parents, last = path.split(".")
    part = config
    for name in parents:
        part = part[int(name)] if isinstance(part, list) else part.setdefault(name, {})
    part[last] = value
    return config


def errors_of(config: dict) -> list[str]:
    with pytest.raises(LimbeckError) as caught:
        resolve(config)
    return str(caught.value).splitlines()


def test_defaults_are_filled_in_at_every_level(config):
    resolved = resolve(config)
    assert resolved.seed == 1
    assert resolved.screen.min_contact_ratio == 0.6
    assert resolved.sampling["hot"].temperature_K == 298.15
    assert resolved.labels["chgnet"].views == "as_given"
    assert resolved.distill[0].seeds == [1]
    assert resolved.warrant.reference is None


def test_a_grid_takes_the_place_of_views(config):
    grid = {"potential": "chgnet", "quadrature": "octahedral"}
    resolved = resolve(changed(config, "labels.grid", grid))
    assert resolved.labels["grid"].views is None
    assert resolved.labels["chgnet"].views == "as_given"
    assert resolve(resolved.model_dump()) == resolved
    for views in ("as_given", 4, "auto"):
        (line,) = errors_of(changed(config, "labels.grid", grid | {"views": views}))
        assert line.startswith(f"labels.grid.views: {views!r}, expected none beside quadrature")
    product = grid | {"quadrature": "product", "quadrature_order": 5, "reflections": True}
    resolve(changed(config, "labels.grid", product))


def test_defaults_do_not_leak_from_one_kind_into_another(config):
    resolved = resolve(config).model_dump(mode="json")
    assert "displacement_A" not in resolved["sources"]["clusters"]
    assert "supercell" not in resolved["sources"]["clusters"]
    assert "temperature_K" not in resolved["sampling"]["rattled"]
    assert "version" not in resolved["potentials"]["emt"]


def test_resolving_again_changes_nothing_and_the_input_stays(config):
    before = copy.deepcopy(config)
    resolved = resolve(config)
    assert config == before
    assert resolve(resolved.model_dump(mode="json")) == resolved


def test_two_configs_do_not_share_a_default(config):
    resolve(config).distill[0].seeds.append(7)
    assert resolve(config).distill[0].seeds == [1]


# field set, its value, what the one line has to begin with and to hold
WRONG = [
    ("sources.clusters.cuont", 3, "sources.clusters.cuont: unknown field", "did you mean count?"),
    ("sede", 3, "sede: unknown field", "did you mean seed?"),
    ("warrant.symetries", [], "warrant.symetries: unknown field", "did you mean symmetries?"),
    ("sources.clusters.smiles", "x.smi", "sources.clusters.smiles: unknown field", "sizes"),
    ("sources.clusters.count", -4, "sources.clusters.count: -4", "at least 1"),
    ("sources.clusters.count", 2.0, "sources.clusters.count: 2.0", "a whole number"),
    ("sources.clusters.count", True, "sources.clusters.count: True", "a whole number"),
    (
        "sources.clusters.kind",
        "clustesr",
        "sources.clusters.kind: 'clustesr'",
        "did you mean clusters?",
    ),
    ("sources.clusters.kind", None, "sources.clusters.kind: nothing", "expected one of molecules"),
    ("sampling.hot.temperature_K", "3e2", "sampling.hot.temperature_K: '3e2'", "write 300.0"),
    ("sampling.hot.temperature_K", [300, -1], "sampling.hot.temperature_K.1: -1", "more than 0"),
    ("sampling.hot.temperature_K", {"from": 3}, "sampling.hot.temperature_K.to: not given", "no d"),
    ("labels.chgnet.name", "other", "labels.chgnet.name: 'other'", "expected none"),
    ("sources.clusters.elements", ["Cuu"], "sources.clusters.elements.0: 'Cuu'", "mean Cu?"),
    ("sources.clusters.sizes", [9, 4], "sources.clusters.sizes: [9, 4]", "smaller size first"),
    ("sources.clusters.shards", 7, "sources.clusters.shards: 7", "at most its count, 6"),
    ("screen.min_density_g_cm3", "1e-3", "screen.min_density_g_cm3: '1e-3'", "write 0.001"),
    ("screen.max_density_g_cm3", 0.01, "screen.min_density_g_cm3: 0.05", "max_density_g_cm3, 0.01"),
    ("screen.max_atoms", 3, "sources.clusters.sizes: [4, 6]", "at most screen.max_atoms, 3"),
    ("sources.clusters.elements", ["Sn"], "sources.clusters.elements: Sn", "fcc, bcc or hcp"),
    ("sources.clusters.sizes", [4, 10**9], "sources.clusters.sizes: [4,", "at most 10000 atoms"),
    ("sources.clusters.elements", [False], "sources.clusters.elements.0: False", "in quotes"),
    ("sources.clusters.elements", [7], "sources.clusters.elements.0: 7", 'write "7"'),
    ("sources.clusters.count", "6", "sources.clusters.count: '6'", "write 6)"),
    ("sources.clusters.allow_empty", "yes", "sources.clusters.allow_empty: 'yes'", "write true"),
    ("run", 2024, "run: 2024", "lower-case letters"),
    ("device", "gpu", "device: 'gpu'", "did you mean cuda?"),
    ("device", "GPU", "device: 'GPU'", "did you mean cuda?"),
    ("sampling.hot.ensemble", "NPT", "sampling.hot.ensemble: NPT", "clusters has no cell"),
    (
        "force_constants",
        {"fc": {"sources": ["clusters"], "potential": "emt"}},
        "force_constants.fc.sources: phonons, expected sources of crystals",
        "clusters has no cell",
    ),
    (
        "sampling.hot",
        {
            "method": "md",
            "sources": ["clusters"],
            "potential": "emt",
            "supercell_radius_A": 12.0,
            "supercell_matrix": [2, 2, 2],
        },
        "sampling.hot.supercell_radius_A: 12",
        "expected none beside supercell_matrix",
    ),
    ("select.count", 10**9, "select.count: 1000000000", "at most 10000000"),
    ("select.include", ["hot"], "sources.crystals: nothing is made of it", "among the sources of"),
    (
        "sources.mine",
        {"kind": "molecules", "smiles": ".", "count": 1},
        "sources.mine.smiles: '.' is a folder",
        "expected a file",
    ),
    ("gate.min_good_fraction", float("nan"), "gate.min_good_fraction: nan", "a number"),
    ("gate", None, "gate: nothing", "a mapping"),
    ("run", "My Run", "run: 'My Run'", "lower-case letters"),
    ("labels.Big", {"potential": "emt"}, "labels.Big: the name 'Big'", "lower-case letters"),
    ("labels.chgnet.views", 0, "labels.chgnet.views: 0", "as_given, auto, or a whole number of 1"),
    ("labels.chgnet.views", "Own", "labels.chgnet.views: 'Own'", "as_given, auto, or a whole"),
    ("labels.chgnet.quadrature", "cubic", "labels.chgnet.quadrature: 'cubic'", "octahedral"),
    ("labels.chgnet.quadrature", "product", "labels.chgnet.quadrature_order: nothing", "a number"),
    ("labels.chgnet.quadrature_order", 5, "labels.chgnet.quadrature_order: 5", "with product"),
    ("labels.chgnet.quadrature_order", 13, "labels.chgnet.quadrature_order: 13", "expected one of"),
    ("labels.chgnet.reflections", True, "labels.chgnet.reflections: True", "can be mirrored"),
    ("labels.chgnet.n_frames", 11, "labels.chgnet.n_frames: 11", "at most select.count, 10"),
    ("labels.chgnet.auto", {"veiws": 3}, "labels.chgnet.auto.veiws: unknown", "mean views?"),
    ("max_silence_min", 0.5, "max_silence_min: 0.5", "at least 1"),
    ("max_silence_min", 20000, "max_silence_min: 20000", "at most 10080"),
    ("lost_device", "gpu", "lost_device: 'gpu'", "expected one of stop, cpu"),
    ("warrant.n_quadrature_frames", -1, "warrant.n_quadrature_frames: -1", "at least 0"),
    ("labels.chgnet.potential", "chgnt", "labels.chgnet.potential: 'chgnt'", "mean chgnet?"),
    ("sampling.hot.sources", ["cluster"], "sampling.hot.sources: 'cluster'", "mean clusters?"),
    ("sampling.hot.method", "RATTLE", "sampling.hot.method: 'RATTLE'", "did you mean rattle?"),
    ("sampling.hot.potential", "emtt", "sampling.hot.potential: 'emtt'", "did you mean emt?"),
    ("sampling.hot.time_step_fs", 0.3, "sampling.hot.time_total_fs: 50000", "multiple"),
    ("select.include", ["rattle"], "select.include: 'rattle'", "did you mean rattled?"),
    ("select.slices", 5, "select.slices: 5", "at most 4"),
    ("select.count", 1, "select.count: 1", "2 slices"),
    ("students.mace-small.architecture", "mice", "students.mace-small.architecture", "mace?"),
    (
        "students.mace-small",
        {"architecture": "nep", "layers": 2},
        "students.mace-small.layers: 2, expected it not to be given",
        "what nep can take is channels, cutoff_A",
    ),
    (
        "students.mace-small",
        {"architecture": "nep", "cutoff_A": 10.0},
        "students.mace-small.cutoff_A: 10.0, expected 9.9 at most for nep",
        "",
    ),
    (
        "students.mace-small.zbl",
        "universal",
        "students.mace-small.zbl: 'universal'",
        "true or false",
    ),
    (
        "students.mace-small",
        {"architecture": "direct", "cutoff_A": 4.0},
        "students.mace-small.cutoff_A: 4.0, expected it not to be given",
        "what direct can take is channels, layers",
    ),
    ("distill.0.students", ["mace"], "distill.0.students: 'mace'", "expected one of mace-small"),
    ("distill.0.labels", "orb", "distill.0.labels: 'orb'", "expected one of chgnet"),
    ("distill.0.seeds", [1, 1], "distill.0.seeds: [1, 1]", "every entry once"),
    ("warrant.symmetries", ["rotations"], "warrant.symmetries.0: 'rotations'", "mean rotation?"),
    ("warrant.reference", "dft", "warrant.reference: 'dft'", "expected one of chgnet"),
    ("warrant.teachers", ["dft"], "warrant.teachers: 'dft'", "expected one of chgnet, emt"),
    (
        "dataset.valid_fraction",
        0.9,
        "dataset.valid_fraction, test_known",
        "less than 1",
    ),
    ("labels.chgnet.potential", "emt", "labels.chgnet.potential: 'emt'", "does not know Li, F"),
    ("potentials.emt.model", "orb", "potentials.emt.path: not given", "no default"),
    ("potentials.o", {"model": "orb-v2", "path": "no.ckpt"}, "potentials.o.path", "no such file"),
    (
        "sources.mine",
        {"kind": "file", "path": "no.xyz", "count": 1},
        "sources.mine.path: 'no.xyz'",
        "no such file",
    ),
]


# fields and values that had another name once
OLD = [
    ("sources.clusters.kind", "ase", "sources.clusters.kind: 'ase'", "ase is called clusters now"),
    ("sources.clusters.kind", "rdkit", "sources.clusters.kind", "rdkit is called molecules now"),
    ("sampling.rattled.frames", 2, "sampling.rattled.frames: unknown field", "called n_frames now"),
    ("labels.chgnet.frames", 2, "labels.chgnet.frames: unknown field", "it is called n_frames now"),
    ("labels.chgnet.auto", {"frames": 2}, "labels.chgnet.auto.frames", "it is called n_frames now"),
    ("students.mace-small.size", "demo", "students.mace-small.size: 'demo'", "called medium now"),
    ("labels.chgnet.views", "own", "labels.chgnet.views: 'own'", "own is called as_given now"),
    ("select.shards", 2, "select.shards: unknown field", "it is called slices now"),
    ("select.spread", {"by": "kmeans"}, "select.spread: unknown field", "called diversity now"),
    ("warrant.truth", "chgnet", "warrant.truth: unknown field", "it is called reference now"),
    ("warrant.quadrature_frames", 2, "warrant.quadrature_frames", "called n_quadrature_frames now"),
]


@pytest.mark.parametrize(
    ("field", "value", "start", "part"), WRONG + OLD, ids=lambda v: str(v)[:40]
)
def test_an_error_is_one_line_with_the_field_and_what_is_allowed(config, field, value, start, part):
    lines = errors_of(changed(config, field, value))
    line = next(line for line in lines if line.startswith(start))
    assert part in line


def test_a_missing_field_is_named(config):
    del config["sources"]["clusters"]["sizes"]
    assert errors_of(config) == ["sources.clusters.sizes: not given, and it has no default"]


def test_all_errors_are_told_at_once(config):
    config = changed(changed(config, "seed", -1), "threads", 0)
    assert [line.split(":")[0] for line in errors_of(config)] == ["seed", "threads"]


def test_a_name_of_a_sampling_cannot_be_generated(config):
    config["sampling"]["generated"] = config["sampling"]["rattled"]
    assert errors_of(config)[0].startswith("sampling.generated: the name 'generated'")


def test_a_path_needs_a_hash(config, tmp_path: Path):
    weights = tmp_path / "orb.ckpt"
    weights.touch()
    orb = {"model": "orb-v2", "path": str(weights)}
    (line,) = errors_of(changed(config, "potentials.orb", orb))
    assert line.startswith("potentials.orb.sha256: not given")
    resolve(changed(config, "potentials.orb", orb | {"sha256": SHA256}))


FOUNDATION = [
    ({"model": "mace"}, "path, potentials.m.pretrained: nothing, expected one of the two"),
    ({"model": "matgl"}, "path, potentials.m.pretrained: nothing, expected one of the two"),
    ({"model": "mace", "path": "FILE", "pretrained": "small"}, "both FILE and small, expected one"),
    ({"model": "matgl", "path": "FILE", "pretrained": "a/b"}, "both FILE and a/b, expected one"),
    ({"model": "mace", "path": "FILE"}, "sha256: not given, expected that of FILE (or trust: true"),
    ({"model": "mace", "pretrained": "small"}, "sha256: not given, expected that of small (or tru"),
    ({"model": "matgl", "path": "FILE"}, "sha256: not given, expected that of FILE"),
    ({"model": "mace", "pretrained": "smal", "trust": True}, "(did you mean small?)"),
    ({"model": "matgl", "pretrained": "M", "trust": True}, "m.trust: unknown field"),
    ({"model": "xtb", "method": "GFN0"}, "expected one of GFN2-xTB, GFN1-xTB"),
    ({"model": "orb-v3-direct"}, "(did you mean orb-v3-direct-"),
]


@pytest.mark.parametrize(("potential", "part"), FOUNDATION, ids=lambda v: str(v)[:60])
def test_weights_have_one_place_and_a_hash(config, tmp_path: Path, potential, part):
    weights = tmp_path / "weights"
    weights.touch()
    given = {k: str(weights) if v == "FILE" else v for k, v in potential.items()}
    (line,) = errors_of(changed(config, "potentials.m", given))
    assert line.startswith("potentials.m.")
    assert part.replace("FILE", str(weights)) in line.replace(f"'{weights}'", str(weights))


GOOD = [
    {"model": "mace", "pretrained": "small", "trust": True},
    {"model": "mace", "pretrained": "off-medium", "sha256": SHA256, "head": "pbe"},
    {"model": "matgl", "pretrained": "TensorNet-MatPES-PBE-v2025.1-PES"},
    {"model": "orb-v3-conservative-inf-omat", "dtype": "float64", "cache": "weights/"},
    {"model": "xtb", "method": "GFN1-xTB"},
]


@pytest.mark.parametrize("potential", GOOD, ids=lambda v: v["model"])
def test_weights_by_name_need_no_path(config, potential):
    resolved = resolve(changed(config, "potentials.m", potential))
    assert potential.items() <= resolved.potentials["m"].model_dump().items()


def test_a_source_that_only_md_sees_is_checked_against_its_potential(config):
    config["sources"]["clusters"]["elements"] = ["Fe"]
    assert errors_of(config) == [
        "sampling.hot.potential: 'emt' does not know Fe of sources.clusters, "
        "expected a potential that does"
    ]


def test_gaps_alone_want_no_labels_but_teachers(config):
    gaps = {k: v for k, v in config.items() if k not in ("labels", "students", "distill")}
    (line,) = errors_of(gaps)
    assert line.startswith("labels: none, expected a label set, or potentials in warrant.teachers")
    gaps["warrant"] = {"teachers": ["chgnet"]}
    assert resolve(gaps).labels == {}


REFERENCE = {"potential": "emt"}
ALONE = {"labels": {"own": {"potential": "chgnet"}, "truth": REFERENCE}}


@pytest.mark.parametrize(
    ("changes", "measured"),
    [
        ({}, ["chgnet"]),
        # a student learns from the reference, or a delta set is made of it
        ({"distill": [{"labels": n, "students": ["mace-small"]} for n in ("own", "truth")]}, None),
        ({"delta": {"d": {"baseline": "own", "target": "truth"}}, "distill": []}, None),
        # nothing is trained: all label sets alike
        ({"distill": []}, None),
        # a set that nobody learns from, and is no reference: the user wants to know of it
        ({"warrant": {"reference": None}}, None),
        # asked for by name
        ({"warrant": {"reference": "truth", "teachers": ["chgnet", "emt"]}}, None),
        # the potential of the reference teaches by another set
        ({"labels": {"own": {"potential": "emt", "views": 2}, "truth": REFERENCE}}, ["emt"]),
    ],
)
def test_a_reference_that_nobody_learns_from_is_no_teacher(config, changes, measured):
    config["distill"] = [{"labels": "own", "students": ["mace-small"]}]
    config["sources"]["crystals"]["elements"] = ["Cu", "Ni"]  # known to both
    config |= ALONE | {"warrant": {"reference": "truth"}} | changes
    found = resolve(config)
    assert plan.teachers(found) == (measured or ["chgnet", "emt"])
    assert [p.name for p in jobs.MeasureSpeed.of(found).potentials] == plan.teachers(found)


def test_a_teacher_that_is_only_measured_may_lack_elements(config):
    """EMT knows neither Li nor F: these frames are left out for it, and counted."""
    resolve(changed(config, "warrant.teachers", ["chgnet", "emt"]))


def test_load_says_what_is_no_config(tmp_path: Path):
    path = tmp_path / "config.yaml"
    with pytest.raises(LimbeckError, match="no such file"):
        load(path)
    path.write_text("- a list")
    with pytest.raises(LimbeckError, match="expected a mapping, got list"):
        load(path)
    path.write_text(VALID)
    assert load(path).run == "test"


def test_known_elements_are_those_declared_or_those_of_the_kind(config):
    assert len(KINDS["chgnet"].elements or ()) == 89  # of MPtrj, as its authors say
    mace = {"model": "mace", "pretrained": "small", "trust": True}
    found = resolve(changed(config, "potentials.mace", mace)).potentials
    assert found["emt"].known_elements == KINDS["emt"].elements
    assert found["mace"].known_elements is None
    found = resolve(changed(config, "potentials.mace", mace | {"elements": ["Cu"]})).potentials
    assert found["mace"].known_elements == {"Cu"}


def names_of(cell: str) -> list[str]:
    """Modules of a cell; one without a folder is in that of the one before it."""
    found, folder = [], ""
    for name in re.findall(r"`([^`]+)`", cell):
        folder = name.rpartition("/")[0] if "/" in name else folder
        found.append(name if "/" in name or not folder else f"{folder}/{name}")
    return found


def test_the_page_says_where_a_name_went(repository):
    page = (repository / "docs/architecture.md").read_text().split("## Where a name went")[1]
    for old, new in (RENAMED_FIELDS | RENAMED_VALUES).items():
        lines = [line for line in page.splitlines() if re.search(rf"\b{old}\b", line)]
        names = new.split(" and ")
        assert any(all(name in line for name in names) for line in lines), old
    library = repository / "scripts/limbeck"
    rows = [
        line.split("|")[1:3] for line in page.split("Modules of")[1].splitlines() if "`" in line
    ]
    assert len(rows) > 10
    for old, new in rows[1:]:
        for name in names_of(new) if "." not in new else []:  # names inside modules
            same = [f"{name}{Path(o).name}" for o in names_of(old)] if "the same" in new else [name]
            for path in same:
                assert (library / f"{path}.py").is_file() or (library / path).is_dir(), path


@pytest.mark.parametrize(
    ("kind", "views"),
    [
        ({"model": "orb-v2"}, 1),
        ({"model": "orb-v3-conservative-inf-omat"}, 1),
        ({"model": "lj", "lab_frame_error": 0.1}, 1),
        ({"model": "lj"}, "as_given"),
        ({"model": "chgnet"}, "as_given"),
        ({"model": "mace", "pretrained": "small", "trust": True}, "as_given"),
    ],
)
def test_without_views_a_potential_that_is_not_equivariant_labels_in_one_random_view(
    config, kind, views
):
    config["potentials"]["teacher"] = kind
    config["labels"]["default"] = {"potential": "teacher"}
    config["labels"]["own"] = {"potential": "teacher", "views": "as_given"}
    config["labels"]["grid"] = {"potential": "teacher", "quadrature": "octahedral"}
    labels = resolve(config).labels
    assert [labels[n].views for n in ("default", "own", "grid")] == [views, "as_given", None]


def test_weights_by_the_spread_ask_for_two_views_or_more(config):
    config["students"]["weighted"] = {"architecture": "mace", "spread_weight": 1.0}
    for name, views in {"one": 1, "two": 2, "auto": "auto", "given": "as_given"}.items():
        potential = next(iter(config["potentials"]))
        config["labels"][name] = {"potential": potential, "views": views}
        config["distill"] = [{"labels": name, "students": ["weighted"], "seeds": [1]}]
        if name == "two":
            resolve(config)
        else:
            with pytest.raises(LimbeckError, match=f"distill.0.labels: '{name}'.*2 views or more"):
                resolve(config)


def test_students_are_validated(config):
    config["students"]["some"] = {"architecture": "mace"}
    config["distill"] = [{"labels": next(iter(config["labels"])), "students": ["some"]}]
    config["dataset"] = {"valid_fraction": 0.1}
    resolve(config)
    config["dataset"] = {"valid_fraction": 0.0}
    with pytest.raises(LimbeckError, match=r"dataset.valid_fraction: 0, expected more than 0"):
        resolve(config)
    config["distill"] = []
    resolve(config)  # negative control: nobody learns


def test_a_learning_curve_goes_where_a_package_takes_it(config, monkeypatch):
    config["students"]["some"] = {"architecture": "mace", "log_to": ["tensorboard", "wandb"]}
    monkeypatch.setattr(student_sections, "find_spec", lambda name: None)
    with pytest.raises(LimbeckError) as told:
        resolve(config)
    assert str(told.value).splitlines() == [
        f"students.some.log_to: {name} is not installed, expected it (pip install {name})"
        for name in ("tensorboard", "wandb")
    ]
    monkeypatch.setattr(student_sections, "find_spec", lambda name: name)
    resolve(config)


def test_what_cannot_be_is_let_pass_where_nothing_need_come_of_it(config):
    found = changed(config, "sampling.hot.ensemble", "NPT")
    assert resolve(changed(found, "sampling.hot.allow_empty", True))


def test_a_supercell_by_a_matrix_has_no_radius(config):
    found = resolve(changed(config, "sampling.hot.supercell_matrix", [2, 2, 2])).sampling["hot"]
    assert (found.supercell_matrix, found.supercell_radius_A) == ([2, 2, 2], None)


def test_what_the_run_does_without_is_remarked(config):
    assert list(remarks(resolve(config))) == []
    config["potentials"]["lj"] = {"model": "lj"}
    config["students"]["other"] = {"architecture": "direct"}
    config["sampling"]["cold"] = {"method": "rattle", "sources": ["clusters"]}
    assert list(remarks(resolve(config))) == [
        "sampling.cold: neither select.include nor a subsystem takes its frames",
        "potentials.lj: nothing uses it",
        "students.other: nothing uses it",
    ]


def test_elements_of_clusters_are_those_of_ases_table():
    found = set()
    for symbol in SYMBOLS[:103]:
        with contextlib.suppress(LimbeckError):
            nearest_distance(symbol)
            found.add(symbol)
    assert found == CLOSE_PACKED
