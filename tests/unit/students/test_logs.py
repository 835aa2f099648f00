"""Learning curves in TensorBoard and wandb, with stand-ins of theirs."""

import sys
from types import ModuleType

import pytest

from limbeck.config.sections.students import not_installed
from limbeck.errors import LimbeckError
from limbeck.students import logs

ROW = {"epoch": 3, "seconds": 1.5, "valid_loss": 0.25}


@pytest.fixture
def stand_ins(monkeypatch):
    """Both packages as modules that write down what they are told."""
    said = []

    class SummaryWriter:
        def __init__(self, folder):
            said.append(("folder", folder))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            said.append("closed")

        def add_scalar(self, name, value, step):
            said.append((name, value, step))

    class Run:
        def log(self, values, step):
            said.append((values, step))

        def finish(self):
            said.append("finished")

    def init(**options):
        said.append(options)
        return Run()

    tensorboard, wandb = ModuleType("torch.utils.tensorboard"), ModuleType("wandb")
    tensorboard.SummaryWriter, wandb.init = SummaryWriter, init
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", tensorboard)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setattr(logs, "not_installed", lambda kinds: [])
    return said


def test_tensorboard_gets_a_scalar_of_each_column(stand_ins, tmp_path):
    with logs.curves(["tensorboard"], tmp_path / "seed1") as curve:
        curve.add(ROW)
    folder = str(tmp_path / "seed1-curves/tensorboard")
    told = [("folder", folder), ("seconds", 1.5, 3), ("valid_loss", 0.25, 3), "closed"]
    assert stand_ins == told


@pytest.mark.parametrize("mode", [None, "online"])
def test_wandb_stays_on_the_machine_unless_the_user_says_otherwise(
    stand_ins, tmp_path, monkeypatch, mode
):
    monkeypatch.delenv(logs.MODE, raising=False)
    if mode:
        monkeypatch.setenv(logs.MODE, mode)
    with logs.curves(["wandb"], tmp_path / "labels/mace/seed1") as curve:
        curve.add(ROW)
    folder = tmp_path / "labels/mace/seed1-curves"
    assert stand_ins == [
        {
            "project": "limbeck",
            "name": "labels/mace/seed1",
            "dir": str(folder),
            "mode": mode or "offline",
        },
        ({"seconds": 1.5, "valid_loss": 0.25}, 3),
        "finished",
    ]
    assert folder.is_dir()


def test_they_are_closed_where_training_fails(stand_ins, tmp_path):
    with (
        pytest.raises(LimbeckError, match="diverged"),
        logs.curves(["tensorboard", "wandb"], tmp_path / "seed1"),
    ):
        raise LimbeckError("diverged")
    assert {"closed", "finished"} <= {each for each in stand_ins if isinstance(each, str)}


def test_without_either_nothing_is_written(tmp_path):
    with logs.curves([], tmp_path / "seed1") as curve:
        curve.add(ROW)
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_not_there_is_an_error_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr("limbeck.config.sections.students.find_spec", lambda name: None)
    (line,) = not_installed(["wandb"])
    assert line == "wandb is not installed, expected it (pip install wandb)"
    with (
        pytest.raises(LimbeckError, match=r"log_to: tensorboard is not installed.*\(pip install t"),
        logs.curves(["tensorboard"], tmp_path),
    ):
        pass
    assert not_installed([]) == []


FULL = {
    **dict.fromkeys(("seconds", "learning_rate", "train_loss", "valid_loss"), 1.0),
    "valid_energy_mae_meV_per_atom": 3.0,
    "valid_forces_mae_meV_per_A": 40.0,
}


def test_a_picture_is_drawn_every_few_epochs(tmp_path):
    picture = tmp_path / "seed1-curves/training.png"
    with logs.curves([], tmp_path / "seed1", plot_every=2) as curve:
        drawn = []
        for epoch in range(1, 6):
            curve.add(FULL | {"epoch": epoch, "valid_loss": 1 / epoch})
            drawn.append(picture.read_bytes() if picture.exists() else None)
    assert drawn[0] is None
    assert drawn[1].startswith(b"\x89PNG")
    # nothing new after three epochs, and a longer curve after four
    assert drawn[1] == drawn[2] != drawn[3] == drawn[4]


def test_a_picture_has_a_panel_for_products_where_there_are_some(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(logs, "_draw", lambda path, epochs, found: drawn.append(set(found)))
    products = {"valid_hessian_mae_eV_per_A2": 5.0, "valid_hessian_relative": 0.5}
    for more in ({}, products):
        with logs.curves([], tmp_path / "seed1", plot_every=1) as curve:
            curve.add(FULL | more | {"epoch": 1})
    assert drawn[1] - drawn[0] == {"valid_hessian_mae_eV_per_A2"}


def test_no_picture_where_none_is_asked_for(tmp_path):
    with logs.curves([], tmp_path / "seed1") as curve:
        curve.add(FULL | {"epoch": 1})
    assert list(tmp_path.iterdir()) == []
