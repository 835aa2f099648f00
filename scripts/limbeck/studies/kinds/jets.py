"""Quark or gluon jets: how one is turned about its axis says nothing of what it came from."""

from pathlib import Path

import numpy as np
import torch
from scipy.stats import mannwhitneyu
from torch import Tensor, nn

from limbeck.config.sections.studies.jets import JetsSettings
from limbeck.errors import LimbeckError
from limbeck.studies.nets import DeepSet, Dense, Through, mlp
from limbeck.studies.study import Data, Inputs, Ops, Published, Role, Study, require_hash

#: radius of the jets: offsets from the axis are shown in units of it
RADIUS = 0.4
#: momenta are shown as shares of the jet's, times this
LARGER = 10.0
#: particles of a jet, on average, and how far most are from it: for numbers around 1
MANY, SPREAD = 40.0, 15.0


class Jets(Study[JetsSettings]):
    """Nets are shown a jet's particles and asked whether it came from a gluon or a quark.

    Turns are those of the plane of rapidity and azimuth, about the mean of the particles' places by
    transverse momentum. The class is untouched. The distribution of jets is invariant but for
    colour ties to the beams, and for the square of the jet's radius, as the plane is not flat.
    """

    about = "whether a jet came from a quark or a gluon, and how it is turned about its axis"
    symmetry = "turns about the jet's axis; as a control, other orders of its particles"
    noun = "jets"
    independent = "collision events"
    answer = "probabilities"
    needs = "pythia8mc and fastjet to make jets, or a file of EnergyFlow's qg_jets"
    simple = "the number of particles"
    score_name = "AUC"
    #: rapidity: the particles' mean is not quite the jet's
    tolerance = 0.02
    published = (
        Published(
            "AUC of a particle-flow net without particle types",
            0.891,
            "",
            "Komiske, Metodiev, Thaler, arXiv 1810.05165",
            "trained on some million jets; here on some thousand",
        ),
    )

    def data(self, rng: np.random.Generator) -> Data:
        own = self.settings
        if not own.path:
            text = "nothing, expected a file: scripts/study_data/jets.py makes jets, in envs/"
            raise LimbeckError(f"studies.{own.name}.path: {text}{own.environment}.yaml")
        require_hash(own.path, own.sha256)
        particles, quark = _read(Path(own.path), own.count)
        kept = hardest(particles, own.max_particles)
        return Data({"particles": kept}, np.eye(2)[quark], np.arange(len(quark)))

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        n, most, _ = inputs["particles"].shape
        if self.settings.view == "permute":
            return rng.permuted(np.broadcast_to(np.arange(most), (n, most)), axis=1)
        return rng.uniform(0, 2 * np.pi, size=(n,))

    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        particles = inputs["particles"]
        if self.settings.view == "permute":
            return {"particles": np.take_along_axis(particles, ops[..., None], axis=1)}
        there = particles[..., :1] > 0
        centre = self._centre(particles)
        x, y = np.moveaxis(particles[..., 1:] - centre[:, None], -1, 0)
        c, s = np.cos(ops)[:, None], np.sin(ops)[:, None]
        turned = np.stack([c * x - s * y, s * x + c * y], axis=-1) + centre[:, None]
        return {"particles": np.concatenate([particles[..., :1], there * turned], axis=-1)}

    def _centre(self, particles: np.ndarray) -> np.ndarray:
        """What jets are turned about, and seen from, [N,2]."""
        at = axis_of(particles)
        return np.zeros_like(at) if self.settings.axis == "origin" else at

    def canonical(self, inputs: Inputs) -> Ops:
        particles = inputs["particles"]
        if self.settings.view == "permute":  # by momentum, and by place where these are equal
            return np.lexsort(tuple(np.moveaxis(-particles, -1, 0)[::-1]), axis=1)
        pt = particles[..., 0]
        z = particles[..., 1] + 1j * particles[..., 2] - (axis_of(particles) @ [1, 1j])[:, None]
        # the long axis of the momenta's second moments to rapidity, and of its two directions the
        # one with the larger third moment
        angle = -np.angle((pt * z**2).sum(axis=1)) / 2
        along = (z * np.exp(1j * angle)[:, None]).real
        ops: Ops = angle + np.pi * ((pt * along**3).sum(axis=1) < 0)
        return ops

    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        """How far the axis is out of the detector, and the truth from a class."""
        out = np.abs(axis_of(inputs["particles"])[:, 0]) - self.settings.max_rapidity
        classes = np.abs(truth[:, None] - np.eye(2)).max(axis=2).min(axis=1)
        return np.maximum(out, 0) + classes

    def score(self, answers: np.ndarray, truth: np.ndarray) -> float:
        """The share of pairs of a quark and a gluon jet of which the former seems more of one."""
        quark = truth[:, 1] > 0.5
        found = mannwhitneyu(answers[quark, 1], answers[~quark, 1])
        return float(found.statistic / (quark.sum() * (~quark).sum()))

    def features(self, inputs: Inputs) -> np.ndarray:
        """Share of the momentum, and place beside the axis, [N,M,3]."""
        particles = inputs["particles"]
        pt = particles[..., :1]
        beside = (particles[..., 1:] - self._centre(particles)[:, None]) * (pt > 0)
        shares = LARGER * pt / pt.sum(axis=1, keepdims=True)
        return np.concatenate([shares, beside / RADIUS], axis=-1).astype(np.float32)

    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        own = self.settings.training
        size = (outputs[0], own.width, own.layers)
        if role == "simple":
            return Through(multiplicity, mlp(1, *size))
        if role == "reference":
            return DeepSet(3, *size) if self.settings.view == "permute" else _unturned(size)
        if self.settings.teacher.net == "particle_flow":
            return DeepSet(3, *size)
        return Dense(shape, outputs, own.width, own.layers)


