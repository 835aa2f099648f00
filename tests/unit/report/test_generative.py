"""What the report and the card say of generative models, licences and citations of structures."""

from ase.build import bulk

from limbeck.config.jobs import BuildDataset, GenerateStructures
from limbeck.config.load import resolve
from limbeck.config.text import read_yaml
from limbeck.files import write_json
from limbeck.report.run.folder import Run
from limbeck.report.topics.files import origins_table
from limbeck.report.topics.structures import generative_table, generators_table
from limbeck.structures import write_shard
from limbeck.students.card import _origins


def run_of(folder, **model):
    """The structures of a run, whose model wrote three good ones where five were asked for."""
    (folder / "samples").mkdir()
    for n in range(3):
        bulk("Cu", a=3.5 + 0.02 * n).write(folder / f"samples/{n}.extxyz")
    config = read_yaml("tests/config/generative.yaml")
    config["sources"]["model"] |= {"path": str(folder / "samples"), "shards": 1} | model
    config = resolve(config)
    for name, shards, reserve in (("model", 1, []), ("metals", 2, ["model"])):
        for shard in range(shards):
            path = folder / f"structures/{name}/{shard}.h5"
            path.parent.mkdir(parents=True, exist_ok=True)
            job = GenerateStructures.of(config, name, str(shard))
            files = [folder / f"structures/{source}/0.h5" for source in reserve]
            write_shard(job, path, path.with_suffix(".failed.csv"), reserve=files)
    return Run(folder, config)


def test_what_was_asked_for_delivered_and_made_in_its_place_is_told(tmp_path):
    found = generative_table(run_of(tmp_path))
    assert found.data.to_dict("records") == [
        {"source": "metals", "model": "A model", "asked": 5, "delivered": 3, "in_place": 2}
    ]


def test_licences_and_citations_reach_report_data_set_and_card(tmp_path):
    run = run_of(tmp_path, citation="Somebody 2026")
    told = {"licence": "MIT", "citation": "Somebody 2026"}
    assert origins_table(run).data.to_dict("records") == [{"name": "model"} | told]
    assert BuildDataset.of(run.config, "lj").origins == {"model": told}
    assert _origins({"model": told}) == "Structures of model: MIT. Somebody 2026.\n\n"
    assert _origins({}) == ""


def test_a_run_without_either_has_no_tables(repository, monkeypatch, tmp_path):
    monkeypatch.chdir(repository)
    run = Run(tmp_path, resolve(read_yaml("tests/config/tiny.yaml")))
    assert generative_table(run) is None
    assert origins_table(run) is None


def test_what_became_of_what_a_generator_made_is_told(tmp_path):
    config = read_yaml("tests/config/generators.yaml")
    config["generators"]["mattergen"]["python"] = "python"  # which is not called
    config = resolve(config)
    refused = {"an element that the source does not allow": 2, "no atoms": 1}
    for shard in range(2):
        made = {"asked": 3, "made": 8, "kept": 3, "refused": refused, "seconds": 6.0}
        write_json(tmp_path / f"generators/mattergen/{shard}/made.json", made | {"missing": None})
    (row,) = generators_table(Run(tmp_path, config)).data.to_dict("records")
    assert (row["asked"], row["made"], row["kept"], row["seconds"]) == (6, 16, 6, 2.0)
    assert row["lost"] == "25.0%"
    assert row["refused"] == "4 an element that the source does not allow; 2 no atoms"
