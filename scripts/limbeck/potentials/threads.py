"""How many CPU threads a job uses. Bits depend on it, so it is set and not left to chance."""

import os


def use_threads(count: int) -> None:
    """Set the threads of every numerical library; call it before they are imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(count)
    import torch

    torch.set_num_threads(count)
