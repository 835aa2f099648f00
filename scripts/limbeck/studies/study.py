"""What a study is: data, other presentations of them, and models that are asked about both.

A study is one subclass of :class:`Study` in a module of ``kinds/``, its settings in
``config/sections/studies/``, and a line in :mod:`limbeck.studies.registry`. The engine does the
rest: it splits, trains, asks, judges and draws. ``tests/unit/studies/test_laws.py`` holds every
study to the laws below.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Literal, NamedTuple, TypeVar

import numpy as np
from torch import nn

from limbeck.errors import LimbeckError
from limbeck.files import sha256_of, whole_file

#: named arrays, each [N,...]: all that a model may be shown of N inputs
Inputs = dict[str, np.ndarray]
#: one operation for each of N inputs, [N,...]: a shift, a permutation, an angle
Ops = np.ndarray
Role = Literal["teacher", "student", "reference", "simple"]
ROLES: tuple[Role, ...] = ("teacher", "student", "reference", "simple")
#: what the inputs are for. teach: the teacher learns from their truth. learn: the teacher labels
#: them, and students learn from that. more: beyond them, for what learns from one label each at the
#: same cost. pilot: for the search before the study, which never uses them again.
PARTS = ("pilot", "teach", "learn", "more", "test")
S = TypeVar("S")


class Published(NamedTuple):
    """A figure of the field's literature, to be shown beside ours."""

    what: str
    value: float
    unit: str
    source: str
    differs: str


@dataclass(frozen=True)
class Data:
    """N true pairs of a study.

    Attributes:
        inputs: each [N,...], float, or integer where it counts or names.
        truth: float [N,...]; of ``probabilities``, 1 in the column of the class.
        cluster: [N], labels of what was drawn independently: members of one stay in one part, and
            intervals go over clusters.
        part: [N], names of :data:`PARTS`, where the data prescribe the split, as times do; the
            engine splits by cluster where it is not given.
    """

    inputs: Inputs
    truth: np.ndarray
    cluster: np.ndarray
    part: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def select(self, which: np.ndarray) -> "Data":
        """Some of them, by places or by a mask."""
        part = None if self.part is None else self.part[which]
        return Data(take(self.inputs, which), self.truth[which], self.cluster[which], part)


class Study(ABC, Generic[S]):
    """One question: data, a group of presentations, and nets of three roles.

    Laws (tested for every study that is registered):

    - ``residual`` of true pairs stays within ``tolerance`` when they are presented otherwise:
      ``apply`` and ``carry`` make true pairs of true pairs;
    - ``restore`` undoes ``carry``, and ``canonical`` gives all views of an input one form;
    - ``whole`` has no repeats, and has the given presentation among its own;
    - teacher and student see the same features, by :meth:`features` and by what their answers
      depend on;
    - the reference net's answers do not depend on the view, beyond rounding; the teacher's do, or
      the study is ``void``.
    """

    #: one line for lists: what is asked of what
    about: ClassVar[str]
    #: other presentations of an input, in words
    symmetry: ClassVar[str]
    #: what several inputs are called
    noun: ClassVar[str]
    #: what was drawn independently of the others: several of what ``cluster`` names
    independent: ClassVar[str]
    #: of the answers; empty where they have none
    unit: ClassVar[str] = ""
    answer: ClassVar[Literal["values", "probabilities"]] = "values"
    #: what it cannot make itself
    needs: ClassVar[str] = "nothing"
    #: most that ``residual`` may be of a true pair, in its own unit
    tolerance: ClassVar[float] = 1e-5
    #: one number, or few, that a field predicts by where it has no net: what a net of the role
    #: ``simple`` sees alone; empty where there is none
    simple: ClassVar[str] = ""
    #: a further figure, by which a field compares: what :meth:`score` is called
    score_name: ClassVar[str] = ""
    published: ClassVar[tuple[Published, ...]] = ()

    def __init__(self, settings: S) -> None:
        """``settings`` are those of the study in the config."""
        self.settings = settings

    @abstractmethod
    def data(self, rng: np.random.Generator) -> Data:
        """The pairs: made here, or read from the file that the settings name.

        Where its packages have an environment of their own (``environment`` of the settings, a file
        of ``envs/``), ``scripts/study_data/{kind}.py`` is run there and writes the file that
        :func:`read_data` reads; the engine does not come here.

        Raises:
            LimbeckError: the file is not what it should be.
        """

    @abstractmethod
    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        """A random operation for each input, uniform over the group: identity only by chance."""

    def whole(self, inputs: Inputs) -> np.ndarray | None:
        """All operations of each input, [G,N,...], where they are few; else None."""
        return None

    @abstractmethod
    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        """The inputs as ``ops`` present them. The arrays given stay as they are."""

    def carry(self, ops: Ops, answers: np.ndarray) -> np.ndarray:
        """The answers [N,...] to inputs as given, as they are for these presentations of them."""
        return answers

    def restore(self, ops: Ops, answers: np.ndarray) -> np.ndarray:
        """The way back: answers to presentations, as they are for the inputs as given."""
        return answers

    def canonical(self, inputs: Inputs) -> Ops | None:
        """The operation that brings each input into a form that all its views share: sorted,
        wrapped, centred. The free rival of averaging; None where there is none."""
        return None

    @abstractmethod
    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        """How far each pair is from a true one, [N], at least 0: from its equation solved anew, or
        from what all data of the kind have in common."""

    def score(self, answers: np.ndarray, truth: np.ndarray) -> float:
        """The further figure of a study that names one, of answers [N,...]."""
        raise NotImplementedError(f"{type(self).__name__} has no score")

    @abstractmethod
    def features(self, inputs: Inputs) -> np.ndarray:
        """What all nets are shown, float32 [N,...], of a size around 1."""

    @abstractmethod
    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        """A new net, from features [N,*shape] to answers [N,*outputs].

        ``reference`` is invariant, or equivariant, by construction; ``simple`` is asked for where
        the study names one. Of ``probabilities`` the
        answers are logits. Weights start from torch's random numbers, which the engine seeds.
        """


