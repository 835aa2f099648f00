"""Tables of diversity, dataset.md, and the contact sheet, from figures that are known."""

import gzip
import re
from copy import deepcopy
from dataclasses import asdict

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.geometry import get_distances
from ase.io import write

from limbeck.config.load import resolve
from limbeck.config.sections.screen import Compare, Screen
from limbeck.config.written import Verdict
from limbeck.diversity.comparison import Made, compare
from limbeck.diversity.measure import Diversity
from limbeck.files import write_json
from limbeck.frames import from_atoms
from limbeck.report.run.folder import Run
from limbeck.report.topics import diversity
from limbeck.report.topics.diversity import contact_sheet, dataset, gate, sources
from limbeck.storage import write_frames
from report_results import SETTINGS, VERDICT, build, opened

RANGES = {
    "waters": {
        "energy_eV_per_atom": [-0.5, -0.2, 0.0, 0.2, 0.5],
        "force_eV_per_A": [0.1, 0.2, 1.0, 3.0, 7.5],
    },
    "salts": {"energy_eV_per_atom": None, "force_eV_per_A": None},
}


def frames_of(structures, source):
    return from_atoms(structures, groups=["g"] * len(structures), source=source)


def waters(stretch=1.0):
    made = []
    for seed in range(40):
        made.append(molecule("H2O"))
        made[-1].positions *= stretch
        made[-1].rattle(0.01, seed=seed)
    return made


@pytest.fixture(scope="module")
def verdict():
    """Waters beside salts, and their bonds against waters that are a tenth shorter."""
    seen = Diversity()
    seen.add(frames_of(waters(1.1), "waters"))
    salts = [bulk("NaCl", "rocksalt", a=5.5 + 0.01 * n, cubic=True) for n in range(4)]
    seen.add(frames_of(salts, "salts"))
    reference = [frames_of(waters(), "known")]
    diversity = seen.result(reference, [frames_of(salts, "salts")])
    diversity["environments"] = {
        "environments": 44,
        "entropy_nats": {"all": [3.0, 2.5, 3.5], "waters": [1.0, None, None]},
        "overlap": {"waters": {"salts": 0.25}},
    }
    missed = {"name": "coverage", "scope": "the whole set", "value": 0.5, "threshold": 1.0}
    criteria = [*VERDICT["criteria"], missed | {"passed": False, "words": "without | K"}]
    whole = VERDICT | {"go": False, "criteria": criteria, "diversity": diversity, "ranges": RANGES}
    return {"lj": Verdict(**whole)}


def rows(table):
    return table.data.to_dict("records")


def test_sources_are_told_with_their_sizes_densities_and_space_groups(verdict):
    found = {row["source"]: row for row in rows(gate.sources_table(verdict))}
    assert list(found) == ["salts", "waters", "all"]
    assert (found["waters"]["structures"], found["waters"]["elements"]) == (40, 2)
    assert (found["waters"]["entropy_bits"], found["waters"]["mean_atoms"]) == (1.0, 3.0)
    assert found["all"]["structures"] == 44
    assert found["salts"]["one_space_group"] == 100.0
    assert found["salts"]["one_size"] == 100.0
    assert found["salts"]["density_g_cm3"] == pytest.approx(2.32, abs=0.05)  # NaCl at 5.5 A
    text = {line[1]: line for _, lines in gate.sources_table(verdict).groups() for line in lines}
    assert "–" in text["waters"]  # water has neither density nor space group


def test_distances_say_which_are_above_their_noise(verdict):
    (bond, *_) = [row for row in rows(gate.distances_table(verdict)) if row["kind"] == "bond"]
    assert (bond["source"], bond["pair"], bond["apart"]) == ("waters", "H-O", "yes")
    assert bond["distance_A"] == pytest.approx(0.097, abs=0.01)  # a tenth of 0.969 A
    assert bond["count"] == 80


def test_environments_their_overlap_energies_and_forces_are_told(verdict):
    assert rows(gate.overlap_table(verdict))[0]["overlap"] == 0.25
    shown = gate.environments_table(verdict).groups()[0][1]
    assert shown[0][1:] == ["all", "3.0 (2.5 to 3.5)"]
    ranges = rows(gate.ranges_table(verdict))
    assert [row["what"] for row in ranges] == ["energy, eV/atom", "largest force, eV/Å"]
    assert (ranges[1]["least"], ranges[1]["middle"], ranges[1]["most"]) == (0.1, 1.0, 7.5)


