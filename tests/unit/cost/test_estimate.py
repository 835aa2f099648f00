"""Costs: counts against what dynamics and labels do, rates, limits, and what is unknown."""

import pytest

from limbeck.config.load import resolve
from limbeck.config.sections.sources import MoleculeSource
from limbeck.config.text import read_yaml
from limbeck.cost import rates, work
from limbeck.cost.amounts import Amount, Amounts, shared
from limbeck.cost.estimate import MARGIN, Estimate
from limbeck.cost.limits import ATOM_BYTES, GRAPH_BYTES, LEAST, Limits
from limbeck.cost.rates import Model
from limbeck.cost.sizes import size_of
from limbeck.cost.work import Work
from limbeck.files import write_json
from limbeck.potentials import open_potential
from limbeck.potentials.batch_plan import machine_name
from limbeck.sampling.dynamics.run import run_dynamics
from limbeck.storage import write_frames
from limbeck.warrant import accuracy, conservativity, consistency

MD = "sample_md"


def tiny(**md):
    """The tiny config: 12 clusters in two shards, 25 steps of dynamics after a relaxation."""
    config = read_yaml("tests/config/tiny.yaml")
    config["sampling"]["md"] |= {"relax_input_cell": "none"} | md
    return resolve(config)


@pytest.fixture
def table(monkeypatch, tmp_path):
    """No batch plan, and a table with what is written to it."""

    def write(*rows):
        path = tmp_path / "rates.csv"
        path.write_text("\n".join([",".join(rates.COLUMNS), *rows]) + "\n")
        monkeypatch.setattr(rates, "TABLE", path)
        monkeypatch.setattr(rates, "PLANS", tmp_path / "plans")
        rates._table.cache_clear()

    yield write
    rates._table.cache_clear()


def jobs_of(config, rule):
    return [job for job in Work(config).jobs if job.rule == rule]


def test_evaluations_of_dynamics_and_labels_are_counted():
    config = tiny()
    first, second = jobs_of(config, MD)
    # 6 clusters a shard; the start and 25 steps of each
    assert first.evaluations == second.evaluations == 6 * 26
    # frames at 10, 15, 20 and 25 fs
    assert first.made.frames == 6 * 4
    labels = {job.name: job for job in jobs_of(config, "label_frames")}
    # 40 frames in two slices, in two views or as given
    assert labels["emt-k2/0"].evaluations == 2 * labels["emt/0"].evaluations == 40
    assert len(jobs_of(tiny(temperature_K=[300, 400]), MD)) == 2
    assert jobs_of(tiny(temperature_K=[300, 400]), MD)[0].evaluations == 2 * 6 * 26


def test_evaluations_of_rounds_are_counted():
    config = resolve(read_yaml("tests/config/rounds.yaml"))
    first, chosen, drawn = jobs_of(config, "explore_round")
    # the start and ten steps, of six structures to train on and two to test on; of these alone
    # where no round follows
    assert first.evaluations == pytest.approx(8 * 11)
    assert chosen.evaluations == drawn.evaluations == pytest.approx(2 * 11)
    labels = {job.name: job.evaluations for job in jobs_of(config, "label_round")}
    assert labels == pytest.approx(
        {
            "emt.nep-tiny.round1/own": 4,
            "emt.nep-tiny.round2/own": 4,
            "emt.nep-tiny.round2/chosen": 6,
            "emt.nep-tiny.round2-random/own": 4,
            "emt.nep-tiny.round2-random/chosen": 6,
        }
    )
    # two seeds of three rounds, all of as many steps
    trained = jobs_of(config, "train_student")
    assert len(trained) == len({job.name for job in trained}) == 6
    assert len({job.evaluations for job in trained}) == 1
    # by these names the rules find their time limits: the values of their wildcards
    assert [job.name for job in jobs_of(config, "compare_rounds")] == ["emt/nep-tiny"]
    assert [job.name for job in jobs_of(config, "choose_frames")] == [
        "emt.nep-tiny.round2",
        "emt.nep-tiny.round2-random",
    ]


def test_products_of_rounds_are_counted_where_they_are_learned():
    settings = read_yaml("tests/config/rounds.yaml")
    plain = resolve(settings)
    settings["labels"]["emt"]["hessian_vectors"] = 1
    settings["students"]["nep-tiny"]["hessian_weight"] = 1
    curved = resolve(settings)

    def evaluations(config, rule):
        return {job.name: job.evaluations for job in jobs_of(config, rule)}

    # two displaced frames beside each; of frames that rounds are tested on, nobody asks for them
    for name, count in evaluations(curved, "label_round").items():
        times = 3 if name.endswith("chosen") else 1
        assert count == pytest.approx(times * evaluations(plain, "label_round")[name])
    for rule in ("train_student", "evaluate_student"):
        for name, count in evaluations(curved, rule).items():
            assert count == pytest.approx(3 * evaluations(plain, rule)[name])