def take(inputs: Inputs, which: np.ndarray) -> Inputs:
    """Some of the inputs, by places or by a mask."""
    return {name: values[which] for name, values in inputs.items()}


def require_hash(path: str | Path, sha256: str | None) -> None:
    """Refuse a file that is another than the config says; any where it says nothing.

    Raises:
        LimbeckError: it is missing, or another.
    """
    if sha256 and (found := sha256_of(path)) != sha256:
        raise LimbeckError(f"{path}: its SHA-256 is {found}, expected {sha256}, as the config has")


def write_data(path: str | Path, data: Data, attributes: dict[str, str] | None = None) -> None:
    """Write pairs as :func:`read_data` reads them."""
    import h5py

    arrays = {f"inputs/{name}": values for name, values in data.inputs.items()}
    arrays |= {"truth": data.truth, "cluster": np.asarray(data.cluster)}
    if data.part is not None:
        arrays["part"] = data.part
    with whole_file(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        for name, values in arrays.items():
            plain = np.char.encode(values, "utf-8") if values.dtype.kind == "U" else values
            file.create_dataset(name, data=plain, chunks=plain.shape or None, fletcher32=True)
        for name, value in (attributes or {}).items():
            file.attrs[name] = np.bytes_(value)


def read_data(path: str | Path) -> Data:
    """Read the pairs of a study: ``inputs/{name}`` [N,...], ``truth`` [N,...], ``cluster`` [N], and
    ``part`` [N] where the split is prescribed.

    Raises:
        LimbeckError: the file is missing, damaged, or holds something else.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if missing := {"inputs", "truth", "cluster"} - set(file):
                text = "expected inputs/, truth and cluster"
                raise LimbeckError(f"{path}: no {', '.join(sorted(missing))} in it; {text}")
            inputs = {name: values[()] for name, values in file["inputs"].items()}
            part = np.char.decode(file["part"][()], "utf-8") if "part" in file else None
            data = Data(inputs, file["truth"][()], file["cluster"][()], part)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise LimbeckError(f"{path}: not a readable HDF5 file of a study: {error}") from error
    _check(path, data)
    return data


def _check(path: str | Path, data: Data) -> None:
    """Equal lengths, finite numbers, known parts."""
    arrays = {f"inputs/{name}": v for name, v in data.inputs.items()} | {"cluster": data.cluster}
    if data.part is not None:
        arrays["part"] = data.part
        if unknown := set(data.part.tolist()) - set(PARTS):
            text = f"part: {', '.join(sorted(unknown))}, expected {', '.join(PARTS)}"
            raise LimbeckError(f"{path}: {text}")
    for name, values in arrays.items():
        if len(values) != len(data):
            raise LimbeckError(f"{path}: {len(values)} of {name}, expected {len(data)}, as truth")
    for name, values in {**arrays, "truth": data.truth}.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
            text = f"{len(rows)} rows of {name} are not finite, the first is {rows[0]}"
            raise LimbeckError(f"{path}: {text}")
