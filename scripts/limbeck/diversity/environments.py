"""Information entropy of local environments, and how much those of one set are among another's.

By QUESTS (Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025)): an environment i is a vector x_i of
inverse distances to its neighbours and among them; elements play no part. With the kernel
K_ij = exp(-|x_i - x_j|^2 / 2 h^2), the entropy of N environments is

    H = -1/N sum_i ln(1/N sum_j K_ij)      (nats; 0 where all are alike, ln N where no two are)

and an environment of A is among those of B where sum_j K_ij >= 1 over B, that is, where its
surprise -ln sum_j K_ij is not above 0; the overlap of A with B is the share of such environments.

H costs N^2, and so a bounded number of environments is drawn, a few of each structure. Its interval
is that of a jackknife over blocks of roots, since environments of one root are alike: H without
block b follows from the sums over each block, so that the kernel is worked out once. (A bootstrap
would put twins into the set, which lower H by themselves.)
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from limbeck.diversity.subsample import blocks
from limbeck.frames import Frames
from limbeck.seeds import frame_generator

#: bandwidth h, 1/Angstrom, neighbours and cutoff, Angstrom, as published
BANDWIDTH, NEIGHBOURS, CUTOFF_A = 0.015, 32, 5.0
#: structures that environments are drawn from; of fewer roots than blocks there are as many blocks
MOST_FRAMES, BLOCKS = 2000, 20
#: environments of a kernel matrix at once
_BATCH = 2000


@dataclass(frozen=True)
class Environments:
    """Environments drawn from structures.

    Attributes:
        vectors: float64 [N,63], 1/Angstrom.
        source: bytes [N], of their structures.
        block: int64 [N], of their roots.
    """

    vectors: np.ndarray
    source: np.ndarray
    block: np.ndarray


def draw(frames: Frames, count: int) -> Environments:
    """At most ``count`` environments, as many of each structure as there are, or its share.

    Args:
        frames: a subsample, see :class:`limbeck.diversity.subsample.Subsample`.
    """
    from quests.descriptor import get_descriptors

    frames = frames.select(np.arange(min(len(frames), count)))
    share, more = divmod(count, max(len(frames), 1))
    vectors, of_frame = [np.zeros((0, 2 * NEIGHBOURS - 1))], []
    for b, atoms in enumerate(frames.to_atoms()):
        found = get_descriptors([atoms], k=NEIGHBOURS, cutoff=CUTOFF_A)
        number = min(len(atoms), share + (b < more))
        chosen = frame_generator(frames.id[b], "environments").permutation(len(atoms))[:number]
        vectors.append(found[np.sort(chosen)])
        of_frame += [b] * number
    block = blocks(frames.root, BLOCKS)
    return Environments(np.concatenate(vectors), frames.source[of_frame], block[of_frame])


def kernel_sums(found: Environments) -> tuple[np.ndarray, list[tuple[bytes, int]]]:
    """Sums of the kernel over each source and block. float64 [N,G], and the G columns' names."""
    from quests.entropy import kernel_sum

    names = sorted(set(zip(found.source.tolist(), found.block.tolist(), strict=True)))
    columns = []
    for source, block in names:
        part = found.vectors[(found.source == source) & (found.block == block)]
        columns.append(kernel_sum(found.vectors, part, h=BANDWIDTH, batch_size=_BATCH))
    return np.stack(columns, axis=1) if columns else np.zeros((0, 0)), names


def entropy(sums: np.ndarray, block: np.ndarray) -> tuple[float, float, float]:
    """H in nats, and the ends of its 95 % interval over blocks of roots; NaN where there is none.

    Args:
        sums: [N,G], over the G blocks of these N environments.
        block: int [N], column of each environment's own block.
    """
    count = len(sums)
    whole = _mean_surprise(sums.sum(axis=1), count)
    groups = sums.shape[1]
    if groups < 2:
        return whole, np.nan, np.nan
    left = np.empty(groups)
    for b in range(groups):
        others = block != b
        rest = sums[others].sum(axis=1) - sums[others, b]
        left[b] = _mean_surprise(rest, int(others.sum()))
    error = np.sqrt((groups - 1) / groups * ((left - left.mean()) ** 2).sum())
    arm = stats.t.ppf(0.975, groups - 1) * error
    return whole, whole - arm, whole + arm


def _mean_surprise(sums: np.ndarray, count: int) -> float:
    return float(-np.log(np.maximum(sums, np.finfo(float).tiny) / count).mean()) + 0.0


def overlap(sums: np.ndarray) -> float:
    """Share of environments that are among those of another set.

    Args:
        sums: [N], of the kernel over the other set.
    """
    # a hair below 1, which is what a twin alone gives
    return float((sums >= 1 - 1e-6).mean())


def measure(frames: Frames, count: int) -> dict[str, object]:
    """Entropy by source and of all, and the overlap of each source with each other.

    Returns:
        ``{"environments", "entropy_nats": {source or "all": [value, low, high]},
        "overlap": {source: {other: share}}}``.
    """
    found = draw(frames, count)
    sums, names = kernel_sums(found)
    of_source = np.array([source for source, _ in names])
    place = {block: i for i, block in enumerate(sorted({b for _, b in names}))}
    joined = np.zeros((len(sums), len(place)))
    for column, (_, block) in zip(sums.T, names, strict=True):
        joined[:, place[block]] += column
    whole = {"all": entropy(joined, np.array([place[b] for b in found.block.tolist()], int))}
    shared: dict[str, dict[str, float]] = {}
    for source in dict.fromkeys(of_source.tolist()):
        rows, own = found.source == source, np.flatnonzero(of_source == source)
        column = {names[i][1]: k for k, i in enumerate(own)}
        own_block = np.array([column[b] for b in found.block[rows].tolist()])
        whole[source.decode()] = entropy(sums[rows][:, own], own_block)
        shared[source.decode()] = {
            other.decode(): overlap(sums[rows][:, of_source == other].sum(axis=1))
            for other in dict.fromkeys(of_source.tolist())
            if other != source
        }
    return {"environments": len(sums), "entropy_nats": whole, "overlap": shared}
