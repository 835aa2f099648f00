"""What a slow encoder made of its inputs, stored by content: asked once, whoever asks again.

The name of a file is a hash of the encoder (its weights, layer, pooling: all that its answer
depends on), and the key of a row that of the input's bytes. Nothing is ever unpickled.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from limbeck.errors import Unfit
from limbeck.files import whole_file

#: inputs -> their latents [N,...], float32
Encode = Callable[[Sequence[bytes]], np.ndarray]


class Latents:
    """Latents of one encoder in one file of a folder."""

    def __init__(self, folder: str | Path, encoder: str) -> None:
        """``encoder`` is all that its answers depend on, in one text."""
        name = hashlib.sha256(encoder.encode()).hexdigest()
        self.path = Path(folder) / f"{name[:32]}.h5"
        self._known: dict[bytes, np.ndarray] | None = None

    def of(self, inputs: Sequence[bytes], encode: Encode) -> np.ndarray:
        """Latents of inputs [N,...]; only those that are not known are encoded, each once.

        Raises:
            Unfit: the file is damaged; it can be deleted.
        """
        known = self._read() if self._known is None else self._known
        keys = [hashlib.sha256(each).digest() for each in inputs]
        new = {k: each for k, each in zip(keys, inputs, strict=True) if k not in known}
        if new:
            made = encode(list(new.values())).astype(np.float32)
            known |= dict(zip(new, made, strict=True))
            self._write(known)
        self._known = known
        return np.stack([known[key] for key in keys])

    def _read(self) -> dict[bytes, np.ndarray]:
        import h5py

        if not self.path.exists():
            return {}
        try:
            with h5py.File(self.path, "r") as file:
                keys, values = file["keys"][()], file["values"][()]
        except (KeyError, OSError, RuntimeError) as error:
            raise Unfit(self.path, f"not a readable HDF5 file of latents: {error}") from error
        if keys.shape != (len(values), 32):
            raise Unfit(self.path, f"{list(keys.shape)} keys of {len(values)} latents")
        return {key.tobytes(): value for key, value in zip(keys, values, strict=True)}

    def _write(self, known: dict[bytes, np.ndarray]) -> None:
        import h5py

        keys = np.frombuffer(b"".join(known), dtype=np.uint8).reshape(-1, 32)
        with whole_file(self.path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
            for name, values in (("keys", keys), ("values", np.stack([*known.values()]))):
                file.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