def test_what_was_not_measured_has_no_table():
    bare = {"lj": Verdict(**VERDICT)}
    made = (gate.sources_table, gate.distances_table, gate.environments_table, gate.overlap_table)
    assert [each(bare) for each in (*made, gate.ranges_table)] == [None] * 5


def stored(folder, sources, frames):
    """A run that selected these frames."""
    config = {"run": "test", "sources": sources, "potentials": {"lj": {"model": "lj"}}}
    config |= {"select": {"include": ["generated"], "count": 100}, "labels": {}}
    config |= {"warrant": {"teachers": ["lj"]}}
    write_frames(folder / "selected/0.h5", frames, stage="select_frames")
    return Run(folder, resolve(config))


def sizes(run):
    return {row["what"]: row["bytes"] for row in rows(dataset.storage_table(run))}


def test_files_of_sources_are_among_what_remakes_the_set(tmp_path):
    """A packed list counts as it is, a folder with all its files, what two sources share once."""
    smiles, folder = tmp_path / "some.smi.gz", tmp_path / "mine"
    smiles.write_bytes(gzip.compress(b"CCO ethanol\n" * 50))
    folder.mkdir()
    for n, atoms in enumerate(waters()[:3]):
        write(folder / f"{n}.extxyz", atoms)
    both = {"kind": "file", "path": str(folder), "count": 3}
    list_of = {"kind": "molecules", "smiles": str(smiles), "count": 1}
    frames = frames_of(waters(), "a")
    run = stored(tmp_path, {"a": both, "b": both, "c": list_of}, frames)
    found = sizes(run)
    read = smiles.stat().st_size + sum(path.stat().st_size for path in folder.iterdir())
    assert found["files of its sources"] == read
    parts = ("config", "files of its sources", "code")
    assert found["all that remakes"] == sum(found[part] for part in parts)
    assert found["frames as HDF5"] == (tmp_path / "selected/0.h5").stat().st_size
    write(tmp_path / "all.extxyz", frames.to_atoms())
    assert found["frames as extxyz"] == (tmp_path / "all.extxyz").stat().st_size
    assert found["code"] > 1e6  # of scripts/, which has over 50,000 lines
    extxyz = rows(dataset.storage_table(run))[0]
    assert extxyz["times"] == found["frames as extxyz"] / found["all that remakes"]


def test_dataset_md_has_every_part_and_the_verdict(tmp_path, verdict):
    settings = deepcopy(SETTINGS) | {"run": "made-up"}
    folder = build(tmp_path, settings)
    for name in settings["labels"]:
        found = verdict["lj"].model_dump() | {"on_no_go": "continue"}
        write_json(folder / f"gate/{name}.json", found)
    (folder / "benchmarks/label_frames").mkdir(parents=True)
    (folder / "benchmarks/label_frames/0.tsv").write_text("s\th:m:s\n12.5\t0:00:12\n")
    text = dataset.as_markdown(opened(folder, settings))
    titles = re.findall("^## (.*)$", text, flags=re.MULTILINE)
    first = ["Counts", "Refusals", "Diversity", "Distances", "Environments"]
    rest = ["Overlap of environments", "Energies and forces", "Storage", "Time of the jobs"]
    assert titles == [*first, *rest, "Verdict of the gate"]
    assert "| label_frames | 1 | 12.5 |" in text
    assert text.endswith("- orb-demo-k12: no go\n- chgnet: no go\n")
    # each table has as many cells in every row, whatever stands in them
    for part in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in part.splitlines()}) == 1
    # and all of it is on the page
    (part,) = diversity.parts_of(opened(folder, settings))
    shown = [getattr(item, "name", item) for item in part.items]
    tables = ["gate", "diversity", "distances", "environments", "overlap", "ranges", "storage"]
    assert shown[-len(tables) - 1 :] == [*tables, "contact_sheet"]
    assert "was not passed" in part.items[0].text


# sources beside each other


