"""Every random number of Limbeck starts here.

A stage asks for the generator of its own name, so adding a source or a shard never
moves the numbers of another one.
"""

import hashlib

import numpy as np


def seed_sequence(run_seed: int, name: str) -> np.random.SeedSequence:
    """Seed of one part of a run, e.g. ``name="sample_md/md-300/rocksalts/0"``."""
    # A hash, not Python's hash(): that one changes from process to process. Little-endian on
    # purpose, so that every machine draws the same numbers.
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
    return np.random.SeedSequence([run_seed, *words.tolist()])


def generator(run_seed: int, name: str) -> np.random.Generator:
    """numpy generator of one part of a run."""
    return np.random.default_rng(seed_sequence(run_seed, name))


def first_by_hash(ids: np.ndarray, purpose: str, count: int) -> np.ndarray:
    """Places of the first ``count`` of some ids, in the order of a hash of the purpose and each.

    Those of a smaller number are the first of those of a larger, and ids beside them change
    nothing else. Bytes [B] -> int64 [count].
    """
    hashes = [hashlib.sha256(f"{purpose}/".encode() + name).digest() for name in ids.tolist()]
    order = sorted(range(len(ids)), key=hashes.__getitem__)
    return np.array(order[:count], dtype=np.int64)


def torch_seed(run_seed: int, name: str) -> int:
    """A 63-bit integer for ``torch.Generator.manual_seed`` and libraries that take one number."""
    # shifted by one bit: not negative where a library reads it as a signed 64-bit integer either
    return int(seed_sequence(run_seed, name).generate_state(1, np.uint64)[0] >> np.uint64(1))


def frame_generator(frame_id: bytes | str, purpose: str) -> np.random.Generator:
    """numpy generator that depends on a frame's id alone.

    A frame's views come from it, so that its label depends neither on the run nor on the
    shard it stands in.
    """
    text = frame_id.decode() if isinstance(frame_id, bytes) else str(frame_id)
    return generator(0, f"{purpose}/{text}")
