"""Fields on a periodic grid, some time later: where the grid begins changes nothing."""

from math import gcd
from pathlib import Path

import numpy as np
from torch import nn

from limbeck.config.sections.studies.pde import PdeSettings
from limbeck.errors import LimbeckError
from limbeck.studies.kinds.integral import shifted, to_origin
from limbeck.studies.nets import Dense, Everywhere, FNO1d, UNet1d
from limbeck.studies.study import Data, Inputs, Ops, Role, Study, require_hash

#: points of the grid that is solved on for each point that is shown: shocks are thinner than the
#: latter
FINER = 8
#: points that the field may be carried by in one time step of the solver
COURANT = 0.8
#: wave numbers of the two waves that a field starts as: without a common divisor, so that no field
#: repeats within the period
WAVES = np.array([(a, b) for a in range(1, 5) for b in range(1, 5) if gcd(a, b) == 1])


class Pde(Study[PdeSettings]):
    """Nets are shown a field and asked for the field at a later time."""

    about = "the solution of a differential equation, and where its periodic grid begins"
    symmetry = "shifts of a periodic grid, the whole group"
    noun = "fields"
    independent = "trajectories"
    tolerance = 1e-6

    def data(self, rng: np.random.Generator) -> Data:
        own = self.settings
        if own.path:
            return self._read(Path(own.path))
        u = self._initial(rng)
        return Data({"u": u}, self._later(u), np.arange(len(u)))

    def _initial(self, rng: np.random.Generator) -> np.ndarray:
        """A sum of two waves of wave numbers 1 to 4, much as PDEBench's (without its windows)."""
        own = self.settings
        x = np.arange(own.points) / own.points
        k = WAVES[rng.integers(len(WAVES), size=own.count)][:, :, None]
        size, phase = rng.uniform(0, 1, k.shape), rng.uniform(0, 2 * np.pi, k.shape)
        return (size * np.sin(2 * np.pi * k * x + phase)).sum(axis=1)

    def _later(self, u: np.ndarray) -> np.ndarray:
        """The field after the time of the settings, solved in Fourier space."""
        own = self.settings
        n = u.shape[1]
        if own.equation == "advection":
            wave = 2j * np.pi * np.fft.rfftfreq(n, 1 / n)
            return np.fft.irfft(np.fft.rfft(u) * np.exp(-own.speed * own.time * wave), n)
        fine = n * FINER
        k = np.fft.rfftfreq(fine, 1 / fine)
        wave = 2j * np.pi * k
        spectrum = np.zeros((len(u), len(k)), dtype=complex)
        spectrum[:, : n // 2 + 1] = FINER * np.fft.rfft(u)
        # of an even number of points the last mode is shared by both signs
        spectrum[:, n // 2] *= 0.5 if n % 2 == 0 else 1.0
        steps = int(np.ceil(own.time * fine / COURANT * max(np.abs(u).max(), 1e-3)))
        h = own.time / steps
        decay = np.exp(-own.viscosity / np.pi * (2 * np.pi * k) ** 2 * h / 2)
        kept = k < fine / 3  # the two-thirds rule: products of others alias

        def slope(s: np.ndarray) -> np.ndarray:
            return -0.5 * wave * kept * np.fft.rfft(np.fft.irfft(s * kept, fine) ** 2)

        for _ in range(steps):  # Runge-Kutta with the viscous term exact (integrating factor)
            a = slope(spectrum)
            half = decay * spectrum
            b = slope(half + h / 2 * decay * a)
            c = slope(half + h / 2 * b)
            d = slope(decay * (half + h * c))
            spectrum = decay * (half + h / 6 * (decay * a + 2 * (b + c))) + h / 6 * d
        return np.fft.irfft(spectrum, fine)[:, ::FINER]

    def _read(self, path: Path) -> Data:
        """Trajectories of a file of PDEBench's layout, with or without groups train and test.

        Raises:
            LimbeckError: it is not of this layout, or its grid not evenly spaced.
        """
        import h5py

        own, keys = self.settings, self.settings.keys
        require_hash(path, own.sha256)
        try:
            with h5py.File(path, "r") as file:
                place = file if keys.u in file else file.get("train", {})
                if keys.u not in place:
                    text = f"found {', '.join(file)}; studies.{own.name}.keys.u names it"
                    raise LimbeckError(f"{path}: no array {keys.u} in it, {text}")
                field = place[keys.u]
                if field.ndim != 3 or own.to_step >= field.shape[1]:
                    text = f"with more than to_step, {own.to_step}, times"
                    raise LimbeckError(
                        f"{path}: {keys.u} is {list(field.shape)}, expected [trajectory, time, "
                        f"point] {text}"
                    )
                points = field.shape[2]
                x = place[keys.x][()] if keys.x in place else np.arange(points)
                # every so many points, so that the period stays whole
                thin = next(
                    n for n in range(1, points + 1) if points % n == 0 and points <= n * own.points
                )
                u, later = (field[: own.count, t, ::thin] for t in (own.from_step, own.to_step))
        except (OSError, RuntimeError, TypeError) as error:
            raise LimbeckError(f"{path}: not a readable HDF5 file: {error}") from error
        if len(x) != points or not np.allclose(np.diff(x), x[1] - x[0], rtol=1e-3):
            raise LimbeckError(
                f"{path}: {keys.x} is not {points} evenly spaced places, expected a uniform grid"
            )
        for name, values in ((own.from_step, u), (own.to_step, later)):
            if not np.isfinite(values).all():
                text = f"{int((~np.isfinite(values)).any(axis=1).sum())} trajectories"
                raise LimbeckError(f"{path}: {text} are not finite at time {name}")
        return Data({"u": u.astype(float)}, later.astype(float), np.arange(len(u)))

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        n, points = inputs["u"].shape
        most = self.settings.max_shift
        low, high = (0, points) if most is None else (-most, most + 1)
        return rng.integers(low, high, size=(n,))

    def whole(self, inputs: Inputs) -> np.ndarray | None:
        n, points = inputs["u"].shape
        if self.settings.max_shift is not None:
            return None
        return np.broadcast_to(np.arange(points)[:, None], (points, n))

    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        return {"u": shifted(inputs["u"], ops)}

    def carry(self, ops: Ops, answers: np.ndarray) -> np.ndarray:
        return shifted(answers, ops)

    def restore(self, ops: Ops, answers: np.ndarray) -> np.ndarray:
        return shifted(answers, -ops)

    def canonical(self, inputs: Inputs) -> Ops:
        return to_origin(inputs["u"])

    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        if self.settings.path:  # its solver is not here
            return np.zeros(len(truth))
        return np.abs(self._later(inputs["u"]) - truth).max(axis=1)

    def features(self, inputs: Inputs) -> np.ndarray:
        return inputs["u"].astype(np.float32)

    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        own, net = self.settings.training, self.settings.teacher
        # the reference net is the teacher's without what breaks the symmetry
        periodic = role == "reference"
        if net.net == "fno":
            grid, padding = (False, 0) if periodic else (net.grid, net.padding)
            return FNO1d(1, own.width, own.layers, net.modes, grid=grid, padding=padding)
        if net.net == "unet":
            return UNet1d(1, own.width, periodic=periodic)
        if periodic:
            return Everywhere(Dense(shape, (1,), own.width, own.layers))
        return Dense(shape, outputs, own.width, own.layers)
