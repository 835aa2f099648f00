"""The demo, whole: what its report has to be able to say."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ase.neighborlist import natural_cutoffs, neighbor_list

from limbeck.config.config import Config
from limbeck.config.jobs import GenerateStructures, SampleFrames
from limbeck.config.load import load
from limbeck.frames import concatenate
from limbeck.potentials import open_potential
from limbeck.sampling import sample
from limbeck.structures import generate
from limbeck.structures.screening import screen
from workspaces import copy_workflow, snakemake_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the demo, run in a copy."""
    folder = copy_workflow(repository, tmp_path_factory.mktemp("demo"))
    done = snakemake_in(folder)("--cores", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results" / "demo"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def entry(path: Path, name: str) -> dict[str, Any]:
    (found,) = [g for g in read(path)["gaps"] if g["symmetry"] == name]
    return found


def gap(path: Path, symmetry: str) -> dict[str, Any]:
    return entry(path, symmetry)["forces"]


@pytest.mark.parametrize("symmetry", ["rotation", "reflection", "space_group"])
def test_the_gaps_of_teachers_and_students(results, symmetry):
    teachers, students = results / "warrant/teachers", results / "warrant/students/orb-demo-k12"
    # meV/A. Float32 rounding of these networks is below 0.05; orb-demo's gap is of order 10, the
    # direct student's of order 100. Their intervals may reach down to zero: where a plan of batches
    # was measured anew, the frames are others, and one of twenty groups may have most of the gap.
    assert gap(students / "mace-small.json", symmetry)["value"] < 0.1
    assert gap(teachers / "orb-demo.json", symmetry)["value"] > 1.0
    assert gap(students / "direct-small.json", symmetry)["value"] > 10.0


@pytest.mark.parametrize("symmetry", ["translation", "permutation", "supercell", "cell_choice"])
def test_all_models_respect_what_a_graph_respects(results, symmetry):
    """Distances know of no origin, order or cell; ties between neighbours are on no test frame.

    But Orb's search misses neighbours in a skewed cell (docs/limits.md).
    """
    gaps = results / "warrant"
    for path in [*gaps.glob("teachers/*.json"), *gaps.glob("students/*/*.json")]:
        if symmetry != "cell_choice" or path.stem not in ("orb-demo", "direct-small"):
            assert gap(path, symmetry)["value"] < 0.1, path  # float32, as above


def test_forces_of_the_direct_models_are_no_gradient(results):
    teachers, students = results / "warrant/teachers", results / "warrant/students/orb-demo-k12"
    for path in (teachers / "orb-demo.json", students / "direct-small.json"):
        work = entry(path, "conservativity")["work"]
        assert work["value"] > 10 * work["numerical_error"]["value"]
        forces = gap(path, "consistency")
        assert forces["ci95"][0] > 10 * forces["numerical_error"]["value"]
        # No interval of the work: a few structures have most of it, other ones on other processors,
        # so that it may reach zero, as it did on one (0 to 32 meV/A).
    work = entry(students / "mace-small.json", "conservativity")["work"]
    assert work["value"] < max(work["numerical_error"]["value"], 0.1)
    forces = gap(students / "mace-small.json", "consistency")
    # the error is of eight frames, the value of fifty
    assert forces["value"] < max(3 * forces["numerical_error"]["value"], 0.1)


def test_the_reference_is_asked_for_its_labels_alone(results):
    """Its gaps took a third of the demo's CPU time, and no student learns from it."""
    assert [p.name for p in (results / "warrant/teachers").glob("*.json")] == ["orb-demo.json"]
    speed = json.loads((results / "speed.json").read_text())
    assert "chgnet" not in json.dumps(speed)


def test_averaged_labels_are_nearer_to_the_truth_than_single_views(results):
    errors = read(results / "warrant/teachers/orb-demo.json")["errors"]
    assert errors["reference"] == "chgnet"
    mean, random = (errors[k]["forces"]["value"] for k in ("averaged", "random"))
    assert mean < random
    low, high = errors["gain"]["forces"]["ci95"]
    assert 0 < low < high


def test_trajectories_are_as_warm_as_they_say(results):
    for source in ("organics", "rocksalts", "clusters"):
        table = pd.read_csv(results / f"samples/md-300/{source}/0.csv", dtype={"doubt": str})
        kelvin = table["temperature_K"].dropna()
        # trajectories are independent; four standard errors, some 20 K, where clusters that are
        # not relaxed are 90 K too warm
        assert abs(kelvin.mean() - 300) < 4 * kelvin.sem() < 30
        assert table["doubt"].notna().sum() <= 3  # by chance, of some 30: 0.3


def test_the_students_learned(results):
    students = results / "students/orb-demo-k12"
    for student in ("mace-small", "direct-small"):
        valid = np.loadtxt(students / student / "seed1/training.csv", delimiter=",", skiprows=1)[
            :, 4
        ]
        assert valid.min() < 0.8 * valid[0]
    # On compounds and molecules that it never saw the equivariant student has to beat no forces at
    # all, by a weak bound.
    test = read(students / "mace-small/seed1/metrics.json")["test_new"]
    found = test["against"]["labels"]["forces"]["value"]
    assert found < 0.7 * test["constant"]["forces"]["value"]


def shares(results, seed):
    """Force errors on known chemistry over their root mean square, by source."""
    metrics = read(results / f"students/orb-demo-k12/mace-small/seed{seed}/metrics.json")
    parts = metrics["test_known"]["against"]["labels"]["by_source"]
    return {n: e["forces"]["value"] / e["forces"]["size"]["value"] for n, e in parts.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_student_is_good_on_what_it_was_distilled_for(results, seed):
    """The bar of the demo, in every source and seed; the worst of three seeds was at 4.8 %."""
    metrics = read(results / f"students/orb-demo-k12/mace-small/seed{seed}/metrics.json")
    known = metrics["test_known"]
    own, compounds = known["against"]["labels"], known["by_compound"]
    assert set(own["by_source"]) == {"organics", "rocksalts", "perfect", "clusters"}
    assert max(shares(results, seed).values()) < 0.1
    rest = [part for source, part in own["by_source"].items() if source != "organics"]
    assert max(part["forces"]["value"] for part in rest) < 60  # meV/A
    assert own["energy"]["value"] < 0.5 * compounds["energy"]["value"]


def test_the_first_card_says_good(results):
    page = (results / "report/index.html").read_text()
    first = page.split('<section id="answer">')[1].split("</section>")[0]
    words = re.findall(r'<p class="verdict [^"]*">([^<]*)</p>\s*<div>\s*<p><b>([^<]*)</b>', first)
    assert ("good", "orb-demo-k12/mace-small") in words


def test_the_report_is_one_file_that_needs_no_network(results):
    page = (results / "report/index.html").read_text()
    assert "tells nothing" in page or "says nothing" in page  # of orb-demo's gap about orb-v2's
    assert 'src="http' not in page
    assert 'href="http' not in page.replace('href="https://doi.org', "")


def bonds(frames) -> list[set[tuple[int, int]]]:
    """Pairs of bonded atoms of each isolated frame: nearer than 1.3 times the covalent radii."""
    found = []
    for atoms in frames.to_atoms():
        first, second = neighbor_list("ij", atoms, natural_cutoffs(atoms, mult=1.3))
        found.append({(int(i), int(j)) for i, j in zip(first, second, strict=True) if i < j})
    return found


def structures(config: Config, name: str, count: int):
    source = config.sources[name].model_copy(update={"shards": 1})
    frames = generate(GenerateStructures(seed=config.seed, shard=0, source=source))[0]
    return screen(frames, config.screen)[0].select(np.arange(min(count, len(frames))))


def test_two_picoseconds_at_300_k_hold_together(repository, monkeypatch):
    monkeypatch.chdir(repository)
    config = load("config/config.yaml")
    potential = config.potentials["mace-demo"]
    longer = {"name": "md", "time_total_fs": 2000.0, "sampling_interval_fs": 500.0}
    md = config.sampling["md-300"].model_copy(update=longer)
    started, ended = [], []
    for name, count in (("organics", 12), ("rocksalts", 9), ("clusters", 10)):
        frames = structures(config, name, count)
        job = SampleFrames(seed=5, source=name, shard=0, sampling=md, potential=potential)
        found = sample(frames, job)
        cut = [row[found.columns.index("cut")] for row in found.rows]
        assert not any(cut), cut
        started.append(frames)
        ended.append(found.frames)
    molecules, after = started[0], concatenate([f for f in ended if f.source[0] == b"organics"])
    before = dict(zip(molecules.id.tolist(), bonds(molecules), strict=True))
    for root, now in zip(after.root.tolist(), bonds(after), strict=True):
        assert now == before[root]
    # copper stays one cluster: no atom farther than 4 A from all others (bonds are 2.2 to 2.6)
    clusters = ended[2]
    for atoms in clusters.to_atoms():
        distances = atoms.get_all_distances() + 99 * np.eye(len(atoms))
        assert distances.min(axis=1).max() < 4.0
    assert open_potential(potential).about.conservative
