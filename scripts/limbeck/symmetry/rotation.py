"""Proper rotations."""

import numpy as np
from scipy.spatial.transform import Rotation as ScipyRotation

from limbeck.frames import Frames
from limbeck.symmetry.orthogonal import Orthogonal


class Rotation(Orthogonal):
    """SO(3): rotations from the Haar measure."""

    name = "rotation"
    about = "the structure turned, every orientation equally likely"

    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> np.ndarray:
        """float64 [k,3,3], determinant 1."""
        return haar_rotations(k, rng)


def haar_rotations(k: int, rng: np.random.Generator) -> np.ndarray:
    """k rotations, every orientation equally likely. float64 [k,3,3]."""
    # scipy draws uniform unit quaternions, which is the Haar measure. Uniform Euler angles would
    # not be.
    return ScipyRotation.random(k, rng=rng).as_matrix()
