"""check_inputs: what can only be checked by opening files."""

import json
from pathlib import Path

import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write

import in_process
from limbeck.config.load import resolve
from limbeck.config.plan import content
from limbeck.files import sha256_of


def run(
    repository: Path, folder: Path, config: dict, start=in_process.run
) -> tuple[in_process.Done, Path]:
    output, settings = folder / "check_inputs.json", resolve(config).model_dump(mode="json")
    done = start("check_inputs", "--output", output, settings=settings, cwd=repository)
    return done, output


@pytest.fixture
def config(tmp_path: Path) -> dict:
    smiles = tmp_path / "molecules.smi"
    smiles.write_text("CCO ethanol\nC\n")
    return {
        "run": "test",
        "sources": {
            "molecules": {"kind": "molecules", "count": 2, "smiles": str(smiles)},
            "metals": {"kind": "crystals", "count": 2, "prototypes": ["fcc"], "elements": ["Cu"]},
        },
        "potentials": {"emt": {"model": "emt"}},
        "select": {"include": ["generated"]},
        "labels": {"emt": {"potential": "emt"}},
    }


def test_it_writes_the_elements_it_found(repository, tmp_path, config):
    result, output = run(repository, tmp_path, config, start=in_process.run_as_process)
    assert result.returncode == 0, result.stderr
    found = json.loads(output.read_text())
    assert found["sources"] == {"molecules": ["H", "C", "O"], "metals": ["Cu"]}
    assert "Cu" in found["potentials"]["emt"]
    # the Snakefile compares it: other molecules are checked anew
    assert found["content"] == content(resolve(config))
    (tmp_path / "molecules.smi").write_text("CCO ethanol\n")
    assert found["content"] != content(resolve(config))


def test_every_error_is_told_in_one_line_and_nothing_is_written(repository, tmp_path, config):
    smiles = Path(config["sources"]["molecules"]["smiles"])
    smiles.write_text("CCO\nC1CC open-ring\nCCl chloromethane\n")
    result, output = run(repository, tmp_path, config)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert f"{smiles}, line 2, open-ring: RDKit cannot read the SMILES, and it" in result.stderr
    assert not output.exists()
    assert "labels.emt.potential: 'emt' does not know Cl of sources.molecules" in result.stderr


def test_a_list_without_any_smiles_is_told(repository, tmp_path, config):
    smiles = Path(config["sources"]["molecules"]["smiles"])
    smiles.write_text("# mine\nC1CC open-ring\n")
    result, output = run(repository, tmp_path, config)
    assert (
        f"sources.molecules: {smiles}: RDKit can read no line of it, as line 2, open-ring"
        in result.stderr
    )
    assert not output.exists()


def test_a_source_in_nanometres_is_stopped_before_all_else(repository, tmp_path, config):
    path = tmp_path / "mine.extxyz"
    structures = [bulk("Cu"), bulk("Si"), molecule("C6H6")]
    small = [Atoms(a.numbers, a.positions / 10, cell=a.cell / 10, pbc=a.pbc) for a in structures]
    write(path, small)
    config["sources"] = {"mine": {"kind": "file", "count": 3, "path": str(path)}}
    config["labels"] = {"chgnet": {"potential": "chgnet"}}
    config["potentials"] = {"chgnet": {"model": "chgnet"}}
    result, output = run(repository, tmp_path, config)
    assert result.returncode == 1
    text = f"sources.mine: {path}: looks like nm read as Angstrom: nearest neighbours of the source"
    assert text in result.stderr
    assert "sums of covalent radii apart (median of 3 structures)" in result.stderr
    assert not output.exists()
    config["sources"]["mine"]["length_unit"] = "nm"
    assert run(repository, tmp_path, config)[0].returncode == 0


def test_a_list_of_training_frames_has_to_be_one(repository, tmp_path, config):
    config["potentials"]["emt"]["trained_on"] = [str(tmp_path / "none.txt")]
    result, _ = run(repository, tmp_path, config)
    assert result.returncode == 1
    assert f"{tmp_path / 'none.txt'}: expected a text file of ids of frames" in result.stderr


def test_weights_that_cannot_be_had_are_told(repository, tmp_path, config):
    orb = tmp_path / "orb.ckpt"
    orb.write_bytes(b"weights")
    config["potentials"] |= {
        "orb": {"model": "orb-v3-direct-20-omat", "path": str(orb), "sha256": "0" * 64},
        "matgl": {"model": "matgl", "path": str(tmp_path), "sha256": "1" * 64},
    }
    result, _ = run(repository, tmp_path, config)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert f"potentials.orb.sha256: {orb} has " in result.stderr
    assert f"potentials.matgl.sha256: {tmp_path} has " in result.stderr


def test_a_file_of_matgl_tells_its_elements(repository, tmp_path, config, shared):
    folder = shared / "potentials" / "TensorNet-ANI-1x-Subset-PES"
    ani = {"model": "matgl", "path": str(folder), "sha256": sha256_of(folder)}
    config["potentials"] |= {"ani": ani, "xtb": {"model": "xtb"}}
    result, output = run(repository, tmp_path, config)
    assert result.returncode == 0, result.stderr
    found = json.loads(output.read_text())["potentials"]
    assert found["ani"] == ["H", "C", "N", "O"]
    assert len(found["xtb"]) == 86


def test_a_file_with_another_hash_is_told(repository, tmp_path, config):
    model = tmp_path / "some.model"
    model.write_bytes(b"not a model")
    config["potentials"]["mine"] = {"model": "mace", "path": str(model), "sha256": "0" * 64}
    result, _ = run(repository, tmp_path, config)
    assert result.returncode == 1
    assert f"potentials.mine.sha256: {model}" in result.stderr


def test_one_trajectory_alone_is_told_before_labels_are_made(repository, tmp_path, config):
    """Where students learn; what is only labelled and measured needs no split."""
    frames = [bulk("Cu", a=3.6 + 0.01 * n) for n in range(6)]
    write(tmp_path / "x.extxyz", frames)
    config["sources"] = {"mine": {"kind": "file", "count": 9, "path": str(tmp_path / "x.extxyz")}}
    result, output = run(repository, tmp_path, config)
    assert result.returncode == 0, result.stderr
    output.unlink()
    settings = resolve(config)

    def again(dataset):
        return in_process.run(
            *("check_inputs", "--output", output, "--split", dataset.text()),
            settings=settings.model_dump(mode="json"),
            cwd=repository,
        )

    result = again(settings.dataset)
    assert result.returncode == 1
    assert "dataset.split_by: group, and the sources of select.include have 6" in result.stderr
    assert "split_by: root" in result.stderr
    assert not output.exists()
    assert again(settings.dataset.model_copy(update={"split_by": "root"})).returncode == 0