def test_sources_stand_beside_each_other_with_intervals_and_noise_levels(tmp_path):
    crystals = {"kind": "crystals", "count": 1}
    run = stored(tmp_path, {"model": crystals, "mine": crystals}, frames_of(waters()[:1], "mine"))
    assert list(sources.parts_of(run)) == []
    asked = Compare(sources=["model"], reference="mine")
    run = Run(tmp_path, run.config.model_copy(update={"compare": asked}))
    salts = [bulk("NaCl", "rocksalt", a=a) for a in (5.4, 5.6)]
    made = {
        name: Made(name, frames_of(structures, name), len(structures), 0, 0, Screen())
        for name, structures in {"model": salts, "mine": [*salts, molecule("CH4")]}.items()
    }
    write_json(tmp_path / "comparison.json", asdict(compare([made["model"]], made["mine"], 0.02)))
    (part,) = sources.parts_of(run)
    figures, apart, kinds = part.items
    told = {cells[0]: cells[1:] for _, cells_of in figures.groups() for cells in cells_of}
    assert told["valid"] == ["1.00 (0.34 to 1.00)"]  # Wilson's of two of two
    assert told["novel"] == ["0.00 (0.00 to 0.66)"]
    assert told["space groups"] == ["1"]
    assert "density, g/cm³" in told
    found = {row["name"]: row for row in rows(apart)}
    assert (found["density"]["distance"], found["density"]["above"]) == (0.0, "no")
    assert found["density"]["unit"] == "g/cm³"
    assert rows(kinds)[-1]["kind"] == "Fm-3m (225)"
    assert "from mine" in apart.caption


# the contact sheet


def test_atoms_are_drawn_in_their_cell_wherever_dynamics_took_them():
    salt = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    salt.rattle(0.05, seed=1)
    astray = salt.copy()
    images = np.random.default_rng(1).integers(-3, 4, (8, 3))
    astray.positions += images @ salt.cell.array
    found = contact_sheet.wrapped(astray.positions, salt.cell.array)
    scaled = found @ np.linalg.inv(salt.cell.array)
    assert (scaled >= -contact_sheet.LEEWAY - 1e-9).all()
    assert (scaled < 1).all()
    # each is an image of itself
    apart = get_distances(found, salt.positions, cell=salt.cell, pbc=True)[1]
    assert np.diag(apart).max() < 1e-9
    # a little through a face is not taken to the other side
    assert found == pytest.approx(contact_sheet.wrapped(salt.positions, salt.cell.array))
    assert np.abs(found - salt.positions).max() < 1e-9


@pytest.mark.parametrize("shift_A", [0.0, 9.0, 15.0])
def test_a_slab_is_drawn_in_one_piece_wherever_its_vacuum_is(shift_A):
    slab = fcc111("Cu", (2, 2, 4), vacuum=8.0, periodic=True)
    height = np.ptp(slab.positions[:, 2])
    slab.positions[:, 2] += shift_A
    slab.wrap()
    found = contact_sheet.wrapped(slab.positions, slab.cell.array)[:, 2]
    assert np.ptp(found) == pytest.approx(height)
    middle = slab.cell.array[2, 2] / 2
    assert (found.max() + found.min()) / 2 == pytest.approx(middle)


def test_a_cell_has_twelve_edges_of_the_lengths_of_its_vectors():
    cell = bulk("Ti", "hcp", a=3.0, c=4.7).cell.array
    edges = contact_sheet.edges_of(cell)
    lengths = np.linalg.norm(edges[:, 1] - edges[:, 0], axis=1)
    assert sorted(lengths) == pytest.approx([3.0] * 8 + [4.7] * 4)
    assert len({tuple(np.round(edge, 6).ravel()) for edge in edges}) == 12


def test_the_sheet_draws_cells_of_crystals_alone(tmp_path):
    salt = bulk("NaCl", "rocksalt", a=5.6)
    frames = frames_of([salt, molecule("CH3OH"), Atoms("Cu2", [(0, 0, 0), (0, 0, 2.2)])], "a")
    mine = {"kind": "crystals", "count": 3}
    found = contact_sheet.sheet(stored(tmp_path, {"a": mine}, frames))
    lines = [c.get_segments() for c in found.canvas.axes[0].collections if "Line" in str(type(c))]
    assert sum(map(len, lines)) == 12
    assert set(found.data["composition"]) == {"NaCl", "CH4O", "Cu2"}
    assert "3 of the selected frames" in found.caption
