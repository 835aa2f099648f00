"""Number of CPU threads of a job. The last bits of answers depend on it, so it is always set."""

import os


def use_threads(count: int) -> None:
    """Set the threads of every numerical library; call it before they are imported."""
    # OpenMP, MKL and OpenBLAS read these when they are loaded, so that a later change has no
    # effect.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(count)
    import torch

    torch.set_num_threads(count)