def test_dynamics_ask_as_often_as_estimated(monkeypatch):
    config = tiny()
    potential = open_potential(config.potentials["emt"])
    evaluate, asked = potential.evaluate, []
    monkeypatch.setattr(potential, "evaluate", lambda b: asked.append(len(b)) or evaluate(b))
    frames = size_of(config, "clusters").sample.select(range(6))
    run_dynamics(frames, potential, config.sampling["md"], seed=1, place="md/clusters/0")
    assert sum(asked) == jobs_of(config, MD)[0].evaluations


def test_hours_follow_from_the_rate_and_limits_from_the_hours(table):
    table("emt,cpu,no,0.01,0.1,a machine", "emt,cpu,yes,0.01,0.1,a machine")
    config = tiny()
    job = jobs_of(config, MD)[0]
    found = Estimate(config, Work(config))
    assert found.hours(job) == pytest.approx(job.atoms / 0.01 / 3600)
    minutes = Limits(config).minutes(MD, job.name)
    assert minutes == pytest.approx(MARGIN * found.hours(job) * 60, abs=1)
    assert minutes > LEAST[MD]
    # ten times the work, ten times the limit; little work has the least
    longer = Limits(tiny(time_total_fs=260)).minutes(MD, job.name)
    assert longer == pytest.approx(minutes * 261 / 26, rel=0.01)
    table("emt,cpu,no,1000000,0.1,a machine")
    assert Limits(config).minutes(MD, job.name) == LEAST[MD]
    assert Limits(config).minutes(MD, "no/such") == LEAST[MD]


def test_what_was_never_measured_is_unknown_with_the_command(table):
    table("emt,cuda,no,1000,0.1,a card", "lj,cpu,no,1000,0.1,a machine")
    config = tiny()
    found = Estimate(config, Work(config), "config/mine.yaml")
    assert Model("potential", "emt") in found.unknown
    text = found.text()
    assert "emt, isolated: unknown" in text
    assert "measured by: make retune CONFIG=config/mine.yaml" in text
    assert "measured by: python benchmarks/rates.py --device cpu" in text
    assert "unknown for emt" in found.line()
    # the shipped table is of the sizes as they are: another network's config has to be read
    config = read_yaml("tests/config/tiny.yaml")
    config["students"]["mace-tiny"] |= {"layers": 1}
    config = resolve(config)
    text = Estimate(config, Work(config), "config/mine.yaml").text()
    assert "benchmarks/rates.py --device cpu --config config/mine.yaml" in text
    assert Limits(config).minutes(MD, "md/clusters/0") == LEAST[MD]


def test_frames_are_taken_in_turn_from_small_and_large_parts():
    parts = [Amounts(isolated=Amount(n, 10.0 * n)) for n in (100.0, 5.0, 30.0)]
    assert [part.frames for part in shared(50, parts)] == pytest.approx([22.5, 5, 22.5])
    assert [part.frames for part in shared(1000, parts)] == pytest.approx([100, 5, 30])


def test_batch_plans_of_this_machine_come_before_the_table(table, tmp_path):
    table("emt,cpu,no,1000,0.1,a machine")
    folder = rates.PLANS / f"{machine_name('cpu')}-1-threads"
    folder.mkdir(parents=True)
    plan = {"potential": "emt", "device": "cpu", "weights": "ase EMT"}
    ladder = [{"batch_atoms": 8, "atoms_per_second": 5.0}]
    write_json(folder / "emt-0123-isolated.json", plan | {"ladder": ladder})
    found = rates.rate_of(tiny(), Model("potential", "emt"), periodic=False)
    assert (found.atoms_per_second, found.where) == (5.0, f"batch plan {folder.name}")
    # a plan of something else is none
    write_json(folder / "emt-0123-isolated.json", plan | {"device": "cuda", "ladder": ladder})
    assert rates.rate_of(tiny(), Model("potential", "emt"), periodic=False).atoms_per_second == 1000


def test_frames_that_are_there_are_counted(tmp_path):
    config = tiny()
    three = size_of(config, "clusters").sample.select([0, 1, 2])
    for shard in range(2):
        path = tmp_path / f"screened/clusters/{shard}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_frames(path, three, stage="screen_structures", settings={})
    found = Work(config, tmp_path)
    assert found.frames("generated", "clusters").frames == 6
    assert [job.evaluations for job in found.jobs if job.rule == MD] == [3 * 26] * 2
    assert Work(config).frames("generated", "clusters").frames == 12


