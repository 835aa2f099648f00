"""Rotations and reflections together."""

import numpy as np

from limbeck.frames import Frames
from limbeck.symmetry.orthogonal import Orthogonal
from limbeck.symmetry.rotation import haar_rotations


class Reflection(Orthogonal):
    """O(3): a rotation from the Haar measure, mirrored with probability 1/2.

    Mirror images do not form a group by themselves, and a spread over them alone is blind to
    what it should find: an answer that changes in a mirror, but not in a rotation, is the same in
    all of them. Over O(3) the variance is that over rotations plus a quarter of the squared
    difference between the mean over rotations and the mean over mirror images (where the spread
    is the same in both); so this gap is as large as that of rotation, or larger, and what is
    above it is what averaging over rotations does not mend.
    """

    name = "reflection"
    about = "the structure turned, and mirrored half of the time"

    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> np.ndarray:
        """float64 [k,3,3], determinant 1 or -1."""
        return mirror_some(haar_rotations(k, rng), rng)


def mirror_some(rotations: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each rotation [k,3,3] times a mirror (z -> -z) with probability 1/2."""
    signs = rng.choice([-1.0, 1.0], size=len(rotations))
    mirrors = np.tile(np.eye(3), (len(rotations), 1, 1))
    # Any one mirror will do: times a Haar rotation, all improper matrices are equally likely.
    mirrors[:, 2, 2] = signs
    return rotations @ mirrors


def random_improper(k: int, rng: np.random.Generator) -> np.ndarray:
    """k rotations times a mirror: determinant -1, each equally likely. float64 [k,3,3]."""
    return haar_rotations(k, rng) @ np.diag([1.0, 1.0, -1.0])