def _unturned(size: tuple[int, int, int]) -> nn.Module:
    return Through(distances, DeepSet(2, *size))


def distances(x: Tensor) -> Tensor:
    """Of each particle the share of momentum and the distance from the axis, [N,M,2]."""
    return torch.stack([x[..., 0], x[..., 1:].norm(dim=-1)], dim=-1)


def multiplicity(x: Tensor) -> Tensor:
    """The number of particles, [N,1], less MANY, over SPREAD."""
    return ((x[..., 0] > 0).sum(dim=1, keepdim=True).to(x) - MANY) / SPREAD


def axis_of(particles: np.ndarray) -> np.ndarray:
    """Mean rapidity and azimuth of each jet by transverse momentum, [N,2]."""
    pt = particles[..., :1]
    mean: np.ndarray = (pt * particles[..., 1:]).sum(axis=1) / pt.sum(axis=1)
    return mean


def hardest(particles: np.ndarray, most: int) -> np.ndarray:
    """Transverse momentum, rapidity and azimuth of the hardest particles, [N,M,3], from the hardest
    on; azimuths of a jet lie together, and not at both ends of a turn."""
    order = np.argsort(-particles[..., 0], axis=1, kind="stable")[:, :most]
    kept = np.take_along_axis(particles[..., :3], order[..., None], axis=1).astype(float)
    first = kept[:, :1, 2]
    kept[..., 2] = first + (kept[..., 2] - first + np.pi) % (2 * np.pi) - np.pi
    return np.where(kept[..., :1] > 0, kept, 0.0)


def _read(path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """EnergyFlow's ``X`` [N,M,4] (momentum in GeV, rapidity, azimuth, type) and ``y`` [N], 1 for
    quarks.

    Raises:
        LimbeckError: it is another file, damaged, or has jets of one class only.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if missing := {"X", "y"} - set(file.files):
                found = ", ".join(file.files) or "nothing"
                text = f"expected X and y, as EnergyFlow's qg_jets has; found {found}"
                raise LimbeckError(f"{path}: no {', '.join(sorted(missing))} in it, {text}")
            x, y = file["X"][:count], file["y"][:count]
    except LimbeckError:
        raise
    except Exception as error:  # of zip, zlib and numpy, whatever is damaged
        raise LimbeckError(f"{path}: not a readable npz file of jets: {error}") from error
    if x.ndim != 3 or x.shape[2] < 3 or y.shape != x.shape[:1]:
        text = "expected [jet, particle, 3 or more] and [jet]"
        raise LimbeckError(f"{path}: X is {list(x.shape)} and y {list(y.shape)}, {text}")
    if not np.isin(y, (0, 1)).all() or len(np.unique(y)) < 2:
        found = ", ".join(map(str, np.unique(y)[:5].tolist()))
        text = f"of the first {len(y)} jets, expected both 0 (gluon) and 1 (quark)"
        raise LimbeckError(f"{path}: y is {found} {text}")
    bad = ~np.isfinite(x).all(axis=(1, 2)) | (x[..., 0] < 0).any(axis=1) | ~(x[..., 0] > 0).any(1)
    if bad.any():
        text = "have numbers that are not finite, negative momenta, or no particle"
        raise LimbeckError(
            f"{path}: {bad.sum()} jets {text}; the first is {np.flatnonzero(bad)[0]}"
        )
    return x, y.astype(int)