def test_gaps_are_counted_as_they_are_measured():
    """The estimate does not import what measures, and must not fall behind it."""
    assert sum(accuracy._KINDS.values()) == work.ERROR_VIEWS
    assert {work.FIELD_FRAMES} == {conservativity._MOST_FRAMES, consistency._MOST_FRAMES}
    assert work.FIELD_VIEWS["conservativity"] == conservativity.LAST_POINTS


def test_physics_is_counted_where_it_is_asked_for():
    assert not jobs_of(tiny(), "measure_student_physics")
    config = read_yaml("tests/config/physics.yaml")
    config["warrant"]["physics"] |= {"checks": ["nve"], "supercell_radius_A": None}
    (teacher,) = jobs_of(resolve(config), "measure_teacher_physics")
    # two starts, half a ps in steps of 1 and of 2 fs
    assert teacher.evaluations == pytest.approx(2 * (500 + 250))
    assert [job.name for job in jobs_of(resolve(config), "measure_student_physics")] == [
        "emt/mace-tiny/1",
        "emt/direct-tiny/1",
    ]
    config["warrant"]["physics"]["checks"] = ["structure"]
    (teacher,) = jobs_of(resolve(config), "measure_teacher_physics")
    # one ps of equilibration and half a ps in steps of 2 fs, at each of two temperatures
    assert teacher.evaluations == pytest.approx(2 * 2 * 750)


def test_where_nothing_is_known_no_time_is_told(table):
    table("lj,cpu,no,1000,0.1,a machine")
    line = Estimate(tiny(), Work(tiny())).line()
    who = "emt, the training of mace-tiny, mace-tiny, the training of direct-tiny, and direct-tiny"
    assert line.startswith(f"The estimate: CPU time unknown for {who}; ")
    table("emt,cpu,no,1000,0.1,a machine", "emt,cpu,yes,1000,0.1,a machine")
    line = Estimate(tiny(), Work(tiny())).line()
    assert line.startswith("The estimate: at least ")
    assert "of CPU time, and unknown for the training of mace-tiny, mace-tiny, " in line


def test_a_job_of_days_is_told_how_to_be_divided(monkeypatch):
    monkeypatch.setattr(Estimate, "rate", lambda *_, **__: rates.Rate(1.0, "made up"))
    long, short = tiny(time_total_fs=1e7), tiny()
    assert "more `shards` of its source" in Estimate(long, Work(long)).text()
    assert "long for one job" not in Estimate(short, Work(short)).text()


def test_a_line_of_smiles_that_is_none_is_told(tmp_path):
    path = tmp_path / "m.smi"
    path.write_text("CCO\nnonsense\nCC\n")
    mine = MoleculeSource(name="mine", kind="molecules", count=3, smiles=str(path))
    config = tiny().model_copy(update={"sources": {"mine": mine}})
    assert "1 of those that were looked at cannot be made" in size_of(config, "mine").how
    path.write_text("CCO\nC\nCC\n")
    assert "cannot" not in size_of(config, "mine").how


def test_memory_follows_from_the_frames_that_a_job_holds():
    """Of a plan of many frames: those of a shard, of a slice, or all that are selected."""
    config = read_yaml("tests/config/tiny.yaml")
    config["sources"]["clusters"] |= {"count": 120_000, "shards": 10}
    config["select"] |= {"count": 100_000, "slices": 4}
    limits = Limits(resolve(config))
    found = Work(resolve(config))
    (made, *_) = (j for j in found.jobs if j.rule == "label_frames")
    assert made.made.frames == 25_000
    of_slice, of_all = (ATOM_BYTES * a / 1e6 for a in (made.made.atoms, found.selected.atoms))
    assert limits.megabytes("label_frames", "emt/0") == pytest.approx(of_slice, abs=1)
    assert limits.megabytes("build_dataset", "emt") == pytest.approx(of_all, abs=1)
    assert of_all == pytest.approx(4 * of_slice)
    shard = ATOM_BYTES * found.frames("generated", "clusters").atoms / 10 / 1e6
    assert limits.megabytes("screen_structures", "clusters/3") == pytest.approx(shard, abs=1)
    # a training keeps graphs as well
    graphs = GRAPH_BYTES * found.selected.atoms / 1e6
    trained = limits.megabytes("train_student", "emt/direct-tiny/1")
    assert trained == pytest.approx(of_all + graphs, rel=0.01)
