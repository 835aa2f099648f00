"""Learning curves while they grow: in TensorBoard and in Weights & Biases, where these are
installed, and as a picture."""

import importlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from limbeck.config.sections.students import not_installed
from limbeck.errors import LimbeckError
from limbeck.files import whole_file

Add = Callable[[int, Mapping[str, float]], None]
#: of the environment, that says whether wandb sends anything
MODE = "WANDB_MODE"


class Curves:
    """Tells all of them of every epoch."""

    def __init__(self, adds: Sequence[Add]) -> None:
        self._adds = adds

    def add(self, row: Mapping[str, float]) -> None:
        """A row of ``training.csv``."""
        values = {name: float(value) for name, value in row.items() if name != "epoch"}
        for add in self._adds:
            add(int(row["epoch"]), values)


@contextmanager
def curves(kinds: Collection[str], folder: Path, plot_every: int | None = None) -> Iterator[Curves]:
    """Who is told of every epoch.

    They write beside the student's folder, into ``{folder}-curves/``: what is in it is taken home.

    Args:
        kinds: "tensorboard", "wandb".
        folder: the student's.
        plot_every: epochs between two pictures, ``training.png``; none where not given.

    Raises:
        LimbeckError: one of the packages is not installed.
    """
    if lines := not_installed(kinds):
        raise LimbeckError("\n".join(f"log_to: {line}" for line in lines))
    beside = folder.with_name(f"{folder.name}-curves")
    with ExitStack() as open_ones:
        adds = [OPENERS[kind](beside, folder, open_ones) for kind in kinds]
        yield Curves([*adds, *([_picture(beside, plot_every)] if plot_every else [])])


def _tensorboard(beside: Path, folder: Path, open_ones: ExitStack) -> Add:
    writer_of = importlib.import_module("torch.utils.tensorboard").SummaryWriter
    writer = open_ones.enter_context(writer_of(str(beside / "tensorboard")))

    def add(epoch: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, epoch)

    return add


def _wandb(beside: Path, folder: Path, open_ones: ExitStack) -> Add:
    """Offline unless the environment says otherwise: nothing leaves the machine unasked."""
    wandb: Any = importlib.import_module("wandb")
    beside.mkdir(parents=True, exist_ok=True)
    name = "/".join(folder.absolute().parts[-3:])
    mode = os.environ.get(MODE, "offline")
    run = wandb.init(project="limbeck", name=name, dir=str(beside), mode=mode)
    open_ones.callback(run.finish)

    def add(epoch: int, values: Mapping[str, float]) -> None:
        run.log(dict(values), step=epoch)

    return add


#: columns of training.csv -> label of their panel; the first two share one, and products of the
#: Hessian and the ESP have one where they are learned
PANELS = {
    "train_loss": "Loss, no unit",
    "valid_loss": "Loss, no unit",
    "valid_energy_mae_meV_per_atom": "Validation, energy, meV/atom",
    "valid_forces_mae_meV_per_A": "Validation, forces, meV/Å",
    "valid_hessian_mae_eV_per_A2": "Validation, Hessian products, eV/Å²",
    "valid_esp_rmse_kcal_per_mol_per_e": "Validation, ESP, kcal/mol/e",
}


def _picture(beside: Path, every: int) -> Add:
    """The epochs since training began, or went on, drawn after each ``every`` of them."""
    epochs: list[int] = []
    found: dict[str, list[float]] = {}

    def add(epoch: int, values: Mapping[str, float]) -> None:
        epochs.append(epoch)
        for name in (name for name in PANELS if name in values):
            found.setdefault(name, []).append(values[name])
        if epoch % every == 0:
            beside.mkdir(parents=True, exist_ok=True)
            _draw(beside / "training.png", epochs, found)

    return add


def _draw(path: Path, epochs: Sequence[int], found: Mapping[str, Sequence[float]]) -> None:
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    labels = list(dict.fromkeys(PANELS[name] for name in found))
    canvas = Figure(figsize=(4 * len(labels), 3.6), layout="constrained")
    for axes, label in zip(canvas.subplots(1, len(labels)), labels, strict=True):
        axes.set(xlabel="Epoch", ylabel=label, yscale="log")
        for name in (name for name in found if PANELS[name] == label):
            axes.plot(epochs, found[name], marker=".", label=name.split("_")[0])
        axes.yaxis.set_major_formatter("{x:g}")
        low, high = axes.get_ylim()  # over decades, the numbers between them stand too near
        axes.yaxis.set_minor_formatter("{x:g}" if high < 10 * low else NullFormatter())
        axes.legend()
    with whole_file(path) as temporary:
        canvas.savefig(temporary, format="png", metadata={"Software": None})


OPENERS = {"tensorboard": _tensorboard, "wandb": _wandb}
