"""Devices: whether one is present, and errors that mean no memory or a lost device."""

import logging
import re

from limbeck.errors import LimbeckError

log = logging.getLogger(__name__)

#: names of devices that are asked for
_NAMES = re.compile(r"cpu|cuda(:[0-9]+)?")
#: what torch's CPU allocator and libraries below it say in a plain RuntimeError
_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
#: what a CUDA context says that does not work any more
_LOST = ("CUDA error", "CUDA driver error", "No CUDA GPUs are available", "NVML")


class DeviceLost(LimbeckError):
    """The device went away in the middle of a calculation."""


def present(device: str, lost_device: str) -> str:
    """The device to calculate on: the one that was asked for, where it is there.

    Args:
        device: a torch device name.
        lost_device: "stop", or "cpu" to go on there with a warning.

    Raises:
        LimbeckError: it is not there.
    """
    import torch

    if not device.startswith("cuda") or torch.cuda.is_available():
        return device
    if lost_device == "cpu":
        log.warning("device: %s is not there; going on with the CPU", device)
        return "cpu"
    raise LimbeckError(
        f"device: {device} was asked for, but torch finds no GPU here; expected a machine that "
        "has one, or device: cpu, or lost_device: cpu to go on without"
    )


def checked(device: str) -> str:
    """A device that a program asks for, once it is there.

    Args:
        device: cpu, cuda, or cuda:N.

    Raises:
        LimbeckError: it is no such name, or this machine has no such device.
    """
    import torch

    name = str(device)
    if not _NAMES.fullmatch(name):
        raise LimbeckError(f"device: {name!r}, expected 'cpu', 'cuda', or a GPU such as 'cuda:0'")
    if name == "cpu":
        return name
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        raise LimbeckError(
            f"device: {name!r} was asked for, but torch finds no GPU here; expected 'cpu', or a "
            "machine that has one"
        )
    if int(name.partition(":")[2] or 0) >= count:
        raise LimbeckError(
            f"device: {name!r} was asked for, but the last GPU here is 'cuda:{count - 1}'"
        )
    return name


def out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, so that a smaller batch might work."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(t in str(error) for t in _NO_MEMORY)


def lost(error: Exception) -> bool:
    """Whether the device itself is lost, so that no batch will work."""
    import torch

    # "CUDA error: out of memory" has the words of both lists.
    if out_of_memory(error):
        return False
    if isinstance(error, torch.AcceleratorError):
        return True
    return isinstance(error, RuntimeError) and any(t in str(error) for t in _LOST)


def free_memory() -> None:
    """Return the memory that torch caches to the GPU, so that a smaller batch can use all of it."""
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
